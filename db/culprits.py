"""Culprits: what an open failure says that no other document gets through with either, such as a missing account.

Documents whose own payload holds one wait for it, visibly, and use no requests. One of them tries once in a while; when
it goes through, the rest is let go and what had failed is tried again. Nobody waits for longer than a day.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from db import forecast, replays
from db.database import Ledger

PROBE_S = 3600.0
"""So often one of those that wait for a culprit tries: it rides along with others, or costs one request."""
WAIT_S = 24 * 3600.0
"""Nobody waits for a culprit longer than this: what is wrong may have been put right without a sign."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """An open failure and what it holds up: elements of a payload with their values, `glaccountno=4100`."""

    failure_id: int
    named: str
    holds: frozenset[str]


def standing(ledger: Ledger, connection_id: int) -> list[Culprit]:
    """The culprits that documents of a connection wait for."""
    rows = ledger.execute(
        """SELECT id, culprit, holds FROM failure WHERE connection_id = %s AND holds <> '{}'
             AND state IN ('open', 'waiting') ORDER BY id""",
        [connection_id],
    ).fetchall()
    return [Culprit(row["id"], ", ".join(row["culprit"]), frozenset(row["holds"])) for row in rows]


def let_go(ledger: Ledger, operation_ids: Collection[UUID]) -> set[tuple[UUID, int]]:
    """Of these operations those that may go although they hold the culprit of a failure, and of which."""
    rows = ledger.execute(
        """SELECT operation_id, failure_id FROM operation_culprit
           WHERE operation_id = ANY(%s) AND let_go_at IS NOT NULL""",
        [list(operation_ids)],
    ).fetchall()
    return {(row["operation_id"], row["failure_id"]) for row in rows}


def note_try(ledger: Ledger, tries: Mapping[UUID, int]) -> None:
    """A person sends these operations although they hold the culprit of a failure: what becomes of them tells."""
    ledger.execute(
        """INSERT INTO operation_culprit AS mine (operation_id, failure_id, let_go_at)
           SELECT g.id, g.failure_id, ledger_now() FROM unnest(%s::uuid[], %s::bigint[]) AS g (id, failure_id)
           ON CONFLICT (operation_id, failure_id) DO UPDATE SET let_go_at = coalesce(mine.let_go_at, ledger_now())""",
        [list(tries), list(tries.values())],
    )


def wait(ledger: Ledger, waiting: Mapping[UUID, Culprit]) -> None:
    """Let operations wait for a culprit: ready -> waiting_prerequisite."""
    failures = [culprit.failure_id for culprit in waiting.values()]
    ledger.execute(
        """INSERT INTO operation_culprit (operation_id, failure_id)
           SELECT * FROM unnest(%s::uuid[], %s::bigint[]) ON CONFLICT DO NOTHING""",
        [list(waiting), failures],
    )
    ledger.execute(
        """UPDATE operation o SET state = 'waiting_prerequisite', reason = g.reason
           FROM unnest(%s::uuid[], %s::text[]) AS g (id, reason)
           WHERE o.id = g.id AND o.state IN ('ready', 'waiting_quota')""",
        [list(waiting), [f"waits for failure {c.failure_id} to be put right ({c.named})" for c in waiting.values()]],
    )
    ledger.execute(
        """UPDATE failure SET probe_at = ledger_now() + make_interval(secs => %s)
           WHERE id = ANY(%s) AND probe_at IS NULL""",
        [PROBE_S, failures],
    )


OVER = """UPDATE operation_culprit w SET let_go_at = ledger_now() FROM failure f
    WHERE f.id = w.failure_id AND w.let_go_at IS NULL
      AND (f.state NOT IN ('open', 'waiting') OR f.holds = '{}'
           OR w.since <= ledger_now() - make_interval(secs => %s))"""

PROBE = """WITH due AS (
        UPDATE failure SET probe_at = ledger_now() + make_interval(secs => %s)
        WHERE state = 'open' AND holds <> '{}' AND probe_at <= ledger_now() RETURNING id
    ), first AS (
        SELECT DISTINCT ON (w.failure_id) w.operation_id, w.failure_id
        FROM due JOIN operation_culprit w ON w.failure_id = due.id
        JOIN operation o ON o.id = w.operation_id AND o.state = 'waiting_prerequisite'
        WHERE w.let_go_at IS NULL ORDER BY w.failure_id, w.since, w.operation_id)
    UPDATE operation_culprit w SET let_go_at = ledger_now() FROM first
    WHERE (w.operation_id, w.failure_id) = (first.operation_id, first.failure_id)"""


def release(ledger: Ledger) -> None:
    """Let go what need not wait any longer, and of each culprit one that tries."""
    ledger.execute(OVER, [WAIT_S])
    ledger.execute(PROBE, [PROBE_S])


def prove(ledger: Ledger, posted: Collection[UUID]) -> None:
    """Operations that held a culprit went through: it is put right. What had failed for it is tried again."""
    rows = ledger.execute(
        """UPDATE failure f SET holds = '{}' WHERE f.holds <> '{}' AND f.id IN (
               SELECT failure_id FROM operation_culprit WHERE operation_id = ANY(%s) AND let_go_at IS NOT NULL)
           RETURNING f.id""",
        [list(posted)],
    ).fetchall()
    if not rows:
        return
    items = replays.choose(ledger, failure_ids=[row["id"] for row in rows])
    if items:
        prices = {c: forecast.price(ledger, c, len(items)) for c in {item.connection_id for item in items}}
        replays.start(
            ledger,
            items,
            how="read",
            why="a document with the same culprit went through",
            requests=sum(price.requests for price in prices.values()),
            packs={connection: price.documents_per_request for connection, price in prices.items()},
        )
