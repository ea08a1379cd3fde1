"""What is not done yet, by stage, and how the ledger's parties are: behind the overview, the metrics and the charts.

Each is one statement over partial indexes, so that a million finished documents cost nothing.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from db.database import Ledger

Row = dict[str, Any]

STAGES = {
    "captured": "changes that wait to be read from Scoro",
    "reading": "changes being read from Scoro",
    "ready": "operations that go with the next request",
    "waiting_quota": "operations that wait for the month's requests",
    "waiting_prerequisite": "operations that need another record first",
    "waiting_person": "operations that a person decides",
    "sending": "operations under way to Intacct",
    "uncertain": "operations that may have run and are looked up",
    "dead_letter": "dead letters that no failure has taken up yet",
    "bell": "bells that are not rung yet",
}
"""Every place where work can lie, in the order in which it goes."""

BACKLOG = """WITH open AS (
        SELECT CASE state WHEN 'waiting' THEN 'captured' ELSE 'reading' END AS stage, connection_id,
            captured_at AS since
        FROM change WHERE state = 'waiting' OR state = 'reading'
        UNION ALL
        SELECT state::text, connection_id, created_at FROM operation
        WHERE state IN ('ready', 'waiting_quota', 'uncertain')
        UNION ALL
        SELECT state::text, connection_id, coalesce(first_left_at, created_at) FROM operation
        WHERE state IN ('waiting_prerequisite', 'waiting_person', 'sending')
        UNION ALL
        SELECT 'dead_letter', connection_id, at FROM dead_letter WHERE handled_at IS NULL)
    SELECT o.stage, c.name AS connection, count(*)::int AS count,
        greatest(0, extract(epoch FROM ledger_now() - min(o.since)))::float AS oldest_s
    FROM open o JOIN connection c ON c.id = o.connection_id GROUP BY 1, 2
    UNION ALL SELECT 'bell', '', count(*)::int, 0 FROM outbox HAVING count(*) > 0"""


def backlog(ledger: Ledger) -> list[Row]:
    """Stage, connection, count and the age of the oldest in seconds; stages where nothing lies are left out."""
    return ledger.execute(BACKLOG).fetchall()


def tally(ledger: Ledger) -> list[Row]:
    """How many documents there are by connection (id), kind and state; nothing that counts none."""
    return ledger.execute(
        """SELECT connection_id, kind::text AS kind, state::text AS state, sum(difference)::bigint AS count
           FROM document_tally GROUP BY 1, 2, 3 HAVING sum(difference) <> 0"""
    ).fetchall()


FOLD_FROM = 200
"""Rows of the tally that are folded into one per sum; sums are some dozens."""


def fold_tally(ledger: Ledger) -> bool:
    """Fold the tally's differences where there are many; any number may do so at once."""
    row = ledger.execute(f"SELECT count(*) AS n FROM (SELECT FROM document_tally LIMIT {FOLD_FROM * 2}) t").fetchone()
    if not row or row["n"] < FOLD_FROM * 2:
        return False
    ledger.execute(
        """WITH gone AS (DELETE FROM document_tally RETURNING *)
           INSERT INTO document_tally SELECT connection_id, kind, state, sum(difference) FROM gone
           GROUP BY 1, 2, 3 HAVING sum(difference) <> 0"""
    )
    return True


def unresolved(ledger: Ledger) -> list[Row]:
    """Failures that are not resolved: how many and over how many documents, by class."""
    return ledger.execute(
        """SELECT f.error_class AS class, count(*)::int AS count,
               sum((SELECT count(*) FROM failure_document d WHERE d.failure_id = f.id AND d.cleared_at IS NULL))::int
                   AS documents
           FROM failure f WHERE f.state IN ('open', 'waiting') GROUP BY 1 ORDER BY 1"""
    ).fetchall()


def unresolved_money(ledger: Ledger) -> dict[str, str]:
    """The money that unresolved failures hold up, per currency, as decimal strings."""
    rows = ledger.execute(
        """SELECT d.currency, sum(d.amount)::text AS amount FROM document d
           WHERE d.currency IS NOT NULL AND d.amount IS NOT NULL AND d.id IN (
               SELECT fd.document_id FROM failure f JOIN failure_document fd ON fd.failure_id = f.id
               WHERE f.state IN ('open', 'waiting') AND fd.cleared_at IS NULL)
           GROUP BY 1 ORDER BY 1"""
    ).fetchall()
    return {row["currency"]: row["amount"] for row in rows}


