"""Pulls: when each connection is looked at again, how far its records were seen, and what people fetch."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from db import locks, outbox, pacing
from db.database import Ledger, one
from schemas.settings import ConnectionSettings

DEFAULT_INTERVAL = ConnectionSettings().pull.interval

INTERVAL = f"""make_interval(mins => coalesce((n.settings #>> '{{pull,interval}}')::int, {DEFAULT_INTERVAL}))"""

DUE_AT = f"""greatest(p.not_before, co.throttled_until, coalesce(p.asked_at,
    p.last_at + greatest({INTERVAL}, make_interval(secs => p.paced_s))))"""
"""SQL: when pull `p` of connection `n` with company `co` is due: an interval after the last one, or as much later as
the site's month allows."""
RIDES_AT = f"""coalesce(p.asked_at, p.last_at + {INTERVAL} * CASE WHEN p.marks = '{{}}' THEN 1.0 ELSE 0.5 END)"""
"""SQL: from when on it may ride in a request that leaves anyway, which costs nothing."""

QUICK_TRIES = 3
"""So many looks in a row that failed are made again soon; as each is a request, later ones are as far apart as any."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an object was seen: the largest WHENMODIFIED, and how long the look took that saw it."""

    seen: datetime
    took_s: float


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull that may begin."""

    connection_id: int
    by_person: bool
    """Whether a person asked for it."""
    due_in_s: float
    """Seconds until it is due; 0 or less when it is."""
    held_s: float
    """Seconds until anything may be asked at all."""
    rides_in_s: float
    """Seconds until it may ride in a request that leaves anyway."""
    attempts: int
    marks: Mapping[str, Mark]


def ask(ledger: Ledger, connection_id: int, *, by_person: bool = True) -> bool:
    """Have a connection looked at at once, and ring; False where it has never gone live."""
    row = ledger.execute(
        """UPDATE pull SET asked_at = ledger_now(), by_person = by_person OR %s, not_before = CASE
               WHEN reason LIKE 'waits for requests%%' THEN not_before ELSE 'epoch' END
           WHERE connection_id = %s RETURNING connection_id""",
        [by_person, connection_id],
    ).fetchone()
    if row is not None:
        outbox.ring(ledger, "pull", connection_id)
    return row is not None


def fetch(ledger: Ledger, connection_id: int, document_id: int, actor: str) -> int | None:
    """Have the payments of a document (or a bill itself) read at once; the fetch, None as `ask`."""
    row = ledger.execute(
        "INSERT INTO fetching (connection_id, document_id, actor) VALUES (%s, %s, %s) RETURNING id",
        [connection_id, document_id, actor],
    ).fetchone()
    return int(row["id"]) if ask(ledger, connection_id) and row else None


FETCH_OUTCOME = """SELECT f.done_at IS NOT NULL AS read, coalesce(p.reason, '') AS pull_reason,
        EXISTS (SELECT FROM pulled r WHERE r.connection_id = f.connection_id AND r.state = 'new') AS thinking,
        coalesce(mine.open, 0) AS open, coalesce(mine.held, 0) AS held, coalesce(mine.failed, 0) AS failed,
        coalesce(mine.written, 0) AS written, mine.reason
    FROM fetching f LEFT JOIN pull p ON p.connection_id = f.connection_id
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE d.state IN ('waiting', 'sending', 'uncertain')) AS open,
            count(*) FILTER (WHERE d.state = 'held') AS held, count(*) FILTER (WHERE d.state = 'failed') AS failed,
            count(*) FILTER (WHERE w.settled_at >= f.asked_at AND w.state = 'done') AS written,
            max(d.reason) FILTER (WHERE d.state IN ('held', 'failed', 'uncertain')) AS reason
        FROM document d LEFT JOIN LATERAL (SELECT x.settled_at, x.state FROM scoro_write x
            WHERE x.document_id = d.id ORDER BY x.id DESC LIMIT 1) w ON true
        WHERE d.id IN (SELECT r.document_id FROM receipt r
                       WHERE r.paid_document_id = f.document_id OR r.document_id = f.document_id)
           OR (d.id = f.document_id AND d.inbound)) mine ON true
    WHERE f.id = %s"""


def fetch_outcome(ledger: Ledger, fetch_id: int) -> dict[str, Any]:
    """What became of a fetch: whether Intacct was read, and where the receipts (or the bill) of its document stand."""
    return one(ledger, FETCH_OUTCOME, [fetch_id])


HINT_GAP_S = 60
"""Events of Intacct come in crowds: what comes within this of the last look is looked for together."""
HINT_GAP_LATER_S = 900
"""The same once a day has had `HINTED_A_DAY` requests for pulls, so that events do not use up the month."""
HINTED_A_DAY = 64


def hint(ledger: Ledger, connection_id: int) -> bool:
    """Intacct says that something is new: look soon, at once if the last look is not just over; False as `ask`.

    Where looks have used up their share of the month so far, events do not bring the next one forward.
    """
    held_s = pacing.pull_gap_s(ledger, connection_id) if pacing.pulls_are_ahead(ledger, connection_id) else 0.0
    row = ledger.execute(
        """UPDATE pull p SET asked_at = ledger_now(),
               not_before = greatest(p.not_before, p.last_at + make_interval(secs => %(held_s)s), p.last_at + least(
                   make_interval(mins => coalesce((n.settings #>> '{pull,interval}')::int, %(interval)s)),
                   make_interval(secs => CASE WHEN (
                       SELECT count(*) FROM request r WHERE r.site_id = n.site_id AND r.purpose = 'pull'
                         AND r.month >= site_month(s.time_zone) - interval '1 month'
                         AND r.charged_at > ledger_now() - interval '1 day') >= %(most)s
                       THEN %(later_s)s ELSE %(gap_s)s END)))
           FROM connection n JOIN site s ON s.id = n.site_id
           WHERE p.connection_id = %(id)s AND n.id = p.connection_id
           RETURNING p.not_before <= ledger_now() AS due""",
        {
            "interval": DEFAULT_INTERVAL,
            "most": HINTED_A_DAY,
            "later_s": HINT_GAP_LATER_S,
            "gap_s": HINT_GAP_S,
            "held_s": held_s,
            "id": connection_id,
        },
    ).fetchone()
    if row is not None and row["due"]:
        outbox.ring(ledger, "pull", connection_id)
    return row is not None


def peek(ledger: Ledger, connection_id: int) -> Pull | None:
    """The connection's pull, locked until the transaction ends; None while a request carries it, or somebody has it."""
    row = ledger.execute(
        f"""SELECT p.by_person, p.attempts, p.marks,
                extract(epoch FROM {DUE_AT} - ledger_now())::float AS due_in_s,
                extract(epoch FROM greatest(p.not_before, co.throttled_until) - ledger_now())::float AS held_s,
                extract(epoch FROM {RIDES_AT} - ledger_now())::float AS rides_in_s
            FROM pull p JOIN connection n ON n.id = p.connection_id JOIN company co ON co.id = n.company
            WHERE p.connection_id = %s AND n.state = 'active' AND NOT EXISTS (
                SELECT FROM request r WHERE r.id = p.request_id AND r.state IN ('charged', 'leaving')
                    AND {locks.HELD_REQUEST})
            FOR UPDATE OF p SKIP LOCKED""".encode(),
        [connection_id],
    ).fetchone()
    if row is None:
        return None
    marks = {
        name: Mark(datetime.fromisoformat(held["seen"]), float(held["took_s"])) for name, held in row["marks"].items()
    }
    return Pull(
        connection_id,
        row["by_person"],
        row["due_in_s"],
        row["held_s"],
        row["rides_in_s"],
        row["attempts"],
        marks,
    )


def carried_by(ledger: Ledger, connection_id: int, request_id: int) -> None:
    """Note the request that carries a pull; while it is under way nobody else begins one."""
    ledger.execute("UPDATE pull SET request_id = %s WHERE connection_id = %s", [request_id, connection_id])


def is_looked_at(ledger: Ledger, connection_id: int) -> bool:
    """Whether somebody looks at a connection right now."""
    row = ledger.execute(f"SELECT {locks.held(locks.PULL, '%(id)s')} AS yes".encode(), {"id": connection_id}).fetchone()
    return bool(row and row["yes"])


def done(ledger: Ledger, connection_id: int, marks: Mapping[str, Mark], *, began_at: datetime) -> None:
    """A look is complete: the next one is due an interval after it began; who asked since is not forgotten.

    As many connections share a site's requests, it may be later than that. A mark never goes back: another look may
    have been quicker.
    """
    written = {name: {"seen": mark.seen.isoformat(), "took_s": mark.took_s} for name, mark in marks.items()}
    ledger.execute(
        """UPDATE pull p SET last_at = greatest(last_at, %(began)s), attempts = 0, reason = '', not_before = 'epoch',
               request_id = NULL, paced_s = %(paced_s)s, asked_at = CASE WHEN asked_at > %(began)s THEN asked_at END,
               by_person = by_person AND coalesce(asked_at > %(began)s, false),
               marks = p.marks || coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(%(marks)s)
                   WHERE p.marks -> key IS NULL
                      OR (p.marks -> key ->> 'seen')::timestamptz <= (value ->> 'seen')::timestamptz), '{}')
           WHERE connection_id = %(connection)s""",
        {
            "connection": connection_id,
            "marks": Jsonb(written),
            "began": began_at,
            "paced_s": pacing.pull_gap_s(ledger, connection_id),
        },
    )


def put_off(ledger: Ledger, connection_id: int, wait_s: float, reason: str) -> None:
    """A look failed: again after `wait_s`, or when it had failed before, no sooner than the month allows."""
    ledger.execute(
        """UPDATE pull SET attempts = attempts + 1, reason = %s, request_id = NULL,
               not_before = ledger_now()
                   + make_interval(secs => greatest(%s, CASE WHEN attempts >= %s THEN paced_s END))
           WHERE connection_id = %s""",
        [reason, wait_s, QUICK_TRIES, connection_id],
    )


def wait_for_quota(ledger: Ledger, connection_id: int, until: datetime, reason: str) -> None:
    """The month's requests are used up: again when they come back."""
    ledger.execute(
        "UPDATE pull SET not_before = %s, reason = %s, request_id = NULL WHERE connection_id = %s",
        [until, reason, connection_id],
    )


def release_quota_waits(ledger: Ledger, site_id: int) -> list[int]:
    """The limit was raised: pulls that waited for it are due by their clock; returns the connections."""
    rows = ledger.execute(
        """UPDATE pull SET not_before = 'epoch', reason = '' WHERE reason LIKE 'waits for requests%%'
               AND connection_id IN (SELECT id FROM connection WHERE site_id = %s) RETURNING connection_id""",
        [site_id],
    ).fetchall()
    return [row["connection_id"] for row in rows]


# ------------------------------------------------------------------------------------------------- fetches


def open_fetches(ledger: Ledger, connection_id: int) -> list[dict[str, Any]]:
    """What people fetch: fetch, document and its link in Intacct."""
    return ledger.execute(
        """SELECT f.id, f.document_id, d.kind, l.object, l.record_no::bigint AS record_no
           FROM fetching f JOIN document d ON d.id = f.document_id LEFT JOIN link l ON l.document_id = d.id
           WHERE f.connection_id = %s AND f.done_at IS NULL ORDER BY f.id LIMIT 500""",
        [connection_id],
    ).fetchall()


def fetched(ledger: Ledger, fetch_ids: Collection[int]) -> None:
    """What was fetched has been read."""
    ledger.execute("UPDATE fetching SET done_at = ledger_now() WHERE id = ANY(%s)", [list(fetch_ids)])
