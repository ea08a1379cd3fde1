"""What lists share: reading filters from an address, and writing them back into links."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode


def chosen(text: str | None, known: Sequence[str]) -> str | None:
    """A value of a filter, if it is one of those that there are; plain text, whatever `known` holds."""
    return str(text) if text and text in list(known) else None


def given_id(text: str | None) -> int | None:
    """An id from an address."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def query(path: str, values: Mapping[str, object]) -> str:
    """An address with what is set of its filters."""
    given = {name: value for name, value in values.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path
