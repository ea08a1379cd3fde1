"""Trying again what failed: priced, paced, cancellable, never twice; with a person's own values where need be."""

import re
from typing import Any

import pytest

from console.actions import failures as actions
from console.actions.documents import NotDoneError
from db import changes, replays
from sandbox import fixtures
from schemas.kinds import Kind
from tests.worlds.stand_ins import line, lines_of
from tests.worlds.waiting import until
from tests.worlds.world import World

ACCOUNT_GONE = "Invalid GL account '{}' specified."


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.sweep.RECOVER_S", 0.2)
    monkeypatch.setattr("db.replays.SLICE_S", 0.3)


def refuse(world: World, contains: str, text: str, count: int | None = None) -> None:
    world.intacct.fault("error", function="create_invoice", contains=contains, description2=text, count=count)


def make(world: World, count: int, account: str = "4000", first: int = 0) -> list[int]:
    customer = world.scoro.customer()
    account_id = fixtures.SCORO_ACCOUNT_IDS[account]
    return [
        world.scoro.invoice(f"INV-{number}", customer, line(f"{10 + number}.00", finance_account_id=account_id))
        for number in range(first, first + count)
    ]


def send_all(world: World, ids: list[int]) -> None:
    world.ledger.db.run(
        lambda ledger: changes.capture(
            ledger, world.connection_id, Kind.INVOICE, ids, origin="webhook", actor="test", settle_ms=0
        )
    )


def the_failure(world: World) -> dict[str, Any]:
    (found,) = world.failures()
    return found


def test_a_replay_settles_exactly_its_documents_at_the_price_announced(embedded_world: World) -> None:
    world = embedded_world
    world.set(delivery__max_documents="5", delivery__linger_ms="200")
    refuse(world, "<glaccountno>4000<", "You may not post to this ledger.")
    refuse(world, "<glaccountno>4100<", "The moon is not full.")
    mended, other = make(world, 12), make(world, 3, "4100", first=100)
    with world.running(web=False):
        send_all(world, [*mended, *other])
        world.settle()
        first, second = sorted(world.failures(), key=lambda f: len(f["ids"]), reverse=True)
        assert (first["ids"], second["ids"]) == (mended, other)
        world.intacct.clear_faults()
        refuse(world, "<glaccountno>4100<", "The moon is not full.")

        agreed = actions.plan(world.ledger.db, failure_ids=[first["id"]])
        assert (len(agreed.items), agreed.requests) == (12, 3)
        before = world.requests_received()
        replay = actions.replay(world.ledger.db, agreed, why="the ledger is open again")
        assert world.row("SELECT state FROM failure WHERE id = %s", [first["id"]])["state"] == "waiting"
        world.settle()
        assert world.requests_received() - before == agreed.requests
    assert {row["RECORDID"] for row in world.intacct.invoices()} == {f"INV-{number}" for number in range(12)}
    assert [failure["id"] for failure in world.failures()] == [second["id"]]
    assert world.row("SELECT state FROM failure WHERE id = %s", [first["id"]])["state"] == "resolved"
    world.ledger.db.run(replays.tend)
    (row,) = world.ledger.db.run(replays.listed)
    assert (row["id"], row["state"], row["settled"], row["under_way"]) == (replay, "done", 12, 0)


def test_what_fails_again_opens_its_failure_again_and_nothing_stands_twice(embedded_world: World) -> None:
    world = embedded_world
    refuse(world, "INV-", "The moon is not full.")
    ids = make(world, 3)
    with world.running(web=False):
        send_all(world, ids)
        world.settle()
        failure = the_failure(world)
        incident = failure["incident"]
        for stored in (False, True):
            agreed = actions.plan(world.ledger.db, failure_ids=[failure["id"]], stored=stored)
            actions.replay(world.ledger.db, agreed)
            world.settle()
            assert the_failure(world)["ids"] == ids
            assert the_failure(world)["incident"] == incident
        world.intacct.clear_faults()
        actions.replay(world.ledger.db, actions.plan(world.ledger.db, cause="moon", stored=True))
        world.settle()
        with pytest.raises(NotDoneError, match="nothing to replay"):
            actions.plan(world.ledger.db, failure_ids=[failure["id"]])
    assert len(world.intacct.invoices()) == 3
    world.ledger.db.run(replays.tend)
    assert [r["failed_again"] or r["settled"] for r in world.ledger.db.run(replays.listed)] == [3, 3, 3]


