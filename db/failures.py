"""Dead letters and failures: what ended without success, gathered by cause.

A dead letter is one piece of work that ended. A failure is what several of them have in common: connection, class, code
and culprit. It opens, holds documents up, and is settled when the last of them went through or a person says so; when
it comes back it opens again, as its next incident.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from db import mails, outbox
from db.database import Ledger, one
from schemas.errors import ErrorClass, Problem, Who
from schemas.redaction import shortened, stored_xml

HELD = """SELECT fd.document_id FROM failure_document fd WHERE fd.failure_id = f.id AND fd.cleared_at IS NULL
    UNION  -- a record that failed holds up the documents that need it, in Intacct
    SELECT o.document_id FROM failure_document fd JOIN operation_need n ON n.document_id = fd.document_id
    JOIN operation o ON o.id = n.operation_id AND o.state = 'waiting_prerequisite'
    WHERE fd.failure_id = f.id AND fd.cleared_at IS NULL
    UNION  -- and in Scoro
    SELECT w.document_id FROM failure_document fd JOIN scoro_write w ON w.need_id = fd.document_id AND w.state = 'ready'
    WHERE fd.failure_id = f.id AND fd.cleared_at IS NULL
    UNION  -- what holds the culprit waits for it
    SELECT o.document_id FROM operation_culprit w
    JOIN operation o ON o.id = w.operation_id AND o.state = 'waiting_prerequisite'
    WHERE w.failure_id = f.id AND w.let_go_at IS NULL
    UNION  -- a broken connection holds up all that is to be sent
    SELECT o.document_id FROM connection n
    JOIN (  -- each half has an index of its own: a million posted operations cost nothing
        SELECT connection_id, document_id FROM operation WHERE state IN ('ready', 'waiting_quota', 'uncertain')
        UNION ALL SELECT connection_id, document_id FROM operation WHERE state = 'waiting_prerequisite'
    ) o ON o.connection_id = n.id
    JOIN document d ON d.id = o.document_id AND d.kind NOT IN ('customer', 'vendor', 'folder')
    WHERE n.id = f.connection_id AND n.state = 'broken' AND f.error_class = 'broken'
      AND f.state IN ('open', 'waiting')"""
"""SQL: the documents that failure `f` holds up now."""

MAX_KEPT_CHARACTERS = 60_000
"""Of what was sent and answered so much is kept with a dead letter."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A piece of work that ended without success: of a document, of a connection alone, or a poison message.

    `sent` and `answered` are redacted and shortened when they are buried.
    """

    connection_id: int | None
    document_id: int | None
    problem: Problem
    operation_id: UUID | None = None
    change_id: int | None = None
    attempt: int = 1
    sent: str | None = None
    answered: str | None = None
    poison: str | None = None
    """Of a message that nobody can handle: its fingerprint, by which a second delivery meets the first."""


BURY = """INSERT INTO dead_letter AS mine (connection_id, document_id, operation_id, change_id, attempt, error_class,
        code, cause, fix, field, culprit, holds, who, sent, answered, poison, number)
    SELECT connection_id, document_id, operation_id, change_id, attempt, error_class, code, cause, fix, field,
        ARRAY(SELECT jsonb_array_elements_text(culprit)), ARRAY(SELECT jsonb_array_elements_text(holds)), who, sent,
        coalesce(answered, (SELECT a.answered FROM attempt a WHERE a.operation_id = g.operation_id
                            AND a.answered IS NOT NULL ORDER BY a.request_id DESC LIMIT 1)), poison,
        coalesce((SELECT d.number FROM document d WHERE d.id = g.document_id), '')
    FROM jsonb_to_recordset(%s) AS g (connection_id bigint, document_id bigint, operation_id uuid, change_id bigint,
        attempt integer, error_class text, code text, cause text, fix text, field text, culprit jsonb, holds jsonb,
        who text, sent text, answered text, poison text)
    ON CONFLICT (poison) DO UPDATE SET attempt = mine.attempt + 1, at = ledger_now(), handled_at = NULL
    RETURNING id"""


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
            "sent": _kept(letter.sent),
            "answered": _kept(letter.answered),
            "poison": letter.poison,
            **problem_as_json(letter.problem),
        }
        for letter in letters
    ]
    buried = ledger.execute(BURY, [Jsonb(rows)]).fetchall()
    outbox.ring(ledger, "dead-letters", *(row["id"] for row in buried))


def _kept(text: str | None) -> str | None:
    return shortened(stored_xml(text.replace("\0", "")), MAX_KEPT_CHARACTERS) if text else None


def report(ledger: Ledger, connection_id: int, problem: Problem) -> None:
    """Bury what is wrong with a connection itself, unless people know of it already."""
    known = ledger.execute(
        """SELECT FROM failure WHERE connection_id = %(c)s AND fingerprint = %(f)s AND state IN ('open', 'waiting')
           UNION ALL SELECT FROM dead_letter WHERE connection_id = %(c)s AND document_id IS NULL AND handled_at IS NULL
               AND code = %(code)s""",
        {"c": connection_id, "f": fingerprint_of(problem), "code": problem.code},
    ).fetchone()
    if known is None:
        bury(ledger, [DeadLetter(connection_id, None, problem)])


def problem_as_json(problem: Problem) -> dict[str, Any]:
    """A problem as the ledger keeps it."""
    return {
        "error_class": str(problem.error_class),
        "code": problem.code,
        "cause": problem.cause,
        "fix": problem.fix,
        "field": problem.field,
        "culprit": list(problem.culprit),
        "holds": list(problem.holds),
        "who": str(problem.responsible),
    }


def problem_from_json(data: dict[str, Any]) -> Problem:
    """What `problem_as_json` kept."""
    return Problem(
        ErrorClass(data["error_class"]),
        data["code"],
        data["cause"],
        data["fix"],
        data["field"],
        tuple(data["culprit"]),
        tuple(data.get("holds", ())),
        Who(data["who"]) if data.get("who") else None,
    )


def fingerprint(error_class: str, code: str, culprit: Sequence[str]) -> str:
    """Equal for equal causes: class, code and culprits, never the document."""
    return hashlib.sha256("\x1f".join([error_class, code, *culprit]).encode()).hexdigest()


def fingerprint_of(problem: Problem) -> str:
    """The fingerprint of a problem's failure."""
    return fingerprint(problem.error_class, problem.code, problem.culprit)


