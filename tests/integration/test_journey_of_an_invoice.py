"""The main job: an invoice edited in Scoro stands in Intacct, once, to the cent."""

from decimal import Decimal

import pytest

from app.wiring import open_ledger
from db import changes, reference
from db.database import Ledger
from producers import manual
from sandbox import fixtures
from schemas.kinds import Kind
from tests.worlds.judge import sums
from tests.worlds.stand_ins import line, lines_of, today, us_date
from tests.worlds.waiting import until
from tests.worlds.world import World

DESIGN = fixtures.SCORO_ACCOUNT_IDS["4010"]
EXEMPT = next(product.product_id for product in fixtures.PRODUCTS if product.exempt_from_discounts)
TRAVEL = fixtures.SCORO_ACCOUNT_IDS["4100"]


def test_an_invoice_of_scoro_stands_in_intacct_to_the_cent(world: World) -> None:
    customer = world.scoro.customer("Fish & Chips <Leeds> Ltd", id_code="12345678")
    with world.running():
        invoice = world.scoro.invoice(
            "INV-1",
            customer,
            line("33.335", "3", comment="First & foremost"),
            line("250.00", "2", comment="Design", finance_account_id=DESIGN, vat_code_id=2),
            line("19.99", "1", comment="Rail fare", finance_account_id=TRAVEL, vat_code_id=3),
            description="Work in March",
            reference_no="RF18",
            custom_fields=[{"id": "c_department", "value": "Delivery"}],
        )
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")

    booked = world.intacct.invoice("INV-1")
    (party,) = world.intacct.customers()
    assert party["NAME"] == "Fish & Chips <Leeds> Ltd"
    assert party["CUSTOMERID"] == f"SCORO-{customer}"
    assert booked["CUSTOMERID"] == party["CUSTOMERID"]
    assert booked["DESCRIPTION"] == "Work in March"
    assert booked["WHENCREATED"] == us_date(today())
    assert sums(booked) == (Decimal("620.00"), Decimal("45.00"), Decimal("665.00"))
    told = world.scoro.record(invoice)
    assert sums(booked) == (
        Decimal(told["sum"]),
        Decimal(told["vat_sum"]),
        Decimal(told["sum"]) + Decimal(told["vat_sum"]),
    )
    assert [(row["ACCOUNTNO"], row["TRX_AMOUNT"], row["DEPARTMENTID"]) for row in lines_of(booked)] == [
        ("4000", "100.01", "20"),
        ("4010", "500.00", "20"),
        ("4100", "19.99", "20"),
    ]
    assert "First & foremost" in lines_of(booked)[0]["ENTRYDESCRIPTION"]
    assert world.document(invoice)["amount"] == Decimal("665.00")
    assert world.requests_used() == world.requests_received()


def test_an_edit_becomes_one_update_of_the_same_record_and_costs_one_request(world: World) -> None:
    customer = world.scoro.customer()
    with world.running():
        invoice = world.scoro.invoice("INV-1", customer, line("100.00"), line("50.00"))
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        world.settle()
        record_no = world.intacct.invoice("INV-1")["RECORDNO"]
        before = world.intacct.last_request()

        held = world.scoro.record(invoice)["lines"]
        world.scoro.edit(invoice, lines=[{**held[0], "price": "120.00"}, held[1]])
        until(lambda: world.intacct.invoice("INV-1")["TRX_TOTALENTERED"] == "204.00", "the edit stands in Intacct")
        world.settle()

    assert world.intacct.writes(before) == ["update_invoice"]
    booked = world.intacct.invoice("INV-1")
    assert booked["RECORDNO"] == record_no
    assert [row["TRX_AMOUNT"] for row in lines_of(booked)] == ["120.00", "50.00"]
    assert world.requests_used() == world.requests_received()


def test_lines_may_be_added_and_removed(embedded_world: World) -> None:
    world = embedded_world
    customer = world.scoro.customer()
    with world.running():
        invoice = world.scoro.invoice("INV-1", customer, line("100.00"), line("50.00"))
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        held = world.scoro.record(invoice)["lines"]
        world.scoro.edit(invoice, lines=[held[1], line("7.00", comment="Postage")])
        until(lambda: world.intacct.invoice("INV-1")["TRX_TOTALENTERED"] == "68.40", "the edit stands in Intacct")
        world.settle()
        told = world.scoro.record(invoice)
    booked = world.intacct.invoice("INV-1")
    assert sums(booked) == (Decimal(told["sum"]), Decimal(told["vat_sum"]), Decimal("68.40"))
    assert [row["TRX_AMOUNT"] for row in lines_of(booked)] == ["0.00", "50.00", "7.00"]


def test_saving_without_a_change_sends_nothing(world: World) -> None:
    customer = world.scoro.customer()
    with world.running():
        invoice = world.scoro.invoice("INV-1", customer, description="As agreed")
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        world.settle()
        before = world.requests_received()
        hooks = world.scoro.control("counters")["webhooks"]["ok"]

        world.scoro.edit(invoice, description="As agreed")
        until(lambda: world.scoro.control("counters")["webhooks"]["ok"] > hooks, "the webhook has come")
        world.settle()
        world.send(invoice)
        world.settle()

    assert world.requests_received() == before
    assert world.rows("SELECT count(*) AS n FROM operation WHERE object = 'ARINVOICE'") == [{"n": 1}]
    assert world.document_is(invoice, "posted")


