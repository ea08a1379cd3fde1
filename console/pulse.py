"""Writes the figures of every minute that the charts show later; any number of processes may run it."""

from typing import Any

from db import backlog, pulse
from db.database import Database, Ledger
from producers.loop import Loop
from workers.broker_depth import BrokerSilentError, Measure

LOOK_S = 10.0
PRUNE_EVERY = 360
MINUTE_S = 60

HELD = frozenset({"waiting_quota", "waiting_prerequisite", "waiting_person"})
"""Stages that work does not leave by itself within moments; all others are on their way."""


class Pulse(Loop):
    """Looks whether this minute's figures are there already, and else writes them."""

    def __init__(self, db: Database, measure: Measure | None) -> None:
        super().__init__("pulse")
        self._db = db
        self._measure = measure
        self._turns = 0

    def turn(self) -> float:
        """Write this minute's figures, if nobody has."""
        self._turns += 1
        if self._turns % PRUNE_EVERY == 0:
            self._db.run(pulse.prune)
        if self._turns % 6 == 1:
            self._db.run(backlog.fold_tally)
        if not self._db.run(pulse.is_taken):
            depths = self._depths()
            self._db.run(lambda ledger: pulse.write(ledger, figures(ledger) | depths))
        return LOOK_S

    def _depths(self) -> dict[str, float]:
        if self._measure is None:
            return {}
        try:
            found = self._measure()
        except BrokerSilentError:
            return {}
        sums: dict[str, float] = {}
        for depth in found:
            sums[f"broker.{depth.state}"] = sums.get(f"broker.{depth.state}", 0.0) + depth.messages
        return sums


def figures(ledger: Ledger) -> dict[str, float]:
    """What the ledger says now: by stage, and of the last minute."""
    found = {"backlog.moving": 0.0, "backlog.held": 0.0}
    for row in backlog.backlog(ledger):
        found["backlog.held" if row["stage"] in HELD else "backlog.moving"] += row["count"]
    last: dict[str, Any] = backlog.lag(ledger, MINUTE_S)
    found |= {f"lag.{name}": last[name] for name in ("p50", "p95") if last[name] is not None}
    found |= {"posted": float(backlog.posted_since(ledger, MINUTE_S))}
    return found
