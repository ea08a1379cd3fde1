"""Records of Intacct as they were read back after our last write, and those that are still to be read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from psycopg.types.json import Jsonb

from db.database import Ledger
from schemas.errors import Problem


@dataclass(frozen=True, slots=True)
class Owed:
    """A record that was written, with the total that it must hold."""

    document_id: int
    kind: str
    scoro_id: int
    object: str
    record_no: str
    natural_key: str
    total: Decimal | None
    operation_id: UUID


READ = """d.id AS document_id, d.kind, d.scoro_id, l.object, l.record_no, l.natural_key, o.total, o.id AS operation_id
    FROM link l JOIN document d ON d.id = l.document_id JOIN operation o ON o.id = l.operation_id"""


def owed(ledger: Ledger, connection_id: int, objects: Sequence[str], limit: int) -> list[Owed]:
    """The oldest records that were written and not read back since, but for those that are being written."""
    rows = ledger.execute(
        f"""SELECT {READ} WHERE l.connection_id = %s AND l.seen IS NULL AND l.object = ANY(%s)
              AND o.verb NOT IN ('delete', 'reverse') AND NOT EXISTS (SELECT FROM operation u
                  WHERE u.document_id = l.document_id AND u.state IN ('sending', 'uncertain'))
            ORDER BY l.linked_at LIMIT %s""".encode(),
        [connection_id, list(objects), limit],
    ).fetchall()
    return [Owed(**row) for row in rows]


def keep(
    ledger: Ledger, object_name: str, headers: Mapping[str, Mapping[str, str]], after: Collection[UUID]
) -> list[Owed]:
    """Keep these headers (by RECORDNO) where they were still to be read; returns whose they are.

    `after` are the writes after which they were read: what was written again since is read again.
    """
    if not headers:
        return []
    rows = ledger.execute(
        f"""WITH read AS (SELECT record_no, header FROM unnest(%s::text[], %s::jsonb[]) AS r (record_no, header)),
            kept AS (
                UPDATE link l SET seen = read.header, looked_at = ledger_now(),
                    record_state = coalesce(nullif(read.header ->> 'STATE', ''), l.record_state)
                FROM read WHERE l.operation_id = ANY(%s) AND l.object = %s AND l.record_no = read.record_no
                  AND l.seen IS NULL
                RETURNING l.document_id)
            SELECT {READ} JOIN kept k ON k.document_id = l.document_id""".encode(),
        [list(headers), [Jsonb(dict(header)) for header in headers.values()], list(after), object_name],
    ).fetchall()
    return [Owed(**row) for row in rows]


def standing(ledger: Ledger, operation_ids: Sequence[UUID]) -> list[UUID]:
    """Of these operations those that made what their records hold now."""
    rows = ledger.execute(
        "SELECT operation_id FROM link WHERE operation_id = ANY(%s)", [list(operation_ids)]
    ).fetchall()
    return [row["operation_id"] for row in rows]


def note_differences(ledger: Ledger, differences: Mapping[int, Problem]) -> None:
    """Keep what Intacct holds otherwise than it was written, until it is written again or a person decides."""
    ledger.execute(
        """UPDATE link l SET differs = jsonb_build_object('code', g.code, 'reason', g.reason)
           FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS g (document_id, code, reason)
           WHERE l.document_id = g.document_id""",
        [list(differences), [p.code for p in differences.values()], [p.cause for p in differences.values()]],
    )


@dataclass(frozen=True, slots=True)
class Adopted:
    """A record that stood in Intacct before us, whose lines are not known. `wanted`: an edit waits for them."""

    document_id: int
    object: str
    record_no: str
    wanted: bool


def without_lines(ledger: Ledger, connection_id: int, objects: Sequence[str], limit: int) -> list[Adopted]:
    """Linked records whose lines are not known, those that an edit waits for first."""
    rows = ledger.execute(
        """SELECT document_id, object, record_no, lines_wanted AS wanted FROM link
           WHERE connection_id = %s AND object = ANY(%s) AND function IS NULL AND seen_lines IS NULL
             AND record_state NOT IN ('Deleted', 'Reversed')
           ORDER BY lines_wanted DESC, linked_at LIMIT %s""",
        [connection_id, list(objects), limit],
    ).fetchall()
    return [Adopted(**row) for row in rows]


def no_longer_wanted(ledger: Ledger, adopted: Sequence[Adopted]) -> None:
    """A look-up for these is on its way; an edit that still waits afterwards wants them again."""
    ledger.execute(
        "UPDATE link SET lines_wanted = false WHERE document_id = ANY(%s)", [[item.document_id for item in adopted]]
    )


def keep_lines(
    ledger: Ledger,
    adopted: Sequence[Adopted],
    headers: Mapping[str, Mapping[str, str]],
    lines: Mapping[str, Sequence[Mapping[str, str]]],
) -> list[int]:
    """Keep headers and lines (by RECORDNO) of records that stood there before us; returns documents with edits to read.

    A record that is no longer there keeps its link, marked as deleted.
    """
    read = [item for item in adopted if item.record_no in lines]
    rows = ledger.execute(
        """WITH read AS (
               SELECT * FROM unnest(%s::bigint[], %s::jsonb[], %s::jsonb[]) AS r (document_id, header, lines)
           ), kept AS (
               UPDATE link l SET seen = read.header, seen_lines = read.lines, lines_wanted = false,
                   looked_at = ledger_now(),
                   record_state = coalesce(read.header ->> 'STATE', 'Deleted')
               FROM read WHERE l.document_id = read.document_id AND l.function IS NULL RETURNING l.document_id)
           SELECT k.document_id FROM kept k WHERE EXISTS (
               SELECT FROM change c WHERE c.document_id = k.document_id AND c.state = 'waiting')""",
        [
            [item.document_id for item in read],
            [Jsonb(dict(headers[item.record_no])) if item.record_no in headers else None for item in read],
            [Jsonb([dict(line) for line in lines[item.record_no]]) for item in read],
        ],
    ).fetchall()
    return [row["document_id"] for row in rows]


def read_again(ledger: Ledger, document_ids: Sequence[int]) -> None:
    """Changes that waited for lines are due."""
    ledger.execute(
        "UPDATE change SET due_at = ledger_now() WHERE document_id = ANY(%s) AND state = 'waiting'",
        [list(document_ids)],
    )
