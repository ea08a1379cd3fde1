"""Edits in quick succession: few updates, the last one Scoro's own state, and never an old one on top."""

import pytest

from tests.worlds.stand_ins import lines_of
from tests.worlds.waiting import until
from tests.worlds.world import World


def posted(world: World, number: str = "INV-1", **fields: str) -> int:
    invoice = world.scoro.invoice(number, world.scoro.customer(), **fields)
    until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
    world.settle()
    return invoice


@pytest.mark.parametrize("latency_ms", [0, 1000])
def test_ten_edits_within_a_second_are_at_most_two_updates(rabbit_world: World, latency_ms: int) -> None:
    world = rabbit_world
    world.set(delivery__settle_ms="2000")
    with world.running():
        invoice = posted(world)
        world.execute("UPDATE document SET taken_at = NULL")  # it has been quiet for long
        world.intacct.set(latency_ms=latency_ms)
        before = world.intacct.last_request()
        held = world.scoro.record(invoice)["lines"]
        for edit in range(1, 11):
            world.scoro.edit(invoice, description=f"Edit {edit}", lines=[{**held[0], "price": f"{100 + edit}.00"}])
        until(lambda: world.intacct.invoice("INV-1")["DESCRIPTION"] == "Edit 10", "the last edit stands in Intacct")
        world.settle()
    assert 1 <= len(world.intacct.writes(before)) <= 2
    assert set(world.intacct.writes(before)) == {"update_invoice"}
    booked = world.intacct.invoice("INV-1")
    assert booked["DESCRIPTION"] == "Edit 10"
    assert [row["TRX_AMOUNT"] for row in lines_of(booked)] == ["110.00"]


def test_there_and_back_again_while_the_first_is_in_flight_ends_where_scoro_stands(rabbit_world: World) -> None:
    world = rabbit_world
    with world.running():
        invoice = posted(world, description="A")
        before = world.intacct.last_request()
        world.intacct.fault("slow", ms=1500)
        world.scoro.edit(invoice, description="B")
        until(lambda: world.intacct.last_request() > before, "B is in flight")
        world.scoro.edit(invoice, description="A")
        until(lambda: len(world.intacct.writes(before)) == 2, "the way back has left")
        world.settle()
    assert world.intacct.writes(before) == ["update_invoice"] * 2
    assert world.intacct.invoice("INV-1")["DESCRIPTION"] == "A"


def test_there_and_back_again_while_the_first_is_in_doubt_ends_where_scoro_stands(embedded_world: World) -> None:
    world = embedded_world
    with world.running():
        invoice = posted(world, description="A")
        world.intacct.fault("lost_after_commit")
        world.scoro.edit(invoice, description="B")
        until(lambda: world.rows("SELECT FROM request WHERE state = 'unanswered'"), "B's answer is lost")
        world.scoro.edit(invoice, description="A")
        world.settle()
    assert world.intacct.invoice("INV-1")["DESCRIPTION"] == "A"


def test_there_and_back_again_before_anything_left_sends_nothing(embedded_world: World) -> None:
    world = embedded_world
    with world.running():
        invoice = posted(world, description="A")
        before = world.intacct.last_request()
        world.execute("UPDATE connection SET state = 'paused'")
        world.scoro.edit(invoice, description="B")
        until(lambda: world.document_is(invoice, "waiting"), "B waits")
        world.scoro.edit(invoice, description="A")
        until(lambda: world.document_is(invoice, "posted"), "nothing waits any more")
        world.execute("UPDATE connection SET state = 'active'")
        world.ring()
        world.settle()
    assert world.intacct.functions(before) == []
    assert world.intacct.invoice("INV-1")["DESCRIPTION"] == "A"


def test_an_edit_while_the_create_is_in_flight_follows_as_an_update(rabbit_world: World) -> None:
    world = rabbit_world
    customer = world.scoro.customer()
    with world.running():
        before = world.intacct.last_request()
        world.intacct.fault("slow", ms=1000)
        invoice = world.scoro.invoice("INV-1", customer, description="First")
        until(lambda: world.intacct.last_request() > before, "the create is in flight")
        world.scoro.edit(invoice, description="Second")
        until(lambda: "update_invoice" in world.intacct.writes(before), "the update has left")
        world.settle()
    assert world.intacct.writes(before).count("create_invoice") == 1
    assert world.intacct.invoice("INV-1")["DESCRIPTION"] == "Second"
