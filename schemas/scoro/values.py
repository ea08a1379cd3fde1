"""The one place that knows how Scoro writes values on the wire (scoro-api, section 7).

Each function takes what JSON brought and returns what it means, or raises ValueError in words for people.
`None`, empty text and, for ids and dates, `0` and `0000-00-00` mean "absent".
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo

from schemas.intacct.functions import legal_text

NO_DATE = "0000-00-00"
PLACES = 10
"""Prices and quantities have six decimals, currency rates up to ten; what is longer is noise of a binary float."""


def number(value: Any) -> Decimal | None:
    """Read a number of any spelling, binary noise rounded away; None when absent."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        found = Decimal("NaN" if isinstance(value, bool) else str(value).strip())
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise ValueError("is not a number")
    try:
        return found.quantize(Decimal(1).scaleb(-PLACES), ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError("is too large a number") from None


def quantity(value: Any) -> Decimal:
    """Read a number; absent is 0."""
    return number(value) or Decimal(0)


def money(value: Any) -> Decimal:
    """Read a sum of money, to two decimals; absent is 0.00."""
    return quantity(value).quantize(Decimal("0.01"), ROUND_HALF_UP)


def total(value: Any, info: ValidationInfo) -> Decimal:
    """Read the total of a document, which all else is checked against: only of a deleted one it may be absent."""
    if number(value) is None and not info.data.get("is_deleted"):
        raise ValueError("is empty")
    return money(value)


def identity(value: Any) -> int | None:
    """Read an id, written as a number or as text; 0 and empty are absent. -1 has a meaning in some fields."""
    written = "" if value is None else str(value).strip()
    if not written:
        return None
    if not re.fullmatch(r"-?[0-9]{1,18}", written):
        raise ValueError("is not an id")
    return int(written) or None


def identities(value: Any) -> tuple[int, ...]:
    """Read a list of ids, which may be null or a single id."""
    values = value if isinstance(value, list) else [value]
    return tuple(found for item in values if (found := identity(item)) is not None)


def flag(value: Any) -> bool:
    """Read 0 or 1, also as text or boolean; absent is no."""
    written = str(value).strip().lower()
    if value is None or written in {"", "0", "false"}:
        return False
    if written in {"1", "true"}:
        return True
    raise ValueError("is not 0 or 1")


def text(value: Any) -> str:
    """Read text, without characters that XML cannot carry and outer blanks.

    HTML entities are resolved by the client already: twice would be once too often. Old sites write some texts
    once per language; English is taken, else the first.
    """
    if isinstance(value, Mapping):
        value = value.get("eng") or next(iter(value.values()), None)
    if value is None:
        return ""
    if isinstance(value, (list, bool)):
        raise ValueError("is not a text")  # noqa: TRY004 (pydantic gathers ValueErrors only)
    return legal_text(str(value)).strip()


def day(value: Any) -> date | None:
    """Read a date, also the day of an ISO instant; `0000-00-00` and empty are absent."""
    written = text(value)
    if not written or written.startswith(NO_DATE):
        return None
    try:
        return date.fromisoformat(written[: len(NO_DATE)])
    except ValueError:
        raise ValueError("is not a date (YYYY-MM-DD)") from None


def instant(value: Any, info: ValidationInfo) -> datetime | None:
    """Read an instant as aware UTC; without an offset it is in the site's time zone (`context["zone"]`)."""
    written = text(value)
    if not written or written.startswith(NO_DATE):
        return None
    try:
        found = datetime.fromisoformat(written)
        if found.tzinfo is None:
            zone: tzinfo = (info.context or {}).get("zone", UTC)
            found = found.replace(tzinfo=zone)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is not a date and time") from None


def records(value: Any) -> list[Any]:
    """Read a list of objects, which may be null."""
    if value in (None, ""):
        return []
    if not isinstance(value, list):
        raise ValueError("is not a list")  # noqa: TRY004 (pydantic gathers ValueErrors only)
    return value


def custom_fields(value: Any) -> dict[str, str]:
    """Read custom fields as id -> text; a list of `{id, name, value, type}`, or in old answers a map.

    Several values of one field are joined by commas; fields without a value are left out.
    """
    if isinstance(value, Mapping):
        pairs = list(value.items())
    else:
        pairs = [(item.get("id"), item.get("value")) for item in records(value) if isinstance(item, Mapping)]
    found = {text(key): ", ".join(map(text, held)) if isinstance(held, list) else text(held) for key, held in pairs}
    return {key: held for key, held in found.items() if key and held}


def emails(value: Any) -> tuple[str, ...]:
    """Read the e-mail addresses of `means_of_contact`, which is a list when empty."""
    held = value.get("email") if isinstance(value, Mapping) else None
    found = held if isinstance(held, list) else [held]
    return tuple(written for item in found if (written := text(item)))


def words(value: Any) -> tuple[str, ...]:
    """Read a list of texts, which may be null or one text separated by commas."""
    found = value.split(",") if isinstance(value, str) else records(value)
    return tuple(written for item in found if (written := text(item)))


Number = Annotated[Decimal | None, BeforeValidator(number)]
Quantity = Annotated[Decimal, BeforeValidator(quantity)]
Sum = Annotated[Decimal, BeforeValidator(money)]
Total = Annotated[Decimal, BeforeValidator(total), Field(default=None, validate_default=True)]
Id = Annotated[int | None, BeforeValidator(identity)]
Ids = Annotated[tuple[int, ...], BeforeValidator(identities)]
Flag = Annotated[bool, BeforeValidator(flag)]
Text = Annotated[str, BeforeValidator(text)]
Day = Annotated[date | None, BeforeValidator(day)]
Instant = Annotated[datetime | None, BeforeValidator(instant)]
CustomFields = Annotated[dict[str, str], BeforeValidator(custom_fields)]
Emails = Annotated[tuple[str, ...], BeforeValidator(emails)]
Words = Annotated[tuple[str, ...], BeforeValidator(words)]
