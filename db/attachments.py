"""Files of documents: into which attachment record of Intacct each belongs, what stands there, contents on their way.

An attachment record is a document of the ledger, of kind `attachment`; its Scoro id is the ledger's id of the document
that it holds the files of (its *owner*).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from db.database import Ledger, one
from schemas.kinds import Kind

FileState = Literal["new", "waiting", "in_doubt", "posted", "refused"]
"""Where a file of a record stands: `new` is still to be planned, `waiting` has an operation that has not left."""

WAITING = "('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person')"
IN_DOUBT = "('sending', 'uncertain')"


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file as the ledger knows it in a record; `file_id` is Scoro's. `alone`: it goes by itself."""

    file_id: int
    name: str
    type: str
    bytes: int
    digest: str
    alone: bool
    state: FileState


@dataclass(frozen=True, slots=True)
class Holder:
    """What the ledger knows of the attachment record of a document (`owner_id`)."""

    owner_id: int
    record_no: str = ""
    """Its id in Intacct; "" where it does not stand there."""
    waiting: bool = False
    in_doubt: bool = False
    files: Mapping[int, HeldFile] = field(default_factory=dict)
    version: str = "//"
    """Moves whenever an operation of the record is made or settled."""

    @property
    def stands(self) -> bool:
        """Whether Intacct has it, or it is on its way there."""
        return bool(self.record_no) or self.waiting or self.in_doubt


HOLDERS = f"""SELECT r.scoro_id AS owner_id, r.id AS record_id, coalesce(l.natural_key, '') AS record_no,
        waiting.id IS NOT NULL AS waiting, doubt.id IS NOT NULL AS in_doubt,
        concat_ws('/', coalesce(extract(epoch FROM l.linked_at)::text, ''), coalesce(waiting.id::text, ''),
            coalesce(doubt.id::text, '')) AS version
    FROM document r LEFT JOIN link l ON l.document_id = r.id
    LEFT JOIN operation waiting ON waiting.document_id = r.id AND waiting.state IN {WAITING}
    LEFT JOIN operation doubt ON doubt.document_id = r.id AND doubt.state IN {IN_DOUBT}
    WHERE r.connection_id = %(connection)s AND r.module = 'attachments' AND r.scoro_id = ANY(%(owners)s)"""

HELD_FILES = f"""SELECT r.scoro_id AS owner_id, f.scoro_id AS file_id, a.name, a.type, a.bytes, a.digest, a.alone,
        CASE WHEN a.posted_at IS NOT NULL THEN 'posted' WHEN o.state IN {IN_DOUBT} THEN 'in_doubt'
             WHEN o.state IN {WAITING} THEN 'waiting' WHEN o.state = 'refused' THEN 'refused' ELSE 'new' END AS state
    FROM document r JOIN attachment a ON a.record_id = r.id JOIN document f ON f.id = a.file_id
    LEFT JOIN operation o ON o.id = a.operation_id
    WHERE r.connection_id = %(connection)s AND r.module = 'attachments' AND r.scoro_id = ANY(%(owners)s)
    ORDER BY f.scoro_id"""


def holders(ledger: Ledger, connection_id: int, owner_ids: Collection[int]) -> dict[int, Holder]:
    """The attachment records of these documents with their files; an empty one for a document without."""
    values = {"connection": connection_id, "owners": list(owner_ids)}
    files: dict[int, dict[int, HeldFile]] = {}
    for row in ledger.execute(HELD_FILES.encode(), values).fetchall():
        owner_id = row.pop("owner_id")
        files.setdefault(owner_id, {})[row["file_id"]] = HeldFile(**row)
    found = {
        row["owner_id"]: Holder(
            row["owner_id"],
            row["record_no"],
            row["waiting"],
            row["in_doubt"],
            files.get(row["owner_id"], {}),
            row["version"],
        )
        for row in ledger.execute(HOLDERS.encode(), values).fetchall()
    }
    return {owner_id: found.get(owner_id, Holder(owner_id)) for owner_id in owner_ids}


