"""What a run came to, read from the ledger and the far side; and what must hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from benchmarks.month.simulation import Run
from benchmarks.month.world import World
from schemas.kinds import Purpose

REQUESTS = """SELECT (r.charged_at AT TIME ZONE s.time_zone)::date AS day, r.purpose, count(*)::int AS n
    FROM request r JOIN site s ON s.id = r.site_id WHERE r.state <> 'withdrawn' GROUP BY 1, 2"""

SENT = """SELECT o.natural_key AS number, o.state, o.purpose, o.first_left_at,
        (o.first_left_at AT TIME ZONE s.time_zone)::date AS day
    FROM operation o JOIN connection n ON n.id = o.connection_id JOIN site s ON s.id = n.site_id"""


PEOPLE_WAIT_S = 1.0
"""What a person waits for leaves within this long, 99 times of 100."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds between ready and leaving."""

    count: int
    p50_s: float
    p99_s: float
    max_s: float


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the site's calendar: requests by purpose, requests used in the month so far, and bulk that left."""

    day: date
    requests: dict[str, int]
    used: int
    bulk: Waits


@dataclass(frozen=True, slots=True)
class Figures:
    """A whole run. `faults` lists what should have held and did not."""

    limit: int
    days: list[Day]
    by_purpose: dict[str, int]
    interactive: Waits
    bulk: Waits
    posted: int
    refused: int
    answers_lost: int
    open_at_end: int
    looks_apart_s: float
    faults: list[str]

    @property
    def used(self) -> int:
        """Requests of the month."""
        return sum(self.by_purpose.values())

    @property
    def people_waited(self) -> bool:
        """Whether what a person waits for took too long to leave."""
        return self.interactive.p99_s >= PEOPLE_WAIT_S


def figures(world: World, run: Run, limit: int) -> Figures:
    """Read and judge."""
    requests = world.session.execute(REQUESTS).fetchall()
    sent = world.session.execute(SENT).fetchall()
    last = run.ends.date()
    inside = [row for row in requests if row["day"] < last]
    bulk = [row for row in sent if row["purpose"] == "bulk"]
    days: list[Day] = []
    for day in sorted({row["day"] for row in inside}):
        mine = {row["purpose"]: row["n"] for row in inside if row["day"] == day}
        used = sum(mine.values()) + (days[-1].used if days else 0)
        days.append(Day(day, mine, used, _waits([row for row in bulk if row["day"] == day], run.ready_at)))
    result = Figures(
        limit,
        days,
        {purpose: sum(day.requests.get(purpose, 0) for day in days) for purpose in Purpose},
        _waits([row for row in sent if row["purpose"] == "interactive"], run.ready_at),
        _waits(bulk, run.ready_at),
        sum(row["state"] == "posted" for row in sent),
        sum(row["state"] == "refused" for row in sent),
        world.far_side.answers_lost,
        run.open_at_end,
        run.looks_apart_s,
        [],
    )
    result.faults.extend(_faults(world, run, result, sum(row["n"] for row in requests)))
    return result


def _waits(rows: Sequence[dict[str, Any]], ready_at: dict[str, datetime]) -> Waits:
    waits = sorted((row["first_left_at"] - ready_at[row["number"]]).total_seconds() for row in rows)
    if not waits:
        return Waits(0, 0.0, 0.0, 0.0)
    return Waits(len(waits), waits[len(waits) // 2], waits[min(len(waits) - 1, len(waits) * 99 // 100)], waits[-1])


def _faults(world: World, run: Run, result: Figures, ever: int) -> list[str]:
    """Every promise that was broken, as a sentence."""
    far = world.far_side
    delivered = set(far.created) | far.refused
    used_up = [day for day in result.days if day.used >= result.limit]
    judged = {
        f"{len(set(run.ready_at) - delivered)} documents never reached Intacct": delivered == set(run.ready_at),
        f"{sum(n > 1 for n in far.created.values())} documents stand twice": max(far.created.values()) == 1,
        "the ledger differs from the far side about what was posted": result.posted == len(far.created),
        "the ledger differs from the far side about what was refused": result.refused == len(far.refused),
        f"the ledger counts {ever} requests, the far side {far.requests}": ever == far.requests,
        f"the limit was reached on {used_up[0].day if used_up else ''}": not used_up,
        f"{run.pulls_refused} pulls found no request left": run.pulls_refused == 0,
    }
    return [sentence for sentence, holds in judged.items() if not holds]
