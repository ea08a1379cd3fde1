"""The database: the one that `DATABASE_URL` names, else an embedded PostgreSQL in the data folder.

The embedded server listens on a socket (or a random loopback port) that only its owner can use, asks for a
password, and is shared: each process that uses it holds a shared lock, a keeper process runs the server as long
as somebody does. A user or a keeper that is killed leaves nothing behind; the next user starts anew.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from app.services import endpoint
from app.services.children import tail, wait_until
from app.services.cluster import STOP_SIGNAL, Cluster
from app.services.endpoint import Endpoint
from app.services.errors import ServiceUnusable
from app.services.file_lock import FileLock

CONNECT_TIMEOUT_S = 5
STOP_TIMEOUT_S = 60
PROGRESS_EVERY_S = 1.0


@dataclass(frozen=True)
class PostgresService:
    """A database that answers; `label` names it for people, without a password."""

    url: str
    label: str


@contextmanager
def postgres(
    data_dir: Path,
    database_url: str | None,
    *,
    durable: bool = True,
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[PostgresService]:
    """Provide a database for the length of the block.

    `durable=False` switches fsync off, for data that may be lost. `on_wait` is told about once a second what a
    start waits for; a recovery after a crash may take as long as it needs. Raises ServiceUnusable.
    """
    if database_url:
        yield PostgresService(database_url, f"PostgreSQL {_server_version(database_url)} at DATABASE_URL")
        return
    if not sys.platform.startswith("linux"):
        raise ServiceUnusable("The embedded PostgreSQL needs Linux. Set DATABASE_URL to a PostgreSQL server.")
    cluster, users = _open(data_dir)
    with users, _shared_use(cluster, users):
        cluster.refuse_other_version()
        ready = _ready_endpoint(cluster, durable, on_wait or (lambda _: None))
        password = cluster.password_file.read_text(encoding="ascii")
        yield PostgresService(ready.url(password), f"embedded PostgreSQL {ready.version} in {cluster.data}")


def _server_version(url: str) -> str:
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            return (connection.info.parameter_status("server_version") or "").split(" ", maxsplit=1)[0]
    except psycopg.OperationalError as error:
        raise ServiceUnusable(
            f"No database at DATABASE_URL ({urlsplit(url).hostname or 'local socket'}): {' '.join(str(error).split())} "
            f"Start it, correct DATABASE_URL, or leave DATABASE_URL out to use the embedded PostgreSQL."
        ) from error
    except psycopg.ProgrammingError as error:
        raise ServiceUnusable("DATABASE_URL is not of the form postgresql://user:password@host:port/name.") from error


def _open(data_dir: Path) -> tuple[Cluster, FileLock]:
    try:
        cluster = Cluster.below(data_dir)
        cluster.create_home()
        return cluster, FileLock(cluster.home / "users.lock")
    except PermissionError as error:
        raise ServiceUnusable(
            f"{error.filename} belongs to another user. Run as that user, or set DATA_DIR to a folder of your own."
        ) from error


@contextmanager
def _shared_use(cluster: Cluster, users: FileLock) -> Iterator[None]:
    """Hold the lock that keeps the server alive; the last to leave waits until the server has stopped."""
    users.share()  # waits while a keeper is just stopping the server
    try:
        yield
    finally:
        if users.try_exclusive():
            _stop_keeper(cluster)


def _stop_keeper(cluster: Cluster) -> None:
    with FileLock(cluster.home / "keeper.lock") as keeper:
        if not keeper.try_exclusive() and (number := os.pread(keeper.fd, 20, 0)):
            os.kill(int(number), STOP_SIGNAL)
            wait_until(keeper.try_exclusive, STOP_TIMEOUT_S)


def _ready_endpoint(cluster: Cluster, durable: bool, on_wait: Callable[[str], None]) -> Endpoint:
    """Wait for the endpoint, starting a keeper where none lives; a keeper of ours that gave up is an error."""
    started = False
    told_at = time.monotonic()
    while True:
        if _start_keeper_if_none(cluster, durable=durable, again=not started):
            started = True
        if (ready := endpoint.read(cluster)) is not None:
            return ready
        if time.monotonic() - told_at > PROGRESS_EVERY_S:
            told_at = time.monotonic()
            on_wait(f"waiting for the embedded PostgreSQL: {tail(cluster.server_log, lines=1) or 'it is being made'}")
        time.sleep(0.02)


def _start_keeper_if_none(cluster: Cluster, *, durable: bool, again: bool) -> bool:
    """Start a keeper if its lock is free and say so. Raises ServiceUnusable where that is not to happen `again`.

    The lock is looked at under another one, so that nobody sees it held while an old endpoint still stands.
    """
    with FileLock(cluster.home / "start.lock") as start, FileLock(cluster.home / "keeper.lock") as lock:
        start.wait_exclusive()
        if not lock.try_exclusive():
            return False
        if not again:
            raise ServiceUnusable(f"The embedded PostgreSQL gave up:\n{tail(cluster.home / 'keeper.log')}")
        os.truncate(lock.fd, 0)
        endpoint.withdraw(cluster)
        with (cluster.home / "keeper.log").open("wb") as log:
            subprocess.run(
                [
                    *(sys.executable, "-m", "app.services.keeper"),
                    *(str(cluster.home), str(lock.fd), "durable" if durable else "fast"),
                ],
                cwd=Path(__file__).parents[2],  # where the package `app` is found, installed or not
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock.fd,),
                start_new_session=True,
                check=False,
            )
        return True