def test_an_edited_replay_posts_the_edited_value_and_shows_both_versions(embedded_world: World) -> None:
    world = embedded_world
    refuse(world, "<glaccountno>4000<", "You may not post to this ledger.")
    (invoice,) = make(world, 1)
    with world.running(web=False):
        send_all(world, [invoice])
        world.settle()
        failure = the_failure(world)
        sent = world.row("SELECT sent FROM dead_letter")["sent"]
        xml = sent.replace("<glaccountno>4000<", "<glaccountno>4100<")
        agreed = actions.plan_edited(world.ledger.db, failure["id"], f"<!-- mine -->\n{xml}")
        actions.replay(world.ledger.db, agreed, why="4000 is locked until Friday", actor="cli:anna")
        world.settle()
        (row,) = lines_of(world.intacct.invoice("INV-0"))
        assert row["ACCOUNTNO"] == "4100"
        versions = world.rows(
            "SELECT state, function::text AS function FROM operation WHERE object = 'ARINVOICE' ORDER BY created_at"
        )
        assert [(v["state"], "4100" in v["function"]) for v in versions] == [("superseded", False), ("posted", True)]
        (note,) = world.rows("SELECT text FROM note WHERE text LIKE 'Sent by hand%%'")
        assert "glaccountno 4000 → 4100" in note["text"]
        assert "4000 is locked until Friday" in note["text"]
        assert world.failures() == []

        send_all(world, [invoice])  # nothing was edited in Scoro: it stays as it was sent by hand
        world.settle()
        assert lines_of(world.intacct.invoice("INV-0"))[0]["ACCOUNTNO"] == "4100"
        world.intacct.clear_faults()
        world.scoro.edit(invoice, description="Its next edit")
        send_all(world, [invoice])
        world.settle()
        assert lines_of(world.intacct.invoice("INV-0"))[0]["ACCOUNTNO"] == "4000"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("create_invoice", "create_bill", "is missing|is unknown"),
        (
            "</lineitem>",
            "</lineitem><lineitem><glaccountno>4100</glaccountno><amount>1.00</amount></lineitem>",
            "Lines",
        ),
        ("<amount>10.00</amount>", "<amount>ten</amount>", "amount"),
        ("<memo>", "<sneaky>x</sneaky><memo>", "sneaky"),
        ("<function", "<!DOCTYPE f [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><function", "document type"),
        ("</function>", "", "no XML"),
        ("<glaccountno>4000</glaccountno>", "<glaccountno>***</glaccountno>", "masked"),
    ],
)
def test_an_edited_function_of_another_shape_is_refused_with_the_reason(
    embedded_world: World, old: str, new: str, words: str
) -> None:
    world = embedded_world
    refuse(world, "INV-", "The moon is not full.")
    with world.running(web=False):
        send_all(world, make(world, 1))
        world.settle()
    sent = world.row("SELECT sent FROM dead_letter")["sent"]
    assert old in sent
    with pytest.raises(NotDoneError, match=words):
        actions.plan_edited(world.ledger.db, the_failure(world)["id"], re.sub(re.escape(old), lambda _: new, sent))


def test_a_cancelled_replay_leaves_what_was_not_on_its_way(
    embedded_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = embedded_world
    world.set(delivery__max_documents="2")
    refuse(world, "INV-", "The moon is not full.")
    ids = make(world, 6)
    with world.running(web=False):
        send_all(world, ids)
        world.settle()
        world.intacct.clear_faults()
        monkeypatch.setattr("db.replays.SLICE_S", 3600.0)
        failure = the_failure(world)["id"]
        for stored, left in ((False, 4), (True, 2)):
            replay = actions.replay(
                world.ledger.db, actions.plan(world.ledger.db, failure_ids=[failure], stored=stored)
            )
            gone = 6 - left
            until(lambda: len(world.intacct.invoices()) >= gone, "its first slice has gone")  # noqa: B023
            assert f"{left} documents" in actions.cancel(world.ledger.db, replay)
            world.settle()
            until(world.failures, "its failure is open again")
            assert len(the_failure(world)["ids"]) == left
            with pytest.raises(NotDoneError, match="no replay"):
                actions.cancel(world.ledger.db, replay)
    assert world.row("SELECT count(*) AS n FROM operation WHERE state = 'ready'")["n"] == 0


def test_failures_that_people_settle_stay_settled_until_their_cause_comes_back(embedded_world: World) -> None:
    world = embedded_world
    refuse(world, "INV-", "The moon is not full.")
    with world.running(web=False):
        send_all(world, make(world, 2))
        world.settle()
        failure = the_failure(world)["id"]
        actions.comment(world.ledger.db, failure, "Waiting for the moon.", actor="cli:anna")
        actions.settle(world.ledger.db, failure, "discarded", why="not this month", actor="cli:anna")
        assert world.failures() == []
        with pytest.raises(NotDoneError, match="settled already"):
            actions.settle(world.ledger.db, failure, "resolved")
        send_all(world, make(world, 1, first=2))
        world.settle()
    assert (the_failure(world)["id"], the_failure(world)["incident"], len(the_failure(world)["ids"])) == (failure, 2, 1)
    told = world.rows("SELECT actor, to_state, detail FROM journal WHERE subject = 'failure' ORDER BY id")
    assert [(row["to_state"], row["actor"]) for row in told if row["actor"] == "cli:anna"] == [
        ("comment", "cli:anna"),
        ("discarded", "cli:anna"),
    ]
    assert world.row("SELECT count(*) AS n FROM note WHERE text LIKE '%%not this month%%'")["n"] == 2


def test_a_customer_that_failed_is_replayed_with_the_documents_that_need_it(embedded_world: World) -> None:
    world = embedded_world
    world.intacct.fault("error", function="create", description2="The moon is not full.", count=None)
    with world.running(web=False):
        send_all(world, ids := make(world, 2))
        world.settle()
        (failure,) = world.rows("SELECT id FROM failure WHERE state = 'open'")
        agreed = actions.plan(world.ledger.db, failure_ids=[failure["id"]])
        assert sorted(item.scoro_id for item in agreed.items) == ids
        actions.replay(world.ledger.db, agreed)
        until(lambda: world.ledger.db.run(replays.listed)[0]["state"] == "done", "it has failed again")
        assert world.ledger.db.run(replays.listed)[0]["failed_again"] == 2
        world.intacct.clear_faults()
        actions.replay(world.ledger.db, actions.plan(world.ledger.db, failure_ids=[failure["id"]]))
        world.settle()
        until(lambda: world.ledger.db.run(replays.listed)[0]["settled"] == 2, "all went through")
    assert len(world.intacct.invoices()) == 2
    assert world.rows("SELECT FROM failure WHERE state <> 'resolved'") == []
