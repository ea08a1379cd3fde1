"""What people ask to see: the rows behind every list and show, each by one statement for all rows at once.

Rows come as dicts whose keys are the names that people and scripts are shown. Money is Decimal, instants are aware.
"""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from db.database import Ledger
from db.failures import HELD
from db.requests import LOOK_UP_SHARE
from db.why import then
from schemas.kinds import DOCUMENT_KINDS, Kind
from schemas.schedule import described, next_slot
from schemas.settings import ScheduleSettings

Row = dict[str, Any]

BATCH = 2_000
"""Rows fetched at a time of a list that may be long."""

# ------------------------------------------------------------------------------------------------- documents

LISTED = """d.kind, d.scoro_id, d.number, d.state, d.reason,
    l.object AS intacct_object, l.record_no AS intacct_recordno, d.amount, d.currency"""

CHOSEN = """d.kind = ANY(%(kinds)s::document_kind[])
    AND (%(state)s::document_state IS NULL OR d.state = %(state)s::document_state)
    AND (%(connection)s::bigint IS NULL OR d.connection_id = %(connection)s::bigint)
    AND (%(number)s::text IS NULL OR d.number = %(number)s::text)"""


def documents(
    ledger: Ledger,
    *,
    state: str | None = None,
    kind: Kind | None = None,
    connection_id: int | None = None,
    number: str | None = None,
    limit: int | None = None,
) -> Iterator[Row]:
    """Documents, the newest first; read in batches, so that a million of them need no memory."""
    values = {
        "state": state,
        "kinds": [kind] if kind else list(DOCUMENT_KINDS),
        "connection": connection_id,
        "number": number,
        "limit": limit,
    }
    query = f"""SELECT {LISTED} FROM document d LEFT JOIN link l ON l.document_id = d.id
        WHERE {CHOSEN} ORDER BY d.id DESC LIMIT %(limit)s"""
    with ledger.cursor(name="documents") as cursor:
        cursor.itersize = BATCH
        cursor.execute(query.encode(), values)
        yield from cursor


def count_documents(
    ledger: Ledger, *, state: str | None, kind: Kind | None, connection_id: int | None, number: str | None
) -> int:
    """How many documents `documents` would give."""
    row = ledger.execute(
        f"SELECT count(*) AS n FROM document d WHERE {CHOSEN}".encode(),
        {
            "state": state,
            "kinds": [kind] if kind else list(DOCUMENT_KINDS),
            "connection": connection_id,
            "number": number,
        },
    ).fetchone()
    return int(row["n"]) if row else 0


def find_documents(ledger: Ledger, kind: Kind, scoro_id: int, connection_id: int | None) -> list[Row]:
    """Documents of that Scoro id, one per connection; the kind stands for its module, inside which it may change."""
    return ledger.execute(
        f"""SELECT d.id, d.connection_id, c.name AS connection, {LISTED}, d.document_date, d.first_seen_at,
                l.natural_key, l.record_state, l.linked_at
            FROM document d JOIN connection c ON c.id = d.connection_id LEFT JOIN link l ON l.document_id = d.id
            WHERE d.module = %s AND d.scoro_id = %s AND (%s::bigint IS NULL OR d.connection_id = %s)
            ORDER BY c.name""".encode(),
        [kind.module, scoro_id, connection_id, connection_id],
    ).fetchall()


def document_history(ledger: Ledger, document_id: int) -> Row:
    """All that happened to a document: revisions, changes, operations with requests, notes, journal, failures."""
    values = {"id": document_id}
    revisions = ledger.execute(
        """SELECT number, read_at, source_fingerprint, source::text AS source FROM revision
           WHERE document_id = %(id)s ORDER BY number""",
        values,
    ).fetchall()
    return {
        "revisions": [{**row, "source": read_json(row["source"])} for row in revisions],
        "changes": ledger.execute(
            """SELECT origin, actor, interactive, state, hints, attempts, reason, captured_at, due_at, ended_at
               FROM change WHERE document_id = %(id)s ORDER BY id""",
            values,
        ).fetchall(),
        "operations": _operations(ledger, document_id),
        "writes": _writes(ledger, document_id),
        "notes": ledger.execute(
            """SELECT n.at, r.number AS revision, n.text FROM note n LEFT JOIN revision r ON r.id = n.revision_id
               WHERE n.document_id = %(id)s ORDER BY n.id""",
            values,
        ).fetchall(),
        "timeline": ledger.execute(TIMELINE, values).fetchall(),
        "failures": ledger.execute(
            """SELECT f.id, f.error_class AS class, f.code, l.cause, l.fix, l.field, l.at, f.state, fd.cleared_at
               FROM failure_document fd JOIN failure f ON f.id = fd.failure_id
               JOIN dead_letter l ON l.id = fd.dead_letter_id WHERE fd.document_id = %(id)s ORDER BY l.at, f.id""",
            values,
        ).fetchall(),
    }


