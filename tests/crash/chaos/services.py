"""A PostgreSQL and a RabbitMQ of our own, which nobody minds to see killed."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from app.services.cluster import SOCKET_PORT, Cluster
from app.services.errors import ServiceUnusable
from app.services.postgres import postgres
from app.services.rabbit import PrivateRabbit, private_broker
from db.migrate import migrate
from tests.conftest import at_database
from tests.crash.chaos.proxy import Proxy
from tests.worlds.waiting import until

RESTART_S = 60.0


@dataclass(frozen=True, slots=True)
class Services:
    """What the processes run on. They reach PostgreSQL through `proxy`; we look at it past the proxy."""

    rabbit: PrivateRabbit
    proxy: Proxy
    cluster: Cluster
    server_url: str

    def direct_url(self, database: str) -> str:
        """The address of a database past the proxy."""
        return at_database(self.server_url, database)

    def proxied_url(self, database: str) -> str:
        """The address of a database through the proxy."""
        given = urlsplit(self.server_url)
        login = f"{given.username}:{quote(given.password or '')}"
        return f"postgresql://{login}@127.0.0.1:{self.proxy.port}/{database}?sslmode=disable&gssencmode=disable"

    def restart_postgres(self, how: signal.Signals) -> None:
        """End the server (SIGINT: in order; SIGQUIT: as in a crash) and wait until its keeper has the next ready."""
        former = self._postmaster()
        os.kill(former, how)
        until(lambda: self._postmaster() not in {0, former} and self._answers(), "PostgreSQL is back", RESTART_S)

    def _postmaster(self) -> int:
        with suppress(FileNotFoundError, IndexError):
            return int((self.cluster.data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
        return 0

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.server_url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    @contextmanager
    def database(self, name: str) -> Iterator[None]:
        """A database with the current schema for the length of the block."""
        with psycopg.connect(self.server_url, autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        migrate(self.direct_url(name))
        yield
        with psycopg.connect(self.server_url, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def services(folder: Path) -> Iterator[Services]:
    """Start both in `folder`; gone when the block ends. Raises ServiceError where one cannot be had."""
    with ExitStack() as stack:
        rabbit = stack.enter_context(private_broker(folder / "rabbit"))
        cluster = Cluster.below(folder)
        stack.callback(shutil.rmtree, cluster.home, ignore_errors=True)
        server = stack.enter_context(postgres(folder, None, durable=False))
        if not cluster.uses_socket():
            raise ServiceUnusable(f"The path of {folder} is too long for a socket of PostgreSQL.")
        proxy = stack.enter_context(Proxy(cluster.run / f".s.PGSQL.{SOCKET_PORT}").running())
        yield Services(rabbit, proxy, cluster, server.url)