def moved_on(ledger: Ledger, connection_id: int, versions: Mapping[int, str]) -> set[int]:
    """Documents (by their ids) whose attachment record is no longer in the version that was decided about."""
    now = holders(ledger, connection_id, versions)
    return {owner_id for owner_id, version in versions.items() if now[owner_id].version != version}


def failed_files(ledger: Ledger, connection_id: int, file_ids: Collection[int]) -> dict[int, str]:
    """Of these files (Scoro's ids) those that failed or were left alone, and why."""
    rows = ledger.execute(
        """SELECT scoro_id, reason FROM document WHERE connection_id = %s AND module = %s AND scoro_id = ANY(%s)
           AND state IN ('failed', 'skipped')""",
        [connection_id, Kind.FILE.module, list(file_ids)],
    ).fetchall()
    return {row["scoro_id"]: row["reason"] for row in rows}


@dataclass(frozen=True, slots=True)
class Assignment:
    """A file of a record, as it is planned; no operation: it is still to be planned."""

    record_id: int
    file_id: int
    """Both ids of the ledger's documents."""
    name: str = ""
    type: str = ""
    bytes: int = 0
    digest: str = ""
    operation_id: UUID | None = None


def assign(ledger: Ledger, assignments: Sequence[Assignment]) -> None:
    """Keep which operation carries which file; what stands in Intacct already is left as it is."""
    rows = [
        {
            "record_id": a.record_id,
            "file_id": a.file_id,
            "name": a.name,
            "type": a.type,
            "bytes": a.bytes,
            "digest": a.digest,
            "operation_id": str(a.operation_id) if a.operation_id else None,
        }
        for a in assignments
    ]
    ledger.execute(
        """INSERT INTO attachment AS mine (record_id, file_id, name, type, bytes, digest, operation_id)
           SELECT record_id, file_id, name, type, bytes, digest, operation_id FROM jsonb_to_recordset(%s)
               AS g (record_id bigint, file_id bigint, name text, type text, bytes bigint, digest text,
                     operation_id uuid)
           ORDER BY record_id, file_id
           ON CONFLICT (record_id, file_id) DO UPDATE SET name = excluded.name, type = excluded.type,
               bytes = excluded.bytes, digest = excluded.digest, operation_id = excluded.operation_id
           WHERE mine.posted_at IS NULL""",
        [Jsonb(rows)],
    )


def note(ledger: Ledger, files: Collection[tuple[int, int]]) -> None:
    """Keep that files belong into records, both by the ledger's ids; what is known of them is left as it is."""
    ledger.execute(
        """INSERT INTO attachment (record_id, file_id) SELECT * FROM unnest(%s::bigint[], %s::bigint[])
           ORDER BY 1, 2 ON CONFLICT DO NOTHING""",
        [[record_id for record_id, _ in files], [file_id for _, file_id in files]],
    )


def drop(ledger: Ledger, connection_id: int, owner_ids: Collection[int], file_ids: Collection[int]) -> None:
    """Forget files (Scoro's ids) of these documents that will not go."""
    ledger.execute(
        """DELETE FROM attachment a USING document r, document f
           WHERE r.id = a.record_id AND f.id = a.file_id AND a.posted_at IS NULL AND r.connection_id = %s
             AND r.module = 'attachments' AND r.scoro_id = ANY(%s) AND f.scoro_id = ANY(%s)""",
        [connection_id, list(owner_ids), list(file_ids)],
    )


def gone(ledger: Ledger, connection_id: int, file_ids: Collection[int]) -> list[int]:
    """Say of files (Scoro's ids) that no document has them any more, where that is so; returns the ledger's ids."""
    rows = ledger.execute(
        """UPDATE document f SET state = 'deleted', reason = 'no longer attached to its document'
           WHERE f.connection_id = %s AND f.module = 'files' AND f.scoro_id = ANY(%s)
             AND NOT EXISTS (SELECT FROM attachment a WHERE a.file_id = f.id) RETURNING f.id""",
        [connection_id, list(file_ids)],
    ).fetchall()
    return [row["id"] for row in rows]


# ------------------------------------------------------------------------------------------------- contents


