"""Where the stand-in keeps its records: one SQLite file, committed before a call is answered.

A record is a header and its lines, both as they stand on the wire (`fields`). Keys of the header that
begin with an underscore are the stand-in's own and never leave it:

  _created  UTC seconds      _paid  what receipts have paid      _pinned  totals set by hand

A record is never changed in place: whoever changes one puts a new one. So a record may be kept in the
cache and in the queue of a webhook as it was.
"""

import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CACHED_RECORDS = 5_000
LARGEST_ID = 2**63 - 1

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
  module TEXT, id INTEGER, entity TEXT, modified REAL, deleted REAL, head TEXT, lines TEXT,
  PRIMARY KEY (module, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_by_change ON record (module, modified);
CREATE TABLE IF NOT EXISTS chunk (
  file_id INTEGER, chunk_no INTEGER, data BLOB, PRIMARY KEY (file_id, chunk_no)
);
CREATE TABLE IF NOT EXISTS plan (module TEXT, id INTEGER, body TEXT, PRIMARY KEY (module, id));
CREATE TABLE IF NOT EXISTS note (key TEXT PRIMARY KEY, value TEXT);
"""


@dataclass(frozen=True)
class Record:
    """A record of a module; `entity` is empty for what all entities share; times are UTC seconds."""

    module: str
    id: int
    entity: str
    head: dict[str, Any]
    lines: list[dict[str, Any]] | None
    modified: float
    deleted: float | None = None

    @property
    def created(self) -> float:
        """When the record was made, in UTC seconds."""
        return float(self.head.get("_created", self.modified))


@dataclass(frozen=True)
class Narrowed:
    """What SQL can decide about a list: everything else is looked at record by record."""

    entity: str | None = None
    ids: tuple[int, ...] | None = None
    modified_from: float | None = None
    modified_to: float | None = None
    deleted_since: float | None = None

    def where(self) -> tuple[str, list[Any]]:
        """Return the condition and its values."""
        parts: list[str] = []
        values: list[Any] = []
        for condition, value in (
            ("entity = ?", self.entity),
            ("modified >= ?", self.modified_from),
            ("modified <= ?", self.modified_to),
        ):
            if value is not None:
                parts.append(condition)
                values.append(value)
        if self.deleted_since is None:
            parts.append("deleted IS NULL")
        else:
            parts.append("(deleted IS NULL OR deleted >= ?)")
            values.append(self.deleted_since)
        if self.ids is not None:
            parts.append(f"id IN ({','.join('?' * len(self.ids))})")
            values.extend(self.ids)
        return " AND ".join(parts), values


class Store:
    """The records, file contents, generator's plans and notes of one site; safe for several threads."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._depth = 0
        self._cache: OrderedDict[tuple[str, int], Record] = OrderedDict()
        self._next_ids: dict[str, int] = {}
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes inside together, or none; nested uses join the outer one."""
        with self.lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._db.execute("BEGIN IMMEDIATE")
                yield
                if self._depth == 1:
                    self._db.execute("COMMIT")
            except BaseException:
                if self._depth == 1:
                    self._db.execute("ROLLBACK")
                    self._cache.clear()
                    self._next_ids.clear()
                raise
            finally:
                self._depth -= 1

    def get(self, module: str, record_id: int) -> Record | None:
        """Return one record, deleted or not."""
        key = (module, record_id)
        if not 0 < record_id <= LARGEST_ID:
            return None
        with self.lock:
            known = self._cache.get(key)
            if known is not None:
                self._cache.move_to_end(key)
                return known
            rows = self._db.execute("SELECT * FROM record WHERE module = ? AND id = ?", key).fetchall()
            return self._remember(_record(rows[0])) if rows else None

    def put(self, record: Record) -> Record:
        """Write a record whole, in place of the one with its id."""
        lines = None if record.lines is None else json.dumps(record.lines)
        with self.lock:
            self._db.execute(
                "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    record.module,
                    record.id,
                    record.entity,
                    record.modified,
                    record.deleted,
                    json.dumps(record.head),
                    lines,
                ),
            )
            if record.id >= self._next_ids.get(record.module, record.id + 1):
                self._next_ids[record.module] = record.id + 1
            return self._remember(record)

    def remove(self, module: str, record_id: int) -> bool:
        """Remove a record for good; only subscriptions are removed so."""
        with self.lock:
            self._cache.pop((module, record_id), None)
            done = self._db.execute("DELETE FROM record WHERE module = ? AND id = ?", (module, record_id))
            return done.rowcount > 0

    def next_id(self, module: str) -> int:
        """Return an id that no record of the module has or had."""
        with self.lock:
            if module not in self._next_ids:
                row = self._db.execute("SELECT max(id) FROM record WHERE module = ?", (module,)).fetchone()
                self._next_ids[module] = (row[0] or 0) + 1
            self._next_ids[module] += 1
            return self._next_ids[module] - 1

    def select(
        self,
        module: str,
        narrowed: Narrowed = Narrowed(),
        *,
        with_lines: bool = True,
        limit: int = -1,
        offset: int = 0,
    ) -> Iterator[Record]:
        """Yield records by id, ascending; hold `lock` while taking them. Without lines they are None."""
        condition, values = narrowed.where()
        lines = "lines" if with_lines else "NULL"
        rows = self._db.execute(
            f"SELECT module, id, entity, modified, deleted, head, {lines} FROM record "  # noqa: S608
            f"WHERE module = ? AND {condition} ORDER BY id LIMIT ? OFFSET ?",
            (module, *values, limit, offset),
        )
        return map(_record, rows)

    def sequence(self, name: str, count: int = 1, start: int = 1) -> int:
        """Take `count` numbers of a sequence that survives restarts; returns the first."""
        with self.lock:
            first = self.note(name) or start
            self.put_note(name, first + count)
            return int(first)

    def add_chunk(self, file_id: int, chunk_no: int, data: bytes) -> None:
        """Keep one part of a file's content."""
        with self.lock:
            self._db.execute("INSERT OR REPLACE INTO chunk VALUES (?, ?, ?)", (file_id, chunk_no, data))

    def chunks(self, file_id: int) -> list[bytes]:
        """Return the parts of a file that have come, in order."""
        with self.lock:
            rows = self._db.execute("SELECT data FROM chunk WHERE file_id = ? ORDER BY chunk_no", (file_id,))
            return [row[0] for row in rows]

    def put_plan(self, module: str, document_id: int, plan: dict[str, Any] | None) -> None:
        """Keep what the generator means a document to be; None forgets it."""
        with self.lock:
            if plan is None:
                self._db.execute("DELETE FROM plan WHERE module = ? AND id = ?", (module, document_id))
            else:
                values = (module, document_id, json.dumps(plan))
                self._db.execute("INSERT OR REPLACE INTO plan VALUES (?, ?, ?)", values)

    def plans(self, module: str | None = None) -> list[tuple[str, int, dict[str, Any]]]:
        """Return (module, document id, plan) of all plans, or of those of one module."""
        with self.lock:
            rows = self._db.execute(
                "SELECT module, id, body FROM plan WHERE ?1 IS NULL OR module = ?1 ORDER BY module, id", (module,)
            ).fetchall()
        return [(row[0], row[1], json.loads(row[2])) for row in rows]

    def plan(self, module: str, document_id: int) -> dict[str, Any] | None:
        """Return the plan of a document; None where the generator did not make it."""
        with self.lock:
            row = self._db.execute(
                "SELECT body FROM plan WHERE module = ? AND id = ?", (module, document_id)
            ).fetchone()
        return json.loads(row[0]) if row else None

    def note(self, key: str) -> Any:
        """Return a note, or None."""
        with self.lock:
            row = self._db.execute("SELECT value FROM note WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def put_note(self, key: str, value: Any) -> None:
        """Keep a note: settings, tokens, batches of the generator, counters of numbers."""
        with self.lock:
            self._db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (key, json.dumps(value)))

    def wipe(self) -> None:
        """Forget everything."""
        with self.transaction():
            for table in ("record", "chunk", "plan", "note"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608
            self._cache.clear()
            self._next_ids.clear()

    def _remember(self, record: Record) -> Record:
        key = (record.module, record.id)
        self._cache[key] = record
        self._cache.move_to_end(key)
        if len(self._cache) > CACHED_RECORDS:
            self._cache.popitem(last=False)
        return record


def _record(row: tuple[Any, ...]) -> Record:
    module, record_id, entity, modified, deleted, head, lines = row
    return Record(
        module,
        record_id,
        entity,
        json.loads(head),
        None if lines is None else json.loads(lines),
        modified,
        deleted,
    )