JOIN = """INSERT INTO failure AS f (connection_id, fingerprint, error_class, code, cause, fix, who, culprit, holds)
    VALUES (%(connection_id)s, %(fingerprint)s, %(error_class)s, %(code)s, %(cause)s, %(fix)s, %(who)s, %(culprit)s,
        %(holds)s)
    ON CONFLICT (connection_id, fingerprint) DO UPDATE SET
        incident = f.incident + (f.state IN ('resolved', 'discarded'))::int,
        opened_at = CASE WHEN f.state IN ('resolved', 'discarded') THEN ledger_now() ELSE f.opened_at END,
        probe_at = CASE WHEN f.state IN ('resolved', 'discarded') THEN NULL ELSE f.probe_at END,
        state = 'open', reason = '', last_seen_at = ledger_now(), cause = excluded.cause, fix = excluded.fix,
        who = excluded.who, holds = excluded.holds
    RETURNING f.id"""


def join_failure(ledger: Ledger, dead_letter_id: int) -> bool:
    """Open or join the failure of a dead letter; False when that has been done before."""
    letter = ledger.execute(
        """UPDATE dead_letter l SET handled_at = ledger_now() WHERE id = %s AND handled_at IS NULL
           RETURNING l.*, EXISTS (SELECT FROM operation o WHERE o.document_id = l.document_id AND o.state = 'posted'
                                  AND o.settled_at > l.at)
               OR (l.change_id IS NOT NULL AND EXISTS (SELECT FROM document d WHERE d.id = l.document_id
                                                       AND d.state IN ('posted', 'linked'))) AS went_through""",
        [dead_letter_id],
    ).fetchone()
    if letter is None:
        return False
    if letter["went_through"]:
        return True  # since it failed: nobody need be told
    values = {**letter, "fingerprint": fingerprint(letter["error_class"], letter["code"], letter["culprit"])}
    failure_id: int = one(ledger, JOIN, values)["id"]
    ledger.execute("UPDATE dead_letter SET failure_id = %s WHERE id = %s", [failure_id, dead_letter_id])
    if letter["document_id"] is not None:
        ledger.execute(
            """INSERT INTO failure_document (failure_id, document_id, dead_letter_id) VALUES (%s, %s, %s)
               ON CONFLICT (failure_id, document_id) DO UPDATE SET
                   dead_letter_id = excluded.dead_letter_id, cleared_at = NULL""",
            [failure_id, letter["document_id"], dead_letter_id],
        )
        # a document stands in the failure of its last dead letter alone
        clear(ledger, [letter["document_id"]], keep=failure_id)
    mails.announce(ledger, "opened", [failure_id])
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
    ledger.execute(TELL_OF_WHO_IS_LEFT, [left])
    resolved = ledger.execute(
        """UPDATE failure f SET state = 'resolved', reason = 'all of its documents went through'
           WHERE f.id = ANY(%s) AND f.state IN ('open', 'waiting')
             AND NOT EXISTS (SELECT FROM failure_document d WHERE d.failure_id = f.id AND d.cleared_at IS NULL)
           RETURNING f.id""",
        [left],
    ).fetchall()
    mails.announce(ledger, "cleared", [row["id"] for row in resolved])


TELL_OF_WHO_IS_LEFT = """UPDATE failure f SET cause = l.cause, fix = l.fix FROM (
        SELECT DISTINCT ON (d.failure_id) d.failure_id, l.cause, l.fix
        FROM failure_document d JOIN dead_letter l ON l.id = d.dead_letter_id
        WHERE d.failure_id = ANY(%s) AND d.cleared_at IS NULL ORDER BY d.failure_id, l.id DESC) l
    WHERE f.id = l.failure_id AND f.cause <> l.cause"""
"""A failure is told in the words of the document that failed last, of those that it still holds up."""


def settle(ledger: Ledger, failure_ids: Collection[int], state: str, reason: str) -> list[int]:
    """A person or a probe says that failures are over (`resolved`) or let be (`discarded`); returns those that stood.

    Their documents stay where they are; they are held up by nothing any more.
    """
    rows = ledger.execute(
        """UPDATE failure SET state = %s::failure_state, reason = %s
           WHERE id = ANY(%s) AND state IN ('open', 'waiting') RETURNING id""",
        [state, reason, list(failure_ids)],
    ).fetchall()
    settled = [row["id"] for row in rows]
    ledger.execute(
        "UPDATE failure_document SET cleared_at = ledger_now() WHERE failure_id = ANY(%s) AND cleared_at IS NULL",
        [settled],
    )
    mails.announce(ledger, "cleared", settled)
    return settled


def settle_of_connection(ledger: Ledger, connection_id: int, side: str, reason: str) -> None:
    """What was wrong with a connection itself on one `side` (its culprit) is over."""
    rows = ledger.execute(
        """SELECT id FROM failure WHERE connection_id = %s AND error_class = 'broken' AND culprit = ARRAY[%s]
             AND state IN ('open', 'waiting')""",
        [connection_id, side],
    ).fetchall()
    if rows:
        settle(ledger, [row["id"] for row in rows], "resolved", reason)
