"""The token bucket of a site's bulk requests, kept with its quota."""

from dataclasses import dataclass

from db.database import Ledger, one
from db.requests import LOOK_UP_SHARE
from schemas.pacing import Month, pace

MONTH = """SELECT s.request_limit AS limit, s.request_limit / %(share)s AS kept_for_look_ups, q.used,
        (SELECT count(*) FROM request r WHERE r.site_id = s.id AND r.month = q.month AND r.purpose <> 'bulk'
            AND r.state <> 'withdrawn')::int AS others,
        extract(epoch FROM ledger_now() - q.month::timestamp AT TIME ZONE s.time_zone)::float AS elapsed_s,
        extract(epoch FROM (q.month + interval '1 month') AT TIME ZONE s.time_zone - ledger_now())::float AS remaining_s,
        q.bulk_tokens AS tokens,
        coalesce(extract(epoch FROM ledger_now() - q.bulk_tokens_at), 0)::float AS tokens_age_s
    FROM site s JOIN quota q ON q.site_id = s.id AND q.month = site_month(s.time_zone)
    WHERE s.id = %(site)s FOR UPDATE OF q"""

LONGEST_WAIT = """SELECT o.connection_id FROM operation o JOIN connection n ON n.id = o.connection_id
    JOIN company co ON co.id = n.company
    WHERE n.site_id = %s AND n.state = 'active' AND co.throttled_until <= ledger_now()
      AND o.state = 'ready' AND o.purpose = 'bulk' AND o.due_at <= ledger_now()
    GROUP BY 1 ORDER BY sum(extract(epoch FROM ledger_now() - o.due_at) + 1) DESC, 1 LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Token:
    """Whether a bulk request may leave; if not, when to ask again and whose turn it is now, if anybody's."""

    granted: bool
    wait_s: float = 0.0
    turn_of: int | None = None


def take_token(ledger: Ledger, site_id: int, connection_id: int) -> Token:
    """Take a token for one bulk request of a connection; with the last one it is the longest waiter's turn."""
    ledger.execute(
        """INSERT INTO quota (site_id, month) SELECT id, site_month(time_zone) FROM site WHERE id = %s
           ON CONFLICT DO NOTHING""",
        [site_id],
    )
    month = Month(**one(ledger, MONTH, {"site": site_id, "share": LOOK_UP_SHARE}))
    if month.used >= month.limit - month.kept_for_look_ups:
        return Token(True)  # used up: the charge refuses, with the date on which it goes on
    now = pace(month)
    if now.wait_s > 0:
        return Token(False, now.wait_s)
    if now.rate > 0 and now.tokens < 2:
        turn = one(ledger, LONGEST_WAIT, [site_id])["connection_id"]
        if turn != connection_id:
            return Token(False, 1 / now.rate, turn)
    ledger.execute(
        """UPDATE quota q SET bulk_tokens = %s, bulk_tokens_at = ledger_now()
           FROM site s WHERE s.id = %s AND q.site_id = s.id AND q.month = site_month(s.time_zone)""",
        [now.tokens - 1, site_id],
    )
    return Token(True)
