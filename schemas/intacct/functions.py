"""Functions of the Intacct XML gateway as plain values that a ledger can keep as JSON.

A `Function` is what one `<function>` element of a request holds. Its body is a mapping from element name to value:
text, a mapping (a group) or a list (a repeated element). The order of keys means nothing; `schemas.intacct.orders`
knows the order that the gateway insists on. Leaves are text: decimals as `"12.50"`, dates of documents as
`YYYY-MM-DD` (the order table knows which elements are dates), `""` for an empty element. Attributes of an element
inside the body are keys with `@` in front: `{"@line_num": "2", "amount": "10.00"}`.

The constructors build the functions that need no document: reads, and generic create, update and delete.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainValidator
from typing_extensions import TypeAliasType

Value = TypeAliasType("Value", "str | Mapping[str, Value] | Sequence[Value]")
"""What an element holds."""

Condition = Mapping[str, Value]
"""A filter of `query`: one operator and its operands."""

MAX_IN_VALUES = 1000
"""`in` takes no more values (intacct-xml-api, section 5)."""

MAX_PAGE_SIZE = 2000
"""`query` gives no more rows at once."""

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_READS = frozenset(
    {"query", "lookup", "read", "readByName", "get", "get_list", "getDimensions", "readEntityDetails", "getAPISession"}
)

_OBJECTS = {
    "invoice": "ARINVOICE",
    "bill": "APBILL",
    "aradjustment": "ARADJUSTMENT",
    "apadjustment": "APADJUSTMENT",
    "arpayment": "ARPYMT",
    "appayment": "APPYMT",
    "supdoc": "SUPDOC",
    "supdocfolder": "SUPDOCFOLDER",
}


def legal_text(text: str) -> str:
    """Strip what XML 1.0 has no place for: control characters, lone surrogates, U+FFFE and U+FFFF."""
    return _ILLEGAL.sub("", text)


def _legal_value(value: object, path: str) -> Any:
    if isinstance(value, str):
        return legal_text(value)
    if isinstance(value, Mapping):
        return {_name(key, path): _legal_value(held, f"{path}.{key}") for key, held in value.items()}
    if isinstance(value, Sequence):
        return [_legal_value(held, f"{path}[{place}]") for place, held in enumerate(value)]
    raise ValueError(f"{path} holds {type(value).__name__}; text, a mapping or a list is wanted")


def _name(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise ValueError(f"{path} has the key {key!r}; a name is wanted")  # noqa: TRY004  pydantic reports ValueError
    return key


def _legal_body(body: object) -> Any:
    if not isinstance(body, Mapping):
        raise ValueError(f"a body is a mapping, not {type(body).__name__}")  # noqa: TRY004  pydantic reports ValueError
    return _legal_value(body, "body")


class Function(BaseModel):
    """One Intacct function: its name, its XML attributes and its body.

    `model_dump(mode="json")` and `model_validate` are inverse; text illegal in XML is stripped on the way in, so that
    the ledger, the fingerprint and the wire agree.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    attributes: Mapping[str, str] = {}
    body: Annotated[Mapping[str, Value], PlainValidator(_legal_body)] = {}

    @property
    def object(self) -> str:
        """The Intacct object touched, e.g. ARINVOICE, CUSTOMER; empty where there is none (getDimensions)."""
        if self.name in ("create", "update"):
            return next(iter(self.body), "").upper()
        named = self.body.get("object", self.attributes.get("object", ""))
        if isinstance(named, str) and named:
            return named.upper()
        return _OBJECTS.get(self.name.partition("_")[2], "")

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing in Intacct, so that it may be repeated."""
        return self.name in _READS

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the canonical JSON: equal functions, whatever the order of keys, have equal fingerprints."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def wire_moment(value: str | date | datetime) -> str:
    """A filter's value as `query` reads it: dates `mm/dd/yyyy`, instants `mm/dd/yyyy hh:mm:ss` in UTC, text as it is.

    Raises ValueError for an instant without a time zone.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a filter's instant needs a time zone")
        return value.astimezone(UTC).strftime("%m/%d/%Y %H:%M:%S")
    if isinstance(value, date):
        return value.strftime("%m/%d/%Y")
    return value


def _compare(operator: str, field: str, value: str | date | datetime) -> Condition:
    return {operator: {"field": field, "value": wire_moment(value)}}


