"""What is due, and when the next thing will be: what the sweeper rings for."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from db.breakers import CAN_PROBE
from db.database import Ledger, one
from db.outbox import Bell
from db.pulls import DUE_AT

FREE = """NOT EXISTS (SELECT FROM operation o WHERE o.document_id = c.document_id AND o.state IN ('sending',
    'uncertain'))"""

DUE_CHANGE = f"""SELECT greatest(c.due_at, s.held_until,
        CASE WHEN NOT c.interactive THEN s.bulk_held_until END) AS due_at FROM change c
    WHERE c.connection_id = n.id AND n.state <> 'disconnected' AND c.state = 'waiting' AND NOT c.scheduled AND {FREE}"""

DUE_OPERATION = """SELECT greatest(o.due_at, co.throttled_until,
        CASE WHEN o.purpose = 'bulk' AND o.state <> 'uncertain' THEN n.bulk_at END) AS due_at FROM operation o
    WHERE o.connection_id = n.id AND n.state = 'active' AND o.state IN ('ready', 'waiting_quota', 'uncertain')"""

NEEDED = """(w.state = 'uncertain' OR (w.need_id IS NULL OR EXISTS (SELECT FROM document d WHERE d.id = w.need_id
        AND d.scoro_id IS NOT NULL)) AND NOT EXISTS (SELECT FROM scoro_write u WHERE u.lane_id = w.lane_id
        AND u.state IN ('sending', 'uncertain')))"""
"""SQL: nothing holds write `w` up but its time."""

DUE_WRITE = f"""SELECT greatest(w.due_at, s.held_until) AS due_at FROM scoro_write w
    WHERE w.connection_id = n.id AND w.state IN ('ready', 'uncertain') AND {NEEDED}"""

DUE_PULL = f"""SELECT {DUE_AT} AS due_at FROM pull p WHERE p.connection_id = n.id AND NOT EXISTS (SELECT FROM request r
        WHERE r.id = p.request_id AND r.state IN ('charged', 'leaving'))
    UNION ALL (SELECT greatest(p.seen_at, q.not_before) FROM pulled p JOIN pull q USING (connection_id)
        WHERE p.connection_id = n.id AND p.state = 'new' LIMIT 1)
    UNION ALL ({DUE_WRITE} AND w.due_at <= ledger_now() ORDER BY w.due_at DESC LIMIT 1)
    UNION ALL ({DUE_WRITE} AND w.due_at > ledger_now() ORDER BY w.due_at LIMIT 1)"""

# for each bell the youngest work that is due, and the next that is not yet: both from the end of an index
BELLS = f"""
    SELECT 'changes' AS queue, n.id AS key, max(c.due_at) FILTER (WHERE c.due_at <= ledger_now()) AS youngest,
        min(c.due_at) FILTER (WHERE c.due_at > ledger_now()) AS soonest
    FROM connection n JOIN site s ON s.id = n.site_id CROSS JOIN LATERAL (
        ({DUE_CHANGE} AND c.due_at <= ledger_now() ORDER BY c.due_at DESC LIMIT 1)
        UNION ALL ({DUE_CHANGE} AND c.due_at <= ledger_now() AND c.interactive ORDER BY c.due_at DESC LIMIT 1)
        UNION ALL ({DUE_CHANGE} AND c.due_at > ledger_now() ORDER BY c.due_at LIMIT 1)) c
    GROUP BY n.id
    UNION ALL
    SELECT 'delivery', n.id, max(o.due_at) FILTER (WHERE o.due_at <= ledger_now()),
        min(o.due_at) FILTER (WHERE o.due_at > ledger_now())
    FROM connection n JOIN company co ON co.id = n.company
    CROSS JOIN LATERAL (
        ({DUE_OPERATION} AND o.due_at <= ledger_now() ORDER BY o.due_at DESC LIMIT 1)
        UNION ALL ({DUE_OPERATION} AND o.due_at <= ledger_now()
            AND (o.purpose <> 'bulk' OR o.state = 'uncertain') ORDER BY o.due_at DESC LIMIT 1)
        UNION ALL ({DUE_OPERATION} AND o.due_at > ledger_now() ORDER BY o.due_at LIMIT 1)) o
    GROUP BY n.id
    UNION ALL
    SELECT 'pull', n.id, max(w.due_at) FILTER (WHERE w.due_at <= ledger_now()),
        min(w.due_at) FILTER (WHERE w.due_at > ledger_now())
    FROM connection n JOIN company co ON co.id = n.company JOIN site s ON s.id = n.site_id
    CROSS JOIN LATERAL ({DUE_PULL}) w WHERE n.state = 'active' GROUP BY n.id
    UNION ALL
    SELECT 'delivery', n.id, CASE WHEN n.probe_at <= ledger_now() THEN n.probe_at END,
        CASE WHEN n.probe_at > ledger_now() THEN n.probe_at END
    FROM connection n WHERE n.state = 'broken' AND {CAN_PROBE}
    UNION ALL
    SELECT 'dead-letters', l.id, l.at, NULL FROM dead_letter l WHERE l.handled_at IS NULL"""


@dataclass(frozen=True, slots=True)
class Due:
    """What a bell is rung for: its youngest due work, since `since_s` seconds, and the next in `next_in_s`."""

    bell: Bell
    since_s: float | None
    next_in_s: float | None


def due(ledger: Ledger) -> list[Due]:
    """Every bell that has work, due or to come."""
    rows = ledger.execute(
        f"""SELECT queue, key, extract(epoch FROM ledger_now() - youngest)::float AS since_s,
                extract(epoch FROM soonest - ledger_now())::float AS next_in_s
            FROM ({BELLS}) b WHERE youngest IS NOT NULL OR soonest IS NOT NULL""".encode()
    ).fetchall()
    return [Due(Bell(row["queue"], row["key"]), row["since_s"], row["next_in_s"]) for row in rows]


def newly_due(ledger: Ledger, company: int, since: datetime) -> list[int]:
    """Connections of an Intacct company with something to send or look up that became due after `since`."""
    rows = ledger.execute(
        f"""SELECT n.id FROM connection n JOIN company co ON co.id = n.company
            WHERE n.company = %s AND EXISTS (
                SELECT FROM ({DUE_OPERATION}) d WHERE d.due_at > %s AND d.due_at <= ledger_now())""".encode(),
        [company, since],
    ).fetchall()
    return [row["id"] for row in rows]


def replaying(ledger: Ledger, connection_id: int) -> bool:
    """Whether documents of a replay are being read, or are due to be."""
    return bool(
        one(
            ledger,
            """SELECT EXISTS (SELECT FROM change WHERE connection_id = %s AND again AND state IN ('waiting', 'reading')
               AND due_at <= ledger_now()) AS yes""",
            [connection_id],
        )["yes"]
    )


def more_coming(
    ledger: Ledger, connection_id: int, beside: Collection[int], *, within_s: float, recent_s: float, recent: int
) -> bool:
    """Whether more documents of the connection than those of a pack (`beside`) are about to be ready.

    They are when intake reads some, or will within `within_s`, or when `recent` changes came in the last `recent_s`.
    """
    row = one(
        ledger,
        f"""SELECT EXISTS (SELECT FROM change c WHERE c.connection_id = %(c)s AND c.document_id <> ALL(%(beside)s)
                AND (c.state = 'reading' OR (c.state = 'waiting' AND NOT c.scheduled AND {FREE}
                     AND c.due_at <= ledger_now() + make_interval(secs => %(within_s)s))))
            OR (SELECT count(*) FROM (SELECT FROM change c WHERE c.connection_id = %(c)s
                AND c.captured_at > ledger_now() - make_interval(secs => %(s)s) LIMIT %(n)s) r) >= %(n)s AS yes""",
        {"c": connection_id, "beside": list(beside), "within_s": within_s, "s": recent_s, "n": recent},
    )
    return bool(row["yes"])
