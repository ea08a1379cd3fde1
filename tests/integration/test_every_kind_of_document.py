"""Credit invoices, bills, credit bills and expenses of Scoro stand in Intacct, once, to the cent, as their edits do."""

from decimal import Decimal
from typing import Any

import pytest

from app.demo.books import OBJECTS, compare
from app.wiring import using
from producers import manual
from sandbox import fixtures
from schemas.kinds import Kind
from tests.worlds.judge import sums
from tests.worlds.stand_ins import line, lines_of, today, us_date
from tests.worlds.waiting import until
from tests.worlds.world import World

Record = dict[str, Any]

SUBCONTRACTORS = fixtures.SCORO_ACCOUNT_IDS["6000"]
SOFTWARE = fixtures.SCORO_ACCOUNT_IDS["6010"]
REDUCED = 2


@pytest.fixture
def bills_world(embedded_world: World) -> World:
    """A world in which everything is synced, whatever its date."""
    world = embedded_world
    world.change_settings(
        {
            "data.bills.start_date": "2020-01-01",
            "data.expenses.start_date": "2020-01-01",
            "dimensions.bills.DEPARTMENT": "true",
            "accounts.ap_credit_sign": "negative",
        }
    )
    return world


def total(record: Record) -> tuple[Decimal, Decimal, Decimal]:
    net, tax = Decimal(record["sum"]), Decimal(record["vat_sum"] if "vat_sum" in record else record["tax_sum"])
    return net, tax, net + tax


def cost(price: str = "100.00", amount: str = "1", **fields: Any) -> Record:
    """A line of a bill: a subcontractor at the standard rate unless told otherwise."""
    return line(price, amount, **{"finance_account_id": SUBCONTRACTORS, "comment": "Work"} | fields)


def spent(price: str = "100.00", quantity: str = "1", **fields: Any) -> Record:
    """A line of an expense: software at the standard rate unless told otherwise."""
    return {
        "description": "Hosting",
        "price": price,
        "quantity": quantity,
        "tax_code_id": 1,
        "finance_account_id": SOFTWARE,
        **fields,
    }


def supplier(world: World, name: str = "Supplier Ltd", **fields: Any) -> int:
    return world.scoro.customer(name, is_supplier=1, is_client=0, **fields)


def write(world: World, module: str, **fields: Any) -> int:
    given = {"currency": "GBP", "date": today(), **fields}
    return int(world.scoro.control(f"create/{module}", given)["id"])


def told(world: World, module: str, scoro_id: int) -> Record:
    return next(row for row in world.scoro.records(module) if int(row["id"]) == scoro_id)


def posted(world: World, module: str, scoro_id: int) -> bool:
    rows = world.rows("SELECT state FROM document WHERE module = %s AND scoro_id = %s", [module, scoro_id])
    return bool(rows) and rows[0]["state"] == "posted"


def held(world: World, object_name: str, number: str) -> Record:
    found = [row for row in world.intacct.control(f"records/{object_name}") if row["RECORDID"] == number]
    assert len(found) == 1, f"Intacct holds {number} {len(found)} times"
    record: Record = found[0]
    return record


def test_a_bill_stands_as_a_bill_of_its_vendor_and_an_edit_changes_it(bills_world: World) -> None:
    world = bills_world
    vendor = supplier(world, vatno="GB 555", id_code="0155")
    with world.running():
        bill = write(
            world,
            "bills",
            no="2026/77",
            company_id=vendor,
            deadline=today(),
            reference_no="PO 12",
            description="March",
            discount="10",
            custom_fields=[{"id": "c_department", "value": "Delivery"}],
            lines=[cost("33.335", "3"), cost("80.00", vat_code_id=REDUCED), cost("12.50")],
        )
        until(lambda: posted(world, "bills", bill), "the bill is posted")
        booked = held(world, "APBILL", "2026/77")
        (party,) = world.intacct.control("records/VENDOR")
        assert (party["NAME"], party["VENDORID"], party["TAXID"]) == ("Supplier Ltd", f"SCORO-{vendor}", "0155")
        assert (booked["VENDORID"], booked["DOCNUMBER"], booked["DESCRIPTION"]) == (party["VENDORID"], "PO 12", "March")
        assert (booked["WHENCREATED"], booked["WHENDUE"]) == (us_date(today()), us_date(today()))
        assert sums(booked) == total(told(world, "bills", bill))
        assert {row["DEPARTMENTID"] for row in lines_of(booked)} == {"20"}

        kept, second, _ = told(world, "bills", bill)["lines"]
        world.scoro.control(
            f"edit/bills/{bill}",
            {"description": "", "lines": [second, kept | {"price": "40.00"}, cost("9.99", comment="Late")]},
        )
        world.settle()
    changed = held(world, "APBILL", "2026/77")
    assert changed["RECORDNO"] == booked["RECORDNO"]
    assert sums(changed) == total(told(world, "bills", bill))
    assert changed["DESCRIPTION"] == ""
    amounts = [row["TRX_AMOUNT"] for row in lines_of(changed)]
    assert amounts[:2] == ["80.00", "120.00"]
    assert "9.99" in amounts
    assert [row["LINE_NO"] for row in lines_of(changed)] == ["1", "2", "3", "4", "5"]  # two of them discounts
    assert world.requests_used() == world.requests_received()


