"""Fills a ledger with documents, set-based: the rows that as many real ones would have left behind."""

from typing import Any

from db.database import Ledger

TABLES = ("document", "change", "revision", "operation", "link", "request", "attempt", "dead_letter", "journal")

PREPARE = """
    INSERT INTO connection (name, site_id, scoro_entity, company, entity, user_id, base_currency, multi_entity,
        connected_on, state, live_at)
    SELECT 'entity ' || n, s.id, 'entity-' || n, c.company, 'E' || n, 'user', 'GBP', true, current_date, 'paused',
        ledger_now() FROM generate_series(2, 4) n, connection c JOIN site s ON s.id = c.site_id WHERE c.name = 'London'
"""

DOCUMENTS = """
    INSERT INTO document (connection_id, module, kind, scoro_id, number, state, reason, amount, currency, document_date,
        first_seen_at)
    SELECT c.id, k.module, k.kind::document_kind, n, upper(left(k.kind, 3)) || '-' || n,
        CASE WHEN n %% 5000 = 0 THEN 'failed' WHEN n %% 9000 = 1 THEN 'held' WHEN n %% 40 = 2 THEN 'skipped'
             WHEN n %% 300000 = 3 THEN 'uncertain' WHEN n > %(count)s - 20000 AND n %% 100 = 4 THEN 'waiting'
             ELSE 'posted' END::document_state,
        CASE WHEN n %% 5000 = 0 THEN 'Invoice: the account 4711 is not active.' ELSE '' END,
        (n %% 100000) + 0.5, CASE WHEN n %% 7 = 0 THEN 'EUR' ELSE 'GBP' END, current_date - (n %% 700)::int,
        ledger_now() - make_interval(secs => (%(count)s - n) * 8)
    FROM generate_series(100, 99 + %(count)s) n
    JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM connection) c ON c.place = n %% 4
    JOIN (VALUES (0, 'invoice', 'invoices'), (1, 'bill', 'bills'), (2, 'expense', 'expenses'),
        (3, 'receipt', 'receipts')) k (place, kind, module) ON k.place = CASE WHEN n %% 10 < 7 THEN 0
            WHEN n %% 10 = 7 THEN 1 WHEN n %% 10 = 8 THEN 2 ELSE 3 END
"""

REQUESTS = """
    INSERT INTO request (site_id, connection_id, month, purpose, state, functions, deadline_s, charged_at, left_at,
        ended_at, reason)
    SELECT c.site_id, c.id, date_trunc('month', at)::date,
        CASE WHEN n %% 9 = 0 THEN 'interactive' ELSE 'bulk' END::purpose,
        CASE WHEN n %% 500 = 0 THEN 'unanswered' ELSE 'answered' END::request_state, 50, 120,
        at, at, at + interval '1 s',
        CASE WHEN n %% 500 = 0 THEN 'no answer' ELSE 'ok' END
    FROM generate_series(1, %(count)s / 40) n CROSS JOIN LATERAL (
        SELECT ledger_now() - make_interval(secs => (%(count)s / 40 - n) * 320) AS at) t
    JOIN (SELECT id, site_id, row_number() OVER (ORDER BY id) - 1 AS place FROM connection) c ON c.place = n %% 4
"""

CHANGES = """
    INSERT INTO change (document_id, connection_id, origin, actor, state, captured_at, due_at, ended_at)
    SELECT id, connection_id, 'webhook', 'scoro',
        CASE WHEN state = 'waiting' THEN 'waiting' ELSE 'done' END::change_state,
        first_seen_at, CASE WHEN state = 'waiting' THEN ledger_now() + interval '1 day' ELSE first_seen_at END,
        CASE WHEN state <> 'waiting' THEN first_seen_at + interval '1 s' END
    FROM document WHERE id > %(from)s
"""

REVISIONS = """
    INSERT INTO revision (document_id, number, source_fingerprint, source)
    SELECT id, 1, 'f' || id, jsonb_build_object('id', scoro_id, 'no', number, 'sum', amount)
    FROM document WHERE id > %(from)s AND state <> 'waiting'
"""

OPERATIONS = """
    INSERT INTO operation (connection_id, document_id, revision_id, source_fingerprint, verb, object, natural_key,
        total, function, payload_fingerprint, bytes, purpose, state, controlid, attempts, created_at, settled_at,
        record_no)
    SELECT d.connection_id, d.id, r.id, 'f' || d.id, 'create', 'ARINVOICE', d.number,
        d.amount, %(function)s::jsonb, 'p', 900, 'bulk',
        CASE d.state WHEN 'posted' THEN 'posted' WHEN 'failed' THEN 'refused' WHEN 'held' THEN 'waiting_person'
            ELSE 'uncertain' END::operation_state,
        'c' || d.id, 1, d.first_seen_at + interval '1 s', CASE WHEN d.state IN ('posted', 'failed')
            THEN d.first_seen_at + interval '2 s' END, d.id::text
    FROM document d JOIN revision r ON r.document_id = d.id
    WHERE d.id > %(from)s AND d.state IN ('posted', 'failed', 'held', 'uncertain')
"""

LINKS = """
    INSERT INTO link (document_id, connection_id, object, record_no, natural_key, record_state, function)
    SELECT id, connection_id, 'ARINVOICE', (10000000 + id)::text, number, 'Posted', %(function)s::jsonb
    FROM document WHERE id > %(from)s AND state = 'posted'
"""

