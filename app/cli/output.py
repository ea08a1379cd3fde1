"""What commands print: JSON for scripts, tables for people.

JSON holds money as decimal strings and instants as ISO 8601 in UTC with Z. Texts from Scoro and Intacct may hold
anything, so that control characters never reach a terminal and square brackets mean nothing.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import typer

if TYPE_CHECKING:
    from rich.table import Table

WHOLE = frozenset(
    {"Id", "Document", "State", "At", "Made", "Left", "Read", "Last tried", "Amount", "Who", "What", "Became"}
)
"""Columns whose cells stay on one line."""

_CONTROL = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "�")
KEEPS_LINES = {code: mark for code, mark in _CONTROL.items() if code not in (0x09, 0x0A)}
"""For `str.translate`: a text of several lines without what a terminal would obey."""
_VISIBLE = {**_CONTROL, ord("\n"): " ", ord("\t"): " ", ord("\r"): " "}
"""Control characters and those that turn the direction of what follows."""


def utc(at: datetime) -> str:
    """An instant as ISO 8601 in UTC, to the second or as exact as it is."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _encoded(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def as_json(value: object, *, indent: int | None = 2) -> str:
    """A value as people and scripts read it."""
    return json.dumps(value, default=_encoded, ensure_ascii=False, indent=indent)


def print_json(value: object) -> None:
    """Print one value."""
    typer.echo(as_json(value))


def print_json_rows(rows: Iterable[object]) -> None:
    """Print an array row by row, so that a long one is never whole in memory."""
    out = sys.stdout
    out.write("[")
    separator = "\n"
    for row in rows:
        out.write(f"{separator}{as_json(row, indent=None)}")
        separator = ",\n"
    out.write("\n]\n" if separator != "\n" else "]\n")
    out.flush()


def plain(value: object) -> str:
    """A value as one line for a terminal."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    return str(value).translate(_VISIBLE)


def count(n: int, what: str) -> str:
    """A number of things: `1 request`, `2 requests`."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> "Table":
    """A table; columns named in `right` hold numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        made.add_column(
            heading, justify="right" if heading in right else "left", overflow="fold", no_wrap=heading in WHOLE
        )
    for row in rows:
        made.add_row(*(Text(plain(cell)) for cell in row))
    return made


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = (), title: str = ""
) -> None:
    """Print a table under its title; one without rows is not there."""
    from rich.console import Console

    shown = list(rows)
    if not shown:
        return
    console = Console(highlight=False)
    if title:
        console.print(f"\n{plain(title)}", markup=False, style="bold")
    console.print(table(headings, shown, right=right))


def on_terminal() -> bool:
    """Whether a person looks at standard error, where progress is shown."""
    return sys.stderr.isatty()
