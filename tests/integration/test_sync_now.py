"""Synchronize now: what Scoro lists, what it costs, and what is captured."""

from collections.abc import Iterator

import pytest

from app.wiring import using
from console.actions import syncing
from console.actions.documents import NotDoneError
from schemas.kinds import Kind
from tests.worlds.waiting import until
from tests.worlds.world import World
from workers.runtime import Runtime


@pytest.fixture
def runtime(embedded_world: World) -> Iterator[Runtime]:
    with using(embedded_world.settings, embedded_world.ledger) as made:
        yield made


def captured(world: World) -> list[tuple[str, int]]:
    rows = world.rows("SELECT d.module, d.scoro_id FROM change c JOIN document d ON d.id = c.document_id ORDER BY 1, 2")
    return [(row["module"], row["scoro_id"]) for row in rows]


def test_every_kind_that_is_synced_is_listed_by_its_own_id(embedded_world: World, runtime: Runtime) -> None:
    world = embedded_world
    customer = world.scoro.customer()
    invoices = [world.scoro.invoice(f"SYNC-{n}", customer) for n in range(3)]
    bill = int(world.scoro.control("create/bills", {"no": "B-1", "company_id": customer, "lines": []})["id"])
    project = int(world.scoro.control("create/projects", {"project_name": "P", "company_id": customer})["project_id"])
    told: list[int] = []
    listing = syncing.look(runtime, world.connection, tell=told.append)
    assert set(listing.ids[Kind.INVOICE]) >= set(invoices)
    assert bill in listing.ids[Kind.BILL]
    assert project in listing.ids[Kind.PROJECT]
    assert told == sorted(told)
    done: list[int] = []
    found = syncing.capture(world.ledger.db, world.connection, listing, actor="cli:anna", tell=done.append)
    assert found == listing.count == done[-1] == len(captured(world))
    assert {("invoices", invoices[0]), ("bills", bill), ("projects", project)} <= set(captured(world))
    assert {row["actor"] for row in world.rows("SELECT actor FROM change")} == {"cli:anna"}


def test_older_documents_are_left_out_unless_the_ledger_knows_them(embedded_world: World, runtime: Runtime) -> None:
    world = embedded_world
    customer = world.scoro.customer()
    old, known, absent, new = (
        world.scoro.invoice(f"OLD-{n}", customer, date=day)
        for n, day in enumerate(["2019-05-01", "2019-05-02", None, "2020-01-01"])
    )
    world.send(known)
    listing = syncing.look(runtime, world.connection, [Kind.INVOICE])
    assert set(listing.ids[Kind.INVOICE]) == {known, absent, new}
    assert old not in listing.ids[Kind.INVOICE]
    assert (listing.left_out, listing.since) == (1, "2020-01-01")


def test_the_price_is_requests_of_the_month_and_says_what_is_over(embedded_world: World, runtime: Runtime) -> None:
    world = embedded_world
    listing = syncing.Listing({Kind.INVOICE: range(1, 121), Kind.BILL: [7]}, 3, "2020-01-01")
    said = syncing.price(world.ledger.db, world.connection, listing)
    assert said.startswith(
        "sandbox: Scoro lists 121 documents since 2020-01-01 (3 older ones are left out). What differs is sent: at most"
        " about 3 requests of the "
    )
    assert said.endswith(" left for documents this month.")
    world.execute("UPDATE site SET request_limit = 2")
    assert "; the rest goes from " in syncing.price(world.ledger.db, world.connection, listing)


def test_it_goes_past_a_schedule_and_takes_along_what_waits(embedded_world: World, runtime: Runtime) -> None:
    world = embedded_world
    world.set(schedule__frequency="manual")
    customer = world.scoro.customer()
    listed, deleted = (world.scoro.invoice(f"RUN-{n}", customer) for n in range(2))
    with world.running(queues=()):
        world.scoro.edit(listed, description="x")
        world.scoro.control(f"delete/invoices/{deleted}", {})
        until(lambda: len(world.rows("SELECT FROM change WHERE scheduled")) == 2, "both wait for the run")
    syncing.capture(
        world.ledger.db, world.connection, syncing.look(runtime, world.connection, [Kind.INVOICE]), actor="cli:anna"
    )
    assert world.rows("SELECT FROM change WHERE scheduled") == []
    assert {row["due"] for row in world.rows("SELECT due_at <= ledger_now() AS due FROM change")} == {True}


def test_a_disconnected_connection_has_nothing_to_synchronize(embedded_world: World, runtime: Runtime) -> None:
    embedded_world.execute("UPDATE connection SET state = 'disconnected'")
    with pytest.raises(NotDoneError, match="connect it again"):
        syncing.look(runtime, embedded_world.connection)
