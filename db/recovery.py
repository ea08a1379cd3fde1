"""What the dead left behind, found by the locks that fell with them. Safe on any number of machines at once."""

from db import changes, locks, outbox
from db.database import Ledger

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
    UPDATE operation o SET state = 'uncertain', doubted = true, due_at = ledger_now(),
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
    RETURNING o.connection_id"""


def recover(ledger: Ledger, default_wait_s: float) -> None:
    """Take over from dead readers and senders, and ring for what they left.

    A request that had not passed the fence never left: refunded, its operations are ready. One that had may be at the
    gateway: its operations are uncertain, and believed absent only `uncertain_wait_s` after the call must be over.
    """
    readers = changes.revive_dead(ledger)
    senders = [row["connection_id"] for row in ledger.execute(GIVEN_UP.encode()).fetchall()]
    senders += [
        row["connection_id"] for row in ledger.execute(IN_DOUBT.encode(), {"wait_s": default_wait_s}).fetchall()
    ]
    senders += [row["connection_id"] for row in ledger.execute(SATISFIED).fetchall()]
    outbox.ring(ledger, "changes", *readers)
    outbox.ring(ledger, "delivery", *senders)
