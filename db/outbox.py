"""The bells to ring: insert-only for producers, emptied by the relay in batches."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.database import Ledger

CLAIM_S = 30
"""A relay that claimed bells and died gives them up after this long."""


@dataclass(frozen=True, slots=True)
class Bell:
    """`queue` is to look at `key`: a connection, or for `dead-letters` a dead letter."""

    queue: str
    key: int


def ring(ledger: Ledger, queue: str, *keys: int) -> None:
    """Commit a bell with the caller's transaction; the relay publishes it."""
    ledger.execute(
        "INSERT INTO outbox (queue, key) SELECT DISTINCT %s::text, k FROM unnest(%s::bigint[]) AS k",
        [queue, list(keys)],
    )


def ring_all(ledger: Ledger, bells: Sequence[Bell]) -> None:
    """Ring many bells at once."""
    ledger.execute(
        "INSERT INTO outbox (queue, key) SELECT * FROM unnest(%s::text[], %s::bigint[])",
        [[bell.queue for bell in bells], [bell.key for bell in bells]],
    )


def claim(ledger: Ledger, limit: int = 1000) -> tuple[list[int], list[Bell]]:
    """Take up to `limit` unclaimed bells: their rows, and the distinct bells to publish."""
    rows = ledger.execute(
        """UPDATE outbox SET claimed_until = clock_timestamp() + make_interval(secs => %s)
           WHERE id IN (SELECT id FROM outbox WHERE claimed_until < clock_timestamp()
                        ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
           RETURNING id, queue, key""",
        [CLAIM_S, limit],
    ).fetchall()
    bells = list(dict.fromkeys(Bell(row["queue"], row["key"]) for row in sorted(rows, key=lambda row: row["id"])))
    return [row["id"] for row in rows], bells


def settle(ledger: Ledger, ids: list[int]) -> None:
    """Forget bells that were published."""
    ledger.execute("DELETE FROM outbox WHERE id = ANY(%s)", [ids])


def give_back(ledger: Ledger, ids: list[int]) -> None:
    """Let another relay have bells that could not be published."""
    ledger.execute("UPDATE outbox SET claimed_until = '-infinity' WHERE id = ANY(%s)", [ids])
