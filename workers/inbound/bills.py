"""Bills in Scoro that come from Intacct: created, changed as a whole, deleted when they are reversed there."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from clients.scoro.client import Record
from db import scoro_writes as writes
from db.failures import problem_as_json
from db.scoro_writes import End, Write
from schemas.errors import ErrorClass, Problem
from schemas.scoro import values
from workers.inbound.listing import changed_since, identity, money_of
from workers.inbound.writer import Answered, Call, Found, Work

MODULE = "bills"


class BillWriter:
    """Writes bills; see `workers.inbound.writer`."""

    def prepare(self, work: Work) -> Mapping[int, Call | End]:
        """The call of each bill; what is changed is read first, as a `lines` array replaces all lines."""
        standing = _standing(work)
        changed = [w.scoro_id for w in work.writes if w.verb == "update" and w.scoro_id is not None]
        records = work.scoro.read_many(MODULE, changed) if changed else {}
        prepared: dict[int, Call | End] = {}
        for write in work.writes:
            row = standing[write.document_id]
            if write.verb == "delete":
                prepared[write.id] = _deletion(write)
            elif write.verb == "update":
                prepared[write.id] = _change(write, row, records.get(write.scoro_id or 0))
            elif (found := _there_before(work, write, row["needed_id"])) is not None:
                prepared[write.id] = End(write.id, "done", "it stood in Scoro already", scoro_id=found)
            else:
                prepared[write.id] = Call(MODULE, body_of(write.intent, row["needed_id"], {}))
        return prepared

    def answered(self, write: Write, call: Call, record: Record) -> Answered:
        """The bill's id and those of its lines, and whether Scoro made Intacct's total of it."""
        bill_id = identity(record.get("id"))
        if bill_id is None:
            return Answered(None)
        lines = [row for row in record.get("lines") or [] if isinstance(row, Mapping)]
        keys = [str(key) for key, _ in write.intent["lines"]]
        ids = {
            key: found
            for key, row in zip(keys, lines, strict=False)
            if key and len(keys) == len(lines) and (found := identity(row.get("id"))) is not None
        }
        return Answered(bill_id, _difference(write, record), ids)

    def look_up(self, work: Work) -> Mapping[int, Found]:
        """A new bill by supplier, number, date and sum; a changed one by its content; a deleted one by its absence."""
        found: dict[int, Found] = {}
        ids = [w.scoro_id for w in work.writes if w.verb != "create" and w.scoro_id is not None]
        records = work.scoro.read_many(MODULE, ids) if ids else {}
        created = [write for write in work.writes if write.verb == "create"]
        since = [write.first_left_at for write in created if write.first_left_at]
        listed = changed_since(work.scoro, MODULE, since, work.connection.site.time_zone) if created else []
        for write in work.writes:
            record = records.get(write.scoro_id or 0)
            gone = record is None or values.flag(record.get("is_deleted"))
            if write.verb == "create":
                found[write.id] = _among(work, write, (write.sent or {}).get("company_id"), listed)
            elif write.verb == "delete":
                found[write.id] = Found(gone)
            elif record is None or gone:
                found[write.id] = Found(
                    None, reason="the bill was deleted in Scoro: restore it there, then fetch it again."
                )
            else:
                found[write.id] = Found(_holds(record, write.sent or {}), write.scoro_id)
        return found


def _standing(work: Work) -> dict[int, dict[str, Any]]:
    ids = [write.document_id for write in work.writes]
    return work.db.run(lambda ledger: writes.standing_in_scoro(ledger, ids))


def _deletion(write: Write) -> Call | End:
    if write.scoro_id is None:
        return End(write.id, "done", "it does not stand in Scoro")
    return Call(MODULE, {}, write.scoro_id, deletes=True)


def _change(write: Write, row: Mapping[str, Any], record: Record | None) -> Call | End:
    if record is None or values.flag(record.get("is_deleted")):
        problem = Problem(
            ErrorClass.NOT_FOUND,
            "bill_gone_in_scoro",
            f"Bill {write.number}: it was changed in Intacct, but Scoro does not have it any more.",
            "Restore the bill in Scoro, then replay; or discard the failure.",
        )
        return End(write.id, "refused", problem.cause, problem=problem_as_json(problem))
    there = [found for line in record.get("lines") or [] if (found := identity(line.get("id"))) is not None]
    known = {key: id for key, id in (row["line_numbers"] or {}).items() if id in there}
    if not known and len(there) == len(write.intent["lines"]):
        known = {str(key): id for (key, _), id in zip(write.intent["lines"], there, strict=True) if key}
    return Call(MODULE, body_of(write.intent, row["needed_id"], known), write.scoro_id)


def body_of(intent: Mapping[str, Any], supplier_id: int | None, line_ids: Mapping[str, int]) -> dict[str, Any]:
    """What Scoro is given of a bill; lines that stand there (RECORDNO -> id) keep their ids."""
    lines = [{**({"id": line_ids[str(key)]} if str(key) in line_ids else {}), **line} for key, line in intent["lines"]]
    return {**intent["head"], "company_id": supplier_id, "lines": lines}


def _total(record: Mapping[str, Any]) -> Decimal | None:
    net = money_of(record.get("sum"))
    return None if net is None else net + (money_of(record.get("vat_sum")) or Decimal(0))


def _difference(write: Write, record: Record) -> Problem | None:
    wanted, made = Decimal(write.intent["total"]), _total(record)
    if record.get("sum") in (None, "") or made == wanted:
        return None
    return Problem(
        ErrorClass.DATA,
        "totals_differ_in_scoro",
        f"Bill {write.number}: Intacct's total is {wanted}, Scoro made {made} of it.",
        "Compare the VAT codes and rounding of the bill in Scoro with Intacct's, and correct them there.",
        culprit=("totals",),
    )


def _there_before(work: Work, write: Write, supplier_id: int | None) -> int | None:
    """A bill that stood in Scoro before: looked for where the bill is older than the connection."""
    head = write.intent["head"]
    if date.fromisoformat(head["date"]) >= work.connection.connected_on or supplier_id is None or "%" in head["no"]:
        return None
    pages = work.scoro.pages(MODULE, filter={"no": head["no"], "company_id": supplier_id})
    verdict = _among(work, write, supplier_id, [row for page in pages for row in page])
    return verdict.scoro_id if verdict.happened else None


def _among(work: Work, write: Write, supplier_id: int | None, rows: Collection[Record]) -> Found:
    """The bill among these that has its supplier, number, date and sum, and that no document of ours is."""
    head, total = write.intent["head"], Decimal(write.intent["total"])
    equal = {
        found
        for row in rows
        if (found := identity(row.get("id"))) is not None
        and identity(row.get("company_id")) == supplier_id
        and values.text(row.get("no")) == head["no"]
        and values.day(row.get("date")) == date.fromisoformat(head["date"])
        and _total(row) == total
        and not values.flag(row.get("is_deleted"))
    }
    free = sorted(equal - work.db.run(lambda ledger: writes.linked_ids(ledger, work.connection.id, MODULE, equal)))
    if len(free) > 1:
        ids = ", ".join(map(str, free))
        return Found(None, reason=f"Scoro holds several bills like it (ids {ids}): delete the one too many.")
    return Found(True, free[0]) if free else Found(False)


def _holds(record: Record, sent: Mapping[str, Any]) -> bool:
    """Whether a bill of Scoro has every value that was sent."""
    lines = [row for row in record.get("lines") or [] if isinstance(row, Mapping)]
    wanted: Sequence[Mapping[str, Any]] = sent.get("lines", [])
    return (
        all(_equal(name, record.get(name), value) for name, value in sent.items() if name != "lines")
        and len(lines) == len(wanted)
        and all(
            _equal(name, held.get(name), value)
            for held, line in zip(lines, wanted, strict=True)
            for name, value in line.items()
        )
    )


_Reader = Callable[[Any], Any]
_READERS: Mapping[_Reader, Collection[str]] = {
    values.identity: ("id", "company_id", "finance_account_id", "vat_code_id"),
    values.day: ("date", "deadline"),
    values.quantity: ("price", "amount", "vat", "currency_rate"),
    values.custom_fields: ("custom_fields",),
}
"""What fields are read by to be compared; any other is text."""


def _equal(name: str, held: Any, sent: Any) -> bool:
    read: _Reader = next((reader for reader, names in _READERS.items() if name in names), values.text)
    try:
        there, wanted = read(held), read(sent)
    except ValueError:
        return False
    if isinstance(there, dict):  # Scoro tells of its other custom fields, too
        there = {key: there.get(key) for key in wanted}
    return bool(there == wanted)
