"""Requests to Intacct and the monthly quota: charged before they leave, in one statement that cannot pass the limit.

What counts as a request is `charge`: one HTTP call that may reach the gateway, whatever rides in it.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from db.database import Ledger, one
from schemas.kinds import Purpose

LOOK_UP_SHARE = 100
"""One request in so many of the limit is kept for look-ups, so that a month's last write is never left in doubt."""

SEND_WINDOW_S = 30
"""A charged request leaves within this long of its intent, or its claim is given up."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A request that the quota has paid for."""

    request_id: int
    month: date
    functions: int
    deadline_s: float
    """How long its call may take in all."""


CHARGE = """WITH s AS (
        SELECT id, request_limit - CASE WHEN %(from_reserve)s THEN 0 ELSE request_limit / %(share)s END AS ceiling,
               site_month(time_zone) AS month FROM site WHERE id = %(site)s
    ), q AS (
        INSERT INTO quota AS mine (site_id, month, used) SELECT id, month, 1 FROM s WHERE ceiling > 0
        ON CONFLICT (site_id, month) DO UPDATE SET used = mine.used + 1 WHERE mine.used < (SELECT ceiling FROM s)
        RETURNING month)
    INSERT INTO request (site_id, connection_id, month, purpose, functions, deadline_s)
    SELECT %(site)s, %(connection)s, month, %(purpose)s::purpose, %(functions)s, %(deadline_s)s FROM q
    RETURNING id, month"""


def charge(
    ledger: Ledger,
    site_id: int,
    connection_id: int | None,
    purpose: Purpose,
    *,
    functions: int,
    deadline_s: float,
    from_reserve: bool | None = None,
) -> Charge | None:
    """Pay for one request in the site's month; None when the limit is reached.

    Look-ups may use the requests that are kept for them, unless `from_reserve` says otherwise.
    """
    row = ledger.execute(
        CHARGE,
        {
            "site": site_id,
            "connection": connection_id,
            "purpose": purpose,
            "from_reserve": purpose is Purpose.LOOK_UP if from_reserve is None else from_reserve,
            "functions": functions,
            "deadline_s": deadline_s,
            "share": LOOK_UP_SHARE,
        },
    ).fetchone()
    return Charge(row["id"], row["month"], functions, deadline_s) if row else None


def extend(ledger: Ledger, charge: Charge, functions: int, deadline_s: float) -> Charge:
    """Let a request that is paid for carry so many functions more, with a new deadline."""
    longer = replace(charge, functions=charge.functions + functions, deadline_s=deadline_s)
    ledger.execute(
        "UPDATE request SET functions = %s, deadline_s = %s WHERE id = %s",
        [longer.functions, longer.deadline_s, charge.request_id],
    )
    return longer


def resumes_at(ledger: Ledger, site_id: int) -> datetime:
    """When the site's next month begins, by its own calendar."""
    row = one(
        ledger,
        """SELECT (site_month(time_zone) + interval '1 month') AT TIME ZONE time_zone AS at FROM site WHERE id = %s""",
        [site_id],
    )
    at: datetime = row["at"]
    return at


def leave(ledger: Ledger, request_id: int) -> bool:
    """Pass the fence: from here on the request may be at the gateway.

    False when the claim was given up meanwhile, or the send window has passed (a stopped process that goes on): then it
    must not be sent. Whoever gives a claim up does it by moving the state away from `charged`, so both cannot happen.
    """
    row = ledger.execute(
        """UPDATE request SET state = 'leaving', left_at = ledger_now()
           WHERE id = %s AND state = 'charged' AND charged_at > ledger_now() - make_interval(secs => %s) RETURNING
               id""",
        [request_id, SEND_WINDOW_S],
    ).fetchone()
    return row is not None


def end(ledger: Ledger, request_id: int, state: str, reason: str, *, sent: str | None = None) -> None:
    """Close a request. A late answer may correct `unanswered`; `withdrawn` is refunded to the month that paid."""
    row = ledger.execute(
        """UPDATE request SET state = %s, reason = %s, ended_at = ledger_now(),
               sent = coalesce(%s, sent)
           WHERE id = %s AND state IN ('charged', 'leaving', 'unanswered') RETURNING site_id, month""",
        [state, reason, sent, request_id],
    ).fetchone()
    if row and state == "withdrawn":
        ledger.execute(
            "UPDATE quota SET used = used - 1 WHERE site_id = %s AND month = %s", [row["site_id"], row["month"]]
        )


def note_rejection(ledger: Ledger, request_id: int, root: int | None) -> int:
    """Count a request that the gateway could not read; returns how many the search for the fault has cost so far."""
    ledger.execute("UPDATE request SET bisect_root = %s WHERE id = %s", [root or request_id, request_id])
    return int(one(ledger, "SELECT count(*) AS n FROM request WHERE bisect_root = %s", [root or request_id])["n"])