def requests_by_result(ledger: Ledger) -> list[Row]:
    """All requests that were ever charged, by purpose and what became of them.

    Results: ok, rejected (answered with an error), unanswered, withdrawn (never left, refunded), under_way.
    """
    return ledger.execute(
        """SELECT purpose::text AS purpose, CASE
                   WHEN state IN ('charged', 'leaving') THEN 'under_way'
                   WHEN state <> 'answered' THEN state::text
                   WHEN reason = 'ok' THEN 'ok' ELSE 'rejected' END AS result, count(*)::int AS count
           FROM request GROUP BY 1, 2"""
    ).fetchall()


def posted_since(ledger: Ledger, seconds: float) -> int:
    """How many operations were posted in the last so many seconds; counted up to 100,000."""
    row = ledger.execute(
        """SELECT count(*)::int AS n FROM (SELECT FROM operation WHERE state = 'posted'
               AND settled_at > ledger_now() - make_interval(secs => %s) LIMIT 100000) o""",
        [seconds],
    ).fetchone()
    return int(row["n"]) if row else 0


LAG = """SELECT extract(epoch FROM o.settled_at - c.captured_at)::float AS lag_s FROM operation o
    JOIN LATERAL (SELECT captured_at FROM change WHERE document_id = o.document_id AND captured_at <= o.created_at
                  ORDER BY id DESC LIMIT 1) c ON true
    WHERE o.state = 'posted' AND """


def lags_of(ledger: Ledger, operations: Sequence[UUID]) -> list[float]:
    """From capture to posting, in seconds, of those operations that are posted."""
    rows = ledger.execute(f"{LAG} o.id = ANY(%s)".encode(), [list(operations)]).fetchall()
    return [max(0.0, row["lag_s"]) for row in rows]


def lag(ledger: Ledger, seconds: float) -> Row:
    """Of what was posted in the last so many seconds: `count`, and `p50` and `p95` of the lag, None where none was."""
    row = ledger.execute(
        f"""SELECT count(*)::int AS count, percentile_cont(0.5) WITHIN GROUP (ORDER BY lag_s) AS p50,
                percentile_cont(0.95) WITHIN GROUP (ORDER BY lag_s) AS p95
            FROM ({LAG} o.settled_at > ledger_now() - make_interval(secs => %s)
                  ORDER BY o.settled_at DESC LIMIT 2000) l""".encode(),
        [seconds],
    ).fetchone()
    return row or {"count": 0, "p50": None, "p95": None}


def parties(ledger: Ledger) -> list[Row]:
    """Every connection that is not disconnected, with what is known of both far sides."""
    return ledger.execute(
        """SELECT c.id, c.name, c.state::text AS state, c.reason, s.name AS site, co.company_id AS company, c.entity,
               CASE WHEN s.held_until > ledger_now() THEN s.held_until END AS scoro_held_until,
               CASE WHEN co.throttled_until > ledger_now() THEN co.throttled_until END AS intacct_throttled_until,
               greatest(s.last_webhook_at, (SELECT max(h.captured_at) FROM change h
                   WHERE h.connection_id = c.id AND h.origin = 'webhook')) AS last_webhook_at,
               greatest(0, extract(epoch FROM ledger_now() - coalesce(s.last_webhook_at, c.created_at)))::float
                   AS webhook_age_s,
               r.state::text AS last_request_state, r.reason AS last_request_reason,
               coalesce(r.ended_at, r.charged_at) AS last_request_at
           FROM connection c JOIN site s ON s.id = c.site_id JOIN company co ON co.id = c.company
           LEFT JOIN LATERAL (SELECT * FROM request q WHERE q.connection_id = c.id ORDER BY q.id DESC LIMIT 1) r ON true
           WHERE c.state <> 'disconnected' ORDER BY c.name"""
    ).fetchall()


def processes(ledger: Ledger) -> dict[str, int]:
    """How many processes of each kind are connected to the ledger: serve, work, schedule, up, demo."""
    rows = ledger.execute(
        """SELECT split_part(name, ' ', 2) AS kind, count(*)::int AS n FROM (
               SELECT DISTINCT application_name AS name, client_addr FROM pg_stat_activity
               WHERE datname = current_database() AND application_name LIKE 'scoro-intacct %') p GROUP BY 1"""
    ).fetchall()
    return {row["kind"]: row["n"] for row in rows}


def quota_by_day(ledger: Ledger) -> list[Row]:
    """Requests used on each day of every site's month, by the site's calendar."""
    return ledger.execute(
        """SELECT s.id AS site_id, (r.charged_at AT TIME ZONE s.time_zone)::date AS day, count(*)::int AS used
           FROM site s JOIN request r ON r.site_id = s.id AND r.month = site_month(s.time_zone)
           WHERE r.state <> 'withdrawn' GROUP BY 1, 2 ORDER BY 1, 2"""
    ).fetchall()
