"""Keeps every process below a site's limits at Scoro: asked before each call, told after each answer."""

import threading
import time
from dataclasses import dataclass, field

import structlog

from clients.scoro.envelope import Limits
from clients.scoro.errors import Throttled
from db import scoro_budget
from db.database import LEDGER_LOST, Database
from db.scoro_budget import Told

log = structlog.get_logger(__name__)

URGENT_WAIT_S = 10.0
"""How long a call that a person waits for may be held up before it is given back."""
BULK_WAIT_S = 3.0
"""And any other."""
LONGEST_STEP_S = 0.5
"""A waiting call looks again at least this often, as the limits may have become known."""


@dataclass(slots=True)
class SiteLimits:
    """The limits of one site, for the threads of one process; the counts are in the ledger, for all processes."""

    db: Database
    site_id: int
    stopping: threading.Event
    _told: Limits | None = None
    _told_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def before(self, urgent: bool) -> None:
        """Wait until a call may leave; raises Throttled where that takes longer than the call is worth."""
        give_up_at = time.monotonic() + (URGENT_WAIT_S if urgent else BULK_WAIT_S)
        while True:
            told = self._take_told()
            verdict = self.db.run(
                lambda ledger, told=told: scoro_budget.take(ledger, self.site_id, urgent=urgent, told=told)  # type: ignore[misc]
            )
            if verdict.granted:
                return
            bulk_only = not urgent and verdict.for_people
            if verdict.daily:
                kept = ", but for the tenth that is kept for people and payments" if bulk_only else ""
                text = f"Scoro is not asked: the requests of this day are used up{kept}"
                raise Throttled(text, verdict.wait_s, daily=True, bulk_only=bulk_only)
            if time.monotonic() + verdict.wait_s > give_up_at or self.stopping.is_set():
                text = "Scoro is not asked: its requests of these seconds are used up"
                raise Throttled(text, verdict.wait_s, daily=False, bulk_only=bulk_only)
            self.stopping.wait(min(max(verdict.wait_s, 0.01), LONGEST_STEP_S))

    def after(self, limits: Limits) -> None:
        """Keep what an answer said: for the next call, or at once where nothing more may leave."""
        if all(value is None for value in (limits.limit, limits.remaining, limits.daily_limit, limits.daily_remaining)):
            return
        with self._lock:
            self._told, self._told_at = limits, time.monotonic()
        if limits.remaining == 0 or limits.daily_remaining == 0:
            told = self._take_told()
            try:
                self.db.run(lambda ledger: scoro_budget.hear(ledger, self.site_id, told))
            except LEDGER_LOST as error:  # the answer in hand is worth more than what its headers say
                log.warning("scoro_limits.ledger_lost", error=str(error).strip())

    def _take_told(self) -> Told:
        with self._lock:
            told, self._told = self._told, None
            if told is None:
                return Told()
            return Told(
                told.limit,
                told.remaining,
                told.reset_s,
                told.daily_limit,
                told.daily_remaining,
                time.monotonic() - self._told_at,
            )