def keep_content(ledger: Ledger, connection_id: int, digest: str, data: bytes) -> None:
    """Keep a content until it stands in Intacct."""
    ledger.execute(
        """INSERT INTO file_content (connection_id, digest, data) VALUES (%s, %s, %s)
           ON CONFLICT (connection_id, digest) DO UPDATE SET kept_at = ledger_now()""",
        [connection_id, digest, data],
    )


def contents(ledger: Ledger, connection_id: int, digests: Collection[str]) -> dict[str, bytes]:
    """Contents by digest."""
    rows = ledger.execute(
        "SELECT digest, data FROM file_content WHERE connection_id = %s AND digest = ANY(%s)",
        [connection_id, list(digests)],
    ).fetchall()
    return {row["digest"]: bytes(row["data"]) for row in rows}


def kept_digests(ledger: Ledger, connection_id: int, digests: Collection[str]) -> set[str]:
    """Of these contents those that are kept."""
    rows = ledger.execute(
        "SELECT digest FROM file_content WHERE connection_id = %s AND digest = ANY(%s)",
        [connection_id, list(digests)],
    ).fetchall()
    return {row["digest"] for row in rows}


def kept_bytes(ledger: Ledger, connection_id: int) -> int:
    """How many bytes of contents a connection keeps."""
    row = one(
        ledger,
        "SELECT coalesce(sum(octet_length(data)), 0) AS bytes FROM file_content WHERE connection_id = %s",
        [connection_id],
    )
    return int(row["bytes"])


def drop_contents(ledger: Ledger, connection_id: int | None, *, older_than_s: float) -> int:
    """Forget contents that no file needs any more, kept for that long at the least; returns how many.

    No connection: those of all.
    """
    rows = ledger.execute(
        """DELETE FROM file_content c WHERE (%s::bigint IS NULL OR c.connection_id = %s)
             AND c.kept_at <= ledger_now() - make_interval(secs => %s)
             AND NOT EXISTS (SELECT FROM attachment a JOIN document r ON r.id = a.record_id
                             WHERE a.digest = c.digest AND a.posted_at IS NULL AND r.connection_id = c.connection_id)
           RETURNING c.digest""",
        [connection_id, connection_id, older_than_s],
    ).fetchall()
    return len(rows)


# ------------------------------------------------------------------------------------------------- settling


def carried(ledger: Ledger, operation_ids: Collection[UUID]) -> dict[UUID, list[int]]:
    """The files (the ledger's documents) that each operation carries."""
    rows = ledger.execute(
        "SELECT operation_id, file_id FROM attachment WHERE operation_id = ANY(%s) ORDER BY file_id",
        [list(operation_ids)],
    ).fetchall()
    found: dict[UUID, list[int]] = {}
    for row in rows:
        found.setdefault(row["operation_id"], []).append(row["file_id"])
    return found


def posted(ledger: Ledger, missing: Mapping[UUID, Collection[str]]) -> None:
    """The files of these operations stand in Intacct, but for the missing, which are to be planned again."""
    rows = [{"id": str(operation_id), "missing": list(names)} for operation_id, names in missing.items()]
    ledger.execute(
        """UPDATE attachment a SET
               posted_at = CASE WHEN NOT g.missing ? a.name THEN ledger_now() END,
               operation_id = CASE WHEN NOT g.missing ? a.name THEN a.operation_id END
           FROM jsonb_to_recordset(%s) AS g (id uuid, missing jsonb) WHERE a.operation_id = g.id""",
        [Jsonb(rows)],
    )


def still_posted(ledger: Ledger, document_ids: Collection[int]) -> None:
    """Documents whose files did not get through stand in Intacct as before; what would have named those is given up."""
    ledger.execute(
        f"""UPDATE operation SET state = 'superseded', reason = 'its files did not get through',
               settled_at = ledger_now()
           WHERE document_id = ANY(%s) AND verb = 'attach' AND state IN {WAITING}""".encode(),
        [list(document_ids)],
    )
    ledger.execute(
        "UPDATE document SET state = 'posted', reason = '' WHERE id = ANY(%s) AND state IN ('failed', 'waiting')",
        [list(document_ids)],
    )


