"""Deaths and lost answers from posting a credit to applying it: it stands once, and is applied once and in full."""

from decimal import Decimal

import pytest

from tests.integration.test_interleavings_directed import ONE, posted, settled
from tests.integration.test_interleavings_lifecycle import STEPS, befalls, every_fate, every_step, gateway_works_on
from tests.interleavings.actors import Actor
from tests.interleavings.fixtures import stage, stage_home
from tests.interleavings.stage import Stage
from workers.delivery import applying, sources

__all__ = ["stage", "stage_home"]

CREDIT = 3
"""Odd, so that it is of the invoice's customer."""


def posting(stage: Stage) -> Actor:
    """The invoice stands, and the sender of a credit of 36.00 is about to begin."""
    posted(stage)
    stage.scoro.credit(CREDIT, "-30.00", ONE)
    stage.webhook(CREDIT)
    stage.intake().finish()
    stage.pass_time(1)
    return stage.delivery()


def after_posting(stage: Stage) -> Actor:
    """The same sender has settled the credit, and is about to look what else is due."""
    sender = posting(stage).until("delivery.settled")
    assert applied(stage) == []
    sender.resume()
    return sender


def applied(stage: Stage) -> list[Decimal]:
    return [Decimal(row["TRX_ADJUSTMENTAMOUNT"]) for row in stage.wire.books.store.all("ARPYMTDETAIL")]


def assert_applied_once(stage: Stage) -> None:
    settled(stage)
    (invoice,) = stage.wire.books.invoices("INV-1")
    (credit,) = stage.wire.books.store.all("ARADJUSTMENT")
    assert (Decimal(credit["TRX_TOTALDUE"]), Decimal(invoice["TRX_TOTALDUE"])) == (Decimal(0), Decimal(84))
    assert applied(stage) == [Decimal("36.00")]
    assert stage.document(CREDIT)["state"] == "posted"
    assert stage.rows("SELECT FROM failure WHERE state = 'open'") == []


@every_fate
@every_step
def test_a_credit_whose_posting_fails_half_way_is_applied_once(stage: Stage, step: str, fate: str) -> None:
    befalls(stage, posting(stage).until(step), fate)
    assert_applied_once(stage)


@pytest.mark.parametrize("late", [False, True])
@every_fate
@every_step
def test_a_credit_whose_application_fails_half_way_is_applied_once(
    stage: Stage, step: str, fate: str, late: bool
) -> None:
    befalls(stage, after_posting(stage).until(step), fate)
    if late:
        gateway_works_on(stage)
    assert_applied_once(stage)


@every_fate
@pytest.mark.parametrize("step", ["gateway.connecting", "delivery.leaving", "gateway.ran", "look_up.answered"])
def test_a_look_at_what_is_open_that_fails_half_way_is_made_again(
    stage: Stage, step: str, fate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tuple(source for source in sources.SOURCES if source is not applying.source)
    monkeypatch.setattr(sources, "SOURCES", alone)
    looker = after_posting(stage).until(step)
    assert stage.rows("SELECT FROM operation WHERE verb = 'apply' AND state = 'sending'") == []
    befalls(stage, looker, fate)
    assert_applied_once(stage)


def test_the_steps_of_an_application_are_those_of_any_write(stage: Stage) -> None:
    sender = after_posting(stage)
    sender.finish()
    seen = sender.steps[sender.steps.index("delivery.settled") + 1 :]
    assert set(STEPS) <= set(seen)
    assert_applied_once(stage)
