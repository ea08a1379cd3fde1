"""The digest that keeps a catalogue of errors versioned."""

import hashlib
import re
from collections.abc import Iterable


def digest(entries: Iterable[Iterable[object]]) -> str:
    """SHA-256 (hex) of a catalogue, given as the values of its entries: another order or word is another digest."""
    written = "\n".join("\t".join(_written(value) for value in entry) for entry in entries)
    return hashlib.sha256(written.encode()).hexdigest()


def _written(value: object) -> str:
    if isinstance(value, re.Pattern):
        return f"{value.pattern}/{value.flags}"
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, frozenset):
        return repr(sorted(value))
    return repr(value)
