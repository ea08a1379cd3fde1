"""Fixtures around a world, for the conftests that want them.

Every request that the gateway's stand-in received in a test is held against the vendor's schema after it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dramatiq
import pytest

from app.services.postgres import PostgresService
from app.wiring import open_ledger
from tests.conftest import at_database, temporary_database
from tests.contract.vendor_schema import assert_all_valid
from tests.worlds.stand_ins import StandIns, stand_ins
from tests.worlds.waiting import until
from tests.worlds.world import World, join, settings_for


@pytest.fixture(scope="session")
def shared_stand_ins() -> Iterator[StandIns]:
    """Both stand-ins, run once; `both` gives them as new to each test."""
    with stand_ins() as both:
        yield both


@pytest.fixture
def both(shared_stand_ins: StandIns) -> Iterator[StandIns]:
    """Both stand-ins as new."""
    shared_stand_ins.reset()
    yield shared_stand_ins
    until(shared_stand_ins.intacct.is_idle, "nothing that was cut off will still run")
    assert_all_valid(request["xml"].encode() for request in shared_stand_ins.intacct.requests())


@dataclass(frozen=True)
class JoinedOnce:
    """A ledger in which the stand-ins are connected: a database to copy, and what Intacct was asked for it."""

    database: str
    connection_id: int
    asked: tuple[bytes, ...]


@pytest.fixture(scope="session")
def joined_once(
    shared_stand_ins: StandIns,
    postgres_server: PostgresService,
    template_database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[JoinedOnce]:
    """The connection that all worlds begin with; made by the product, once in a run."""
    shared_stand_ins.reset()
    with temporary_database(postgres_server.url, template_database) as name:
        url, folder = at_database(postgres_server.url, name), tmp_path_factory.mktemp("joined")
        with joined(shared_stand_ins, url, folder, None, "") as world:
            asked = tuple(request["xml"].encode() for request in world.intacct.requests())
        shared_stand_ins.reset()  # whoever had them as new has them so still
        yield JoinedOnce(name, world.connection_id, asked)


@contextmanager
def joined_as_before(
    both: StandIns, once: JoinedOnce, server: PostgresService, data_dir: Path, amqp_url: str | None, prefix: str
) -> Iterator[World]:
    """A world over a copy of the ledger; Intacct is asked again what it was asked on connecting."""
    for body in once.asked:
        both.intacct.post(body)
    with temporary_database(server.url, once.database) as name:
        url = at_database(server.url, name)
        settings = settings_for(both, url, data_dir=data_dir, queue_prefix=prefix, amqp_url=amqp_url)
        with open_ledger(settings, actor="test", pool_size=12) as ledger:
            yield World(both, settings, ledger, once.connection_id, amqp_url)


@contextmanager
def joined(both: StandIns, database_url: str, data_dir: Path, amqp_url: str | None, prefix: str) -> Iterator[World]:
    """A world over a database of its own."""
    settings = settings_for(both, database_url, data_dir=data_dir, queue_prefix=prefix, amqp_url=amqp_url)
    with open_ledger(settings, actor="test", pool_size=12) as ledger:
        yield join(both, settings, ledger, amqp_url)


@pytest.fixture
def _workers_stop_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle workers look every 50 ms whether they are to stop, instead of every second."""
    monkeypatch.setattr("workers.broker.Worker", partial(dramatiq.Worker, worker_timeout=50))


@pytest.fixture
def embedded_world(
    both: StandIns, joined_once: JoinedOnce, postgres_server: PostgresService, tmp_path: Path, _workers_stop_fast: None
) -> Iterator[World]:
    """A world whose bells ring in this process."""
    with joined_as_before(both, joined_once, postgres_server, tmp_path, None, "") as world:
        yield world


@pytest.fixture
def rabbit_world(
    both: StandIns,
    joined_once: JoinedOnce,
    postgres_server: PostgresService,
    tmp_path: Path,
    broker_url: str,
    queue_prefix: str,
    _workers_stop_fast: None,
) -> Iterator[World]:
    """A world whose bells ring through RabbitMQ."""
    with joined_as_before(both, joined_once, postgres_server, tmp_path, broker_url, queue_prefix) as world:
        yield world


@pytest.fixture(params=["rabbit_world", "embedded_world"])
def world(request: pytest.FixtureRequest) -> World:
    """A world over RabbitMQ, then one over the in-process broker."""
    made: World = request.getfixturevalue(request.param)
    return made