def files_of(ledger: Ledger, owner_ids: Collection[int]) -> dict[int, list[int]]:
    """The files (the ledger's documents) of documents, by these."""
    rows = ledger.execute(
        """SELECT r.scoro_id AS owner_id, a.file_id FROM document r JOIN attachment a ON a.record_id = r.id
           WHERE r.module = 'attachments' AND r.scoro_id = ANY(%s) ORDER BY a.file_id""",
        [list(owner_ids)],
    ).fetchall()
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row["owner_id"], []).append(row["file_id"])
    return found


def part(ledger: Ledger, operation_ids: Collection[UUID]) -> set[UUID]:
    """Of these refused operations those with several files: each of the files is tried by itself."""
    rows = ledger.execute(
        """WITH several AS (
               SELECT operation_id AS id FROM attachment WHERE operation_id = ANY(%s) GROUP BY 1 HAVING count(*) > 1
           ), parted AS (
               UPDATE attachment a SET alone = true, operation_id = NULL FROM several s WHERE a.operation_id = s.id
           )
           SELECT id FROM several""",
        [list(operation_ids)],
    ).fetchall()
    return {row["id"] for row in rows}


def plan_again(ledger: Ledger, operation_ids: Collection[UUID]) -> None:
    """The files of these operations are to be planned again."""
    ledger.execute(
        "UPDATE attachment SET operation_id = NULL, digest = '' WHERE operation_id = ANY(%s) AND posted_at IS NULL",
        [list(operation_ids)],
    )


def owners(ledger: Ledger, record_ids: Collection[int]) -> list[dict[str, Any]]:
    """The documents that these attachment records hold the files of: module, kind, scoro_id."""
    return ledger.execute(
        "SELECT p.module, p.kind, p.scoro_id FROM document r JOIN document p ON p.id = r.scoro_id WHERE r.id = ANY(%s)",
        [list(record_ids)],
    ).fetchall()


def waiting_for_folder(ledger: Ledger, folder_ids: Collection[int]) -> list[int]:
    """Attachment records (documents) whose operation waits for one of these folders."""
    if not folder_ids:
        return []
    rows = ledger.execute(
        f"""SELECT o.document_id FROM operation o JOIN operation_need n ON n.operation_id = o.id
            WHERE n.document_id = ANY(%s) AND o.state IN {WAITING}""".encode(),
        [list(folder_ids)],
    ).fetchall()
    return [row["document_id"] for row in rows]


def hopeless(ledger: Ledger, record_ids: Collection[int]) -> list[int]:
    """Of these attachment records (documents) those that need something that is not on its way."""
    if not record_ids:
        return []
    rows = ledger.execute(
        f"""SELECT DISTINCT o.document_id FROM operation o JOIN operation_need n ON n.operation_id = o.id
            WHERE o.document_id = ANY(%s) AND o.state IN {WAITING}
              AND NOT EXISTS (SELECT FROM link l WHERE l.document_id = n.document_id)
              AND NOT EXISTS (SELECT FROM operation x WHERE x.document_id = n.document_id
                              AND x.state IN ('ready', 'waiting_quota', 'sending', 'uncertain'))""".encode(),
        [list(record_ids)],
    ).fetchall()
    return [row["document_id"] for row in rows]


def waiting_behind(ledger: Ledger, record_ids: Collection[int]) -> list[dict[str, Any]]:
    """Operations that have not left and need one of these attachment records, locked, with why that did not come."""
    return ledger.execute(
        f"""SELECT o.id, o.document_id, o.revision_id, o.verb, o.function, o.leaves, r.number AS record, r.reason
            FROM operation o JOIN operation_need n ON n.operation_id = o.id JOIN document r ON r.id = n.document_id
            WHERE o.state IN {WAITING} AND r.id = ANY(%s) ORDER BY o.id FOR UPDATE OF o""".encode(),
        [list(record_ids)],
    ).fetchall()


@dataclass(frozen=True, slots=True)
class Released:
    """An operation that goes without an attachment record: its functions that do not name one."""

    id: UUID
    function: Mapping[str, Any]
    fingerprint: str
    leaves: Mapping[str, Any] | None


