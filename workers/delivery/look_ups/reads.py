"""How a kind of write is looked up: what is read, by which keys, and who decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from db.operations import Sending
from schemas.intacct.functions import MAX_IN_VALUES, Condition, Function, Value, expression, get_list, in_, query
from workers.delivery.look_ups.evidence import Evidence, Verdict

MAX_ATTACHMENTS = 100
"""Attachments asked for by one `get_list`."""


def one_row(_: Sending) -> int:
    """A key names one row."""
    return 1


@dataclass(frozen=True, slots=True)
class Read:
    """What is read of one object: rows whose `key_field` is one of the keys.

    `rows_of` guesses how many rows answer for one operation, so that the answer fits into a page. `unique`: a key
    names one row at most.
    """

    object: str
    key_field: str
    fields: tuple[str, ...]
    rows_of: Callable[[Sending], int] = one_row
    unique: bool = True

    @property
    def is_list(self) -> bool:
        """Whether `get_list` reads it, not `query`."""
        return self.object.islower()

    @property
    def max_keys(self) -> int:
        """Keys that one read takes."""
        return MAX_ATTACHMENTS if self.is_list else MAX_IN_VALUES

    def function(self, keys: Sequence[str], fields: Sequence[str]) -> Function:
        """Ask for these keys."""
        if not self.is_list:
            return query(self.object, fields, in_(self.key_field, keys))
        conditions = [expression(self.key_field, "=", key) for key in keys]
        return get_list(self.object, _any(conditions), fields, len(keys))


@dataclass(frozen=True, slots=True)
class LookUp:
    """How one kind of write is looked up: its record, and the lines of it where they matter."""

    record: Read
    keys: Callable[[Sending], tuple[str, ...]]
    decide: Callable[[Evidence], Verdict]
    lines: Read | None = None

    @property
    def reads(self) -> tuple[Read, ...]:
        """All that is read."""
        return (self.record,) if self.lines is None else (self.record, self.lines)


def _any(conditions: Sequence[Condition]) -> Condition:
    if len(conditions) == 1:
        return conditions[0]
    expressions: list[Value] = [condition["expression"] for condition in conditions]
    return {"logical": {"@logical_operator": "or", "expression": expressions}}
