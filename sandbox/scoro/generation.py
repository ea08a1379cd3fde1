"""Puts generated documents into the site, and keeps their plans in step with what people do to them.

A batch is made in steps, each committed with its progress: cut short, it goes on where it stopped, and
asked for again it adds nothing.
"""

import base64
import datetime as dt
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from sandbox import fixtures
from sandbox.generator.customers import customer
from sandbox.generator.edits import edit
from sandbox.generator.invoices import ONE_OFF, REASONS, SUB_HEADING, Payer, Span, invoice
from sandbox.generator.others import OTHERS, bill, credit_invoice, due_after, expense
from sandbox.generator.plan import Plan, PlannedLine, sums_of, totals_by_currency
from sandbox.scoro import files
from sandbox.scoro.errors import BadRequestError
from sandbox.scoro.modules import MODULES
from sandbox.scoro.site import FIRST_NUMBER, THE_GENERATOR, Event, Site
from sandbox.scoro.store import Record

STEP = 100
LET_OTHERS_IN_S = 0.001
INVOICES_PER_CUSTOMER = 10
BROKEN_SHARE = 0.03
ALL_REASONS_FROM = 50
FILE = "file"
KINDS = {"invoice", FILE, *OTHERS}
INVOICES_PER_FILE, FILE_AT = 100, 37
"""Every hundredth invoice has a file."""
BILLS_PER_SUPPLIER = 10

_INVOICES = MODULES["invoices"]
_MODULE_OF = {"credit_invoice": "invoices", "bill": "bills", "credit_bill": "bills", "expense": "expenses"}
_CONTACTS = MODULES["contacts"]


@dataclass(frozen=True)
class Order:
    """A batch to make; batches of equal `key` are the same.

    `documents` counts invoices; of the other `kinds` a few are written among them.
    """

    documents: int
    seed: int
    kinds: tuple[str, ...]
    broken: bool
    first_day: dt.date
    last_day: dt.date
    entity: str
    key: str


def generate(site: Site, order: Order) -> dict[str, Any]:
    """Make a batch; answers the ids of its documents and, of the broken ones, the reasons."""
    if "invoice" not in order.kinds or not KINDS.issuperset(order.kinds):
        raise BadRequestError(f"kinds must be invoice and any of {sorted(KINDS)}", "kinds")
    if order.last_day < order.first_day:
        raise BadRequestError("date_to lies before date_from", "date_to")
    note = f"batch:{order.key}"
    reasons = _reasons(order)
    while True:
        with site.store.transaction():
            done = site.store.note(note) or _begin(site, order)
            start = len(done["ids"])
            for index in range(start, min(start + STEP, order.documents)):
                _make_invoice(site, order, index, reasons.get(index), done)
                for kind in due_after(index, order.documents):
                    if kind in order.kinds:
                        _make_other(site, order, index, kind, done)
            site.store.put_note(note, done)
        if len(done["ids"]) >= order.documents:
            return {"ids": done["ids"], "broken": done["broken"], "others": done["others"]}
        time.sleep(LET_OTHERS_IN_S)


