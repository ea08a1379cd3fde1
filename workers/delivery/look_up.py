"""Did it happen? What is looked up for an operation in doubt, and what the answers mean. Pure.

One table says for each kind of write what is asked and how the answer is read:

| operation | look-up | it happened if | it did not if | else |
| --- | --- | --- | --- | --- |
| create ARINVOICE, ARADJUSTMENT | RECORDID + CUSTOMERID, with AUWHENCREATED, CREATEDBY, total | created after our \
first send, by our user, equal total (credits: without sign) | no such record | a person |
| create APBILL, APADJUSTMENT | RECORDID + VENDORID, and as above | as above | no such record | a person |
| update of these four | header + lines by RECORDNO | equal to the new payload | equal to the previous one | a person |
| delete of these four, reverse ARINVOICE, APBILL | RECORDNO, STATE | absent or Reversed | STATE unchanged | a person |
| apply ARPYMT, create ARPYMT | ARPYMTDETAIL by RECORDKEY + ADJUSTMENTKEY | details with the sum | none | a person |
| create APPYMT | APPYMTDETAIL likewise | details with the sum | none | a person |
| create SUPDOC | `get_list supdoc` by id | it is there; files that it lacks are added | id absent | – |
| update SUPDOC | `get_list supdoc` by id | some of the files are there; the others are added | none of them there | a \
person |
| create SUPDOCFOLDER | `get_list supdocfolder` by name | found | no such folder | – |
| attach ARINVOICE, APBILL | header + lines by RECORDNO | SUPDOCID is named | it is not | a person |
| update PROJECT | header by RECORDNO | equal to the new payload | equal to the previous one | a person |
| create CUSTOMER, VENDOR, PROJECT | CUSTOMERID, VENDORID, PROJECTID | found | no such record | – |

A record of equal number, party and total that stood there before our first send is linked. *No such record* is
believed only after the wait (`uncertain_wait_s`); what happens then is decided in `settle`. Intacct cannot list the
names of attached files without the files, so attachments answer with their bytes.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from clients.intacct.catalogue import classify
from db.operations import Sending
from schemas.intacct.functions import MAX_PAGE_SIZE, Function
from schemas.intacct.results import FunctionResult
from workers.delivery.look_ups.evidence import Evidence, Row, Verdict
from workers.delivery.look_ups.reads import Read
from workers.delivery.look_ups.table import LOOK_UPS
from workers.delivery.policy import RETRIES, Then

__all__ = ["LOOK_UPS", "MAX_OPERATIONS", "Row", "Verdict", "questions", "verdict", "verdicts"]

MAX_OPERATIONS = 100
"""Operations of one look-up."""


MAX_ATTACHMENTS = 1
"""Attachment records of one look-up: their answers hold the bytes of all their files."""


def at_once(operations: Sequence[Sending]) -> list[Sending]:
    """Those of them that one request may look up; the others are due again by themselves."""
    attachments = [operation for operation in operations if operation.object == "SUPDOC"]
    later = {operation.id for operation in attachments[MAX_ATTACHMENTS:]}
    return [operation for operation in operations if operation.id not in later]


@dataclass(frozen=True, slots=True)
class _Question:
    """One function of a look-up, and the keys that it answers for."""

    name: str
    read: Read
    keys: frozenset[str]
    function: Function


def questions(operations: Sequence[Sending]) -> dict[str, Function]:
    """The reads that answer for all of these operations, by names of their own (`ARINVOICE by RECORDID`).

    What several operations want to know of one record is asked once; sets too large for one read are split.
    """
    return {question.name: question.function for question in _questions(operations)}


def verdicts(
    operations: Sequence[Sending], results: Mapping[str, FunctionResult], user_id: str
) -> dict[uuid.UUID, Verdict]:
    """What the answers to `questions(operations)`, by its names, say of each operation.

    Operations that are missing here were not answered, fully at least: they are looked up again. A read that Intacct
    refuses for good, or that even alone outgrows a page, is for a person.
    """
    asked = _questions(operations)
    rows = {name: result.rows for name, result in results.items() if result.succeeded}
    said: dict[uuid.UUID, Verdict] = {}
    for operation in operations:
        own = list(_own(operation, asked))
        refused = next(filter(None, (_refusal(question, results.get(question.name)) for question, _ in own)), None)
        if refused is not None:
            said[operation.id] = Verdict(None, reason=f"Intacct refuses the look-up: {refused}")
        elif all(question.name in rows and not _missing(question, keys, results) for question, keys in own):
            said[operation.id] = verdict(operation, rows, user_id)
        elif any(_outgrown(question, results) for question, _ in own):
            reason = f"{operation.natural_key} is too long to be compared: look at it in Intacct."
            said[operation.id] = Verdict(None, reason=reason)
    return said


def verdict(operation: Sending, rows: Mapping[str, Sequence[Row]], user_id: str) -> Verdict:
    """Read the rows of complete answers (by the names of `questions`) for one operation."""
    look_up = LOOK_UPS[operation.verb, operation.object]
    keys = look_up.keys(operation)
    if not keys:
        return Verdict(None, reason="Nothing says which record in Intacct it is about.")
    mine = _rows(look_up.record, keys, rows)
    lines = _rows(look_up.lines, keys, rows) if look_up.lines else []
    return look_up.decide(Evidence(operation, keys[0], mine, lines, user_id))


def _questions(operations: Iterable[Sending]) -> list[_Question]:
    weights: dict[tuple[str, str], dict[str, int]] = {}
    reads: dict[tuple[str, str], Read] = {}
    fields: dict[tuple[str, str], dict[str, None]] = {}
    for operation in operations:
        look_up = LOOK_UPS[operation.verb, operation.object]
        for read in look_up.reads:
            source = (read.object, read.key_field)
            reads.setdefault(source, read)
            fields.setdefault(source, {}).update(dict.fromkeys(read.fields))
            held = weights.setdefault(source, {})
            for key in look_up.keys(operation):
                held[key] = max(held.get(key, 0), read.rows_of(operation))
    return [
        _Question(_name(read, place), read, frozenset(keys), read.function(keys, list(fields[source])))
        for source, read in reads.items()
        for place, keys in enumerate(_portions(read, weights[source]), start=1)
    ]


def _portions(read: Read, weights: Mapping[str, int]) -> Iterator[list[str]]:
    """Keys in portions that one read takes and whose rows fit into one page."""
    portion: list[str] = []
    rows = 0
    for key, weight in sorted(weights.items()):
        if portion and (len(portion) == read.max_keys or rows + weight > MAX_PAGE_SIZE):
            yield portion
            portion, rows = [], 0
        portion.append(key)
        rows += weight
    if portion:
        yield portion


def _name(read: Read, place: int) -> str:
    name = f"{read.object} by {read.key_field}"
    return name if place == 1 else f"{name}, {place}"


def _own(operation: Sending, asked: Sequence[_Question]) -> Iterator[tuple[_Question, frozenset[str]]]:
    """The questions that answer for an operation, each with the keys of it that it holds."""
    look_up = LOOK_UPS[operation.verb, operation.object]
    keys = frozenset(look_up.keys(operation))
    sources = {(read.object, read.key_field) for read in look_up.reads}
    for question in asked:
        if (question.read.object, question.read.key_field) in sources and keys & question.keys:
            yield question, keys & question.keys


def _refusal(question: _Question, result: FunctionResult | None) -> str | None:
    """Why Intacct will never answer; None where it has, or may on another try.

    A right that the user lacks breaks the connection off until he has it, but for one that files alone need.
    """
    if result is None or result.succeeded:
        return None
    classified = classify(result.errors)
    retry = RETRIES[classified.error_class]
    waits = retry.limit or retry.then is Then.LOOK_UP or (retry.then is Then.PAUSE and not question.read.is_list)
    return None if waits else classified.cause


def _missing(question: _Question, keys: frozenset[str], results: Mapping[str, FunctionResult]) -> frozenset[str]:
    """Keys that an answer cut off at the end of its page does not speak of."""
    result = results[question.name]
    if not result.numremaining:
        return frozenset()
    if not question.read.unique:
        return keys
    return keys - {row.get(question.read.key_field, "") for row in result.rows}


def _outgrown(question: _Question, results: Mapping[str, FunctionResult]) -> bool:
    result = results.get(question.name)
    return result is not None and bool(result.numremaining) and len(question.keys) == 1


def _rows(read: Read, keys: Sequence[str], rows: Mapping[str, Sequence[Row]]) -> list[Row]:
    prefix = _name(read, 1)
    return [
        row
        for name, held in rows.items()
        if name == prefix or name.startswith(f"{prefix}, ")
        for row in held
        if row.get(read.key_field) in keys
    ]
