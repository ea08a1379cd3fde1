"""Small words that commands, pages and mails share."""

from datetime import UTC, datetime

CONTROL = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "�")
"""Control characters and those that turn the direction of what follows; for `str.translate`."""

_VISIBLE = {**CONTROL, ord("\n"): " ", ord("\t"): " ", ord("\r"): " "}


def one_line(text: str) -> str:
    """A text as one line without what a terminal or a spreadsheet would obey."""
    return text.translate(_VISIBLE)


def instant(at: datetime) -> str:
    """An instant as ISO 8601 in UTC, to the second or as exact as it is."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def count(n: int, what: str) -> str:
    """A number of things: `1 request`, `2 requests`."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
