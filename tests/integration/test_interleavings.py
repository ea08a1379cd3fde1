"""Stateful property test: any interleaving of edits, claims, sends, answers, deaths and settlements ends right.

Each example plays some dozens of steps on real Postgres, then lets everything come to its end: those of hypothesis
(`tests.interleavings.machine`), which are shortened when they fail, and longer walks by a seed. The short form repeats
the same examples in every run; the long form is chosen by the environment, and both are seeded:

    INTERLEAVINGS=2000 WALKS_FROM=1 pytest tests/integration/test_interleavings.py --hypothesis-seed=1
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.interleavings.fixtures import stage, stage_home
from tests.interleavings.machine import machine_on
from tests.interleavings.stage import Stage
from tests.interleavings.walk import walk

__all__ = ["stage", "stage_home"]

SHORT_FORM = 15
EXAMPLES = int(os.environ.get("INTERLEAVINGS", SHORT_FORM))


@pytest.mark.timeout(max(300, 6 * EXAMPLES))
def test_every_interleaving_ends_at_the_last_state_of_scoro_once(stage: Stage) -> None:
    run_state_machine_as_test(
        machine_on(stage),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=EXAMPLES == SHORT_FORM,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(max(300, 6 * EXAMPLES))
def test_long_walks_end_at_the_last_state_of_scoro_once(stage: Stage) -> None:
    first = int(os.environ.get("WALKS_FROM", "1"))
    for seed in range(first, first + EXAMPLES):
        walk(stage, seed)
