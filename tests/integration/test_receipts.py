"""Payments of Intacct become receipts in Scoro, to the cent and once."""

from decimal import Decimal
from typing import Any

import pytest

from tests.worlds.stand_ins import line, today
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
