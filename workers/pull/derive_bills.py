"""From bills of Intacct to what is to be written to Scoro, where `data.bills.direction` is `to_scoro`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from db import failures, pulled
from db import intake as ledger_intake
from db import reference as stored_reference
from db import scoro_intents as intents
from db.connections import Connection
from db.database import Ledger
from db.scoro_intents import NewDocument, Wanted
from schemas.errors import DocumentError, Problem
from schemas.intacct.dates import day_of
from schemas.kinds import Kind
from schemas.reference import ReferenceData
from workers.pull.queries import BILL
from workers.translation.arriving import ArrivingBill, arrive, is_removed, passes

BATCH = 200
"""Bills that are thought about in one transaction."""


@dataclass(frozen=True, slots=True)
class _Thought:
    """What one bill comes to: a bill for Scoro, nothing that is to stand there, or why it cannot be translated."""

    row: Mapping[str, Any]
    bill: ArrivingBill | None = None
    problem: Problem | None = None


def derive_bills(ledger: Ledger, connection: Connection, reference: ReferenceData) -> int:
    """Intend the next bills; returns how many were thought about."""
    rows = pulled.new_records(ledger, connection.id, BILL, BATCH)
    ours = [row for row in rows if row["document_id"] is None or row["inbound"]]
    thoughts = [_think(row, connection, reference) for row in ours if not row["is_own"] and _concerns(row, connection)]
    documents = _documents(ledger, connection, [thought for thought in thoughts if _needs_document(thought)])
    vendors = _vendors(ledger, connection, {t.bill.vendor_id: t.bill.vendor_name for t in thoughts if t.bill})
    wanted = []
    for thought in thoughts:
        document_id = thought.row["document_id"] or documents.get(thought.row["record_no"])
        if document_id is None or thought.problem is not None:
            continue
        wanted.append(_wanted(document_id, thought.bill, vendors))
    intents.intend(ledger, connection.id, wanted)
    _keep_facts(ledger, connection, thoughts, documents)
    pulled.settle(
        ledger,
        connection.id,
        [(BILL, row["record_no"], row["version"], "unknown" if row["is_own"] else "done") for row in rows],
    )
    return len(rows)


def _concerns(row: Mapping[str, Any], connection: Connection) -> bool:
    """Whether the settings want a bill in Scoro; one that stands there already is followed whatever they say."""
    if row["document_id"] is not None:
        return True
    chosen, data = connection.settings.data.bills, row["data"]
    day = day_of(data.get("WHENCREATED", ""))
    if day is not None and day < chosen.starts_on(connection.connected_on):
        return False
    return passes(data.get("STATE", ""), chosen.status_filter)


def _think(row: Mapping[str, Any], connection: Connection, reference: ReferenceData) -> _Thought:
    if is_removed(row["data"].get("STATE", "")):
        return _Thought(row)
    try:
        return _Thought(row, arrive(row["data"], row["lines"], connection.settings, reference))
    except DocumentError as error:
        return _Thought(row, problem=error.problem)


def _needs_document(thought: _Thought) -> bool:
    return thought.row["document_id"] is None and (thought.bill is not None or thought.problem is not None)


def _documents(ledger: Ledger, connection: Connection, thoughts: Sequence[_Thought]) -> dict[int, int]:
    """Documents of bills that are new, by RECORDNO."""
    made = intents.add_documents(ledger, connection.id, [_document(thought) for thought in thoughts])
    return {thought.row["record_no"]: made[place] for place, thought in enumerate(thoughts)}


def _document(thought: _Thought) -> NewDocument:
    data = thought.row["data"]
    number = data.get("RECORDID") or data.get("DOCNUMBER") or data["RECORDNO"]
    return NewDocument(
        Kind.BILL,
        BILL,
        str(thought.row["record_no"]),
        number,
        number,
        thought.bill.total if thought.bill else None,
        data.get("CURRENCY") or data.get("BASECURR") or None,
        day_of(data.get("WHENCREATED", "")),
    )


def _wanted(document_id: int, bill: ArrivingBill | None, vendors: Mapping[str, int]) -> Wanted:
    if bill is None:
        return Wanted(document_id, None, "", replaces=True, lane_id=document_id)
    return Wanted(
        document_id,
        bill.intent,
        bill.fingerprint,
        replaces=True,
        lane_id=document_id,
        need_id=vendors[bill.vendor_id],
    )


def _vendors(ledger: Ledger, connection: Connection, names: Mapping[str, str]) -> dict[str, int]:
    """The document of each vendor; one without a contact in Scoro is to get one."""
    if not names:
        return {}
    known = intents.vendor_documents(ledger, connection.id, names)
    missing = sorted(names.keys() - known.keys())
    told = {item.key: item for item in stored_reference.topic(ledger, connection.id, "intacct", "vendor")}
    made = intents.add_documents(ledger, connection.id, [_vendor(key, told, names) for key in missing])
    known |= dict(zip(missing, made, strict=True))
    intents.intend(ledger, connection.id, [_contact(known[key], key, told, names) for key in missing])
    return known


def _vendor(vendor_id: str, told: Mapping[str, stored_reference.Item], names: Mapping[str, str]) -> NewDocument:
    record_no = str(told[vendor_id].data["record_no"]) if vendor_id in told else vendor_id
    return NewDocument(Kind.VENDOR, "VENDOR", record_no, vendor_id, vendor_id, None, None, None)


def _contact(
    document_id: int, vendor_id: str, told: Mapping[str, stored_reference.Item], names: Mapping[str, str]
) -> Wanted:
    data = told[vendor_id].data if vendor_id in told else {}
    intent = {
        "vendor": vendor_id,
        "name": data.get("name") or names[vendor_id] or vendor_id,
        "tax_id": data.get("tax_id", ""),
    }
    return Wanted(document_id, intent, f"contact of {vendor_id}", replaces=True, lane_id=document_id)


def _keep_facts(
    ledger: Ledger, connection: Connection, thoughts: Collection[_Thought], documents: Mapping[int, int]
) -> None:
    """What people see of bills, and why those that cannot be translated are not in Scoro."""
    facts, letters = [], []
    states: dict[int, tuple[str, str]] = {}
    notes: list[tuple[int, int | None, str]] = []
    for thought in thoughts:
        document_id = thought.row["document_id"] or documents.get(thought.row["record_no"])
        if document_id is None:
            continue
        if thought.problem is not None:
            states[document_id] = ("failed", thought.problem.cause)
            letters.append(failures.DeadLetter(connection.id, document_id, thought.problem))
        elif thought.bill is not None:
            bill = thought.bill
            facts.append(
                ledger_intake.DocumentFacts(document_id, Kind.BILL, bill.number, bill.total, bill.currency, bill.date)
            )
            notes += [(document_id, None, note) for note in bill.notes]
    ledger_intake.update_facts(ledger, facts)
    ledger_intake.set_document_states(ledger, states)
    ledger_intake.add_notes(ledger, notes)
    failures.bury(ledger, letters)
