"""The fingerprint of what a document says, as far as Intacct hears of it."""

import hashlib
import json
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from schemas.mapping import fingerprint_fields
from schemas.scoro.records import Invoice


def source_fingerprint(invoice: Invoice, custom_fields: Collection[str] | None = None) -> str:
    """Return the SHA-256 (hex) over the fields that the mapping reads.

    Payments, status and the like do not count, so that our own receipts do not echo. Of custom fields only those in
    `custom_fields` count (those that hold dimensions); None: all. Values are compared, not spellings.
    """
    source = _picked(invoice, fingerprint_fields("header"), custom_fields)
    source["lines"] = [_picked(line, fingerprint_fields("line"), custom_fields) for line in invoice.lines]
    written = json.dumps(source, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _picked(record: BaseModel, names: tuple[str, ...], custom_fields: Collection[str] | None) -> dict[str, Any]:
    picked = {name: _plain(getattr(record, name)) for name in names}
    if custom_fields is not None:
        held = picked["custom_fields"]
        picked["custom_fields"] = {key: held[key] for key in held if key in custom_fields}
    return picked


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize() + 0, "f")
    return value if isinstance(value, (dict, tuple, str, int)) or value is None else str(value)
