"""What a payment of Intacct comes to: answers of the gateway on one side, receipts of Scoro on the other."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from clients.intacct.parse import parse
from workers.pull.payments import PaidDocument, Receipt, Understood, keys_of, understand

INVOICE = PaidDocument(1, "invoice INV-1", "GBP")
SECOND = PaidDocument(2, "invoice INV-2", "GBP")
CREDIT = PaidDocument(3, "credit invoice CR-1", "GBP")
KNOWN = {("ARINVOICE", "101"): INVOICE, ("ARINVOICE", "102"): SECOND, ("ARADJUSTMENT", "201"): CREDIT}
BILL = {("APBILL", "101"): INVOICE, ("APADJUSTMENT", "201"): CREDIT}
STARTS = date(2026, 3, 1)

ANSWER = """<?xml version="1.0" encoding="UTF-8"?><response><control><status>success</status><senderid>s</senderid>
<controlid>c</controlid></control><operation><authentication><status>success</status><userid>u</userid>
<companyid>c</companyid></authentication><result><status>success</status><function>query</function>
<controlid>q</controlid><data listtype="{object}" totalcount="{count}" offset="0" count="{count}" numremaining="0">
{rows}</data></result></operation></response>"""


def rows(object_name: str, *records: dict[str, str]) -> list[Any]:
    """Records as the gateway tells them."""
    told = "".join(
        f"<{object_name}>{''.join(f'<{name}>{text}</{name}>' for name, text in record.items())}</{object_name}>"
        for record in records
    )
    answer = ANSWER.format(object=object_name, count=len(records), rows=told)
    return list(parse(answer.encode()).results["q"].rows)


def header(**fields: str) -> dict[str, str]:
    """A header of ARPYMT."""
    return {
        "RECORDNO": "501",
        "FINANCIALENTITY": "BOA",
        "STATE": "C",
        "DOCNUMBER": "RCPT-9",
        "WHENCREATED": "03/05/2026",
        "RECEIPTDATE": "03/05/2026",
        "CURRENCY": "GBP",
        **fields,
    }


def detail(recordno: str = "601", **fields: str) -> dict[str, str]:
    """A detail of it that pays invoice 101."""
    return {
        "RECORDNO": recordno,
        "RECORDKEY": "101",
        "POSADJKEY": "",
        "ADJUSTMENTKEY": "",
        "PAYMENTKEY": "501",
        "PAYMENTDATE": "03/05/2026",
        "TRX_PAYMENTAMOUNT": "125.00",
        "TRX_ADJUSTMENTAMOUNT": "",
        "CURRENCY": "GBP",
        "STATE": "C",
        **fields,
    }


def receipt(document: PaidDocument, amount: str, **fields: Any) -> Receipt:
    """What is to stand in Scoro."""
    given = {"currency": "GBP", "date": date(2026, 3, 5), "bank": "BOA", "number": "RCPT-9", **fields}
    return Receipt(document, Decimal(amount), **given)


def read(
    head: dict[str, str] | None, *details: dict[str, str], payment: str = "ARPYMT", known: Any = None
) -> Understood:
    """Read a payment as it is told in XML."""
    told = rows(f"{payment}DETAIL", *details)
    heads = rows(payment, head) if head else [None]
    by_number = {int(row["RECORDNO"]): row for row in told}
    return understand(payment, heads[0], by_number, known or KNOWN, STARTS)


CASES: dict[str, tuple[Understood, list[Receipt]]] = {
    "whole": (read(header(), detail()), [receipt(INVOICE, "125.00")]),
    "a part, by lines": (
        read(header(), detail(TRX_PAYMENTAMOUNT="20.5"), detail("602", TRX_PAYMENTAMOUNT="4.25")),
        [receipt(INVOICE, "24.75")],
    ),
    "several documents": (
        read(header(), detail(), detail("602", RECORDKEY="102", TRX_PAYMENTAMOUNT="1.00")),
        [receipt(INVOICE, "125.00"), receipt(SECOND, "1.00")],
    ),
    "a credit alone": (
        read(
            header(FINANCIALENTITY=""),
            detail(TRX_PAYMENTAMOUNT="0.00", ADJUSTMENTKEY="201", TRX_ADJUSTMENTAMOUNT="40.00"),
        ),
        [receipt(INVOICE, "40.00", bank=""), receipt(CREDIT, "-40.00", bank="")],
    ),
    "money and a credit": (
        read(header(), detail(TRX_PAYMENTAMOUNT="85.00", ADJUSTMENTKEY="201", TRX_ADJUSTMENTAMOUNT="40.00")),
        [receipt(INVOICE, "125.00"), receipt(CREDIT, "-40.00")],
    ),
    "another currency": (
        read(header(CURRENCY="EUR"), detail(CURRENCY="EUR")),
        [receipt(INVOICE, "125.00", currency="EUR")],
    ),
    "a bill": (
        read(header(RECEIPTDATE=""), detail(), payment="APPYMT", known=BILL),
        [receipt(INVOICE, "125.00")],
    ),
    "without a number": (read(header(DOCNUMBER=""), detail()), [receipt(INVOICE, "125.00", number="501")]),
    "a draft": (read(header(STATE="D"), detail(STATE="D")), []),
    "a draft in words": (read(header(STATE="Draft"), detail()), []),
    "not approved": (read(header(STATE="Submitted"), detail()), []),
    "voided": (read(header(STATE="V"), detail(STATE="V")), []),
    "reversed in words": (read(header(STATE="Reversed"), detail()), []),
    "one of two taken back": (
        read(header(), detail(), detail("602", RECORDKEY="102", STATE="V")),
        [receipt(INVOICE, "125.00")],
    ),
    "before the start": (read(header(RECEIPTDATE="02/28/2026"), detail()), []),
    "no header seen yet": (read(None, detail()), []),
}


@pytest.mark.parametrize("case", CASES)
def test_a_payment_comes_to_its_receipts(case: str) -> None:
    understood, expected = CASES[case]
    assert list(understood.receipts) == expected
    assert not understood.unknown


def test_details_of_documents_that_are_not_ours_are_told() -> None:
    understood = read(header(), detail(RECORDKEY="999"), detail("602"))
    assert [row.paid for row in understood.receipts] == [INVOICE]
    assert understood.unknown == {601}


def test_the_records_that_a_payment_names_are_asked_for() -> None:
    details = rows(
        "ARPYMTDETAIL",
        detail(ADJUSTMENTKEY="201", TRX_ADJUSTMENTAMOUNT="1"),
        detail("602", RECORDKEY="", POSADJKEY="7"),
    )
    assert keys_of("ARPYMT", details) == {("ARINVOICE", "101"), ("ARADJUSTMENT", "201"), ("ARADJUSTMENT", "7")}


def test_a_fingerprint_is_that_of_what_scoro_is_given() -> None:
    first = receipt(INVOICE, "125.00")
    assert first.fingerprint == receipt(INVOICE, "125.00", number="other").fingerprint
    assert first.fingerprint != receipt(INVOICE, "125.01").fingerprint
    assert first.fingerprint != receipt(INVOICE, "125.00", bank="CASH").fingerprint
