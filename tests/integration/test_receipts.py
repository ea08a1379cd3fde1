"""Payments of Intacct become receipts in Scoro, to the cent and once."""

from decimal import Decimal
from typing import Any

import pytest

from console.actions.failures import plan, replay
from console.actions.fetching import fetch
from sandbox import fixtures
from schemas.kinds import Kind
from tests.worlds.stand_ins import line, today
from tests.worlds.waiting import until
from tests.worlds.world import World

Record = dict[str, Any]


@pytest.fixture
def world(embedded_world: World) -> World:
    """A world whose payments go to one account."""
    embedded_world.set(accounts__payment_bank="Bank current account", data__receipts__start_date="2020-01-01")
    return embedded_world


def posted(world: World, *numbers: str, **fields: Any) -> dict[str, tuple[int, Record]]:
    """Invoices of 120.00 that stand in both: id in Scoro and record in Intacct by number."""
    customer = world.scoro.customer()
    ids = {number: world.scoro.invoice(number, customer, line(), **fields) for number in numbers}
    for invoice_id in ids.values():
        world.send(invoice_id)
    world.settle()
    return {number: (invoice_id, world.intacct.invoice(number)) for number, invoice_id in ids.items()}


def pulled(world: World) -> None:
    """Look at Intacct now, and come to rest."""
    world.pull()
    world.settle()


def paid(recordno: str, amount: str, **more: str) -> Record:
    """One document of a payment."""
    return {"recordno": recordno, "amount": amount, **more}


def test_a_payment_becomes_a_receipt_that_people_see(world: World) -> None:
    with world.running(web=False):
        invoice_id, record = posted(world, "INV-1")["INV-1"]
        payment = world.intacct.pay(paid(record["RECORDNO"], "120.00"), number="RCPT-9")
        pulled(world)
        (receipt,) = world.scoro.receipts()
        assert (receipt["invoice_id"], receipt["sum"], receipt["date"]) == (invoice_id, "120.00", today())
        assert receipt["receipt_account_id"] == 1
        assert world.scoro.record(invoice_id)["status"] == "paid"
        pulled(world)
        assert len(world.scoro.receipts()) == 1, "what was seen again is nothing"
    document = world.row("SELECT * FROM document WHERE kind = 'receipt'")
    assert (document["scoro_id"], document["state"], document["number"]) == (receipt["id"], "posted", "RCPT-9")
    assert (document["amount"], document["currency"]) == (Decimal("120.00"), "GBP")
    link = world.row("SELECT object, record_no FROM link WHERE document_id = %s", [document["id"]])
    assert link == {"object": "ARPYMT", "record_no": payment["RECORDNO"]}
    assert not world.failures()


def test_parts_of_several_documents_in_one_payment_are_a_receipt_each(world: World) -> None:
    with world.running(web=False):
        both = posted(world, "INV-1", "INV-2")
        (first, one), (second, two) = both["INV-1"], both["INV-2"]
        world.intacct.pay(paid(one["RECORDNO"], "20.01"), paid(two["RECORDNO"], "99.99"))
        world.intacct.pay(paid(one["RECORDNO"], "20.01"))
        pulled(world)
        sums = sorted((row["invoice_id"], row["sum"]) for row in world.scoro.receipts())
        assert sums == sorted([(first, "20.01"), (first, "20.01"), (second, "99.99")])
        assert Decimal(str(world.scoro.record(first)["receivable_sum"])).quantize(Decimal("0.01")) == Decimal("79.98")


def test_a_payment_that_is_taken_back_loses_its_receipts(world: World) -> None:
    with world.running(web=False):
        invoice_id, record = posted(world, "INV-1")["INV-1"]
        payment = world.intacct.pay(paid(record["RECORDNO"], "50.00"))
        pulled(world)
        assert len(world.scoro.receipts()) == 1
        world.intacct.control(f"reverse/ARPYMT/{payment['RECORDNO']}", {})
        pulled(world)
        assert not world.scoro.receipts()
        assert world.scoro.record(invoice_id)["status"] == "unpaid"
    assert world.row("SELECT state FROM document WHERE kind = 'receipt'")["state"] == "deleted"


def test_a_receipt_whose_payment_is_taken_back_may_wait_for_a_person(world: World) -> None:
    world.set(data__receipts__on_delete="hold")
    with world.running(web=False):
        _, record = posted(world, "INV-1")["INV-1"]
        payment = world.intacct.pay(paid(record["RECORDNO"], "50.00"))
        pulled(world)
        world.intacct.control(f"reverse/ARPYMT/{payment['RECORDNO']}", {})
        pulled(world)
        assert len(world.scoro.receipts()) == 1
        held = world.row("SELECT state, reason, scoro_id FROM document WHERE kind = 'receipt'")
        assert held["state"] == "held"
        assert f"`scoro-intacct fetch receipt {held['scoro_id']}`" in held["reason"]
        fetch(world.ledger.db, world.connection, Kind.RECEIPT, held["scoro_id"], "cli:olga")
        until(lambda: not world.scoro.receipts(), "the person's word counts")
        world.settle()
    assert world.row("SELECT state FROM document WHERE kind = 'receipt'")["state"] == "deleted"


