"""Documents that hold what another one was refused for wait for it, use no requests, and go when it is put right."""

import pytest

from console.actions import failures as actions
from db import culprits, reports
from tests.integration.test_replays import make, refuse, send_all, the_failure
from tests.worlds.waiting import until
from tests.worlds.world import World

GONE = "Invalid account '4100' specified."


@pytest.fixture
def office(embedded_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which Intacct knows no account 4100, and one document has found out."""
    monkeypatch.setattr("producers.sweep.RECOVER_S", 0.2)
    embedded_world.set(delivery__linger_ms="50", pull__interval="44640")  # time passes here, and requests are counted
    refuse(embedded_world, "<glaccountno>4100<", GONE)
    return embedded_world


def states(world: World) -> list[str]:
    return [row["state"] for row in world.rows("SELECT state FROM document WHERE kind = 'invoice' ORDER BY scoro_id")]


def shift(world: World, seconds: float) -> None:
    world.execute("UPDATE clock SET shift = shift + make_interval(secs => %s)", [seconds])


def test_they_wait_visibly_without_requests_until_one_of_them_goes_through(office: World) -> None:
    world = office
    with world.running(web=False):
        send_all(world, first := make(world, 1, "4100"))
        world.settle()
        failure = the_failure(world)
        assert failure["holds"] == ["glaccountno=4100"]
        before = world.requests_received()
        send_all(world, waiting := make(world, 3, "4100", first=10))
        send_all(world, make(world, 1, "4000", first=20))
        world.settle()
        assert world.requests_received() == before + 1  # the one with another account
        assert states(world) == ["failed", "waiting", "waiting", "waiting", "posted"]
        reason = world.document(waiting[0])["reason"]
        assert reason == f"waits for failure {failure['id']} to be put right (account, 4100)"
        shown = world.ledger.db.run(lambda ledger: reports.failures(ledger, failure_id=failure["id"]))[0]
        assert shown["count"] == 4

        shift(world, culprits.PROBE_S + 1)  # it tries, and is refused: the others wait on
        until(lambda: len(the_failure(world)["ids"]) == 2, "one of them tried")
        world.settle()
        assert states(world) == ["failed", "failed", "waiting", "waiting", "posted"]
        assert world.requests_received() == before + 2

        world.intacct.clear_faults()
        shift(world, culprits.PROBE_S + 1)
        until(lambda: set(states(world)) == {"posted"}, "the next one found it put right, so that all of them went")
        world.settle()
    assert world.row("SELECT state FROM failure WHERE id = %s", [failure["id"]])["state"] == "resolved"
    assert len(world.intacct.invoices()) == len(first) + len(waiting) + 1


def test_nobody_waits_for_longer_than_a_day(office: World) -> None:
    world = office
    with world.running(web=False):
        send_all(world, make(world, 1, "4100"))
        world.settle()
        send_all(world, make(world, 2, "4100", first=10))
        world.settle()
        shift(world, culprits.WAIT_S + 1)
        until(lambda: states(world) == ["failed"] * 3, "all of them tried")
        world.settle()


def test_what_a_person_sends_does_not_wait_and_tells_when_it_is_put_right(office: World) -> None:
    world = office
    with world.running(web=False):
        send_all(world, make(world, 1, "4100"))
        world.settle()
        send_all(world, waiting := make(world, 2, "4100", first=10))
        world.settle()
        world.intacct.clear_faults()
        world.send(waiting[0])
        until(lambda: set(states(world)) == {"posted"}, "it went, and the others after it")
        world.settle()


def test_a_replay_takes_those_along_that_wait_and_a_cause_that_comes_back_opens_again(office: World) -> None:
    world = office
    with world.running(web=False):
        send_all(world, make(world, 1, "4100"))
        world.settle()
        send_all(world, make(world, 3, "4100", first=10))
        world.settle()
        failure = the_failure(world)["id"]
        world.intacct.clear_faults()
        agreed = actions.plan(world.ledger.db, failure_ids=[failure])
        assert (len(agreed.items), agreed.requests) == (4, 1)
        before = world.requests_received()
        actions.replay(world.ledger.db, agreed)
        until(lambda: set(states(world)) == {"posted"}, "all went")
        world.settle()
        assert world.requests_received() - before <= 2
        refuse(world, "<glaccountno>4100<", GONE)
        send_all(world, make(world, 1, "4100", first=20))
        world.settle()
        assert (the_failure(world)["id"], the_failure(world)["incident"]) == (failure, 2)
