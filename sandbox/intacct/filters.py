"""The filter of a `query`: compiled to a predicate, and looked through for keys that narrow the search.

Empty values behave as NULL does in SQL: they match no comparison, not even a negative one. Text is compared
case-sensitively unless the query's options say otherwise; numbers, dates and timestamps by their value.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from lxml import etree

from sandbox.intacct.errors import refuse
from sandbox.intacct.objects import DATE_FIELDS, NUMBER_FIELDS, TIMESTAMP_FIELDS
from sandbox.intacct.store import Record
from sandbox.intacct.values import parse_timestamp, text_of

Element = etree._Element
Typed = str | Decimal | datetime
Reader = Callable[[Record, str], str]
Predicate = Callable[[Record], bool]

_COMPARISONS: Mapping[str, Callable[[int], bool]] = {
    "equalto": lambda order: order == 0,
    "notequalto": lambda order: order != 0,
    "lessthan": lambda order: order < 0,
    "lessthanorequalto": lambda order: order <= 0,
    "greaterthan": lambda order: order > 0,
    "greaterthanorequalto": lambda order: order >= 0,
}


def typed(field: str, text: str, *, ignore_case: bool = False) -> Typed:
    """Turn a value into something that compares rightly; raises ValueError for a malformed one."""
    name = field.rpartition(".")[2]
    if name in NUMBER_FIELDS:
        try:
            return Decimal(text)
        except InvalidOperation as error:
            raise ValueError(f"{text!r} is not a number") from error
    if name in DATE_FIELDS or name in TIMESTAMP_FIELDS:
        instant = parse_timestamp(text)
        if instant is None:
            raise ValueError(f"{text!r} is not a date (mm/dd/yyyy) or timestamp (mm/dd/yyyy hh:mm:ss)")
        return instant
    return text.casefold() if ignore_case else text


def compare(left: Typed, right: Typed) -> int:
    """Compare two values of one field: negative, zero or positive."""
    return (left > right) - (left < right)  # type: ignore[operator]  # both come from one field's type


@dataclass(frozen=True)
class FilterCompiler:
    """Turns a filter element into a predicate; `check_field` raises for a field the object has not got."""

    read: Reader
    check_field: Callable[[str], None]
    ignore_case: bool

    def compile(self, condition: Element) -> Predicate:
        """Compile one operator with all below it."""
        if condition.tag in ("and", "or"):
            parts = [self.compile(child) for child in condition]
            combine = all if condition.tag == "and" else any
            return lambda record: combine(part(record) for part in parts)
        field = text_of(condition[0])
        self.check_field(field)
        values = [value.text or "" for value in condition.iterfind("value")]
        return self._operator(condition.tag, field, values)

    def _operator(self, name: str, field: str, values: Sequence[str]) -> Predicate:
        if name in ("isnull", "isnotnull"):
            empty = name == "isnull"
            return lambda record: (not self.read(record, field)) == empty
        if name in ("like", "notlike"):
            return self._like(field, values[0], wanted=name == "like")
        wanted = [self._typed(field, value) for value in values]
        if name in ("in", "notin"):
            members = frozenset(wanted)
            return self._when_present(field, lambda value: (value in members) == (name == "in"))
        if name == "between":
            return self._when_present(field, lambda value: compare(wanted[0], value) <= 0 <= compare(wanted[1], value))
        test = _COMPARISONS[name]
        return self._when_present(field, lambda value: test(compare(value, wanted[0])))

    def _like(self, field: str, pattern: str, *, wanted: bool) -> Predicate:
        expression = "".join(".*" if char == "%" else "." if char == "_" else re.escape(char) for char in pattern)
        matcher = re.compile(expression, re.DOTALL | (re.IGNORECASE if self.ignore_case else 0))
        return lambda record: (
            bool(self.read(record, field)) and bool(matcher.fullmatch(self.read(record, field))) == wanted
        )

    def _when_present(self, field: str, test: Callable[[Typed], bool]) -> Predicate:
        def predicate(record: Record) -> bool:
            text = self.read(record, field)
            return bool(text) and test(typed(field, text, ignore_case=self.ignore_case))

        return predicate

    def _typed(self, field: str, text: str) -> Typed:
        try:
            return typed(field, text, ignore_case=self.ignore_case)
        except ValueError as error:
            raise refuse("bad_query", detail=f"{field}: {error}") from error


def fixed_values(condition: Element | None) -> dict[str, list[str]]:
    """Name the fields that every match must hold one of a few values of, with those values."""
    if condition is None:
        return {}
    if condition.tag == "and":
        found: dict[str, list[str]] = {}
        for child in condition:
            found = {**fixed_values(child), **found}
        return found
    if condition.tag in ("equalto", "in"):
        return {text_of(condition[0]): [value.text or "" for value in condition.iterfind("value")]}
    return {}