def test_a_credit_that_is_applied_settles_both_in_scoro(world: World) -> None:
    with world.running(web=False):
        invoice_id, record = posted(world, "INV-1")["INV-1"]
        customer = int(world.scoro.record(invoice_id)["company_id"])
        credit_id = world.scoro.invoice("CR-1", customer, line(amount="-0.5"), credited_invoices=[invoice_id])
        world.send(credit_id)
        world.settle()
        world.intacct.pay(paid(record["RECORDNO"], "60.00"))
        pulled(world)
        sums = sorted((row["invoice_id"], row["sum"]) for row in world.scoro.receipts())
    assert sums == sorted([(invoice_id, "60.00"), (invoice_id, "60.00"), (credit_id, "-60.00")])
    assert world.scoro.record(invoice_id)["status"] == "paid"
    assert world.scoro.record(credit_id)["status"] == "paid"


def test_a_payment_of_a_document_that_is_linked_later_comes_back_then(world: World) -> None:
    with world.running(web=False):
        invoice_id, record = posted(world, "INV-1")["INV-1"]
        held = world.row("DELETE FROM link WHERE record_no = %s RETURNING *", [record["RECORDNO"]])
        world.intacct.pay(paid(record["RECORDNO"], "20.00"))
        pulled(world)
        assert not world.scoro.receipts()
        assert world.row("SELECT count(*) AS n FROM pulled WHERE state = 'unknown'")["n"] == 1
        world.execute(
            "INSERT INTO link (document_id, connection_id, object, record_no, natural_key) VALUES (%s, %s, %s, %s, %s)",
            [held[name] for name in ("document_id", "connection_id", "object", "record_no", "natural_key")],
        )
        pulled(world)
        assert [row["sum"] for row in world.scoro.receipts(invoice_id)] == ["20.00"]


@pytest.mark.parametrize(
    ("in_intacct", "in_scoro", "code"),
    [("EUR", "GBP", "receipt_in_other_currency"), ("JPY", "JPY", "currency_decimals")],
)
def test_a_payment_that_scoro_could_not_show_as_it_is_is_a_failure(
    world: World, monkeypatch: pytest.MonkeyPatch, in_intacct: str, in_scoro: str, code: str
) -> None:
    monkeypatch.setitem(fixtures.CURRENCIES, "JPY", Decimal("0.0052"))
    with world.running(web=False, scheduler=False):
        invoice_id, record = posted(world, "INV-1")["INV-1"]
        world.intacct.control(f"edit/ARINVOICE/{record['RECORDNO']}", {"fields": {"CURRENCY": in_intacct}})
        world.scoro.edit(invoice_id, currency=in_scoro)
        world.intacct.pay(paid(record["RECORDNO"], "20.00"))
        pulled(world)
    (failure,) = world.failures()
    assert failure["code"] == code
    assert in_intacct in failure["cause"]
    assert "by hand" in failure["fix"]
    assert not world.scoro.receipts()


def test_drafts_and_old_payments_are_left_alone(world: World) -> None:
    world.set(data__receipts__start_date=today())
    with world.running(web=False):
        record = posted(world, "INV-1")["INV-1"][1]
        world.intacct.pay(paid(record["RECORDNO"], "20.00"), date="01/15/2026")
        world.intacct.pay(paid(record["RECORDNO"], "30.00"), draft=True)
        pulled(world)
    assert not world.scoro.receipts()
    assert not world.rows("SELECT FROM document WHERE kind = 'receipt'")


def test_a_receipt_that_a_person_has_booked_already_is_linked(world: World) -> None:
    with world.running(web=False):
        invoice_id, record = posted(world, "INV-1")["INV-1"]
        group = world.scoro.control(
            "create/receipts",
            {"date": today(), "receipt_account_id": 1, "receipts": [{"invoice_id": invoice_id, "sum": "120.00"}]},
        )
        world.intacct.pay(paid(record["RECORDNO"], "120.00"))
        pulled(world)
    assert len(world.scoro.receipts()) == 1
    document = world.row("SELECT * FROM document WHERE kind = 'receipt'")
    assert (document["state"], document["scoro_id"]) == ("posted", int(group["id"]))


