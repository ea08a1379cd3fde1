"""The process that keeps the embedded PostgreSQL: `python -m app.services.keeper HOME LOCK_FD durable|fast`.

It starts the server as its own child, starts it again after a crash, and stops it when no process uses it any
more. It is single-threaded, nobody's child and in a session of its own: Ctrl-C in the user's terminal does not reach
it, and the kernel ends the server (fast shutdown) if the keeper itself is killed. The inherited lock at `LOCK_FD` is
what says that a keeper lives.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import psycopg
from psycopg import sql

from app.services import endpoint
from app.services.children import dies_with_parent, tail, wait_until
from app.services.cluster import DATABASE, SOCKET_PORT, STOP_SIGNAL, Cluster, identity
from app.services.errors import ServiceUnusable
from app.services.file_lock import FileLock
from app.services.pg_binaries import ENVIRONMENT, installed_server, version_of

LARGEST_LOG_BYTES = 10_000_000
STEP_S = 0.05

log = logging.getLogger("keeper")


class Keeper:
    """One server and the decision, taken every step, whether it should go on running."""

    def __init__(self, cluster: Cluster, *, durable: bool) -> None:
        self._cluster = cluster
        self._durable = durable
        self._users = FileLock(cluster.home / "users.lock")
        self._stopping = False

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        """Note the signal by which the last user says that it waits for the end; the next step acts on it."""
        del number, frame
        self._stopping = True

    def run(self) -> None:
        """Keep the server until nobody uses it. Raises ServiceUnusable if it cannot be started."""
        self._cluster.prepare(durable=self._durable)
        while not self._unused():
            self._await_former_server()
            port = SOCKET_PORT if self._cluster.uses_socket() else _free_port()
            with _open_log(self._cluster.server_log) as server_log:
                server = self._start(port, server_log)
            try:
                self._attend(server, port)
            finally:
                endpoint.withdraw(self._cluster)
                _stop(server)

    def _unused(self) -> bool:
        # Taken for us alone and kept until we exit: who comes while we stop waits, and then starts another keeper.
        self._stopping = self._stopping or self._users.try_exclusive()
        return self._stopping

    def _start(self, port: int, server_log: BinaryIO) -> subprocess.Popen[bytes]:
        user = identity(self._cluster.uid)
        return subprocess.Popen(
            self._cluster.server_command(port, durable=self._durable),
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=server_log,
            stderr=server_log,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            start_new_session=True,
            preexec_fn=dies_with_parent(signal.SIGINT),  # noqa: PLW1509 - this process has one thread
        )

    def _attend(self, server: subprocess.Popen[bytes], port: int) -> None:
        """Announce the server when it is ready and return when it died or nobody uses it."""
        announced = False
        while server.poll() is None and not self._unused():
            if not announced and self._cluster.status_of(server.pid) == "ready":
                self._announce(port)
                announced = True
            time.sleep(STEP_S)
        if not self._stopping and not announced:
            raise ServiceUnusable(f"The server did not start:\n{tail(self._cluster.server_log)}")

    def _announce(self, port: int) -> None:
        host = str(self._cluster.run) if self._cluster.uses_socket() else "127.0.0.1"
        ready = endpoint.Endpoint(host, port, version_of(installed_server()))
        _create_database(ready.url(self._cluster.password_file.read_text(encoding="ascii"), "postgres"))
        endpoint.publish(self._cluster, ready)
        log.info("ready: PostgreSQL %s in %s", ready.version, self._cluster.data)

    def _await_former_server(self) -> None:
        """Wait for what a killed keeper left behind to finish, then clear its lock files.

        The pid in them may belong to a stranger by now, which the server would take for another server; so we
        look for processes that work in the data folder instead.
        """
        for pid in _working_in(self._cluster.data):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        while _working_in(self._cluster.data) and not self._stopping:
            log.info("waiting for the former server to end")
            wait_until(lambda: not _working_in(self._cluster.data), timeout_s=1)
        for stale in (self._cluster.data / "postmaster.pid", *self._cluster.run.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)


def _working_in(folder: Path) -> list[int]:
    """List the processes whose working directory is `folder`, as that of every process of a server is."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder.resolve():
                found.append(int(entry.name))
    return found


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGINT)
    server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _open_log(path: Path) -> BinaryIO:
    too_big = path.exists() and path.stat().st_size > LARGEST_LOG_BYTES
    return path.open("wb" if too_big else "ab")


def _create_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def main(home: str, lock_fd: str, durability: str) -> int:
    """Run one keeper in the background; standard error, which is the keeper's log, says why it could not."""
    os.set_inheritable(int(lock_fd), False)
    if os.fork():
        return 0
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    keeper = Keeper(Cluster(Path(home)), durable=durability == "durable")
    # A terminal or a service manager signals the whole group; the server has to last as long as those who use it.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(STOP_SIGNAL, keeper.ask_to_stop)
    os.pwrite(int(lock_fd), str(os.getpid()).encode(), 0)
    try:
        keeper.run()
    except ServiceUnusable as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all, a traceback would bury it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
