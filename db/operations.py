"""Operations on their way to Intacct: what is due, what a pack claims, and how each one is settled.

Every transition names the states that it starts from; `operation_transition` in the database refuses all others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from db import applications, drafts
from db.creates import COUNTED
from db.database import Ledger
from schemas.kinds import Kind, Purpose

PARTIES = ("CUSTOMER", "VENDOR")
"""Objects of which one record may serve several contacts of Scoro."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ready operation that a pack may take."""

    id: UUID
    document_id: int
    kind: Kind
    purpose: Purpose
    bytes: int
    pack_group: UUID | None
    age_s: float
    needs: tuple[int, ...]
    """Documents that must stand in Intacct first and do not yet."""
    is_new: bool = False
    """Whether it would make a new document, on its first try (`db.creates`)."""
    is_alone: bool = False
    """Whether it fills a request, as all of it runs or none: its functions are one transaction of the gateway."""
    carries_files: bool = False


@dataclass(frozen=True, slots=True)
class Sending:
    """An operation whose intent is committed, or that is looked up."""

    id: UUID
    document_id: int
    kind: Kind
    scoro_id: int
    verb: str
    object: str
    natural_key: str
    party: str
    total: Decimal | None
    function: Mapping[str, Any]
    controlid: str
    attempts: int
    doubted: bool
    fresh_controlids: int
    bisect_root: int | None
    needs: tuple[int, ...]
    first_left_at: datetime | None
    certain_in_s: float
    """How long an absent record may still appear; 0: it is believed absent."""
    problem: Mapping[str, Any] | None
    link: Mapping[str, Any] | None
    previous: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a refusal tells of a document, beside that it was refused (`db.follow_ups`).

    `record_state` is the state of its record, empty where nothing is known. `differs`: what is wrong is kept with the
    link until a person chooses. `closed_on` is a day whose period is closed, `post_on` the day to post on instead
    (`dated`: the document's date moves too). `anew`: it is planned anew at once, without a person.
    """

    record_state: str = ""
    differs: bool = False
    closed_on: date | None = None
    post_on: date | None = None
    dated: bool = False
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one operation ends or goes on."""

    id: UUID
    state: str
    reason: str = ""
    outcome: str = ""
    record_no: str | None = None
    record_state: str | None = None
    delay_s: float = 0.0
    problem: Mapping[str, Any] | None = None
    fresh_controlid: bool = False
    pack_group: UUID | None = None
    bisect_root: int | None = None
    answered: str = ""
    """What Intacct said, for people: redacted and shortened."""
    linked: bool = False
    """The record stood in Intacct before us: the document is linked rather than posted."""
    missing: frozenset[str] = frozenset()
    """Names of the operation's files that the record lacks all the same."""
    follow_up: FollowUp | None = None

    @property
    def goes_on(self) -> bool:
        """Whether it is planned anew by itself."""
        return self.follow_up is not None and self.follow_up.anew


OPEN = "('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person', 'sending', 'uncertain')"
"""SQL: the states of operations that are not settled."""

NEEDS = """ARRAY(SELECT n.document_id FROM operation_need n WHERE n.operation_id = o.id
    AND NOT EXISTS (SELECT FROM link l WHERE l.document_id = n.document_id))"""

NEEDED = """EXISTS (SELECT FROM operation_need w JOIN operation x ON x.id = w.operation_id
    WHERE w.document_id = o.document_id AND x.state IN {states})"""
SENDABLE = NEEDED.format(states="('ready', 'waiting_quota', 'waiting_prerequisite') AND NOT x.look_first")
"""SQL: an operation that waits for the record of `o` is to be sent."""
FOR_OTHERS = """o.verb = 'create' AND d.kind IN ('customer', 'vendor', 'folder', 'attachment')
    AND EXISTS (SELECT FROM operation_need w WHERE w.document_id = o.document_id)"""
"""SQL: `o` makes a record `d` for documents that need it, and goes along with the first of them alone."""

CANDIDATES = f"""SELECT o.id, o.document_id, d.kind, o.purpose, o.bytes, o.pack_group,
        extract(epoch FROM ledger_now() - o.due_at)::float AS age_s, {NEEDS} AS needs,
        o.verb = 'replace' AS is_alone, {COUNTED} AND o.first_left_at IS NULL AS is_new,
        o.object = 'SUPDOC' AS carries_files
    FROM operation o JOIN document d ON d.id = o.document_id
    WHERE {{which}} AND o.state IN ('ready', 'waiting_quota') AND o.due_at <= ledger_now()
      AND NOT o.look_first AND o.prepared AND NOT ({drafts.STALE})
      AND (NOT ({FOR_OTHERS}) OR {SENDABLE})
      AND NOT EXISTS (SELECT FROM operation u WHERE u.document_id = o.document_id
                      AND u.state IN ('sending', 'uncertain'))
    ORDER BY o.purpose = 'interactive' DESC, o.due_at, o.created_at LIMIT %(limit)s FOR UPDATE OF o SKIP LOCKED"""


def candidates(ledger: Ledger, connection_id: int, limit: int) -> list[Candidate]:
    """Due operations of a connection, locked until the transaction ends, with every prerequisite that can go along."""
    rows = ledger.execute(
        CANDIDATES.format(which="o.connection_id = %(connection)s").encode(),
        {"connection": connection_id, "limit": limit},
    ).fetchall()
    here = {row["document_id"] for row in rows}
    absent = sorted({need for row in rows for need in row["needs"]} - here)
    if absent:
        rows += ledger.execute(
            CANDIDATES.format(which="o.document_id = ANY(%(documents)s)").encode(),
            {"documents": absent, "limit": len(absent)},
        ).fetchall()
    return [
        Candidate(
            r["id"],
            r["document_id"],
            Kind(r["kind"]),
            Purpose(r["purpose"]),
            r["bytes"],
            r["pack_group"],
            r["age_s"],
            tuple(r["needs"]),
            r["is_new"],
            r["is_alone"],
            r["carries_files"],
        )
        for r in rows
    ]


def wait_for_prerequisite(ledger: Ledger, waiting: Mapping[UUID, str]) -> None:
    """Ready -> waiting_prerequisite, with the reason."""
    ledger.execute(
        """UPDATE operation o SET state = 'waiting_prerequisite', reason = g.reason
           FROM unnest(%s::uuid[], %s::text[]) AS g (id, reason)
           WHERE o.id = g.id AND o.state IN ('ready', 'waiting_quota')""",
        [list(waiting), list(waiting.values())],
    )


def wait_for_quota(ledger: Ledger, connection_id: int, until: datetime, reason: str, *, look_ups: bool) -> None:
    """What is ready of a connection waits until the month's requests come back; look-ups too if even they ran out."""
    ledger.execute(
        """UPDATE operation SET state = CASE state WHEN 'ready' THEN 'waiting_quota' ELSE state END,
               due_at = %(until)s, reason = %(reason)s
           WHERE connection_id = %(connection)s AND due_at < %(until)s
             AND (state IN ('ready', 'waiting_quota') OR (%(look_ups)s AND state = 'uncertain'))""",
        {"until": until, "reason": reason, "connection": connection_id, "look_ups": look_ups},
    )


def release_quota_waits(ledger: Ledger, site_id: int) -> list[int]:
    """The limit was raised: what waited for it is ready; returns the connections."""
    rows = ledger.execute(
        """UPDATE operation SET
               state = CASE WHEN state = 'waiting_quota' THEN 'ready' ELSE state END, reason = '', due_at = ledger_now()
           WHERE connection_id IN (SELECT id FROM connection WHERE site_id = %s)
             AND (state = 'waiting_quota' OR (state = 'uncertain' AND reason LIKE 'waits for requests%%'))
           RETURNING connection_id""",
        [site_id],
    ).fetchall()
    return sorted({row["connection_id"] for row in rows})


def mark_sending(ledger: Ledger, request_id: int, ids: Sequence[UUID]) -> None:
    """Commit the intent: ready -> sending, one attempt more, carried by this request."""
    ledger.execute(
        """UPDATE operation SET state = 'sending', reason = '', problem = NULL, attempts = attempts + 1,
               request_id = %s,
               first_left_at = coalesce(first_left_at, ledger_now())
           WHERE id = ANY(%s) AND state IN ('ready', 'waiting_quota')""",
        [request_id, list(ids)],
    )
    note_attempts(ledger, request_id, ids)


DETAIL = f"""SELECT o.id, o.document_id, d.kind, d.scoro_id, o.verb, o.object, o.natural_key, o.party, o.total,
    o.function,
        o.controlid, o.attempts, o.doubted, o.fresh_controlids, o.bisect_root, o.first_left_at, {NEEDS} AS needs,
        greatest(0, extract(epoch FROM o.certain_at - ledger_now()))::float AS certain_in_s, o.problem,
        to_jsonb(l) AS link, l.function AS previous
    FROM operation o JOIN document d ON d.id = o.document_id LEFT JOIN link l ON l.document_id = o.document_id
    WHERE o.id = ANY(%s)"""


def details(ledger: Ledger, ids: Sequence[UUID]) -> list[Sending]:
    """The operations in the order given."""
    rows = {row["id"]: row for row in ledger.execute(DETAIL.encode(), [list(ids)]).fetchall()}
    return [
        Sending(**{**rows[i], "kind": Kind(rows[i]["kind"]), "needs": tuple(rows[i]["needs"])})
        for i in ids
        if i in rows
    ]


def claim_look_ups(
    ledger: Ledger, connection_id: int, limit: int, *, again_s: float, again_at_most_s: float, early: bool
) -> list[UUID]:
    """Uncertain operations whose look-up is due, `early` any; due again later, in case this one is not answered."""
    rows = ledger.execute(
        """UPDATE operation SET look_ups = look_ups + 1,
               due_at = ledger_now() + make_interval(secs => least(%s * 2 ^ least(look_ups, 20), %s))
           WHERE id IN (SELECT id FROM operation WHERE connection_id = %s AND state = 'uncertain'
                        AND (%s OR due_at <= ledger_now()) ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
           RETURNING id""",
        [again_s, again_at_most_s, connection_id, early, limit],
    ).fetchall()
    return [row["id"] for row in rows]


def note_attempts(ledger: Ledger, request_id: int, ids: Sequence[UUID]) -> None:
    """Keep that a request concerned these operations; `settle` adds what came of it."""
    ledger.execute(
        "INSERT INTO attempt (operation_id, request_id) SELECT id, %s FROM unnest(%s::uuid[]) AS id",
        [request_id, list(ids)],
    )


LINK = """WITH won AS (
        -- of a record that stood there before us the lines are not known: an edit waits until they are read
        SELECT o.id, o.document_id, o.connection_id, o.object, o.natural_key, o.source_fingerprint, o.record_no,
               CASE o.verb WHEN 'delete' THEN 'Deleted' WHEN 'reverse' THEN 'Reversed' ELSE g.record_state
                   END AS record_state,
               CASE WHEN g.linked THEN '{}' ELSE o.line_numbers END AS line_numbers,
               CASE WHEN NOT g.linked THEN coalesce(o.leaves, o.function) END AS function
        FROM operation o JOIN unnest(%s::uuid[], %s::text[], %s::boolean[]) AS g (id, record_state, linked) USING (id)
        WHERE o.state = 'posted' AND o.verb <> 'apply')
    INSERT INTO link AS mine (document_id, connection_id, object, record_no, natural_key, record_state, line_numbers,
        function, source_fingerprint, operation_id)
    SELECT document_id, connection_id, object, record_no, natural_key, coalesce(record_state, ''), line_numbers,
        function, source_fingerprint, id FROM won
    ON CONFLICT (document_id) DO UPDATE SET object = excluded.object, record_no = excluded.record_no,
        natural_key = excluded.natural_key, function = excluded.function,
        line_numbers = CASE WHEN excluded.record_state IN ('Deleted', 'Reversed') THEN mine.line_numbers
                            ELSE excluded.line_numbers END,
        record_state = CASE WHEN excluded.record_state = '' THEN mine.record_state ELSE excluded.record_state END,
        source_fingerprint = excluded.source_fingerprint, operation_id = excluded.operation_id,
        seen = NULL, seen_lines = NULL, differs = NULL, linked_at = ledger_now()"""

REMOVED = """UPDATE document d SET state = 'deleted', reason = 'deleted in Scoro; ' || o.natural_key ||
        CASE o.verb WHEN 'delete' THEN ' was deleted in Intacct' ELSE ' was reversed in Intacct' END
    FROM operation o WHERE o.id = ANY(%s::uuid[]) AND o.verb IN ('delete', 'reverse') AND o.document_id = d.id"""
"""SQL: documents whose records these operations took out of Intacct."""

SETTLE = """UPDATE operation o SET
        state = g.state, reason = g.reason, problem = g.problem, record_no = coalesce(g.record_no, o.record_no),
        due_at = CASE WHEN g.state IN ('ready', 'uncertain') THEN ledger_now() + make_interval(secs => g.delay_s)
                      ELSE o.due_at END,
        doubted = o.doubted OR g.state = 'uncertain',
        certain_at = CASE WHEN g.state = 'uncertain'
                          THEN coalesce(o.certain_at, ledger_now() + make_interval(secs => %(certain_s)s)) END,
        controlid = CASE WHEN g.fresh_controlid THEN o.id::text || '.' || (o.fresh_controlids + 1) ELSE o.controlid END,
        fresh_controlids = o.fresh_controlids + g.fresh_controlid::int,
        -- an answer that says nothing of the fault keeps the half that is searched
        pack_group = coalesce(g.pack_group, CASE WHEN g.state IN ('ready', 'uncertain') THEN o.pack_group END),
        bisect_root = coalesce(g.bisect_root, CASE WHEN g.state IN ('ready', 'uncertain') THEN o.bisect_root END),
        look_ups = 0,
        settled_at = CASE WHEN g.state IN ('posted', 'refused') THEN ledger_now() END
    FROM jsonb_to_recordset(%(rows)s) AS g (id uuid, state operation_state, reason text, problem jsonb, record_no text,
        delay_s float, fresh_controlid boolean, pack_group uuid, bisect_root bigint, attempts integer)
    WHERE o.id = g.id AND o.state = ANY(%(from_states)s::operation_state[])
      AND (g.state = 'posted' OR ((%(sent_by)s::bigint IS NULL OR o.request_id = %(sent_by)s)
                                  AND (g.attempts IS NULL OR o.attempts = g.attempts)))
    RETURNING o.id, o.document_id, o.connection_id, o.state, o.attempts, o.reason"""


def settle(
    ledger: Ledger,
    settlements: Sequence[Settlement],
    *,
    request_id: int | None,
    sent_by: int | None = None,
    tries: Mapping[UUID, int] | None = None,
    certain_s: float = 0,
    from_states: Sequence[str] = ("sending", "uncertain"),
) -> list[dict[str, Any]]:
    """Apply settlements to operations that are still open; returns those that took effect.

    A late answer wins: both `sending` and `uncertain` are accepted. Of a request that carried the operations
    (`sent_by`) only success counts once another request carries them, and of a look-up once there was a newer try than
    the one that it asked about (`tries`: attempts by operation). `certain_s`: how long from now a record that is not
    found may still appear; counted once, from the first doubt.
    """
    rows = [
        {
            "id": str(s.id),
            "state": s.state,
            "reason": s.reason,
            "problem": s.problem,
            "record_no": s.record_no,
            "delay_s": s.delay_s,
            "fresh_controlid": s.fresh_controlid,
            "pack_group": str(s.pack_group) if s.pack_group else None,
            "bisect_root": s.bisect_root,
            "attempts": (tries or {}).get(s.id),
        }
        for s in settlements
    ]
    moved = ledger.execute(
        SETTLE,
        {"rows": Jsonb(rows), "certain_s": certain_s, "from_states": list(from_states), "sent_by": sent_by},
    ).fetchall()
    posted = {row["id"] for row in moved if row["state"] == "posted"}
    won = [s for s in settlements if s.id in posted]
    ledger.execute(LINK, [[s.id for s in won], [s.record_state for s in won], [s.linked for s in won]])
    if linked := [s.id for s in won if s.linked]:
        ledger.execute(
            "UPDATE document SET state = 'linked' WHERE id IN (SELECT document_id FROM operation WHERE id = ANY(%s))",
            [linked],
        )
    applications.plan(ledger, [s.id for s in won])
    ledger.execute(REMOVED, [[s.id for s in won]])
    if request_id is not None:
        ledger.execute(
            """UPDATE attempt a SET outcome = g.outcome, detail = g.detail, answered = nullif(g.answered, '')
               FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[]) AS g (id, outcome, detail, answered)
               WHERE a.operation_id = g.id AND a.request_id = %s""",
            [
                [s.id for s in settlements],
                [s.outcome or s.state for s in settlements],
                [s.reason for s in settlements],
                [s.answered for s in settlements],
                request_id,
            ],
        )
    return moved


def taken_records(ledger: Ledger, connection_id: int, records: Sequence[tuple[int, str, str]]) -> dict[int, int]:
    """Of (document, object, record number): the documents whose record is linked to another document, and to which."""
    rows = ledger.execute(
        """SELECT g.document_id, l.document_id AS owner
           FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS g (document_id, object, record_no)
           JOIN link l ON l.connection_id = %s AND l.object = g.object AND l.record_no = g.record_no
           WHERE l.document_id <> g.document_id AND NOT g.object = ANY(%s)""",
        [[r[0] for r in records], [r[1] for r in records], [r[2] for r in records], connection_id, list(PARTIES)],
    ).fetchall()
    return {row["document_id"]: row["owner"] for row in rows}


def wake_dependants(ledger: Ledger, document_ids: Sequence[int]) -> None:
    """What waited for these records is ready: they stand in Intacct now, or are on their way again."""
    ledger.execute(
        """UPDATE operation o SET state = 'ready', reason = '', due_at = ledger_now()
           WHERE o.state = 'waiting_prerequisite'
             AND o.id IN (SELECT operation_id FROM operation_need WHERE document_id = ANY(%s))""",
        [list(document_ids)],
    )


def connections_with_waiting_changes(ledger: Ledger, document_ids: Sequence[int]) -> list[int]:
    """Connections in which a change waited behind one of these documents."""
    rows = ledger.execute(
        "SELECT DISTINCT connection_id FROM change WHERE document_id = ANY(%s) AND state = 'waiting'"
        " AND due_at <= ledger_now()",
        [list(document_ids)],
    ).fetchall()
    return [row["connection_id"] for row in rows]
