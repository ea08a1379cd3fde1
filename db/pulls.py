"""Pulls: when each connection is looked at again, how far its records were seen, and the records themselves."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from db import locks, outbox
from db.database import Ledger, one
from schemas.settings import ConnectionSettings

DEFAULT_INTERVAL = ConnectionSettings().pull.interval

DUE_AT = f"""greatest(p.not_before, co.throttled_until, coalesce(p.asked_at, p.last_at + make_interval(
    mins => coalesce((n.settings #>> '{{pull,interval}}')::int, {DEFAULT_INTERVAL}))))"""
"""SQL: when pull `p` of connection `n` with company `co` is due."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an object was seen: the largest WHENMODIFIED, and how long the look took that saw it."""

    seen: datetime
    took_s: float


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull that may begin."""

    connection_id: int
    asked: bool
    due_in_s: float
    """Seconds until it is due; 0 or less when it is."""
    held_s: float
    """Seconds until anything may be asked at all."""
    interval_s: float
    attempts: int
    marks: Mapping[str, Mark]


@dataclass(frozen=True, slots=True)
class Seen:
    """A record of Intacct as a query showed it."""

    object: str
    record_no: int
    modified_at: datetime
    data: Mapping[str, str]
    parent_no: int | None = None
    target_no: int | None = None
    credit_no: int | None = None
    lines: Sequence[Mapping[str, str]] | None = None


def ask(ledger: Ledger, connection_id: int) -> bool:
    """Have a connection looked at at once, and ring; False where it has never gone live."""
    row = ledger.execute(
        """UPDATE pull SET asked_at = coalesce(asked_at, ledger_now()), not_before = CASE
               WHEN reason LIKE 'waits for requests%%' THEN not_before ELSE 'epoch' END
           WHERE connection_id = %s RETURNING connection_id""",
        [connection_id],
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
    """Intacct says that something is new: look soon, at once if the last look is not just over; False as `ask`."""
    row = ledger.execute(
        """UPDATE pull p SET asked_at = coalesce(p.asked_at, ledger_now()),
               not_before = greatest(p.not_before, p.last_at + least(
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
            "id": connection_id,
        },
    ).fetchone()
    if row is not None and row["due"]:
        outbox.ring(ledger, "pull", connection_id)
    return row is not None


def peek(ledger: Ledger, connection_id: int) -> Pull | None:
    """The connection's pull, locked until the transaction ends; None while a request carries it, or somebody has it."""
    row = ledger.execute(
        f"""SELECT p.asked_at IS NOT NULL AS asked, p.attempts, p.marks,
                extract(epoch FROM {DUE_AT} - ledger_now())::float AS due_in_s,
                extract(epoch FROM greatest(p.not_before, co.throttled_until) - ledger_now())::float AS held_s,
                60.0 * coalesce((n.settings #>> '{{pull,interval}}')::int, {DEFAULT_INTERVAL}) AS interval_s
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
        connection_id, row["asked"], row["due_in_s"], row["held_s"], float(row["interval_s"]), row["attempts"], marks
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

    A mark never goes back: another look may have been quicker.
    """
    written = {name: {"seen": mark.seen.isoformat(), "took_s": mark.took_s} for name, mark in marks.items()}
    ledger.execute(
        """UPDATE pull p SET last_at = greatest(last_at, %(began)s), attempts = 0, reason = '', not_before = 'epoch',
               request_id = NULL, asked_at = CASE WHEN asked_at > %(began)s THEN asked_at END,
               marks = p.marks || coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(%(marks)s)
                   WHERE p.marks -> key IS NULL
                      OR (p.marks -> key ->> 'seen')::timestamptz <= (value ->> 'seen')::timestamptz), '{}')
           WHERE connection_id = %(connection)s""",
        {"connection": connection_id, "marks": Jsonb(written), "began": began_at},
    )


def put_off(ledger: Ledger, connection_id: int, wait_s: float, reason: str) -> None:
    """A look failed: again after `wait_s`."""
    ledger.execute(
        """UPDATE pull SET attempts = attempts + 1, reason = %s, request_id = NULL,
               not_before = ledger_now() + make_interval(secs => %s) WHERE connection_id = %s""",
        [reason, wait_s, connection_id],
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


# ------------------------------------------------------------------------------------------------- records

MANY = 5_000
"""After so many new rows at once Postgres does not know the table any more, and would plan for an empty one."""

SEE = """INSERT INTO pulled AS mine (connection_id, object, record_no, parent_no, target_no, credit_no, modified_at,
        data, lines)
    SELECT %(connection)s, g.object, g.record_no, g.parent_no, g.target_no, g.credit_no, g.modified_at, g.data, g.lines
    FROM jsonb_to_recordset(%(rows)s) AS g (object text, record_no bigint, parent_no bigint, target_no bigint,
        credit_no bigint, modified_at timestamptz, data jsonb, lines jsonb)
    ORDER BY g.object, g.record_no
    ON CONFLICT (connection_id, object, record_no) DO UPDATE SET
        parent_no = excluded.parent_no, target_no = excluded.target_no, credit_no = excluded.credit_no,
        modified_at = excluded.modified_at,
        data = excluded.data, lines = excluded.lines, state = 'new', version = mine.version + 1,
        seen_at = ledger_now()
    WHERE mine.modified_at <= excluded.modified_at AND mine.data <> excluded.data"""


def see(ledger: Ledger, connection_id: int, rows: Sequence[Seen]) -> int:
    """Keep records as they were seen; returns how many are new or changed.

    The same record seen again is nothing, one seen late (an older WHENMODIFIED) is not believed.
    """
    by_key = {(row.object, row.record_no): row for row in rows}
    written = [
        {
            "object": row.object,
            "record_no": row.record_no,
            "parent_no": row.parent_no,
            "target_no": row.target_no,
            "credit_no": row.credit_no,
            "modified_at": row.modified_at.isoformat(),
            "data": dict(row.data),
            "lines": None if row.lines is None else [dict(line) for line in row.lines],
        }
        for row in by_key.values()
    ]
    if not written:
        return 0
    changed = ledger.execute(SEE, {"connection": connection_id, "rows": Jsonb(written, dumps=_dump)}).rowcount
    if changed >= MANY:
        ledger.execute("ANALYZE pulled")
    return changed


def _dump(rows: object) -> str:
    """JSON without the NUL characters that `jsonb` refuses."""
    return json.dumps(rows).replace("\\u0000", "")


def without_lines(ledger: Ledger, connection_id: int, object_name: str, limit: int) -> list[int]:
    """Records whose lines were not read since they were seen changed."""
    rows = ledger.execute(
        """SELECT record_no FROM pulled WHERE connection_id = %s AND object = %s AND state = 'new' AND lines IS NULL
           ORDER BY record_no LIMIT %s""",
        [connection_id, object_name, limit],
    ).fetchall()
    return [row["record_no"] for row in rows]


def unknown_vendors(ledger: Ledger, connection_id: int, limit: int) -> list[str]:
    """VENDORIDs of new bills that the reference data does not hold."""
    rows = ledger.execute(
        """SELECT DISTINCT p.data ->> 'VENDORID' AS vendor FROM pulled p
           WHERE p.connection_id = %(connection)s AND p.object = 'APBILL' AND p.state = 'new'
             AND coalesce(p.data ->> 'VENDORID', '') <> '' AND NOT EXISTS (
               SELECT FROM reference r WHERE r.connection_id = p.connection_id AND r.source = 'intacct'
                 AND r.topic = 'vendor' AND r.key = p.data ->> 'VENDORID') ORDER BY 1 LIMIT %(limit)s""",
        {"connection": connection_id, "limit": limit},
    ).fetchall()
    return [row["vendor"] for row in rows]


def versions(ledger: Ledger, connection_id: int, object_name: str, record_nos: Collection[int]) -> dict[int, int]:
    """Version by record."""
    rows = ledger.execute(
        "SELECT record_no, version FROM pulled WHERE connection_id = %s AND object = %s AND record_no = ANY(%s)",
        [connection_id, object_name, list(record_nos)],
    ).fetchall()
    return {row["record_no"]: row["version"] for row in rows}


def add_lines(
    ledger: Ledger,
    connection_id: int,
    object_name: str,
    lines: Mapping[int, Sequence[Mapping[str, str]]],
    versions: Mapping[int, int],
) -> None:
    """Keep the lines of records that were not seen changed since (`versions`)."""
    rows = [
        {"record_no": number, "version": versions[number], "lines": [dict(line) for line in held]}
        for number, held in lines.items()
        if number in versions
    ]
    ledger.execute(
        """UPDATE pulled p SET lines = g.lines
           FROM jsonb_to_recordset(%s) AS g (record_no bigint, version integer, lines jsonb)
           WHERE p.connection_id = %s AND p.object = %s AND p.record_no = g.record_no AND p.version = g.version""",
        [Jsonb(rows, dumps=_dump), connection_id, object_name],
    )


OWN_BILL = """EXISTS (SELECT FROM operation o WHERE o.connection_id = p.connection_id AND o.object = 'APBILL'
    AND o.verb = 'create' AND o.state IN ('sending', 'uncertain') AND o.natural_key = p.data ->> 'RECORDID')"""
"""SQL: bill `p` may be one that we are making right now."""

THINK_AGAIN = """UPDATE pulled p SET state = 'new' FROM link l
    WHERE p.connection_id = %(connection)s AND p.state = 'unknown' AND l.connection_id = p.connection_id
      AND l.linked_at >= p.thought_at AND (
        (l.object = ANY(CASE p.object WHEN 'ARPYMTDETAIL' THEN ARRAY['ARINVOICE', 'ARADJUSTMENT']
                                      ELSE ARRAY['APBILL', 'APADJUSTMENT'] END)
            AND l.record_no = ANY(ARRAY[p.target_no::text, p.credit_no::text])))"""


def think_again(ledger: Ledger, connection_id: int) -> None:
    """Records that named no document of ours are new once there is one; bills once none of ours is in doubt."""
    ledger.execute(THINK_AGAIN, {"connection": connection_id})
    ledger.execute(
        f"""UPDATE pulled p SET state = 'new' WHERE p.connection_id = %s AND p.state = 'unknown'
               AND p.object = 'APBILL' AND NOT {OWN_BILL}""".encode(),
        [connection_id],
    )


def payments_without_header(ledger: Ledger, connection_id: int, payment_object: str, limit: int) -> list[int]:
    """Payments of which details were seen and the header was not."""
    rows = ledger.execute(
        """SELECT DISTINCT d.parent_no FROM pulled d WHERE d.connection_id = %(connection)s AND d.object = %(detail)s
               AND d.state = 'new' AND NOT EXISTS (SELECT FROM pulled h WHERE h.connection_id = d.connection_id
                   AND h.object = %(header)s AND h.record_no = d.parent_no) ORDER BY 1 LIMIT %(limit)s""",
        {
            "connection": connection_id,
            "header": payment_object,
            "detail": f"{payment_object}DETAIL",
            "limit": limit,
        },
    ).fetchall()
    return [row["parent_no"] for row in rows]


def payments_without_details(ledger: Ledger, connection_id: int, payment_object: str, limit: int) -> list[int]:
    """Payments of which the header was seen and no detail was."""
    rows = ledger.execute(
        """SELECT h.record_no FROM pulled h WHERE h.connection_id = %(connection)s AND h.object = %(header)s
               AND h.state = 'new' AND NOT EXISTS (SELECT FROM pulled d WHERE d.connection_id = h.connection_id
                   AND d.object = %(detail)s AND d.parent_no = h.record_no) ORDER BY 1 LIMIT %(limit)s""",
        {
            "connection": connection_id,
            "header": payment_object,
            "detail": f"{payment_object}DETAIL",
            "limit": limit,
        },
    ).fetchall()
    return [row["record_no"] for row in rows]


def new_payments(ledger: Ledger, connection_id: int, payment_object: str, limit: int) -> list[int]:
    """Payments of which something is new, the oldest first."""
    rows = ledger.execute(
        """SELECT DISTINCT coalesce(parent_no, record_no) AS payment_no FROM pulled
           WHERE connection_id = %s AND object IN (%s, %s) AND state = 'new' ORDER BY 1 LIMIT %s""",
        [connection_id, payment_object, f"{payment_object}DETAIL", limit],
    ).fetchall()
    return [row["payment_no"] for row in rows]


def new_records(ledger: Ledger, connection_id: int, object_name: str, limit: int) -> list[dict[str, Any]]:
    """New records of an object whose lines are known: number, version, data, lines, link, document, `is_own`."""
    return ledger.execute(
        f"""SELECT p.record_no, p.version, p.data, p.lines, l.document_id, coalesce(d.inbound, false) AS inbound,
               d.state AS document_state, {OWN_BILL} AS is_own
           FROM pulled p LEFT JOIN link l ON l.connection_id = p.connection_id AND l.object = p.object
               AND l.record_no = p.record_no::text LEFT JOIN document d ON d.id = l.document_id
           WHERE p.connection_id = %s AND p.object = %s AND p.state = 'new' AND p.lines IS NOT NULL
           ORDER BY p.record_no LIMIT %s""".encode(),
        [connection_id, object_name, limit],
    ).fetchall()


def payment_rows(
    ledger: Ledger, connection_id: int, payment_object: str, payment_nos: Collection[int]
) -> list[dict[str, Any]]:
    """Headers and details of payments."""
    return ledger.execute(
        """SELECT object, record_no, parent_no, target_no, credit_no, version, data FROM pulled
           WHERE connection_id = %(connection)s AND (
               (object = %(header)s AND record_no = ANY(%(numbers)s))
               OR (object = %(detail)s AND parent_no = ANY(%(numbers)s))) ORDER BY object, record_no""",
        {
            "connection": connection_id,
            "header": payment_object,
            "detail": f"{payment_object}DETAIL",
            "numbers": list(payment_nos),
        },
    ).fetchall()


def settle(ledger: Ledger, connection_id: int, rows: Sequence[tuple[str, int, int, str]]) -> None:
    """Records that were thought about: (object, number, version, state); one that was seen changed since stays new."""
    ledger.execute(
        """UPDATE pulled p SET state = g.state::pulled_state, thought_at = ledger_now()
           FROM unnest(%s::text[], %s::bigint[], %s::integer[], %s::text[]) AS g (object, record_no, version, state)
           WHERE p.connection_id = %s AND p.object = g.object AND p.record_no = g.record_no
             AND p.version = g.version""",
        [*([row[place] for row in rows] for place in range(4)), connection_id],
    )


def unknown_count(ledger: Ledger, connection_id: int) -> int:
    """How many payments were seen that name no document of ours."""
    row = ledger.execute(
        "SELECT count(*) AS n FROM pulled WHERE connection_id = %s AND state = 'unknown'", [connection_id]
    ).fetchone()
    return int(row["n"]) if row else 0
