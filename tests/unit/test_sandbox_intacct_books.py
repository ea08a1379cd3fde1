"""Bills, adjustments, payments, attachments and master data in the stand-in's books."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.intacct import create_app
from sandbox.serve import running
from tests.unit.sandbox_intacct import (
    PURCHASE,
    Caller,
    condition,
    customer,
    day,
    invoice,
    line,
    login,
    query,
    tag,
    tags,
    vendor,
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
    caller.do(vendor())
    return caller


def by_number(gateway: Caller, object_name: str) -> dict[str, Any]:
    return {record["RECORDID"]: record for record in gateway.records(object_name)}


def bill_line(amount: str = "100", **texts: str) -> str:
    entries = tag("TAXENTRIES", tag("TAXENTRY", tags(DETAILID=PURCHASE)))
    return tag("APBILLITEM", tags(ACCOUNTNO="6000", TRX_AMOUNT=amount, LOCATIONID="UK", **texts), entries)


def bill(number: str = "B-1", *lines: str, verb: str = "create", **texts: str) -> str:
    header = {"VENDORID": "V1", "WHENCREATED": "03/01/2026", "WHENDUE": "03/31/2026", "RECORDID": number, **texts}
    return tag(verb, tag("APBILL", tags(**header), tag("APBILLITEMS", *(lines or (bill_line(),)))))


def adjustment(number: str = "CR-1", amount: str = "-50", tax: str = "-10") -> str:
    return tag(
        "create_aradjustment",
        tags(customerid="C1"),
        day("datecreated"),
        tags(adjustmentno=number, invoiceno="A"),
        tag("aradjustmentitems", line(amount, tax=tax)),
    )


def payment(*details: str, **texts: str) -> str:
    header = {
        "FINANCIALENTITY": "BOA",
        "PAYMENTMETHOD": "EFT",
        "CUSTOMERID": "C1",
        "DOCNUMBER": "R-1",
        "RECEIPTDATE": "03/05/2026",
        "CURRENCY": "GBP",
        **texts,
    }
    return tag("create", tag("ARPYMT", tags(**header), tag("ARPYMTDETAILS", *details)))


def paid(key: str, amount: str, **more: str) -> str:
    return tag("ARPYMTDETAIL", tags(RECORDKEY=key, TRX_PAYMENTAMOUNT=amount, **more))


# -- bills


def test_bill_by_generic_create_computes_its_tax(gateway: Caller) -> None:
    result = gateway.do(bill())
    assert [child.tag for child in result.iterfind("data/apbill/*")] == ["RECORDNO"]
    record = by_number(gateway, "APBILL")["B-1"]
    assert (record["STATE"], record["TRX_TOTALENTERED"], record["VENDORNAME"]) == ("Posted", "120.00", "Supplies Ltd")


def test_bill_lines_of_an_update_are_the_full_set(gateway: Caller) -> None:
    key = gateway.key(bill("B-1", bill_line("10"), bill_line("20")))
    gateway.do(tag("update", tag("APBILL", tags(RECORDNO=key, DESCRIPTION="header only"))))
    assert by_number(gateway, "APBILL")["B-1"]["TRX_TOTALENTERED"] == "36.00"
    kept = bill_line("25", LINE_NO="2")
    gateway.do(tag("update", tag("APBILL", tags(RECORDNO=key), tag("APBILLITEMS", kept, bill_line("1")))))
    record = by_number(gateway, "APBILL")["B-1"]
    amounts = [(row["LINE_NO"], row["TRX_AMOUNT"]) for row in record["LINES"] if not row["PARENTENTRY"]]
    assert amounts == [("2", "25.00"), ("3", "1.00")]
    assert record["DESCRIPTION"] == "header only"


def test_bill_with_inclusive_tax_takes_gross_amounts(gateway: Caller) -> None:
    gateway.do(bill("B-1", bill_line("0", TOTALTRXAMOUNT="60.00"), INCLUSIVETAX="true"))
    record = by_number(gateway, "APBILL")["B-1"]
    assert record["TRX_TOTALENTERED"] == "60.00"
    assert [row["TRX_AMOUNT"] for row in record["LINES"]] == ["50.00", "10.00"]


@pytest.mark.parametrize(
    ("texts", "number"),
    [
        ({"RECORDID": ""}, "BL03002128"),
        ({"VENDORID": "V9"}, "BL01001973"),
        ({"WHENDUE": ""}, "BL01001973"),
        ({"COLOUR": "red"}, "BL01001973"),
        ({"WHENCREATED": "2026-03-01"}, "BL03000018"),
        ({"EXCHANGE_RATE": "1", "EXCH_RATE_TYPE_ID": "Intacct Daily Rate"}, "BL03000018"),
    ],
)
def test_bill_refusals(gateway: Caller, texts: dict[str, str], number: str) -> None:
    assert gateway.refusal(bill(**texts))[0] == number


def test_draft_bill_needs_no_due_date_and_approvals_hold_submitted_ones(gateway: Caller) -> None:
    gateway.do(bill("B-1", WHENDUE="", ACTION="Draft"))
    gateway.settings(ap_approvals=True)
    gateway.do(bill("B-2"))
    states = {number: record["STATE"] for number, record in by_number(gateway, "APBILL").items()}
    assert states == {"B-1": "Draft", "B-2": "Submitted"}


def test_numbers_of_bills_are_unique_per_vendor(gateway: Caller) -> None:
    gateway.do(vendor("V2", "Others"))
    gateway.do(bill("B-1"))
    gateway.do(bill("B-1", VENDORID="V2"))
    assert gateway.refusal(bill("B-1"))[0] == "BL03002185"


def test_paid_bill_takes_header_texts_only(gateway: Caller) -> None:
    key = gateway.key(bill("B-1"))
    gateway.control("POST", "pay", json={"object": "APPYMT", "documents": [{"recordno": key, "amount": "120"}]})
    gateway.do(tag("update_bill", tags(description="late"), key=key))
    assert by_number(gateway, "APBILL")["B-1"]["DESCRIPTION"] == "late"
    items = tag("updatebillitems", tag("updatelineitem", tags(memo="x"), line_num="1"))
    assert gateway.refusal(tag("update_bill", items, key=key))[1] == (
        "Remove the extra line item in the request, then reclassify the bill."
    )


def test_ap_adjustment_lines_share_a_sign(gateway: Caller) -> None:
    def create(*amounts: str) -> str:
        lines = [line(amount, account="6000", detail=PURCHASE, tax=None) for amount in amounts]
        head = tags(vendorid="V1") + day("datecreated") + tags(adjustmentno="AC-1", billno="B-1")
        return tag("create_apadjustment", head, tag("apadjustmentitems", *lines))

    assert gateway.refusal(create("-10", "5"))[1] == "The amounts of all lines must have the same sign."
    gateway.do(create("-10", "-5"))
    assert by_number(gateway, "APADJUSTMENT")["AC-1"]["TRX_TOTALENTERED"] == "-18.00"


# -- credits and payments


def test_credit_memo_is_applied_to_an_invoice(gateway: Caller) -> None:
    bought = gateway.key(invoice("A"))
    credit = gateway.key(adjustment())
    items = tag("arpaymentitems", tag("arpaymentitem", tags(invoicekey=bought, amount="60")))
    apply = tag("apply_arpayment", tags(arpaymentkey=credit), day("paymentdate"), items)
    gateway.do(apply)
    memo = by_number(gateway, "ARADJUSTMENT")["CR-1"]
    assert (memo["TRX_TOTALENTERED"], memo["TRX_TOTALDUE"], memo["STATE"]) == ("-60.00", "0.00", "Paid")
    sold = by_number(gateway, "ARINVOICE")["A"]
    assert (sold["TRX_TOTALDUE"], sold["STATE"]) == ("60.00", "Partially Paid")
    fields = ("RECORDKEY", "ADJUSTMENTKEY", "TRX_ADJUSTMENTAMOUNT", "TRX_PAYMENTAMOUNT")
    (detail,) = gateway.rows(query("ARPYMTDETAIL", *fields, where=condition("equalto", "RECORDKEY", bought)))
    assert list(detail.values()) == [bought, credit, "60.00", "0.00"]
    assert "is more than the amount due" in gateway.refusal(apply)[1]


def test_sign_of_credit_totals_is_a_setting(gateway: Caller) -> None:
    gateway.do(adjustment())
    find = query("ARADJUSTMENT", "TRX_TOTALENTERED", "TRX_TOTALDUE")
    assert gateway.rows(find) == [{"TRX_TOTALENTERED": "-60.00", "TRX_TOTALDUE": "-60.00"}]
    gateway.settings(credit_totals="absolute")
    assert gateway.rows(find) == [{"TRX_TOTALENTERED": "60.00", "TRX_TOTALDUE": "60.00"}]


def test_one_payment_for_several_invoices_and_its_reversal(gateway: Caller) -> None:
    first, second = gateway.key(invoice("A")), gateway.key(invoice("B"))
    key = gateway.key(payment(paid(first, "120"), paid(second, "20.50")))
    states = {number: record["STATE"] for number, record in by_number(gateway, "ARINVOICE").items()}
    assert states == {"A": "Paid", "B": "Partially Paid"}
    (receipt,) = gateway.records("ARPYMT")
    assert (receipt["TRX_TOTALENTERED"], receipt["STATE"], len(receipt["DETAILS"])) == ("140.50", "C", 2)
    assert "Only a draft payment" in gateway.refusal(tag("delete", tags(object="ARPYMT", keys=key)))[1]
    gateway.do(tag("reverse_arpayment", day("datereversed"), key=key))
    due = {number: record["TRX_TOTALDUE"] for number, record in by_number(gateway, "ARINVOICE").items()}
    assert due == {"A": "120.00", "B": "120.00"}
    assert "Reversed" in gateway.refusal(tag("reverse_arpayment", day("datereversed"), key=key))[1]


def test_draft_payment_settles_nothing_and_can_be_replaced_and_deleted(gateway: Caller) -> None:
    sold = gateway.key(invoice("A"))
    key = gateway.key(payment(paid(sold, "120"), ACTION="Draft"))
    assert by_number(gateway, "ARINVOICE")["A"]["STATE"] == "Posted"
    change = payment(paid(sold, "20"), ACTION="Draft", RECORDNO=key).replace("create>", "update>")
    assert gateway.key(change) == key
    (receipt,) = gateway.records("ARPYMT")
    assert (receipt["RECORDNO"], receipt["TRX_TOTALENTERED"], len(receipt["DETAILS"])) == (key, "20.00", 1)
    gateway.do(tag("delete", tags(object="ARPYMT", keys=key)))
    assert gateway.records("ARPYMT") == []


@pytest.mark.parametrize(
    ("amount", "texts", "text"),
    [
        ("120.01", {}, "is more than the amount due"),
        ("10", {"PAYMENTMETHOD": "Barter"}, "Invalid payment method 'Barter' specified."),
        ("10", {"FINANCIALENTITY": "NOBANK"}, "Invalid Bank account 'NOBANK' specified."),
        ("10", {"CURRENCY": "EUR"}, "Illegal format for CURRENCY: 'EUR'."),
        ("10", {"RECEIPTDATE": "5.3.2026"}, "is not a date"),
        ("0", {}, "is not an amount"),
    ],
)
def test_payment_refusals(gateway: Caller, amount: str, texts: dict[str, str], text: str) -> None:
    sold = gateway.key(invoice("A"))
    assert text in gateway.refusal(payment(paid(sold, amount), **texts))[1]
    assert by_number(gateway, "ARINVOICE")["A"]["TRX_TOTALPAID"] == "0.00"


def test_advance_is_booked_and_applied_later(gateway: Caller) -> None:
    head = tags(customerid="C1", paymentamount="100", bankaccountid="BOA", refid="ADV")
    advance = gateway.key(tag("create_arpayment", head, day("datereceived"), tags(paymentmethod="EFT")))
    sold = gateway.key(invoice("A"))
    items = tag("arpaymentitems", tag("arpaymentitem", tags(invoicekey=sold, amount="70")))
    gateway.do(tag("apply_arpayment", tags(arpaymentkey=advance), day("paymentdate"), items))
    receipts = {record["RECORDTYPE"]: record for record in gateway.records("ARPYMT")}
    assert receipts["rr"]["TRX_TOTALDUE"] == "30.00"
    assert receipts["ro"]["PARENTPAYMENTKEY"] == advance
    assert by_number(gateway, "ARINVOICE")["A"]["TRX_TOTALDUE"] == "50.00"


def test_whether_a_payment_moves_whenmodified_is_a_setting(gateway: Caller) -> None:
    sold = gateway.key(invoice("A"))
    gateway.settings(clock_offset_s=3600)
    before = by_number(gateway, "ARINVOICE")["A"]["WHENMODIFIED"]
    gateway.do(payment(paid(sold, "10")))
    assert by_number(gateway, "ARINVOICE")["A"]["WHENMODIFIED"] == before
    gateway.settings(payment_bumps_modified=True)
    gateway.do(payment(paid(sold, "10")))
    assert by_number(gateway, "ARINVOICE")["A"]["WHENMODIFIED"] > before


# -- attachments


def supdoc(identity: str = "S-1", name: str = "a", folder: str = "Scoro", verb: str = "create_supdoc") -> str:
    data = base64.b64encode(b"content").decode()
    file = tag("attachment", tags(attachmentname=name, attachmenttype="pdf", attachmentdata=data))
    head = tags(supdocid=identity, supdocname="Files", supdocfoldername=folder)
    return tag(verb, head, tag("attachments", file))


def test_attachment_in_the_request_of_its_document(gateway: Caller) -> None:
    results = gateway.results(supdoc(), invoice("A", more=tags(supdocid="S-1")))
    assert [result.findtext("status") for result in results] == ["success", "success"]
    assert by_number(gateway, "ARINVOICE")["A"]["SUPDOCID"] == "S-1"


def test_files_are_added_and_never_replaced(gateway: Caller) -> None:
    gateway.do(supdoc())
    gateway.do(supdoc(name="b", verb="update_supdoc"))
    assert "exists already" in gateway.refusal(supdoc(name="a", verb="update_supdoc"))[1]
    fields = tag("fields", tag("field", "supdocid"), tag("field", "attachments"))
    read = gateway.do(tag("get", fields, object="supdoc", key="S-1"))
    assert [each.text for each in read.iterfind(".//attachmentname")] == ["a", "b"]
    assert read.find(".//supdocname") is None


def test_list_of_attachments_says_how_many(gateway: Caller) -> None:
    for number in range(3):
        gateway.do(supdoc(f"S-{number}"))
    wanted = tag("fields", tag("field", "supdocid"))
    result = gateway.do(tag("get_list", wanted, object="supdoc", start="1", maxitems="1"))
    list_type = result.find("listtype")
    assert list_type is not None
    assert (list_type.text, list_type.get("start"), list_type.get("end"), list_type.get("total")) == (
        "supdoc",
        "1",
        "2",
        "3",
    )
    expression = tag("expression", tags(field="supdocid", operator="=", value="S-2"))
    filtered = gateway.do(tag("get_list", tag("filter", expression), wanted, object="supdoc"))
    assert [each.text for each in filtered.iterfind(".//supdocid")] == ["S-2"]


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (supdoc("S" * 21), "Illegal format for supdocid"),
        (supdoc(folder="Nowhere"), "Invalid attachment folder 'Nowhere' specified."),
        (supdoc().replace("<attachmenttype>pdf", "<attachmenttype>.pdf"), "Illegal format for attachmenttype"),
        (supdoc(verb="update_supdoc"), "Cannot find attachment with key 'S-1' to update."),
        (tag("get", object="supdoc", key="S-9"), "There is no supdoc with key S-9."),
    ],
)
def test_attachment_refusals(gateway: Caller, function: str, text: str) -> None:
    assert text in gateway.refusal(function)[1]


def test_folder_is_created_once(gateway: Caller) -> None:
    folder = tag("create_supdocfolder", tags(supdocfoldername="New", supdocparentfoldername="Scoro"))
    gateway.do(folder)
    assert gateway.refusal(folder)[0] == "BL34000061"
    gateway.do(supdoc(folder="New"))


# -- master data


@pytest.mark.parametrize(
    ("function", "number"),
    [
        (customer("C1"), "BL34000061"),
        (vendor("V1"), "PL05000104"),
        (customer("C_2"), "BL03000018"),
        (customer("C" * 21), "BL03000018"),
        (customer("C2", CURRENCY="XXX"), "BL01001973"),
        (customer("C2", COLOUR="red"), "BL01001973"),
        (customer("C2", "N").replace("</PRINTAS>", "</PRINTAS><EMAIL1>nonsense</EMAIL1>"), "BL03000018"),
        (tag("create", tag("CUSTOMER", tags(CUSTOMERID="C2", NAME="N"))), "BL01001973"),
        (tag("create", tag("PROJECT", tags(PROJECTID="P", NAME="N", PROJECTCATEGORY="Contract"))), "BL01001973"),
        (tag("create", tag("GLACCOUNT", tags(ACCOUNTNO="4000", TITLE="Again"))), "BL01001973"),
        (tag("create", tag("ARINVOICE", tags(RECORDID="A"))), "BL01001973"),
        (tag("create", tag("UNICORN", tags(NAME="A"))), "Query Failed"),
        (tag("delete", tags(object="CUSTOMER", keys="777")), "BL01001973"),
    ],
)
def test_master_data_refusals(gateway: Caller, function: str, number: str) -> None:
    assert gateway.refusal(function)[0] == number


def test_customer_is_changed_by_id_or_recordno(gateway: Caller) -> None:
    key = gateway.key(customer("C2", "Second"))
    gateway.do(tag("update", tag("CUSTOMER", tags(CUSTOMERID="C2", NAME="By id"))))
    gateway.do(tag("update", tag("CUSTOMER", tags(RECORDNO=key, STATUS="inactive"))))
    record = next(each for each in gateway.records("CUSTOMER") if each["RECORDNO"] == key)
    assert (record["NAME"], record["STATUS"]) == ("By id", "inactive")
    assert gateway.refusal(invoice(customer="C2"))[1] == "Customer C2 is inactive."


def test_top_level_records_are_read_only_in_an_entity_by_setting(gateway: Caller) -> None:
    gateway.do(customer("C-TOP", "Top"), signed=login(""))
    change = tag("update", tag("CUSTOMER", tags(CUSTOMERID="C-TOP", NAME="Changed")))
    assert "top-level" in gateway.refusal(change)[1]
    gateway.settings(top_level_records_writable=True)
    gateway.do(change)


def test_used_customer_is_not_deleted(gateway: Caller) -> None:
    gateway.do(invoice())
    (row,) = gateway.rows(query("CUSTOMER", "RECORDNO"))
    remove = tag("delete", tags(object="CUSTOMER", keys=row["RECORDNO"]))
    assert "used by transactions" in gateway.refusal(remove)[1]


def test_posting_at_the_top_level_needs_a_tax_solution(gateway: Caller) -> None:
    gateway.do(customer("C-TOP", "Top"), signed=login(""))
    top = login("")
    assert "tax solution is required" in gateway.refusal(invoice("T", customer="C-TOP"), signed=top)[1]
    solution = tags(taxsolutionid="United Kingdom - VAT")
    gateway.do(invoice("T", customer="C-TOP").replace("<invoiceitems>", solution + "<invoiceitems>"), signed=top)
