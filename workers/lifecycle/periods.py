"""Documents dated in a closed period: on which day they are posted instead, and how a function says so.

Intacct often names the first day in its refusal; then that is the day. Else the first of the next month is tried,
month by month, from a year ago at the earliest and until today at the latest; what one document learns of the closed
months the others of the connection need not learn again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from schemas.intacct.dates import day_of
from schemas.intacct.functions import Function, Value
from schemas.intacct.orders import GENERIC

FARTHEST = timedelta(days=366)
"""Months that ended longer ago than this are not tried."""
_DAY = re.compile(r"\b(\d{1,2}/\d{1,2}/\d{4}|\d{4}-\d{2}-\d{2})\b")
_REVERSALS = frozenset({"reverse_invoice", "reverse_bill"})


@dataclass(frozen=True, slots=True)
class PostingDay:
    """When a document is posted whose own day is closed. `dated`: its date moves too, where posting is not enough."""

    day: date
    dated: bool = False


def tried_day(function: Mapping[str, Any]) -> PostingDay | None:
    """The day on which a function (as the ledger keeps it) posts."""
    body = function["body"]
    if function["name"] in GENERIC:
        body = next(iter(body.values()))
    posted, dated = (
        _first(body, *names) for names in (("dateposted", "WHENPOSTED"), ("datecreated", "WHENCREATED", "datereversed"))
    )
    if dated is None:
        return None
    return PostingDay(date.fromisoformat(posted or dated), dated=posted is not None and posted == dated)


def first_named(text: str) -> date | None:
    """The last day that a sentence names (`Date must be on or after 02/01/2026`), as Intacct or ISO writes it."""
    found = _DAY.findall(text)
    return day_of(found[-1]) if found else None


def next_day(tried: PostingDay, named: date | None, closed_until: date | None, today: date) -> PostingDay | None:
    """The day to try next after a refusal; None where no day until today is left.

    `named` is the day that the refusal names, `closed_until` the last day that is known to be closed.
    """
    if named is not None and named <= tried.day:
        # it was posted on an open day: what is judged is its date
        return None if tried.dated or named > today else PostingDay(tried.day, dated=True)
    if named is not None:
        return PostingDay(named) if named <= today else None
    closed = max(tried.day, closed_until or tried.day, _month(today - FARTHEST) - timedelta(days=1))
    candidate = _month(_month(closed) + timedelta(days=31))
    if candidate <= today:
        return PostingDay(candidate)
    return PostingDay(today) if tried.day < today else None


def states_posting_day(function: Function) -> bool:
    """Whether a function names the day to post on itself."""
    fields = _mapping(next(iter(function.body.values()))) if function.name in GENERIC else function.body
    return bool(fields.get("dateposted") or fields.get("WHENPOSTED"))


def posted_on(function: Function, posting: PostingDay) -> Function:
    """The function that posts on another day than the document's own."""
    day = posting.day.isoformat()
    if function.name in _REVERSALS:
        return function.model_copy(update={"body": {**function.body, "datereversed": day}})
    if function.name in GENERIC:
        ((object_name, fields),) = function.body.items()
        moved: dict[str, Value] = {**_mapping(fields), "WHENPOSTED": day}
        if posting.dated:
            moved["WHENCREATED"] = day
        return function.model_copy(update={"body": {object_name: moved}})
    body = {**function.body, "dateposted": day}
    if posting.dated:
        body["datecreated"] = day
    return function.model_copy(update={"body": body})


def _mapping(value: Value) -> Mapping[str, Value]:
    if not isinstance(value, Mapping):
        raise TypeError("a generic function holds one record")
    return value


def _first(body: Mapping[str, Any], *names: str) -> str | None:
    return next((str(body[name]) for name in names if body.get(name)), None)


def _month(day: date) -> date:
    return day.replace(day=1)
