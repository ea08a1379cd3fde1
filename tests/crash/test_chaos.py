"""The short form of `make crash`: real processes under a seeded handful of faults lose, double and change nothing."""

from pathlib import Path

import pytest

from app.services.errors import ServiceError
from tests.conftest import service_missing
from tests.crash.chaos.conductor import conduct, groups, plan
from tests.crash.chaos.faults import kinds
from tests.crash.chaos.report import Report, Row
from tests.crash.chaos.services import services
from tests.worlds.stand_ins import StandIns
from workers.steps import STEPS

SHORT = 16
SEED = 5


def test_a_handful_of_faults_loses_doubles_and_changes_nothing(shared_stand_ins: StandIns, state_dir: Path) -> None:
    folder = state_dir / "chaos"
    folder.mkdir(mode=0o711)
    try:
        with services(folder) as own:
            report = conduct(own, shared_stand_ins, folder / "logs", seed=SEED, faults=SHORT, say=print)
    except ServiceError as error:
        service_missing(str(error))
    assert report.findings == []
    assert report.struck + sum(row.unstruck for row in report.rows.values()) == SHORT
    assert report.struck >= SHORT - 2
    assert report.counts["resolved"] == report.counts["doubted"]
    assert report.counts["writes_resolved"] == report.counts["writes_doubted"]


def test_a_plan_holds_every_kind_equally_often_and_is_repeated_by_its_seed() -> None:
    names = [kind.name for kind in plan(7, 2 * len(kinds()))]
    assert len(set(names)) == len(kinds())
    assert all(names.count(name) == 2 for name in set(names))
    assert names == [kind.name for kind in plan(7, len(names))]
    assert names != [kind.name for kind in plan(8, len(names))]


def test_groups_keep_the_plan_and_never_join_a_jumping_clock_with_something_late() -> None:
    planned = plan(3, 500)
    cut = list(groups(planned, "3"))
    assert [kind for group in cut for kind in group] == planned
    assert not [group for group in cut if any(k.late for k in group) and any(k.jumps for k in group)]


@pytest.mark.parametrize("step", STEPS)
def test_processes_are_killed_and_stopped_at_every_step(step: str) -> None:
    assert {f"{step}: killed", f"{step}: stopped"} <= {kind.name for kind in kinds()}


def test_a_report_shows_every_kind_that_was_tried() -> None:
    report = Report(1, {"a": Row(runs=2, recovered_s=[1.0, 3.0]), "b": Row(unstruck=1), "c": Row()})
    assert [line.split("|")[1].strip() for line in report.table().splitlines()] == ["step", "---", "a", "b"]
    assert report.summary().startswith("2 faults of 1 kinds, seed 1, in 0.0 min: 0 lost, 0 doubled, 0 different")
