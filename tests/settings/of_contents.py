"""Cases of what documents say in Intacct: accounts, taxes, texts, dimensions, parties."""

from collections.abc import Callable
from typing import Any

from sandbox import fixtures
from schemas.kinds import Kind
from tests.settings.bench import PURCHASES, Bench
from tests.settings.cases import Case
from tests.worlds.stand_ins import line

SALES = fixtures.SCORO_ACCOUNT_IDS["4000"]


def of_invoice(tag: str, *lines: dict[str, Any], **fields: Any) -> Callable[[Bench], Any]:
    """The texts of an element in what an invoice comes to."""

    def shows(bench: Bench) -> Any:
        return bench.went(bench.invoice(*lines, **fields)).texts(tag)

    return shows


def of_bill(tag: str, *lines: dict[str, Any], **fields: Any) -> Callable[[Bench], Any]:
    """The texts of an element in what a bill comes to."""

    def shows(bench: Bench) -> Any:
        return bench.went(bench.bill(*lines, **fields), kind=Kind.BILL).texts(tag)

    return shows


def memo(bench: Bench) -> Any:
    number = bench.number()
    return bench.went(bench.invoice(no=number)).text("memo").replace(number, "NUMBER")


def tax_line(bench: Bench) -> Any:
    """Without a tax solution VAT stands on a line of its own."""
    bench.world.execute("UPDATE connection SET tax_solution = NULL, reference_version = reference_version + 1")
    bench.world.intacct.set(vat_company=False)
    try:
        return bench.went(bench.invoice()).texts("glaccountno")[-1]
    finally:
        bench.world.intacct.set(vat_company=True)
        bench.world.execute(
            "UPDATE connection SET tax_solution = %s, reference_version = reference_version + 1",
            [fixtures.TAX_SOLUTION],
        )


def rounding(bench: Bench) -> Any:
    """Scoro adds discounts up, we take one after the other: two cents are left."""
    bench.world.scoro.set(header_discounts="added")
    try:
        return bench.went(bench.invoice(line("1.00"), line("1.00"), discount="10", discount2="10")).texts(
            "glaccountno"
        )[-1]
    finally:
        bench.world.scoro.set(header_discounts="compound")


def credit_sign(bench: Bench) -> Any:
    back = line("100.00", "-1", finance_account_id=PURCHASES)
    return bench.went(bench.bill(back), kind=Kind.BILL).texts("amount")


def department(where: str) -> Callable[[Bench], Any]:
    """An invoice or bill whose two custom fields hold two departments."""

    def shows(bench: Bench) -> Any:
        held = [{"id": "c_department", "value": "Strategy"}, {"id": "c_class", "value": "Delivery"}]
        if where == "invoices":
            return bench.went(bench.invoice(custom_fields=held)).texts("departmentid")
        return bench.went(bench.bill(custom_fields=held), kind=Kind.BILL).texts("DEPARTMENTID")

    return shows


def customer_by_key(bench: Bench) -> Any:
    """A new contact that has the tax id of one customer of Intacct and the name of another."""
    known = _parties(bench, "CUSTOMER", "CUSTOMERID")
    contact = bench.world.scoro.customer("By name Ltd", id_code="TAX-1")
    found = bench.went(bench.invoice(company_id=contact)).text("customerid")
    return known[found]


def vendor_by_key(bench: Bench) -> Any:
    """The same for a vendor."""
    known = _parties(bench, "VENDOR", "VENDORID")
    contact = bench.world.scoro.customer("By name Ltd", id_code="TAX-1", is_supplier=1)
    found = bench.went(bench.bill(company_id=contact), kind=Kind.BILL).text("VENDORID")
    return known[found]


