"""Replays: documents that a person tries again, together. The row and its items outlive the process that made them.

Documents are captured as changes that are translated `again`, or their refused operations are ready again; both fall
due slice by slice, a full pack each, so that a large replay neither stops what comes beside it nor costs more than it
must.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db import outbox, scoro_intents
from db.database import Ledger, one
from schemas.kinds import DOCUMENT_KINDS

SLICE_S = 5.0
"""The documents of a replay fall due a full pack at a time, so many seconds apart."""


@dataclass(frozen=True, slots=True)
class Item:
    """A document that can be replayed: why it failed, and what was refused, if anything was made of it."""

    failure_id: int
    connection_id: int
    document_id: int
    kind: str
    scoro_id: int
    dead_letter_id: int | None
    refused_id: Any
    """The operation that was refused last, where nothing newer took its place."""


CHOSEN = """WITH chosen AS (
        SELECT f.id, f.connection_id FROM failure f
        WHERE f.state IN ('open', 'waiting') AND f.connection_id IS NOT NULL
          AND (%(failures)s::bigint[] IS NULL OR f.id = ANY(%(failures)s))
          AND (%(cause)s::text IS NULL OR f.code = %(cause)s OR position(lower(%(cause)s) IN lower(f.cause)) > 0)
          AND (%(connection)s::bigint IS NULL OR f.connection_id = %(connection)s)
    ), failed AS (
        SELECT fd.failure_id, fd.document_id, fd.dead_letter_id FROM failure_document fd
        JOIN chosen c ON c.id = fd.failure_id WHERE fd.cleared_at IS NULL
    ), held AS (
        SELECT failure_id, document_id, dead_letter_id FROM failed
        UNION ALL  -- a record that failed is tried again with the documents that need it
        SELECT f.failure_id, o.document_id, NULL FROM failed f JOIN operation_need n ON n.document_id = f.document_id
        JOIN operation o ON o.id = n.operation_id AND o.state = 'waiting_prerequisite'
        UNION ALL  -- and so is one that Scoro does not have
        SELECT f.failure_id, w.document_id, NULL FROM failed f
        JOIN scoro_write w ON w.need_id = f.document_id AND w.state = 'ready'
        UNION ALL
        SELECT w.failure_id, o.document_id, NULL FROM operation_culprit w JOIN chosen c ON c.id = w.failure_id
        JOIN operation o ON o.id = w.operation_id AND o.state = 'waiting_prerequisite' WHERE w.let_go_at IS NULL)
    SELECT DISTINCT ON (h.document_id) h.failure_id, d.connection_id, h.document_id, d.kind::text AS kind, d.scoro_id,
        h.dead_letter_id, o.id AS refused_id
    FROM held h JOIN document d ON d.id = h.document_id AND d.kind::text = ANY(%(kinds)s)
    JOIN connection n ON n.id = d.connection_id AND n.state <> 'disconnected'
    LEFT JOIN dead_letter l ON l.id = h.dead_letter_id
    LEFT JOIN LATERAL (SELECT o.id, o.state FROM operation o WHERE o.document_id = d.id AND o.state <> 'superseded'
        ORDER BY o.created_at DESC LIMIT 1) last ON true
    LEFT JOIN operation o ON o.id = last.id AND last.state = 'refused' AND o.id = l.operation_id
    WHERE (%(kind)s::text IS NULL OR d.kind::text = %(kind)s)
      AND (%(since)s::timestamptz IS NULL OR l.at >= %(since)s)
      AND (%(documents)s::bigint[] IS NULL OR d.id = ANY(%(documents)s))
    ORDER BY h.document_id, h.dead_letter_id DESC NULLS LAST"""


def choose(
    ledger: Ledger,
    *,
    failure_ids: Collection[int] | None = None,
    cause: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    connection_id: int | None = None,
    document_ids: Collection[int] | None = None,
) -> list[Item]:
    """The documents that unresolved failures hold up, narrowed by whatever is given."""
    values = {
        "failures": None if failure_ids is None else list(failure_ids),
        "cause": cause,
        "kind": kind,
        "kinds": list(DOCUMENT_KINDS),
        "since": since,
        "connection": connection_id,
        "documents": None if document_ids is None else list(document_ids),
    }
    return [Item(**row) for row in ledger.execute(CHOSEN, values).fetchall()]


READ = """INSERT INTO change (document_id, connection_id, origin, actor, again, due_at)
    SELECT g.document_id, d.connection_id, 'manual', ledger_actor(), true, ledger_now() + make_interval(secs => g.in_s)
    FROM unnest(%s::bigint[], %s::float[]) AS g (document_id, in_s) JOIN document d ON d.id = g.document_id
    ORDER BY d.id
    ON CONFLICT (document_id) WHERE state = 'waiting' DO UPDATE SET
        again = true, scheduled = false, hints = change.hints + 1, due_at = least(change.due_at, excluded.due_at)"""

STORED = """UPDATE operation o SET state = 'ready', reason = '', problem = NULL, purpose = 'bulk', settled_at = NULL,
        due_at = ledger_now() + make_interval(secs => g.in_s)
    FROM unnest(%s::uuid[], %s::float[]) AS g (id, in_s) WHERE o.id = g.id AND o.state = 'refused'"""


def start(ledger: Ledger, items: Sequence[Item], *, how: str, why: str, requests: int, packs: Mapping[int, int]) -> int:
    """Commit a replay and set its documents going, a full pack (`packs`: documents by connection) at a time.

    Their failures wait for what becomes of them; what waited for a culprit of theirs is let go.
    """
    replay_id: int = one(
        ledger,
        "INSERT INTO replay (how, why, requests) VALUES (%s::replay_how, %s, %s) RETURNING id",
        [how, why, requests],
    )["id"]
    ledger.execute(
        """INSERT INTO replay_item (replay_id, document_id, failure_id, dead_letter_id)
           SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])""",
        [
            replay_id,
            [item.document_id for item in items],
            [item.failure_id for item in items],
            [item.dead_letter_id for item in items],
        ],
    )
    due_in_s = _paced(items, packs)
    if how == "read":
        inbound = _inbound(ledger, items)
        scoro_intents.retry(ledger, sorted(inbound))
        chosen = [
            (item.document_id, s) for item, s in zip(items, due_in_s, strict=True) if item.document_id not in inbound
        ]
        ledger.execute(READ, [[row[0] for row in chosen], [row[1] for row in chosen]])
    elif how == "stored":
        ledger.execute(STORED, [[item.refused_id for item in items], due_in_s])
    failures = sorted({item.failure_id for item in items})
    ledger.execute(
        """UPDATE failure SET state = 'waiting', reason = %s, holds = '{}' WHERE id = ANY(%s)
             AND state IN ('open', 'waiting')""",
        [f"replay {replay_id} tries its documents again", failures],
    )
    ledger.execute(
        "UPDATE operation_culprit SET let_go_at = ledger_now() WHERE failure_id = ANY(%s) AND let_go_at IS NULL",
        [failures],
    )
    queue = "changes" if how == "read" else "delivery"
    outbox.ring(ledger, queue, *sorted({item.connection_id for item in items}))
    return replay_id


def _inbound(ledger: Ledger, items: Sequence[Item]) -> set[int]:
    """Those that come from Intacct: they are written to Scoro again, not read there."""
    rows = ledger.execute(
        "SELECT id FROM document WHERE id = ANY(%s) AND inbound", [[item.document_id for item in items]]
    ).fetchall()
    return {row["id"] for row in rows}


def _paced(items: Sequence[Item], packs: Mapping[int, int]) -> list[float]:
    """In how many seconds each item falls due."""
    before: dict[int, int] = {}
    due_in_s = []
    for item in items:
        place = before.get(item.connection_id, 0)
        before[item.connection_id] = place + 1
        due_in_s.append(place // packs[item.connection_id] * SLICE_S)
    return due_in_s


CANCEL_CHANGES = """WITH mine AS (
        SELECT c.id FROM change c JOIN replay_item i ON i.document_id = c.document_id
        WHERE i.replay_id = %s AND i.outcome = '' AND c.state = 'waiting' AND c.again
        ORDER BY c.id FOR UPDATE OF c)
    UPDATE change c SET again = false,
        -- one that stands for something else as well is read all the same
        state = CASE WHEN c.hints > 1 THEN c.state ELSE 'done' END,
        reason = 'its replay was cancelled', ended_at = CASE WHEN c.hints > 1 THEN NULL ELSE ledger_now() END
    FROM mine WHERE c.id = mine.id RETURNING c.document_id"""

CANCEL_OPERATIONS = """UPDATE operation o SET state = 'refused', reason = l.cause, settled_at = ledger_now(),
        problem = jsonb_build_object('error_class', l.error_class, 'code', l.code, 'cause', l.cause, 'fix', l.fix,
            'field', l.field, 'culprit', to_jsonb(l.culprit), 'holds', to_jsonb(l.holds), 'who', l.who)
    FROM replay_item i JOIN dead_letter l ON l.id = i.dead_letter_id
    WHERE i.replay_id = %s AND i.outcome = '' AND o.id = l.operation_id AND o.state = 'ready'
      AND o.due_at > ledger_now() RETURNING o.document_id"""


def cancel(ledger: Ledger, replay_id: int) -> int | None:
    """Stop a replay: what is not on its way yet stays as it was; returns how many, None where it does not run."""
    row = ledger.execute(
        "SELECT how FROM replay WHERE id = %s AND state = 'running' FOR UPDATE", [replay_id]
    ).fetchone()
    if row is None:
        return None
    sql = CANCEL_CHANGES if row["how"] == "read" else CANCEL_OPERATIONS
    stopped = [one["document_id"] for one in ledger.execute(sql, [replay_id]).fetchall()]
    ledger.execute(
        "UPDATE replay_item SET outcome = 'cancelled' WHERE replay_id = %s AND document_id = ANY(%s)",
        [replay_id, stopped],
    )
    ledger.execute("UPDATE replay SET state = 'cancelled', ended_at = ledger_now() WHERE id = %s", [replay_id])
    tend(ledger)
    return len(stopped)


OUTCOMES = """UPDATE replay_item i SET outcome = CASE
        WHEN EXISTS (SELECT FROM dead_letter l WHERE l.document_id = i.document_id AND l.at >= r.made_at
                     AND l.id > coalesce(i.dead_letter_id, 0)) OR d.state IN ('failed', 'waiting') THEN 'failed again'
        WHEN d.state = 'held' THEN 'held'
        ELSE 'settled' END
    FROM replay r, document d
    WHERE i.outcome = '' AND r.id = i.replay_id AND d.id = i.document_id
      AND NOT EXISTS (SELECT FROM change c WHERE c.document_id = d.id AND c.state IN ('waiting', 'reading'))
      AND NOT EXISTS (SELECT FROM operation o WHERE o.document_id = d.id
          AND (o.state IN ('ready', 'waiting_quota', 'sending', 'uncertain')
               -- what needs a record that failed again has failed with it
               OR (o.state = 'waiting_prerequisite' AND NOT EXISTS (
                   SELECT FROM operation_need n JOIN document r ON r.id = n.document_id
                   WHERE n.operation_id = o.id AND r.state IN ('failed', 'held')))))
      AND NOT EXISTS (SELECT FROM scoro_write w WHERE w.document_id = d.id
          AND w.state IN ('ready', 'sending', 'uncertain'))
      AND NOT EXISTS (SELECT FROM link l JOIN pulled p ON p.connection_id = l.connection_id AND p.object = l.object
          AND p.record_no::text = l.record_no WHERE l.document_id = d.id AND d.inbound AND p.state = 'new')
      AND NOT EXISTS (SELECT FROM dead_letter l WHERE l.document_id = d.id AND l.handled_at IS NULL)"""

ENDED = """UPDATE replay r SET state = 'done', ended_at = ledger_now() WHERE r.state = 'running'
    AND NOT EXISTS (SELECT FROM replay_item i WHERE i.replay_id = r.id AND i.outcome = '')"""

OPEN_AGAIN = """UPDATE failure f SET state = 'open', reason = '' WHERE f.state = 'waiting'
    AND NOT EXISTS (SELECT FROM replay_item i WHERE i.failure_id = f.id AND i.outcome = '')"""


def tend(ledger: Ledger) -> None:
    """Note what became of replayed documents, end replays, and open failures again that still hold something up."""
    running = ledger.execute("SELECT FROM replay_item WHERE outcome = '' LIMIT 1").fetchone()
    if running is not None:
        ledger.execute(OUTCOMES)
    ledger.execute(ENDED)
    ledger.execute(OPEN_AGAIN)


def listed(ledger: Ledger, limit: int = 50) -> list[dict[str, Any]]:
    """Replays with how far they are, the newest first."""
    return ledger.execute(
        """SELECT r.id, r.how, r.why, r.actor, r.requests, r.state, r.made_at, r.ended_at, count(i.*)::int AS documents,
               count(*) FILTER (WHERE i.outcome = 'settled')::int AS settled,
               count(*) FILTER (WHERE i.outcome = 'failed again')::int AS failed_again,
               count(*) FILTER (WHERE i.outcome = 'held')::int AS held,
               count(*) FILTER (WHERE i.outcome = 'cancelled')::int AS cancelled,
               count(*) FILTER (WHERE i.outcome = '')::int AS under_way
           FROM replay r LEFT JOIN replay_item i ON i.replay_id = r.id GROUP BY r.id ORDER BY r.id DESC LIMIT %s""",
        [limit],
    ).fetchall()
