"""How many new documents may leave in an hour before a person is asked (`limits.creates_per_hour`).

What is beyond the limit waits for a person, who agrees to a number of them; what was agreed to lapses after a day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.types.json import Jsonb

from db import failures
from db.database import Ledger, one
from db.failures import DeadLetter
from schemas.errors import ErrorClass, Problem

CODE = "creates_per_hour"
ALLOWED_FOR_H = 24
"""New documents that a person agreed to may leave within so many hours."""

COUNTED = """o.verb = 'create' AND d.kind NOT IN ('customer', 'vendor', 'folder', 'attachment')"""
"""SQL: the operation `o` of the document `d` makes a new document."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many new documents may leave now: within the hour's limit, and of those that a person agreed to."""

    free: int
    allowed: int

    @property
    def left(self) -> int:
        """All that may leave."""
        return self.free + self.allowed


def room(ledger: Ledger, connection_id: int, per_hour: int) -> Room:
    """Look at a connection's last hour; its row stays locked until the transaction ends, so that one sender decides."""
    row = one(
        ledger,
        """SELECT CASE WHEN creates_allowed_until > ledger_now() THEN creates_allowed ELSE 0 END AS allowed
           FROM connection WHERE id = %s FOR NO KEY UPDATE""",
        [connection_id],
    )
    left = one(
        ledger,
        f"""SELECT count(*)::int AS n FROM (SELECT FROM operation o JOIN document d ON d.id = o.document_id
               WHERE o.connection_id = %s AND {COUNTED} AND o.first_left_at > ledger_now() - interval '1 hour'
               LIMIT %s) o""",
        [connection_id, per_hour],
    )
    return Room(per_hour - left["n"], row["allowed"])


def use(ledger: Ledger, connection_id: int, room: Room, creates: int) -> None:
    """So many new documents leave: beyond the hour's limit they use up what a person agreed to."""
    if (beyond := creates - room.free) > 0:
        ledger.execute(
            "UPDATE connection SET creates_allowed = greatest(0, creates_allowed - %s) WHERE id = %s",
            [beyond, connection_id],
        )


def hold(ledger: Ledger, connection_id: int, connection: str, per_hour: int, ids: Sequence[UUID]) -> None:
    """Let these new documents wait for a person; one failure says so for all of them."""
    problem = Problem(
        ErrorClass.HELD,
        CODE,
        f"More than {per_hour} new documents within an hour: the rest waits until a person agrees.",
        "Look at them with `scoro-intacct documents list --state held`, then agree to so many:"
        f" `scoro-intacct connection allow {connection} N`; limits.creates_per_hour is where the question begins.",
        "limits.creates_per_hour",
    )
    rows = ledger.execute(
        """UPDATE operation SET state = 'waiting_person', reason = %s, problem = %s
           WHERE id = ANY(%s) AND state IN ('ready', 'waiting_quota') RETURNING id, document_id, attempts""",
        [problem.cause, Jsonb(failures.problem_as_json(problem)), list(ids)],
    ).fetchall()
    failures.bury(
        ledger,
        [
            DeadLetter(connection_id, row["document_id"], problem, operation_id=row["id"], attempt=row["attempts"])
            for row in rows
        ],
    )


def held(ledger: Ledger, connection_id: int) -> int:
    """How many new documents wait for a person because of the limit."""
    row = one(
        ledger,
        """SELECT count(*)::int AS n FROM operation WHERE connection_id = %s AND state = 'waiting_person'
             AND problem ->> 'code' = %s""",
        [connection_id, CODE],
    )
    return int(row["n"])


def release(ledger: Ledger, connection_id: int, creates: int) -> int:
    """Let go as many of those that wait, the oldest documents first; returns how many there were."""
    rows = ledger.execute(
        """UPDATE operation SET state = 'ready', reason = '', problem = NULL, due_at = ledger_now()
           WHERE id IN (SELECT o.id FROM operation o JOIN document d ON d.id = o.document_id
                        WHERE o.connection_id = %s AND o.state = 'waiting_person' AND o.problem ->> 'code' = %s
                        ORDER BY d.document_date, o.created_at, o.id LIMIT %s FOR UPDATE OF o)
           RETURNING document_id""",
        [connection_id, CODE, creates],
    ).fetchall()
    failures.clear(ledger, [row["document_id"] for row in rows])
    return len(rows)


def allow(ledger: Ledger, connection_id: int, creates: int) -> None:
    """A person agreed to so many new documents beyond the limit of an hour."""
    ledger.execute(
        """UPDATE connection SET creates_allowed_until = ledger_now() + make_interval(hours => %s),
               creates_allowed = %s + CASE WHEN creates_allowed_until > ledger_now() THEN creates_allowed ELSE 0 END
           WHERE id = %s""",
        [ALLOWED_FOR_H, creates, connection_id],
    )


def allow_new(ledger: Ledger, connection_id: int, module: str, scoro_ids: Sequence[int]) -> None:
    """A person agreed to send these documents: those that stand in Intacct already need no leave."""
    row = one(
        ledger,
        """SELECT count(*)::int AS n FROM document d JOIN link l ON l.document_id = d.id
           WHERE d.connection_id = %s AND d.module = %s AND d.scoro_id = ANY(%s)""",
        [connection_id, module, list(scoro_ids)],
    )
    if new := len(scoro_ids) - row["n"]:
        allow(ledger, connection_id, new)