def release(ledger: Ledger, record_ids: Collection[int], released: Sequence[Released]) -> None:
    """Let operations go without these records."""
    ledger.execute(
        "DELETE FROM operation_need WHERE operation_id = ANY(%s) AND document_id = ANY(%s)",
        [[each.id for each in released], list(record_ids)],
    )
    rows = [
        {"id": str(each.id), "function": each.function, "fingerprint": each.fingerprint, "leaves": each.leaves}
        for each in released
    ]
    ledger.execute(
        """UPDATE operation o SET function = g.function, payload_fingerprint = g.fingerprint,
               leaves = CASE WHEN o.leaves IS NOT NULL THEN g.leaves END,
               state = CASE o.state WHEN 'waiting_prerequisite' THEN 'ready' ELSE o.state END,
               reason = CASE o.state WHEN 'waiting_prerequisite' THEN '' ELSE o.reason END,
               due_at = CASE o.state WHEN 'waiting_prerequisite' THEN ledger_now() ELSE o.due_at END
           FROM jsonb_to_recordset(%s) AS g (id uuid, function jsonb, fingerprint text, leaves jsonb)
           WHERE o.id = g.id""",
        [Jsonb(rows)],
    )


class Pair(NamedTuple):
    """A file that is attached to a document in Scoro: that one's module and id, and the file's id."""

    module: str
    scoro_id: int
    file_id: int


class Lack(NamedTuple):
    """A file that a document in Intacct lacks: the document as ledger and Scoro know it, the file."""

    owner_id: int
    kind: Kind
    scoro_id: int
    file_id: int


def lacking(ledger: Ledger, connection_id: int, pairs: Sequence[Pair]) -> list[Lack]:
    """Of files that are attached to documents those that are not on their way, where the document is posted."""
    rows = ledger.execute(
        """SELECT DISTINCT d.id, d.kind, d.scoro_id, g.file_id
           FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS g (module, scoro_id, file_id)
           JOIN document d ON d.connection_id = %s AND d.module = g.module AND d.scoro_id = g.scoro_id
           LEFT JOIN document f ON f.connection_id = d.connection_id AND f.module = 'files' AND f.scoro_id = g.file_id
           LEFT JOIN document r ON r.connection_id = d.connection_id AND r.module = 'attachments' AND r.scoro_id = d.id
           WHERE d.state IN ('posted', 'linked') AND d.kind IN ('invoice', 'bill', 'expense')
             AND coalesce(f.state NOT IN ('failed', 'skipped', 'ignored'), true)
             AND NOT EXISTS (SELECT FROM attachment a WHERE a.record_id = r.id AND a.file_id = f.id
                             AND (a.operation_id IS NOT NULL OR a.posted_at IS NOT NULL))
           ORDER BY 1, 4""",
        [[p.module for p in pairs], [p.scoro_id for p in pairs], [p.file_id for p in pairs], connection_id],
    ).fetchall()
    return [Lack(row["id"], Kind(row["kind"]), row["scoro_id"], row["file_id"]) for row in rows]


UNFINISHED = f"""SELECT DISTINCT p.module, p.kind, p.scoro_id
    FROM document r JOIN document p ON p.id = r.scoro_id
    LEFT JOIN link l ON l.document_id = p.id
    WHERE r.module = 'attachments' AND r.connection_id = %(connection)s
      AND (r.id = ANY(%(documents)s) OR r.scoro_id = ANY(%(documents)s))
      AND l.function IS NOT NULL
      AND (EXISTS (SELECT FROM attachment a WHERE a.record_id = r.id AND a.operation_id IS NULL AND a.posted_at IS NULL)
           OR (l.attachment = '' AND EXISTS (SELECT FROM link record WHERE record.document_id = r.id)))
      AND NOT EXISTS (SELECT FROM operation o WHERE o.document_id IN (r.id, p.id)
                      AND (o.state IN {IN_DOUBT} OR o.state IN {WAITING}))"""


def unfinished(ledger: Ledger, connection_id: int, document_ids: Collection[int]) -> list[dict[str, Any]]:
    """Posted documents with files that are still to be planned, or with a record that they do not name.

    `document_ids` are the documents or their attachment records; nothing of either is on its way.
    """
    return ledger.execute(
        UNFINISHED.encode(), {"connection": connection_id, "documents": list(document_ids)}
    ).fetchall()
