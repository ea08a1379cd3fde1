"""Figures over time for the charts: one a minute and series, written by whichever process comes first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from db.database import Ledger, one

KEPT_DAYS = 14


def write(ledger: Ledger, figures: Mapping[str, float]) -> None:
    """Keep the figures of this minute; another process's that are there already stand."""
    ledger.execute(
        """INSERT INTO pulse (series, at, value)
           SELECT series, date_trunc('minute', ledger_now()), value
           FROM unnest(%s::text[], %s::float8[]) AS f (series, value) ON CONFLICT DO NOTHING""",
        [list(figures), list(figures.values())],
    )


def is_taken(ledger: Ledger) -> bool:
    """Whether some process has written this minute already."""
    row = one(
        ledger,
        """SELECT EXISTS (SELECT FROM pulse WHERE series = 'posted'
               AND at = date_trunc('minute', ledger_now())) AS taken""",
    )
    return bool(row["taken"])


def prune(ledger: Ledger) -> None:
    """Forget what is older than `KEPT_DAYS`."""
    ledger.execute("DELETE FROM pulse WHERE at < ledger_now() - make_interval(days => %s)", [KEPT_DAYS])


def read(ledger: Ledger, names: list[str], hours: int, step_minutes: int) -> dict[str, list[tuple[datetime, float]]]:
    """The named series over the last hours, in steps: the largest value of each step."""
    rows: list[dict[str, Any]] = ledger.execute(
        """SELECT series, date_bin(make_interval(mins => %s), at, 'epoch') AS step, max(value) AS value
           FROM pulse WHERE series = ANY(%s) AND at > ledger_now() - make_interval(hours => %s)
           GROUP BY 1, 2 ORDER BY 1, 2""",
        [step_minutes, names, hours],
    ).fetchall()
    found: dict[str, list[tuple[datetime, float]]] = {name: [] for name in names}
    for row in rows:
        found[row["series"]].append((row["step"], row["value"]))
    return found
