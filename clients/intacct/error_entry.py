"""One known error of the gateway: which errors it stands for, what it means, who puts it right."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.errors import ErrorClass, Who
from schemas.intacct.results import GatewayErrorEntry

_SUPPORT_ID = re.compile(r"\s*\[\s*(?:Support|Request) ID:[^\]]*\]", re.IGNORECASE)


def sentence(error: GatewayErrorEntry) -> str:
    """What an error says, with its remedy, without the support id."""
    return strip_support_id(f"{error.description2} {error.correction}".strip())


def strip_support_id(text: str) -> str:
    """A text without Intacct's `[Support ID: …]`, which differs each time."""
    return _SUPPORT_ID.sub("", text).strip()


@dataclass(frozen=True, slots=True)
class Entry:
    """One known error: `numbers` and `text` say which, the rest what to do; without one of them it does not matter.

    `says` is the sentence as the gateway writes it, for people. Of `cause` and `fix` a part in brackets is told only
    where all that it names is known: a text does not always name the culprit. `culprits` are the names of the
    placeholders that cause it; equal culprits and codes are one failure. A `vague` error says only that something
    failed: any other error beside it is the cause.
    """

    error_class: ErrorClass
    code: str
    says: str
    who: Who
    cause: str
    fix: str
    numbers: frozenset[str] = frozenset()
    text: re.Pattern[str] | None = None
    culprits: tuple[str, ...] = ()
    vague: bool = False

    def match(self, error: GatewayErrorEntry) -> Mapping[str, str] | None:
        """The placeholders of an error that this entry knows, None for another error."""
        if self.numbers and error.errorno not in self.numbers:
            return None
        if self.text is None:
            return dict(error.placeholders)
        found = self.text.search(sentence(error))
        if found is None:
            return None
        return {**error.placeholders, **{name: text for name, text in found.groupdict().items() if text}}


def entry(  # noqa: PLR0917  (a row of the table)
    error_class: ErrorClass,
    code: str,
    says: str,
    who: Who,
    cause: str,
    fix: str,
    *culprits: str,
    numbers: tuple[str, ...] = (),
    text: str = "",
    vague: bool = False,
) -> Entry:
    """Write an entry; `text` is a regular expression, its named groups are placeholders."""
    pattern = re.compile(text, re.IGNORECASE) if text else None
    return Entry(error_class, code, says, who, cause, fix, frozenset(numbers), pattern, culprits, vague)