def _begin(site: Site, order: Order) -> dict[str, Any]:
    suppliers: list[int] = []
    if not {"bill", "credit_bill", "expense"}.isdisjoint(order.kinds):
        count = -(-order.documents // (BILLS_PER_SUPPLIER * BILLS_PER_SUPPLIER))
        suppliers = [_make_supplier(site, order, ordinal) for ordinal in range(count)]
    return {
        "payers": _make_payers(site, order),
        "suppliers": suppliers,
        "ids": [],
        "broken": {},
        "credited": [],
        "others": {kind: [] for kind in OTHERS},
    }


def _make_supplier(site: Site, order: Order, ordinal: int) -> int:
    made = customer(f"supplier {order.seed} {order.documents}", ordinal)
    company = made.company | {"is_supplier": 1, "is_client": 0}
    return site.save(_CONTACTS, None, company, entity=order.entity, actor=THE_GENERATOR).id


def _reasons(order: Order) -> dict[int, str]:
    """Choose which documents of a batch are broken, and how."""
    if not order.broken:
        return {}
    random = Random(f"broken {order.seed} {order.documents}")
    least = len(REASONS) if order.documents >= ALL_REASONS_FROM else 1
    chosen = random.sample(range(order.documents), max(least, round(order.documents * BROKEN_SHARE)))
    first = random.randrange(len(REASONS))
    return {index: REASONS[(first + at) % len(REASONS)] for at, index in enumerate(chosen)}


def _make_payers(site: Site, order: Order) -> list[list[Any]]:
    count = -(-order.documents // INVOICES_PER_CUSTOMER)
    return [_make_payer(site, order, ordinal) for ordinal in range(count)]


def _make_payer(site: Site, order: Order, ordinal: int, *, nameless: bool = False) -> list[Any]:
    made = customer(f"{order.seed} {order.documents}", ordinal, nameless=nameless)
    company = site.save(_CONTACTS, None, made.company, entity=order.entity, actor=THE_GENERATOR)
    persons = []
    for person in made.persons:
        related = [item | {"related_company_id": company.id} for item in person["related_companies"]]
        record = site.save(
            _CONTACTS, None, person | {"related_companies": related}, entity=order.entity, actor=THE_GENERATOR
        )
        persons.append(record.id)
    return [company.id, persons]


def _make_invoice(site: Site, order: Order, index: int, broken: str | None, done: dict[str, Any]) -> None:
    random = Random(f"invoice {order.seed} {order.documents} {index}")
    company_id, person_ids = random.choice(done["payers"])
    if broken == "customer_without_name":
        company_id, person_ids = _make_payer(site, order, len(done["payers"]) + index, nameless=True)
    number = str(site.store.sequence("no:invoices", start=FIRST_NUMBER))
    payer = Payer(company_id, tuple(person_ids))
    given, plan = invoice(random, number, payer, Span(order.first_day, order.last_day), broken)
    if broken == "unexplained_total":
        given["_pinned"] = {"sum": str(sums_of(plan).net + ONE_OFF)}
    record = site.save(_INVOICES, None, given, entity=order.entity, actor=THE_GENERATOR)
    site.store.put_plan("invoices", record.id, plan.as_json())
    done["ids"].append(record.id)
    if FILE in order.kinds and not broken and index % INVOICES_PER_FILE == FILE_AT:
        _attach(site, order, random, number, record.id)
    if broken:
        done["broken"][str(record.id)] = broken


def _attach(site: Site, order: Order, random: Random, number: str, invoice_id: int) -> None:
    """Attach what the customer has signed."""
    content = b"%PDF-1.4\n% signed order of invoice " + number.encode() + random.randbytes(random.randint(500, 5_000))
    part = {
        "name": f"Signed order {number}.pdf",
        "size": len(content),
        "chunk_data": base64.b64encode(content).decode(),
        "uploaded_by": 1,
    }
    file = files.modify(site, None, part, entity=order.entity, actor=THE_GENERATOR)
    files.relate(site, file.id, {"rel_type": "invoices", "rel_id": invoice_id}, entity=order.entity, add=True)


def _make_other(site: Site, order: Order, index: int, kind: str, done: dict[str, Any]) -> None:
    random = Random(f"{kind} {order.seed} {order.documents} {index}")
    span = Span(order.first_day, order.last_day)
    if kind == "credit_invoice":
        made = _credit_one(site, random, done)
        if made is None:
            return
        given, plan = made
    else:
        number = f"{kind[0].upper()}-{site.store.sequence(f'no:{kind}', start=FIRST_NUMBER)}"
        supplier = random.choice(done["suppliers"])
        if kind == "expense":
            given, plan = expense(random, number, supplier, span)
        else:
            given, plan = bill(random, number, supplier, span, credit=kind == "credit_bill")
    module = MODULES[_MODULE_OF[kind]]
    record = site.save(module, None, given, entity=order.entity, actor=THE_GENERATOR)
    site.store.put_plan(module.name, record.id, plan.as_json())
    done["others"][kind].append(record.id)


def _credit_one(site: Site, random: Random, done: dict[str, Any]) -> tuple[dict[str, Any], Plan] | None:
    """Credit a healthy invoice that has not been credited yet; None where there is none."""
    free = [key for key in done["ids"] if str(key) not in done["broken"] and key not in done["credited"]]
    if not free:
        return None
    chosen = random.choice(free)
    record, held = site.store.get("invoices", chosen), site.store.plan("invoices", chosen)
    if record is None or held is None:
        return None
    done["credited"].append(chosen)
    credited = replace(Plan.from_json(held), settled=True)
    site.store.put_plan("invoices", chosen, credited.as_json())
    number = str(site.store.sequence("no:invoices", start=FIRST_NUMBER))
    return credit_invoice(random, number, {**record.head, "id": chosen, "lines": record.lines or []}, credited)


def edit_some(site: Site, count: int, seed: int) -> dict[str, Any]:
    """Edit healthy invoices of the generator; answers their ids and what was done to each."""
    random = Random(f"edits {seed}")
    with site.store.transaction():
        plans = [(key, Plan.from_json(held)) for _, key, held in site.store.plans("invoices")]
        healthy = [
            (key, plan) for key, plan in plans if plan.kind == "invoice" and not plan.broken and not plan.settled
        ]
        chosen = random.sample(healthy, min(count, len(healthy)))
        edits = {}
        for record_id, plan in chosen:
            record = site.store.get("invoices", record_id)
            if record is None:
                continue
            what, given, changed = edit(random, record.head.get("description", ""), list(record.lines or []), plan)
            site.save(_INVOICES, record_id, given, entity=record.entity, actor=THE_GENERATOR)
            site.store.put_plan("invoices", record_id, changed.as_json())
            edits[str(record_id)] = what
    return {"ids": [int(key) for key in edits], "edits": edits}


def expected(site: Site) -> dict[str, Any]:
    """Return each planned document's sums and the totals by currency of the invoices that are not broken."""
    documents = []
    healthy = []
    attached = Counter(
        int(invoice_id)
        for file in site.store.select("files", with_lines=False)
        for invoice_id in file.head.get("relations", {}).get("invoices", ())
    )
    for _, record_id, held in site.store.plans():
        plan = Plan.from_json(held)
        sums = sums_of(plan)
        documents.append(
            {
                "id": record_id,
                "kind": plan.kind,
                "no": plan.number,
                "currency": plan.currency,
                "net": str(sums.net),
                "vat": str(sums.vat),
                "gross": str(sums.gross),
                "broken": plan.broken,
                "files": attached[record_id] if plan.kind in {"invoice", "credit_invoice"} else 0,
            }
        )
        if plan.broken is None and plan.kind == "invoice":
            healthy.append((plan.currency, sums))
    totals = {currency: total.as_json() for currency, total in sorted(totals_by_currency(healthy).items())}
    return {"documents": documents, "totals": totals}


def follow(site: Site, event: Event) -> None:
    """Let the plan of a document follow what people and the API do to it."""
    if event.actor == THE_GENERATOR:
        return
    record = event.record
    held = site.store.plan(event.module.name, record.id)
    if event.module.name == "invoices" and held is not None:
        kind, settled = held["kind"], held["settled"]
        plan = None if event.action == "delete" else replace(planned(site, record), kind=kind, settled=settled)
        site.store.put_plan("invoices", record.id, plan.as_json() if plan else None)
    elif event.module.name in {"companies", "persons"} and "name" in event.changed:
        _follow_name(site, record)


def _follow_name(site: Site, payer: Record) -> None:
    for _, record_id, held in site.store.plans("invoices"):
        document = site.store.get("invoices", record_id)
        if document is not None and document.head.get("company_id") == payer.id:
            plan = replace(planned(site, document), kind=held["kind"], settled=held["settled"])
            site.store.put_plan("invoices", record_id, plan.as_json())


def planned(site: Site, record: Record) -> Plan:
    """Read a plan from an invoice that somebody else has changed."""
    head = record.head
    lines = record.lines or []
    discounts = tuple(head[name] for name in ("discount", "discount2", "discount3") if name in head)
    plan = Plan(head["no"], head["currency"], discounts, tuple(_planned_line(site, line) for line in lines))
    return replace(plan, broken=_reason(site, record, lines))


def _planned_line(site: Site, line: dict[str, Any]) -> PlannedLine:
    product = site.store.get("products", int(line.get("product_id", 0)))
    return PlannedLine(
        line.get("price", "0"),
        line.get("amount", "0"),
        line.get("discount", "0"),
        line.get("vat") or "0",
        bool(product and product.head.get("no_discounts")),
    )


def _reason(site: Site, record: Record, lines: Sequence[dict[str, Any]]) -> str | None:
    """Say why an invoice cannot be posted, of the reasons that the generator knows."""
    sells = [line for line in lines if line.get("product_id") != SUB_HEADING]
    payer = site.store.get("contacts", int(record.head.get("company_id", 0)))
    faults = {
        "line_without_account": any(not line.get("finance_account_id") for line in sells),
        "unknown_tax_rate": any(line.get("vat_code_id") == str(fixtures.UNKNOWN_VAT_CODE_ID) for line in sells),
        "unknown_currency": record.head["currency"] not in fixtures.CURRENCIES,
        "customer_without_name": payer is None or not payer.head.get("name"),
        "unexplained_total": bool(record.head.get("_pinned")),
    }
    return next((reason for reason, is_so in faults.items() if is_so), None)
