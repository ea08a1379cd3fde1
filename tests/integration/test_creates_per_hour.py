"""More new documents in an hour than `limits.creates_per_hour`: a person is asked once, nothing is lost."""

from collections.abc import Sequence

from console.actions import going_live
from db import changes, waits
from schemas.kinds import Kind
from tests.worlds.waiting import until
from tests.worlds.world import World


def capture(world: World, ids: Sequence[int]) -> None:
    world.ledger.db.run(
        lambda ledger: changes.capture(
            ledger, world.connection_id, Kind.INVOICE, ids, origin="manual", actor="test", settle_ms=0
        )
    )


def states(world: World) -> dict[str, int]:
    rows = world.rows("SELECT state, count(*)::int AS n FROM document WHERE kind = 'invoice' GROUP BY state")
    return {row["state"]: row["n"] for row in rows}


def waiting_for(world: World) -> set[str]:
    return {wait.waits_for for wait in world.ledger.db.run(waits.waits)}


def test_what_is_beyond_the_limit_waits_as_one_failure_until_a_person_agrees(embedded_world: World) -> None:
    world = embedded_world
    world.set(limits__creates_per_hour="5")
    ids = [world.scoro.invoice(f"INV-{n}", world.scoro.customer(f"Acme {n}")) for n in range(12)]
    with world.running(web=False):
        capture(world, ids)
        until(lambda: states(world) == {"posted": 5, "held": 7}, "five left, seven are held")
        until(lambda: [len(failure["ids"]) for failure in world.failures()] == [7], "one failure tells of seven")
        (failure,) = world.failures()
        assert failure["error_class"] == "held"
        assert "connection allow" in failure["fix"]
        assert len(world.intacct.customers()) == 5, "customers of held documents are not made"
        until(lambda: waiting_for(world) == {"person"}, "nothing is on its way")

        said = going_live.allow(world.ledger.db, world.connection, 4)
        assert "3 more wait" in said[-1]
        until(lambda: states(world) == {"posted": 9, "held": 3}, "four more left")
        going_live.allow(world.ledger.db, world.connection, 3)
        until(lambda: states(world) == {"posted": 12}, "all left")
        until(lambda: not world.failures(), "the failure is resolved")
    assert len(world.intacct.invoices()) == 12
    assert len(world.intacct.customers()) == 12


def test_the_limit_is_of_an_hour(embedded_world: World) -> None:
    world = embedded_world
    world.set(limits__creates_per_hour="2")
    contact = world.scoro.customer()
    with world.running(web=False):
        for hour in range(3):
            ids = [world.scoro.invoice(f"INV-{hour}-{n}", contact) for n in range(2)]
            capture(world, ids)
            until(lambda hour=hour: states(world) == {"posted": 2 * hour + 2}, "both left")  # type: ignore[misc]
            world.execute("UPDATE clock SET shift = shift + interval '61 minutes'")


def test_what_a_person_sends_and_edits_of_posted_documents_go_whatever_the_limit(embedded_world: World) -> None:
    world = embedded_world
    world.set(limits__creates_per_hour="1")
    contact = world.scoro.customer()
    first, second, third = (world.scoro.invoice(f"INV-{n}", contact) for n in range(3))
    with world.running(web=False):
        capture(world, [first])
        until(lambda: world.document_is(first, "posted"), "the first left")
        world.send(second)
        until(lambda: world.document_is(second, "posted"), "a person sent the second")
        world.scoro.edit(first, description="Thank you")
        capture(world, [first])
        until(lambda: world.intacct.invoice("INV-0")["DESCRIPTION"] == "Thank you", "the edit went")
        capture(world, [third])
        until(lambda: world.document_is(third, "held"), "the third is held")
        world.send(third)
        until(lambda: world.document_is(third, "posted"), "a person sent it")
        until(lambda: not world.failures(), "the failure is resolved")


def test_what_was_agreed_to_lapses_after_a_day(embedded_world: World) -> None:
    world = embedded_world
    world.set(limits__creates_per_hour="1")
    going_live.allow(world.ledger.db, world.connection, 100)
    world.execute("UPDATE clock SET shift = shift + interval '25 hours'")
    contact = world.scoro.customer()
    with world.running(web=False):
        capture(world, [world.scoro.invoice(f"INV-{n}", contact) for n in range(3)])
        until(lambda: states(world) == {"posted": 1, "held": 2}, "two are held")


def test_a_customer_that_nothing_needs_any_more_is_not_made(embedded_world: World) -> None:
    world = embedded_world
    invoice = world.scoro.invoice("INV-1", world.scoro.customer())
    world.execute("UPDATE connection SET state = 'paused'")
    with world.running(web=False):
        capture(world, [invoice])
        until(lambda: world.document_is(invoice, "waiting") and world.rows("SELECT FROM operation"), "it is translated")
        world.scoro.control(f"delete/invoices/{invoice}", {})
        capture(world, [invoice])
        until(lambda: world.document_is(invoice, "deleted"), "it is gone")
        world.execute("UPDATE connection SET state = 'active'")
        world.ring()
        until(lambda: not waiting_for(world), "nothing waits")
    assert world.intacct.customers() == []
