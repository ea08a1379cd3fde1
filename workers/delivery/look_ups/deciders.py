"""What the rows of a look-up mean, one function for each kind of operation. Pure.

*Not there* is a `Verdict(False)`; when it is believed, and what happens then, is decided in `settle`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from db.operations import Sending
from schemas.intacct.dates import moment_of
from schemas.intacct.functions import Function
from schemas.intacct.orders import listed
from schemas.money import ZERO
from workers.delivery.look_ups.contents import DOCUMENTS, content_of, equal_money, holds, holds_fields, money_of
from workers.delivery.look_ups.evidence import Evidence, Row, Verdict
from workers.translation.posted import TOTAL_FIELD, mapping_of

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the gateway's clock may differ from the ledger's when its moments are compared with our first send."""

REVERSED = "Reversed"
GONE = frozenset({REVERSED, "Reversal"})
"""States of documents that stand for nothing any more."""
UNTOUCHED_STATES = frozenset({"Draft", "Submitted", "Partially Approved", "Approved", "Posted"})
"""States in which nothing was done to a document: neither paid nor reversed nor declined."""

VOIDED = "V"


def created(evidence: Evidence) -> Verdict:
    """A created document stands if its number and party do, from our hand and with our total."""
    operation, kind = evidence.operation, DOCUMENTS[evidence.operation.object]
    same = [row for row in evidence.rows if row.get(kind.party_field) == operation.party]
    if not same:
        return Verdict(False)
    if all(row.get("STATE") in GONE for row in same):
        reason = f"Intacct holds {operation.natural_key} reversed: give the document another number in Scoro."
        return Verdict(None, reason=reason)
    same = [row for row in same if row.get("STATE") not in GONE]
    ours = [row for row in same if _by_us(row, operation.first_left_at, evidence.user_id)]
    found = ours or same
    if len(found) > 1:
        reason = f"Intacct holds {operation.natural_key} {len(found)} times: delete all but one."
        return Verdict(None, reason=reason)
    row = found[0]
    if (other := _other_currency(operation, row)) is not None:
        return Verdict(None, row["RECORDNO"], reason=other)
    if operation.total is None or not equal_money(row.get(TOTAL_FIELD), operation.total, unsigned=kind.is_credit):
        reason = (
            f"Intacct holds {operation.natural_key} with a total of {row.get(TOTAL_FIELD)},"
            f" Scoro's is {operation.total}: compare the two, then link or renumber."
        )
        return Verdict(None, row["RECORDNO"], reason=reason)
    return Verdict(True, row["RECORDNO"], row.get("STATE"), before_us=not ours)


def _other_currency(operation: Sending, row: Row) -> str | None:
    """Why a record of that number is not the document: it is in another currency; None where nothing speaks of it."""
    held, base = row.get("CURRENCY", ""), row.get("BASECURR", "")
    sent = content_of(Function.model_validate(operation.function)).header.get("CURRENCY") or base
    if not held or not sent or held == sent:
        return None
    return f"Intacct holds {operation.natural_key} in {held}, Scoro's is in {sent}: compare, then link or renumber."


def replaced(evidence: Evidence) -> Verdict:
    """A draft that was deleted and made again stands if a record of its number does that is not the old one."""
    operation, kind = evidence.operation, DOCUMENTS[evidence.operation.object]
    old = str((operation.link or {}).get("record_no") or "")
    same = [row for row in evidence.rows if row.get(kind.party_field) == operation.party or row["RECORDNO"] == old]
    new = [row for row in same if row["RECORDNO"] != old]
    if not new:
        return Verdict(False)
    if len(new) < len(same):
        keys = " and ".join(row["RECORDNO"] for row in same)
        reason = f"{operation.natural_key} stands twice in Intacct (RECORDNO {keys}): delete the old one, {old}."
        return Verdict(None, new[0]["RECORDNO"], reason=reason)
    return created(replace(evidence, rows=new))


