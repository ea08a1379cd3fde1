"""Values as the gateway reads and writes them: dates, timestamps, amounts."""

import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from lxml import etree

from sandbox.intacct.errors import refuse

CENT = Decimal("0.01")
_AMOUNT = re.compile(r"-?(\d+(\.\d*)?|\.\d+)")
DATE_FORMAT = "%m/%d/%Y"
TIMESTAMP_FORMAT = "%m/%d/%Y %H:%M:%S"


def timestamp(epoch_s: float) -> str:
    """Write an instant as `mm/dd/yyyy hh:mm:ss` in GMT."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime(TIMESTAMP_FORMAT)


def parse_timestamp(text: str) -> datetime | None:
    """Read a timestamp, or a date as its midnight; None for anything else."""
    for pattern in (TIMESTAMP_FORMAT, DATE_FORMAT):
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def parse_date(text: str) -> date | None:
    """Read `mm/dd/yyyy`; None for anything else."""
    parsed = parse_timestamp(text)
    return parsed.date() if parsed is not None and " " not in text else None


def format_date(day: date) -> str:
    """Write a date as `mm/dd/yyyy`."""
    return day.strftime(DATE_FORMAT)


def legacy_date(element: etree._Element) -> str:
    """Turn `<year/><month/><day/>` into `mm/dd/yyyy`; raises FunctionError if that is no date."""
    parts = [(child.text or "").strip() for child in element]
    try:
        return format_date(date(*(int(part) for part in parts)))
    except (ValueError, TypeError):
        raise refuse("bad_date", field=element.tag, value="/".join(parts)) from None


def amount(text: str, field: str) -> Decimal:
    """Read an amount and round it to cents, as the vendor does; raises FunctionError if it is none."""
    return number(text, field).quantize(CENT, ROUND_HALF_UP)


def number(text: str, field: str) -> Decimal:
    """Read a decimal number without thousands separators; raises FunctionError if it is none."""
    stripped = text.strip()
    if not _AMOUNT.fullmatch(stripped):
        raise refuse("bad_amount", field=field, value=text)
    try:
        return Decimal(stripped)
    except InvalidOperation:
        raise refuse("bad_amount", field=field, value=text) from None


def round_cents(value: Decimal) -> Decimal:
    """Round half up to cents."""
    return value.quantize(CENT, ROUND_HALF_UP)


def text_of(element: etree._Element | None) -> str:
    """Return the text of an element, without the white space around it; empty for a missing one."""
    return "" if element is None else (element.text or "").strip()
