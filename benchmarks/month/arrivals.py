"""When documents change: by working hours, five-fold on the last three working days. Pure and seeded."""

import random
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

OPENS_H, CLOSES_H = 8, 18
INTERACTIVE_SHARE = 0.03
CLOSE_DAYS, CLOSE_FACTOR = 3, 5


@dataclass(frozen=True, slots=True)
class Arrival:
    """A document that is ready to be sent. `place` numbers the connections from 0."""

    number: int
    at: datetime
    place: int
    interactive: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A month of changes. `days` None: the whole month, else its first working days."""

    first_day: date
    time_zone: str
    connections: int
    changes: int
    seed: int
    days: int | None = None

    @property
    def working_days(self) -> list[date]:
        """Mondays to Fridays."""
        length = monthrange(self.first_day.year, self.first_day.month)[1]
        every = [self.first_day + timedelta(days=number) for number in range(length)]
        return [day for day in every if day.weekday() < 5][: self.days]

    @property
    def arrivals(self) -> list[Arrival]:
        """All changes in their order. Bulk comes by the full minute, people at any second."""
        chance = random.Random(self.seed)
        days = self.working_days
        weights = [1] * (len(days) - CLOSE_DAYS) + [CLOSE_FACTOR] * CLOSE_DAYS
        drawn = []
        for day in chance.choices(days, weights, k=self.changes):
            interactive = chance.random() < INTERACTIVE_SHARE
            opens = datetime(day.year, day.month, day.day, OPENS_H, tzinfo=ZoneInfo(self.time_zone))
            second = chance.randrange((CLOSES_H - OPENS_H) * 3600)
            at = opens + timedelta(seconds=second if interactive else second // 60 * 60)
            drawn.append((at, chance.randrange(self.connections), interactive))
        drawn.sort(key=lambda one: one[0])
        return [Arrival(number, *one) for number, one in enumerate(drawn, start=1)]
