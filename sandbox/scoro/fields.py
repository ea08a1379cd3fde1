"""The kinds of values on Scoro's wire, and the compact notation in which a module lists its fields.

A field reads `[~]name:kind[!][=default][<module.key.attribute]`:

  ~        only in `view` and detailed lists
  !        read-only: input is ignored in silence, as Scoro does with all that it does not know
  =        the value of a field that was never set, instead of its kind's own
  <        read from the record of `module` whose id stands in the field `key`; read-only by nature

Values are held as they stand on the wire (decimals as strings with their places, flags as 0 and 1), so
that reading needs no conversion; only stamps are held as UTC seconds and written in the site's zone.
"""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import partial
from typing import Any

from sandbox.scoro.errors import BadRequestError

ANY_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Join:
    """Where a read-only field takes its value from."""

    module: str
    key: str
    attribute: str


@dataclass(frozen=True)
class Field:
    """One field of a module's header or lines."""

    name: str
    kind: str
    default: Any
    view_only: bool = False
    read_only: bool = False
    join: Join | None = None

    def accept(self, value: Any) -> Any:
        """Return `value` as it is held; BadRequestError names the field if it is malformed."""
        if value is None or (value == "" and self.kind not in {"str", "list", "object"}):
            return self.default
        try:
            return KINDS[self.kind].accept(value)
        except (ValueError, TypeError, InvalidOperation) as error:
            raise BadRequestError(f"{self.name} is malformed: {value!r}", self.name) from error


@dataclass(frozen=True)
class Kind:
    """How a kind of value is taken in, and what it is while unset."""

    accept: Callable[[Any], Any]
    default: Any


def decimal_of(value: Any) -> Decimal:
    """Return any number of the wire as a finite Decimal; ValueError otherwise."""
    number = Decimal(str(value).strip())
    if isinstance(value, bool) or not number.is_finite():
        raise ValueError(value)
    return number


def places(value: Any, digits: int) -> str:
    """Return a number as the wire's decimal string with `digits` places, halves away from zero."""
    return str(decimal_of(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) + 0)


def _number(value: Any) -> int | float:
    number = decimal_of(value)
    return int(number) if number == number.to_integral_value() else float(number)


def _flag(value: Any) -> int:
    if value in (True, 1, "1", "true"):
        return 1
    if value in (False, 0, "0", "false"):
        return 0
    raise ValueError(value)


def _date(value: Any) -> str | None:
    text = str(value)
    if text == "0000-00-00":
        return None
    if not ANY_DATE.fullmatch(text):
        raise ValueError(value)
    return dt.date.fromisoformat(text).isoformat()


def _ids(value: Any) -> list[int]:
    return [int(item) for item in (value if isinstance(value, list) else [value])]


def _text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise TypeError(value)
    return str(value)


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def _object(value: Any) -> dict[str, Any]:
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise TypeError(value)
    return value


KINDS: dict[str, Kind] = {
    "int": Kind(int, 0),
    "idstr": Kind(lambda value: str(int(value)), None),
    "str": Kind(_text, ""),
    "flag": Kind(_flag, 0),
    "dec2": Kind(partial(places, digits=2), "0.00"),
    "dec3": Kind(partial(places, digits=3), None),
    "dec6": Kind(partial(places, digits=6), "0.000000"),
    "num": Kind(_number, 0),
    "float": Kind(partial(places, digits=2), "0.00"),
    "date": Kind(_date, None),
    "stamp": Kind(float, None),
    "ids": Kind(_ids, []),
    "list": Kind(_listed, []),
    "object": Kind(_object, {}),
    "custom": Kind(_listed, []),
}
"""`float` is money sent as a raw float with binary noise; `idstr` an id sent as a string or null."""

_NOTATION = re.compile(
    r"(?P<view>~)?(?P<name>\w+):(?P<kind>\w+)(?P<fixed>!)?(?:=(?P<default>[^<\s]*))?(?:<(?P<join>\S+))?"
)


def fields(*notations: str) -> dict[str, Field]:
    """Read the notation of this module's docstring; fields keep their order."""
    found = (_field(token) for notation in notations for token in notation.split())
    return {field.name: field for field in found}


def _field(token: str) -> Field:
    match = _NOTATION.fullmatch(token)
    if match is None or match["kind"] not in KINDS:
        raise ValueError(token)
    kind = KINDS[match["kind"]]
    text = match["default"]
    default = kind.default if text is None else (None if text == "null" else kind.accept(text))
    join = Join(*match["join"].split(".")) if match["join"] else None
    return Field(match["name"], match["kind"], default, bool(match["view"]), bool(match["fixed"] or join), join)
