"""Which documents a bookmark leaves out: only what is inside is synced (`data.*.bookmark`).

What cannot be found out is not sent: without a user's token, or with a bookmark that Scoro does not know, documents
become a failure that names the setting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from clients.scoro.client import ScoroClient
from clients.scoro.errors import ConnectionBroken, NotFound, Refused
from db.connections import Connection
from schemas.document_types import DOCUMENT_TYPES
from schemas.errors import ErrorClass, Problem
from schemas.kinds import Kind


@dataclass(frozen=True, slots=True)
class Bookmarked:
    """What is known of a batch: the reason why a document is left out by its id in Scoro, or why nobody knows."""

    outside: Mapping[int, str] = field(default_factory=dict)
    problem: Problem | None = None
    is_set: bool = False


def bookmarked(
    scoro: ScoroClient, connection: Connection, module: str, ids: Sequence[int], *, of: Kind | None = None
) -> Bookmarked:
    """Ask Scoro which of these records the bookmark of their module holds; nothing is asked where there is none.

    `of` names the kind whose settings name the bookmark, where it is not the module's own.
    """
    kind = of or DOCUMENT_TYPES[module].kinds[0]
    key = f"data.{kind.module}.bookmark"
    bookmark = connection.settings.data.of(kind).bookmark
    if not bookmark or not ids:
        return Bookmarked()
    if not scoro.has_user:
        return Bookmarked(problem=_problem(connection, key, bookmark, "the site has no user's token"), is_set=True)
    try:
        held = scoro.inside(module, ids, bookmark)
    except (Refused, NotFound, ConnectionBroken) as error:
        return Bookmarked(problem=_problem(connection, key, bookmark, str(error)), is_set=True)
    reason = f"it is outside the bookmark {bookmark} ({key})"
    return Bookmarked({id: reason for id in ids if id not in held}, is_set=True)


def _problem(connection: Connection, key: str, bookmark: str, why: str) -> Problem:
    return Problem(
        ErrorClass.DATA,
        "bookmark_unreadable",
        f"Nobody can tell what the bookmark {bookmark} holds ({key}): {why}.",
        f"Give the site a user's token, as bookmarks cannot be read without one (`scoro-intacct site set"
        f" {connection.site.name} user-token-file=F`), and check the bookmark's id; or unset it with"
        f" `scoro-intacct connection set {connection.name} {key}=`. Then replay.",
        key,
        (key, bookmark),
    )