def test_invoices_of_one_new_customer_share_its_creation(embedded_world: World) -> None:
    world = embedded_world
    customer = world.scoro.customer()
    ids = [world.scoro.invoice(f"INV-{number}", customer) for number in range(1, 6)]
    with world.running():
        for invoice in ids:
            world.send(invoice)
        until(lambda: all(world.document_is(invoice, "posted") for invoice in ids), "all are posted")
        world.settle()
    assert len(world.intacct.customers()) == 1
    assert world.intacct.functions().count("create") == 1


def test_a_customer_that_intacct_knows_is_taken(embedded_world: World) -> None:
    world = embedded_world
    first = world.scoro.customer("Known Ltd", id_code="87654321")
    with world.running():
        invoice = world.scoro.invoice("INV-1", first)
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        again = world.scoro.invoice("INV-2", first)
        until(lambda: world.document_is(again, "posted"), "the second is posted")
    assert len(world.intacct.customers()) == 1
    assert {row["CUSTOMERID"] for row in world.intacct.invoices()} == {f"SCORO-{first}"}


def test_a_change_captured_by_another_process_is_heard_through_the_ledger_alone(embedded_world: World) -> None:
    world = embedded_world
    invoice = world.scoro.invoice("INV-1", world.scoro.customer())
    with world.running(web=False, scheduler=False), open_ledger(world.settings, actor="cli") as other:
        manual.send(other.db, world.connection, Kind.INVOICE, invoice, "cli:tester")
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
    assert len(world.intacct.invoices("INV-1")) == 1


@pytest.mark.parametrize("state", ["rehearsal", "paused"])
def test_a_connection_that_is_not_live_sends_nothing_and_catches_up_later(embedded_world: World, state: str) -> None:
    world = embedded_world
    invoice = world.scoro.invoice("INV-1", world.scoro.customer())
    world.execute("UPDATE connection SET state = %s::connection_state", [state])
    with world.running():
        world.send(invoice)
        until(lambda: world.rows("SELECT FROM operation WHERE object = 'ARINVOICE'"), "the operation waits")
        world.ring()
        until(lambda: not world.rows("SELECT FROM outbox"), "the bell has rung")
        assert world.intacct.invoices() == []
        world.execute("UPDATE connection SET state = 'active'")
        world.ring()
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")


def test_an_invoice_that_scoro_does_not_know_is_a_failure_that_says_so(embedded_world: World) -> None:
    world = embedded_world
    with world.running():
        good = world.scoro.invoice("INV-1", world.scoro.customer())
        world.send(4711)
        until(lambda: world.failures(), "the failure is there")
        until(lambda: world.document_is(good, "posted"), "the other one is posted")
    (failure,) = world.failures()
    assert failure["ids"] == [4711]
    assert failure["error_class"] == "not_found"
    assert failure["fix"]
    letter = world.row("SELECT * FROM dead_letter")
    assert "4711" in letter["cause"]
    assert letter["field"] == "id"


def test_characters_that_neither_side_can_keep_hold_nothing_up(embedded_world: World) -> None:
    world = embedded_world
    customer = world.scoro.customer("Nul\0 & Sons Ltd")
    ids = [
        world.scoro.invoice("INV-1", customer, line(comment="Before\0after\x0b"), description="\0\x07"),
        world.scoro.invoice("INV-2", customer),
    ]
    with world.running():
        for invoice in ids:
            world.send(invoice)
        until(lambda: all(world.document_is(invoice, "posted") for invoice in ids), "both are posted")
    assert "Beforeafter" in lines_of(world.intacct.invoice("INV-1"))[0]["ENTRYDESCRIPTION"]
    assert world.failures() == []


def test_a_product_that_another_intake_has_just_read_counts_at_once(
    embedded_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exempt product must be known as exempt, else the header discount explains another total."""
    world = embedded_world
    customer = world.scoro.customer()
    claim = changes.claim

    def claim_while_another_adds_products(session: Ledger, connection_id: int, limit: int) -> list[changes.Taken]:
        taken = claim(session, connection_id, limit)
        if taken:
            items = [reference.Item(str(key), {"name": "", "no_discounts": key == EXEMPT}) for key in (1, EXEMPT)]
            world.ledger.db.run(lambda ledger: reference.add(ledger, connection_id, "scoro", "product", items))
        return taken

    with world.running():
        plain = world.scoro.invoice("INV-1", customer)
        until(lambda: world.document_is(plain, "posted"), "the plain one is posted")
        monkeypatch.setattr("workers.intake.changes.claim", claim_while_another_adds_products)
        lines = [line("100.00"), line("50.00", product_id=EXEMPT, vat_code_id=3)]
        discounted = world.scoro.invoice("INV-2", customer, *lines, discount="10")
        until(lambda: world.document_is(discounted, "posted", "failed"), "the discounted one is decided")
    assert world.failures() == []
    assert sums(world.intacct.invoice("INV-2")) == (Decimal("140.00"), Decimal("18.00"), Decimal("158.00"))
