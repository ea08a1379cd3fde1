"""Receipts in Scoro: one group with one receipt for what a payment of Intacct pays of one document.

Before a receipt is written its document is read: a receipt that a person has booked by hand already is linked instead,
one that Scoro shows as settled (it settles some credits itself) is not booked, and one that would pay more than is open
waits for a person.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from clients.scoro.client import Record, ScoroClient
from db import receipts
from db import reference as stored_reference
from db import scoro_writes as writes
from db.failures import problem_as_json
from db.reference import Item
from db.scoro_writes import End, Write
from schemas.errors import ErrorClass, Problem
from schemas.kinds import Kind
from schemas.money import has_cents
from schemas.scoro import values
from workers.bookmarks import Bookmarked, bookmarked
from workers.inbound.listing import changed_since, identity, money_of
from workers.inbound.writer import Answered, Call, Found, Work

ACCOUNTS = "receipt_account"
"""Topic of Scoro's receipt accounts among the reference data."""

FEW_CONTACTS = 5
"""So many contacts are listed one by one; more of them by one list of all that changed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One receipt of a group, as Scoro lists it."""

    group_id: int
    document_id: int
    sum: Decimal
    date: date | None
    account_id: int


@dataclass(frozen=True, slots=True)
class Due:
    """A receipt to be written, the document of ours that it pays, and that document as Scoro has it."""

    write: Write
    document: Mapping[str, Any]
    record: Record

    @property
    def name(self) -> str:
        """How sentences name the document."""
        return f"{self.document['kind'].replace('_', ' ')} {self.document['number']}"

    @property
    def is_open(self) -> bool:
        """Whether so much of the document is open; of bills and expenses Scoro says only whether they are paid."""
        wanted = Decimal(self.write.intent["sum"])
        told = self.record.get("receivable_sum")
        if told in (None, ""):
            return str(self.record.get("status", "")).casefold() != "paid"
        still = values.money(told)
        return wanted <= still if wanted > 0 else wanted >= still


class ReceiptWriter:
    """Writes receipts; see `workers.inbound.writer`."""

    def prepare(self, work: Work) -> Mapping[int, Call | End]:
        """The call of each receipt, or how it ends without one."""
        paid = work.db.run(lambda ledger: receipts.paid_records(ledger, [w.document_id for w in work.writes]))
        records = _read_paid(work.scoro, paid.values())
        marked = _bookmarked(work, paid)
        prepared: dict[int, Call | End] = {}
        ready: list[Due] = []
        for write in work.writes:
            if write.verb == "delete":
                prepared[write.id] = _taken_back(work, write)
                continue
            document = paid[write.document_id]
            if document["module"] == Kind.INVOICE.module and not write.agreed:
                if marked.problem is not None:
                    prepared[write.id] = _refused(write, marked.problem)
                    continue
                if (reason := marked.outside.get(document["scoro_id"])) is not None:
                    prepared[write.id] = End(write.id, "waiting_person", f"of the document that it pays: {reason}")
                    continue
            record = records.get((document["module"], document["scoro_id"]))
            if record is None or values.flag(record.get("is_deleted")):
                prepared[write.id] = _refused(write, _gone(write, document))
            else:
                ready.append(Due(write, document, record))
        accounts = _accounts(work, [due.write for due in ready]) if ready else []
        by_hand = _unlinked(work, _paid_by_others(work, ready))
        for due in ready:
            prepared[due.write.id] = _prepared(work, due, accounts, by_hand.get(due.write.id, []))
        return prepared

    def answered(self, write: Write, call: Call, record: Record) -> Answered:
        """The group's id, and whether it holds what it was given."""
        group_id = identity(record.get("id"))
        if group_id is None:
            return Answered(None)
        wanted, booked = money_of(call.body["receipts"][0]["sum"]), _booked(record)
        problem = None
        if booked is not None and booked != wanted:
            problem = Problem(
                ErrorClass.UNKNOWN,
                "receipt_differs",
                f"Receipt {write.number}: Scoro booked {booked} where {wanted} was given (group {group_id}).",
                "Look at the receipt in Scoro and correct it there.",
            )
        return Answered(group_id, problem)

    def look_up(self, work: Work) -> Mapping[int, Found]:
        """What became of receipts in doubt, told by the receipts of their documents that are not linked."""
        paid = work.db.run(lambda ledger: receipts.paid_records(ledger, [w.document_id for w in work.writes]))
        created = [write for write in work.writes if write.verb != "delete"]
        found: dict[int, Found] = {w.id: _deleted(work.scoro, w) for w in work.writes if w.verb == "delete"}
        if not created:
            return found
        records = _read_paid(work.scoro, [paid[write.document_id] for write in created])
        since = min((write.first_left_at for write in created if write.first_left_at), default=datetime.now(UTC))
        contacts = {_contact(records.get(_key(paid[write.document_id])) or {}) for write in created}
        listed = _listed(work, since, contacts)
        for write in created:
            document = paid[write.document_id]
            mine = [e for e in listed if e.document_id == document["scoro_id"]]
            verdict = _verdict(work, write, mine, records.get(_key(document)))
            if verdict is not None:
                found[write.id] = verdict
        return found


