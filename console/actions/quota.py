"""A site's month of requests as people see it: what went on what, how far the rest reaches, what waits until when."""

from typing import Any

from db import forecast, reports
from db.database import Database
from db.database import Ledger as Session
from schemas.kinds import Purpose

FORECAST = ("kept_for_look_ups", "burn_per_day", "runs_out_at", "paced_until", "waiting")
"""What a row says of the future."""


def months(db: Database) -> list[dict[str, Any]]:
    """A row for every site. Instants are aware; `resumes_at` is set once nothing but look-ups may leave.

    Of those left documents cannot have the `kept_for_look_ups`. `burn_per_day` is requests a day by purpose;
    `runs_out_at` None: the month ends first. `paced_until` is set while bulk is held back so that the
    month lasts; `waiting` holds `count` and `until` by what operations wait for.
    """
    return db.run(lambda session: [_month(session, row) for row in reports.quota(session)])


def _month(session: Session, row: dict[str, Any]) -> dict[str, Any]:
    site = session.execute("SELECT id FROM site WHERE name = %s", [row["site"]]).fetchone()
    if site is None:
        return row
    month = forecast.forecast(session, site["id"])
    return {
        **row,
        "kept_for_look_ups": month.kept_for_look_ups,
        "by_purpose": {**dict.fromkeys(Purpose, 0), **row["by_purpose"]},
        "burn_per_day": {purpose: round(n, 2) for purpose, n in month.burn.items()},
        "runs_out_at": None if month.used_up else month.runs_out_at,
        "paced_until": month.waiting_until.get("pace"),
        "waiting": {
            wait: {"count": count, "until": month.waiting_until.get(wait)} for wait, count in month.waiting.items()
        },
    }
