"""Threads that run the product and stand still at its steps, until they are told to go on, to fail or to die."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg_pool import PoolTimeout

from db.database import Database, Ledger

GO = "go"
DIE = "die"
PATIENCE_S = 20.0
"""An actor that reaches no step within this long is blocked for good: a fault."""


class Died(BaseException):
    """The actor's process is gone; nothing of the product catches it."""


class _Current(threading.local):
    actor: "Actor | None" = None


_current = _Current()


def stand(step: str) -> str:
    """Stand still at a step until told to go on; returns what was told. Threads that are no actors pass."""
    actor = _current.actor
    return actor.stand(step) if actor is not None else GO


class Actor:
    """One run of a worker: `at` is the step where it stands, None once it has ended."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.name = name
        self.at: str | None = "start"
        self.sessions: list[int] = []
        self.steps: list[str] = []
        self._work = work
        self._told = ""
        self._fault: BaseException | None = None
        self._arrived, self._go = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._wait()

    def __repr__(self) -> str:
        return f"<{self.name} at {self.at}>"

    def stand(self, step: str) -> str:
        """Called by the actor's own thread."""
        self.at = step
        self.steps.append(step)
        self._arrived.release()
        self._go.acquire()
        if self._told == DIE:
            raise Died
        return self._told

    def resume(self, told: str = GO) -> None:
        """Let it go on to its next step, or to its end."""
        assert self.at is not None, f"{self.name} has ended"
        self._told = told
        self._go.release()
        self._wait()

    def finish(self) -> None:
        """Let it go on to its end."""
        while self.at is not None:
            self.resume()

    def until(self, step: str) -> "Actor":
        """Let it go on until it stands at a step."""
        while self.at != step:
            assert self.at is not None, f"{self.name} ended without {step}: {self.steps}"
            self.resume()
        return self

    def _wait(self) -> None:
        assert self._arrived.acquire(timeout=PATIENCE_S), f"{self.name} is blocked after {self.steps[-1:]}"
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        _current.actor = self
        try:
            # what the wrapper of the product's actors does with a lost ledger
            with suppress(Died, psycopg.OperationalError, PoolTimeout):
                self.stand("start")
                self._work()
        except BaseException as fault:  # noqa: BLE001 (raised again by whoever waits for the actor)
            self._fault = fault
        self.at = None
        self._arrived.release()


class WatchedDatabase(Database):
    """A ledger that knows which sessions each actor holds, so that a death can close them."""

    @contextmanager
    def session(self) -> Iterator[Ledger]:
        """A direct session, as the product takes it."""
        with super().session() as session:
            actor, pid = _current.actor, session.info.backend_pid
            if actor is not None:
                actor.sessions.append(pid)
            try:
                yield session
            finally:
                if actor is not None:
                    actor.sessions.remove(pid)