ATTEMPTS = """
    INSERT INTO attempt (operation_id, request_id, outcome)
    SELECT o.id, q.low + (o.document_id / 40) %% q.many, 'success' FROM operation o,
        (SELECT min(id) AS low, count(*) AS many FROM request WHERE id > %(request)s) q WHERE o.document_id > %(from)s
"""

FAILURES = """
    WITH failing AS (
        SELECT *, 'The account ' || 4000 + id %% 20 || ' is not active.' AS cause FROM document
        WHERE id > %(from)s AND state = 'failed'),
    causes AS (
        INSERT INTO failure (connection_id, fingerprint, error_class, code, cause, fix)
        SELECT DISTINCT connection_id, cause, 'refused', 'account_inactive', cause,
            'Activate it in Intacct, then send it again.' FROM failing
        RETURNING id, connection_id, cause, fix),
    letters AS (
        INSERT INTO dead_letter (connection_id, document_id, failure_id, error_class, code, cause, fix, culprit,
            handled_at, number)
        SELECT connection_id, f.id, c.id, 'refused', 'account_inactive', c.cause, c.fix,
            ARRAY[(4000 + f.id %% 20)::text], ledger_now(), f.number
        FROM failing f JOIN causes c USING (connection_id, cause) RETURNING id, document_id, failure_id)
    INSERT INTO failure_document (failure_id, document_id, dead_letter_id)
    SELECT failure_id, document_id, id FROM letters
"""

SETTLED_FAILURES = """
    WITH causes AS (
        INSERT INTO failure (connection_id, fingerprint, error_class, code, cause, fix, state)
        SELECT c.id, 'tax ' || n, 'data', 'tax_unknown', 'The tax rate ' || n || ' has no tax detail.',
            'Map it, then try again.', 'resolved' FROM connection c, generate_series(1, 50) n
        RETURNING id, connection_id, fingerprint, cause, fix),
    letters AS (
        INSERT INTO dead_letter (connection_id, document_id, failure_id, error_class, code, cause, fix, culprit, at,
            handled_at, number)
        SELECT d.connection_id, d.id, c.id, 'data', 'tax_unknown', c.cause, c.fix, ARRAY['tax'],
            d.first_seen_at, d.first_seen_at, d.number
        FROM document d JOIN causes c
            ON c.connection_id = d.connection_id AND c.fingerprint = 'tax ' || (1 + d.id / 50 %% 50)
        WHERE d.id > %(from)s AND d.id %% 50 = 7 ORDER BY d.id RETURNING id, document_id, failure_id)
    INSERT INTO failure_document (failure_id, document_id, dead_letter_id, cleared_at)
    SELECT failure_id, document_id, id, ledger_now() FROM letters
"""

PULSE = """
    INSERT INTO pulse (series, at, value)
    SELECT s, date_trunc('minute', ledger_now()) - make_interval(mins => m), (m %% 90)::float8
    FROM generate_series(1, 20000) m, unnest(%(series)s::text[]) s ON CONFLICT DO NOTHING
"""

STORIES = (DOCUMENTS, REQUESTS, CHANGES, REVISIONS, OPERATIONS, LINKS, ATTEMPTS, SETTLED_FAILURES, FAILURES, PULSE)

BY_TRIGGERS = """
    INSERT INTO document_tally SELECT connection_id, kind, state, count(*) FROM document WHERE id > %(from)s
    GROUP BY 1, 2, 3;
    INSERT INTO journal (at, actor, subject, subject_id, to_state)
    SELECT first_seen_at, 'work', 'document', id::text, 'waiting' FROM document WHERE id > %(from)s;
    INSERT INTO journal (at, actor, subject, subject_id, from_state, to_state)
    SELECT created_at, CASE WHEN document_id %% 1000 = 0 THEN 'cli:ann' ELSE 'work' END, 'operation', id::text, f, t
    FROM operation, (VALUES ('', 'ready'), ('ready', 'sending'), ('sending', 'posted')) s (f, t)
    WHERE document_id > %(from)s
"""
"""What triggers write beside it, in fewer and larger steps."""

FUNCTION = """{"name": "create_invoice", "attributes": {}, "body": {"customerid": "SCORO-1",
    "datecreated": "2026-03-05", "datedue": "2026-03-19", "action": "Submit", "invoiceno": "INV-1", "currency": "GBP",
    "invoiceitems": {"lineitem": [{"glaccountno": "4000", "amount": "100.00", "memo": "Design"}]}}}"""


def fill(ledger: Ledger, count: int, series: list[str]) -> dict[str, int]:
    """Add so many documents with their whole stories; returns how many rows each table holds then."""
    ledger.execute(PREPARE)
    ledger.execute("UPDATE connection SET state = 'paused'")  # what waits in the filling is nobody's to read
    started: dict[str, Any] = {
        "from": _largest(ledger, "document"),
        "request": _largest(ledger, "request"),
        "count": count,
        "series": series,
        "function": FUNCTION,
    }
    ledger.execute("SET LOCAL session_replication_role = replica")  # neither triggers nor foreign keys
    for statement in STORIES:
        ledger.execute(statement.encode(), started)
        ledger.execute("ANALYZE")
    for statement in BY_TRIGGERS.split(";"):
        ledger.execute(statement.encode(), started)
    return {table: _count(ledger, table) for table in TABLES}


def _largest(ledger: Ledger, table: str) -> int:
    row = ledger.execute(f"SELECT coalesce(max(id), 0) AS n FROM {table}".encode()).fetchone()
    return int(row["n"]) if row else 0


def _count(ledger: Ledger, table: str) -> int:
    row = ledger.execute(f"SELECT count(*) AS n FROM {table}".encode()).fetchone()
    return int(row["n"]) if row else 0
