"""Rows as CSV for spreadsheets, in which no text can become a formula."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from schemas.words import instant, one_line

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula at the beginning of a text."""


class Target(Protocol):
    """What is written to."""

    def write(self, text: str, /) -> object:
        """Take some text."""
        ...


def write_csv(target: Target, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows under a heading; texts that a spreadsheet would run are led by an apostrophe."""
    out = csv.writer(target)
    out.writerow(columns)
    for row in rows:
        out.writerow([_cell(row[name]) for name in columns])


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case datetime():
            return instant(value)
        case str():
            text = one_line(value)
            return f"'{text}" if text.startswith(FORMULA) else text
        case _:
            return str(value)
