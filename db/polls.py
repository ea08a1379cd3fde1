"""Polls: one row per module of a connection, with the time up to which everything has been looked at.

The watermark moves in a transaction of its own, after everything that a look found is committed: a poller that dies in
between looks at the same days again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from db.database import Ledger, one

DAY_SHARE = 0.25
"""The part of a site's requests per day that polls may use, once Scoro has told how many there are."""


@dataclass(frozen=True, slots=True)
class Poll:
    """A module of a connection that is due; `now` is the ledger's time at which it was taken."""

    id: int
    connection_id: int
    module: str
    since: datetime
    now: datetime
    connected_at: datetime
    bookmark: str
    """The bookmark whose members were listed last, '' for none; and when."""
    members_at: datetime | None


def plan(ledger: Ledger, modules: Collection[str], first_in_s: float) -> None:
    """Make the polls that connections lack; what changed since a connection was made is in the first look."""
    ledger.execute(
        """INSERT INTO poll (connection_id, module, since, due_at)
           SELECT c.id, m, c.created_at, ledger_now() + make_interval(secs => %s)
           FROM connection c CROSS JOIN unnest(%s::text[]) AS m
           WHERE c.state <> 'disconnected'
             AND NOT EXISTS (SELECT FROM poll p WHERE p.connection_id = c.id AND p.module = m)
           ORDER BY 1, 2 ON CONFLICT DO NOTHING""",
        [first_in_s, list(modules)],
    )


def due(ledger: Ledger, modules: Collection[str]) -> list[Poll]:
    """What is due, the longest first; sites that must not be asked now are left."""
    rows = ledger.execute(
        """SELECT p.id, p.connection_id, p.module, p.since, ledger_now() AS now, c.created_at AS connected_at,
               p.bookmark, p.members_at
           FROM poll p JOIN connection c ON c.id = p.connection_id AND c.state <> 'disconnected'
           JOIN site s ON s.id = c.site_id AND greatest(s.held_until, s.bulk_held_until) <= ledger_now()
           WHERE p.due_at <= ledger_now() AND p.module = ANY(%s) ORDER BY p.due_at, p.id LIMIT 100""",
        [list(modules)],
    ).fetchall()
    return [Poll(**row) for row in rows]


def still_due(ledger: Ledger, poll_id: int) -> bool:
    """Whether it is still due, asked when its lock is held: another poller may have come first."""
    return bool(one(ledger, "SELECT due_at <= ledger_now() AS due FROM poll WHERE id = %s", [poll_id])["due"])


def caught(ledger: Ledger, poll: Poll, scoro_ids: Sequence[int], text: str) -> None:
    """A look found what no webhook had told of: counted, and noted on each document."""
    ledger.execute(
        "UPDATE poll SET found = found + %s, found_at = ledger_now() WHERE id = %s", [len(scoro_ids), poll.id]
    )
    ledger.execute(
        """INSERT INTO note (document_id, text) SELECT d.id, %s FROM document d
           WHERE d.connection_id = %s AND d.module = %s AND d.scoro_id = ANY(%s)""",
        [text, poll.connection_id, poll.module, list(scoro_ids)],
    )
    ledger.execute(
        """UPDATE site SET webhook_missed_at = ledger_now()
           WHERE id = (SELECT site_id FROM connection WHERE id = %s)""",
        [poll.connection_id],
    )


MEMBERS = """WITH now AS (SELECT DISTINCT i AS scoro_id FROM unnest(%(ids)s::bigint[]) AS i), came AS (
        INSERT INTO bookmark_member (connection_id, module, scoro_id)
        SELECT %(connection)s, %(module)s, scoro_id FROM now ORDER BY 3 ON CONFLICT DO NOTHING RETURNING scoro_id
    ), went AS (
        DELETE FROM bookmark_member WHERE connection_id = %(connection)s AND module = %(module)s
            AND scoro_id NOT IN (SELECT scoro_id FROM now) RETURNING scoro_id)
    SELECT scoro_id FROM came UNION ALL SELECT scoro_id FROM went ORDER BY 1"""


def members(ledger: Ledger, poll: Poll, bookmark: str, scoro_ids: Collection[int]) -> list[int]:
    """Keep what a bookmark holds now; returns what came in or went out since it was listed last.

    Of a bookmark that is listed for the first time nothing has moved: setting one sends nothing by itself.
    """
    values = {"ids": list(scoro_ids), "connection": poll.connection_id, "module": poll.module}
    moved = [int(row["scoro_id"]) for row in ledger.execute(MEMBERS, values).fetchall()]
    ledger.execute(
        "UPDATE poll SET bookmark = %s, members_at = ledger_now() WHERE id = %s",
        [bookmark, poll.id],
    )
    return moved if bookmark == poll.bookmark else []


def learn_members(
    ledger: Ledger, connection_id: int, module: str, inside: Collection[int], outside: Collection[int]
) -> None:
    """Keep what was found out about some records, so that the next listing tells what moved since."""
    ledger.execute(
        """INSERT INTO bookmark_member (connection_id, module, scoro_id)
           SELECT %s, %s, i FROM unnest(%s::bigint[]) AS i ORDER BY i ON CONFLICT DO NOTHING""",
        [connection_id, module, list(inside)],
    )
    ledger.execute(
        "DELETE FROM bookmark_member WHERE connection_id = %s AND module = %s AND scoro_id = ANY(%s)",
        [connection_id, module, list(outside)],
    )


def forget_members(ledger: Ledger, poll: Poll) -> None:
    """There is no bookmark any more."""
    members(ledger, poll, "", [])


def end(
    ledger: Ledger, poll: Poll, *, calls: int, webhooks: bool, relaxed_s: float, close_s: float, call_s: float
) -> None:
    """A look came to its end: everything modified before it began has been seen.

    The next one is in `relaxed_s` where the site's webhooks come, else in `close_s`; later if the look took many calls
    (`call_s` for each), or if the day's requests would not reach for all polls of the site.
    """
    ledger.execute(
        """UPDATE poll p SET since = %(since)s, ended_at = ledger_now(), calls = p.calls + %(calls)s, reason = '',
               due_at = ledger_now() + make_interval(secs => greatest(
                   CASE WHEN %(webhooks)s AND s.last_webhook_at > ledger_now() - interval '1 day'
                        AND s.last_webhook_at > coalesce(s.webhook_missed_at, 'epoch')
                   THEN %(relaxed_s)s ELSE %(close_s)s END,
                   %(calls)s * %(call_s)s,
                   %(calls)s * (SELECT count(*) FROM poll o JOIN connection oc ON oc.id = o.connection_id
                        AND oc.site_id = c.site_id AND oc.state <> 'disconnected')
                   * 86400.0 / nullif(b.day_limit * %(share)s, 0)))
           FROM connection c JOIN site s ON s.id = c.site_id LEFT JOIN scoro_budget b ON b.site_id = s.id
           WHERE p.id = %(id)s AND c.id = p.connection_id""",
        {
            "id": poll.id,
            "since": poll.now,
            "calls": calls,
            "webhooks": webhooks,
            "relaxed_s": relaxed_s,
            "close_s": close_s,
            "call_s": call_s,
            "share": DAY_SHARE,
        },
    )


def fail(ledger: Ledger, poll: Poll, *, calls: int, reason: str, again_in_s: float) -> None:
    """A look broke off; the next one begins where it began."""
    ledger.execute(
        """UPDATE poll SET calls = calls + %s, reason = %s, due_at = ledger_now() + make_interval(secs => %s)
           WHERE id = %s""",
        [calls, reason, again_in_s, poll.id],
    )