def _verdict(work: Work, write: Write, entries: Collection[Entry], record: Record | None) -> Found | None:
    """Whether one of the receipts of a document is the one that was sent; None: the list cannot be right, again."""
    linked = _linked(work, entries)
    equal = [entry for entry in entries if entry.group_id not in linked and _equals(entry, write.sent or {})]
    if len(equal) > 1:
        groups = ", ".join(str(entry.group_id) for entry in equal)
        return Found(None, reason=f"Scoro holds several receipts like it (groups {groups}): delete the one too many.")
    if equal:
        return Found(True, equal[0].group_id)
    told = money_of((record or {}).get("paid_sum")) if (record or {}).get("paid_sum") not in (None, "") else None
    if told is not None and told - sum((entry.sum for entry in entries), Decimal(0)) == _sent_sum(write):
        # the document has received what the list does not show: a page was pushed on while it was read
        return None
    return Found(False)


def _equals(entry: Entry, sent: Mapping[str, Any]) -> bool:
    receipt = sent["receipts"][0]
    return (
        entry.sum == money_of(receipt["sum"])
        and entry.date == date.fromisoformat(str(receipt["date"]))
        and entry.account_id == int(sent["receipt_account_id"])
    )


def _sent_sum(write: Write) -> Decimal:
    return money_of((write.sent or {})["receipts"][0]["sum"]) or Decimal(0)


def _deleted(scoro: ScoroClient, write: Write) -> Found:
    """Whether a group is gone."""
    if write.scoro_id is None:
        return Found(True)
    rows = scoro.list_page("receipts", filter={"id": [write.scoro_id]}, detailed=True)
    if any(identity(row.get("id")) == write.scoro_id and not values.flag(row.get("is_deleted")) for row in rows):
        return Found(False)
    if all(identity(row.get("id")) == write.scoro_id for row in rows):
        return Found(True)
    # a site that ignores the filter: all of them are looked at
    alive = {identity(row.get("id")) for page in scoro.pages("receipts", detailed=True) for row in page}
    return Found(write.scoro_id not in alive)


# ------------------------------------------------------------------------------------------------- documents


def _read_paid(scoro: ScoroClient, documents: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], Record]:
    by_module: dict[str, set[int]] = defaultdict(set)
    for document in documents:
        by_module[document["module"]].add(document["scoro_id"])
    return {
        (module, id): record
        for module, ids in by_module.items()
        for id, record in scoro.read_many(module, sorted(ids)).items()
    }


def _key(document: Mapping[str, Any]) -> tuple[str, int]:
    return document["module"], document["scoro_id"]


def _contact(record: Mapping[str, Any]) -> int | None:
    return identity(record.get("company_id")) or identity(record.get("person_id"))


def _prepared(work: Work, due: Due, accounts: Collection[Item], by_hand: Collection[Entry]) -> Call | End:
    write = due.write
    chosen = _account(work, write, accounts)
    if isinstance(chosen, Problem):
        return _refused(write, chosen)
    body = body_of(write.intent, due.document, _contact(due.record), chosen)
    if not body["currency"] or body["currency"] != (due.record.get("currency") or body["currency"]):
        return _refused(write, _other_currency(due))
    if not has_cents(body["currency"]):
        return _refused(write, _no_cents(due, body["currency"]))
    equal = [entry for entry in by_hand if _equals(entry, body)]
    if equal:
        return End(write.id, "done", "it stood in Scoro already", scoro_id=equal[0].group_id)
    if due.is_open:
        return Call("receipts", body)
    still = values.money(due.record.get("receivable_sum"))
    if not write.intent["bank"] and still == 0:
        return End(write.id, "done", "Scoro shows the document as settled already")
    return End(
        write.id,
        "waiting_person",
        f"Intacct's payment of {write.intent['sum']} is more than what Scoro shows as open of {due.name} ({still}): "
        "delete the receipt that was booked by hand, then fetch the document again.",
    )


