"""The known errors of Scoro's API: one table, from the error that a call raises to what a person reads.

Sources: scoro-api, sections 2, 3, 6. `clients.scoro.envelope` sorts the answers into the classes of
`clients.scoro.errors`; where one class has several causes, the words of the error tell them apart.
"""

import re
from dataclasses import dataclass

from clients.scoro.errors import ConnectionBroken, NotFound, Refused, ScoroError, Throttled, Unavailable, Uncertain
from schemas.errors import ErrorClass, Problem, Who

CATALOGUE_VERSION = 1
"""Counts up with every change of the table."""


@dataclass(frozen=True, slots=True)
class ScoroEntry:
    """One known error: `error` and `text` say which; `says` is what Scoro answers, for people."""

    error: type[ScoroError]
    code: str
    says: str
    who: Who
    cause: str
    fix: str
    text: re.Pattern[str] | None = None

    @property
    def error_class(self) -> ErrorClass:
        """What the caller does."""
        return self.error.error_class

    def fits(self, error: ScoroError) -> bool:
        """Whether this entry knows the error."""
        return isinstance(error, self.error) and (self.text is None or self.text.search(str(error)) is not None)


def _words(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


KNOWN_ERRORS: tuple[ScoroEntry, ...] = (
    ScoroEntry(
        NotFound,
        "not_in_scoro",
        "404; 400 with 'not found' or 'does not exist'",
        Who.FINANCE,
        "Scoro does not have this record, or no longer.",
        "Nothing to do if it was deleted on purpose; else restore it in Scoro.",
    ),
    ScoroEntry(
        Throttled,
        "day_used_up",
        "429, x-daily-requests-remaining: 0",
        Who.NOBODY,
        "The site's requests to Scoro's API for this day are used up.",
        "Nothing to do: it goes on after midnight UTC.",
        _words(r"requests of this day are used up"),
    ),
    ScoroEntry(
        Throttled,
        "throttled",
        "429: Too many requests",
        Who.NOBODY,
        "Scoro takes no more requests for some seconds.",
        "Nothing to do: asked again by itself.",
    ),
    ScoroEntry(
        ConnectionBroken,
        "wrong_address",
        "a web page or a redirection instead of JSON",
        Who.OPERATOR,
        "At the address of the site there is no Scoro.",
        "Correct the address of the site (`site set NAME url=…`).",
        _words(r"web page came back|address leads elsewhere|address cannot be used"),
    ),
    ScoroEntry(
        ConnectionBroken,
        "turned_away",
        "403: error code: 1010",
        Who.OPERATOR,
        "The network in front of Scoro turns this machine away.",
        "Check the proxy and the address from which this machine calls; ask Scoro if it goes on.",
        _words(r"error code: 10\d\d|cloudflare"),
    ),
    ScoroEntry(
        ConnectionBroken,
        "key_refused",
        "401: no valid key; 403: key wrong",
        Who.SCORO_ADMIN,
        "Scoro does not accept the API key or user token of the site, or it lacks a right.",
        "Make a key in Scoro (Settings > Site settings > Integrations > Scoro API) and give it to the site.",
    ),
    ScoroEntry(
        Unavailable,
        "out_of_service",
        "503: API usage temporarily suspended; 408 or 500 on a read; no connection",
        Who.NOBODY,
        "Scoro cannot be reached or is out of service for the moment; nothing was changed.",
        "Nothing to do: asked again by itself.",
    ),
    ScoroEntry(
        Uncertain,
        "no_answer",
        "408, 500 or no answer on a write",
        Who.NOBODY,
        "A write left for Scoro, and no answer says whether it ran.",
        "Nothing to do: it is looked up before it is sent again.",
    ),
    ScoroEntry(
        Refused,
        "request_refused",
        "400: missing or malformed parameter; 200 with status ERROR",
        Who.US,
        "Scoro refused the request.",
        "Report it together with Scoro's words.",
    ),
)
"""The known errors; the first that fits decides."""


def explain(error: ScoroError) -> Problem:
    """What an error of Scoro means, for the failure list: the cause with Scoro's own words, and the fix."""
    known = next((entry for entry in KNOWN_ERRORS if entry.fits(error)), None)
    if known is None:
        fix = "Look at the document in Scoro, then replay."
        return Problem(ErrorClass.UNKNOWN, "unknown", f"Scoro: {error}", fix)
    return Problem(known.error_class, known.code, f"{known.cause} ({error})", known.fix, who=known.who)
