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

from schemas.words import CONTROL, instant, one_line

if TYPE_CHECKING:
    from rich.table import Table

WHOLE = frozenset(
    {"Id", "Document", "State", "At", "Made", "Left", "Read", "Last tried", "Amount", "Who", "What", "Became"}
)
"""Columns whose cells stay on one line."""

KEEPS_LINES = {code: mark for code, mark in CONTROL.items() if code not in (0x09, 0x0A)}
"""For `str.translate`: a text of several lines without what a terminal would obey."""


def _encoded(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return instant(value)
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
    return one_line(str(value))


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
