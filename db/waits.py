"""What is on its way, what waits for something else, and what became of one document that somebody sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.database import Ledger, one
from db.operations import OPEN
from db.pulls import DUE_AT

MOVES = """CASE
    WHEN o.state = 'sending' THEN ''
    WHEN o.state = 'waiting_person' THEN 'person'
    WHEN c.state <> 'active' THEN 'connection'
    WHEN o.due_at > ledger_now() AND (o.state = 'waiting_quota'
        OR (o.state = 'uncertain' AND o.reason LIKE 'waits for requests%%')) THEN 'quota'
    ELSE '' END"""
"""SQL: what an open operation `o` of connection `c` waits for that does not come by itself; '' when on its way."""

DAY_IS_OVER = """CASE WHEN ch.interactive OR s.held_until > s.bulk_held_until THEN s.held_until > ledger_now()
        AND EXISTS (SELECT FROM scoro_budget b WHERE b.site_id = s.id AND b.day_left < 1
                    AND b.day = (ledger_now() AT TIME ZONE 'UTC')::date)
    ELSE s.bulk_held_until > ledger_now() + interval '1 minute' END"""
"""SQL: Scoro takes no more requests of this day for a change `ch` of site `s`."""

WAITS = f"""WITH open_operation AS MATERIALIZED (
        SELECT o.id, o.document_id, o.connection_id, o.state, o.due_at, {MOVES} AS waits_for
        FROM operation o JOIN connection c ON c.id = o.connection_id
        WHERE o.state IN {OPEN}
    ), open_change AS MATERIALIZED (
        SELECT ch.document_id, ch.connection_id, CASE WHEN ch.scheduled THEN c.next_run_at
                ELSE greatest(ch.due_at, s.held_until, CASE WHEN NOT ch.interactive THEN s.bulk_held_until END)
                END AS due_at, CASE
            WHEN c.state = 'disconnected' AND ch.state = 'waiting' THEN 'connection'
            WHEN ch.scheduled AND ch.state = 'waiting' THEN 'schedule'
            WHEN ch.state = 'waiting' AND {DAY_IS_OVER} THEN 'day'
            ELSE coalesce((SELECT o.waits_for FROM open_operation o WHERE ch.state = 'waiting'
                AND o.document_id = ch.document_id AND o.state IN ('sending', 'uncertain')), '') END AS waits_for
        FROM change ch JOIN connection c ON c.id = ch.connection_id JOIN site s ON s.id = c.site_id
        WHERE ch.state IN ('waiting', 'reading')
    ), judged AS (
        SELECT o.connection_id, o.due_at, CASE
            WHEN o.state = 'waiting_prerequisite' AND o.waits_for = '' AND EXISTS (
                SELECT FROM operation_culprit w WHERE w.operation_id = o.id AND w.let_go_at IS NULL)
            THEN 'prerequisite'
            WHEN o.state = 'waiting_prerequisite' AND o.waits_for = '' AND EXISTS (
                SELECT FROM operation_need n WHERE n.operation_id = o.id
                  AND NOT EXISTS (SELECT FROM link l WHERE l.document_id = n.document_id)
                  AND NOT EXISTS (SELECT FROM open_operation p WHERE p.document_id = n.document_id AND p.waits_for = '')
                  AND NOT EXISTS (SELECT FROM open_change p WHERE p.document_id = n.document_id AND p.waits_for = ''))
            THEN 'prerequisite' ELSE o.waits_for END AS waits_for
        FROM open_operation o
    ), open_pull AS (
        SELECT p.connection_id, {DUE_AT} AS due_at, CASE
            WHEN n.state <> 'active' THEN 'connection'
            WHEN p.not_before > ledger_now() AND p.reason LIKE 'waits for requests%%' THEN 'quota'
            ELSE '' END AS waits_for
        FROM pull p JOIN connection n ON n.id = p.connection_id JOIN company co ON co.id = n.company
        WHERE n.state <> 'disconnected' AND (p.asked_at IS NOT NULL
            OR (n.state = 'active' AND {DUE_AT} <= ledger_now() + make_interval(secs => %(within_s)s))
            OR EXISTS (SELECT FROM pulled r WHERE r.connection_id = p.connection_id AND r.state = 'new'))
    ), open_write AS (
        SELECT w.connection_id, greatest(w.due_at, s.held_until) AS due_at, CASE
            WHEN w.state = 'sending' THEN ''
            WHEN w.state = 'waiting_person' THEN 'person'
            WHEN n.state <> 'active' THEN 'connection'
            WHEN s.held_until > ledger_now() AND EXISTS (SELECT FROM scoro_budget b WHERE b.site_id = s.id
                AND b.day_left < 1 AND b.day = (ledger_now() AT TIME ZONE 'UTC')::date) THEN 'day'
            WHEN w.state = 'ready' AND need.state IN ('failed', 'held') AND need.scoro_id IS NULL THEN 'prerequisite'
            ELSE '' END AS waits_for
        FROM scoro_write w JOIN connection n ON n.id = w.connection_id JOIN site s ON s.id = n.site_id
        LEFT JOIN document need ON need.id = w.need_id
        WHERE w.state IN ('ready', 'waiting_person', 'sending', 'uncertain') AND n.state <> 'disconnected'
    ), every_wait AS (
        SELECT 'change' AS what, waits_for, connection_id, due_at FROM open_change
        UNION ALL SELECT 'operation', waits_for, connection_id, due_at FROM judged
        UNION ALL SELECT 'pull', waits_for, connection_id, due_at FROM open_pull
        UNION ALL SELECT 'write', waits_for, connection_id, due_at FROM open_write
        UNION ALL SELECT 'request', '', connection_id, NULL FROM request WHERE state IN ('charged', 'leaving')
        UNION ALL SELECT 'dead letter', '', connection_id, NULL FROM dead_letter WHERE handled_at IS NULL
        UNION ALL SELECT 'mail', CASE WHEN %(mails)s THEN '' ELSE 'mail server' END, NULL, due_at
            FROM mail WHERE state IN ('waiting', 'sending')
        UNION ALL SELECT 'bell', '', NULL, NULL FROM outbox)
    SELECT w.what, w.waits_for, coalesce(c.name, '') AS connection, coalesce(c.state::text, '') AS connection_state,
        count(*)::int AS count, max(w.due_at) AS last_due_at
    FROM every_wait w LEFT JOIN connection c ON c.id = w.connection_id
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 3, 2"""


@dataclass(frozen=True, slots=True)
class Wait:
    """Some pieces of work of one connection.

    `what` is change, operation, pull, write (to Scoro), request, dead letter, mail or bell; `waits_for` is empty for
    what is on its way (backoff and look-ups included), else what must happen first: quota, person, prerequisite,
    connection, schedule, day (Scoro's requests of this day are used up), mail server. `last_due_at` is when it goes on,
    as far as that is known; of a schedule its next run.
    """

    what: str
    waits_for: str
    connection: str
    connection_state: str
    count: int
    last_due_at: datetime | None


def waits(ledger: Ledger, within_s: float = 0.0, *, mails: bool = True) -> list[Wait]:
    """All that is not done, in one snapshot; pulls too that are due within so many seconds.

    Without a mail server (`mails`) mails wait for one.
    """
    return [Wait(**row) for row in ledger.execute(WAITS.encode(), {"within_s": within_s, "mails": mails}).fetchall()]


def newest_change(ledger: Ledger, connection_id: int, module: str, scoro_id: int) -> tuple[int, int]:
    """Document and newest change of a document that was captured."""
    row = one(
        ledger,
        """SELECT d.id, max(c.id) AS change_id FROM document d JOIN change c ON c.document_id = d.id
           WHERE d.connection_id = %s AND d.module = %s AND d.scoro_id = %s GROUP BY d.id""",
        [connection_id, module, scoro_id],
    )
    return row["id"], row["change_id"]


OUTCOME = f"""SELECT d.state, d.reason, d.number, c.name AS connection, c.state AS connection_state,
        pending.state AS pending, coalesce(pending.reason, '') AS pending_reason, pending.attempts AS pending_attempts,
        ended.state AS ended, o.state AS operation_state, o.reason AS operation_reason, o.waits_for,
        o.settled_at >= ended.captured_at AS settled_since,
        l.object, l.record_no, letter.cause, letter.fix, needed.document AS needed, needed.reason AS needed_reason
    FROM document d JOIN connection c ON c.id = d.connection_id
    LEFT JOIN LATERAL (SELECT ch.state, ch.reason, ch.attempts FROM change ch WHERE ch.document_id = d.id
        AND ch.id >= %(change)s AND ch.state IN ('waiting', 'reading') ORDER BY ch.id LIMIT 1) pending ON true
    LEFT JOIN change ended ON ended.id = %(change)s
    LEFT JOIN LATERAL (SELECT o.id, o.state, o.reason, o.settled_at,
            CASE WHEN o.state IN {OPEN} THEN {MOVES} ELSE '' END AS waits_for FROM operation o
        WHERE o.document_id = d.id AND o.state <> 'superseded' ORDER BY o.created_at DESC LIMIT 1) o ON true
    LEFT JOIN link l ON l.document_id = d.id
    LEFT JOIN LATERAL (SELECT x.cause, x.fix FROM dead_letter x WHERE x.document_id = d.id
        ORDER BY x.id DESC LIMIT 1) letter ON true
    LEFT JOIN LATERAL (SELECT document_name(r) AS document, r.reason FROM operation_need n
        JOIN document r ON r.id = n.document_id WHERE n.operation_id = o.id AND r.state IN ('failed', 'held')
        LIMIT 1) needed ON true
    WHERE d.id = %(document)s"""


def outcome(ledger: Ledger, document_id: int, change_id: int) -> dict[str, Any]:
    """Where a document stands since a change of it was captured."""
    return one(ledger, OUTCOME, {"document": document_id, "change": change_id})