TIMELINE = """WITH mine AS (
        SELECT 'document' AS subject, %(id)s::text AS subject_id
        UNION ALL SELECT 'change', id::text FROM change WHERE document_id = %(id)s
        UNION ALL SELECT 'operation', id::text FROM operation WHERE document_id = %(id)s
        UNION ALL SELECT 'scoro_write', id::text FROM scoro_write WHERE document_id = %(id)s)
    SELECT j.at, j.actor, j.subject, j.from_state AS "from", j.to_state AS "to", j.detail
    FROM mine JOIN journal j USING (subject, subject_id) ORDER BY j.id"""


def _writes(ledger: Ledger, document_id: int) -> list[Row]:
    """What was written to Scoro of a document that comes from Intacct."""
    found = ledger.execute(
        """SELECT verb, state, reason, attempts, intent::text AS intent, sent::text AS sent, problem, created_at,
               due_at, first_left_at, settled_at FROM scoro_write WHERE document_id = %s ORDER BY id""",
        [document_id],
    ).fetchall()
    return [
        {**row, "intent": read_json(row["intent"]), "sent": read_json(row["sent"]) if row["sent"] else None}
        for row in found
    ]


def _operations(ledger: Ledger, document_id: int) -> list[Row]:
    found = ledger.execute(
        """SELECT o.id, r.number AS revision, o.verb, o.object, o.natural_key, o.party, o.total, o.state, o.reason,
               o.purpose, o.attempts, o.controlid, o.created_at, o.due_at, o.first_left_at, o.settled_at, o.record_no,
               o.problem, o.function::text AS function,
               ARRAY(SELECT document_name(d) FROM operation_need n JOIN document d ON d.id = n.document_id
                     WHERE n.operation_id = o.id ORDER BY d.id) AS needs
           FROM operation o LEFT JOIN revision r ON r.id = o.revision_id
           WHERE o.document_id = %s ORDER BY o.created_at, o.id""",
        [document_id],
    ).fetchall()
    requests = ledger.execute(
        """SELECT a.operation_id, q.id, q.purpose, q.state, q.functions, q.charged_at, q.left_at, q.ended_at,
               q.reason, a.outcome, a.detail
           FROM attempt a JOIN request q ON q.id = a.request_id
           WHERE a.operation_id = ANY(%s) ORDER BY q.id""",
        [[row["id"] for row in found]],
    ).fetchall()
    return [
        {
            **row,
            "function": read_json(row["function"]),
            "requests": [
                {name: value for name, value in request.items() if name != "operation_id"}
                for request in requests
                if request["operation_id"] == row["id"]
            ],
        }
        for row in found
    ]


def read_json(text: str) -> Any:
    """JSON of the ledger with its numbers as they stand there, not through binary fractions."""
    return json.loads(text, parse_float=Decimal)


# ------------------------------------------------------------------------------------------------- failures

FAILURE_FIELDS = ("id", "class", "code", "cause", "fix", "state", "count", "documents", "money")
"""What a list of failures tells scripts; a single one is shown with all that is known."""

