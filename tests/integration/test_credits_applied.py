"""A credit invoice is applied to the invoice that it credits: once, as far as both are open, when both stand."""

from decimal import Decimal
from typing import Any

import pytest

from tests.worlds.stand_ins import line, today
from tests.worlds.waiting import until
from tests.worlds.world import World

Record = dict[str, Any]


@pytest.fixture
def world(embedded_world: World) -> World:
    """The broker has no part in it."""
    return embedded_world


def credit(world: World, no: str, customer: int, price: str, *invoices: int, **fields: Any) -> int:
    return world.scoro.invoice(no, customer, line(price, "-1"), credited_invoices=list(invoices), **fields)


def adjustment(world: World, number: str) -> Record:
    (found,) = [row for row in world.intacct.control("records/ARADJUSTMENT") if row["RECORDID"] == number]
    record: Record = found
    return record


def due(record: Record) -> Decimal:
    return abs(Decimal(record["TRX_TOTALDUE"]))


def applications(world: World) -> list[Record]:
    found: list[Record] = world.intacct.control("records/ARPYMTDETAIL")
    return found


def test_a_credit_is_applied_to_its_invoice_as_far_as_both_are_open(world: World) -> None:
    customer = world.scoro.customer()
    with world.running():
        invoice = world.scoro.invoice("INV-1", customer, line("100.00"))
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        part = credit(world, "CR-1", customer, "30.00", invoice)
        until(lambda: world.document_is(part, "posted"), "the first credit is applied")
        world.settle()
        assert (due(world.intacct.invoice("INV-1")), due(adjustment(world, "CR-1"))) == (Decimal("84.00"), Decimal(0))
        more = credit(world, "CR-2", customer, "90.00", invoice)
        until(lambda: world.document_is(more, "posted"), "the second credit is applied")
        world.settle()
    first = adjustment(world, "CR-1")
    assert (first["DOCNUMBER"], Decimal(first["TRX_TOTALENTERED"])) == ("INV-1", Decimal("-36.00"))
    assert (due(world.intacct.invoice("INV-1")), due(adjustment(world, "CR-2"))) == (Decimal(0), Decimal("24.00"))
    assert [Decimal(row["TRX_ADJUSTMENTAMOUNT"]) for row in applications(world)] == [Decimal(36), Decimal(84)]
    notes = [row["text"] for row in world.rows("SELECT text FROM note ORDER BY id")]
    assert any("24.00 of it stay open" in note for note in notes)
    links = world.rows("SELECT object, record_no FROM link WHERE object <> 'CUSTOMER' ORDER BY document_id")
    assert {row["object"] for row in links} == {"ARINVOICE", "ARADJUSTMENT"}
    assert world.requests_used() == world.requests_received()


def test_reading_it_again_applies_nothing_again(world: World) -> None:
    customer = world.scoro.customer()
    with world.running():
        invoice = world.scoro.invoice("INV-1", customer, line("100.00"))
        credited = credit(world, "CR-1", customer, "30.00", invoice)
        until(
            lambda: due(adjustment(world, "CR-1")) == 0 if world.document_is(credited, "posted") else False, "applied"
        )
        world.settle()
        before = world.requests_received()
        for _ in range(2):
            world.send(credited)
            world.settle()
    assert len(applications(world)) == 1
    assert world.requests_received() == before
    assert world.document(credited)["state"] == "posted"


def test_a_credit_waits_for_an_invoice_that_comes_later(world: World) -> None:
    customer = world.scoro.customer()
    with world.running():
        invoice = world.scoro.invoice("INV-1", customer, line("100.00", finance_account_id=0))
        credited = credit(world, "CR-1", customer, "100.00", invoice)
        until(lambda: world.document_is(credited, "waiting"), "the credit waits")
        world.settle()
        assert "once the invoices that it credits do" in world.document(credited)["reason"]
        assert due(adjustment(world, "CR-1")) == Decimal("120.00")
        broken = world.scoro.record(invoice)["lines"][0]
        world.scoro.edit(invoice, lines=[broken | {"finance_account_id": 1}])
        until(lambda: world.document_is(credited, "posted"), "the credit is applied")
        world.settle()
    assert due(world.intacct.invoice("INV-1")) == due(adjustment(world, "CR-1")) == 0


