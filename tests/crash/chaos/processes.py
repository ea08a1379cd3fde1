"""The processes of the product, run as a service manager would: started again whenever they end."""

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.settings import Settings
from tests.crash.chaos.launcher import Order, Role, live
from tests.crash.forks import forked

LOOK_S = 0.05
RESTART_PAUSE_S = 0.2


class Supervised:
    """One process of the product; `revive` starts it again when it has ended."""

    def __init__(self, name: str, role: Role, environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.role = role
        self.ends: Counter[int | None] = Counter()
        """How often it ended, by exit code."""
        self._environment = dict(environment)
        self._folder = folder
        self._lock = threading.RLock()
        self._order: Order | None = None
        self._start()

    def order(self, order: Order | None) -> None:
        """Have it kill or stop itself at a step; stands for later lives too, until it is carried out."""
        with self._lock:
            self._order = order
            self._tell()

    def obeyed(self) -> bool:
        """Whether it has carried its order out."""
        with self._lock:
            with suppress(EOFError, OSError):
                while self._line.poll():
                    self._line.recv()
                    self._order = None
            return self._order is None

    def signal(self, number: signal.Signals) -> int:
        """Send it a signal; returns the process that got it."""
        with self._lock:
            pid = self._process.pid or 0
            if self._process.is_alive():
                os.kill(pid, number)
            return pid

    def has_left(self, pid: int) -> bool:
        """Whether the process with this id is gone."""
        with self._lock:
            return self._process.pid != pid or not self._process.is_alive()

    def revive(self) -> None:
        """Start it again if it has ended."""
        with self._lock:
            if not self._process.is_alive():
                self.obeyed()
                self.ends[self._process.exitcode] += 1
                self._close()
                self._start()
                self._tell()

    def end(self) -> None:
        """Kill it for good."""
        with self._lock:
            self._process.kill()
            self._process.join()
            self._close()

    def _close(self) -> None:
        self._process.close()
        self._line.close()

    def _tell(self) -> None:
        with suppress(OSError):
            self._line.send(self._order)

    def _start(self) -> None:
        self._line: Connection[Any, Any]
        self._line, theirs = multiprocessing.Pipe()
        self._process = forked(live, self.role, self._environment, str(self._folder), self.name, theirs)
        self._process.start()
        theirs.close()


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment that a process reads these settings from."""
    return {
        "DATABASE_URL": settings.database_url or "",
        "AMQP_URL": settings.amqp_url or "",
        "QUEUE_PREFIX": settings.queue_prefix,
        "SECRET_KEYS": ",".join(key.get_secret_value() for key in settings.secret_keys),
        "INTACCT_GATEWAY_URL": settings.intacct_gateway_url,
        "INTACCT_SENDER_ID": settings.intacct_sender_id,
        "INTACCT_SENDER_PASSWORD": settings.intacct_sender_password.get_secret_value(),
        "ALLOW_LOCAL_ENDPOINTS": "true",
        "HTTP_BIND": settings.http_bind,
        "DATA_DIR": str(settings.data_dir),
        "LOG_FORMAT": "json",
        "SMTP_URL": settings.smtp_url.get_secret_value() if settings.smtp_url else "",
        "MAIL_FROM": settings.mail_from or "",
    }


@contextmanager
def supervised(settings: Settings, folder: Path, *, schedulers: int) -> Iterator[Sequence[Supervised]]:
    """Run a web server, two workers and some schedulers until the block ends."""
    environment = environment_of(settings)
    roles: dict[str, Role] = {"serve": "serve", "work-1": "work", "work-2": "work"}
    roles |= {f"schedule-{number}": "schedule" for number in range(1, schedulers + 1)}
    processes = [Supervised(name, role, environment, folder) for name, role in roles.items()]
    stopping = threading.Event()

    def look_after_them() -> None:
        while not stopping.wait(RESTART_PAUSE_S):
            for process in processes:
                process.revive()

    supervisor = threading.Thread(target=look_after_them, name="supervisor", daemon=True)
    supervisor.start()
    try:
        yield processes
    finally:
        stopping.set()
        supervisor.join()
        for process in processes:
            process.end()
