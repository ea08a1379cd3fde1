"""Dates and times as `query` shows them: mm/dd/yyyy and mm/dd/yyyy hh:mm:ss in UTC, whatever the locale; or ISO."""

from datetime import UTC, date, datetime

_DAYS = ("%m/%d/%Y", "%Y-%m-%d")
_MOMENTS = ("%m/%d/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y")


def day_of(text: str) -> date | None:
    """A date, also at the head of a timestamp; None for anything else."""
    found = _parsed(text.strip().replace("T", " ").partition(" ")[0], _DAYS)
    return found.date() if found else None


def moment_of(text: str) -> datetime | None:
    """A timestamp, a date being its first moment; None for anything else."""
    return _parsed(text.strip(), _MOMENTS)


def _parsed(text: str, forms: tuple[str, ...]) -> datetime | None:
    for form in forms:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