def equal(field: str, value: str | date | datetime) -> Condition:
    """The field equals the value."""
    return _compare("equalto", field, value)


def at_least(field: str, value: str | date | datetime) -> Condition:
    """The field is greater than or equal to the value."""
    return _compare("greaterthanorequalto", field, value)


def above(field: str, value: str | date | datetime) -> Condition:
    """The field is greater than the value."""
    return _compare("greaterthan", field, value)


def at_most(field: str, value: str | date | datetime) -> Condition:
    """The field is less than or equal to the value."""
    return _compare("lessthanorequalto", field, value)


def like(field: str, pattern: str) -> Condition:
    """The field is like the pattern, where `%` is any text and `_` any character."""
    return _compare("like", field, pattern)


def in_(field: str, values: Sequence[str]) -> Condition:
    """The field is one of the values; raises ValueError for none or more than `MAX_IN_VALUES`."""
    if not 1 <= len(values) <= MAX_IN_VALUES:
        raise ValueError(f"in takes 1 to {MAX_IN_VALUES} values, not {len(values)}")
    return {"in": {"field": field, "value": list(values)}}


def _joined(operator: str, conditions: Sequence[Condition]) -> Condition:
    if not conditions:
        raise ValueError(f"{operator} of no conditions")
    if len(conditions) == 1:
        return conditions[0]
    operands: dict[str, list[Value]] = {}
    for condition in conditions:
        for name, operand in condition.items():
            operands.setdefault(name, []).append(operand)
    return {operator: operands}


def and_(*conditions: Condition) -> Condition:
    """All of the conditions; one alone is itself, as the gateway wants two or more."""
    return _joined("and", conditions)


def or_(*conditions: Condition) -> Condition:
    """Any of the conditions; one alone is itself, as the gateway wants two or more."""
    return _joined("or", conditions)


def query(
    object_name: str,
    fields: Sequence[str],
    filter: Condition | None = None,
    *,
    order_by: Sequence[str] = ("RECORDNO",),
    page_size: int = MAX_PAGE_SIZE,
    offset: int = 0,
) -> Function:
    """Read rows of an object. Without an order pages overlap, hence RECORDNO unless told otherwise (section 7.1).

    A field of `order_by` with `-` in front sorts downwards.
    """
    body: dict[str, Value] = {"object": object_name, "select": {"field": list(fields)}}
    if filter is not None:
        body["filter"] = filter
    if order_by:
        body["orderby"] = {
            "order": [
                {"field": field.removeprefix("-"), "descending" if field.startswith("-") else "ascending": ""}
                for field in order_by
            ]
        }
    return Function(name="query", body=body | {"pagesize": str(page_size), "offset": str(offset)})


def read_entity_details() -> Function:
    """The entities that the user may access."""
    return Function(name="readEntityDetails")


def get_dimensions() -> Function:
    """The dimensions of the company with the customer's own terms."""
    return Function(name="getDimensions")


def lookup(object_name: str) -> Function:
    """Fields, valid values and relationships of an object."""
    return Function(name="lookup", body={"object": object_name})


def get_list(object_name: str, filter: Condition, fields: Sequence[str] = (), max_items: int = 100) -> Function:
    """Rows of an object that `query` does not know, such as `supdoc`; `filter` is made by `expression`."""
    body: dict[str, Value] = {"filter": filter}
    if fields:
        body["fields"] = {"field": list(fields)}
    return Function(name="get_list", attributes={"object": object_name, "maxitems": str(max_items)}, body=body)


def expression(field: str, operator: str, value: str) -> Condition:
    """A condition of `get_list`, such as `expression("supdocid", "=", "A-1")`."""
    return {"expression": {"field": field, "operator": operator, "value": value}}


def create(object_name: str, fields: Mapping[str, Value]) -> Function:
    """Create one record of an object by the generic function (one per function: section 4, partial success)."""
    return Function(name="create", body={object_name: fields})


def update(object_name: str, fields: Mapping[str, Value]) -> Function:
    """Change one record of an object, named by RECORDNO or its natural key among the fields."""
    return Function(name="update", body={object_name: fields})


def delete(object_name: str, key: str) -> Function:
    """Delete one record of an object by RECORDNO."""
    return Function(name="delete", body={"object": object_name, "keys": key})
