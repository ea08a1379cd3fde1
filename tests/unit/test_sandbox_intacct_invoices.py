"""Invoices in the stand-in's books: totals, edits, deletion, reversal, and every refusal with its text."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.intacct import create_app
from sandbox.serve import running
from tests.unit.sandbox_intacct import (
    ZERO,
    Caller,
    condition,
    customer,
    day,
    error_numbers,
    invoice,
    line,
    query,
    tag,
    tags,
    taxes,
)


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with running(create_app()) as url:
        yield url


@pytest.fixture
def gateway(base_url: str) -> Caller:
    caller = Caller(base_url)
    caller.control("POST", "reset")
    caller.do(customer())
    return caller


def only(gateway: Caller) -> Any:
    (record,) = gateway.records("ARINVOICE")
    return record


def lines_of(record: Any) -> list[Any]:
    return [row for row in record["LINES"] if not row["PARENTENTRY"]]


def dates(record: Any) -> list[str]:
    return [record[name] for name in ("WHENCREATED", "WHENPOSTED", "WHENDUE")]


def update(key: str, *content: str, **attributes: str) -> str:
    return tag("update_invoice", *content, key=key, **attributes)


def items(*lines: str) -> str:
    return tag("updateinvoiceitems", *lines)


def test_totals_are_lines_plus_taxes_in_both_currencies(gateway: Caller) -> None:
    lines = (
        line("33.33", tax="6.67"),
        line("10.005", tax=None),
        line("50", tax=None, detail=ZERO),
    )
    gateway.do(invoice("A", *lines, currency="<currency>EUR</currency><exchratetype/>"))
    record = only(gateway)
    assert (record["TRX_TOTALENTERED"], record["TRX_TOTALDUE"], record["TRX_TOTALPAID"]) == (
        "102.01",
        "102.01",
        "0.00",
    )
    assert (record["CURRENCY"], record["BASECURR"], record["EXCHANGE_RATE"]) == ("EUR", "GBP", "0.8572")
    assert record["TOTALENTERED"] == "87.44"
    assert [(row["LINE_NO"], row["TRX_AMOUNT"], row["AMOUNT"]) for row in lines_of(record)] == [
        ("1", "33.33", "28.57"),
        ("2", "10.01", "8.58"),
        ("3", "50.00", "42.86"),
    ]
    tax_rows = [row for row in record["LINES"] if row["PARENTENTRY"]]
    assert [row["TRX_AMOUNT"] for row in tax_rows] == ["6.67", "2.00", "0.00"]
    assert gateway.control("GET", "totals") == {"EUR": {"count": 1, "net": "93.34", "tax": "8.67", "gross": "102.01"}}


def test_header_fields_and_dimensions_are_kept(gateway: Caller) -> None:
    custom = tag("customfields", tag("customfield", tags(customfieldname="GLDIMPRACTICE", customfieldvalue="2")))
    gateway.do(
        invoice(
            "A",
            line(
                before=tags(departmentid="10"),
                after=custom + tags(projectid="P-1001", classid="RET"),
            ),
            more=tags(ponumber="PO-7", description="Spring") + tag("billto", tags(contactname="Acme &amp; Sons(CC1)")),
        )
    )
    record = only(gateway)
    assert record["DOCNUMBER"] == "PO-7"
    assert record["DESCRIPTION"] == "Spring"
    assert record["WHENDUE"] == "03/31/2026"
    assert record["CUSTOMERNAME"] == "Acme & Sons"
    assert record["MEGAENTITYID"] == "UK"
    assert record["CREATEDBY"] == "scoro_sync"
    entry = lines_of(record)[0]
    assert entry["DEPARTMENTNAME"] == "Strategy"
    assert (entry["PROJECTID"], entry["CLASSID"], entry["GLDIMPRACTICE"]) == ("P-1001", "RET", "2")


def test_submit_is_the_default_and_draft_stays_only_when_asked(gateway: Caller) -> None:
    key = gateway.key(invoice("A", action="Draft"))
    assert only(gateway)["STATE"] == "Draft"
    gateway.do(update(key, tags(action="Draft", description="still")))
    assert only(gateway)["STATE"] == "Draft"
    gateway.do(update(key, tags(description="now")))
    assert only(gateway)["STATE"] == "Posted"
    assert "Posted and can't be saved as a draft" in gateway.refusal(update(key, tags(action="Draft")))[1]


def test_update_changes_what_it_names_and_keeps_the_rest(gateway: Caller) -> None:
    key = gateway.key(invoice("A", line("10", tax="2"), line("20", tax="4")))
    before = [row["RECORDNO"] for row in lines_of(only(gateway))]
    gateway.do(
        update(
            key,
            tags(description="new"),
            items(
                tag("updatelineitem", tags(amount="15"), taxes(("UK Sale Goods Standard Rate", "3")), line_num="1"),
                line("5", tax=None),
            ),
        )
    )
    record = only(gateway)
    entries = lines_of(record)
    assert [(row["LINE_NO"], row["TRX_AMOUNT"]) for row in entries] == [("1", "15.00"), ("2", "20.00"), ("3", "5.00")]
    assert [row["RECORDNO"] for row in entries][:2] == before
    assert record["TRX_TOTALENTERED"] == "48.00"
    assert (record["RECORDID"], record["DESCRIPTION"]) == ("A", "new")


def test_tax_entries_of_an_update_replace_all_of_the_line(gateway: Caller) -> None:
    key = gateway.key(invoice("A"))
    change = tag("updatelineitem", taxes((ZERO, "0")), line_num="1")
    gateway.do(update(key, items(change)))
    taxed = [row["DETAILID"] for row in only(gateway)["LINES"] if row["PARENTENTRY"]]
    assert taxed == [ZERO]


def test_set_nulls_empties_and_without_it_empty_elements_are_ignored(gateway: Caller) -> None:
    key = gateway.key(invoice("A", more=tags(description="text")))
    gateway.do(update(key, "<description/>"))
    assert only(gateway)["DESCRIPTION"] == "text"
    gateway.do(update(key, "<description/>", set_nulls="true"))
    assert only(gateway)["DESCRIPTION"] == ""


def test_posting_and_due_date_follow_the_document_date_unless_said(gateway: Caller) -> None:
    key = gateway.key(invoice("A"))
    gateway.do(update(key, day("datecreated", 5, 1)))
    assert dates(only(gateway)) == ["05/01/2026", "05/01/2026", "05/31/2026"]
    gateway.do(update(key, day("datecreated", 6, 1), day("dateposted", 5, 2), day("datedue", 7, 1)))
    assert dates(only(gateway)) == ["06/01/2026", "05/02/2026", "07/01/2026"]


def test_number_cannot_be_emptied(gateway: Caller) -> None:
    key = gateway.key(invoice("A"))
    assert gateway.refusal(update(key, "<invoiceno/>", set_nulls="true"))[0] == "PL01000127"


def test_update_of_an_unknown_line_or_document_fails(gateway: Caller) -> None:
    key = gateway.key(invoice("A"))
    change = tag("updatelineitem", tags(amount="1"), line_num="9")
    assert "Cannot find line 9" in gateway.refusal(update(key, items(change)))[1]
    assert (
        gateway.refusal(update("99999", tags(description="x")))[1] == "Cannot find invoice with key '99999' to update."
    )


def test_update_may_have_to_carry_lines(gateway: Caller) -> None:
    key = gateway.key(invoice("A"))
    gateway.settings(update_items_required=True)
    assert "updateinvoiceitems" in gateway.refusal(update(key, tags(description="x")))[1]


def test_delete_and_reverse(gateway: Caller) -> None:
    first, second = gateway.key(invoice("A")), gateway.key(invoice("B"))
    gateway.do(tag("delete_invoice", key=first))
    gateway.do(tag("reverse_invoice", day("datereversed"), key=second))
    states = {record["RECORDID"]: record["STATE"] for record in gateway.records("ARINVOICE")}
    assert states == {"B": "Reversed", "B - Reversed": "Reversal"}
    assert gateway.control("GET", "totals") == {}
    assert "is Reversed" in gateway.refusal(tag("delete_invoice", key=second))[1]
    assert gateway.refusal(tag("delete_invoice", key=first))[1].startswith("Cannot find invoice with key")


def test_generic_delete_of_an_invoice(gateway: Caller) -> None:
    key = gateway.key(invoice("A"))
    gateway.do(tag("delete", tags(object="ARINVOICE", keys=key)))
    assert gateway.records("ARINVOICE") == []


def test_reclassify_changes_accounts_even_of_a_paid_invoice(gateway: Caller) -> None:
    key = gateway.key(invoice("A"))
    gateway.control("POST", "pay", json={"documents": [{"recordno": key, "amount": "120"}]})
    assert only(gateway)["STATE"] == "Paid"
    change = tag("reclasslineitem", tags(glaccountno="4010", departmentid="20"), line_num="1")
    gateway.do(tag("reclassify_invoice", tag("reclassifyitems", change), key=key))
    record = only(gateway)
    entry = lines_of(record)[0]
    assert (entry["ACCOUNTNO"], entry["DEPARTMENTID"], record["STATE"]) == ("4010", "20", "Paid")


def test_paid_invoice_is_neither_edited_nor_deleted(gateway: Caller) -> None:
    key = gateway.key(invoice("A"))
    gateway.control("POST", "pay", json={"documents": [{"recordno": key, "amount": "20"}]})
    assert only(gateway)["STATE"] == "Partially Paid"
    assert gateway.refusal(tag("delete_invoice", key=key))[1] == "Transaction 'A' is already paid and can't be deleted."
    assert "already paid" in gateway.refusal(update(key, tags(description="x")))[1]


def test_closed_period_refuses_create_edit_and_delete(gateway: Caller) -> None:
    key = gateway.key(invoice("A"))
    gateway.settings(closed_until="2026-03-31")
    text = "The period of the date 03/01/2026 is closed. Date must be on or after 04/01/2026."
    assert gateway.refusal(invoice("B"))[1] == text
    assert gateway.refusal(update(key, tags(description="x")))[1] == text
    assert gateway.refusal(tag("delete_invoice", key=key))[1] == text
    gateway.do(invoice("C", date=day("datecreated", 4)))


def test_duplicate_numbers_by_setting(gateway: Caller) -> None:
    gateway.do(invoice("A"))
    number, text = gateway.refusal(invoice("A"))
    assert number == "BL03002185"
    assert text.startswith("A transaction with that number already exists")
    gateway.settings(duplicate_numbers="allow")
    gateway.do(invoice("A"))


def test_numbers_by_sequence(gateway: Caller) -> None:
    assert gateway.refusal(invoice("")) == ("PL01000127", "Document Number is missing")
    gateway.settings(numbering="sequence")
    gateway.do(invoice(""))
    assert only(gateway)["RECORDID"] == "INVOICE-00001"


REFUSALS = {
    "unknown customer": (invoice(customer="C9"), "BL01001973", "Invalid Customer 'C9' specified."),
    "unknown account": (invoice("A", line(account="4999")), "BL01001973", "Invalid account number '4999' specified."),
    "inactive account": (invoice("A", line(account="9999")), "BL01001973", "account number 9999 is inactive."),
    "bank account": (
        invoice("A", line(account="1000")),
        "BL01001973",
        "The account number 1000 is associated to the Bank account BOA.",
    ),
    "missing location": (invoice("A", line(location="")), "BL03000018", "GL account requires Location dimension"),
    "location of another entity": (
        invoice("A", line(location="EE")),
        "BL01001973",
        "The location EE does not belong to the entity UK of this session.",
    ),
    "missing tax entries": (
        invoice("A", line(detail="")),
        "BL01001973",
        "Tax details are either missing or don't belong to the tax solution United Kingdom - VAT.",
    ),
    "unknown tax detail": (
        invoice("A", line(detail="Nope")),
        "BL01001973",
        "Tax details are either missing or don't belong to the tax solution United Kingdom - VAT.",
    ),
    "tax detail of purchases": (
        invoice("A", line(detail="UK Purchase Goods Standard Rate")),
        "BL01001973",
        "Tax details are either missing or don't belong to the tax solution United Kingdom - VAT.",
    ),
    "inactive department": (
        invoice("A", line(before=tags(departmentid="90"))),
        "BL01001973",
        "Department 90 is inactive.",
    ),
    "unknown practice": (
        invoice(
            "A",
            line(
                after=tag(
                    "customfields",
                    tag("customfield", tags(customfieldname="GLDIMPRACTICE", customfieldvalue="77")),
                )
            ),
        ),
        "BL01001973",
        "Invalid Practice '77' specified.",
    ),
    "unknown custom field": (
        invoice("A").replace(
            "<invoiceitems>",
            tag("customfields", tag("customfield", tags(customfieldname="NOPE", customfieldvalue="1")))
            + "<invoiceitems>",
        ),
        "BL01001973",
        "Invalid field NOPE for an object of type ARINVOICE.",
    ),
    "unknown currency": (
        invoice(currency="<currency>XXX</currency><exchratetype/>"),
        "BL01001973",
        "Invalid Currency 'XXX' specified.",
    ),
    "another base currency": (
        invoice(currency="<basecurr>EUR</basecurr><currency>EUR</currency><exchratetype/>"),
        "BL03000018",
        "Illegal format for BASECURR: 'EUR'.",
    ),
    "unknown bill-to": (
        invoice(more=tag("billto", tags(contactname="Nobody"))),
        "BL01001973",
        "Invalid Contact 'Nobody' specified.",
    ),
    "unknown attachment": (invoice(more=tags(supdocid="S-1")), "BL01001973", "Invalid attachment 'S-1' specified."),
    "unknown term": (
        invoice(due="<termname>N99</termname>"),
        "BL01001973",
        "Invalid Term 'N99' specified.",
    ),
    "neither due date nor term": (invoice(due=""), "BL01001973", "The required field WHENDUE or a term is missing."),
    "characters in the number": (
        invoice("A#1"),
        "BL03000018",
        "Illegal format for the document number 'A#1'.",
    ),
    "amount with separators": (
        invoice("A", line("1,000.00")),
        "BL03000018",
        "Illegal format for TRX_AMOUNT: '1,000.00' is not an amount.",
    ),
    "unknown action": (invoice(action="Posted"), "BL03000018", "Illegal format for ACTION: 'Posted'."),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refuses_with_the_sentence_of_the_cause(gateway: Caller, name: str) -> None:
    function, number, text = REFUSALS[name]
    assert gateway.refusal(function) == (number, text)
    assert gateway.records("ARINVOICE") == []


def test_the_general_sentence_follows_the_cause(gateway: Caller) -> None:
    root = gateway.send(invoice("A", line(location="")))
    assert error_numbers(root) == ["BL03000018", "BL01001973", "BL01001973"]
    gateway.settings(error_wrapper=False)
    assert error_numbers(gateway.send(invoice("A", line(location="")))) == ["BL03000018"]


def test_project_must_belong_to_the_customer(gateway: Caller) -> None:
    gateway.do(customer("C2", "Other"))
    project = tags(PROJECTID="P-9", NAME="Theirs", PROJECTCATEGORY="Contract", CUSTOMERID="C2", LOCATIONID="UK")
    gateway.do(tag("create", tag("PROJECT", project)))
    text = "The project dimension you selected P-9 is not related to your header-level Customer ID C1."
    assert gateway.refusal(invoice("A", line(after=tags(projectid="P-9"))))[1] == text
    gateway.do(invoice("B", line(after=tags(projectid="P-9")), customer="C2"))


def test_single_currency_company_refuses_others(gateway: Caller) -> None:
    gateway.settings(multi_currency=False)
    text = gateway.refusal(invoice(currency="<currency>EUR</currency><exchratetype/>"))[1]
    assert text == "Enable foreign-currency transactions, and try again."
    gateway.do(invoice(currency="<currency>GBP</currency><exchratetype/>"))


def test_exempt_lines_by_setting(gateway: Caller) -> None:
    gateway.settings(zero_rate_taxentry_required=False)
    gateway.do(invoice("A", line("10", detail="")))
    assert only(gateway)["TRX_TOTALENTERED"] == "10.00"


def test_account_may_require_a_department(gateway: Caller) -> None:
    (account,) = gateway.rows(query("GLACCOUNT", "RECORDNO", where=condition("equalto", "ACCOUNTNO", "4000")))
    gateway.control("POST", f"edit/GLACCOUNT/{account['RECORDNO']}", json={"fields": {"REQUIREDEPT": "true"}})
    text = gateway.refusal(invoice())[1]
    assert text == "This transaction is missing the Department dimension for the Account 4000."


def test_edit_by_a_person_counts_as_one(gateway: Caller) -> None:
    key = gateway.key(invoice("A"))
    gateway.control(
        "POST",
        f"edit/ARINVOICE/{key}",
        json={"lines": [{"LINE_NO": "1", "TRX_AMOUNT": "1", "TAXENTRIES": [{"DETAILID": ZERO, "TRX_TAX": ""}]}]},
    )
    record = only(gateway)
    assert (record["TRX_TOTALENTERED"], record["MODIFIEDBY"], record["CREATEDBY"]) == (
        "1.00",
        "A. Person",
        "scoro_sync",
    )