def body_of(
    intent: Mapping[str, Any], document: Mapping[str, Any], contact_id: int | None, account_id: int
) -> dict[str, Any]:
    """What Scoro is given of a receipt of a document (its `module`, `scoro_id` and `currency`)."""
    return {
        "date": intent["date"],
        "contact_id": contact_id,
        "currency": intent["currency"] or document["currency"],
        "sales_doc_type": document["module"],
        "receipt_account_id": account_id,
        "receipts": [{"invoice_id": document["scoro_id"], "date": intent["date"], "sum": float(intent["sum"])}],
    }


def _bookmarked(work: Work, paid: Mapping[int, Mapping[str, Any]]) -> Bookmarked:
    """Which invoices stand outside the bookmark of receipts."""
    module = Kind.INVOICE.module
    asked = [paid[write.document_id] for write in work.writes if write.verb != "delete" and not write.agreed]
    invoices = sorted({document["scoro_id"] for document in asked if document["module"] == module})
    return bookmarked(work.scoro, work.connection, module, invoices, of=Kind.RECEIPT)


def _taken_back(work: Work, write: Write) -> Call | End:
    """The receipt of a payment that Intacct does not have any more, or has otherwise: then it is written anew."""
    if write.scoro_id is None:
        return End(write.id, "done", "it does not stand in Scoro")
    is_otherwise = bool(write.intent)
    if work.connection.settings.data.receipts.on_delete == "hold" and not is_otherwise and not write.agreed:
        return End(
            write.id,
            "waiting_person",
            "its payment was taken back in Intacct, and data.receipts.on_delete is hold: `scoro-intacct fetch receipt"
            f" {write.scoro_id}` deletes the receipt in Scoro, else it stays.",
        )
    return Call("receipts", {}, write.scoro_id, deletes=True)


# ------------------------------------------------------------------------------------------------- accounts


def _accounts(work: Work, ready: Collection[Write]) -> list[Item]:
    """Scoro's receipt accounts as the ledger knows them, read again where one is missing."""
    known = work.db.run(
        lambda ledger: stored_reference.topic(ledger, work.connection.id, "scoro", ACCOUNTS),
    )
    if all(isinstance(_account(work, write, known), int) for write in ready):
        return known
    read = [
        Item(str(row["id"]), {"name": str(row.get("name") or "")})
        for page in work.scoro.pages("receiptAccounts")
        for row in page
        if row.get("id")
    ]
    work.db.run(lambda ledger: stored_reference.replace(ledger, work.connection.id, "scoro", ACCOUNTS, read))
    return read


def _account(work: Work, write: Write, accounts: Collection[Item]) -> int | Problem:
    """The receipt account of a payment: as set, else the one named like its bank, else the only one."""
    active = [item for item in accounts if item.active]
    chosen = work.connection.settings.accounts.payment_bank
    bank = str(write.intent["bank"])
    for wanted in (chosen,) if chosen else (bank,):
        if not wanted:
            continue
        by_id = [item for item in active if item.key == wanted]
        by_name = [item for item in active if item.data["name"].strip().casefold() == wanted.strip().casefold()]
        if len(found := by_id or by_name) == 1:
            return int(found[0].key)
    if not chosen and len(active) == 1:
        return int(active[0].key)
    names = ", ".join(f"{item.key} ({item.data['name']})" for item in active) or "none"
    said = (
        f"accounts.payment_bank is {chosen}" if chosen else f"no receipt account of Scoro is called {bank or 'like it'}"
    )
    return Problem(
        ErrorClass.DATA,
        "no_receipt_account",
        f"Receipt {write.number}: {said}; Scoro has {names}.",
        "Set accounts.payment_bank to the id or name of the receipt account, then replay.",
        "accounts.payment_bank",
        (chosen or bank,),
    )


# ------------------------------------------------------------------------------------------------- what Scoro lists


