"""The control surface under `/_sandbox`: for tests, the demo and people; on loopback alone.

It reads the books past all rights and entities, edits them as a person in the vendor's own pages would, and switches
settings and faults.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox import fixtures
from sandbox.intacct import documents, payments
from sandbox.intacct.auth import Login
from sandbox.intacct.context import Call
from sandbox.intacct.envelope import VERSION, Control
from sandbox.intacct.errors import FunctionError
from sandbox.intacct.faults import Fault
from sandbox.intacct.kinds import INVOICE, KINDS
from sandbox.intacct.ledger import read_lines
from sandbox.intacct.legacy import stored_header
from sandbox.intacct.objects import OBJECTS
from sandbox.intacct.payments import PAYMENT_KINDS, Share
from sandbox.intacct.seed import BANK_ACCOUNT_ID
from sandbox.intacct.service import Service
from sandbox.intacct.store import Record
from sandbox.intacct.values import timestamp

PERSON = "A. Person"
"""Who the books name as author of what is done here."""

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_NOT_POSTED = frozenset({"Draft", "Submitted", "Reversed", "Reversal"})


class Edit(BaseModel):
    """What a person changes of a record: fields of its header, and lines by number (or new ones without)."""

    model_config = ConfigDict(extra="forbid")

    fields: dict[str, str] = {}
    lines: list[dict[str, Any]] = []


class PaidDocument(BaseModel):
    """One document of a payment: money, credit of an adjustment, or both."""

    recordno: str
    amount: Decimal = Decimal(0)
    adjustment: str = ""
    adjustment_amount: Decimal = Decimal(0)


class Payment(BaseModel):
    """A payment that a person books. `object` ARPYMT or APPYMT, `date` as `mm/dd/yyyy` (default today)."""

    model_config = ConfigDict(extra="forbid")

    object: str = "ARPYMT"
    documents: list[PaidDocument]
    date: str = ""
    method: str = "EFT"
    number: str = ""
    draft: bool = False


class Entered(BaseModel):
    """A document that a person enters: its party (made where it is new), number, date (default today) and lines."""

    model_config = ConfigDict(extra="forbid")

    party: dict[str, str]
    number: str
    action: str = "Submit"
    date: str = ""
    fields: dict[str, str] = {}
    lines: list[dict[str, Any]]


def only_loopback(request: Request) -> None:
    """Refuse callers from elsewhere."""
    if request.client is None or request.client.host not in _LOOPBACK:
        raise HTTPException(403, "the control surface is for this machine alone")


def control_routes(service: Service, late_commits: Callable[[], int]) -> APIRouter:
    """Make the routes."""
    router = APIRouter(prefix="/_sandbox", dependencies=[Depends(only_loopback)])
    _switches(router, service)
    _reads(router, service, late_commits)
    _writes(router, service)
    return router


def _switches(router: APIRouter, service: Service) -> None:
    @router.get("/settings")
    def settings() -> dict[str, dict[str, Any]]:
        current = service.settings.model_dump(mode="json")
        fields = type(service.settings).model_fields
        return {name: {"value": current[name], "meaning": field.description} for name, field in fields.items()}

    @router.post("/settings")
    def change_settings(changes: dict[str, Any]) -> dict[str, Any]:
        try:
            return service.change_settings(changes).model_dump(mode="json")
        except ValidationError as error:
            raise HTTPException(422, error.errors(include_url=False, include_context=False)) from error

    @router.get("/faults")
    def faults() -> list[dict[str, object]]:
        return service.faults.pending()

    @router.post("/faults")
    def add_fault(fault: Fault) -> list[dict[str, object]]:
        service.faults.add(fault)
        return service.faults.pending()

    @router.delete("/faults")
    def clear_faults() -> list[dict[str, object]]:
        service.faults.clear()
        return []

    @router.post("/reset")
    def reset() -> dict[str, bool]:
        service.reset()
        return {"reset": True}


def _reads(router: APIRouter, service: Service, late_commits: Callable[[], int]) -> None:
    @router.get("/counters")
    def counters() -> dict[str, Any]:
        return {**_grouped(service.store.counters()), "late_commits_pending": late_commits()}

    @router.get("/requests")
    def requests(since: int = 0) -> list[dict[str, object]]:
        return service.store.requests(since)

    @router.get("/records/{object_name}")
    def records(object_name: Annotated[str, Depends(_known_object)]) -> list[Record]:
        rows = service.store.all(object_name)
        if object_name in KINDS:
            return _with_children(service, rows, KINDS[object_name].item, "RECORDKEY", "LINES")
        if object_name in PAYMENT_KINDS:
            return _with_children(service, rows, PAYMENT_KINDS[object_name].detail, "PAYMENTKEY", "DETAILS")
        return rows

    @router.get("/totals")
    def totals() -> dict[str, dict[str, Any]]:
        return _totals(service)


def _writes(router: APIRouter, service: Service) -> None:
    @router.post("/edit/{object_name}/{recordno}")
    def edit(object_name: Annotated[str, Depends(_known_object)], recordno: str, change: Edit) -> Record:
        with service.store.transaction():
            record = service.store.get(object_name, recordno)
            if record is None:
                raise HTTPException(404, f"there is no {object_name} {recordno}")
            call = _person(service, record.get("MEGAENTITYID", ""))
            if object_name in KINDS:
                return _edit_document(call, object_name, record, change)
            record.update(change.fields)
            call.change(object_name, record)
            return record

    @router.post("/delete/{object_name}/{recordno}")
    def delete(object_name: Annotated[str, Depends(_known_object)], recordno: str) -> dict[str, bool]:
        with service.store.transaction():
            service.store.remove(object_name, int(recordno))
            if object_name in KINDS:
                service.store.remove_children(KINDS[object_name].item, int(recordno))
        return {"deleted": True}

    @router.post("/enter/{object_name}")
    def enter(object_name: str, document: Entered) -> Record:
        with service.store.transaction():
            return _enter(service, object_name, document)

    @router.post("/load")
    def load(records: dict[str, list[Record]]) -> dict[str, int]:
        """Add whole records past all rules, with the RECORDNOs that they carry: for large books."""
        with service.store.transaction():
            return _load(service, records)

    @router.post("/reverse/{object_name}/{recordno}")
    def reverse(object_name: str, recordno: str) -> Record:
        with service.store.transaction():
            return _reverse(service, object_name, recordno)

    @router.post("/pay")
    def pay(payment: Payment) -> Record:
        with service.store.transaction():
            return _pay(service, payment)


def _known_object(object_name: str) -> str:
    if object_name not in OBJECTS:
        raise HTTPException(404, f"there is no object {object_name}")
    return object_name


def _grouped(counters: dict[str, int]) -> dict[str, Any]:
    """Turn `function.query` into `functions_by_name: {query: …}`, and leave out what is the stand-in's own."""
    plain = dict.fromkeys(
        ("requests", "functions", "requests_rejected", "replays_rejected", "max_simultaneous", "max_in_flight"), 0
    )
    groups: dict[str, dict[str, int]] = {
        name: {} for name in ("functions_by_name", "created", "updated", "deleted", "reversed", "faults")
    }
    names = {"function": "functions_by_name", "fault": "faults"}
    for name, value in counters.items():
        group, dot, rest = name.partition(".")
        if name.startswith("_"):
            continue
        if dot:
            groups[names.get(group, group)][rest] = value
        else:
            plain[name] = value
    return {**plain, **groups}


