"""Which version of each record of Scoro was seen: read by an intake, or found by a poll and captured to be read.

A version is what Scoro calls `modified_date` and a digest of the whole record: the date alone has whole seconds, in
which two edits may fall.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from db.database import Ledger

MOST_CAPTURES = 3
"""A record that reads differently each time without being modified is not captured for ever."""


@dataclass(frozen=True, slots=True)
class News:
    """A record whose version was not seen before; `unheard` where nobody had told of it: no change of it is open."""

    scoro_id: int
    modified: str
    unheard: bool


def version(record: Mapping[str, Any]) -> tuple[str, bytes]:
    """What a record is told apart by."""
    written = json.dumps(record, ensure_ascii=True, sort_keys=True, default=str)
    digest = hashlib.blake2b(written.encode(), digest_size=16).digest()
    return str(record.get("modified_date") or ""), digest


GIVEN = """given AS (SELECT * FROM unnest(%(ids)s::bigint[], %(modified)s::text[], %(digests)s::bytea[])
        AS g (scoro_id, modified, digest))"""

RECORD = f"""WITH {GIVEN}
    INSERT INTO sighting (connection_id, module, scoro_id, modified, digest)
    SELECT %(connection)s, %(module)s, scoro_id, modified, digest FROM given ORDER BY scoro_id
    ON CONFLICT (connection_id, module, scoro_id) DO UPDATE SET modified = excluded.modified, digest = excluded.digest,
        polls = CASE WHEN sighting.modified = excluded.modified THEN sighting.polls ELSE 0 END"""

COMPARE = f"""WITH {GIVEN}, fresh AS (
        SELECT g.*, s.modified IS DISTINCT FROM g.modified AND NOT EXISTS (
            SELECT FROM document d JOIN change c ON c.document_id = d.id AND c.state IN ('waiting', 'reading')
            WHERE d.connection_id = %(connection)s AND d.module = %(module)s AND d.scoro_id = g.scoro_id) AS unheard
        FROM given g LEFT JOIN sighting s ON s.connection_id = %(connection)s AND s.module = %(module)s
            AND s.scoro_id = g.scoro_id
        WHERE s.scoro_id IS NULL OR s.modified <> g.modified OR (s.digest <> g.digest AND s.polls < %(most)s)
    ), kept AS (
        INSERT INTO sighting (connection_id, module, scoro_id, modified, digest, polls)
        SELECT %(connection)s, %(module)s, scoro_id, modified, digest, 1 FROM fresh ORDER BY scoro_id
        ON CONFLICT (connection_id, module, scoro_id) DO UPDATE SET modified = excluded.modified,
            digest = excluded.digest,
            polls = CASE WHEN sighting.modified = excluded.modified THEN sighting.polls + 1 ELSE 1 END)
    SELECT scoro_id, modified, unheard FROM fresh ORDER BY scoro_id"""


def record(ledger: Ledger, connection_id: int, module: str, records: Mapping[int, Mapping[str, Any]]) -> None:
    """Keep the versions of records that were read."""
    if records:
        ledger.execute(RECORD.encode(), _values(connection_id, module, records))


def compare(
    ledger: Ledger, connection_id: int, module: str, records: Mapping[int, Mapping[str, Any]]
) -> Sequence[News]:
    """Which of these records are new or changed; they count as seen from now on, so the caller captures them."""
    if not records:
        return []
    values = {**_values(connection_id, module, records), "most": MOST_CAPTURES}
    return [News(**row) for row in ledger.execute(COMPARE.encode(), values).fetchall()]


def _values(connection_id: int, module: str, records: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    versions = [version(held) for held in records.values()]
    return {
        "connection": connection_id,
        "module": module,
        "ids": list(records),
        "modified": [modified for modified, _ in versions],
        "digests": [digest for _, digest in versions],
    }
