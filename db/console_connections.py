"""What a connection's page shows beside its settings: names of both sides for mappings, work by kind, its log."""

from typing import Any

from db.database import Ledger

Row = dict[str, Any]

RECENT = 25


def both_sides(ledger: Ledger, connection_id: int) -> dict[str, list[Row]]:
    """What was read of both sides to choose from, by topic as `scoro.vat_code`: key, data, active."""
    rows = ledger.execute(
        """SELECT source || '.' || topic AS topic, key, data, active FROM reference
           WHERE connection_id = %s AND (topic IN ('account', 'tax_detail', 'vat_code') OR topic LIKE 'dimension:%%')
           ORDER BY source, topic, key LIMIT 5000""",
        [connection_id],
    ).fetchall()
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["topic"], []).append(row)
    return found


def read_at(ledger: Ledger, connection_id: int) -> Row | None:
    """When reference data was read last, and how much of it there is."""
    return ledger.execute(
        "SELECT max(read_at) AS at, count(*)::int AS count FROM reference WHERE connection_id = %s", [connection_id]
    ).fetchone()


def log(ledger: Ledger, connection_id: int) -> list[Row]:
    """What happened to the connection and its settings, newest first."""
    return ledger.execute(
        """SELECT at, actor, from_state AS "from", to_state AS "to", detail FROM journal
           WHERE subject = 'connection' AND subject_id = %s ORDER BY id DESC LIMIT %s""",
        [str(connection_id), RECENT],
    ).fetchall()


def requests_this_month(ledger: Ledger, connection_id: int) -> list[Row]:
    """Requests of the connection in its site's month, by purpose."""
    return ledger.execute(
        """SELECT r.purpose::text AS purpose, count(*)::int AS count FROM request r JOIN site s ON s.id = r.site_id
           WHERE r.connection_id = %s AND r.month = site_month(s.time_zone) AND r.state <> 'withdrawn'
           GROUP BY 1 ORDER BY 1""",
        [connection_id],
    ).fetchall()
