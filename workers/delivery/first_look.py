"""Does it stand in Intacct already? What is asked about older documents before they are created, and what it means.

Pure. An older document is *equal* to a record of its number if amount, currency and party agree, *different* if not
all do, and *absent* if there is no such record. Numbers of invoices are ours, so a record of another customer is a
difference; numbers of bills are the vendors', so a record of another vendor says nothing, unless our vendor is still to
be made and all but the name agrees. A party that is still to be made is the record's if the names agree.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from clients.intacct.catalogue import classify
from db.forecast import OLDER_PER_LOOK_UP
from db.older import Finding, Known, Older
from schemas.intacct.functions import MAX_IN_VALUES, Function, in_, query
from schemas.intacct.results import FunctionResult
from workers.delivery.look_ups.contents import DOCUMENTS, equal_money
from workers.delivery.look_ups.evidence import Row
from workers.delivery.policy import RETRIES, Then
from workers.translation.posted import TOTAL_FIELD

MAX_OPERATIONS = OLDER_PER_LOOK_UP
"""Documents of one request: their numbers are some 300,000 bytes at the most."""

GONE = frozenset({"Reversed", "Reversal"})
"""States of records that stand for nothing any more."""

Parties = Mapping[tuple[str, str], Known]
"""Customers and vendors of Intacct by (CUSTOMER or VENDOR, id)."""


@dataclass(frozen=True, slots=True)
class Question:
    """One query, and the operations that it answers for."""

    object: str
    function: Function
    operations: tuple[Older, ...]


def questions(operations: Sequence[Older]) -> list[Question]:
    """Ask for the numbers of these documents, 1,000 at a time; what was not answered before in smaller portions."""
    asked: list[Question] = []
    portions: dict[tuple[str, int], list[Older]] = {}
    for operation in operations:
        portions.setdefault((operation.object, _portion(operation)), []).append(operation)
    for (object_name, size), members in portions.items():
        party_field = DOCUMENTS[object_name].party_field
        fields = ("RECORDNO", "RECORDID", party_field, "STATE", TOTAL_FIELD, "CURRENCY")
        by_number: dict[str, list[Older]] = {}
        for member in members:
            by_number.setdefault(member.number, []).append(member)
        numbers = sorted(by_number)
        for start in range(0, len(numbers), size):
            portion = numbers[start : start + size]
            asked.append(
                Question(
                    object_name,
                    query(object_name, fields, in_("RECORDID", portion)),
                    tuple(member for number in portion for member in by_number[number]),
                )
            )
    return asked


def _portion(operation: Older) -> int:
    """How many numbers are asked for together: an eighth of the last portion, if that was not answered."""
    return max(1, int(MAX_IN_VALUES >> (3 * max(0, operation.tries - 1))))


def findings(asked: Sequence[Question], answers: Sequence[FunctionResult | None], parties: Parties) -> list[Finding]:
    """What the answers to `questions`, in their order, say of each document; those not answered fully are left out."""
    said: list[tuple[str, Finding]] = []
    for question, answer in zip(asked, answers, strict=True):
        if answer is None:
            continue
        if not answer.succeeded:
            said += ((question.object, finding) for finding in _refused(question, answer))
            continue
        rows: dict[str, list[Row]] = {}
        for row in answer.rows:
            if row.get("STATE") not in GONE:
                rows.setdefault(row.get("RECORDID", ""), []).append(row)
        if answer.numremaining and len({operation.number for operation in question.operations}) > 1:
            continue  # rows are missing, of whichever number: asked again in smaller portions
        said += (
            (question.object, _finding(operation, rows.get(operation.number, ()), parties))
            for operation in question.operations
        )
    return _each_record_once(said)


def _refused(question: Question, answer: FunctionResult) -> Iterable[Finding]:
    """A look-up that Intacct refuses for good is for a person; another is made again."""
    classified = classify(answer.errors)
    retry = RETRIES[classified.error_class]
    if retry.limit or retry.then is not Then.DEAD_LETTER:
        return
    for operation in question.operations:
        reason = f"Intacct does not let us look whether it holds {operation.number}: {classified.cause}"
        yield Finding(operation.id, "different", reason=reason)


def _finding(operation: Older, rows: Sequence[Row], parties: Parties) -> Finding:
    kind = DOCUMENTS[operation.object]
    mine = [row for row in rows if row.get(kind.party_field) == operation.party]
    if not mine and operation.party_document is not None:
        mine = [row for row in rows if _named_alike(operation, row, parties)]
    if not mine:
        return _other_party(operation, rows, parties)
    equal = [row for row in mine if _sum_agrees(operation, row)]
    if len(equal) > 1 or (not equal and len(mine) > 1):
        return Finding(
            operation.id,
            "different",
            reason=f"Intacct holds {operation.number} {len(mine)} times: link the right one, or delete the others.",
        )
    row = (equal or mine)[0]
    if not equal:
        return Finding(operation.id, "different", row["RECORDNO"], reason=_difference(operation, row))
    return Finding(operation.id, "equal", row["RECORDNO"], row.get("STATE"), row.get(kind.party_field, ""))


def _other_party(operation: Older, rows: Sequence[Row], parties: Parties) -> Finding:
    kind = DOCUMENTS[operation.object]
    role = "customer" if kind.party_field == "CUSTOMERID" else "vendor"
    alike = [row for row in rows if _sum_agrees(operation, row)]
    suspicious = rows if role == "customer" else alike if operation.party_document is not None else ()
    if not suspicious:
        return Finding(operation.id, "absent")
    row = (alike or list(suspicious))[0]
    party = row.get(kind.party_field, "")
    known = parties.get((role.upper(), party))
    theirs = f"{party} ({known.name})" if known else party
    ours = f"{operation.party} ({operation.party_name})" if operation.party_name else operation.party
    reason = (
        f"Intacct holds {operation.number} for the {role} {theirs} with a total of {_money(row)}; in Scoro it is for"
        f" {ours}, {operation.total} {operation.currency}: link it if it is the same document, or renumber one."
    )
    return Finding(operation.id, "different", row["RECORDNO"], reason=reason)


def _named_alike(operation: Older, row: Row, parties: Parties) -> bool:
    field = DOCUMENTS[operation.object].party_field
    known = parties.get((field.removesuffix("ID"), row.get(field, "")))
    return known is not None and bool(operation.party_name) and _plain(known.name) == _plain(operation.party_name)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _sum_agrees(operation: Older, row: Row) -> bool:
    is_credit = DOCUMENTS[operation.object].is_credit
    currency = row.get("CURRENCY") or operation.currency
    return (
        operation.total is not None
        and currency == operation.currency
        and equal_money(row.get(TOTAL_FIELD), operation.total, unsigned=is_credit)
    )


def _difference(operation: Older, row: Row) -> str:
    return (
        f"Intacct holds {operation.number} with a total of {_money(row)}, Scoro's is {operation.total}"
        f" {operation.currency}: make them equal and send it again, link the two, or ignore it."
    )


def _money(row: Row) -> str:
    return f"{row.get(TOTAL_FIELD, 'nothing')} {row.get('CURRENCY', '')}".strip()


def _each_record_once(said: Sequence[tuple[str, Finding]]) -> list[Finding]:
    """A record is one document's: of two that equal it the second is for a person."""
    taken: set[tuple[str, str | None]] = set()
    kept: list[Finding] = []
    for object_name, finding in said:
        record = (object_name, finding.record_no)
        if finding.result == "equal" and record in taken:
            reason = f"Intacct's record {finding.record_no} equals another document of Scoro too: link the right one."
            kept.append(Finding(finding.id, "different", finding.record_no, reason=reason))
            continue
        if finding.result == "equal":
            taken.add(record)
        kept.append(finding)
    return kept


def learned_parties(
    operations: Mapping[UUID, Older], said: Sequence[Finding], parties: Parties
) -> tuple[list[tuple[int, str, str, str]], list[Finding]]:
    """Which contacts stand in Intacct as which party, by their equal documents; and the findings that agree with it.

    Gives (document of the contact, object, id, record number). A contact that two documents give two parties is taken
    for the first; the second document is for a person.
    """
    learned: dict[int, tuple[int, str, str, str]] = {}
    kept: list[Finding] = []
    for finding in said:
        operation = operations[finding.id]
        contact = operation.party_document
        if finding.result != "equal" or contact is None:
            kept.append(finding)
            continue
        object_name = DOCUMENTS[operation.object].party_field.removesuffix("ID")
        party = (contact, object_name, finding.party, parties[object_name, finding.party].record_no)
        if learned.setdefault(contact, party) == party:
            kept.append(finding)
            continue
        reason = (
            f"Intacct holds {operation.number} for {finding.party}, but other documents of {operation.party_name} for"
            f" {learned[contact][2]}: link it if it is the same document."
        )
        kept.append(Finding(finding.id, "different", finding.record_no, reason=reason))
    return list(learned.values()), kept
