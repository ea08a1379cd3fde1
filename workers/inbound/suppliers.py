"""Suppliers in Scoro: the contact of a vendor of Intacct, found there or made."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from clients.scoro.client import Record, ScoroClient
from db import scoro_writes as writes
from db.scoro_writes import End, Write
from schemas.reference import tax_key
from schemas.scoro import values
from workers.inbound.listing import changed_since, identity
from workers.inbound.writer import Answered, Call, Found, Work

MODULE = "contacts"


class SupplierWriter:
    """Writes suppliers; see `workers.inbound.writer`."""

    def prepare(self, work: Work) -> Mapping[int, Call | End]:
        """A contact that is found by the vendor's key, or as the only one of its name, is taken; else one is made."""
        prepared: dict[int, Call | End] = {}
        key = work.connection.settings.matching.vendor_key
        for write in work.writes:
            found = _existing(work, write)
            if found is None:
                prepared[write.id] = Call(MODULE, body_of(write.intent, key), write.scoro_id)
            else:
                prepared[write.id] = End(write.id, "done", "it is a contact of Scoro already", scoro_id=found)
        return prepared

    def answered(self, write: Write, call: Call, record: Record) -> Answered:
        """The contact's id."""
        return Answered(identity(record.get("contact_id")) or identity(record.get("id")))

    def look_up(self, work: Work) -> Mapping[int, Found]:
        """A contact of that name and number which was made since."""
        since = [write.first_left_at for write in work.writes if write.first_left_at]
        rows = changed_since(work.scoro, MODULE, since, work.connection.site.time_zone)
        return {write.id: _verdict(work, write, rows) for write in work.writes}


def _verdict(work: Work, write: Write, rows: Iterable[Record]) -> Found:
    sent = write.sent or {}
    equal = {
        found
        for row in rows
        if (found := identity(row.get("contact_id"))) is not None
        and _same(row.get("name"), sent.get("name"))
        and _same(row.get("id_code"), sent.get("id_code", ""))
        and _same(row.get("vatno"), sent.get("vatno", ""))
        and not values.flag(row.get("is_deleted"))
    }
    free = sorted(equal - _linked(work, equal))
    return Found(True, free[0]) if free else Found(False)


def _existing(work: Work, write: Write) -> int | None:
    """The contact of a vendor: by `matching.vendor_key`, else the only one of its name; never another vendor's."""
    key = work.connection.settings.matching.vendor_key
    name, tax_id, vendor_id = (str(write.intent.get(field, "")) for field in ("name", "tax_id", "vendor"))
    candidates: list[Record] = []
    if key in {"id_code", "vatno"} and tax_id:
        rows = _listed(work.scoro, key, tax_id)
        candidates = [row for row in rows if tax_key(str(row.get(key) or "")) == tax_key(tax_id)]
    elif key == "reference_no":
        candidates = [row for row in _listed(work.scoro, key, vendor_id) if _same(row.get(key), vendor_id)]
    if not candidates and name:
        candidates = [row for row in _listed(work.scoro, "name", name) if _same(row.get("name"), name)]
    ids = {found for row in candidates if (found := identity(row.get("contact_id"))) is not None}
    free = ids - _linked(work, ids)
    return free.pop() if len(free) == 1 else None


def _listed(scoro: ScoroClient, field: str, value: str) -> list[Record]:
    """Contacts with that value, as far as Scoro filters; the caller compares again. `%` would be a wildcard."""
    wanted = {field: value.replace("%", "_")} if "%" not in value else {}
    rows: list[Record] = []
    for page in scoro.pages(MODULE, filter=wanted or None):
        rows += [row for row in page if not values.flag(row.get("is_deleted"))]
    return rows


def _linked(work: Work, ids: Collection[int]) -> set[int]:
    return work.db.run(lambda ledger: writes.linked_ids(ledger, work.connection.id, "vendors", ids)) if ids else set()


def body_of(intent: Mapping[str, Any], vendor_key: str) -> dict[str, Any]:
    """What Scoro is given of a vendor; `vendor_key` is `matching.vendor_key`."""
    body: dict[str, Any] = {
        "name": intent["name"] or intent["vendor"],
        "contact_type": "company",
        "is_supplier": 1,
    }
    if tax_id := str(intent.get("tax_id", "")):
        body["vatno" if vendor_key == "vatno" else "id_code"] = tax_id
    if vendor_key == "reference_no":
        body["reference_no"] = intent["vendor"]
    return body


def _same(left: Any, right: Any) -> bool:
    return values.text(left).casefold() == values.text(right).casefold()