def updated(evidence: Evidence) -> Verdict:
    """An update stands if header and lines equal its payload, and did not run if they equal the one before."""
    operation, kind = evidence.operation, DOCUMENTS[evidence.operation.object]
    if not evidence.rows:
        return Verdict(None, reason=f"{operation.natural_key} is no longer in Intacct.")
    row = evidence.rows[0]
    new = content_of(Function.model_validate(operation.function))
    if holds(row, evidence.lines, new, is_credit=kind.is_credit):
        return Verdict(True, row["RECORDNO"], row.get("STATE"))
    if operation.previous is None:
        return Verdict(False)
    previous = content_of(Function.model_validate(operation.previous))
    if holds(row, evidence.lines, previous, is_credit=kind.is_credit):
        return Verdict(False)
    reason = (
        f"{operation.natural_key} holds neither what was sent nor what it held before:"
        " somebody may have edited it in Intacct."
    )
    return Verdict(None, row["RECORDNO"], reason=reason)


def removed(evidence: Evidence) -> Verdict:
    """A delete or reversal stands if the document is gone or reversed; unchanged, it did not run."""
    operation = evidence.operation
    if not evidence.rows:
        return Verdict(True, evidence.key)
    state = evidence.rows[0].get("STATE", "")
    if state == REVERSED:
        return Verdict(True, evidence.key, state)
    before = str((operation.link or {}).get("record_state") or "")
    if state == before if before else state in UNTOUCHED_STATES:
        return Verdict(False)
    reason = f"{operation.natural_key} is {state or 'in no state'} in Intacct: somebody worked on it meanwhile."
    return Verdict(None, evidence.key, state, reason)


def found(evidence: Evidence) -> Verdict:
    """A customer, vendor or project stands if its id does: the id is made from Scoro's."""
    return Verdict(True, evidence.rows[0]["RECORDNO"]) if evidence.rows else Verdict(False)


@dataclass(frozen=True, slots=True)
class Share:
    """What a payment or a credit settles of one document."""

    record_key: str
    adjustment_key: str
    amount: Decimal


def shares_of(function: Function) -> tuple[Share, ...]:
    """What `apply_arpayment` of a credit, or a create of ARPYMT or APPYMT, settles; the same document adds up."""
    sums: dict[tuple[str, str], Decimal] = {}
    for share in _shares(function):
        key = (share.record_key, share.adjustment_key)
        sums[key] = sums.get(key, ZERO) + share.amount
    return tuple(Share(*key, amount) for key, amount in sums.items())


def applied(evidence: Evidence) -> Verdict:
    """A payment or credit stands if each document has details of it with the sum; without any it did not run."""
    operation = evidence.operation
    function = Function.model_validate(operation.function)
    live = [row for row in evidence.rows if row.get("STATE") != VOIDED and _since(row, operation.first_left_at)]
    shares = shares_of(function)
    adjustments = frozenset({"", *(share.adjustment_key for share in shares)})
    held = [(share, _details(share, live, adjustments)) for share in shares]
    if not any(details for _, details in held):
        return Verdict(False)
    if all(abs(sum(_amount(share, row) for row in details)) == abs(share.amount) for share, details in held):
        payment = held[0][1][0].get("PAYMENTKEY")
        return Verdict(True, str(function.body.get("arpaymentkey") or payment or "") or None)
    reason = f"Intacct holds other sums for {operation.natural_key} than were sent: compare the payments."
    return Verdict(None, reason=reason)


def filed(evidence: Evidence) -> Verdict:
    """An attachment stands if it is there: its id is ours alone. Files that it lacks are to be added."""
    operation = evidence.operation
    adds = operation.verb == "update"
    if not evidence.rows:
        return (
            Verdict(None, reason=f"The attachment {evidence.key} is no longer in Intacct.") if adds else Verdict(False)
        )
    there = set(_names(evidence.rows[0]))
    wanted = file_names(Function.model_validate(operation.function))
    missing = frozenset(name for name in wanted if name.casefold() not in there)
    if adds and len(missing) == len(wanted):
        return Verdict(False)
    return Verdict(True, evidence.key, missing=missing)