def _with_children(
    service: Service, rows: Sequence[Record], child_object: str, parent_field: str, name: str
) -> list[Record]:
    children: dict[str, list[Record]] = defaultdict(list)
    for child in service.store.all(child_object):
        children[child[parent_field]].append(child)
    for row in rows:
        row[name] = children[row["RECORDNO"]]
    return list(rows)


def _totals(service: Service) -> dict[str, dict[str, Any]]:
    """Add up the posted invoices per currency from their lines, as strings to the cent."""
    sums: dict[str, dict[str, Any]] = {}
    currencies = {}
    for header in service.store.all(INVOICE.object):
        if header["STATE"] in _NOT_POSTED:
            continue
        currencies[header["RECORDNO"]] = header["CURRENCY"]
        entry = sums.setdefault(
            header["CURRENCY"], {"count": 0, "net": Decimal("0.00"), "tax": Decimal("0.00"), "gross": Decimal("0.00")}
        )
        entry["count"] += 1
        entry["gross"] += Decimal(header["TRX_TOTALENTERED"])
    for row in service.store.all(INVOICE.item):
        currency = currencies.get(row["RECORDKEY"])
        if currency is not None:
            sums[currency]["tax" if row["PARENTENTRY"] else "net"] += Decimal(row["TRX_AMOUNT"])
    return {
        currency: {name: value if name == "count" else str(value) for name, value in entry.items()}
        for currency, entry in sorted(sums.items())
    }


