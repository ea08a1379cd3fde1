"""What the dead left behind, found by the locks that fell with them. Safe on any number of machines at once."""

from db import attachments, changes, culprits, locks, outbox, scoro_writes
from db.database import Ledger

STALLED_S = 60.0
"""Beyond its send window or the deadline of its call a sender stands still."""
SCORO_CALL_S = 60.0
"""How long a call to Scoro may take in all."""
WRITING_S = SCORO_CALL_S + 4 * STALLED_S
"""A session that looks at Intacct or writes to Scoro and has been idle for this long stands still."""
UNUSED_CONTENT_S = 3600.0
"""A file's content that no operation came to need within this time was read by somebody who died or changed plans."""
READING_S = 600.0
"""So long after it took a document a reader stands still."""

STALLED = f"""WITH held AS MATERIALIZED (
        SELECT l.pid, l.classid::int AS class, l.objid::bigint AS key FROM pg_locks l
        WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND l.pid <> pg_backend_pid()
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ), carried AS (
        SELECT h.pid, r.state IN ('charged', 'leaving') AS open,
            coalesce(r.ended_at, r.left_at + make_interval(secs => r.deadline_s), r.charged_at) AS over_at
        FROM held h JOIN request r ON r.id = h.key WHERE h.class = {locks.REQUEST}
    ), stalled AS (
        -- beyond its call, or long after it; a sender that goes on with another request is alive
        SELECT pid FROM carried GROUP BY pid HAVING coalesce(max(over_at) FILTER (WHERE open), max(over_at))
            < ledger_now() - make_interval(secs => %(stalled_s)s)
        UNION
        -- with a company's slot and nothing to send: it was about to choose, which takes no time
        SELECT h.pid FROM held h JOIN pg_stat_activity a USING (pid)
        WHERE h.class = {locks.COMPANY_SLOT} AND h.pid NOT IN (SELECT pid FROM carried)
          AND a.state LIKE 'idle%%' AND a.state_change < clock_timestamp() - make_interval(secs => %(stalled_s)s)
        UNION
        -- looking at Intacct, or writing to Scoro: idle beyond the deadline of any call
        SELECT h.pid FROM held h JOIN pg_stat_activity a USING (pid)
        WHERE h.class IN ({locks.PULL}, {locks.SCORO_WRITE})
          AND a.state LIKE 'idle%%' AND a.state_change < clock_timestamp() - make_interval(secs => %(writing_s)s)
        UNION
        SELECT h.pid FROM held h JOIN document d ON d.id = h.key
        WHERE h.class = {locks.DOCUMENT} AND d.taken_at < ledger_now() - make_interval(secs => %(reading_s)s))
    SELECT pid, pg_terminate_backend(pid) FROM stalled"""

GIVEN_UP = f"""WITH dead AS (
        UPDATE request SET state = 'withdrawn', reason = 'its sender died before it left', ended_at = ledger_now()
        WHERE state = 'charged' AND NOT {locks.held(locks.REQUEST, "request.id")}
        RETURNING id, site_id, month, connection_id
    ), refund AS (
        UPDATE quota q SET used = used - n.n
        FROM (SELECT site_id, month, count(*) AS n FROM dead GROUP BY 1, 2) n
        WHERE q.site_id = n.site_id AND q.month = n.month
    )
    UPDATE operation o SET state = 'ready', reason = '', due_at = ledger_now()
    FROM dead WHERE o.request_id = dead.id AND o.state = 'sending'
    RETURNING o.connection_id"""

IN_DOUBT = f"""WITH dead AS (
        UPDATE request SET state = 'unanswered', reason = 'its sender died', ended_at = ledger_now()
        WHERE state = 'leaving' AND NOT {locks.held(locks.REQUEST, "request.id")}
        RETURNING id, connection_id, left_at + make_interval(secs => deadline_s) AS over_at
    )
    UPDATE operation o SET state = 'uncertain', doubted = true, problem = NULL, due_at = ledger_now(),
        reason = 'its sender died while Intacct may have been working on it',
        certain_at = greatest(dead.over_at, ledger_now()) + make_interval(
            secs => coalesce((c.settings #>> '{{delivery,uncertain_wait_s}}')::float, %(wait_s)s))
    FROM dead JOIN connection c ON c.id = dead.connection_id
    WHERE o.request_id = dead.id AND o.state = 'sending'
    RETURNING o.connection_id"""

SATISFIED = """UPDATE operation o SET state = 'ready', reason = '', due_at = ledger_now()
    WHERE o.state = 'waiting_prerequisite' AND NOT EXISTS (
        SELECT FROM operation_need n WHERE n.operation_id = o.id
          AND NOT EXISTS (SELECT FROM link l WHERE l.document_id = n.document_id))
      AND NOT EXISTS (SELECT FROM operation_culprit w WHERE w.operation_id = o.id AND w.let_go_at IS NULL)
    RETURNING o.connection_id"""


def end_stalled(ledger: Ledger) -> list[int]:
    """End the sessions of readers and senders that stand still far beyond their bounds; returns their process ids."""
    rows = ledger.execute(
        STALLED.encode(), {"stalled_s": STALLED_S, "reading_s": READING_S, "writing_s": WRITING_S}
    ).fetchall()
    return sorted({row["pid"] for row in rows})


def recover(ledger: Ledger, default_wait_s: float) -> None:
    """Take over from dead readers and senders, and ring for what they left.

    One that stands still far beyond its bounds loses its session, and with it its locks: a stopped process counts as
    dead. When it goes on it finds its claim gone: the fence before sending, and the attempt count before committing.

    A request that had not passed the fence never left: refunded, its operations are ready. One that had may be at the
    gateway: its operations are uncertain, and believed absent only `uncertain_wait_s` after the call must be over.
    """
    end_stalled(ledger)
    readers = changes.revive_dead(ledger)
    senders = [row["connection_id"] for row in ledger.execute(GIVEN_UP.encode()).fetchall()]
    senders += [
        row["connection_id"] for row in ledger.execute(IN_DOUBT.encode(), {"wait_s": default_wait_s}).fetchall()
    ]
    culprits.release(ledger)
    senders += [row["connection_id"] for row in ledger.execute(SATISFIED).fetchall()]
    attachments.drop_contents(ledger, None, older_than_s=UNUSED_CONTENT_S)
    outbox.ring(ledger, "pull", *scoro_writes.recover(ledger, default_wait_s, SCORO_CALL_S))
    outbox.ring(ledger, "changes", *readers)
    outbox.ring(ledger, "delivery", *senders)
