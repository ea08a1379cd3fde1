"""What happens at each single line of intake and of delivery: nothing is missed, overtaken or deadlocked.

The scene is played anew for each line. The short form takes every fifteenth; all are taken with INTERLEAVINGS set.
"""

import os
from collections.abc import Callable

import pytest

import db.changes
import db.intake
import db.operations
import workers.carrier
import workers.delivery.run
import workers.intake
from tests.interleavings.actors import Actor
from tests.interleavings.fixtures import stage, stage_home
from tests.interleavings.lines import line_by_line, meanwhile
from tests.interleavings.stage import Stage

__all__ = ["stage", "stage_home"]

INTAKE = (workers.intake, db.changes, db.intake)
DELIVERY = (workers.delivery.run, workers.carrier, db.operations)
ONE = 1
EVERY = 1 if os.environ.get("INTERLEAVINGS") else 15


def reader(stage: Stage) -> Actor:
    """The invoice stands in Intacct; an edit is about to be read, line by line."""
    stage.reset()
    stage.edit(ONE, "A")
    stage.drain()
    stage.pass_time(60)
    stage.edit(ONE, "B")
    return stage.enter("intake", line_by_line(lambda: stage.hear("changes"), INTAKE))


def second_reader(stage: Stage) -> Actor:
    """A new invoice is ready to be created; an edit of it is about to be read, line by line."""
    stage.reset()
    stage.edit(ONE, "B")
    stage.hear("changes")
    stage.edit(ONE, "C")
    stage.pass_time(3)
    return stage.enter("intake", line_by_line(lambda: stage.hear("changes"), INTAKE))


def first_reader(stage: Stage) -> Actor:
    """A new invoice of a new customer is about to be read, line by line."""
    stage.reset()
    stage.edit(ONE, "B")
    return stage.enter("intake", line_by_line(lambda: stage.hear("changes"), INTAKE))


def sender(stage: Stage) -> Actor:
    """An edit of the invoice is about to be sent, line by line; a newer one waits to be read."""
    stage.reset()
    stage.edit(ONE, "A")
    stage.drain()
    stage.pass_time(60)
    stage.edit(ONE, "B")
    stage.hear("changes")
    stage.edit(ONE, "C")
    stage.pass_time(3)
    return stage.enter("delivery", line_by_line(lambda: stage.hear("delivery"), DELIVERY))


def lines_of(begin: Callable[[Stage], Actor], stage: Stage) -> list[str]:
    """The lines that the actor comes by, those of this form."""
    actor = begin(stage)
    actor.finish()
    return list(dict.fromkeys(actor.steps))[::EVERY]


def at_each_line(stage: Stage, begin: Callable[[Stage], Actor], event: Callable[[], None]) -> None:
    """Play the scene once for each line: there the event happens, and everything comes to its end."""
    for line in lines_of(begin, stage):
        actor = begin(stage).until(line)
        try:
            meanwhile(stage, actor, event)
            stage.drain()
            stage.judge()
        except AssertionError as fault:
            raise AssertionError(f"at {line}: {fault}") from fault


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("begin", [reader, first_reader])
def test_a_webhook_at_any_line_of_intake_is_not_missed(stage: Stage, begin: Callable[[Stage], Actor]) -> None:
    at_each_line(stage, begin, lambda: stage.edit(ONE, "C"))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("begin", [reader, second_reader])
def test_a_delivery_at_any_line_of_intake_ends_at_the_last_state(stage: Stage, begin: Callable[[Stage], Actor]) -> None:
    at_each_line(stage, begin, lambda: stage.hear("delivery"))


@pytest.mark.timeout(1200)
def test_an_intake_at_any_line_of_delivery_ends_at_the_last_state(stage: Stage) -> None:
    at_each_line(stage, sender, lambda: stage.hear("changes"))
