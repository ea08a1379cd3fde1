"""Bills of Intacct as bills of Scoro: cases, totals to the cent, and what is refused."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import DocumentError
from schemas.reference import ScoroVatCode
from schemas.settings import ConnectionSettings, set_key
from tests.unit.arriving_books import REFERENCE
from workers.translation.arriving import ArrivingBill, arrive, is_removed, passes

CENT = Decimal("0.01")


def settings(**keys: str) -> ConnectionSettings:
    """Settings of a connection; `accounts__rounding` is `accounts.rounding`."""
    chosen = ConnectionSettings()
    for key, text in keys.items():
        chosen = set_key(chosen, key.replace("__", "."), text)
    return chosen


def header(total: str, **fields: str) -> dict[str, str]:
    """A header of APBILL."""
    return {
        "RECORDNO": "77",
        "RECORDID": "B-77",
        "STATE": "Posted",
        "VENDORID": "V-1",
        "VENDORNAME": "Paper & Pens",
        "DOCNUMBER": "PO-5",
        "DESCRIPTION": "March",
        "WHENCREATED": "03/01/2026",
        "WHENDUE": "03/31/2026",
        "CURRENCY": "GBP",
        "EXCHANGE_RATE": "1",
        "TRX_TOTALENTERED": total,
        **fields,
    }


def line(
    number: int, amount: str, tax: str | None = None, account: str = "6000", **fields: str
) -> list[dict[str, str]]:
    """A line, and its tax as a row of its own."""
    own = {
        "RECORDNO": str(100 + number),
        "LINE_NO": str(number),
        "PARENTENTRY": "",
        "ACCOUNTNO": account,
        "TRX_AMOUNT": amount,
        "ENTRYDESCRIPTION": f"Line {number}",
        **fields,
    }
    taxed = {**own, "RECORDNO": str(200 + number), "PARENTENTRY": own["RECORDNO"], "TRX_AMOUNT": tax or ""}
    return [own] if tax is None else [own, taxed]


def arrived(
    total: str, *rows: list[dict[str, str]], chosen: ConnectionSettings | None = None, **fields: str
) -> ArrivingBill:
    """Translate a bill."""
    flat = [row for part in rows for row in part]
    return arrive(header(total, **fields), flat, chosen or settings(), REFERENCE)


def made(bill: ArrivingBill) -> Decimal:
    """What Scoro makes of a bill: VAT per rate, rounded once (scoro-api, section 8)."""
    net: dict[Decimal, Decimal] = {}
    for _, row in bill.lines:
        rate = Decimal(row.get("vat", "0"))
        net[rate] = net.get(rate, Decimal(0)) + Decimal(row["price"])
    return sum(net.values(), Decimal(0)) + sum(
        ((amount * rate / 100).quantize(CENT, ROUND_HALF_UP) for rate, amount in net.items()), Decimal(0)
    )


@pytest.mark.parametrize(
    ("total", "rows", "codes"),
    [
        ("100.00", [line(1, "100.00", "0.00")], [3]),
        ("100.00", [line(1, "100.00")], [3]),
        ("120.00", [line(1, "100.00")], [1]),
        ("-120.00", [line(1, "-100.00", "-20.00")], [1]),
        ("0.24", [line(1, "0.20", "0.04")], [1]),
    ],
)
def test_the_vat_code_is_that_of_the_tax(total: str, rows: Sequence[Any], codes: list[int]) -> None:
    bill = arrived(total, *rows)
    assert [row.get("vat_code_id") for _, row in bill.lines] == codes
    assert made(bill) == Decimal(total)


def test_a_rounding_of_cents_is_a_line_of_its_own_with_a_note() -> None:
    bill = arrived("40.01", line(1, "33.34", "6.67"), chosen=settings(accounts__rounding="4910"))
    assert made(bill) == Decimal("40.01")
    three = arrived(
        "0.36",
        *[line(number, "0.10", "0.02") for number in (1, 2, 3)],
    )
    assert made(three) == Decimal("0.36")
    odd = arrived("120.01", line(1, "100.00", "20.01"), chosen=settings(accounts__rounding="4910"))
    assert odd.lines[-1][1]["price"] == "0.01"
    assert odd.lines[-1][1]["finance_account_id"] == 13
    assert odd.notes


def test_a_foreign_currency_brings_its_rate_and_a_missing_due_date_a_note() -> None:
    bill = arrived("10.00", line(1, "10.00"), CURRENCY="EUR", EXCHANGE_RATE="0.8572", WHENDUE="")
    assert (bill.head["currency"], bill.head["currency_rate"]) == ("EUR", "0.8572")
    assert bill.head["deadline"] == "2026-03-01"
    assert bill.notes


@pytest.mark.parametrize(
    ("code", "total", "rows", "fields"),
    [
        ("account_not_in_scoro", "10.00", [line(1, "10.00", account="7000")], {}),
        ("tax_not_in_scoro", "117.50", [line(1, "100.00", "17.50")], {}),
        ("bill_total_unexplained", "500.00", [line(1, "100.00", "20.00")], {}),
        ("bill_without_lines", "10.00", [], {}),
        ("bill_without_date", "10.00", [line(1, "10.00")], {"WHENCREATED": ""}),
        ("unreadable_amount", "ten", [line(1, "10.00")], {}),
        ("currency_decimals", "10.00", [line(1, "10.00")], {"CURRENCY": "JPY"}),
        ("currency_decimals", "10.00", [line(1, "10.00")], {"CURRENCY": "kwd"}),
    ],
)
def test_what_cannot_be_explained_is_refused_with_the_fix(
    code: str, total: str, rows: Sequence[Any], fields: dict[str, str]
) -> None:
    flat = [row for part in rows for row in part]
    with pytest.raises(DocumentError) as refusal:
        arrive(header(total, **fields), flat, settings(), REFERENCE)
    problem = refusal.value.problem
    assert problem.code == code
    assert "B-77" in problem.cause
    assert problem.fix


def test_of_several_codes_at_a_rate_the_mapped_one_counts() -> None:
    twin = replace(REFERENCE, vat_codes=(*REFERENCE.vat_codes, ScoroVatCode(5, "P20", Decimal(20))))
    rows = line(1, "100.00", "20.00")
    with pytest.raises(DocumentError, match="several VAT codes"):
        arrive(header("120.00"), rows, settings(), twin)
    bill = arrive(header("120.00"), rows, settings(**{"taxes.5": "Standard"}), twin)
    assert bill.lines[0][1]["vat_code_id"] == 5


@pytest.mark.parametrize(
    ("state", "passed"),
    [
        ("Draft", "d"),
        ("Submitted", "ds"),
        ("Partially Approved", "ds"),
        ("Approved", "ds"),
        ("Declined", "ds"),
        ("Posted", "dsp"),
        ("Selected", "dsp"),
        ("Partially Paid", "dsp"),
        ("Paid", "dsp"),
        ("Reversed", ""),
        ("Reversal", ""),
    ],
)
def test_the_status_filter_is_the_documented_one(state: str, passed: str) -> None:
    assert "".join(name[0] for name in ("draft", "submitted", "posted") if passes(state, name)) == passed
    assert is_removed(state) == (not passed)


amounts = st.decimals("-9999.99", "9999.99", places=2).filter(bool)


@given(st.lists(st.tuples(amounts, st.sampled_from([0, 5, 20])), min_size=1, max_size=12))
def test_whatever_lines_there_are_scoro_makes_intaccts_total(parts: list[tuple[Decimal, int]]) -> None:
    taxes = [(amount * rate / 100).quantize(CENT, ROUND_HALF_UP) for amount, rate in parts]
    total = sum((amount for amount, _ in parts), Decimal(0)) + sum(taxes, Decimal(0))
    rows = [
        line(number, str(amount), str(tax))
        for number, ((amount, _), tax) in enumerate(zip(parts, taxes, strict=True), 1)
    ]
    bill = arrived(str(total), *rows)
    assert made(bill) == total
    assert bill.fingerprint == arrived(str(total), *rows).fingerprint
