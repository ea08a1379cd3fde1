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
GATHER_S = 0.05
"""Shortest pause between looks: what falls due within it is rung for together."""
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
        """Ring for what became due since its last bell, or is due for long; returns the seconds to the next look."""
        found = self._db.run(due.due)
        now = time.monotonic()
        here = {item.bell: item.since_s for item in found if item.since_s is not None}
        self._rung = {bell: at for bell, at in self._rung.items() if bell in here}
        to_ring = [bell for bell, since_s in here.items() if self._wants_ringing(bell, since_s, now)]
        if to_ring:
            self._db.run(lambda ledger: outbox.ring_all(ledger, to_ring))
            self._rung.update(dict.fromkeys(to_ring, now))
        coming = [item.next_in_s for item in found if item.next_in_s is not None]
        return max(GATHER_S, min([TICK_S, *coming]))

    def _wants_ringing(self, bell: outbox.Bell, since_s: float, now: float) -> bool:
        rung = self._rung.get(bell)
        return rung is None or since_s < now - rung or now - rung >= AGAIN_S
