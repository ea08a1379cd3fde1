"""Older documents: what may stand in Intacct from before a connection went live is looked up before it is sent.

An operation of one carries `look_first`. It stays `ready`, but no pack takes it until a look-up has found its number
absent; equal ones are linked, different ones wait for a person. In rehearsal findings only inform.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from db.database import Ledger, one
from db.operations import PARTIES
from schemas.kinds import DOCUMENT_KINDS, Kind


@dataclass(frozen=True, slots=True)
class Older:
    """An operation that would create a document whose number may be taken.

    `party` is the id of its customer or vendor; `party_name` is set where that one is itself still to be made, as
    `party_document`. `tries` is how many look-ups in a row gave no answer.
    """

    id: UUID
    document_id: int
    kind: Kind
    object: str
    number: str
    party: str
    party_document: int | None
    party_name: str
    total: Decimal | None
    currency: str
    tries: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What Intacct holds of an older document: `absent`, `equal` or `different`; the reason says how.

    `party` is the customer or vendor of an equal record.
    """

    id: UUID
    result: str
    record_no: str | None = None
    record_state: str | None = None
    party: str = ""
    reason: str = ""


OLDER = """SELECT o.id, o.document_id, d.kind, o.object, o.natural_key AS number, o.party, o.total,
        coalesce(nullif(d.currency, ''), n.base_currency) AS currency, o.look_ups AS tries,
        made.document_id AS party_document, coalesce(made.name, '') AS party_name
    FROM operation o JOIN document d ON d.id = o.document_id JOIN connection n ON n.id = o.connection_id
    LEFT JOIN LATERAL (
        SELECT p.document_id, p.function #>> ARRAY['body', p.object, 'NAME'] AS name
        FROM operation_need w JOIN operation p ON p.document_id = w.document_id
        WHERE w.operation_id = o.id AND p.object = ANY(%(parties)s) AND p.verb = 'create'
          AND p.state IN ('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person', 'sending', 'uncertain')
          AND NOT EXISTS (SELECT FROM link l WHERE l.document_id = p.document_id) LIMIT 1) made ON true"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many older documents are due for a look-up, since when, and whether a person waits for one of them."""

    count: int
    oldest_s: float
    interactive: bool
    documents: tuple[int, ...]


def waiting(ledger: Ledger, connection_id: int, limit: int) -> Waiting:
    """What a look-up would be made of now."""
    row = one(
        ledger,
        """SELECT count(*)::int AS count,
               coalesce(max(extract(epoch FROM ledger_now() - due_at)), 0)::float AS oldest_s,
               coalesce(bool_or(purpose = 'interactive'), false) AS interactive,
               coalesce(array_agg(document_id), '{}') AS documents
           FROM (SELECT due_at, purpose, document_id FROM operation WHERE connection_id = %s AND look_first
                 AND state IN ('ready', 'waiting_quota') AND due_at <= ledger_now() LIMIT %s) o""",
        [connection_id, limit],
    )
    return Waiting(row["count"], row["oldest_s"], row["interactive"], tuple(row["documents"]))


def others_ready(ledger: Ledger, connection_id: int) -> bool:
    """Whether documents that need no look-up are due: what they leave with can ask for the others too."""
    row = one(
        ledger,
        """SELECT EXISTS (SELECT FROM operation o JOIN document d ON d.id = o.document_id
               WHERE o.connection_id = %s AND NOT o.look_first AND o.state = 'ready' AND o.due_at <= ledger_now()
                 AND d.kind = ANY(%s::document_kind[])) AS yes""",
        [connection_id, list(DOCUMENT_KINDS)],
    )
    return bool(row["yes"])


def claim(ledger: Ledger, connection_id: int, limit: int, *, again_s: float, again_at_most_s: float) -> list[Older]:
    """Take due operations for a look-up; due again later, in case it is not answered, ever later."""
    rows = ledger.execute(
        """UPDATE operation SET look_ups = look_ups + 1,
               due_at = ledger_now() + make_interval(secs => least(%s * 2 ^ least(look_ups, 20), %s))
           WHERE id IN (SELECT id FROM operation WHERE connection_id = %s AND look_first
                        AND state IN ('ready', 'waiting_quota') AND due_at <= ledger_now()
                        ORDER BY purpose = 'interactive' DESC, due_at LIMIT %s FOR UPDATE SKIP LOCKED)
           RETURNING id""",
        [again_s, again_at_most_s, connection_id, limit],
    ).fetchall()
    return of_ids(ledger, [row["id"] for row in rows])


def of_ids(ledger: Ledger, ids: Sequence[UUID]) -> list[Older]:
    """These operations, by number."""
    rows = ledger.execute(
        f"{OLDER} WHERE o.id = ANY(%(ids)s) ORDER BY o.object, o.natural_key, o.id".encode(),
        {"ids": list(ids), "parties": list(PARTIES)},
    ).fetchall()
    return [Older(**{**row, "kind": Kind(row["kind"])}) for row in rows]


def due(ledger: Ledger, connection_id: int, limit: int) -> list[Older]:
    """Operations that are due for a look-up, unclaimed: asking twice does no harm."""
    rows = ledger.execute(
        f"""{OLDER} WHERE o.connection_id = %(connection)s AND o.look_first AND o.state IN ('ready', 'waiting_quota')
              AND o.due_at <= ledger_now()
            ORDER BY o.purpose = 'interactive' DESC, o.due_at LIMIT %(limit)s""".encode(),
        {"connection": connection_id, "parties": list(PARTIES), "limit": limit},
    ).fetchall()
    return [Older(**{**row, "kind": Kind(row["kind"])}) for row in rows]


