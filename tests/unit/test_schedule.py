"""When the runs of a schedule are."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.schedule import described, next_slot, slots_until
from schemas.settings import WEEKDAYS, ScheduleSettings

LONDON = "Europe/London"


def schedule(frequency: str, at: str) -> ScheduleSettings:
    return ScheduleSettings.model_validate({"frequency": frequency, "at": at})


def after(frequency: str, at: str, moment: str, zone: str = LONDON) -> str:
    found = next_slot(schedule(frequency, at), zone, datetime.fromisoformat(moment))
    assert found is not None
    assert found.tzinfo is UTC
    return f"{found:%Y-%m-%d %H:%M}"


def test_a_daily_run_is_at_its_time_in_the_sites_zone() -> None:
    assert after("daily", "06:30", "2026-01-10T06:29:59Z") == "2026-01-10 06:30"
    assert after("daily", "06:30", "2026-01-10T06:30:00Z") == "2026-01-11 06:30"
    assert after("daily", "06:30", "2026-07-10T05:00:00Z") == "2026-07-10 05:30"


def test_a_zone_far_from_utc_has_its_own_days() -> None:
    assert after("daily", "00:15", "2026-01-10T12:00:00Z", "Pacific/Auckland") == "2026-01-11 11:15"
    assert after("daily", "23:45", "2026-01-10T12:00:00Z", "Pacific/Honolulu") == "2026-01-11 09:45"


def test_weekly_and_monthly_runs_are_on_their_day() -> None:
    assert after("weekly", "fri 06:30", "2026-01-10T00:00:00Z") == "2026-01-16 06:30"
    assert after("monthly", "15 06:30", "2026-01-15T07:00:00Z") == "2026-02-15 06:30"


def test_a_month_that_is_shorter_runs_on_its_last_day() -> None:
    found = slots_until(
        schedule("monthly", "31 12:00"), "UTC", datetime(2028, 1, 31, 12, tzinfo=UTC), datetime(2028, 5, 1, tzinfo=UTC)
    )
    assert [f"{slot:%m-%d}" for slot in found] == ["01-31", "02-29", "03-31", "04-30"]


def test_without_its_day_a_week_runs_on_monday_and_a_month_on_the_first() -> None:
    assert after("weekly", "06:30", "2026-01-10T00:00:00Z") == "2026-01-12 06:30"
    assert after("weekly", "17 06:30", "2026-01-10T00:00:00Z") == "2026-01-12 06:30"
    assert after("monthly", "tue 06:30", "2026-01-10T00:00:00Z") == "2026-02-01 06:30"
    assert after("daily", "tue 06:30", "2026-01-10T00:00:00Z") == "2026-01-10 06:30"


def test_a_time_that_comes_twice_runs_once_and_one_that_does_not_come_runs_all_the_same() -> None:
    daily = schedule("daily", "01:30")
    autumn = slots_until(
        daily, LONDON, datetime(2026, 10, 24, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 2, tzinfo=UTC)
    )
    assert [f"{slot:%d %H:%M}" for slot in autumn] == ["24 00:30", "25 00:30", "26 01:30"]
    spring = slots_until(daily, LONDON, datetime(2026, 3, 28, 1, 30, tzinfo=UTC), datetime(2026, 3, 30, 2, tzinfo=UTC))
    assert [f"{slot:%d %H:%M}" for slot in spring] == ["28 01:30", "29 01:30", "30 00:30"]


@pytest.mark.parametrize("frequency", ["continuous", "manual"])
def test_other_frequencies_have_no_runs(frequency: str) -> None:
    assert next_slot(schedule(frequency, "06:30"), LONDON, datetime.now(UTC)) is None


def test_schedules_are_told_in_words() -> None:
    assert described(schedule("weekly", "tue 06:30")) == "weekly, tue 06:30"
    assert described(schedule("monthly", "06:30")) == "monthly, 1 06:30"
    assert described(schedule("daily", "06:30")) == "daily, 06:30"
    assert described(schedule("manual", "06:30")) == "manual"


@given(
    frequency=st.sampled_from(["daily", "weekly", "monthly"]),
    word=st.sampled_from(["", *(f"{day} " for day in WEEKDAYS), "1 ", "29 ", "31 "]),
    at=st.times(),
    zone=st.sampled_from([LONDON, "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia", "UTC"]),
    start=st.integers(0, 17 * 365 * 24 * 3600).map(lambda s: datetime(2010, 1, 1, tzinfo=UTC) + timedelta(seconds=s)),
)
def test_each_date_has_one_run_and_runs_only_go_forward(
    frequency: str, word: str, at: datetime, zone: str, start: datetime
) -> None:
    chosen = schedule(frequency, f"{word}{at:%H:%M}")
    moment = start
    dates: list[date] = []
    for _ in range(60):
        slot = next_slot(chosen, zone, moment)
        assert slot is not None
        assert slot > moment
        moment = slot
        dates.append((slot.astimezone(ZoneInfo(zone))).date())
    gaps = [later - earlier for earlier, later in itertools.pairwise(dates)]
    least, most = {"daily": (0, 2), "weekly": (6, 8), "monthly": (27, 32)}[frequency]
    assert all(timedelta(days=least) <= gap <= timedelta(days=most) for gap in gaps)
    assert sum(gaps, timedelta()) >= timedelta(days=(least or 1) * 58)
