"""What a look-up found, and what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db.operations import Sending

Row = Mapping[str, str]
"""One row of an answer: fields by name, values as Intacct writes them (dates `mm/dd/yyyy`)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look-up says: `happened` True, False, or None for something that a person must look at."""

    happened: bool | None
    record_no: str | None = None
    record_state: str | None = None
    reason: str = ""
    before_us: bool = False
    """The record stood there before our first send: to be linked, not counted as posted by us."""
    missing: frozenset[str] = frozenset()
    """Names of files that the record lacks though it stands: they are added by an update of it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What Intacct holds of the record that an operation is about: its rows and, where they were asked for, lines."""

    operation: Sending
    key: str
    rows: Sequence[Row]
    lines: Sequence[Row]
    user_id: str
