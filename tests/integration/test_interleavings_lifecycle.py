"""Deaths and lost answers amid what changes or removes a record: replacements, deletions, closed periods."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg.types.json import Jsonb

from schemas.settings import set_key
from tests.integration.test_interleavings_directed import ONE, posted, settled
from tests.interleavings.actors import Actor
from tests.interleavings.far_sides import LOSE
from tests.interleavings.fixtures import stage, stage_home
from tests.interleavings.stage import Stage

__all__ = ["stage", "stage_home"]

NUMBER = "INV-1"
STEPS = (
    "delivery.intent",
    "gateway.connecting",
    "delivery.leaving",
    "gateway.received",
    "gateway.ran",
    "delivery.answered",
    "delivery.settled",
)
FATES = ("dies", "loses its answer")

every_step = pytest.mark.parametrize("step", STEPS)
every_fate = pytest.mark.parametrize("fate", FATES)


@contextmanager
def chosen(stage: Stage, **keys: str) -> Iterator[None]:
    """Settings of the connection, for as long as the block runs; `closed_period`, `data__invoices__on_delete`."""
    before = stage.connection.settings
    settings = before
    for name, text in keys.items():
        settings = set_key(settings, name.replace("__", "."), text)
    save = "UPDATE connection SET settings = %s"
    stage.control.execute(save, [Jsonb(settings.to_json())])
    try:
        yield
    finally:
        stage.control.execute(save, [Jsonb(before.to_json())])


def befalls(stage: Stage, sender: Actor, fate: str) -> None:
    """What becomes of a sender that stands at a step, and of the answer that it waits for."""
    if fate == "dies":
        stage.kill(sender)
    elif fate == "loses its session":
        stage.cut(sender)
        sender.finish()
    else:
        if sender.at in {"gateway.received", "gateway.ran"}:
            sender.resume(LOSE)
        sender.finish()


def send_until(stage: Stage, step: str) -> Actor:
    """The change of the invoice is read, and its sender stands at a step of the write: the draft was looked at."""
    stage.intake().finish()
    stage.pass_time(1)
    stage.control.execute("UPDATE link SET looked_at = ledger_now()")
    return stage.delivery().until(step)


def gateway_works_on(stage: Stage) -> None:
    """The gateway does what nobody listens to any more."""
    for flight in list(stage.wire.pending):
        stage.wire.run(flight)


@pytest.mark.parametrize(("fate", "late"), [("dies", False), ("loses its answer", True), ("loses its session", False)])
@every_step
def test_a_draft_that_lost_a_line_stands_once_and_as_a_draft_whatever_happens(
    stage: Stage, step: str, fate: str, late: bool
) -> None:
    with chosen(stage, defaults__invoice_status="draft"):
        posted(stage, "C")
        (old,) = stage.wire.books.invoices(NUMBER)
        stage.edit(ONE, "B")
        befalls(stage, send_until(stage, step), fate)
        if late:
            gateway_works_on(stage)
        settled(stage)
        (new,) = stage.wire.books.invoices(NUMBER)
        assert new["RECORDNO"] != old["RECORDNO"]
        assert new["STATE"] == "Draft"
        (link,) = stage.rows("SELECT record_no FROM link WHERE object = 'ARINVOICE'")
        assert link["record_no"] == new["RECORDNO"]


@every_fate
@every_step
@pytest.mark.parametrize("status", ["draft", "submitted"])
def test_a_deleted_document_is_taken_out_of_intacct_once(stage: Stage, step: str, fate: str, status: str) -> None:
    with chosen(stage, defaults__invoice_status=status, data__invoices__on_delete="reverse"):
        posted(stage)
        stage.scoro.delete(ONE)
        stage.webhook(ONE)
        befalls(stage, send_until(stage, step), fate)
        stage.drain()
        found = [row["STATE"] for row in stage.wire.books.invoices(NUMBER)]
        assert found == ([] if status == "draft" else ["Reversed"])
        assert stage.document(ONE)["state"] == "deleted"
        assert stage.rows("SELECT FROM failure WHERE state = 'open'") == []


@every_fate
@every_step
def test_a_document_of_a_closed_period_is_posted_once_on_the_first_open_day(stage: Stage, step: str, fate: str) -> None:
    with chosen(stage, closed_period="next_open"):
        stage.edit(ONE, "closed")
        befalls(stage, send_until(stage, step), fate)
        stage.drain()
        (booked,) = stage.wire.books.invoices(NUMBER)
        assert (booked["WHENCREATED"], booked["WHENPOSTED"]) == ("01/15/2020", "02/01/2020")
        assert stage.document(ONE)["state"] == "posted"


@pytest.mark.parametrize("step", ["gateway.connecting", "delivery.leaving", "gateway.received", "gateway.ran"])
def test_who_dies_while_a_draft_is_looked_at_leaves_nothing_to_mend(stage: Stage, step: str) -> None:
    with chosen(stage, defaults__invoice_status="draft"):
        posted(stage, "C")
        stage.edit(ONE, "B")
        stage.intake().finish()
        stage.pass_time(1)
        looker = stage.delivery().until(step)
        assert stage.rows("SELECT FROM operation WHERE state = 'sending'") == []
        stage.kill(looker)
        settled(stage)


@every_step
def test_an_edit_that_comes_while_the_document_is_planned_anew_is_not_missed(stage: Stage, step: str) -> None:
    with chosen(stage, closed_period="next_open"):
        stage.edit(ONE, "closed")
        sender = send_until(stage, step)
        stage.edit(ONE, "B")
        sender.finish()
        settled(stage)


@every_step
def test_a_document_that_comes_back_while_it_is_deleted_stands_again(stage: Stage, step: str) -> None:
    with chosen(stage, defaults__invoice_status="draft", data__invoices__on_delete="delete_draft"):
        posted(stage)
        stage.scoro.delete(ONE)
        stage.webhook(ONE)
        sender = send_until(stage, step)
        stage.edit(ONE, "B")
        sender.finish()
        settled(stage)
