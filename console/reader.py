"""How a reader wants to see numbers, money and times: by the language and the time zone of their browser."""

import functools
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_compact_decimal, format_currency, format_decimal

DEFAULT = Locale("en", "GB")
MOST_LANGUAGES = 10

DAY_S, HOUR_S, MINUTE_S = 86_400, 3_600, 60


@functools.lru_cache(maxsize=256)
def locale_of(accept_language: str) -> Locale:
    """The first language of the header that is known, by its weight."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language.split(",")[:MOST_LANGUAGES]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), place, tag.strip()))
        except ValueError:
            continue
    for _, _, tag in sorted(wanted):
        try:
            return Locale.parse(tag.replace("-", "_"))
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return DEFAULT


@functools.lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of that name."""
    try:
        return ZoneInfo(name) if name and len(name) < 60 else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@functools.lru_cache(maxsize=10_000)
def _instant(value: datetime, locale: Locale, zone: ZoneInfo | None, seconds: bool) -> str:
    """An instant as text; kept, because it takes longer than anything else on a page and pages repeat theirs."""
    return format_datetime(value, "medium" if seconds else "short", tzinfo=zone or UTC, locale=locale)


@dataclass(frozen=True, slots=True)
class Reader:
    """Formats values for one reader; what is None is an empty text."""

    locale: Locale
    zone: ZoneInfo | None

    @property
    def zone_name(self) -> str:
        """What the page says about its times."""
        return self.zone.key if self.zone else "UTC"

    def number(self, value: float | Decimal | None) -> str:
        """A count: 12,345."""
        return "" if value is None else format_decimal(value, locale=self.locale)

    def compact(self, value: float) -> str:
        """A count where there is little room: 12K."""
        if abs(value) < 10_000:
            return format_decimal(round(value, 1), locale=self.locale)
        return format_compact_decimal(value, locale=self.locale, fraction_digits=1)

    def money(self, amount: Decimal | str | None, currency: str | None) -> str:
        """An amount with its currency: £1,234.50."""
        if amount is None:
            return ""
        try:
            value = Decimal(amount)
        except InvalidOperation:
            return str(amount)
        return format_currency(value, currency, locale=self.locale) if currency else f"{value:f}"

    def day(self, value: date | None) -> str:
        """A date: 5 Mar 2026."""
        return "" if value is None else format_date(value, "medium", locale=self.locale)

    def when(self, value: datetime | None, *, seconds: bool = True) -> str:
        """An instant in the reader's zone."""
        return "" if value is None else _instant(value.replace(microsecond=0), self.locale, self.zone, seconds)

    def clock(self, value: datetime) -> str:
        """Only the hour and minute."""
        return format_datetime(value, "HH:mm", tzinfo=self.zone or UTC, locale=self.locale)

    def duration(self, seconds: float | None) -> str:
        """A length of time with one or two units: 3 h 20 min."""
        if seconds is None:
            return ""
        if seconds < 1:
            return f"{self.number(round(seconds * 1000))} ms"
        if seconds < 10:
            return f"{format_decimal(round(seconds, 1), locale=self.locale)} s"
        if seconds < MINUTE_S:
            return f"{self.number(round(seconds))} s"
        whole = int(seconds)
        for size, unit, smaller, smaller_unit in (
            (DAY_S, "d", HOUR_S, "h"),
            (HOUR_S, "h", MINUTE_S, "min"),
            (MINUTE_S, "min", 1, "s"),
        ):
            if whole >= size:
                rest = whole % size // smaller
                return f"{self.number(whole // size)} {unit}" + (f" {rest} {smaller_unit}" if rest else "")
        return f"{whole} s"
