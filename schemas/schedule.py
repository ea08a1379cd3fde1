"""When the runs of a schedule are: one instant for each day, week or month of a zone's calendar.

A time of day that comes twice, when clocks go back, is the first of the two; one that does not come, when they go
forward, is as long after midnight as it would have been. So each date has one instant, and no run is doubled or left
out.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schemas.settings import WEEKDAYS, ScheduleSettings

SLOTTED = frozenset({"daily", "weekly", "monthly"})
"""Frequencies that have runs of their own; the others are continuous and manual."""


def next_slot(schedule: ScheduleSettings, zone: str, after: datetime) -> datetime | None:
    """The first run later than `after`, in UTC; None where a schedule has no runs."""
    if schedule.frequency not in SLOTTED:
        return None
    first = after.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    return next(slot for day in _dates(schedule, first) if (slot := _instant(schedule, zone, day)) > after)


def slots_until(schedule: ScheduleSettings, zone: str, first: datetime, until: datetime) -> list[datetime]:
    """Every run from `first`, which is one, up to and with `until`."""
    slots = []
    slot: datetime | None = first
    while slot is not None and slot <= until:
        slots.append(slot)
        slot = next_slot(schedule, zone, slot)
    return slots


def described(schedule: ScheduleSettings) -> str:
    """A schedule in words: `weekly, mon 06:30`."""
    if schedule.frequency not in SLOTTED:
        return schedule.frequency
    word = _word(schedule)
    return f"{schedule.frequency}, {word} {schedule.at[-5:]}" if word else f"{schedule.frequency}, {schedule.at[-5:]}"


def _dates(schedule: ScheduleSettings, first: date) -> Iterator[date]:
    """The dates on which a schedule runs, from `first`."""
    day, word = first, _word(schedule)
    while True:
        if schedule.frequency == "monthly":
            runs = day.day == min(int(word), _last_of_month(day).day)
        else:
            runs = schedule.frequency == "daily" or WEEKDAYS[day.weekday()] == word
        if runs:
            yield day
        day += timedelta(days=1)


def _word(schedule: ScheduleSettings) -> str:
    """The weekday or day of the month of a run; the first one where `at` names none of its kind."""
    word = schedule.at[:-5].strip()
    if schedule.frequency == "weekly":
        return word if word in WEEKDAYS else WEEKDAYS[0]
    if schedule.frequency == "monthly":
        return word if word.isdecimal() else "1"
    return ""


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _instant(schedule: ScheduleSettings, zone: str, day: date) -> datetime:
    at = time.fromisoformat(schedule.at[-5:])
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