FAILURES = f"""WITH chosen AS (
        SELECT f.* FROM failure f
        WHERE (%(states)s::failure_state[] IS NULL OR f.state = ANY(%(states)s::failure_state[]))
          AND (%(connection)s::bigint IS NULL OR f.connection_id = %(connection)s::bigint)
          AND (%(id)s::bigint IS NULL OR f.id = %(id)s::bigint)
    ), held AS (
        SELECT f.id AS failure_id, h.document_id FROM chosen f CROSS JOIN LATERAL ({HELD}) h
    ), named AS (
        SELECT h.failure_id, count(*) AS count, array_agg(document_name(d) ORDER BY d.kind, d.scoro_id)
            AS documents, array_agg(DISTINCT d.kind::text) AS kinds
        FROM held h JOIN document d ON d.id = h.document_id GROUP BY h.failure_id
    ), money AS (
        SELECT s.failure_id, jsonb_object_agg(s.currency, s.amount::text) AS money FROM (
            SELECT h.failure_id, d.currency, sum(d.amount) AS amount FROM held h JOIN document d ON d.id = h.document_id
            WHERE d.amount IS NOT NULL AND d.currency IS NOT NULL GROUP BY h.failure_id, d.currency) s
        GROUP BY s.failure_id)
    SELECT c.id, c.error_class AS class, c.code, c.cause, c.fix, c.state, coalesce(n.count, 0) AS count,
        coalesce(n.documents, '{{}}') AS documents, coalesce(m.money, '{{}}') AS money, c.who, c.culprit, c.incident,
        c.opened_at, c.first_seen_at, c.last_seen_at, c.reason, (SELECT name FROM connection WHERE id = c.connection_id)
            AS connection, c.holds
    FROM chosen c LEFT JOIN named n ON n.failure_id = c.id LEFT JOIN money m ON m.failure_id = c.id
    WHERE %(kind)s::text IS NULL OR %(kind)s = ANY(n.kinds)
    ORDER BY c.id"""


def failures(
    ledger: Ledger,
    *,
    states: Sequence[str] | None = None,
    kind: Kind | None = None,
    connection_id: int | None = None,
    failure_id: int | None = None,
) -> list[Row]:
    """Failures, each with the documents that it holds up now, the money in them per currency, and what comes `then`."""
    rows = ledger.execute(
        FAILURES.encode(),
        {
            "states": list(states) if states is not None else None,
            "kind": kind,
            "connection": connection_id,
            "id": failure_id,
        },
    ).fetchall()
    return [{**row, "then": then(row)} for row in rows]


def failure(ledger: Ledger, failure_id: int) -> Row | None:
    """One failure with its dead letters and its history; None where there is none."""
    found = failures(ledger, failure_id=failure_id)
    if not found:
        return None
    letters = ledger.execute(LETTERS, [failure_id]).fetchall()
    timeline = ledger.execute(
        """SELECT at, actor, from_state AS "from", to_state AS "to", detail FROM journal
           WHERE subject = 'failure' AND subject_id = %s ORDER BY id""",
        [str(failure_id)],
    ).fetchall()
    mails = ledger.execute(
        """SELECT event, incident, recipient, state, reason, attempts, made_at, sent_at FROM mail
           WHERE failure_id = %s ORDER BY id""",
        [failure_id],
    ).fetchall()
    return {**found[0], "letters": letters, "timeline": timeline, "mails": mails}


LETTERS = """SELECT document_name(d) AS document, d.number, d.amount, d.currency, d.state, l.at, l.attempt,
        l.cause, l.fix, l.field, l.culprit, l.operation_id, l.sent, l.answered, fd.cleared_at
    FROM dead_letter l LEFT JOIN document d ON d.id = l.document_id
    LEFT JOIN failure_document fd ON fd.failure_id = l.failure_id AND fd.dead_letter_id = l.id
    WHERE l.failure_id = %s AND (fd.failure_id IS NOT NULL OR l.document_id IS NULL) ORDER BY l.id"""
"""Of each document the last one, and all that belong to none."""


# ------------------------------------------------------------------------------------------------- quota

QUOTA = """SELECT s.name AS site, to_char(m.month, 'YYYY-MM') AS month, s.request_limit AS "limit", u.used,
        greatest(0, s.request_limit - u.used) AS "left", coalesce(p.unconfirmed, 0)::int AS unconfirmed,
        coalesce(p.by_purpose, '{}') AS by_purpose,
        CASE WHEN u.used >= s.request_limit - s.request_limit / %(share)s
             THEN (m.month + interval '1 month') AT TIME ZONE s.time_zone END AS resumes_at
    FROM site s CROSS JOIN LATERAL (SELECT site_month(s.time_zone) AS month) m
    CROSS JOIN LATERAL (SELECT coalesce((SELECT q.used FROM quota q WHERE q.site_id = s.id AND q.month = m.month), 0)
        AS used) u
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(g.purpose, g.n) AS by_purpose, sum(g.unconfirmed) AS unconfirmed FROM (
            SELECT r.purpose, count(*) AS n, count(*) FILTER (WHERE r.state = 'unanswered') AS unconfirmed
            FROM request r WHERE r.site_id = s.id AND r.month = m.month AND r.state <> 'withdrawn'
            GROUP BY r.purpose) g) p ON true
    ORDER BY s.name"""


