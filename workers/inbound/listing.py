"""Reading lists of Scoro for look-ups."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from clients.scoro.client import Record, ScoroClient
from schemas.scoro import values


def window(since: datetime, time_zone: str) -> dict[str, str]:
    """A filter of `modified_date` from a day before; days begin in the site's zone, tomorrow is included."""
    zone = ZoneInfo(time_zone)
    return {
        "from_date": (since.astimezone(zone).date() - timedelta(days=1)).isoformat(),
        "to_date": (datetime.now(zone).date() + timedelta(days=2)).isoformat(),
    }


def changed_since(
    scoro: ScoroClient,
    module: str,
    since: Collection[datetime],
    time_zone: str,
    *,
    detailed: bool = False,
    more: Mapping[str, Any] | None = None,
) -> list[Record]:
    """All records that changed since the earliest of these times; `more` narrows where Scoro knows the filter."""
    first = min(since, default=datetime.now(UTC))
    filter = {"modified_date": window(first, time_zone), **(more or {})}
    return [row for page in scoro.pages(module, filter=filter, detailed=detailed) for row in page]


def identity(value: Any) -> int | None:
    """An id, None for anything else."""
    try:
        return values.identity(value)
    except ValueError:
        return None


def money_of(value: Any) -> Decimal | None:
    """A sum of money, None for anything that is none."""
    try:
        return values.money(value)
    except (ValueError, InvalidOperation):
        return None
