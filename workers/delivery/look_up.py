"""Did it happen? What is looked up for an operation in doubt, and what the rows that come back mean. Pure.

One table says for each kind of write what is asked and how the answer is read:

| operation | look-up | it happened if | it did not if | else |
| --- | --- | --- | --- | --- |
| create ARINVOICE | RECORDID + CUSTOMERID | created after our first send, by our user, equal total | no such record |
a person |
| update ARINVOICE | header + lines by RECORDNO | equal to the new payload | equal to the previous one | a person |
| create CUSTOMER | CUSTOMERID | found | no such record | – |

*No such record* is believed only after the wait (`uncertain_wait_s`); what happens then is decided in `settle`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from db.operations import Sending
from schemas.intacct.functions import MAX_IN_VALUES, Function, in_, query
from workers.translation.posted import HEADER_FIELDS, LINE_FIELDS, TOTAL_FIELD, matches_update

Row = Mapping[str, str]

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the gateway's clock may differ from the ledger's when AUWHENCREATED is compared with our first send."""

MAX_OPERATIONS = 100
"""Operations of one look-up: their lines must fit into one page of 2,000 rows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look-up says: `happened` True, False, or None for something that a person must look at."""

    happened: bool | None
    record_no: str | None = None
    record_state: str | None = None
    reason: str = ""
    before_us: bool = False
    """The record stood there before our first send: to be linked, not counted as posted by us."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """How one kind of write is looked up."""

    object: str
    key_field: str
    fields: tuple[str, ...]
    key: Callable[[Sending], str]
    decide: Callable[[Sending, Sequence[Row], Sequence[Row], str], Verdict]
    line_object: str = ""
    line_fields: tuple[str, ...] = ()


def invoice_created(operation: Sending, rows: Sequence[Row], _: Sequence[Row], user_id: str) -> Verdict:
    """A created document stands if its number and party do, from our hand and with our total."""
    same = [row for row in rows if row.get("CUSTOMERID") == operation.party]
    if not same:
        return Verdict(False)
    ours = [row for row in same if _by_us(row, operation.first_left_at, user_id)]
    row = (ours or same)[0]
    if not _equal(row.get(TOTAL_FIELD), operation.total):
        return Verdict(
            None,
            row["RECORDNO"],
            reason=f"Intacct holds {operation.natural_key} with a total of {row.get(TOTAL_FIELD)},"
            f" Scoro's is {operation.total}: compare the two, then link or renumber.",
        )
    if len(ours) > 1:
        return Verdict(None, reason=f"Intacct holds {operation.natural_key} {len(ours)} times: delete all but one.")
    return Verdict(True, row["RECORDNO"], row.get("STATE"), before_us=not ours)


def customer_created(_: Sending, rows: Sequence[Row], __: Sequence[Row], ___: str) -> Verdict:
    """A customer stands if its id does: the id is made from Scoro's contact id."""
    return Verdict(True, rows[0]["RECORDNO"]) if rows else Verdict(False)


def invoice_updated(operation: Sending, rows: Sequence[Row], lines: Sequence[Row], _: str) -> Verdict:
    """An update stands if header and lines equal its payload, and did not run if they equal the one before."""
    if not rows:
        return Verdict(None, reason=f"Invoice {operation.natural_key} is no longer in Intacct.")
    new = Function.model_validate(operation.function)
    if matches_update(new, rows[0], lines):
        return Verdict(True, rows[0]["RECORDNO"], rows[0].get("STATE"))
    previous = Function.model_validate(operation.previous) if operation.previous else None
    if previous is None or matches_update(previous, rows[0], lines):
        return Verdict(False)
    return Verdict(
        None,
        rows[0]["RECORDNO"],
        reason=f"Invoice {operation.natural_key} holds neither what was sent nor what it held before:"
        " somebody may have edited it in Intacct.",
    )


def _natural_key(operation: Sending) -> str:
    return operation.natural_key


def _record_no(operation: Sending) -> str:
    return str(operation.link["record_no"]) if operation.link else ""


LOOK_UPS: dict[tuple[str, str], LookUp] = {
    ("create", "ARINVOICE"): LookUp(
        "ARINVOICE",
        "RECORDID",
        ("RECORDNO", "RECORDID", "CUSTOMERID", "STATE", TOTAL_FIELD, "AUWHENCREATED", "CREATEDBY"),
        _natural_key,
        invoice_created,
    ),
    ("update", "ARINVOICE"): LookUp(
        "ARINVOICE",
        "RECORDNO",
        ("RECORDNO", "STATE", TOTAL_FIELD, *HEADER_FIELDS.values()),
        _record_no,
        invoice_updated,
        "ARINVOICEITEM",
        ("RECORDNO", "RECORDKEY", "LINE_NO", "PARENTENTRY", *LINE_FIELDS.values()),
    ),
    ("create", "CUSTOMER"): LookUp(
        "CUSTOMER", "CUSTOMERID", ("RECORDNO", "CUSTOMERID", "NAME"), _natural_key, customer_created
    ),
}
"""(verb, object) -> how it is looked up."""


def questions(operations: Sequence[Sending]) -> dict[str, Function]:
    """The queries that answer for all of these operations, by a name of their own (`create ARINVOICE`, `… lines`)."""
    asked: dict[str, Function] = {}
    for (verb, object_name), look_up in LOOK_UPS.items():
        keys = sorted({look_up.key(o) for o in operations if (o.verb, o.object) == (verb, object_name)})[:MAX_IN_VALUES]
        if not keys:
            continue
        asked[f"{verb} {object_name}"] = query(look_up.object, look_up.fields, in_(look_up.key_field, keys))
        if look_up.line_object:
            asked[f"{verb} {object_name} lines"] = query(
                look_up.line_object, look_up.line_fields, in_("RECORDKEY", keys)
            )
    return asked


def verdict(operation: Sending, rows: Mapping[str, Sequence[Row]], user_id: str) -> Verdict:
    """Read the answers (`rows` by the names of `questions`) for one operation."""
    look_up = LOOK_UPS[operation.verb, operation.object]
    name = f"{operation.verb} {operation.object}"
    key = look_up.key(operation)
    mine = [row for row in rows.get(name, ()) if row.get(look_up.key_field) == key]
    lines = [row for row in rows.get(f"{name} lines", ()) if row.get("RECORDKEY") == key]
    return look_up.decide(operation, mine, lines, user_id)


def _equal(told: str | None, total: Decimal | None) -> bool:
    try:
        return total is not None and told is not None and Decimal(told) == total
    except InvalidOperation:
        return False


def _by_us(row: Row, first_left_at: datetime | None, user_id: str) -> bool:
    """Created since our first send and, where Intacct names the login, by our user (it may give the user's number)."""
    created_by = row.get("CREATEDBY", "")
    if created_by and not created_by.isdigit() and created_by.casefold() != user_id.casefold():
        return False
    try:
        created = datetime.strptime(row.get("AUWHENCREATED", ""), "%m/%d/%Y %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return True
    return first_left_at is not None and created >= first_left_at - CLOCK_TOLERANCE