def file_names(function: Function) -> list[str]:
    """The names of the files that a function attaches; unique in their record."""
    files = mapping_of(function.body.get("attachments", {}))
    return [str(mapping_of(file)["attachmentname"]) for file in listed(files.get("attachment", ()))]


def named(evidence: Evidence) -> Verdict:
    """A folder stands if its name does."""
    return Verdict(True, evidence.key) if evidence.rows else Verdict(False)


def changed(evidence: Evidence) -> Verdict:
    """A change of a project stands if its fields equal those sent, and did not run if they equal those before."""
    operation = evidence.operation
    if not evidence.rows:
        return Verdict(None, reason=f"{operation.natural_key} is no longer in Intacct.")
    row = evidence.rows[0]
    if holds_fields(row, Function.model_validate(operation.function)):
        return Verdict(True, evidence.key)
    if operation.previous is None or holds_fields(row, Function.model_validate(operation.previous)):
        return Verdict(False)
    reason = (
        f"{operation.natural_key} holds neither what was sent nor what it held before:"
        " somebody may have edited it in Intacct."
    )
    return Verdict(None, evidence.key, reason=reason)


def _shares(function: Function) -> Iterator[Share]:
    if function.name == "apply_arpayment":
        items = mapping_of(function.body.get("arpaymentitems", {})).get("arpaymentitem", ())
        for item in map(mapping_of, listed(items)):
            yield Share(str(item["invoicekey"]), str(function.body["arpaymentkey"]), Decimal(str(item["amount"])))
        return
    body = mapping_of(function.body[function.object])
    details = mapping_of(body.get(f"{function.object}DETAILS", {})).get(f"{function.object}DETAIL", ())
    for detail in map(mapping_of, listed(details)):
        record_key, adjustment = str(detail.get("RECORDKEY", "")), str(detail.get("ADJUSTMENTKEY", ""))
        for key, field in (("", "TRX_PAYMENTAMOUNT"), (adjustment, "TRX_ADJUSTMENTAMOUNT")):
            if amount := money_of(str(detail.get(field, ""))):
                yield Share(record_key, key, amount)


def _details(share: Share, rows: Sequence[Row], adjustments: frozenset[str]) -> list[Row]:
    """Details of a share; one that settles with money and a credit of ours at once counts for both."""
    keys = {share.adjustment_key} if share.adjustment_key else adjustments
    return [
        row
        for row in rows
        if row.get("RECORDKEY") == share.record_key and row.get("ADJUSTMENTKEY", "") in keys and _amount(share, row)
    ]


def _amount(share: Share, row: Row) -> Decimal:
    return money_of(row.get("TRX_ADJUSTMENTAMOUNT" if share.adjustment_key else "TRX_PAYMENTAMOUNT")) or ZERO


def _names(row: Row) -> Iterator[str]:
    """The names of an attachment's files, from the paths of its nested elements."""
    return (name.casefold() for path, name in row.items() if path.endswith(".attachmentname"))


def _by_us(row: Row, first_left_at: datetime | None, user_id: str) -> bool:
    """Created since our first send and, where Intacct names the login, by our user (it may give the user's number)."""
    created_by = row.get("CREATEDBY", "")
    if created_by and not created_by.isdigit() and created_by.casefold() != user_id.casefold():
        return False
    moment = moment_of(row.get("AUWHENCREATED", ""))
    return moment is None or (first_left_at is not None and moment >= first_left_at - CLOCK_TOLERANCE)


def _since(row: Row, first_left_at: datetime | None) -> bool:
    """What was last changed before our first send is not of our making."""
    moment = moment_of(row.get("WHENMODIFIED", ""))
    return moment is None or first_left_at is None or moment >= first_left_at - CLOCK_TOLERANCE
