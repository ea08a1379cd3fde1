"""Fixtures around a stage: one ledger for a module, as new for each test."""

from collections.abc import Iterator

import pytest

from app.services.postgres import PostgresService
from tests.interleavings.actors import stand
from tests.interleavings.stage import Stage
from tests.worlds.fixtures import JoinedOnce, joined_as_before
from tests.worlds.stand_ins import StandIns


@pytest.fixture(scope="module")
def stage_home(
    postgres_server: PostgresService,
    joined_once: JoinedOnce,
    shared_stand_ins: StandIns,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """A stage on a ledger of its own, connected."""
    shared_stand_ins.reset()
    folder = tmp_path_factory.mktemp("stage")
    with joined_as_before(shared_stand_ins, joined_once, postgres_server, folder, None, "") as world:
        made = Stage(world)
        yield made
        made.close()


@pytest.fixture
def stage(stage_home: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The stage as new; for as long as the test runs the product's steps and waits are the actors' and the clock's."""
    monkeypatch.setattr("workers.steps.on_step", stand)
    monkeypatch.setattr("workers.delivery.run.time", stage_home.clock)
    monkeypatch.setattr("workers.carrier.time", stage_home.clock)
    monkeypatch.setattr("producers.sweep.time", stage_home.clock)
    stage_home.reset()
    yield stage_home
    stage_home.kill_all()
