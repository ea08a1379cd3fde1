"""Runs of schedules: what was captured waits for the next run of its connection, and each run is made once.

A run is one transaction: its row, whose key is the connection and the time, and the changes that it lets go. So a run
that was not committed did not happen, and one that was cannot happen again, on however many machines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db import outbox
from db.database import Ledger, one
from schemas.schedule import next_slot, slots_until
from schemas.settings import ScheduleSettings


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was made: `missed` earlier ones had been left out, `released` changes were let go."""

    connection: str
    slot: datetime
    missed: int
    released: int


RELEASE = """UPDATE change SET scheduled = false, due_at = least(due_at, ledger_now())
    WHERE connection_id = %s AND state = 'waiting' AND scheduled"""

SCHEDULES = """SELECT n.id, n.name, n.settings -> 'schedule' AS schedule, s.time_zone, n.next_run_at, n.next_run_by,
        EXISTS (SELECT FROM change c WHERE c.connection_id = n.id AND c.state = 'waiting' AND c.scheduled) AS held
    FROM connection n JOIN site s ON s.id = n.site_id WHERE n.state <> 'disconnected'"""

TO_BE_SEEN_TO = f"""SELECT * FROM ({SCHEDULES}) n
    WHERE coalesce(n.schedule ->> 'frequency', 'continuous') <> 'continuous' OR n.held OR n.next_run_by <> ''"""


def turn(ledger: Ledger) -> list[Run]:
    """Make the runs whose time has come, and plan the next ones; returns those made."""
    now: datetime = one(ledger, "SELECT ledger_now() AS at")["at"]
    runs = []
    for row in ledger.execute(TO_BE_SEEN_TO.encode()).fetchall():
        if _wants_turn(row, now) and (locked := _lock(ledger, row["id"])) is not None:
            run = _turn_of(ledger, locked, now)
            runs += [run] if run else []
    return runs


def release(ledger: Ledger, connection_id: int) -> int:
    """Let go what waits for the next run: a person asked for it, or there are no runs any more; returns how many."""
    released = ledger.execute(RELEASE, [connection_id]).rowcount
    if released:
        outbox.ring(ledger, "changes", connection_id)
    return released


def _wants_turn(row: dict[str, Any], now: datetime) -> bool:
    schedule = _schedule(row)
    is_due = row["next_run_at"] is not None and row["next_run_at"] <= now
    is_over = schedule.frequency == "continuous" and row["held"]
    return bool(is_due or is_over or row["next_run_by"] != _by(schedule, row["time_zone"]))


def _lock(ledger: Ledger, connection_id: int) -> dict[str, Any] | None:
    """The row as it is now, for this transaction alone; None where another process has its turn."""
    got = ledger.execute("SELECT FROM connection WHERE id = %s FOR UPDATE SKIP LOCKED", [connection_id]).fetchone()
    if got is None:
        return None
    return ledger.execute(f"SELECT * FROM ({SCHEDULES}) n WHERE n.id = %s".encode(), [connection_id]).fetchone()


def _turn_of(ledger: Ledger, row: dict[str, Any], now: datetime) -> Run | None:
    schedule, zone = _schedule(row), row["time_zone"]
    by = _by(schedule, zone)
    run = None
    if schedule.frequency == "continuous":
        release(ledger, row["id"])
    elif row["next_run_by"] == by:  # else the schedule is new: what was captured waits for its first run
        slots = slots_until(schedule, zone, row["next_run_at"], now) if row["next_run_at"] else []
        if not slots:
            return None
        run = _run(ledger, row, slots)
    ledger.execute(
        "UPDATE connection SET next_run_at = %s, next_run_by = %s WHERE id = %s",
        [next_slot(schedule, zone, now), by, row["id"]],
    )
    return run


def _run(ledger: Ledger, row: dict[str, Any], slots: Sequence[datetime]) -> Run:
    released = release(ledger, row["id"])
    run = Run(row["name"], slots[-1], len(slots) - 1, released)
    ledger.execute(
        "INSERT INTO schedule_run (connection_id, slot, missed, released) VALUES (%s, %s, %s, %s)",
        [row["id"], run.slot, run.missed, run.released],
    )
    return run


def _schedule(row: dict[str, Any]) -> ScheduleSettings:
    return ScheduleSettings.model_validate(row["schedule"] or {})


def _by(schedule: ScheduleSettings, zone: str) -> str:
    """What the next run comes from; empty where all is sent at once, which needs no run."""
    return "" if schedule.frequency == "continuous" else f"{schedule.frequency} {schedule.at} {zone}"