def _person(service: Service, entity: str) -> Call:
    login = Login(PERSON, fixtures.COMPANY_ID, entity, service.now_s())
    control = Control(
        fixtures.SENDER_ID, "", "", unique=False, version=VERSION, policy_id="", additional_info=False, whitespace=False
    )
    return Call(service.store, service.settings, login, control, service.now_s(), "")


def _edit_document(call: Call, object_name: str, record: Record, change: Edit) -> Record:
    kind = KINDS[object_name]
    lines = read_lines(call, kind, record)
    for given in change.lines:
        match = [line for line in lines if line["LINE_NO"] == str(given.get("LINE_NO", ""))]
        if match:
            match[0].update(given)
        else:
            lines.append(dict(given))
    header = {**stored_header(call, kind, record), **change.fields}
    if record["STATE"] == "Draft" and "ACTION" not in change.fields:
        header["ACTION"] = "Draft"
    try:
        return documents.edit(call, kind, record, header, lines)
    except FunctionError as error:
        raise HTTPException(409, str(error)) from error


def _enter(service: Service, object_name: str, document: Entered) -> Record:
    kind = KINDS.get(object_name)
    if kind is None:
        raise HTTPException(404, f"there is no document {object_name}")
    call = _person(service, fixtures.ENTITY_ID)
    party_id = document.party[kind.party_id]
    if call.find(kind.party, party_id) is None:
        call.add(kind.party, {"STATUS": "active", **document.party})
    day = document.date or timestamp(service.now_s()).split(" ")[0]
    header = {
        kind.party_id: party_id,
        "RECORDID": document.number,
        "WHENCREATED": day,
        "WHENDUE": day,
        "ACTION": document.action,
        **document.fields,
    }
    try:
        return documents.create(call, kind, header, document.lines)
    except FunctionError as error:
        raise HTTPException(409, str(error)) from error


def _load(service: Service, records: dict[str, list[Record]]) -> dict[str, int]:
    stamp = timestamp(service.now_s())
    marks = {
        "CREATEDBY": PERSON,
        "MODIFIEDBY": PERSON,
        "AUWHENCREATED": stamp,
        "WHENMODIFIED": stamp,
        "MEGAENTITYID": fixtures.ENTITY_ID,
    }
    highest = 0
    for object_name, rows in records.items():
        full = [{**marks, **row} for row in rows]
        service.store.insert(_known_object(object_name), *full)
        highest = max([highest, *(int(row["RECORDNO"]) for row in full)])
    service.store.raise_to("_recordno", highest)
    return {name: len(rows) for name, rows in records.items()}


def _reverse(service: Service, object_name: str, recordno: str) -> Record:
    kind, payment = PAYMENT_KINDS.get(object_name), None
    if kind is not None:
        payment = service.store.get(object_name, recordno)
    if kind is None or payment is None:
        raise HTTPException(404, f"there is no payment {object_name} {recordno}")
    call = _person(service, payment.get("MEGAENTITYID", ""))
    try:
        return payments.reverse(call, kind, recordno, timestamp(service.now_s()).split(" ")[0])
    except FunctionError as error:
        raise HTTPException(409, str(error)) from error


def _pay(service: Service, payment: Payment) -> Record:
    kind = PAYMENT_KINDS.get(payment.object)
    first = None
    if kind is not None and payment.documents:
        first = service.store.get(kind.document.object, payment.documents[0].recordno)
    if kind is None or first is None:
        raise HTTPException(404, "there is no such payment object or document")
    call = _person(service, first["MEGAENTITYID"])
    header = {
        f"{kind.party}ID": first[f"{kind.party}ID"],
        "CURRENCY": first["CURRENCY"],
        "FINANCIALENTITY": BANK_ACCOUNT_ID,
        "PAYMENTMETHOD": payment.method,
        "DOCNUMBER": payment.number,
        kind.day_field: payment.date or timestamp(service.now_s()).split(" ")[0],
    }
    shares = [Share(paid.recordno, paid.amount, paid.adjustment, paid.adjustment_amount) for paid in payment.documents]
    try:
        return payments.book(call, kind, header, shares, draft=payment.draft)
    except FunctionError as error:
        raise HTTPException(409, str(error)) from error
