"""The company's records in SQLite: one row per record, its fields as JSON.

A record is a dict of field name -> string as the gateway shows it (lines hold `TAXENTRIES` as a list too). Columns
beside the JSON exist to find rows; `query.py` decides which rows match. Writes happen inside `transaction`,
one at a time; a `savepoint` within it undoes one function.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.intacct.objects import OBJECTS
from sandbox.intacct.settings import Settings

Record = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    object      TEXT NOT NULL,
    recordno    INTEGER NOT NULL,
    natural_key TEXT,
    parent      INTEGER,
    body        TEXT NOT NULL,
    PRIMARY KEY (object, recordno)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_by_key ON record (object, natural_key);
CREATE INDEX IF NOT EXISTS record_by_parent ON record (object, parent);
CREATE TABLE IF NOT EXISTS executed (scope TEXT, controlid TEXT, PRIMARY KEY (scope, controlid)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, user TEXT, company TEXT, entity TEXT, expires REAL);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS setting (body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS request_log (
    n         INTEGER PRIMARY KEY AUTOINCREMENT,
    length    INTEGER NOT NULL,
    xml       TEXT NOT NULL,
    functions TEXT NOT NULL,
    status    TEXT NOT NULL
);
"""

# the indexes are named because the planner would rather walk the whole object
_BY_RECORDNO = """
SELECT body FROM record
WHERE object = ? AND recordno IN (SELECT value FROM json_each(?)) ORDER BY recordno
"""
_BY_KEY = """
SELECT body FROM record INDEXED BY record_by_key
WHERE object = ? AND natural_key IN (SELECT value FROM json_each(?)) ORDER BY recordno
"""
_BY_PARENT = """
SELECT body FROM record INDEXED BY record_by_parent
WHERE object = ? AND parent IN (SELECT value FROM json_each(?)) ORDER BY recordno
"""

_TABLES = ("record", "executed", "session", "counter", "setting", "request_log")


