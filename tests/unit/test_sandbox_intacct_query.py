"""The stand-in's `query`: filters, order, pages, relations, and what it refuses."""

from collections.abc import Iterator

import pytest

from sandbox.intacct import create_app
from sandbox.serve import running
from tests.unit.sandbox_intacct import Caller, condition, customer, day, invoice, line, query, tag, tags

NAMES = ("Alder", "Birch", "alder wood", "Cedar_1", "Cedar%2")


@pytest.fixture(scope="module")
def gateway() -> Iterator[Caller]:
    """A company with five customers and five invoices; no test changes its records."""
    with running(create_app()) as url:
        caller = Caller(url)
        for number, name in enumerate(NAMES, 1):
            caller.do(customer(f"C{number}", name, **({"CURRENCY": "EUR"} if number > 3 else {})))
            caller.do(
                invoice(
                    f"N{number}",
                    line(f"{number * 100}", tax=None),
                    line("9", tax=None),
                    customer=f"C{number}",
                    date=day("datecreated", number),
                )
            )
        yield caller


@pytest.fixture(autouse=True)
def settings(gateway: Caller) -> None:
    gateway.settings(tax_rows_in_lines=True)


def names(gateway: Caller, where: str, more: str = "") -> set[str]:
    return {row["CUSTOMERID"] for row in gateway.rows(query("CUSTOMER", "CUSTOMERID", where=where, more=more))}


def numbers(gateway: Caller, where: str) -> set[str]:
    return {row["RECORDID"] for row in gateway.rows(query("ARINVOICE", "RECORDID", where=where))}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (condition("equalto", "NAME", "Alder"), {"C1"}),
        (condition("equalto", "NAME", "alder"), set()),
        (condition("notequalto", "NAME", "Alder"), {"C2", "C3", "C4", "C5"}),
        (condition("in", "CUSTOMERID", "C1", "C9", "C2"), {"C1", "C2"}),
        (condition("notin", "CUSTOMERID", "C1", "C2"), {"C3", "C4", "C5"}),
        (condition("like", "NAME", "Cedar%"), {"C4", "C5"}),
        (condition("like", "NAME", "Cedar__"), {"C4", "C5"}),
        (condition("like", "NAME", "%lder"), {"C1"}),
        (condition("notlike", "NAME", "%lder%"), {"C2", "C4", "C5"}),
        (condition("isnull", "CURRENCY"), {"C1", "C2", "C3"}),
        (condition("isnotnull", "CURRENCY"), {"C4", "C5"}),
        (condition("notequalto", "CURRENCY", "GBP"), {"C4", "C5"}),
        (condition("between", "CUSTOMERID", "C2", "C4"), {"C2", "C3", "C4"}),
        (
            tag("and", condition("greaterthan", "CUSTOMERID", "C1"), condition("lessthan", "CUSTOMERID", "C3")),
            {"C2"},
        ),
        (
            tag(
                "or",
                condition("equalto", "CUSTOMERID", "C1"),
                tag("and", condition("equalto", "CUSTOMERID", "C2"), condition("equalto", "NAME", "Birch")),
            ),
            {"C1", "C2"},
        ),
    ],
)
def test_operators(gateway: Caller, where: str, expected: set[str]) -> None:
    assert names(gateway, where) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (condition("greaterthanorequalto", "WHENCREATED", "04/01/2026"), {"N4", "N5"}),
        (condition("lessthan", "WHENCREATED", "02/01/2026"), {"N1"}),
        (condition("between", "WHENCREATED", "02/01/2026", "03/31/2026"), {"N2", "N3"}),
        (condition("greaterthan", "TRX_TOTALENTERED", "370.80"), {"N4", "N5"}),
        (condition("equalto", "TRX_TOTALENTERED", "130.8"), {"N1"}),
        (condition("equalto", "STATE", "Posted"), {"N1", "N2", "N3", "N4", "N5"}),
        (condition("equalto", "CUSTOMER.NAME", "Birch"), {"N2"}),
        (condition("greaterthan", "WHENMODIFIED", "01/01/2026 00:00:00"), {"N1", "N2", "N3", "N4", "N5"}),
    ],
)
def test_dates_numbers_and_relations_compare_by_value(gateway: Caller, where: str, expected: set[str]) -> None:
    assert numbers(gateway, where) == expected


def test_case_is_ignored_on_request(gateway: Caller) -> None:
    options = tag("options", tags(caseinsensitive="true"))
    assert names(gateway, condition("equalto", "NAME", "ALDER"), options) == {"C1"}
    assert names(gateway, condition("like", "NAME", "ALDER%"), options) == {"C1", "C3"}


