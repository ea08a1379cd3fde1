"""Where a site's month is going: what is used a day and for what, when it would run out, what waits, and until when.

And the price of a bulk action, before anybody agrees to it.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from db.database import Ledger, one
from db.pacing import month_of
from db.requests import resumes_at
from schemas.kinds import Purpose
from schemas.pacing import DAY_S, Pace, pace
from schemas.settings import ConnectionSettings

BURN_OVER_S = 7 * DAY_S
"""What is used a day is taken from the last week of the month so far."""
SHORTEST_BURN_S = DAY_S
"""And at the beginning of a month as if spread over this long at least."""

OLDER_PER_LOOK_UP = 5_000
"""Older documents whose numbers one request asks for."""

TIMED = frozenset({"quota", "backoff", "throttled", "pace", "look-up"})
"""Waits whose end is known."""

BURN = """SELECT r.purpose, count(*)::int AS n FROM request r
    JOIN site s ON s.id = r.site_id AND r.month = site_month(s.time_zone)
    WHERE s.id = %(site)s AND r.state <> 'withdrawn'
      AND r.charged_at > (SELECT ledger_now()) - make_interval(secs => %(over_s)s)
    GROUP BY r.purpose"""

WAITING = """SELECT wait, count(*)::int AS n, min(goes_on_at) AS goes_on_at FROM (
        SELECT CASE
                WHEN n.state <> 'active' THEN 'connection'
                WHEN o.state = 'waiting_person' THEN 'person'
                WHEN o.state = 'waiting_prerequisite' THEN 'prerequisite'
                WHEN o.state = 'waiting_quota' AND o.due_at > ledger_now() THEN 'quota'
                WHEN o.state = 'uncertain' THEN 'look-up'
                WHEN o.state = 'sending' THEN 'sending'
                WHEN o.due_at > ledger_now() THEN 'backoff'
                WHEN co.throttled_until > ledger_now() THEN 'throttled'
                WHEN o.purpose = 'bulk' AND n.bulk_at > ledger_now() THEN 'pace'
                ELSE 'ready' END AS wait,
            greatest(o.due_at, co.throttled_until, CASE WHEN o.purpose = 'bulk' THEN n.bulk_at END) AS goes_on_at
        FROM (  -- each half has an index of its own: a million posted operations cost nothing
            SELECT * FROM operation WHERE state IN ('ready', 'waiting_quota', 'uncertain')
            UNION ALL
            SELECT * FROM operation WHERE state IN ('waiting_prerequisite', 'waiting_person', 'sending')) o
        JOIN connection n ON n.id = o.connection_id JOIN company co ON co.id = n.company
        WHERE n.site_id = %s) w
    GROUP BY wait ORDER BY wait"""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A site's month, looked at from now.

    `burn` is requests per day by purpose; `runs_out_at` None: at that burn the month ends first. `waiting` counts
    operations by what they wait for: connection, person, prerequisite, quota, look-up, sending, backoff, throttled,
    pace (gathering with others) or ready. `next_token_at` is when bulk may leave next:
    now at the latest if nothing holds it back; `resumes_at` is when the next month begins.
    """

    limit: int
    used: int
    left: int
    kept_for_look_ups: int
    """Of those left, what documents cannot have."""
    burn: dict[Purpose, float]
    runs_out_at: datetime | None
    waiting: dict[str, int]
    waiting_until: dict[str, datetime | None]
    """When the first of them goes on, as far as that is known."""
    next_token_at: datetime
    resumes_at: datetime
    used_up: bool
    """All but the requests kept for look-ups are used: nothing else leaves until `resumes_at`."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a bulk action costs: `requests` at the most, `left` of the month without it and after it.

    Of the requests `look_ups` ask Intacct about older documents before they are created.
    """

    requests: int
    left: int
    left_after: int
    documents_per_request: int
    look_ups: int = 0

    @property
    def affordable(self) -> bool:
        """Whether this month's requests reach for it; if not, the rest of it goes in the next month."""
        return self.left_after >= 0


def forecast(ledger: Ledger, site_id: int) -> Forecast:
    """Look at a site's month."""
    now: datetime = one(ledger, "SELECT ledger_now() AS at")["at"]
    month = month_of(ledger, site_id)
    over_s = min(BURN_OVER_S, max(SHORTEST_BURN_S, month.elapsed_s))
    rows = ledger.execute(BURN, {"site": site_id, "over_s": over_s}).fetchall()
    burn = dict.fromkeys(Purpose, 0.0) | {Purpose(row["purpose"]): row["n"] * DAY_S / over_s for row in rows}
    spendable = month.limit - month.kept_for_look_ups - month.used
    ends_at = resumes_at(ledger, site_id)
    waiting = {row["wait"]: row for row in ledger.execute(WAITING, [site_id]).fetchall()}
    used_up = spendable <= 0
    return Forecast(
        limit=month.limit,
        used=month.used,
        left=max(0, month.limit - month.used),
        kept_for_look_ups=max(0, min(month.kept_for_look_ups, month.limit - month.used)),
        burn=burn,
        runs_out_at=_runs_out_at(now, spendable, sum(burn.values()), ends_at),
        waiting={wait: row["n"] for wait, row in waiting.items()},
        waiting_until={wait: row["goes_on_at"] if wait in TIMED else None for wait, row in waiting.items()},
        next_token_at=ends_at if used_up else min([ends_at, *_next_tokens(now, waiting, pace(month))]),
        resumes_at=ends_at,
        used_up=used_up,
    )


def _next_tokens(now: datetime, waiting: Mapping[str, Mapping[str, Any]], at_hand: Pace) -> Iterator[datetime]:
    if "pace" in waiting:
        yield waiting["pace"]["goes_on_at"]
    elif at_hand.next_token_s < math.inf:
        yield now + timedelta(seconds=at_hand.next_token_s)


def _runs_out_at(now: datetime, spendable: int, burn_per_day: float, ends_at: datetime) -> datetime | None:
    if spendable <= 0:
        return now
    if burn_per_day <= 0:
        return None
    at = now + timedelta(days=spendable / burn_per_day)
    return at if at < ends_at else None


def price(ledger: Ledger, connection_id: int, documents: int, *, older: int = 0) -> Price:
    """What sending so many documents of a connection costs, of which `older` ones are looked up first.

    What documents need beside them rides along, and is not counted.
    """
    row = one(ledger, "SELECT site_id, settings FROM connection WHERE id = %s", [connection_id])
    per_request = ConnectionSettings.from_json(row["settings"]).delivery.max_documents
    month = month_of(ledger, row["site_id"])
    left = max(0, month.limit - month.kept_for_look_ups - month.used)
    look_ups = -(-older // OLDER_PER_LOOK_UP)
    requests = -(-documents // per_request) + look_ups
    return Price(requests, left, left - requests, per_request, look_ups)