class Store:
    """All state of the stand-in that outlives a request."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            path or ":memory:", check_same_thread=False, isolation_level=None, cached_statements=256
        )
        self._connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        self._connection.executescript(_SCHEMA)
        self._lock = threading.RLock()
        self._by_key: dict[str, dict[str, Record | None]] = {}

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run one request, or one control call, alone; commits unless an exception leaves it."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                self._by_key.clear()
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what happens inside if an exception leaves it."""
        self._connection.execute("SAVEPOINT step")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO step")
            self._by_key.clear()
            raise
        finally:
            self._connection.execute("RELEASE step")

    def clear(self) -> None:
        """Forget everything."""
        for table in _TABLES:
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 (names of our own)
        self._by_key.clear()

    # -- records

    def next_recordno(self) -> int:
        """Return the next RECORDNO of the company."""
        return self.count("_recordno")

    def next_recordnos(self, number: int) -> range:
        """Return that many RECORDNOs at once."""
        last = self.count("_recordno", number)
        return range(last - number + 1, last + 1)

    def insert(self, object_name: str, *records: Record) -> None:
        """Add records that carry their RECORDNO."""
        rows = []
        for record in records:
            natural_key, parent = _columns(object_name, record)
            rows.append((object_name, int(record["RECORDNO"]), natural_key, parent, _dump(record)))
            self._by_key.get(object_name, {}).pop(natural_key or "", None)
        self._connection.executemany(
            "INSERT INTO record (object, recordno, natural_key, parent, body) VALUES (?, ?, ?, ?, ?)", rows
        )

    def replace(self, object_name: str, record: Record) -> None:
        """Store a changed record."""
        natural_key, parent = _columns(object_name, record)
        self._connection.execute(
            "UPDATE record SET natural_key = ?, parent = ?, body = ? WHERE object = ? AND recordno = ?",
            (natural_key, parent, _dump(record), object_name, int(record["RECORDNO"])),
        )
        self._by_key.pop(object_name, None)

    def remove(self, object_name: str, recordno: int) -> None:
        """Delete a record."""
        self._connection.execute("DELETE FROM record WHERE object = ? AND recordno = ?", (object_name, recordno))
        self._by_key.pop(object_name, None)

    def remove_children(self, object_name: str, parent: int) -> None:
        """Delete all lines of a header."""
        self._connection.execute("DELETE FROM record WHERE object = ? AND parent = ?", (object_name, parent))

    def get(self, object_name: str, recordno: str | int | None) -> Record | None:
        """Read a record by RECORDNO; None for one that is not there, or for a key that is no number."""
        if recordno is None or not str(recordno).isdigit():
            return None
        return next(iter(self.numbered(object_name, [int(recordno)])), None)

    def find(self, object_name: str, natural_key: str) -> Record | None:
        """Read the oldest record with this id (CUSTOMERID, ACCOUNTNO, RECORDID…); not to be changed in place."""
        known = self._by_key.setdefault(object_name, {})
        if natural_key not in known:
            known[natural_key] = next(iter(self.find_all(object_name, [natural_key])), None)
        return known[natural_key]

    def find_all(self, object_name: str, natural_keys: Iterable[str]) -> list[Record]:
        """Read all records with one of these ids, by RECORDNO."""
        return self._select(_BY_KEY, object_name, json.dumps(list(natural_keys)))

    def numbered(self, object_name: str, recordnos: Iterable[int]) -> list[Record]:
        """Read all records with one of these RECORDNOs."""
        return self._select(_BY_RECORDNO, object_name, json.dumps(list(recordnos)))

    def children(self, object_name: str, parents: Iterable[int]) -> list[Record]:
        """Read the lines of these headers, by RECORDNO."""
        return self._select(_BY_PARENT, object_name, json.dumps(list(parents)))

    def all(self, object_name: str) -> list[Record]:
        """Read every record of an object, by RECORDNO."""
        return self._select("SELECT body FROM record WHERE object = ? ORDER BY recordno", object_name)

    def _select(self, statement: str, *values: object) -> list[Record]:
        with self._lock:
            rows = self._connection.execute(statement, values).fetchall()
        return [json.loads(body) for (body,) in rows]

    # -- counters, settings, log

    def count(self, name: str, by: int = 1) -> int:
        """Add to a counter and return it."""
        row = self._connection.execute(
            "INSERT INTO counter (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value RETURNING value",
            (name, by),
        ).fetchone()
        return int(row[0])

    def raise_to(self, name: str, value: int) -> None:
        """Keep the highest value ever seen."""
        self._connection.execute(
            "INSERT INTO counter (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
            (name, value),
        )

    def counters(self) -> dict[str, int]:
        """Read all counters."""
        with self._lock:
            return dict(self._connection.execute("SELECT name, value FROM counter").fetchall())

    def load_settings(self) -> str | None:
        """Read the stored settings as JSON."""
        row = self._connection.execute("SELECT body FROM setting").fetchone()
        return None if row is None else str(row[0])

    def save_settings(self, body: str) -> None:
        """Store the settings as JSON."""
        self._connection.execute("DELETE FROM setting")
        self._connection.execute("INSERT INTO setting (body) VALUES (?)", (body,))

    def log_request(self, xml: str, functions: list[str], status: str, settings: Settings) -> int:
        """Keep a request word for word and return its number; the oldest go where the settings bound the log."""
        cursor = self._connection.execute(
            "INSERT INTO request_log (length, xml, functions, status) VALUES (?, ?, ?, ?)",
            (len(xml), xml, json.dumps(functions), status),
        )
        number = int(cursor.lastrowid or 0)
        self._connection.execute("DELETE FROM request_log WHERE n <= ?", (number - settings.request_log_size,))
        self._connection.execute(
            "DELETE FROM request_log WHERE n <= (SELECT max(n) FROM ("
            "SELECT n, sum(length) OVER (ORDER BY n DESC) AS kept FROM request_log) WHERE kept > ?)",
            (settings.request_log_megabytes * 1_000_000,),
        )
        return number

    def set_request_status(self, number: int, status: str) -> None:
        """Note how a kept request ended."""
        self._connection.execute("UPDATE request_log SET status = ? WHERE n = ?", (status, number))

    def requests(self, since: int) -> list[dict[str, object]]:
        """Read the kept requests with a number above `since`."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT n, xml, functions, status FROM request_log WHERE n > ? ORDER BY n", (since,)
            ).fetchall()
        return [
            {"n": n, "xml": xml, "functions": json.loads(functions), "status": status}
            for n, xml, functions, status in rows
        ]

    # -- replay and sessions

    def was_executed(self, scope: str, controlid: str) -> bool:
        """Whether a function with this controlid is done."""
        row = self._connection.execute(
            "SELECT 1 FROM executed WHERE scope = ? AND controlid = ?", (scope, controlid)
        ).fetchone()
        return row is not None

    def mark_executed(self, scope: str, controlid: str) -> None:
        """Remember a controlid as used up."""
        self._connection.execute("INSERT OR IGNORE INTO executed VALUES (?, ?)", (scope, controlid))

    def save_session(self, session_id: str, user: str, company: str, entity: str, expires: float) -> None:
        """Store a session, or move its end (`expires`: seconds since the epoch)."""
        self._connection.execute(
            "INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?)",
            (session_id, user, company, entity, expires),
        )

    def session(self, session_id: str) -> tuple[str, str, str, float] | None:
        """Read user, company, entity and end of a session."""
        row: tuple[str, str, str, float] | None = self._connection.execute(
            "SELECT user, company, entity, expires FROM session WHERE id = ?", (session_id,)
        ).fetchone()
        return row


def _columns(object_name: str, record: Record) -> tuple[str | None, int | None]:
    spec = OBJECTS[object_name]
    parent = record.get(spec.parent) or None
    return record.get(spec.key) or None, int(parent) if parent is not None else None


def _dump(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))
