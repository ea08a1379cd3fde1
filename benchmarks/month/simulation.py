"""The month itself: jump to the next event, do what is due, until everything is delivered."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from benchmarks.month.arrivals import Plan
from benchmarks.month.world import World
from db.database import one
from db.outbox import Bell

SOON = timedelta(seconds=0.05)
"""What became due is rung for this soon, as the sweeper does."""
AGAIN = timedelta(seconds=5)
"""What was rung for and is still due is rung for again."""
STUCK_AFTER = timedelta(days=3)
"""So long after the month everything must have been delivered."""


@dataclass(frozen=True, slots=True)
class Run:
    """What only the simulation knows; all else stands in the ledger."""

    begins: datetime
    ends: datetime
    ready_at: dict[str, datetime]
    """By document number: when it became ready to be sent."""
    pulls_refused: int
    """How many connections' looks at Intacct waited for requests at a time, at the most."""
    looks_apart_s: float
    """The longest time between two looks of a connection."""
    open_at_end: int
    """Operations that were not delivered when the month was over."""


class Simulation:
    """One run. `on_day` hears of each day that is over."""

    def __init__(self, world: World, plan: Plan, on_day: Callable[[datetime], None] = lambda _: None) -> None:
        self._world = world
        self._zone = ZoneInfo(plan.time_zone)
        first = plan.first_day
        self._begins = datetime(first.year, first.month, first.day, tzinfo=self._zone)
        self._ends = datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=self._zone)
        self._coming = deque(plan.arrivals)
        self._ready_at = {f"INV-{arrival.number}": arrival.at for arrival in self._coming}
        self._until = self._ends if plan.days is None else self._coming[-1].at
        """Looks at Intacct go on for ever: from here on only what is open counts."""
        self._on_day = on_day
        self._due: set[Bell] = set()
        self._rung: set[Bell] = set()
        self._next_due: datetime | None = None
        self._pulls_refused = 0
        self._looks_apart_s = 0.0
        self._open_at_end: int | None = None

    def run(self) -> Run:
        """From the month's first second in the site's time zone to the delivery of everything."""
        now = self._step(self._world.set_clock(self._begins))
        while (event := self._next_event(now)) is not None:
            before, now = now, self._world.now()
            now = self._world.set_clock(event) if event > now else now
            if now.astimezone(self._zone).date() > before.astimezone(self._zone).date():
                self._on_day(before.astimezone(self._zone))
            if now >= self._ends and self._open_at_end is None:
                self._open_at_end = self._open()
            if now > self._ends + STUCK_AFTER:
                raise RuntimeError(f"{self._open()} operations are stuck")
            now = self._step(now)
        return Run(
            self._begins,
            self._ends,
            self._ready_at,
            self._pulls_refused,
            self._looks_apart_s,
            self._open_at_end or 0,
        )

    def _next_event(self, now: datetime) -> datetime | None:
        if now >= self._until and not self._open():
            return None
        events = [self._coming[0].at] if self._coming else []
        if self._due:
            events.append(now + (AGAIN if self._due <= self._rung else SOON))
        if self._next_due is not None:
            events.append(self._next_due)
        return min(events, default=None)

    def _step(self, now: datetime) -> datetime:
        """Do what `now` brings; returns when it is done."""
        arrived = []
        while self._coming and self._coming[0].at <= now:
            arrived.append(self._coming.popleft())
        people_wait = [self._world.connections[arrival.place] for arrival in arrived if arrival.interactive]
        rest = self._world.arrive(arrived) if arrived else set[int]()
        self._rung = self._due
        age_s, refused = self._world.looks()
        self._looks_apart_s = max(self._looks_apart_s, age_s)
        self._pulls_refused = max(self._pulls_refused, refused)
        arrived_at = [Bell("delivery", key) for key in [*people_wait, *rest]]
        self._world.answer(list(dict.fromkeys([*arrived_at, *sorted(self._due, key=lambda bell: bell.queue)])))
        due, next_in_s = self._world.due()
        self._due = set(due)
        now = self._world.now()
        self._next_due = None if next_in_s is None else now + timedelta(seconds=next_in_s)
        return now

    def _open(self) -> int:
        query = """SELECT count(*) AS n FROM operation
                   WHERE state NOT IN ('posted', 'refused', 'superseded', 'waiting_person')"""
        return int(one(self._world.session, query)["n"]) + len(self._coming)
