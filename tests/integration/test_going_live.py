"""Going live: what stood in Intacct before is linked or held, never doubled, for a handful of requests."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from app.wiring import using
from console.actions import connecting, going_live
from console.actions.connecting import ConnectError
from db import changes
from sandbox import fixtures
from schemas.kinds import Kind
from tests.unit.sandbox_intacct import Caller, customer, invoice, line
from tests.worlds.stand_ins import line as scoro_line
from tests.worlds.waiting import until
from tests.worlds.world import World

DOCUMENTS = int(os.environ.get("OLDER_DOCUMENTS", "200"))
"""Documents that stand in Intacct already; the promise speaks of 2,000."""
LAST_WEEK = (datetime.now(UTC) - timedelta(days=7)).date().isoformat()

# ------------------------------------------------------------------------------------------------- the scene


def put(world: World, *functions: str) -> None:
    """Write into Intacct what another hand brought there."""
    caller = Caller(world.intacct.base_url)
    for start in range(0, len(functions), 200):
        for result in caller.results(*functions[start : start + 200]):
            assert result.findtext("status") == "success", etree.tostring(result).decode()


def known_customer(world: World, identity: str = "C1", name: str = "Acme Ltd", tax_id: str = "GB1") -> int:
    """A customer of both sides, told by the tax id; returns Scoro's contact."""
    put(world, customer(identity, name, TAXID=tax_id))
    with using(world.settings, world.ledger) as runtime:
        connecting.read_background(runtime, world.connection)
    return world.scoro.customer(name, id_code=tax_id)


@contextmanager
def counting(world: World) -> Iterator[list[int]]:
    """How many requests the gateway gets while the block runs."""
    before = world.requests_received()
    counted: list[int] = []
    yield counted
    counted.append(world.requests_received() - before)


def requests_since(world: World, number: int) -> list[list[str]]:
    """The functions of each request; reads that ride behind writes are left out."""
    asked = [request["functions"] for request in world.intacct.requests(number)]
    return [[name for name in names if name != "query"] or names for names in asked]


def rehearse(world: World) -> None:
    """Back to where `connect` leaves a connection."""
    world.execute("UPDATE connection SET state = 'rehearsal', live_at = NULL")


def capture(world: World, ids: Sequence[int]) -> None:
    """Tell the product that these invoices may have changed."""
    world.ledger.db.run(
        lambda ledger: changes.capture(
            ledger, world.connection_id, Kind.INVOICE, ids, origin="manual", actor="test", settle_ms=0
        )
    )


def are_read(world: World) -> bool:
    return not world.rows("SELECT FROM change WHERE state IN ('waiting', 'reading')")


def looked_at(world: World) -> dict[str, int]:
    """What a rehearsal says, by outcome."""
    with using(world.settings, world.ledger) as runtime:
        rehearsal = going_live.rehearse(runtime, world.connection)
    assert not rehearsal.not_looked_up
    return {name: portion.count for name, portion in rehearsal.portions.items()}


def states(world: World) -> dict[str, int]:
    rows = world.rows("SELECT state, count(*)::int AS n FROM document WHERE kind = 'invoice' GROUP BY state")
    return {row["state"]: row["n"] for row in rows}


def go_live(world: World) -> list[str]:
    return going_live.go_live(world.ledger.db, world.connection)


# ------------------------------------------------------------------------------------------------- the tests