def _parties(bench: Bench, object_name: str, key_field: str) -> dict[str, str]:
    """Two parties in Intacct, one to be found by tax id and one by name; by their ids."""
    from db import reference
    from db.reference import Item

    topic = object_name.lower()
    suffix = bench.number()
    items = [
        Item(f"T-{suffix}", {"name": f"By tax id {suffix}", "tax_id": "TAX-1", "record_no": f"90{bench.count}1"}),
        Item(f"N-{suffix}", {"name": "By name Ltd", "tax_id": "", "record_no": f"90{bench.count}2"}),
    ]
    world = bench.world
    world.execute("DELETE FROM reference WHERE topic = %s AND (key LIKE 'T-%%' OR key LIKE 'N-%%')", [topic])
    world.ledger.db.run(lambda ledger: reference.add(ledger, world.connection_id, "intacct", topic, items))
    return {f"T-{suffix}": "tax id", f"N-{suffix}": "name"}


def new_customer(bench: Bench) -> Any:
    contact = bench.world.scoro.customer(f"New {bench.number()}")
    wire = bench.went(bench.invoice(company_id=contact))
    return [name for name in wire.writes if name in {"create CUSTOMER", "create_invoice"}]


def new_vendor(bench: Bench) -> Any:
    contact = bench.world.scoro.customer(f"New {bench.number()}", is_supplier=1)
    wire = bench.went(bench.bill(company_id=contact), kind=Kind.BILL)
    return [name for name in wire.writes if name in {"create VENDOR", "create APBILL"}]


def new_id(bench: Bench) -> Any:
    contact = bench.world.scoro.customer(f"New {bench.number()}")
    return bench.went(bench.invoice(company_id=contact)).texts("CUSTOMERID")[0].replace(str(contact), "CONTACT")


DISCOUNTED = {"discount": "10"}
CONTENT_CASES = (
    Case("defaults.invoice_status", ("draft", "submitted"), of_invoice("action"), (["Draft"], ["Submit"])),
    Case("defaults.bill_status", ("draft", "submitted"), of_bill("ACTION"), (["Draft"], ["Submit"])),
    Case("memo.template", ("{number}", "{comment}"), memo, ("NUMBER", "Consulting")),
    Case(
        "taxes.1",
        ("UK Sale Goods Standard Rate", "UK Sale Goods Zero Rate"),
        of_invoice("detailid"),
        (["UK Sale Goods Standard Rate"], ["UK Sale Goods Zero Rate"]),
    ),
    Case(f"accounts.map.{SALES}", ("4010", "4020"), of_invoice("glaccountno"), (["4010"], ["4020"])),
    Case("accounts.tax_line", ("2200", "2210"), tax_line, ("2200", "2210")),
    Case("accounts.rounding", ("4910", "4030"), rounding, ("4910", "4030")),
    Case(
        "accounts.discount",
        ("4920", "4030"),
        of_invoice("glaccountno", **DISCOUNTED),
        (["4000", "4920"], ["4000", "4030"]),
    ),
    Case("accounts.ap_credit_sign", ("negative", "positive"), credit_sign, (["-100.00"], ["100.00"])),
    Case(
        "dimensions.fields.DEPARTMENT",
        ("c_department", "c_class"),
        department("invoices"),
        (["10"], ["20"]),
        {"dimensions.invoices.DEPARTMENT": "true"},
    ),
    Case(
        "dimensions.invoices.DEPARTMENT",
        ("true", "false"),
        department("invoices"),
        (["10"], []),
        {"dimensions.fields.DEPARTMENT": "c_department"},
    ),
    Case(
        "dimensions.bills.DEPARTMENT",
        ("true", "false"),
        department("bills"),
        (["10"], []),
        {"dimensions.fields.DEPARTMENT": "c_department"},
    ),
    Case("location", ("UK", "EE"), of_invoice("locationid"), (["UK"], ["EE"])),
    Case("matching.customer_key", ("id_code", "name"), customer_by_key, ("tax id", "name")),
    Case("matching.vendor_key", ("id_code", "name"), vendor_by_key, ("tax id", "name")),
    Case("matching.create_customers", ("true", "false"), new_customer, (["create CUSTOMER", "create_invoice"], [])),
    Case("matching.create_vendors", ("true", "false"), new_vendor, (["create VENDOR", "create APBILL"], [])),
    Case("matching.id_template", ("C{contact_id}", "K-{contact_id}"), new_id, ("CCONTACT", "K-CONTACT")),
)