def never_found(ledger: Ledger, connection_id: int, limit: int) -> list[Older]:
    """Operations of a rehearsal of which nothing was asked yet."""
    rows = ledger.execute(
        f"""{OLDER} WHERE o.connection_id = %(connection)s AND o.look_first AND o.state IN ('ready', 'waiting_quota')
              AND NOT EXISTS (SELECT FROM finding f WHERE f.operation_id = o.id)
            ORDER BY o.object, o.natural_key, o.id LIMIT %(limit)s""".encode(),
        {"connection": connection_id, "parties": list(PARTIES), "limit": limit},
    ).fetchall()
    return [Older(**{**row, "kind": Kind(row["kind"])}) for row in rows]


def save(ledger: Ledger, findings: Sequence[Finding]) -> None:
    """Keep what was found."""
    ledger.execute(
        """INSERT INTO finding (operation_id, result, record_no, reason)
           SELECT * FROM unnest(%s::uuid[], %s::finding_result[], %s::text[], %s::text[])
           ON CONFLICT (operation_id) DO UPDATE SET at = excluded.at, result = excluded.result,
               record_no = excluded.record_no, reason = excluded.reason""",
        [
            [f.id for f in findings],
            [f.result for f in findings],
            [f.record_no for f in findings],
            [f.reason for f in findings],
        ],
    )


def release(ledger: Ledger, ids: Sequence[UUID]) -> None:
    """They are absent: packs may take them."""
    ledger.execute(
        """UPDATE operation SET look_first = false, look_ups = 0, due_at = ledger_now()
           WHERE id = ANY(%s) AND look_first AND state IN ('ready', 'waiting_quota')""",
        [list(ids)],
    )


def hold(ledger: Ledger, findings: Sequence[Finding]) -> None:
    """A person decides about these: ready -> waiting_person."""
    ledger.execute(
        """UPDATE operation o SET state = 'waiting_person', reason = g.reason, look_ups = 0
           FROM unnest(%s::uuid[], %s::text[]) AS g (id, reason)
           WHERE o.id = g.id AND o.look_first AND o.state IN ('ready', 'waiting_quota')""",
        [[f.id for f in findings], [f.reason for f in findings]],
    )


def still_waiting(ledger: Ledger, ids: Sequence[UUID]) -> set[UUID]:
    """Of these those that still wait for the look-up, locked; others have been superseded or answered meanwhile."""
    rows = ledger.execute(
        """SELECT id FROM operation WHERE id = ANY(%s) AND look_first AND state IN ('ready', 'waiting_quota')
           ORDER BY id FOR UPDATE""",
        [list(ids)],
    ).fetchall()
    return {row["id"] for row in rows}


# ------------------------------------------------------------------------------------------------- parties


@dataclass(frozen=True, slots=True)
class Known:
    """A customer or vendor that Intacct has, as the reference data tells."""

    name: str
    record_no: str


def known_parties(ledger: Ledger, connection_id: int) -> dict[tuple[str, str], Known]:
    """Customers and vendors by (object, id)."""
    rows = ledger.execute(
        """SELECT upper(topic) AS object, key, data ->> 'name' AS name, data ->> 'record_no' AS record_no FROM reference
           WHERE connection_id = %s AND source = 'intacct' AND topic IN ('customer', 'vendor')
             AND data ? 'record_no'""",
        [connection_id],
    ).fetchall()
    return {(row["object"], row["key"]): Known(row["name"] or "", row["record_no"]) for row in rows}


def link_parties(ledger: Ledger, connection_id: int, learned: Sequence[tuple[int, str, str, str]]) -> None:
    """Link contacts (document, object, id, record number) to the parties that their documents stand with in Intacct.

    Their own creates are superseded, and what else waits for them is translated again, as it named the new id.
    """
    documents = [row[0] for row in learned]
    ledger.execute("SELECT FROM document WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [documents])
    ledger.execute(
        """INSERT INTO link (document_id, connection_id, object, record_no, natural_key)
           SELECT g.document_id, %s, g.object, g.record_no, g.party
           FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS g (document_id, object, party, record_no)
           ON CONFLICT DO NOTHING""",
        [connection_id, documents, *([row[place] for row in learned] for place in (1, 2, 3))],
    )
    again = ledger.execute(
        """UPDATE operation SET state = 'superseded', settled_at = ledger_now(),
               reason = 'the customer or vendor was found in Intacct: translated again'
           WHERE state IN ('ready', 'waiting_quota', 'waiting_prerequisite')
             AND (document_id = ANY(%(documents)s) OR id IN (
                 SELECT operation_id FROM operation_need WHERE document_id = ANY(%(documents)s)))
           RETURNING document_id, document_id = ANY(%(documents)s) AS is_party""",
        {"documents": documents},
    ).fetchall()
    ledger.execute(
        "UPDATE document SET state = 'linked', reason = '' WHERE id = ANY(%s)",
        [documents],
    )
    read_again(ledger, [row["document_id"] for row in again if not row["is_party"]])


def read_again(ledger: Ledger, document_ids: Sequence[int]) -> None:
    """Capture that these documents are to be read and translated again."""
    ledger.execute(
        """INSERT INTO change (document_id, connection_id, origin, actor)
           SELECT id, connection_id, 'intacct', ledger_actor() FROM document WHERE id = ANY(%s) ORDER BY id
           ON CONFLICT (document_id) WHERE state = 'waiting' DO UPDATE SET hints = change.hints + 1""",
        [list(document_ids)],
    )
