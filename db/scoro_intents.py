"""What is to stand in Scoro: documents that Intacct has, the writes that are intended for them, and trying again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from db import outbox
from db.database import Ledger, one
from schemas.kinds import Kind


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to stand in Scoro of a document: `intent` in our words, None: nothing.

    `replaces`: whether a record that stands there is changed in place, else it is deleted and made anew.
    """

    document_id: int
    intent: Mapping[str, Any] | None
    fingerprint: str
    replaces: bool
    lane_id: int
    """What is written one at a time: the document itself, of a receipt the one that it pays."""
    need_id: int | None = None
    interactive: bool = False


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document that Intacct has and Scoro is to get; `object` and `record_no` are its record."""

    kind: Kind
    object: str
    record_no: str
    natural_key: str
    number: str
    amount: Decimal | None
    currency: str | None
    document_date: date | None


ADD_DOCUMENTS = """WITH given AS MATERIALIZED (
        SELECT nextval(pg_get_serial_sequence('document', 'id')) AS id, g.* FROM jsonb_to_recordset(%(rows)s) AS g (
            place integer, kind document_kind, module text, object text, record_no text, natural_key text, number text,
            amount numeric, currency text, document_date date) ORDER BY place
    ), documents AS (
        INSERT INTO document (id, connection_id, module, kind, number, amount, currency, document_date, inbound)
        OVERRIDING SYSTEM VALUE
        SELECT id, %(connection)s, module, kind, number, amount, currency, document_date, true FROM given
    ), links AS (
        INSERT INTO link (document_id, connection_id, object, record_no, natural_key)
        SELECT id, %(connection)s, object, record_no, natural_key FROM given)
    SELECT id FROM given ORDER BY place"""


def add_documents(ledger: Ledger, connection_id: int, documents: Sequence[NewDocument]) -> list[int]:
    """Add documents with their links; returns their ids in the order given."""
    rows = [
        {
            "place": place,
            "kind": d.kind,
            "module": d.kind.module,
            "object": d.object,
            "record_no": d.record_no,
            "natural_key": d.natural_key,
            "number": d.number,
            "amount": None if d.amount is None else str(d.amount),
            "currency": d.currency,
            "document_date": None if d.document_date is None else d.document_date.isoformat(),
        }
        for place, d in enumerate(documents)
    ]
    found = ledger.execute(ADD_DOCUMENTS, {"rows": Jsonb(rows), "connection": connection_id}).fetchall()
    return [row["id"] for row in found]


STANDING = """SELECT d.id, coalesce(l.source_fingerprint, '') AS stands, w.id AS waiting,
        w.fingerprint AS waiting_for,
        EXISTS (SELECT FROM scoro_write u WHERE u.document_id = d.id AND u.state IN ('sending', 'uncertain'))
            AS in_doubt,
        (SELECT CASE WHEN r.state = 'refused' THEN r.fingerprint END FROM scoro_write r
         WHERE r.document_id = d.id ORDER BY r.id DESC LIMIT 1) AS refused
    FROM document d LEFT JOIN link l ON l.document_id = d.id
    LEFT JOIN scoro_write w ON w.document_id = d.id AND w.state IN ('ready', 'waiting_person')
    WHERE d.id = ANY(%s)"""


@dataclass(frozen=True, slots=True)
class _Choice:
    """What becomes of one document: a new write, or none; what waited is dropped, or stays."""

    verb: str = ""
    goal: str = ""
    """Fingerprint of what stands once it is written."""
    drops: bool = False
    shows: str = ""
    later: bool = False
    """Whether the record must be thought about again once a write of it is settled."""


def _choose(want: Wanted, now: Mapping[str, Any]) -> _Choice:
    """Compare what is wanted with what stands, waits or was refused; pure."""
    aim = want.fingerprint if want.intent is not None else ""
    if now["in_doubt"]:
        return _Choice(later=True)
    waits = now["waiting"] is not None
    if aim == now["stands"]:
        return _Choice(drops=waits, shows=("posted" if aim else "deleted") if waits else "")
    verb = "create" if not now["stands"] else "update" if aim and want.replaces else "delete"
    goal = "" if verb == "delete" else aim
    anew = verb == "delete" and bool(aim)
    if waits and now["waiting_for"] == goal:
        return _Choice(later=anew)
    if now["refused"] == goal and not want.interactive:
        return _Choice(later=anew)
    return _Choice(verb, goal, drops=waits, later=anew)


def intend(ledger: Ledger, connection_id: int, wanted: Sequence[Wanted]) -> set[int]:
    """Commit what is to be written; returns the documents whose record is new again once a write of them is settled.

    What stands already, waits already or was refused just like that is left; a newer intent takes the place of one
    that has not left.
    """
    if not wanted:
        return set()
    ids = [want.document_id for want in wanted]
    ledger.execute("SELECT FROM document WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [ids])
    ledger.execute("SELECT FROM scoro_write WHERE document_id = ANY(%s) ORDER BY id FOR UPDATE", [ids])
    standing = {row["id"]: row for row in ledger.execute(STANDING.encode(), [ids]).fetchall()}
    choices = [(want, _choose(want, standing[want.document_id])) for want in wanted]
    writes = [(want, choice) for want, choice in choices if choice.verb]
    _supersede(
        ledger,
        [standing[want.document_id]["waiting"] for want, choice in choices if choice.drops],
        [want.document_id for want, _ in writes],
    )
    _add(ledger, connection_id, writes)
    later = {want.document_id for want, choice in choices if choice.later}
    ledger.execute(
        """UPDATE scoro_write SET think_again = true
           WHERE document_id = ANY(%s) AND state IN ('ready', 'sending', 'uncertain')""",
        [sorted(later)],
    )
    shown = {want.document_id: choice.shows for want, choice in choices if choice.shows}
    if shown:
        ledger.execute(
            """UPDATE document d SET state = g.state::document_state, reason = ''
               FROM unnest(%s::bigint[], %s::text[]) AS g (id, state) WHERE d.id = g.id""",
            [list(shown), list(shown.values())],
        )
    if writes:
        outbox.ring(ledger, "pull", connection_id)
    return later


def _add(ledger: Ledger, connection_id: int, writes: Sequence[tuple[Wanted, _Choice]]) -> None:
    rows = [
        {
            "document_id": want.document_id,
            "lane_id": want.lane_id,
            "verb": choice.verb,
            "intent": dict(want.intent or {}),
            "fingerprint": choice.goal,
            "need_id": want.need_id,
            "interactive": want.interactive,
        }
        for want, choice in writes
    ]
    ledger.execute(
        """INSERT INTO scoro_write (connection_id, document_id, lane_id, verb, intent, fingerprint, need_id,
               interactive)
           SELECT %s, g.document_id, g.lane_id, g.verb, g.intent, g.fingerprint, g.need_id, g.interactive
           FROM jsonb_to_recordset(%s) AS g (document_id bigint, lane_id bigint, verb scoro_verb, intent jsonb,
               fingerprint text, need_id bigint, interactive boolean)""",
        [connection_id, Jsonb(rows)],
    )


def _supersede(ledger: Ledger, writes: Sequence[int], documents: Sequence[int]) -> None:
    ledger.execute(
        """UPDATE scoro_write SET state = 'superseded', reason = 'a newer intent took its place',
               settled_at = ledger_now()
           WHERE id = ANY(%s) OR (document_id = ANY(%s) AND state = 'refused')""",
        [list(writes), list(documents)],
    )


def again(ledger: Ledger, document_ids: Collection[int], *, interactive: bool = True) -> int:
    """Write again what was refused or is held: a person has put it right; returns how many."""
    released = ledger.execute(
        """UPDATE scoro_write SET state = 'ready', reason = '', due_at = ledger_now(), interactive = %s, attempts = 0
           WHERE document_id = ANY(%s) AND state = 'waiting_person' RETURNING connection_id""",
        [interactive, list(document_ids)],
    ).fetchall()
    renewed = ledger.execute(
        """WITH ended AS (
               SELECT DISTINCT ON (w.document_id) w.* FROM scoro_write w WHERE w.document_id = ANY(%(ids)s)
               ORDER BY w.document_id, w.id DESC
           ), old AS (
               UPDATE scoro_write w SET state = 'superseded', reason = 'written again' FROM ended e
               WHERE w.id = e.id AND w.state = 'refused' RETURNING w.*)
           INSERT INTO scoro_write (connection_id, document_id, lane_id, verb, intent, fingerprint, need_id,
               interactive)
           SELECT connection_id, document_id, lane_id, verb, intent, fingerprint, need_id, %(interactive)s FROM old
           RETURNING connection_id""",
        {"ids": list(document_ids), "interactive": interactive},
    ).fetchall()
    connections = {row["connection_id"] for row in [*released, *renewed]}
    outbox.ring(ledger, "pull", *connections)
    return len(released) + len(renewed)


def retry(ledger: Ledger, document_ids: Collection[int], *, interactive: bool = False) -> None:
    """Try documents again that come from Intacct.

    What was refused or is held goes again, with the records that it needs; what could not be translated is thought
    about anew.
    """
    needs = ledger.execute(
        """SELECT DISTINCT need_id FROM scoro_write
           WHERE document_id = ANY(%s) AND state = 'ready' AND need_id IS NOT NULL""",
        [list(document_ids)],
    ).fetchall()
    again(ledger, [*document_ids, *(row["need_id"] for row in needs)], interactive=interactive)
    rows = ledger.execute(
        """UPDATE pulled p SET state = 'new' FROM link l
           WHERE l.document_id = ANY(%s) AND p.connection_id = l.connection_id AND p.object = l.object
             AND p.record_no = l.record_no::bigint AND NOT EXISTS (SELECT FROM scoro_write w
                 WHERE w.document_id = l.document_id AND w.state IN ('ready', 'sending', 'uncertain'))
           RETURNING p.connection_id""",
        [list(document_ids)],
    ).fetchall()
    outbox.ring(ledger, "pull", *{row["connection_id"] for row in rows})


def vendor_documents(ledger: Ledger, connection_id: int, vendor_ids: Collection[str]) -> dict[str, int]:
    """The document of each vendor (by VENDORID): one that has a contact in Scoro before one that is to get it."""
    rows = ledger.execute(
        """SELECT DISTINCT ON (l.natural_key) l.natural_key, d.id FROM link l JOIN document d ON d.id = l.document_id
           WHERE l.connection_id = %s AND l.object = 'VENDOR' AND l.natural_key = ANY(%s)
           ORDER BY l.natural_key, d.scoro_id IS NULL, d.id""",
        [connection_id, list(vendor_ids)],
    ).fetchall()
    return {row["natural_key"]: row["id"] for row in rows}


def open_bills(ledger: Ledger, connection_id: int) -> int:
    """How many bills are on their way in either direction, or are held up."""
    row = one(
        ledger,
        """SELECT count(*) AS n FROM document d WHERE d.connection_id = %s AND d.module = 'bills'
             AND (d.state IN ('waiting', 'sending', 'uncertain', 'held', 'failed')
                  OR EXISTS (SELECT FROM change c WHERE c.document_id = d.id AND c.state IN ('waiting', 'reading')))""",
        [connection_id],
    )
    return int(row["n"])
