"""Fixtures around a stage: one ledger for a module, as new for each test."""

from collections.abc import Iterator

import pytest

from app.services.postgres import PostgresService
from tests.conftest import at_database, temporary_database
from tests.interleavings.actors import stand
from tests.interleavings.stage import Stage
from tests.worlds.fixtures import joined
from tests.worlds.stand_ins import StandIns


@pytest.fixture(scope="module")
def stage_home(
    postgres_server: PostgresService,
    template_database: str,
    shared_stand_ins: StandIns,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """A stage on a ledger of its own; its connection is made with the stand-ins over HTTP, once."""
    shared_stand_ins.reset()
    with temporary_database(postgres_server.url, template_database) as name:
        url, folder = at_database(postgres_server.url, name), tmp_path_factory.mktemp("stage")
        with joined(shared_stand_ins, url, folder, None, "") as world:
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
