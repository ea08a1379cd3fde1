"""The sweeper: rings for work whose time has come, or whose bell was lost, and takes over from the dead.

It may run on any number of machines: it only rings bells (ringing twice is a no-op) and moves rows with statements that
name the state they start from.
"""

import threading
import time

import psycopg
import structlog

from db import due, outbox, recovery
from db.database import Database
from schemas.settings import ConnectionSettings

log = structlog.get_logger(__name__)

TICK_S = 0.5
RECOVER_S = 2.0
"""How often dead readers and senders are looked for."""
AGAIN_S = 5.0
"""Work that is still due this long after its last bell is rung for again."""


class Sweeper(threading.Thread):
    """Looks at what is due until it is stopped."""

    def __init__(self, db: Database) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._db = db
        self._stop_requested = threading.Event()
        self._rung: dict[outbox.Bell, float] = {}

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop after the look in hand."""
        self._stop_requested.set()
        self.join(timeout_s)

    def run(self) -> None:
        """Sweep until stopped; a lost database is waited for."""
        recovered = 0.0
        while not self._stop_requested.is_set():
            wait_s = TICK_S
            try:
                if time.monotonic() - recovered >= RECOVER_S:
                    self.recover()
                    recovered = time.monotonic()
                wait_s = self.sweep()
            except psycopg.Error as error:
                log.warning("sweep.database_lost", error=str(error).strip())
            self._stop_requested.wait(wait_s)

    def recover(self) -> None:
        """Take over from readers and senders that died."""
        wait_s = ConnectionSettings().delivery.uncertain_wait_s
        self._db.run(lambda ledger: recovery.recover(ledger, wait_s))

    def sweep(self) -> float:
        """Ring for what is due and was not rung for lately; returns the seconds until the next thing is due."""
        found = self._db.run(lambda ledger: due.due(ledger, TICK_S))
        now = time.monotonic()
        here = [item.bell for item in found if item.since_s >= 0]
        # what left the list was handled: when it comes back it is rung for at once
        self._rung = {bell: at for bell, at in self._rung.items() if bell in set(here)}
        to_ring = [bell for bell in here if now - self._rung.get(bell, float("-inf")) >= AGAIN_S]
        if to_ring:
            self._db.run(lambda ledger: outbox.ring_all(ledger, to_ring))
            self._rung.update(dict.fromkeys(to_ring, now))
        return min([TICK_S, *(-item.since_s for item in found if item.since_s < 0)])
