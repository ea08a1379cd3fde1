"""The check of functions against the element orders."""

from collections.abc import Mapping

import pytest

from schemas.intacct.functions import Function, Value, create
from schemas.intacct.notation import read_order
from schemas.intacct.orders import FunctionShapeError, check

LINE: Mapping[str, Value] = {"glaccountno": "4000", "amount": "10.00"}
HEADER: Mapping[str, Value] = {"customerid": "C1", "datecreated": "2026-03-01"}


def invoice(**more: Value) -> Function:
    return Function(name="create_invoice", body={**HEADER, "invoiceitems": {"lineitem": [LINE]}, **more})


def line(**more: Value) -> Function:
    return invoice(invoiceitems={"lineitem": [LINE, {**LINE, **more}]})


def test_a_good_invoice_passes() -> None:
    check(
        invoice(
            currency="EUR",
            exchratetype="",
            billto={"contactname": "Ann"},
            customfields={"customfield": [{"customfieldname": "A", "customfieldvalue": "1"}]},
        )
    )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (Function(name="create_invoyce"), "create_invoyce: create_invoyce is no function"),
        (Function(name="create_invoice", body=HEADER), "create_invoice: invoiceitems is missing"),
        (invoice(payto={"contactname": "Ann"}), "create_invoice: payto is unknown here"),
        (invoice(customerid=["C1", "C2"]), "create_invoice: customerid stands more than once"),
        (invoice(customerid={"x": "y"}), "create_invoice/customerid: customerid holds elements"),
        (invoice(invoiceitems="text"), "create_invoice/invoiceitems: invoiceitems holds text"),
        (invoice(customfields=[[{"customfield": []}]]), "customfields holds text or a list"),
        (invoice(customerid=[["C1"]]), "customerid holds elements"),
        (invoice(**{"@key": "1"}), "create_invoice: @key stands in the body"),
        (invoice(invoiceitems={"lineitem": []}), "create_invoice/invoiceitems: lineitem is missing"),
        (invoice(datedue="01/03/2026"), "create_invoice/datedue: datedue holds '01/03/2026'; it wants a date"),
        (invoice(datedue="2026-02-30"), "create_invoice/datedue: datedue holds '2026-02-30'"),
        (invoice(currency="EUR"), "create_invoice: exchratedate or exchratetype or exchrate is missing"),
        (invoice(basecurr="GBP"), "create_invoice: currency is missing"),
        (invoice(currency="EUR", exchratetype="", exchrate="1.1"), "exchrate and exchratetype exclude each other"),
        (line(amount="10.001"), "create_invoice/invoiceitems/lineitem[2]/amount: amount holds '10.001'"),
        (line(amount="1,000.00"), "amount holds '1,000.00'"),
        (line(amount=""), "amount holds ''"),
        (line(accountlabel="Sales"), "accountlabel and glaccountno exclude each other"),
        (line(taxentries={"taxentry": [{"trx_tax": "1.00"}]}), "taxentries/taxentry[1]: detailid is missing"),
        (line(**{"@line_num": "1"}), "lineitem[2]: @line_num is unknown here"),
        (Function(name="update_invoice", body={}), "update_invoice: @key is missing"),
        (Function(name="delete_invoice", attributes={"key": "1", "x": "y"}), "delete_invoice: @x is unknown here"),
        (
            Function(
                name="update_invoice",
                attributes={"key": "1"},
                body={"updateinvoiceitems": {"updatelineitem": [{"amount": "1.00"}]}},
            ),
            "update_invoice/updateinvoiceitems/updatelineitem[1]: @line_num is missing",
        ),
        (Function(name="query", body={"object": "X"}), "query: select is missing"),
        (
            Function(
                name="query",
                body={"object": "X", "select": {"field": "A"}, "filter": {"and": {"isnull": {"field": "A"}}}},
            ),
            "is missing; 2 or more are needed",
        ),
        (Function(name="create", body={}), "create: create wants exactly one object"),
        (create("CUSTOMER", {}), "create/CUSTOMER: CUSTOMER wants fields"),
        (create("CUSTOMER", {"NA ME": "x"}), "NA ME is no element name"),
        (create("ARPYMT", {"RECEIPTDATE": "03/01/2026"}), "create/ARPYMT/RECEIPTDATE: RECEIPTDATE holds '03/01/2026'"),
        (
            create("ARPYMT", {"ARPYMTDETAILS": {"ARPYMTDETAIL": [{"TRX_PAYMENTAMOUNT": "1.234"}]}}),
            "create/ARPYMT/ARPYMTDETAILS/ARPYMTDETAIL/TRX_PAYMENTAMOUNT",
        ),
    ],
)
def test_a_bad_function_is_refused_by_name_path_and_element(function: Function, message: str) -> None:
    with pytest.raises(FunctionShapeError) as refused:
        check(function)
    assert message in str(refused.value)


def test_a_bill_is_due_by_date_or_by_terms() -> None:
    body: dict[str, Value] = {
        "vendorid": "V1",
        "datecreated": "2026-03-01",
        "billitems": {"lineitem": [LINE]},
    }
    for due in ({"datedue": "2026-04-01"}, {"termname": "N30"}, {"datedue": "2026-04-01", "termname": "N30"}):
        check(Function(name="create_bill", body=body | due))
    with pytest.raises(FunctionShapeError, match="datedue or termname is missing"):
        check(Function(name="create_bill", body=body))


def test_notation_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="unexpected"):
        read_order("a, ?")