@pytest.mark.parametrize("sign", ["negative", "positive"])
def test_a_credit_bill_stands_as_an_adjustment_with_the_sign_of_the_settings(bills_world: World, sign: str) -> None:
    world = bills_world
    world.set(accounts__ap_credit_sign=sign)
    with world.running():
        bill = write(
            world,
            "bills",
            no="CN-1",
            company_id=supplier(world),
            discount="5",
            lines=[cost("100.00", "-1"), cost("33.33", "-1", vat_code_id=REDUCED)],
        )
        until(lambda: posted(world, "bills", bill), "the credit bill is posted")
    booked = held(world, "APADJUSTMENT", "CN-1")
    factor = 1 if sign == "negative" else -1
    assert sums(booked) == tuple(amount * factor for amount in total(told(world, "bills", bill)))
    assert world.row("SELECT kind FROM document WHERE module = 'bills'")["kind"] == "credit_bill"


def test_a_credit_bill_is_refused_until_its_sign_is_confirmed(bills_world: World) -> None:
    world = bills_world
    world.set(accounts__ap_credit_sign="")
    with world.running():
        write(world, "bills", no="CN-1", company_id=supplier(world), lines=[cost("100.00", "-1")])
        until(lambda: world.failures(), "the failure is there")
    (failure,) = world.failures()
    assert failure["code"] == "ap_credit_sign"
    assert "accounts.ap_credit_sign=negative" in failure["fix"]


def test_an_expense_stands_as_a_bill_to_the_person_or_the_company(bills_world: World) -> None:
    world = bills_world
    person = world.scoro.customer("Ada", lastname="Okafor", contact_type="person", id_code="")
    with world.running():
        own = write(
            world,
            "expenses",
            no="EXP-1",
            person_id=person,
            comment="Trip",
            due_date=today(),
            lines=[spent("19.99", "3"), spent("7.00", tax_code_id=REDUCED)],
        )
        bought = write(world, "expenses", no="EXP-2", company_id=supplier(world), lines=[spent("50.00")])
        until(lambda: posted(world, "expenses", own) and posted(world, "expenses", bought), "both are posted")
        mine, theirs = held(world, "APBILL", "EXP-1"), held(world, "APBILL", "EXP-2")
        assert (mine["VENDORID"], mine["DESCRIPTION"]) == (f"SCORO-{person}", "Trip")
        assert mine["VENDORNAME"] == "Ada Okafor"
        assert sums(mine) == total(told(world, "expenses", own))
        assert sums(theirs) == total(told(world, "expenses", bought))
        line_ids = [row["id"] for row in told(world, "expenses", own)["lines"]]
        world.scoro.control(f"edit/expenses/{own}", {"lines": [spent("21.00", "3", id=line_ids[0])]})
        world.settle()
    changed = held(world, "APBILL", "EXP-1")
    assert (
        sums(changed) == total(told(world, "expenses", own)) == (Decimal("63.00"), Decimal("12.60"), Decimal("75.60"))
    )


def test_bills_of_the_other_direction_are_left_alone(bills_world: World) -> None:
    world = bills_world
    world.change_settings({"data.bills.direction": "to_scoro"})
    with world.running():
        bill = write(world, "bills", no="B-1", company_id=supplier(world), lines=[cost()])
        until(lambda: world.rows("SELECT FROM document WHERE state = 'skipped'"), "the bill is skipped")
    assert "data.bills.direction" in world.row("SELECT reason FROM document WHERE scoro_id = %s", [bill])["reason"]
    assert world.intacct.control("records/APBILL") == []