def test_a_part_that_a_person_has_booked_already_is_linked_too(world: World) -> None:
    with world.running(web=False):
        invoice_id, record = posted(world, "INV-1")["INV-1"]
        contact = int(world.scoro.record(invoice_id)["company_id"])
        for amount in ("20.00", "30.00"):
            entry = {"invoice_id": invoice_id, "sum": amount}
            group = {"date": today(), "receipt_account_id": 1, "contact_id": contact, "receipts": [entry]}
            world.scoro.control("create/receipts", group)
        world.intacct.pay(paid(record["RECORDNO"], "20.00"))
        world.intacct.pay(paid(record["RECORDNO"], "40.00"))
        pulled(world)
    assert sorted(row["sum"] for row in world.scoro.receipts()) == ["20.00", "30.00", "40.00"]


def test_a_payment_of_more_than_is_open_waits_for_a_person(world: World) -> None:
    with world.running(web=False):
        invoice_id, record = posted(world, "INV-1")["INV-1"]
        world.scoro.control(
            "create/receipts",
            {"date": today(), "receipt_account_id": 1, "receipts": [{"invoice_id": invoice_id, "sum": "100.00"}]},
        )
        world.intacct.pay(paid(record["RECORDNO"], "120.00"))
        pulled(world)
    assert len(world.scoro.receipts()) == 1
    document = world.row("SELECT * FROM document WHERE kind = 'receipt'")
    assert document["state"] == "held"
    assert "20.00" in document["reason"]


def test_without_a_matching_account_the_failure_says_which_there_are(world: World) -> None:
    world.set(accounts__payment_bank="")
    with world.running(web=False):
        record = posted(world, "INV-1")["INV-1"][1]
        world.intacct.pay(paid(record["RECORDNO"], "120.00"))
        pulled(world)
        (failure,) = world.failures()
        assert failure["code"] == "no_receipt_account"
        assert "1 (Bank current account), 2 (Cash)" in failure["cause"]
        assert not world.scoro.receipts()
        world.set(accounts__payment_bank="2")
        replay(world.ledger.db, plan(world.ledger.db))
        world.settle()
    assert [row["receipt_account_id"] for row in world.scoro.receipts()] == [2]
    assert not world.failures()


def test_receipts_whose_answers_are_lost_are_looked_up_and_booked_once(world: World) -> None:
    with world.running(web=False):
        both = posted(world, "INV-1", "INV-2")
        (first, one), (second, two) = both["INV-1"], both["INV-2"]
        for fault in ("lost_after_commit", "lost_before", "throttled", "empty", "status_5xx", "html"):
            world.scoro.fault(fault, module="receipts", action="modify", after=fault in {"empty", "html"})
        world.scoro.fault("html", module="receipts", action="modify", status=200, after=True)
        world.intacct.pay(paid(one["RECORDNO"], "50.00"))
        world.intacct.pay(paid(one["RECORDNO"], "50.00"))
        world.intacct.pay(paid(two["RECORDNO"], "70.00"))
        world.intacct.pay(paid(two["RECORDNO"], "50.00"))
        pulled(world)
    sums = sorted((row["invoice_id"], row["sum"]) for row in world.scoro.receipts())
    assert sums == sorted([(first, "50.00"), (first, "50.00"), (second, "70.00"), (second, "50.00")])
    groups = [row["scoro_id"] for row in world.rows("SELECT scoro_id FROM document WHERE kind = 'receipt'")]
    assert sorted(groups) == sorted({row["id"] for row in world.scoro.receipts()}), "each is linked to its own"


def test_receipts_whose_deletion_is_not_answered_are_gone_once(world: World) -> None:
    with world.running(web=False):
        record = posted(world, "INV-1")["INV-1"][1]
        payments = [world.intacct.pay(paid(record["RECORDNO"], amount)) for amount in ("50.00", "10.00")]
        pulled(world)
        for fault in ("lost_before", "lost_after_commit"):
            world.scoro.fault(fault, module="receipts", action="delete")
        for payment in payments:
            world.intacct.control(f"reverse/ARPYMT/{payment['RECORDNO']}", {})
        pulled(world)
    assert not world.scoro.receipts()
    assert {row["state"] for row in world.rows("SELECT state FROM document WHERE kind = 'receipt'")} == {"deleted"}


def test_a_key_that_may_not_write_receipts_is_told_and_holds_nothing_else_up(world: World) -> None:
    with world.running(web=False):
        both = posted(world, "INV-1", "INV-2")
        world.scoro.fault("status_5xx", module="receipts", action="modify", status=403, count=2)
        for _, record in both.values():
            world.intacct.pay(paid(record["RECORDNO"], "50.00"))
        world.pull()
        until(lambda: bool(world.failures()), "it is told")
        (failure,) = world.failures()
        assert failure["code"] == "scoro_write_forbidden"
        third = world.scoro.invoice("INV-3", world.scoro.customer("Other"), line())
        world.send(third)
        until(lambda: world.document_is(third, "posted"), "reading goes on")
        world.scoro.clear_faults()
        world.execute("UPDATE clock SET shift = shift + interval '10 minutes'")
        world.settle()
    assert len(world.scoro.receipts()) == 2
    assert not world.failures()