def test_lines_with_their_header_in_one_query(gateway: Caller) -> None:
    fields = ("LINE_NO", "TRX_AMOUNT", "PARENTENTRY", "ARINVOICE.RECORDID", "ARINVOICE.CUSTOMERID")
    rows = gateway.rows(query("ARINVOICEITEM", *fields, where=condition("in", "ARINVOICE.RECORDID", "N2", "N3")))
    lines = sorted(
        (row["ARINVOICE.RECORDID"], row["LINE_NO"], row["TRX_AMOUNT"]) for row in rows if not row["PARENTENTRY"]
    )
    assert lines == [("N2", "1", "200.00"), ("N2", "2", "9.00"), ("N3", "1", "300.00"), ("N3", "2", "9.00")]
    assert len(rows) == 8
    gateway.settings(tax_rows_in_lines=False)
    assert len(gateway.rows(query("ARINVOICEITEM", "RECORDNO"))) == 10


def test_order_and_pages(gateway: Caller) -> None:
    order = tag("orderby", tag("order", tags(field="TRX_TOTALENTERED"), "<descending/>"))
    seen = []
    for offset in (0, 2, 4):
        more = order + tags(pagesize="2", offset=str(offset))
        data = gateway.do(query("ARINVOICE", "RECORDID", more=more)).find("data")
        assert data is not None
        page = [row.findtext("RECORDID") for row in data]
        assert data.get("totalcount") == "5"
        assert data.get("numremaining") == str(5 - offset - len(page))
        seen += page
    assert seen == ["N5", "N4", "N3", "N2", "N1"]


def test_without_order_pages_do_not_fit_together(gateway: Caller) -> None:
    orders = {tuple(row["RECORDID"] for row in gateway.rows(query("ARINVOICE", "RECORDID"))) for _ in range(40)}
    assert len(orders) > 1


def test_page_size_is_100_unless_said(gateway: Caller) -> None:
    data = gateway.do(query("ARINVOICE", "RECORDID")).find("data")
    assert data is not None
    assert data.get("count") == "5"
    for bad in ("0", "2001", "x"):
        number, _ = gateway.refusal(query("ARINVOICE", "RECORDID", more=tags(pagesize=bad)))
        assert number == "DL02000001"


def test_nothing_found_is_an_empty_page(gateway: Caller) -> None:
    data = gateway.do(query("ARINVOICE", "RECORDID", where=condition("equalto", "RECORDID", "none"))).find("data")
    assert data is not None
    assert (len(data), data.get("totalcount"), data.get("numremaining")) == (0, "0", "0")


def test_aggregates(gateway: Caller) -> None:
    select = tag("select", tags(field="CURRENCY", count="RECORDNO", max="TRX_TOTALENTERED", sum="TRX_TOTALENTERED"))
    data = gateway.do(tag("query", tags(object="ARINVOICE"), select)).find("data")
    assert data is not None
    assert {field.tag: field.text for field in data[0]} == {
        "CURRENCY": "GBP",
        "COUNT.RECORDNO": "5",
        "MAX.TRX_TOTALENTERED": "610.80",
        "SUM.TRX_TOTALENTERED": "1854.00",
    }


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (query("BADOBJECT", "RECORDNO"), ("Query Failed", "Object definition BADOBJECT not found")),
        (query("SUPDOC", "RECORDNO"), ("Query Failed", "Object definition SUPDOC not found")),
        (query("ARINVOICE", "COLOUR"), ("Query Failed", "Invalid fields list COLOUR")),
        (query("ARINVOICE", "CUSTOMER.COLOUR"), ("Query Failed", "Invalid fields list CUSTOMER.COLOUR")),
        (
            query("ARINVOICEITEM", "ARINVOICE.CUSTOMER.NAME"),
            ("Query Failed", "Invalid fields list ARINVOICE.CUSTOMER.NAME"),
        ),
        (
            query("ARINVOICE", "RECORDNO", where=condition("equalto", "COLOUR", "red")),
            ("Query Failed", "Invalid fields list COLOUR"),
        ),
    ],
)
def test_unknown_objects_and_fields(gateway: Caller, function: str, error: tuple[str, str]) -> None:
    assert gateway.refusal(function) == error


def test_dates_in_another_format_are_refused(gateway: Caller) -> None:
    where = condition("greaterthan", "WHENMODIFIED", "2026-03-01T10:00:00Z")
    assert gateway.refusal(query("ARINVOICE", "RECORDNO", where=where))[0] == "DL02000001"


def test_reference_data_of_the_fixtures(gateway: Caller) -> None:
    rows = gateway.rows(query("TAXDETAIL", "DETAILID", "VALUE", where=condition("equalto", "TAXTYPE", "Sale")))
    assert {(row["DETAILID"], row["VALUE"]) for row in rows} == {
        ("UK Sale Goods Standard Rate", "20"),
        ("UK Sale Goods Reduced Rate", "5"),
        ("UK Sale Goods Zero Rate", "0"),
    }
    assert len(gateway.rows(query("GLACCOUNT", "ACCOUNTNO", where=condition("equalto", "STATUS", "inactive")))) == 1
    assert {row["name"] for row in gateway.rows(query("PRACTICE", "id", "name"))} >= {"Advisory"}
