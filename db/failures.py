"""Dead letters and failures: what ended without success, gathered by cause."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from db import outbox
from db.database import Ledger, one
from schemas.errors import ErrorClass, Problem


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A piece of work that ended without success."""

    connection_id: int
    document_id: int
    problem: Problem
    operation_id: UUID | None = None
    change_id: int | None = None
    attempt: int = 1


def bury(ledger: Ledger, letters: Sequence[DeadLetter]) -> None:
    """Commit dead letters with the transaction that ends the work, and their bells."""
    if not letters:
        return
    rows = [
        {
            "connection_id": letter.connection_id,
            "document_id": letter.document_id,
            "operation_id": str(letter.operation_id) if letter.operation_id else None,
            "change_id": letter.change_id,
            "attempt": letter.attempt,
            **problem_as_json(letter.problem),
        }
        for letter in letters
    ]
    buried = ledger.execute(
        """INSERT INTO dead_letter (connection_id, document_id, operation_id, change_id, attempt, error_class, code,
            cause,
               fix, field, culprit)
           SELECT connection_id, document_id, operation_id, change_id, attempt, error_class, code, cause, fix, field,
               ARRAY(SELECT jsonb_array_elements_text(culprit))
           FROM jsonb_to_recordset(%s) AS g (connection_id bigint, document_id bigint, operation_id uuid, change_id
               bigint,
               attempt integer, error_class text, code text, cause text, fix text, field text, culprit jsonb)
           RETURNING id""",
        [Jsonb(rows)],
    ).fetchall()
    outbox.ring(ledger, "dead-letters", *(row["id"] for row in buried))


def problem_as_json(problem: Problem) -> dict[str, Any]:
    """A problem as the ledger keeps it."""
    return {
        "error_class": str(problem.error_class),
        "code": problem.code,
        "cause": problem.cause,
        "fix": problem.fix,
        "field": problem.field,
        "culprit": list(problem.culprit),
    }


def problem_from_json(data: dict[str, Any]) -> Problem:
    """What `problem_as_json` kept."""
    return Problem(
        ErrorClass(data["error_class"]), data["code"], data["cause"], data["fix"], data["field"], tuple(data["culprit"])
    )


def fingerprint(error_class: str, code: str, culprit: Sequence[str]) -> str:
    """Equal for equal causes: class, code and culprits, never the document."""
    return hashlib.sha256("\x1f".join([error_class, code, *culprit]).encode()).hexdigest()


def join_failure(ledger: Ledger, dead_letter_id: int) -> bool:
    """Open or join the failure of a dead letter; False when that has been done before."""
    letter = ledger.execute(
        "SELECT * FROM dead_letter WHERE id = %s AND handled_at IS NULL FOR UPDATE", [dead_letter_id]
    ).fetchone()
    if letter is None:
        return False
    failure = one(
        ledger,
        """INSERT INTO failure AS f (connection_id, fingerprint, error_class, code, cause, fix)
           VALUES (%s, %s, %s, %s, %s, %s)
           ON CONFLICT (connection_id, fingerprint) DO UPDATE SET
               state = 'open', last_seen_at = ledger_now(), cause = excluded.cause, fix = excluded.fix
           RETURNING f.id""",
        [
            letter["connection_id"],
            fingerprint(letter["error_class"], letter["code"], letter["culprit"]),
            letter["error_class"],
            letter["code"],
            letter["cause"],
            letter["fix"],
        ],
    )
    ledger.execute(
        """INSERT INTO failure_document (failure_id, document_id, dead_letter_id) VALUES (%s, %s, %s)
           ON CONFLICT (failure_id, document_id) DO UPDATE SET
               dead_letter_id = excluded.dead_letter_id, cleared_at = NULL""",
        [failure["id"], letter["document_id"], dead_letter_id],
    )
    ledger.execute("UPDATE dead_letter SET handled_at = ledger_now() WHERE id = %s", [dead_letter_id])
    # a document stands in the failure of its last dead letter alone, and in none if it went through since
    gone_through = one(ledger, "SELECT state FROM document WHERE id = %s", [letter["document_id"]])["state"]
    clear(ledger, [letter["document_id"]], keep=0 if gone_through in {"posted", "linked"} else failure["id"])
    return True


def clear(ledger: Ledger, document_ids: Collection[int], keep: int = 0) -> None:
    """Take documents out of every failure but `keep`; a failure that holds none any more is resolved.

    The failures are locked first, by a statement of its own, so that whoever joins or leaves one right now is seen.
    """
    rows = ledger.execute(
        """SELECT f.id FROM failure f WHERE f.id <> %s AND f.id IN (
               SELECT failure_id FROM failure_document WHERE document_id = ANY(%s) AND cleared_at IS NULL)
           ORDER BY f.id FOR UPDATE""",
        [keep, list(document_ids)],
    ).fetchall()
    if not rows:
        return
    left = [row["id"] for row in rows]
    ledger.execute(
        """UPDATE failure_document SET cleared_at = ledger_now()
           WHERE failure_id = ANY(%s) AND document_id = ANY(%s) AND cleared_at IS NULL""",
        [left, list(document_ids)],
    )
    ledger.execute(
        """UPDATE failure f SET state = 'resolved' WHERE f.id = ANY(%s) AND f.state IN ('open', 'waiting')
             AND NOT EXISTS (SELECT FROM failure_document d WHERE d.failure_id = f.id AND d.cleared_at IS NULL)""",
        [left],
    )