def quota(ledger: Ledger) -> list[Row]:
    """The month of every site; `resumes_at` is set once ordinary requests are used up (a few stay for look-ups)."""
    return ledger.execute(QUOTA, {"share": LOOK_UP_SHARE}).fetchall()


# ------------------------------------------------------------------------------------------------- who is connected


def sites(ledger: Ledger) -> list[Row]:
    """Every site with its connections, without secrets, and what is left of its day at Scoro."""
    return ledger.execute(
        """SELECT s.id, s.name, s.url, s.request_limit, s.time_zone, s.user_token IS NOT NULL AS has_user_token,
               s.last_webhook_at, b.day_limit AS scoro_day_limit, CASE
                   WHEN b.day = (ledger_now() AT TIME ZONE 'UTC')::date THEN b.day_left ELSE b.day_limit END
                   AS scoro_day_left,
               ARRAY(SELECT c.name FROM connection c WHERE c.site_id = s.id AND c.state <> 'disconnected' ORDER BY 1)
                   AS connections
           FROM site s LEFT JOIN scoro_budget b ON b.site_id = s.id ORDER BY s.name"""
    ).fetchall()


def connections(ledger: Ledger) -> list[Row]:
    """Every connection, disconnected ones last; `hook_token` is sealed. Requests are those of this month.

    `resumes_at` is set once they are used up: a connection that is active goes on then by itself.
    """
    rows = ledger.execute(
        """SELECT c.id, c.name, s.name AS site, c.scoro_entity, co.company_id AS company, c.entity, c.state, c.reason,
               s.hook_token, c.webhooks_problem, c.tax_solution, s.time_zone, c.settings -> 'schedule' AS schedule,
               ledger_now() AS now,
               coalesce(u.used, 0) AS requests_used,
               (SELECT count(*) FROM failure f WHERE f.connection_id = c.id AND f.state IN ('open', 'waiting'))
                    AS unresolved,
               CASE WHEN c.state <> 'disconnected' AND EXISTS (SELECT FROM quota q WHERE q.site_id = s.id
                        AND q.month = site_month(s.time_zone)
                        AND q.used >= s.request_limit - s.request_limit / %s)
                    THEN (site_month(s.time_zone) + interval '1 month') AT TIME ZONE s.time_zone END AS resumes_at
           FROM connection c JOIN site s ON s.id = c.site_id JOIN company co ON co.id = c.company
           LEFT JOIN (SELECT r.connection_id, count(*) AS used FROM site s
                      JOIN request r ON r.site_id = s.id AND r.month = site_month(s.time_zone)
                      WHERE r.state <> 'withdrawn' GROUP BY 1) u ON u.connection_id = c.id
           ORDER BY c.state = 'disconnected', c.name""",
        [LOOK_UP_SHARE],
    ).fetchall()
    for row in rows:
        schedule = ScheduleSettings.model_validate(row.pop("schedule") or {})
        run = next_slot(schedule, row.pop("time_zone"), row.pop("now"))
        row["next_run"] = None if row["state"] == "disconnected" else run
        row["schedule"] = described(schedule)
    return rows


def connection_names(ledger: Ledger) -> list[Row]:
    """Id, name and state of every connection, by name."""
    return ledger.execute("SELECT id, name, state FROM connection ORDER BY name").fetchall()


def reference(ledger: Ledger, connection_id: int, topics: Sequence[str]) -> list[Row]:
    """What is known of some topics on both sides; a topic may end in `%`."""
    return ledger.execute(
        """SELECT source, topic, key, data, active, read_at FROM reference
           WHERE connection_id = %s AND topic LIKE ANY(%s) ORDER BY source, topic, key""",
        [connection_id, list(topics)],
    ).fetchall()