def _paid_by_others(work: Work, ready: Collection[Due]) -> list[Due]:
    """Those whose documents have received something that we did not book: by hand, or while connected before."""
    ids = [due.document["id"] for due in ready]
    ours = work.db.run(lambda ledger: receipts.booked(ledger, ids))
    before = work.db.run(lambda ledger: receipts.entity_was_connected_before(ledger, work.connection.id))
    found = []
    for due in ready:
        told = due.record.get("paid_sum")
        others = before if told in (None, "") else values.money(told) != ours.get(due.document["id"], Decimal(0))
        if others or not due.is_open:
            found.append(due)
    return found


def _unlinked(work: Work, short: Collection[Due]) -> dict[int, list[Entry]]:
    """Receipts of these documents that are not ours, by write."""
    if not short:
        return {}
    first = min(date.fromisoformat(due.write.intent["date"]) for due in short)
    since = datetime.combine(first, datetime.min.time(), UTC)
    # who books by hand may leave the contact out: all are listed where one must be found
    contacts = {_contact(due.record) if due.is_open else None for due in short}
    listed = _listed(work, since, contacts)
    linked = _linked(work, listed)
    return {
        due.write.id: [e for e in listed if e.document_id == due.document["scoro_id"] and e.group_id not in linked]
        for due in short
    }


def _linked(work: Work, entries: Collection[Entry]) -> set[int]:
    groups = {entry.group_id for entry in entries}
    return (
        work.db.run(lambda ledger: writes.linked_ids(ledger, work.connection.id, "receipts", groups))
        if groups
        else set()
    )


def _listed(work: Work, since: datetime, contacts: Collection[int | None]) -> list[Entry]:
    """The live receipts that changed since a day before, of these contacts where there are few."""
    known = sorted(contact for contact in set(contacts) if contact is not None)
    few = len(known) == len(set(contacts)) and 0 < len(known) <= FEW_CONTACTS
    narrowed: list[dict[str, Any]] = [{"contact_id": contact} for contact in known] if few else [{}]
    zone = work.connection.site.time_zone
    groups: dict[int, Record] = {}
    for more in narrowed:
        for row in changed_since(work.scoro, "receipts", [since], zone, detailed=True, more=more):
            if (found := identity(row.get("id"))) is not None:
                groups[found] = row
    return [
        entry for id, row in groups.items() if not values.flag(row.get("is_deleted")) for entry in _entries(id, row)
    ]


def _entries(group_id: int, group: Record) -> Iterable[Entry]:
    for row in group.get("receipts") or []:
        document_id, amount = identity(row.get("invoice_id")), money_of(row.get("sum"))
        if document_id is not None and amount is not None:
            day = values.day(row.get("date") or group.get("date"))
            yield Entry(group_id, document_id, amount, day, identity(group.get("receipt_account_id")) or 0)


def _booked(record: Record) -> Decimal | None:
    """What a group holds, as the answer says."""
    entries = list(_entries(0, record))
    return sum((entry.sum for entry in entries), Decimal(0)) if entries else None


# ------------------------------------------------------------------------------------------------- what goes wrong


def _refused(write: Write, problem: Problem) -> End:
    return End(write.id, "refused", problem.cause, problem=problem_as_json(problem))


def _gone(write: Write, document: Mapping[str, Any]) -> Problem:
    name = f"{document['kind'].replace('_', ' ')} {document['number']} (id {document['scoro_id']})"
    return Problem(
        ErrorClass.NOT_FOUND,
        "paid_document_gone",
        f"Receipt {write.number}: Scoro does not have the {name} that it pays, or it was deleted.",
        "Restore the document in Scoro, then replay; or discard the failure.",
    )


def _no_cents(due: Due, currency: str) -> Problem:
    return Problem(
        ErrorClass.DATA,
        "currency_decimals",
        f"Receipt {due.write.number}: Intacct's payment of the {due.name} is in {currency}, which has no two decimals;"
        " Scoro and Intacct keep two in every currency, so its sum would not be what it seems.",
        "Book the receipt in Scoro by hand, then discard the failure.",
        "currency",
        (currency,),
    )


def _other_currency(due: Due) -> Problem:
    paid, held = due.write.intent["currency"], due.record.get("currency")
    return Problem(
        ErrorClass.DATA,
        "receipt_in_other_currency",
        f"Receipt {due.write.number}: Intacct's payment is in {paid}, the {due.name} in Scoro in {held}.",
        "Book the receipt by hand in Scoro, then discard the failure.",
    )
