"""Fixtures for every test: a database of its own, a broker, an environment without the developer's settings.

Services start when the first test asks for them. `DATABASE_URL` and `AMQP_URL` name them; without, an embedded
PostgreSQL and whatever broker `app.services.broker` finds are used. A service that cannot be had is a skip with its
reason, and a failure where `CI` is set.
"""

import fcntl
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import pika
import pika.channel
import psycopg
import pytest
from psycopg import conninfo, sql

from app.services.broker import broker
from app.services.cluster import Cluster
from app.services.errors import ServiceError
from app.services.postgres import PostgresService, postgres

hypothesis.settings.register_profile(
    "whatever the machine does", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("whatever the machine does")

OWN_VARIABLES = (
    *("DATABASE_URL", "DATABASE_DIRECT_URL", "AMQP_URL", "SECRET_KEYS", "DATA_DIR", "PUBLIC_URL"),
    *("INTACCT_GATEWAY_URL", "INTACCT_SENDER_ID", "INTACCT_SENDER_PASSWORD", "INTACCT_CONCURRENCY", "SCORO_APP_ID"),
    *("SMTP_URL", "MAIL_FROM", "LOG_FORMAT", "LOG_LEVEL", "HTTP_BIND", "METRICS_BIND", "METRICS_TOKEN", "QUEUE_PREFIX"),
    "ALLOW_LOCAL_ENDPOINTS",
)
GIVEN = {name: os.environ.get(name) or None for name in ("DATABASE_URL", "AMQP_URL")}
QUEUES = ("changes", "delivery", "pull", "dead-letters")
DRAMATIQ_SUFFIXES = ("", ".DQ", ".XQ")


def service_missing(reason: str) -> NoReturn:
    """Skip the test for want of a service; in CI, where every service must be there, fail it."""
    if os.environ.get("CI"):
        pytest.fail(f"in CI every service must be there: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def state_dir() -> Iterator[Path]:
    """A folder for the files of services; unlike pytest's own, the unprivileged database server may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="scoro-intacct-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def _empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("working-directory")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, _empty_folder: Path) -> None:
    """Hide the developer's settings: our variables are unset, and no `.env` lies in the working directory."""
    for name in OWN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(_empty_folder)


@pytest.fixture(scope="session")
def postgres_server(state_dir: Path) -> Iterator[PostgresService]:
    """The database server of this run; its `url` leads to a database that tests leave alone."""
    with ExitStack() as stack:
        try:
            service = stack.enter_context(postgres(state_dir, GIVEN["DATABASE_URL"], durable=False))
        except ServiceError as error:
            service_missing(str(error))
        yield service
    if not GIVEN["DATABASE_URL"]:
        shutil.rmtree(Cluster.below(state_dir).home)


@pytest.fixture(scope="session")
def template_database(postgres_server: PostgresService) -> Iterator[str]:
    """The name of a database with the current schema, made once, to be copied."""
    from db.migrate import migrate

    with temporary_database(postgres_server.url, template=None) as name:
        migrate(at_database(postgres_server.url, name))
        yield name


@pytest.fixture
def database_url(postgres_server: PostgresService, template_database: str) -> Iterator[str]:
    """The address of a fresh database with the current schema, for one test."""
    with temporary_database(postgres_server.url, template=template_database) as name:
        yield at_database(postgres_server.url, name)


@pytest.fixture
def empty_database_url(postgres_server: PostgresService) -> Iterator[str]:
    """The address of a database without any table, for one test."""
    with temporary_database(postgres_server.url, template=None) as name:
        yield at_database(postgres_server.url, name)


@pytest.fixture(scope="session")
def broker_url(state_dir: Path) -> Iterator[str]:
    """The address of a RabbitMQ, shared by all tests of the run: use queues that begin with `queue_prefix`."""
    with ExitStack() as stack:
        try:
            with _one_at_a_time():
                service = stack.enter_context(
                    broker(GIVEN["AMQP_URL"], state_dir=state_dir, embedded=False, install=True),
                )
        except ServiceError as error:
            service_missing(str(error))
        if service.url is None or "not answering" in service.label:
            service_missing(f"no RabbitMQ answers: {service.label}")
        yield service.url


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Let one of the processes that run tests look for a broker at a time: it may have to be installed."""
    with (Path(tempfile.gettempdir()) / f"scoro-intacct-test-{os.getuid()}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@pytest.fixture
def queue_prefix(broker_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A beginning for the names of this test's queues, which are deleted after it.

    Deleted are the product's queues, also those that another process declared, and every other that this process did.
    """
    prefix = f"test-{secrets.token_hex(6)}-"
    names = {f"{prefix}{queue}{suffix}" for queue in QUEUES for suffix in DRAMATIQ_SUFFIXES}
    declare = pika.channel.Channel.queue_declare

    def recording(channel: pika.channel.Channel, queue: str, *args: object, **kwargs: object) -> object:
        if queue.startswith(prefix):
            names.add(queue)
        return declare(channel, queue, *args, **kwargs)

    monkeypatch.setattr(pika.channel.Channel, "queue_declare", recording)
    yield prefix
    connection = pika.BlockingConnection(pika.URLParameters(broker_url))
    channel = connection.channel()
    for name in sorted(names):
        channel.queue_delete(name)
    connection.close()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections, kept from others for the length of the test."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def at_database(url: str, name: str) -> str:
    """Point the address of a server at one of its databases."""
    if "://" not in url:
        return conninfo.make_conninfo(url, dbname=name)
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextmanager
def temporary_database(server_url: str, template: str | None) -> Iterator[str]:
    """A database that is a copy of another one, by its name."""
    name = f"test_{os.getpid()}_{secrets.token_hex(4)}"
    create, drop = sql.SQL("CREATE DATABASE {} TEMPLATE {}"), sql.SQL("DROP DATABASE {} WITH (FORCE)")
    hurry = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")  # no test outlives the server
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(create.format(sql.Identifier(name), sql.Identifier(template or "template0")))
        server.execute(hurry.format(sql.Identifier(name)))
        try:
            yield name
        finally:
            server.execute(drop.format(sql.Identifier(name)))
