"""Links that people make and take away, and documents that are left alone.

Each function runs in the caller's transaction, after `standing_of` has locked the document's intents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from db import failures, journal
from db.database import Ledger, one
from db.intake import lock_documents, lock_intents, supersede
from db.operations import PARTIES


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person's decision about a document begins with."""

    document_id: int
    state: str
    left_alone: str
    in_doubt: bool
    """A write of it is under way or in doubt."""
    inbound: bool
    """It came from Intacct."""
    link: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Record:
    """A record of Intacct as a person links it: header and lines as they were read."""

    object: str
    record_no: str
    natural_key: str
    state: str
    header: Mapping[str, str]
    lines: Sequence[Mapping[str, str]]


def standing_of(ledger: Ledger, document_id: int) -> Standing:
    """Where a document stands; its intents stay locked, so that no delivery and no intake passes in between."""
    lock_documents(ledger, [document_id])
    lock_intents(ledger, [document_id])
    row = one(
        ledger,
        """SELECT d.id, d.state, d.left_alone, d.inbound, to_jsonb(l) AS link, EXISTS (SELECT FROM operation o
               WHERE o.document_id = d.id AND o.state IN ('sending', 'uncertain')) AS in_doubt
           FROM document d LEFT JOIN link l ON l.document_id = d.id WHERE d.id = %s""",
        [document_id],
    )
    return Standing(row["id"], row["state"], row["left_alone"], row["in_doubt"], row["inbound"], row["link"])


def owner(ledger: Ledger, connection_id: int, object_name: str, record_no: str) -> str | None:
    """The document that a record is linked to, as `invoice 17`; None for one that is free."""
    if object_name in PARTIES:
        return None
    row = ledger.execute(
        """SELECT d.kind || ' ' || d.scoro_id AS name FROM link l JOIN document d ON d.id = l.document_id
           WHERE l.connection_id = %s AND l.object = %s AND l.record_no = %s""",
        [connection_id, object_name, record_no],
    ).fetchone()
    return str(row["name"]) if row else None


def link(ledger: Ledger, connection_id: int, document_id: int, record: Record, source_fingerprint: str) -> None:
    """Link a document to a record as it stands: what Scoro says now counts as posted, what waited is given up."""
    supersede(ledger, [document_id])
    ledger.execute(
        """INSERT INTO link AS mine (document_id, connection_id, object, record_no, natural_key, record_state,
               source_fingerprint, seen, seen_lines)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
           ON CONFLICT (document_id) DO UPDATE SET object = excluded.object, record_no = excluded.record_no,
               natural_key = excluded.natural_key, record_state = excluded.record_state, line_numbers = '{}',
               function = NULL, operation_id = NULL, source_fingerprint = excluded.source_fingerprint,
               seen = excluded.seen, seen_lines = excluded.seen_lines, differs = NULL, linked_at = ledger_now(),
               looked_at = ledger_now()""",
        [
            document_id,
            connection_id,
            record.object,
            record.record_no,
            record.natural_key,
            record.state,
            source_fingerprint,
            Jsonb(dict(record.header)),
            Jsonb([dict(line) for line in record.lines]),
        ],
    )
    ledger.execute("UPDATE document SET state = 'linked', reason = '', left_alone = '' WHERE id = %s", [document_id])
    failures.clear(ledger, [document_id])
    journal.write(ledger, "document", document_id, "linked", f"{record.object} {record.record_no}")


@dataclass(frozen=True, slots=True)
class HeldOperation:
    """A write that waits for a person: its function, and what Intacct said."""

    verb: str
    function: Mapping[str, Any]
    code: str
    culprit: Sequence[str]


def held_operation(ledger: Ledger, document_id: int) -> HeldOperation | None:
    """The write of a document that waits for a person."""
    row = ledger.execute(
        "SELECT verb, function, problem FROM operation WHERE document_id = %s AND state = 'waiting_person'",
        [document_id],
    ).fetchone()
    if row is None:
        return None
    problem = row["problem"] or {}
    return HeldOperation(row["verb"], row["function"], problem.get("code", ""), problem.get("culprit", ()))


def accept(ledger: Ledger, document_id: int) -> None:
    """What Intacct holds is right: nothing differs any more."""
    ledger.execute("UPDATE link SET differs = NULL, linked_at = ledger_now() WHERE document_id = %s", [document_id])
    ledger.execute("UPDATE document SET state = 'posted', reason = '' WHERE id = %s", [document_id])
    failures.clear(ledger, [document_id])


def part(ledger: Ledger, document_id: int) -> None:
    """Forget the record of a document: it is gone from Intacct."""
    supersede(ledger, [document_id])
    ledger.execute("DELETE FROM link WHERE document_id = %s", [document_id])
    journal.write(ledger, "document", document_id, "unlinked", "its record is gone from Intacct")


def unlink(ledger: Ledger, standing: Standing, reason: str) -> None:
    """Take the link away, and what waits with it: changes leave the document alone until a person sends it."""
    supersede(ledger, [standing.document_id])
    ledger.execute("DELETE FROM link WHERE document_id = %s", [standing.document_id])
    _leave_alone(ledger, standing.document_id, "unlinked", "held", reason)


def ignore(ledger: Ledger, standing: Standing, reason: str) -> None:
    """Leave the document alone; its link, if it has one, stays."""
    supersede(ledger, [standing.document_id])
    _leave_alone(ledger, standing.document_id, "ignored", "ignored", reason)


def notice_again(ledger: Ledger, standing: Standing) -> None:
    """Changes of the document count again."""
    ledger.execute(
        "UPDATE document SET left_alone = '', state = %s, reason = '' WHERE id = %s",
        ["posted" if standing.link else "waiting", standing.document_id],
    )


def _leave_alone(ledger: Ledger, document_id: int, why: str, state: str, reason: str) -> None:
    ledger.execute(
        "UPDATE document SET left_alone = %s, state = %s::document_state, reason = %s WHERE id = %s",
        [why, state, reason, document_id],
    )
    failures.clear(ledger, [document_id])
