"""One Scoro site: its records, settings and clock, and what happens when a record changes.

Every change, be it by the API, by a person through the control surface or by the generator, goes
through `save` or `delete`: totals are computed there, stamps set, and the change told to webhooks.
"""

import datetime as dt
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox import fixtures
from sandbox.scoro import receipts
from sandbox.scoro.changes import Rules, changed_header, changed_lines
from sandbox.scoro.errors import BadRequestError, NotFoundError
from sandbox.scoro.modules import MODULES, Module
from sandbox.scoro.money import totals
from sandbox.scoro.seed import seed, set_up_entities
from sandbox.scoro.settings import Settings
from sandbox.scoro.store import Record, Store
from sandbox.scoro.wire import Wire

API_USER_ID = 1
PERSON_USER_ID = 2
GENERATOR_USER_ID = 3
FIRST_NUMBER = 100_001


@dataclass(frozen=True)
class Actor:
    """Who changes a record; a person may write what the API refuses, such as a customer without a name."""

    user_id: int
    by_api: bool

    @property
    def is_trusted(self) -> bool:
        """Whether checks of required fields, references and currencies are passed by."""
        return not self.by_api


THE_API = Actor(API_USER_ID, by_api=True)
A_PERSON = Actor(PERSON_USER_ID, by_api=False)
THE_GENERATOR = Actor(GENERATOR_USER_ID, by_api=False)


@dataclass(frozen=True)
class Event:
    """A record was created, modified or deleted; `changed` names the fields of a modification."""

    module: Module
    action: str
    record: Record
    actor: Actor
    changed: frozenset[str] = frozenset()


