"""The reference of errors for people, written from the catalogues and the retry policy themselves."""

from collections.abc import Iterable, Sequence

from clients.intacct import known_errors as intacct
from clients.scoro import known_errors as scoro
from schemas.errors import ErrorClass
from workers.delivery.policy import RETRIES, Retry

_HEAD = """# Errors

This page is generated from the catalogues of errors and the retry policy (`scripts/errors`); do not edit it.

Every error of Scoro and Intacct is sorted once, where it arrives, into a class. The class says what happens next;
the catalogue says what it means and who can put it right. A text that no catalogue knows is of the class `unknown`:
it is told as it is, and waits for a person.
"""

_CLASSES = {
    ErrorClass.DATA: "the document or a setting is wrong",
    ErrorClass.REFUSED: "the rules of the other side say no",
    ErrorClass.DUPLICATE: "it is there already",
    ErrorClass.NOT_FOUND: "Scoro does not know the document",
    ErrorClass.THROTTLED: "too many requests; the whole company waits",
    ErrorClass.UNAVAILABLE: "nothing ran",
    ErrorClass.UNCERTAIN: "it may have run",
    ErrorClass.BROKEN: "credentials or rights: the connection is at fault",
    ErrorClass.HELD: "a limit was reached beyond which a person is asked first",
    ErrorClass.BUG: "scoro-intacct is at fault",
    ErrorClass.POISON: "a message that nothing can handle",
    ErrorClass.UNKNOWN: "a text that no catalogue knows",
}


def errors_document() -> str:
    """The page in Markdown."""
    policy = ((f"`{c}`", _CLASSES[c], _delays(r), str(r.limit) if r.limit else "–", r.then) for c, r in RETRIES.items())
    of_intacct = (
        (
            f"`{e.code}`",
            e.error_class,
            ", ".join(sorted(e.numbers)) or "–",
            e.says,
            e.cause,
            e.fix,
            e.who,
            ", ".join(e.culprits) or "–",
        )
        for e in intacct.KNOWN_ERRORS
    )
    of_scoro = ((f"`{e.code}`", e.error_class, e.says, e.cause, e.fix, e.who) for e in scoro.KNOWN_ERRORS)
    words = ("cause", "fix", "who can fix it")
    return "\n".join(
        (
            _HEAD,
            "## What happens next\n",
            _table(("class", "meaning", "tried again after", "at most", "then"), policy),
            f"\n## Intacct (version {intacct.CATALOGUE_VERSION})\n",
            "The first row that fits decides. Equal codes with equal culprits are one failure of many documents. What"
            " stands in brackets is told where Intacct names it.\n",
            _table(("code", "class", "number", "Intacct says", *words, "culprits"), of_intacct),
            f"\n## Scoro (version {scoro.CATALOGUE_VERSION})\n",
            _table(("code", "class", "Scoro says", *words), of_scoro),
            "",
        )
    )


def _delays(retry: Retry) -> str:
    if not retry.delays_s:
        return "–"
    delays = [f"{delay:g}" for delay in retry.delays_s]
    return f"{', '.join(delays)} s, then every {delays[-1]} s"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Text of one cell; a brace of a template is one brace, a placeholder stays in its braces."""
    return text.replace("{{", "{").replace("}}", "}").replace("|", "\\|")
