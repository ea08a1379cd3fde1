"""What people choose about documents that are held: what Intacct holds or what Scoro says, and another day to post on.

NotDoneError         it was not done; the message is one sentence with the fix
"""

from datetime import date
from typing import Literal

from console.actions.documents import (
    NotDoneError,
    capture,
    check_connected,
    check_settled,
    known_document,
    read_intacct,
    read_scoro,
    title_of,
)
from db import follow_ups, intake, links
from db.connections import Connection
from db.database import Ledger as Session
from db.links import HeldOperation, Record, Standing
from schemas.kinds import Kind
from workers.delivery.hand_edits import EDITED
from workers.lifecycle.endings import movable
from workers.lifecycle.periods import PostingDay, first_named, next_day, tried_day
from workers.records import GONE_STATES, RecordMissingError
from workers.runtime import Runtime

Choice = Literal["theirs", "ours"]


def keep(
    runtime: Runtime, connection: Connection, kind: Kind, scoro_id: int, choice: Choice, *, actor: str
) -> list[str]:
    """Keep what Intacct holds of a held document (`theirs`), or have it hold what Scoro says (`ours`).

    The record is read by one charged request. *Theirs*: what Scoro says now counts as posted, and nothing is sent until
    the next edit; a record that is gone stays gone, and the document is ignored. *Ours*: the document is sent again,
    whole; a record that is gone is made again. Raises NotDoneError.
    """
    check_connected(connection)
    document_id, title = known_document(runtime, connection, kind, scoro_id), title_of(kind, scoro_id)
    standing = _held(runtime, document_id, title)
    held = standing.link or {}
    read = read_scoro(runtime, connection, kind, scoro_id, document_id)
    try:
        record: Record | None = read_intacct(runtime, connection, held["object"], held["record_no"])
    except RecordMissingError:
        record = None
    gone = record is None or record.state in GONE_STATES

    def work(session: Session) -> str:
        now = links.standing_of(session, document_id)
        check_settled(now, "chosen")
        if now.link is None or now.link["record_no"] != held["record_no"]:
            raise NotDoneError(f"{title} was linked otherwise meanwhile: look at it again.")
        if choice == "theirs" and (gone or record is None):
            state = record.state if record else "deleted"
            links.part(session, document_id)
            links.ignore(session, now, f"{state.lower()} in Intacct, and kept so by {actor}")
            return f"{title} stays {state.lower()} in Intacct; it is ignored until somebody sends it."
        if choice == "theirs" and read.is_deleted:
            links.ignore(session, now, f"deleted in Scoro, kept in Intacct by {actor}")
            return f"{title} stays in Intacct; it is ignored until somebody sends it."
        if choice == "theirs" and record is not None:
            links.link(session, connection.id, document_id, record, read.fingerprint)
            intake.add_revisions(session, [(document_id, read.fingerprint, read.source)])
            return f"{title} stays as Intacct holds it; the next edit in Scoro is sent."
        return _ours(
            session, connection, now, read_kind=kind, scoro_id=scoro_id, record=None if gone else record, actor=actor
        )

    said = runtime.db.run(work, actor=actor)
    runtime.db.run(
        lambda session: intake.add_notes(session, [(document_id, None, f"{actor} kept {choice}: {said}")]), actor=actor
    )
    return [said]


def next_open(runtime: Runtime, connection: Connection, kind: Kind, scoro_id: int, *, actor: str) -> list[str]:
    """Post a document whose period is closed on the first open day, whatever the setting says; raises NotDoneError."""
    check_connected(connection)
    document_id, title = known_document(runtime, connection, kind, scoro_id), title_of(kind, scoro_id)

    def work(session: Session) -> date:
        standing = links.standing_of(session, document_id)
        check_settled(standing, "posted on another day")
        held = links.held_operation(session, document_id)
        if held is None or held.code != "closed_period":
            raise NotDoneError(f"{title} does not wait for a closed period: `scoro-intacct send {kind} {scoro_id}`.")
        if not movable(held.verb, standing.link):
            raise NotDoneError(f"{title} is posted already, in a period that is closed since: open it in Intacct.")
        day = _first_open_day(session, connection, held)
        if day is None:
            raise NotDoneError(
                f"No day until today is open for {title}: open a period in Intacct, or change its date in Scoro."
            )
        follow_ups.post(session, [(document_id, day.day, day.dated)])
        capture(session, connection, kind, scoro_id, actor, interactive=True)
        return day.day

    return [f"{title} is on its way, posted on {runtime.db.run(work, actor=actor)}."]


def _held(runtime: Runtime, document_id: int, title: str) -> Standing:
    def look(session: Session) -> Standing:
        standing = links.standing_of(session, document_id)
        check_settled(standing, "chosen")
        if standing.link is None or (not standing.link["differs"] and not links.held_operation(session, document_id)):
            raise NotDoneError(f"{title} is not held for what Intacct holds: there is nothing to choose.")
        return standing

    return runtime.db.run(look)


def _ours(
    session: Session,
    connection: Connection,
    standing: Standing,
    *,
    read_kind: Kind,
    scoro_id: int,
    record: Record | None,
    actor: str,
) -> str:
    title, document_id = title_of(read_kind, scoro_id), standing.document_id
    differs = (standing.link or {}).get("differs") or {}
    if record is not None and differs.get("code") == EDITED:  # ours stands there already
        links.accept(session, document_id)
        return f"{title} stays as Scoro has it."
    if record is None:
        links.part(session, document_id)
        said = f"{title} is on its way: its record is gone from Intacct and is made again."
    else:
        links.link(session, connection.id, document_id, record, source_fingerprint="")
        said = f"{title} is on its way as Scoro has it."
    capture(session, connection, read_kind, scoro_id, actor, interactive=True)
    return said


def _first_open_day(session: Session, connection: Connection, held: HeldOperation) -> PostingDay | None:
    tried, known = tried_day(held.function), follow_ups.known(session, connection.id)
    if tried is None:
        return None
    return next_day(tried, first_named(" ".join(held.culprit)), known.closed_until, known.today)
