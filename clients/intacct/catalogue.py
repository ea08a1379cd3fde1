"""What the errors of a rejected function mean, in words for people who keep books.

The first error that the table of known errors has an entry for decides. Causes and fixes are filled from the text,
else from what the caller knows of the document, else by a plain word. A text that no entry knows is `unknown`, never
data: only a person can tell.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clients.intacct.errors import ConnectionBroken
from clients.intacct.known_errors import KNOWN_ERRORS, Entry, sentence, strip_support_id
from schemas.errors import ErrorClass, Problem, Who
from schemas.intacct.results import GatewayErrorEntry

WRAPPER = "BL01001973"
"""Mostly says no more than that something failed; the error before it says what."""

_TELLING = tuple(entry for entry in KNOWN_ERRORS if not entry.vague)
_VAGUE = tuple(entry for entry in KNOWN_ERRORS if entry.vague)

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PARTICULARS = re.compile(r"(?<!\w)'[^']*'|\"[^\"]*\"|--[^-]+--|\d[\w./-]*")

_PLAIN_WORDS: Mapping[str, str] = {
    "number": "this document",
    "customer": "its customer",
    "account": "of one of its lines",
    "line": "one of its lines",
    "bank": "a bank account",
    "value": "the value",
    "dimension": "a dimension",
    "field": "a field",
    "record": "a record",
    "state": "in another state",
}


@dataclass(frozen=True, slots=True)
class Classified:
    """What an error means. `text` is the gateway's own words; `culprit` what equal errors have in common."""

    error_class: ErrorClass
    code: str
    cause: str
    fix: str
    culprit: tuple[str, ...]
    text: str
    who: Who | None = None


def classify(errors: Sequence[GatewayErrorEntry], known: Mapping[str, str] | None = None) -> Classified:
    """What the errors of one rejected function mean.

    `known` fills what the texts do not name (number, customer, account). The first error that the table knows is the
    cause; one that only says that something failed, the wrapper and the mark of a rollback only if they stand alone.
    """
    text = " · ".join(filter(None, (_words(error) for error in errors)))
    causes = [error for error in errors if not error.is_rollback]
    if not causes:
        return _without_cause(bool(errors), text)
    telling = [error for error in causes if error.errorno != WRAPPER] or causes
    for error in (*telling, *causes):
        if (found := _look_up(error, _TELLING)) is not None:
            return _known(*found, known or {}, text)
    vague = [(error, found) for error in causes if (found := _look_up(error, _VAGUE)) is not None]
    if len(vague) == len(causes):
        return _known(*vague[0][1], known or {}, text)
    silent = [error for error, _ in vague]
    return _unknown(next((error for error in telling if error not in silent), telling[0]), text)


def explain_broken(error: ConnectionBroken, side: str) -> Problem:
    """Why nobody is let in, for the failure of the connection; its culprit is the `side` at fault."""
    known = classify(error.errors) if error.errors else None
    if known is None or known.error_class is not ErrorClass.BROKEN:
        fix = "Check company, user, password and sender of the connection, then resume it."
        return Problem(ErrorClass.BROKEN, "not_let_in", str(error), fix, culprit=(side,))
    cause = f"{known.cause} ({error})"
    return Problem(known.error_class, known.code, cause, known.fix, culprit=(side,), who=known.who)


def _look_up(error: GatewayErrorEntry, entries: Sequence[Entry]) -> tuple[Entry, Mapping[str, str]] | None:
    return next(((entry, found) for entry in entries if (found := entry.match(error)) is not None), None)


def _known(entry: Entry, found: Mapping[str, str], known: Mapping[str, str], text: str) -> Classified:
    words = {**known, **found}
    culprit = tuple(found[name] for name in entry.culprits if found.get(name))
    cause, fix = _filled(entry.cause, words), _filled(entry.fix, words)
    return Classified(entry.error_class, entry.code, cause, fix, culprit, text, entry.who)


def _without_cause(rolled_back: bool, text: str) -> Classified:
    if rolled_back:
        return Classified(
            ErrorClass.UNAVAILABLE,
            "rolled_back",
            "Intacct undid this together with another document of the request.",
            "Nothing to do: sent again by itself.",
            (),
            text,
        )
    return Classified(
        ErrorClass.UNKNOWN,
        "no_reason",
        "Intacct rejected this without a reason.",
        "Look at the document in Intacct, then replay.",
        (),
        text,
    )


def _unknown(error: GatewayErrorEntry, text: str) -> Classified:
    said = strip_support_id(error.description2) or f"Intacct answered {error.errorno or 'an error'} without a text."
    fix = strip_support_id(error.correction) or "Look at the document in Intacct; correct what it says, then replay."
    general = _PARTICULARS.sub("#", said)
    return Classified(ErrorClass.UNKNOWN, error.errorno or "unknown", said, fix, (general,), text)


def _words(error: GatewayErrorEntry) -> str:
    return " ".join(filter(None, (error.errorno, sentence(error))))


def _filled(template: str, words: Mapping[str, str]) -> str:
    def word(found: re.Match[str]) -> str:
        name = found.group(1)
        return words.get(name) or _PLAIN_WORDS.get(name, name)

    def part(found: re.Match[str]) -> str:
        return found.group(1) if all(words.get(name) for name in _PLACEHOLDER.findall(found.group(1))) else ""

    known = _OPTIONAL.sub(part, template.replace("{{", "\0").replace("}}", "\1"))
    text = _PLACEHOLDER.sub(word, known)
    filled = text.replace("\0", "{").replace("\1", "}")
    return filled[:1].upper() + filled[1:]
