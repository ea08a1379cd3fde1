"""Brings what the broker gave up into the ledger, until it is stopped; any number of machines may do so at once."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Generic, Protocol, TypeVar

import structlog

from db.database import Database, Ledger
from producers.loop import RETRY_S, Loop
from producers.relay import BROKER_LOST

log = structlog.get_logger(__name__)

M = TypeVar("M")

LOOK_S = 1.0
"""Pause between looks at empty queues."""


class Queues(Protocol[M]):
    """Where messages that were given up lie."""

    def take(self) -> list[M]:
        """Take some."""
        ...

    def acknowledge(self) -> None:
        """Have what was taken forgotten."""
        ...

    def rest(self, seconds: float) -> None:
        """Wait with the connection kept alive."""
        ...


class Drain(Loop, Generic[M]):
    """Takes messages, commits them, acknowledges them, in this order.

    `open_queues` opens the broker's dead queues, `keep` commits messages to the ledger, `reach` passes a named step.
    """

    def __init__(
        self,
        db: Database,
        open_queues: Callable[[], AbstractContextManager[Queues[M]]],
        keep: Callable[[Ledger, Sequence[M]], None],
        reach: Callable[[str], None],
    ) -> None:
        super().__init__("drain")
        self._db = db
        self._open_queues = open_queues
        self._keep = keep
        self._reach = reach

    def turn(self) -> float:
        """Drain as long as the broker's connection lasts; a lost broker is waited for."""
        try:
            with self._open_queues() as queues:
                while not self.stop_requested.is_set():
                    if not self._drain(queues):
                        queues.rest(LOOK_S)
        except BROKER_LOST as error:
            log.warning("drain.broker_lost", error=repr(error))
        return RETRY_S

    def _drain(self, queues: Queues[M]) -> int:
        taken = queues.take()
        if taken:
            self._reach("poison.taken")
            self._db.run(lambda ledger: self._keep(ledger, taken))
            self._reach("poison.committed")
            queues.acknowledge()
            log.warning("drain.kept", messages=len(taken))
        return len(taken)