def test_an_edit_before_it_is_applied_changes_what_is_applied(world: World) -> None:
    customer = world.scoro.customer()
    with world.running():
        invoice = world.scoro.invoice("INV-1", customer, line("100.00", finance_account_id=0))
        credited = credit(world, "CR-1", customer, "50.00", invoice)
        until(lambda: world.document_is(credited, "waiting"), "the credit waits")
        world.settle()
        held = world.scoro.record(credited)["lines"][0]
        world.scoro.edit(credited, lines=[held | {"price": "20.00"}])
        until(lambda: due(adjustment(world, "CR-1")) == Decimal("24.00"), "the adjustment is changed")
        world.settle()
        broken = world.scoro.record(invoice)["lines"][0]
        world.scoro.edit(invoice, lines=[broken | {"finance_account_id": 1}])
        until(lambda: world.document_is(credited, "posted"), "the credit is applied")
        world.settle()
    assert due(world.intacct.invoice("INV-1")) == Decimal("96.00")
    assert len(applications(world)) == 1


def test_an_invoice_that_is_not_synced_is_not_waited_for(world: World) -> None:
    customer = world.scoro.customer()
    invoice = world.scoro.invoice("INV-OLD", customer, line("100.00"), date="2019-05-01")
    with world.running():
        credited = credit(world, "CR-1", customer, "100.00", invoice)
        until(lambda: world.document_is(credited, "posted"), "the credit is posted")
        world.settle()
    assert world.document(invoice)["state"] == "skipped"
    assert world.document(credited)["state"] == "posted"
    assert due(adjustment(world, "CR-1")) == Decimal("120.00")
    assert any(
        "not applied" in row["text"] or "not in Intacct" in row["text"] for row in world.rows("SELECT text FROM note")
    )


@pytest.mark.parametrize("fault", [{"fault": "lost_after_commit"}, {"fault": "empty", "when": "after"}])
def test_a_lost_answer_applies_nothing_twice(world: World, fault: Record) -> None:
    customer = world.scoro.customer()
    with world.running():
        invoice = world.scoro.invoice("INV-1", customer, line("100.00"))
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        world.intacct.fault(name=fault["fault"], function="apply_arpayment", when=fault.get("when"))
        credited = credit(world, "CR-1", customer, "30.00", invoice)
        until(lambda: world.document_is(credited, "posted"), "the credit is applied")
        world.settle()
    assert due(world.intacct.invoice("INV-1")) == Decimal("84.00")
    assert len(applications(world)) == 1


def test_a_credit_without_invoices_and_one_written_without_a_sign_are_credits(world: World) -> None:
    customer = world.scoro.customer()
    with world.running():
        free = world.scoro.invoice("CR-1", customer, line("10.00", "-1"), date=today())
        invoice = world.scoro.invoice("INV-1", customer, line("100.00"))
        unsigned = world.scoro.invoice("CR-2", customer, line("10.00"), credited_invoices=[invoice])
        until(lambda: world.document_is(free, "posted") and world.document_is(unsigned, "posted"), "both are posted")
        world.settle()
    for number in ("CR-1", "CR-2"):
        assert Decimal(adjustment(world, number)["TRX_TOTALENTERED"]) == Decimal("-12.00")
    assert due(world.intacct.invoice("INV-1")) == Decimal("108.00")
    kinds = world.rows("SELECT kind, amount FROM document WHERE module = 'invoices' ORDER BY scoro_id")
    assert [row["kind"] for row in kinds] == ["credit_invoice", "invoice", "credit_invoice"]


def test_an_application_that_is_refused_is_a_failure_and_goes_again_when_it_is_sent(world: World) -> None:
    customer = world.scoro.customer()
    with world.running():
        invoice = world.scoro.invoice("INV-1", customer, line("100.00"))
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        world.intacct.fault(
            "error", function="apply_arpayment", errorno="BL03000018", description2="Missing unit", count=1
        )
        credited = credit(world, "CR-1", customer, "30.00", invoice)
        until(lambda: world.document_is(credited, "failed"), "the application is refused")
        world.settle()
        (failure,) = world.failures()
        assert failure["ids"] == [credited]
        assert due(adjustment(world, "CR-1")) == Decimal("36.00")
        world.send(credited)
        until(lambda: world.document_is(credited, "posted"), "the credit is applied")
        world.settle()
    assert due(world.intacct.invoice("INV-1")) == Decimal("84.00")
    assert world.failures() == []