def test_documents_that_stand_there_already_are_linked_or_held_and_none_is_created(
    embedded_world: World,
) -> None:
    world = embedded_world
    rehearse(world)
    contact = known_customer(world)
    numbers = [f"INV-{n}" for n in range(DOCUMENTS)]
    put(world, *(invoice(number, line("90.00", tax="18.00") if n % 2 else line()) for n, number in enumerate(numbers)))
    ids = [world.scoro.invoice(number, contact, date=LAST_WEEK) for number in numbers]
    created = world.intacct.counters()["created"]
    with counting(world) as requests, world.running(web=False):
        capture(world, ids)
        until(lambda: are_read(world), "all are read", 120)
        assert looked_at(world) == {"link": DOCUMENTS // 2, "hold": DOCUMENTS // 2}
        assert looked_at(world) == {"link": DOCUMENTS // 2, "hold": DOCUMENTS // 2}
        go_live(world)
        world.settle(60)
    assert states(world) == {"linked": DOCUMENTS // 2, "held": DOCUMENTS // 2}
    assert world.intacct.counters()["created"] == created
    assert requests == [2], "one for the rehearsal, one on going live"
    held = world.row("SELECT reason FROM document WHERE number = 'INV-1'")["reason"]
    assert "108.00" in held and "120.00" in held, "both sums are told"


def test_in_rehearsal_nothing_is_sent_whatever_was_found(embedded_world: World) -> None:
    world = embedded_world
    rehearse(world)
    contact = known_customer(world)
    put(world, invoice("INV-1"))
    ids = [world.scoro.invoice(number, contact, date=LAST_WEEK) for number in ("INV-1", "INV-2")]
    with world.running(web=False):
        capture(world, ids)
        until(lambda: are_read(world), "both are read")
        before = world.intacct.last_request()
        assert looked_at(world) == {"link": 1, "create": 1}
        world.ring()
        until(lambda: not world.rows("SELECT FROM outbox"), "the bell has rung")
    assert world.intacct.functions(before) == ["query"]
    assert states(world) == {"waiting": 2}


def test_an_absent_older_document_is_created_after_one_look_up(embedded_world: World) -> None:
    world = embedded_world
    rehearse(world)
    contact = known_customer(world)
    ids = [world.scoro.invoice(f"INV-{n}", contact, date=LAST_WEEK) for n in range(3)]
    with world.running(web=False):
        capture(world, ids)
        until(lambda: are_read(world), "all are read")
        before = world.intacct.last_request()
        go_live(world)
        world.settle()
    assert world.intacct.functions(before) == ["query", *["create_invoice"] * 3, "query"]
    assert states(world) == {"posted": 3}


@pytest.mark.parametrize("interactive", [False, True])
def test_a_document_that_arrives_later_but_is_dated_before_is_looked_up_too(
    embedded_world: World, interactive: bool
) -> None:
    world = embedded_world
    world.execute("UPDATE connection SET live_at = ledger_now()")
    contact = known_customer(world)
    put(world, invoice("INV-1"))
    with world.running(web=False):
        old = world.scoro.invoice("INV-1", contact, date=LAST_WEEK)
        before = world.intacct.last_request()
        if interactive:
            world.send(old)
        else:
            capture(world, [old])
        until(lambda: world.document_is(old, "linked"), "it is linked")
        world.settle()
    assert world.intacct.functions(before) == ["query"]
    assert len(world.intacct.invoices("INV-1")) == 1


def test_many_that_arrive_later_share_their_look_ups(embedded_world: World) -> None:
    """A look-up costs a request whatever it asks for: it waits until what is known to come has been read."""
    world = embedded_world
    world.execute("UPDATE connection SET live_at = ledger_now()")
    contact = known_customer(world)
    numbers = [f"INV-{n}" for n in range(DOCUMENTS)]
    put(world, *(invoice(number, line("90.00", tax="18.00") if n % 2 else line()) for n, number in enumerate(numbers)))
    ids = [world.scoro.invoice(number, contact, date=LAST_WEEK) for number in numbers]
    with counting(world) as requests, world.running(web=False):
        capture(world, ids)
        until(lambda: states(world) == {"linked": DOCUMENTS // 2, "held": DOCUMENTS // 2}, "all are decided", 120)
        world.settle()
    assert requests[0] <= 2


def test_a_new_document_costs_no_look_up(embedded_world: World) -> None:
    world = embedded_world
    contact = known_customer(world)
    world.execute("UPDATE connection SET live_at = ledger_now()")
    with world.running(web=False):
        new = world.scoro.invoice("INV-1", contact)
        before = world.intacct.last_request()
        capture(world, [new])
        until(lambda: world.document_is(new, "posted"), "it is posted")
    assert world.intacct.functions(before) == ["create_invoice", "query"]


def test_a_customer_that_no_key_matches_is_known_by_its_documents_and_not_made_twice(embedded_world: World) -> None:
    """Another integration made the customer without a tax id: its invoices tell which one it is."""
    world = embedded_world
    rehearse(world)
    put(world, customer("C77", "Acme  LTD"), invoice("INV-1", customer="C77"))
    with using(world.settings, world.ledger) as runtime:
        connecting.read_background(runtime, world.connection)
    contact = world.scoro.customer("Acme Ltd", id_code="GB1")
    equal = world.scoro.invoice("INV-1", contact, date=LAST_WEEK)
    absent = world.scoro.invoice("INV-2", contact, date=LAST_WEEK)
    with world.running(web=False):
        capture(world, [equal, absent])
        until(lambda: are_read(world), "both are read")
        go_live(world)
        world.settle()
    assert states(world) == {"linked": 1, "posted": 1}
    assert [row["CUSTOMERID"] for row in world.intacct.customers()] == ["C77"]
    assert world.intacct.invoice("INV-2")["CUSTOMERID"] == "C77"


def test_a_customer_that_only_held_documents_need_is_not_made(embedded_world: World) -> None:
    world = embedded_world
    rehearse(world)
    put(world, customer("C77", "Somebody else"), invoice("INV-1", customer="C77"))
    held = world.scoro.invoice("INV-1", world.scoro.customer("Acme Ltd"), date=LAST_WEEK)
    with world.running(web=False):
        capture(world, [held])
        until(lambda: are_read(world), "it is read")
        go_live(world)
        world.settle()
        assert world.document_is(held, "held")
        assert "C77" in world.document(held)["reason"]
        assert [row["CUSTOMERID"] for row in world.intacct.customers()] == ["C77"]

        world.scoro.edit(held, no="INV-2")
        capture(world, [held])
        until(lambda: world.document_is(held, "posted"), "renumbered, it is created")
    assert {row["NAME"] for row in world.intacct.customers()} == {"Somebody else", "Acme Ltd"}


def test_a_held_document_whose_amount_was_mended_is_linked(embedded_world: World) -> None:
    world = embedded_world
    rehearse(world)
    contact = known_customer(world)
    put(world, invoice("INV-1", line("90.00", tax="18.00")))
    held = world.scoro.invoice("INV-1", contact, date=LAST_WEEK)
    with world.running(web=False):
        capture(world, [held])
        until(lambda: are_read(world), "it is read")
        go_live(world)
        world.settle()
        assert world.document_is(held, "held")
        world.scoro.edit(held, lines=[scoro_line("90.00")])
        capture(world, [held])
        until(lambda: world.document_is(held, "linked"), "it is linked")
        world.settle()
    assert len(world.intacct.invoices("INV-1")) == 1


def test_two_documents_that_equal_one_record_are_not_both_linked_to_it(embedded_world: World) -> None:
    world = embedded_world
    rehearse(world)
    contact = known_customer(world)
    put(world, invoice("INV-1"))
    ids = [world.scoro.invoice("INV-1", contact, date=LAST_WEEK) for _ in range(2)]
    with world.running(web=False):
        capture(world, ids)
        until(lambda: are_read(world), "both are read")
        go_live(world)
        world.settle()
    assert states(world) == {"linked": 1, "held": 1}


def test_a_look_up_whose_answer_is_lost_is_made_again_and_doubles_nothing(embedded_world: World) -> None:
    world = embedded_world
    rehearse(world)
    contact = known_customer(world)
    put(world, invoice("INV-1"))
    ids = [world.scoro.invoice(f"INV-{n}", contact, date=LAST_WEEK) for n in (1, 2)]
    with world.running(web=False):
        capture(world, ids)
        until(lambda: are_read(world), "both are read")
        world.intacct.fault("lost_after_commit", count=1)
        go_live(world)
        until(lambda: world.rows("SELECT FROM request WHERE state = 'unanswered'"), "the answer was lost")
        world.execute("UPDATE clock SET shift = shift + interval '2 minutes'")
        until(lambda: states(world) == {"linked": 1, "posted": 1}, "both came to their end")
    assert {n: len(world.intacct.invoices(n)) for n in ("INV-1", "INV-2")} == {"INV-1": 1, "INV-2": 1}


def test_only_a_rehearsal_goes_live(embedded_world: World) -> None:
    with pytest.raises(ConnectError, match="is active: only a connection in rehearsal goes live"):
        go_live(embedded_world)


def test_the_moment_of_going_live_is_kept_for_ever(embedded_world: World) -> None:
    world = embedded_world
    rehearse(world)
    go_live(world)
    first = world.row("SELECT live_at FROM connection")["live_at"]
    connecting.pause(world.ledger.db, world.connection, "for a test")
    connecting.resume(world.ledger.db, world.connection)
    assert world.row("SELECT live_at FROM connection")["live_at"] == first
    assert world.connection.entity == fixtures.ENTITY_ID
