"""The token bucket of a site's bulk requests, kept with its quota."""

from dataclasses import dataclass

import schemas.pacing
from db.database import Ledger, one
from db.requests import LOOK_UP_SHARE
from schemas.pacing import Gathered, Month, Pace, pace
from schemas.settings import DeliverySettings

MAX_DOCUMENTS = DeliverySettings().max_documents

MONTH = """SELECT s.request_limit AS limit, s.request_limit / %(share)s AS kept_for_look_ups,
        coalesce(q.used, 0) AS used,
        (SELECT count(*) FROM request r WHERE r.site_id = s.id AND r.month = m.month AND r.purpose <> 'bulk'
            AND r.state <> 'withdrawn')::int AS others,
        (SELECT count(*) FROM request r WHERE r.site_id = s.id AND r.month = m.month AND r.purpose = 'pull'
            AND r.state <> 'withdrawn')::int AS pulls,
        extract(epoch FROM ledger_now() - m.month::timestamp AT TIME ZONE s.time_zone)::float AS elapsed_s,
        extract(epoch FROM (m.month + interval '1 month') AT TIME ZONE s.time_zone - ledger_now())::float
            AS remaining_s,
        q.bulk_tokens AS tokens,
        coalesce(extract(epoch FROM ledger_now() - q.bulk_tokens_at), 0)::float AS tokens_age_s
    FROM site s CROSS JOIN LATERAL (SELECT site_month(s.time_zone) AS month) m
    LEFT JOIN quota q ON q.site_id = s.id AND q.month = m.month
    WHERE s.id = %(site)s"""

# of each connection that may send: what its next bulk pack would hold
GATHERED = """SELECT n.id AS connection_id, p.documents, p.waited_s, p.documents >= l.documents AS "full"
    FROM connection n JOIN company co ON co.id = n.company
    CROSS JOIN LATERAL (SELECT coalesce((n.settings #>> '{delivery,max_documents}')::int, %(documents)s) AS documents) l
    CROSS JOIN LATERAL (
        SELECT count(*)::int AS documents, coalesce(sum(o.age_s), 0)::float AS waited_s FROM (
            SELECT extract(epoch FROM ledger_now() - o.due_at) AS age_s FROM operation o
            WHERE o.connection_id = n.id AND o.state IN ('ready', 'waiting_quota') AND o.purpose = 'bulk'
              AND o.due_at <= ledger_now()
            ORDER BY o.due_at LIMIT l.documents) o) p
    WHERE n.site_id = %(site)s AND n.state = 'active' AND co.throttled_until <= ledger_now()
      AND p.documents > 0 AND (%(connection)s::bigint IS NULL OR n.id = %(connection)s)
    ORDER BY p.waited_s DESC, n.id"""


@dataclass(frozen=True, slots=True)
class Token:
    """Whether a bulk request may leave; if not, when to ask again and whose turn it is now, if anybody's."""

    granted: bool
    wait_s: float = 0.0
    turn_of: int | None = None


def month_of(ledger: Ledger, site_id: int) -> Month:
    """A site's month so far."""
    return Month(**one(ledger, MONTH, {"site": site_id, "share": LOOK_UP_SHARE}))


def take_token(ledger: Ledger, site_id: int, connection_id: int) -> Token:
    """Take a token for one bulk request of a connection; the last one goes to whoever has waited longest in all.

    The site's quota stays locked until the transaction ends, so that of many senders one at a time decides.
    """
    ledger.execute(
        """INSERT INTO quota AS mine (site_id, month) SELECT id, site_month(time_zone) FROM site WHERE id = %s
           ON CONFLICT (site_id, month) DO UPDATE SET used = mine.used""",
        [site_id],
    )
    month = month_of(ledger, site_id)
    if month.used >= month.limit - month.kept_for_look_ups:
        return Token(True)  # used up: the charge refuses, with the date on which it goes on
    now = pace(month)
    waiting = _gathered(ledger, site_id, connection_id)
    mine = waiting.get(connection_id, Gathered(1, 0.0, False))
    if not now.admits(mine):
        return Token(False, now.wait_s(mine))
    if now.rate > 0 and now.tokens < 2:
        turn = _longest_wait(ledger, site_id, now)
        if turn is not None and turn != connection_id:
            return Token(False, Pace(now.tokens - 1, now.bound, now.rate).wait_s(mine), turn)
    _keep(ledger, site_id, now.tokens - 1)
    return Token(True)


PULLING = """SELECT n.site_id, (SELECT count(*) FROM pull p JOIN connection o ON o.id = p.connection_id
        WHERE o.site_id = n.site_id AND o.state = 'active')::int AS connections
    FROM connection n WHERE n.id = %s"""


def pull_gap_s(ledger: Ledger, connection_id: int) -> float:
    """How far apart the looks of a connection are at the least, so that its site's share of them lasts."""
    site = one(ledger, PULLING, [connection_id])
    return schemas.pacing.pull_gap_s(month_of(ledger, site["site_id"]), max(1, site["connections"]))


def pulls_are_ahead(ledger: Ledger, connection_id: int) -> bool:
    """Whether the looks of a connection's site have used more than their share has come to so far."""
    site = one(ledger, PULLING, [connection_id])
    return schemas.pacing.pulls_are_ahead(month_of(ledger, site["site_id"]))


def refill(ledger: Ledger, site_id: int) -> None:
    """Fill the bucket by the limit as it is now: to be called when a person raised it."""
    _keep(ledger, site_id, None)


def _keep(ledger: Ledger, site_id: int, tokens: float | None) -> None:
    ledger.execute(
        """UPDATE quota q SET bulk_tokens = %s, bulk_tokens_at = ledger_now()
           FROM site s WHERE s.id = %s AND q.site_id = s.id AND q.month = site_month(s.time_zone)""",
        [tokens, site_id],
    )


def _gathered(ledger: Ledger, site_id: int, connection_id: int | None) -> dict[int, Gathered]:
    """By connection, the longest total wait first."""
    values = {"site": site_id, "connection": connection_id, "documents": MAX_DOCUMENTS}
    rows = ledger.execute(GATHERED, values).fetchall()
    return {row["connection_id"]: Gathered(row["documents"], row["waited_s"], row["full"]) for row in rows}


def _longest_wait(ledger: Ledger, site_id: int, now: Pace) -> int | None:
    waiting = _gathered(ledger, site_id, None)
    return next((connection for connection, gathered in waiting.items() if now.admits(gathered)), None)
