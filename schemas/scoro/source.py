"""The fingerprint of what a record says, as far as Intacct hears of it."""

import hashlib
import json
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from schemas.mapping import MappingRow, fingerprint_fields
from schemas.scoro.records import Record, Synced


def source_fingerprint(
    record: Synced, mapping: Sequence[MappingRow], custom_fields: Collection[str] | None = None
) -> str:
    """Return the SHA-256 (hex) over the fields that the mapping reads.

    Payments, status and the like do not count, so that our own receipts do not echo. Of custom fields only those in
    `custom_fields` count (those that hold dimensions); None: all. Values are compared, not spellings.
    """
    source = _picked(record, fingerprint_fields(mapping, "header"), custom_fields)
    if names := fingerprint_fields(mapping, "line"):
        lines: Sequence[Record] = getattr(record, "lines", ())
        source["lines"] = [_picked(line, names, custom_fields) for line in lines]
    written = json.dumps(source, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _picked(record: Record, names: tuple[str, ...], custom_fields: Collection[str] | None) -> dict[str, Any]:
    attributes = {record.scoro_name(name): name for name in type(record).model_fields}
    picked = {name: _plain(getattr(record, attributes.get(name, name))) for name in names}
    if custom_fields is not None and "custom_fields" in picked:
        held = picked["custom_fields"]
        picked["custom_fields"] = {key: held[key] for key in held if key in custom_fields}
    return picked


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize() + 0, "f")
    return value if isinstance(value, (dict, tuple, str, int)) or value is None else str(value)
