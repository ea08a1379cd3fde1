"""What is posted to the address of a quick action: which document is meant.

Scoro's trigger button posts to a web address, and what it posts is undocumented (scoro-api, section 10). So several
shapes are understood, in the query of the address and in the body, as JSON or as a form:

  ?kind=invoice&id=17                                            what the address itself says wins
  {"entityType": "invoice", "entityId": 17, "entity": {...}}     a webhook of Scoro
  {"module": "invoices", "id": 17}  {"kind": "invoice", "object_id": "17"}
  {"invoice_id": 17}  {"bill": {"id": 17}}  {"data": {"module": "bills", "id": 17}}
  {"id": 17}                                                     where the address is made for one kind

QuickActionError     the body cannot be read, or says nothing that fits; the message says what was expected
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from schemas.events import MAX_ID
from schemas.kinds import MODULES, Kind

KIND_NAMES = ("kind", "module", "entityType", "entity_type", "object_type", "type")
ID_NAMES = ("id", "entityId", "entity_id", "object_id", "objectId", "document_id")
ENTITY_NAMES = ("account_id", "company_account_id")
WRAPPERS = ("entity", "data", "object", "request", "payload")
EXPECTED = 'name the document, as in {"kind": "invoice", "id": 17}'


class QuickActionError(ValueError):
    """What was posted names no document."""


@dataclass(frozen=True, slots=True)
class Meant:
    """A document by kind and id; `entity` is the business entity where the body says one."""

    kind: Kind
    scoro_id: int
    entity: str | None


def read(kind: Kind | None, query: Mapping[str, str], content_type: str, body: bytes) -> Meant | None:
    """Which document is meant; `kind` is the one that the address is made for. None for an empty post without a query.

    Raises QuickActionError.
    """
    given = _body(content_type, body)
    if not given and not any(name in query for name in (*KIND_NAMES, *ID_NAMES)):
        return None
    sources = [query, *_levels(given)]
    asked = _kind(sources)
    if kind is not None and asked is not None and asked.module != kind.module:
        raise QuickActionError(f"this address is made for {kind.noun}s, and a {asked.noun} was named")
    meant = kind or asked
    if meant is None:
        raise QuickActionError(f"the body does not say what kind of document it is: {EXPECTED}")
    found = _id(sources, meant)
    if found is None:
        raise QuickActionError(f"the body names no document: {EXPECTED}")
    entity = next((str(level[name]) for level in sources for name in ENTITY_NAMES if level.get(name)), None)
    return Meant(meant, found, entity)


def _body(content_type: str, body: bytes) -> Mapping[str, Any]:
    if not body.strip():
        return {}
    if "form-urlencoded" in content_type:
        return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=1000))
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise QuickActionError("the body is neither JSON nor a form") from error
    if isinstance(parsed, list) and len(parsed) == 1:
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        raise QuickActionError("the body is no object")
    return parsed


def _levels(given: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The body, and what it wraps, one level deep; `{"bill": {"id": 17}}` says its kind by the name."""
    yield given
    for name, held in given.items():
        if not isinstance(held, dict):
            continue
        if name in WRAPPERS:
            yield held
        elif _named(name) is not None:
            yield {"kind": name, **held}


def _kind(sources: list[Mapping[str, Any]]) -> Kind | None:
    for level in sources:
        for name in KIND_NAMES:
            if (kind := _named(level.get(name))) is not None:
                return kind
        for name in level:
            if name.endswith("_id") and (kind := _named(name.removesuffix("_id"))) is not None:
                return kind
    return None


def _named(word: Any) -> Kind | None:
    """A kind by its own word, Scoro's module or its singular: `credit_invoice`, `invoices`, `Invoice`."""
    if not isinstance(word, str):
        return None
    plain = word.strip().lower().replace(" ", "_").replace("-", "_")
    if plain in MODULES:
        return Kind(plain)
    return next((kind for kind, module in MODULES.items() if module == plain), None)


def _id(sources: list[Mapping[str, Any]], kind: Kind) -> int | None:
    names = (*ID_NAMES, f"{kind}_id", f"{kind.module.removesuffix('s')}_id")
    for level in sources:
        for name in names:
            found = _number(level.get(name))
            if found is not None:
                return found
    return None


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value) if len(value.strip()) < 20 else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ID:
        return value
    return None