def test_a_foreign_bill_carries_its_rate(bills_world: World) -> None:
    world = bills_world
    with world.running():
        bill = write(
            world,
            "bills",
            no="B-EUR",
            company_id=supplier(world),
            currency="EUR",
            currency_rate=0.8572,
            recognition_date="2026-03-31",
            date="2026-04-02",
            lines=[cost("10.00", "3")],
        )
        until(lambda: posted(world, "bills", bill), "the bill is posted")
    booked = held(world, "APBILL", "B-EUR")
    assert (booked["CURRENCY"], Decimal(booked["EXCHANGE_RATE"])) == ("EUR", Decimal("0.8572"))
    assert (booked["WHENCREATED"], booked["WHENPOSTED"]) == ("04/02/2026", "03/31/2026")
    assert sums(booked) == total(told(world, "bills", bill))


def test_user_defined_dimensions_travel_by_id_in_both_forms_of_lines(bills_world: World) -> None:
    world = bills_world
    world.change_settings(
        {
            "dimensions.fields.PRACTICE": "c_class",
            "dimensions.bills.PRACTICE": "true",
            "dimensions.invoices.PRACTICE": "true",
            "dimensions.invoices.CLASS": "false",
        }
    )
    practice = [{"id": "c_class", "value": "Engineering"}]
    with world.running():
        bill = write(world, "bills", no="B-1", company_id=supplier(world), custom_fields=practice, lines=[cost()])
        invoice = world.scoro.invoice("INV-1", world.scoro.customer(), line(custom_fields=practice))
        until(lambda: posted(world, "bills", bill) and world.document_is(invoice, "posted"), "both are posted")
    assert [row["GLDIMPRACTICE"] for row in lines_of(held(world, "APBILL", "B-1"))] == ["2"]
    assert [row["GLDIMPRACTICE"] for row in lines_of(held(world, "ARINVOICE", "INV-1"))] == ["2"]


def test_many_of_every_kind_agree_with_the_generator_to_the_cent_and_reading_again_sends_nothing(
    bills_world: World,
) -> None:
    world = bills_world
    with world.running():
        made = world.scoro.control("generate", {"documents": 45, "seed": 3, "kinds": list(OBJECTS)})
        world.settle(90)
        held_by = {name: world.intacct.control(f"records/{name}") for name in set(OBJECTS.values())}
        before = world.requests_received()
        with using(world.settings, world.ledger) as runtime:
            for kind in (Kind.INVOICE, Kind.BILL, Kind.EXPENSE):
                list(
                    manual.sync(world.ledger.db, world.connection, runtime.scoro(world.connection), kind, "cli:tester")
                )
        world.settle(60)
    assert {kind: len(ids) for kind, ids in made["others"].items()} == {
        "credit_invoice": 1,
        "bill": 5,
        "credit_bill": 1,
        "expense": 2,
    }
    comparison = compare(world.scoro.expected()["documents"], held_by)
    assert comparison.differences == []
    assert (comparison.posted, comparison.expected) == (54, 54)
    assert world.requests_received() == before == world.requests_used()
    invoices = {row["RECORDNO"]: row for row in held_by["ARINVOICE"]}
    settled = {row["ADJUSTMENTKEY"]: row["RECORDKEY"] for row in world.intacct.control("records/ARPYMTDETAIL")}
    for credit in held_by["ARADJUSTMENT"]:
        left = Decimal(credit["TRX_TOTALDUE"]), Decimal(invoices[settled[credit["RECORDNO"]]]["TRX_TOTALDUE"])
        assert 0 in left


def test_one_contact_of_scoro_may_be_a_customer_and_a_vendor(bills_world: World) -> None:
    world = bills_world
    both = world.scoro.customer("Both Ways Ltd", is_supplier=1)
    with world.running():
        invoice = world.scoro.invoice("INV-1", both, line())
        bill = write(world, "bills", no="B-1", company_id=both, lines=[cost()])
        until(lambda: posted(world, "bills", bill) and world.document_is(invoice, "posted"), "both are posted")
    assert held(world, "APBILL", "B-1")["VENDORID"] == held(world, "ARINVOICE", "INV-1")["CUSTOMERID"]
