"""Who can put an error right, and the digest that keeps a catalogue of errors versioned."""

import hashlib
import re
from collections.abc import Iterable
from enum import StrEnum


class Who(StrEnum):
    """Who can put an error right."""

    FINANCE = "finance person"
    INTACCT_ADMIN = "Intacct administrator"
    SCORO_ADMIN = "Scoro administrator"
    OPERATOR = "operator"
    US = "scoro-intacct"
    NOBODY = "nobody: it passes"


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
