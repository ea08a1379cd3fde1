"""The scheduler's clock: makes the runs of schedules, each once on any number of machines."""

import structlog

from db import schedules
from db.database import Database
from producers.loop import Loop

log = structlog.get_logger(__name__)

TICK_S = 1.0


class Clock(Loop):
    """Looks whether a run is due until it is stopped."""

    def __init__(self, db: Database, tick_s: float = TICK_S) -> None:
        super().__init__("clock")
        self._db = db
        self._tick_s = tick_s

    def turn(self) -> float:
        """Make the runs that are due; missed ones are caught up by one."""
        for run in self._db.run(schedules.turn, actor="schedule"):
            log.info(
                "schedule.ran",
                connection=run.connection,
                slot=run.slot.isoformat(),
                missed=run.missed,
                released=run.released,
            )
        return self._tick_s
