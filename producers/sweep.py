"""The sweeper: rings for work whose time has come, or whose bell was lost, and takes over from the dead.

It may run on any number of machines: it only rings bells (ringing twice is a no-op) and moves rows with statements that
name the state they start from.
"""

import time

import structlog

from db import due, outbox, recovery, replays
from db.database import Database
from producers.loop import Loop
from schemas.settings import ConnectionSettings

log = structlog.get_logger(__name__)

TICK_S = 0.5
RECOVER_S = 2.0
"""How often dead readers and senders are looked for."""
GATHER_S = 0.05
"""Shortest pause between looks: what falls due within it is rung for together."""
AGAIN_S = 5.0
"""Work that is still due this long after its last bell is rung for again."""


class Sweeper(Loop):
    """Looks at what is due until it is stopped."""

    def __init__(self, db: Database) -> None:
        super().__init__("sweeper")
        self._db = db
        self._rung: dict[outbox.Bell, float] = {}
        self._recovered = float("-inf")

    def turn(self) -> float:
        """Look once; for the dead, every `RECOVER_S`."""
        if time.monotonic() - self._recovered >= RECOVER_S:
            self.recover()
            self._recovered = time.monotonic()
        return self.sweep()

    def recover(self) -> None:
        """Take over from readers and senders that died."""
        wait_s = ConnectionSettings().delivery.uncertain_wait_s
        self._db.run(lambda ledger: recovery.recover(ledger, wait_s))
        self._db.run(replays.tend)

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
