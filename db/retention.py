"""Forgetting what failed long ago: settled failures with their dead letters, mails and replays, and stored XML.

Documents, their operations and links, and the journal stay for ever. What is unresolved stays, however old.
"""

from collections.abc import Callable
from datetime import datetime

from db.database import Database, Ledger

BATCH = 1_000
"""Rows of one transaction, so that nobody waits for a large one."""

LETTERS = """WITH old AS (
        SELECT l.id FROM dead_letter l WHERE l.at < %(before)s AND l.handled_at IS NOT NULL
          AND NOT EXISTS (SELECT FROM failure_document fd WHERE fd.dead_letter_id = l.id AND fd.cleared_at IS NULL)
          AND NOT EXISTS (SELECT FROM failure f WHERE f.id = l.failure_id AND l.document_id IS NULL
                          AND f.state IN ('open', 'waiting'))
          AND NOT EXISTS (SELECT FROM replay_item i WHERE i.dead_letter_id = l.id AND i.outcome = '')
        ORDER BY l.at LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    ), items AS (
        DELETE FROM replay_item WHERE dead_letter_id IN (SELECT id FROM old)
    ), documents AS (
        DELETE FROM failure_document WHERE dead_letter_id IN (SELECT id FROM old)
    )
    DELETE FROM dead_letter WHERE id IN (SELECT id FROM old)"""

MAILS = """DELETE FROM mail WHERE id IN (SELECT id FROM mail WHERE made_at < %(before)s
    AND state IN ('sent', 'given_up') LIMIT %(batch)s)"""

REPLAYS = """WITH old AS (
        SELECT r.id FROM replay r WHERE r.ended_at < %(before)s LIMIT %(batch)s
    ), items AS (
        DELETE FROM replay_item WHERE replay_id IN (SELECT id FROM old))
    DELETE FROM replay WHERE id IN (SELECT id FROM old)"""

FAILURES = """WITH old AS (
        SELECT f.id FROM failure f WHERE f.state IN ('resolved', 'discarded') AND f.last_seen_at < %(before)s
          AND NOT EXISTS (SELECT FROM dead_letter l WHERE l.failure_id = f.id)
          AND NOT EXISTS (SELECT FROM failure_document d WHERE d.failure_id = f.id)
          AND NOT EXISTS (SELECT FROM mail m WHERE m.failure_id = f.id)
          AND NOT EXISTS (SELECT FROM replay_item i WHERE i.failure_id = f.id)
        LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    ), waits AS (
        DELETE FROM operation_culprit WHERE failure_id IN (SELECT id FROM old))
    DELETE FROM failure WHERE id IN (SELECT id FROM old)"""

ANSWERS = """WITH old AS (
        SELECT id FROM request WHERE sent IS NOT NULL AND ended_at < %(before)s ORDER BY ended_at LIMIT %(batch)s
    ), answers AS (
        UPDATE attempt SET answered = NULL WHERE request_id IN (SELECT id FROM old) AND answered IS NOT NULL)
    UPDATE request SET sent = NULL WHERE id IN (SELECT id FROM old)"""

STEPS = {
    "dead letters": LETTERS,
    "mails": MAILS,
    "replays": REPLAYS,
    "failures": FAILURES,
    "requests without their XML": ANSWERS,
}
"""What is forgotten, in the order in which one makes room for the next."""


def before_it(ledger: Ledger, days: int) -> datetime:
    """The moment so many days ago."""
    row = ledger.execute("SELECT ledger_now() - make_interval(days => %s) AS at", [days]).fetchone()
    if row is None:
        raise LookupError("no clock")
    at: datetime = row["at"]
    return at


def purge(db: Database, before: datetime, told: Callable[[str, int], None] = lambda what, n: None) -> dict[str, int]:
    """Forget what is older; returns how many of each went. `told` hears of every batch. May be stopped and gone on."""
    gone = dict.fromkeys(STEPS, 0)
    for what, sql in STEPS.items():
        while rows := db.run(lambda ledger, sql=sql: ledger.execute(sql, {"before": before, "batch": BATCH}).rowcount):  # type: ignore[misc]
            gone[what] += rows
            told(what, rows)
    return gone
