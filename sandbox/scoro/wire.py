"""How a record is written into an answer or a webhook: which fields, in which shape.

The shape depends on the settings, so a `Wire` is made anew whenever they change.
"""

import datetime as dt
import html
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.scoro.fields import Field, decimal_of
from sandbox.scoro.modules import Module
from sandbox.scoro.settings import Settings
from sandbox.scoro.store import Record, Store

Writer = Callable[[Any], Any]

_DELETED_QUIRKS: dict[str, Any] = {
    "vat": None,
    "vat_code_id": None,
    "vat_code": None,
    "tax_percentage": None,
    "lines": [],
}


@dataclass(frozen=True)
class _Column:
    field: Field
    write: Writer | None
    key_default: Any = None


class Wire:
    """Writes records the way the settings ask for."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self.zone = ZoneInfo(settings.time_zone)
        self._writers = self._make_writers(settings)
        self._columns: dict[tuple[str, str], list[_Column]] = {}
        self._custom: dict[str, list[dict[str, Any]]] = {}

    def forget_custom_fields(self) -> None:
        """Read the definitions of custom fields anew."""
        self._custom.clear()

    def full(self, module: Module, record: Record) -> dict[str, Any]:
        """Return the whole object, as `view`, detailed lists and webhooks show it."""
        shown = self._header(module, record, "full")
        if module.lines is not None:
            columns = self._columns_of(module, "lines")
            shown["lines"] = [self._line(columns, line) for line in record.lines or []]
        if "custom_fields" in module.header:
            shown["custom_fields"] = self._custom_fields(module, record.head.get("custom_fields", []))
        if record.deleted is not None:
            shown.update({key: value for key, value in _DELETED_QUIRKS.items() if key in shown})
        return shown

    def plain(self, module: Module, record: Record, *, basic: bool = False) -> dict[str, Any]:
        """Return the object as plain lists show it: lines and custom fields are null."""
        shown = self._header(module, record, "plain")
        if basic:
            return {key: shown[key] for key in (module.id_field, "no", "name", "modified_date") if key in shown}
        if module.lines is not None:
            shown["lines"] = None
        if "custom_fields" in module.header:
            shown["custom_fields"] = None
        return shown

    def stamp(self, seconds: float) -> str:
        """Write a moment in the site's zone, to the second."""
        moment = dt.datetime.fromtimestamp(int(seconds), self.zone)
        return moment.isoformat() if self._settings.stamps == "iso" else moment.strftime("%Y-%m-%d %H:%M:%S")

    def _header(self, module: Module, record: Record, form: str) -> dict[str, Any]:
        head = record.head
        shown = {column.field.name: self._value(column, head) for column in self._columns_of(module, form)}
        shown[module.id_field] = head.get(module.id_field, record.id)
        if "modified_date" in shown:
            shown["modified_date"] = self.stamp(record.modified)
        if "created_date" in shown:
            shown["created_date"] = self.stamp(record.created)
        if "is_deleted" in shown:
            shown["is_deleted"] = int(record.deleted is not None)
            shown["deleted_date"] = None if record.deleted is None else self.stamp(record.deleted)
        if "account_id" in shown:
            shown["account_id"] = record.entity
        return shown

    def _line(self, columns: list[_Column], line: Mapping[str, Any]) -> dict[str, Any]:
        shown = {column.field.name: self._value(column, line) for column in columns}
        values = line.get("custom_fields")
        shown["custom_fields"] = self._set_fields(values) if values else None
        return shown

    def _value(self, column: _Column, values: Mapping[str, Any]) -> Any:
        field = column.field
        value = values.get(field.name, field.default) if field.join is None else self._joined(column, values)
        return value if column.write is None else column.write(value)

    def _joined(self, column: _Column, values: Mapping[str, Any]) -> Any:
        field, join = column.field, column.field.join
        key = values.get(join.key, column.key_default) if join else None
        if join is None or not key or int(key) < 1:
            return field.default
        record = self._store.get(join.module, int(key))
        if record is None:
            return field.default
        if join.attribute == "first_address":
            return (record.head.get("addresses") or [{}])[0]
        if join.attribute == "full_name" and join.module == "contacts":
            return f"{record.head.get('name', '')} {record.head.get('lastname', '')}".strip()
        return record.head.get(join.attribute, field.default)

    def _custom_fields(self, module: Module, values: list[dict[str, Any]]) -> list[dict[str, Any]]:
        held = {item["id"]: item["value"] for item in values}
        return [
            {
                "id": known["id"],
                "name": known["name"],
                "value": self._text(held.get(known["id"])),
                "type": known["type"],
            }
            for known in self.custom_definitions(module.name)
        ]

    def _set_fields(self, values: list[dict[str, Any]]) -> list[dict[str, Any]]:
        known = {item["id"]: item for item in self.custom_definitions("")}
        return [
            {
                "id": item["id"],
                "name": known[item["id"]]["name"],
                "value": self._text(item["value"]),
                "type": known[item["id"]]["type"],
            }
            for item in values
            if item["id"] in known
        ]

    def custom_definitions(self, module: str) -> list[dict[str, Any]]:
        """Return the custom fields of a module (of all with an empty name)."""
        if module not in self._custom:
            with self._store.lock:
                heads = [record.head for record in self._store.select("customFields")]
            self._custom[module] = [head for head in heads if not module or module in head["modules"]]
        return self._custom[module]

    def _text(self, value: Any) -> Any:
        return _escaped(value) if self._settings.html_entities else value

    def _columns_of(self, module: Module, form: str) -> list[_Column]:
        key = (module.name, form)
        if key not in self._columns:
            fields = (module.lines or {}) if form == "lines" else module.header
            self._columns[key] = [
                self._column(field, fields) for field in fields.values() if form != "plain" or not field.view_only
            ]
        return self._columns[key]

    def _column(self, field: Field, fields: Mapping[str, Field]) -> _Column:
        writer = self._writers.get("means" if field.name == "means_of_contact" else field.kind)
        return _Column(field, writer, fields[field.join.key].default if field.join else None)

    @staticmethod
    def _make_writers(settings: Settings) -> dict[str, Writer]:
        writers: dict[str, Writer] = {
            "float": _noisy if settings.float_noise else float,
            "means": lambda value: value or [],
        }
        if settings.null_arrays:
            writers["ids"] = lambda value: value or None
        if settings.zero_dates:
            writers["date"] = lambda value: value or "0000-00-00"
        if settings.html_entities:
            writers["str"] = _escaped
        if not settings.decimal_strings:
            writers |= dict.fromkeys(("dec2", "dec3", "dec6"), _bare_number)
        return writers


def _noisy(value: str) -> int | float:
    """Write money as a float one step off its decimal value, zero as 0."""
    number = float(value)
    return math.nextafter(number, 0.0) if number else 0


def _escaped(value: Any) -> Any:
    return html.escape(value).replace("&#x27;", "&#039;") if isinstance(value, str) else value


def _bare_number(value: Any) -> Any:
    return None if value is None else float(decimal_of(value))