class Site:
    """The state of the stand-in; use it from any thread."""

    def __init__(self, path: Path | None) -> None:
        self.store = Store(path)
        self.tell: Callable[[Event], None] = lambda event: None
        if self.store.note("born") is None:
            self.bear()
        self._use(Settings.model_validate(self.store.note("settings") or {}))

    def bear(self) -> None:
        """Forget everything and fill in the books that every sandbox starts with."""
        with self.store.transaction():
            self.store.wipe()
            seed(self.store, time.time())
            set_up_entities(self.store, Settings().entities, time.time())
            self.store.put_note("born", value=True)
        self._use(Settings())

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    def set(self, changes: Mapping[str, Any]) -> None:
        """Change some settings; pydantic's ValidationError says what is wrong with them."""
        settings = Settings.model_validate(self._settings.model_dump() | dict(changes))
        with self.store.transaction():
            self.store.put_note("settings", settings.model_dump())
            set_up_entities(self.store, settings.entities, self.now())
        self._use(settings)

    def _use(self, settings: Settings) -> None:
        self._settings = settings
        self.wire = Wire(self.store, settings)

    def now(self) -> float:
        """Return the stand-in's time in UTC seconds."""
        return time.time() + self._settings.clock_offset_s

    def today(self) -> dt.date:
        """Return the day it is at the site."""
        return dt.datetime.fromtimestamp(self.now(), self.wire.zone).date()

    def find(self, module: Module, record_id: int, entity: str) -> Record:
        """Return a record that this entity may see, or raise NotFoundError."""
        record = self.store.get(module.storage, record_id)
        if record is None or not visible(module, record, entity):
            raise NotFoundError(f"{module.name} {record_id} not found")
        return record

    def save(
        self, module: Module, record_id: int | None, given: Mapping[str, Any], *, entity: str, actor: Actor
    ) -> Record:
        """Create (no id) or change a record; returns it as kept."""
        with self.store.transaction():
            held = None if record_id is None else self.find(module, record_id, entity)
            if held is not None and held.deleted is not None:
                raise NotFoundError(f"{module.name} {record_id} is deleted")
            record = self._changed(module, held, given, entity, actor)
            if module.name == "receipts":
                receipts.settle(self, held, record)
            self.store.put(record)
        if module.name == "customFields":
            self.wire.forget_custom_fields()
        action = "create" if held is None else "modify"
        self._announce(module, action, record, actor, changed_fields(held, record))
        return record

    def delete(self, module: Module, record_id: int, *, entity: str, actor: Actor) -> Record:
        """Delete softly."""
        with self.store.transaction():
            held = self.find(module, record_id, entity)
            if held.deleted is not None:
                raise NotFoundError(f"{module.name} {record_id} is deleted")
            now = self.now()
            record = replace(held, deleted=now, modified=now)
            if module.name == "receipts":
                receipts.settle(self, held, None)
            self.store.put(record)
        self._announce(module, "delete", record, actor, frozenset({"is_deleted"}))
        return record

    def restore(self, module: Module, record_id: int, *, entity: str, actor: Actor) -> Record:
        """Take a record out of the bin."""
        with self.store.transaction():
            held = self.find(module, record_id, entity)
            record = replace(held, deleted=None, modified=self.now())
            self.store.put(record)
        self._announce(module, "modify", record, actor, frozenset({"is_deleted"}))
        return record

    def put_paid(self, module: Module, record: Record, paid: Decimal, *, touch: bool) -> None:
        """Set what receipts have paid of a document; `touch` makes it a change of the document."""
        head = {**record.head, "_paid": str(paid)}
        self._add_totals(module, head, [dict(line) for line in record.lines or []])
        modified = self.now() if touch else record.modified
        changed = replace(record, head=head, modified=modified)
        self.store.put(changed)
        if touch:
            self._announce(module, "modify", changed, THE_API, frozenset({"paid_sum", "status"}))

    def _changed(
        self, module: Module, held: Record | None, given: Mapping[str, Any], entity: str, actor: Actor
    ) -> Record:
        if not actor.is_trusted and held is None:
            self._require(module, given)
        rules = Rules(
            frozenset(item["id"] for item in self.wire.custom_definitions("")),
            _anything if actor.is_trusted else self._exists,
            self.settings.kept_lines,
            self._new_line_ids,
        )
        head = changed_header(module, held.head if held else {}, given, rules)
        lines = list(held.lines or []) if held else []
        if module.lines is not None and given.get("lines") is not None:
            lines = changed_lines(module, lines, given["lines"], rules)
        now = self.now()
        record_id = held.id if held else self.store.next_id(module.storage)
        if held is None:
            head["_created"] = now
        if actor.is_trusted and "_pinned" in given:
            head["_pinned"] = given["_pinned"] or {}
        self._complete(module, head, given, is_new=held is None, actor=actor)
        if module.amounts is not None:
            lines = [dict(line) for line in lines]
            self._add_totals(module, head, lines)
        owner = (held.entity if held else entity) if module.per_entity else ""
        return Record(module.storage, record_id, owner, head, lines if module.lines is not None else None, now)

    def _require(self, module: Module, given: Mapping[str, Any]) -> None:
        for name in module.required:
            if given.get(name) in (None, "", []):
                raise BadRequestError(f"{name} is required", name)

    def _exists(self, module: str, record_id: int) -> bool:
        record = self.store.get(module, record_id)
        return record is not None and record.deleted is None

    def _new_line_ids(self, count: int) -> int:
        return self.store.sequence("line", count)

    def _complete(
        self, module: Module, head: dict[str, Any], given: Mapping[str, Any], *, is_new: bool, actor: Actor
    ) -> None:
        """Fill in what Scoro fills in by itself."""
        if module.numbered and is_new and (not head.get("no") or not self.settings.document_no_settable):
            head["no"] = str(self.store.sequence(f"no:{module.name}", start=FIRST_NUMBER))
        if module.amounts is not None and is_new:
            head.setdefault("date", self.today().isoformat())
        if "currency" in module.header:
            head.setdefault("currency", fixtures.BASE_CURRENCY)
            if not actor.is_trusted and head["currency"] not in fixtures.CURRENCIES:
                raise BadRequestError(f"currency {head['currency']} is not active", "currency")
            if "currency_rate" in module.header and "currency_rate" not in given and ("currency" in given or is_new):
                rate = fixtures.CURRENCIES.get(head["currency"], Decimal(1))
                head["currency_rate"] = int(rate) if rate == 1 else float(rate)
        if module.storage == "contacts":
            head["search_name"] = f"{head.get('name', '')} {head.get('lastname', '')}".strip()
            self._number_addresses(head)
        if module.name == "receipts":
            receipts.complete(self, head)

    def _number_addresses(self, head: dict[str, Any]) -> None:
        head["addresses"] = [
            address
            if address.get("contacts_addresses_id")
            else {**address, "contacts_addresses_id": self.store.sequence("address")}
            for address in head.get("addresses", [])
        ]

    def _add_totals(self, module: Module, head: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        """Compute line and header sums; sums pinned by hand win over the computed ones."""
        amounts = module.amounts
        if amounts is None:
            return
        if self.settings.line_based_vat:
            for line in lines:
                self._set_rate(line, amounts.rate, amounts.rate_id)
        else:
            self._set_rate(head, amounts.rate, amounts.rate_id)
        computed = totals(head, lines, amounts, self.settings, self._is_exempt)
        for line, amount in zip(lines, computed.line_sums, strict=True):
            line["sum"] = str(amount)
        head["sum"] = str(computed.net)
        head[amounts.tax_sum] = str(computed.tax)
        head.update(head.get("_pinned", {}))
        gross = Decimal(head["sum"]) + Decimal(head[amounts.tax_sum])
        paid = Decimal(head.get("_paid", "0"))
        head["status"] = "paid" if paid and abs(paid) >= abs(gross) else "unpaid"
        if amounts.has_receivable:
            head["paid_sum"] = str(paid)
            head["receivable_sum"] = str(gross - paid)

    def _set_rate(self, values: dict[str, Any], rate: str, rate_id: str) -> None:
        """Take the percentage from the VAT code where one is given."""
        code = self.store.get("vatCodes", int(values[rate_id])) if values.get(rate_id) else None
        if code is not None:
            values[rate] = str(Decimal(code.head.get("percent", "0")).quantize(Decimal("0.001")))

    def _is_exempt(self, product_id: int) -> bool:
        product = self.store.get("products", product_id) if product_id > 0 else None
        return product is not None and product.head.get("no_discounts") == 1

    def _announce(self, module: Module, action: str, record: Record, actor: Actor, changed: frozenset[str]) -> None:
        if module.storage == "contacts":
            module = MODULES["persons" if record.head.get("contact_type") == "person" else "companies"]
        if module.entity_type:
            self.tell(Event(module, action, record, actor, changed))


def _anything(module: str, record_id: int) -> bool:
    return True


def visible(module: Module, record: Record, entity: str) -> bool:
    """Whether a record belongs to the module and to the entity that asks."""
    if module.per_entity and record.entity != entity:
        return False
    return all(record.head.get(key, module.header[key].default) == value for key, value in module.fixed.items())


def changed_fields(held: Record | None, record: Record) -> frozenset[str]:
    """Name the header fields that differ, and `lines` if those do."""
    if held is None:
        return frozenset()
    names = {key for key in held.head.keys() | record.head.keys() if held.head.get(key) != record.head.get(key)}
    return frozenset(names | ({"lines"} if held.lines != record.lines else set()))
