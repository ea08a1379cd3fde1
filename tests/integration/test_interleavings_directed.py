"""Orders of events that matter, each played step by step on real Postgres with the product's own sessions."""

import psycopg
import pytest

from db import locks, recovery
from db.database import Database
from tests.interleavings.actors import Actor
from tests.interleavings.far_sides import LOSE
from tests.interleavings.fixtures import stage, stage_home
from tests.interleavings.stage import Stage
from tests.worlds.waiting import until

__all__ = ["stage", "stage_home"]

TWENTY_MINUTES_S = 1200.0
ONE = 1


def settled(stage: Stage) -> None:
    """Everything has come to its end, and what stands is what should."""
    stage.drain()
    stage.judge()


def posted(stage: Stage, content: str = "A") -> None:
    """The one invoice stands in Intacct."""
    stage.edit(ONE, content)
    settled(stage)
    stage.pass_time(60)


def sending(stage: Stage, step: str, content: str = "A") -> Actor:
    """The one invoice is on its way; its sender stands at a step."""
    stage.edit(ONE, content)
    stage.intake().finish()
    stage.pass_time(1)
    return stage.delivery().until(step)


def test_an_invoice_is_created_and_edited(stage: Stage) -> None:
    posted(stage)
    stage.edit(ONE, "C")
    settled(stage)
    stage.edit(ONE, "B")
    settled(stage)


@pytest.mark.parametrize("first", ["new", "known"])
@pytest.mark.parametrize("step", ["start", "intake.taken", "scoro.answering", "intake.read", "intake.committed"])
def test_an_edit_at_any_step_of_intake_is_not_missed(stage: Stage, step: str, first: str) -> None:
    if first == "known":
        posted(stage)
    stage.edit(ONE, "B")
    reader = stage.intake().until(step)
    stage.edit(ONE, "C")
    reader.finish()
    settled(stage)


def test_a_document_that_is_gone_once_it_was_read_holds_no_other_one_up(stage: Stage) -> None:
    stage.edit(ONE, "A")
    stage.edit(2, "A")
    reader = stage.intake().until("intake.read")
    for table, key in (("change", "document_id"), ("document", "id")):  # it was what we had written to Scoro ourselves
        stage.control.execute(
            f"DELETE FROM {table} WHERE {key} IN (SELECT id FROM document WHERE scoro_id = %s)".encode(), [ONE]
        )
    del stage.scoro.contents[ONE]
    reader.finish()
    assert [row["scoro_id"] for row in stage.rows("SELECT scoro_id FROM document WHERE module = 'invoices'")] == [2]
    settled(stage)


@pytest.mark.parametrize("step", ["intake.taken", "scoro.answering", "intake.read", "intake.committed"])
@pytest.mark.parametrize("fate", ["dies", "loses its session", "stands still"])
def test_two_intakes_that_are_answered_in_reverse_order_end_at_the_last_state(
    stage: Stage, step: str, fate: str
) -> None:
    posted(stage)
    stage.edit(ONE, "B")
    first = stage.intake().until(step)
    if fate == "dies":
        stage.kill(first)
    elif fate == "loses its session":
        stage.cut(first)
    else:
        stage.pass_time(TWENTY_MINUTES_S)
    stage.recover()
    stage.edit(ONE, "C")
    stage.pass_time(10)
    second = stage.intake()
    second.finish()
    if first.at is not None:
        first.finish()
    settled(stage)


def test_the_commit_of_a_reader_that_was_taken_over_is_refused(stage: Stage) -> None:
    posted(stage)
    stage.edit(ONE, "B")
    late = stage.intake().until("intake.read")
    stage.pass_time(TWENTY_MINUTES_S)
    stage.recover()
    stage.edit(ONE, "C")
    stage.intake().finish()
    before = stage.rows("SELECT id, source_fingerprint, state FROM operation ORDER BY created_at")
    late.finish()
    assert stage.rows("SELECT id, source_fingerprint, state FROM operation ORDER BY created_at") == before
    settled(stage)


@pytest.mark.parametrize("kind", ["create", "update"])
@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize(
    "step",
    [
        *("delivery.intent", "gateway.connecting", "delivery.leaving", "gateway.received", "gateway.ran"),
        *("delivery.answered", "delivery.settled"),
    ],
)
def test_a_sender_that_stands_still_for_twenty_minutes_doubles_and_overwrites_nothing(
    stage: Stage, step: str, newer: bool, kind: str
) -> None:
    if kind == "update":
        posted(stage, "B")
    stalled = sending(stage, step)
    stage.pass_time(TWENTY_MINUTES_S)
    if newer:
        stage.edit(ONE, "C")
    stage.drain()
    stalled.finish()
    settled(stage)


