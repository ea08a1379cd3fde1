"""Bring a database to this version's schema: plain SQL files, in order, each in a transaction of its own.

Safe when many run it at once: an advisory lock lets one through, the others find nothing left to do. A file that
changed after it was applied is refused: migrations are append-only.
"""

import hashlib
from importlib.resources import files

import psycopg

LOCK = 7_201_446_118_302_553
"""The advisory lock that migrations hold; any number that nothing else uses."""

NO_TRANSACTION = "-- no transaction"
"""First line of a file that must run outside a transaction (CREATE INDEX CONCURRENTLY)."""

OLDEST_SERVER = 150000


class MigrationError(Exception):
    """The schema cannot be brought up; the message says what to do."""


def scripts() -> list[tuple[str, str]]:
    """Name and text of every migration, in order."""
    found = [f for f in (files("db") / "migrations").iterdir() if f.name.endswith(".sql")]
    return sorted((f.name, f.read_text(encoding="utf-8")) for f in found)


def migrate(url: str) -> list[str]:
    """Apply what is missing to the database at `url` and return the names applied."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as db:
        if db.info.server_version < OLDEST_SERVER:
            raise MigrationError(f"PostgreSQL {db.info.server_version // 10000} is too old: 15 or newer is needed.")
        db.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            return _apply_missing(db)
        finally:
            db.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _apply_missing(db: psycopg.Connection) -> list[str]:
    db.execute(
        "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, checksum text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now())"
    )
    known: dict[str, str] = dict(db.execute("SELECT name, checksum FROM migration").fetchall())
    applied = []
    all_scripts = scripts()
    if ahead := sorted(set(known) - {name for name, _ in all_scripts}):
        raise MigrationError(f"The database is ahead of this version ({ahead[-1]}): run a newer scoro-intacct.")
    for name, text in all_scripts:
        checksum = hashlib.sha256(text.encode()).hexdigest()
        if known.get(name, checksum) != checksum:
            raise MigrationError(f"{name} changed after it was applied; restore the released file.")
        if name not in known:
            _apply(db, name, text, checksum)
            applied.append(name)
    return applied


def _apply(db: psycopg.Connection, name: str, text: str, checksum: str) -> None:
    record = "INSERT INTO migration (name, checksum) VALUES (%s, %s)"
    if text.startswith(NO_TRANSACTION):
        db.execute(text.encode())
        db.execute(record, [name, checksum])
        return
    with db.transaction():
        db.execute(text.encode())
        db.execute(record, [name, checksum])


def is_current(url: str) -> bool:
    """Whether the database at `url` holds every migration of this version."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as db:
        row = db.execute("SELECT to_regclass('migration') IS NOT NULL").fetchone()
        if not row or not row[0]:
            return False
        known = {name for (name,) in db.execute("SELECT name FROM migration").fetchall()}
        return {name for name, _ in scripts()} <= known