def test_what_a_stalled_sender_still_holds_never_overwrites_what_was_sent_instead(stage: Stage) -> None:
    posted(stage, "B")
    stalled = sending(stage, "delivery.leaving", "A")
    stage.pass_time(TWENTY_MINUTES_S)
    stage.recover()
    stage.delivery().finish()
    stage.pass_time(TWENTY_MINUTES_S)
    stage.edit(ONE, "C")
    stage.edit(2, "A")
    stage.delivery().finish()
    assert stage.rows("SELECT state, reason FROM operation ORDER BY created_at DESC LIMIT 1") == [
        {"state": "ready", "reason": "not in Intacct: sent again"}
    ]
    stage.intake().finish()
    stage.drain()
    stalled.finish()
    settled(stage)


def test_a_stale_look_up_decides_nothing_about_a_newer_try(stage: Stage) -> None:
    posted(stage, "B")
    sender = sending(stage, "gateway.received", "A")
    sender.resume(LOSE)
    sender.finish()
    stage.pass_time(TWENTY_MINUTES_S)
    stale = stage.delivery().until("look_up.answered")
    stage.pass_time(TWENTY_MINUTES_S)
    stage.recover()
    again = stage.delivery().until("delivery.leaving").until("gateway.received").until("look_up.answered")
    again.until("delivery.intent").until("gateway.received")
    again.resume(LOSE)
    again.finish()
    assert {row["state"] for row in stage.rows("SELECT state FROM operation WHERE verb = 'update'")} == {"uncertain"}
    stage.edit(2, "A")
    stale.finish()
    assert {row["state"] for row in stage.rows("SELECT state FROM operation WHERE verb = 'update'")} == {"uncertain"}
    (flight,) = stage.wire.pending
    stage.edit(ONE, "C")
    stage.wire.run(flight)
    settled(stage)


def test_a_claim_is_given_up_before_its_stalled_sender_goes_on(stage: Stage) -> None:
    stalled = sending(stage, "delivery.intent")
    stage.pass_time(TWENTY_MINUTES_S)
    stage.recover()
    (given_up,) = stage.rows("SELECT state FROM request")
    assert given_up["state"] == "withdrawn"
    assert {row["state"] for row in stage.rows("SELECT state FROM operation")} == {"ready"}
    stalled.until("delivery.settled")
    assert "delivery.leaving" not in stalled.steps
    stalled.finish()
    settled(stage)
    assert stage.wire.received == 1
    assert stage.rows("SELECT state FROM request ORDER BY id") == [{"state": "withdrawn"}, {"state": "answered"}]


@pytest.mark.parametrize("step", ["gateway.received", "gateway.ran", "delivery.answered"])
def test_a_late_answer_wins_over_the_doubt(stage: Stage, step: str) -> None:
    sender = sending(stage, step)
    stage.cut(sender)
    stage.recover()
    assert {row["state"] for row in stage.rows("SELECT state FROM operation")} == {"uncertain"}
    sender.finish()
    assert {row["state"] for row in stage.rows("SELECT state FROM operation")} == {"posted"}
    settled(stage)
    assert stage.wire.received == 1


@pytest.mark.parametrize("kind", ["create", "update"])
@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize("runs", ["before the look-up", "after the look-up", "never"])
def test_a_lost_answer_is_looked_up_and_the_last_state_stands_once(
    stage: Stage, runs: str, newer: bool, kind: str
) -> None:
    if kind == "update":
        posted(stage, "B")
    sender = sending(stage, "gateway.received")
    (flight,) = stage.wire.pending
    if runs == "before the look-up":
        stage.wire.run(flight)
    sender.resume(LOSE)
    if newer:
        stage.edit(ONE, "C")
        stage.edit(2, "A")
        stage.pass_time(3)
    sender.finish()
    stage.delivery().finish()
    stage.intake().finish()
    if runs == "after the look-up":
        stage.wire.run(flight)
    settled(stage)


def test_the_locks_of_a_session_are_free_when_its_block_ends(stage: Stage) -> None:
    for _ in range(50):
        with stage.db.session() as first:
            assert locks.try_lock(first, locks.DOCUMENT, ONE)
        with stage.db.session() as second:
            assert locks.try_lock(second, locks.DOCUMENT, ONE)


def test_a_sender_that_stands_still_before_it_has_chosen_gives_up_the_slot(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "STALLED_S", 0.2)
    with stage.db.session() as stopped:
        assert locks.try_lock(stopped, locks.COMPANY_SLOT, stage.connection.company * 1000)
        stage.edit(ONE, "A")
        stage.intake().finish()
        until(lambda: stage.db.run(recovery.end_stalled), "the stopped sender's session is ended")
    settled(stage)


def test_a_process_that_stands_still_inside_a_transaction_blocks_nobody_for_long(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.edit(ONE, "A")
    monkeypatch.setattr("db.database.IDLE_IN_TRANSACTION_S", 1)
    stopped = Database(stage.db.url, actor="stopped", pool_size=1)
    with pytest.raises(psycopg.Error), stopped.session() as session, session.transaction():
        session.execute("SELECT FROM change FOR UPDATE")
        stage.webhook(ONE)
        session.execute("SELECT")
    stopped.close()
    settled(stage)
