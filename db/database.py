"""Connections to the ledger.

Two ways in: the pool for short transactions, and *direct* sessions (`DATABASE_DIRECT_URL`) that hold advisory locks and
LISTEN, which a transaction pooler cannot carry.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar

import psycopg
from psycopg import Connection
from psycopg.errors import (
    DeadlockDetected,
    IdleInTransactionSessionTimeout,
    SerializationFailure,
    UniqueViolation,
)
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

T = TypeVar("T")
Ledger = Connection[DictRow]
"""A connection whose rows are dicts by column name; every query function takes one, inside a transaction."""

KEEPALIVE: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""A dead network shows on a session within half a minute, so that its locks fall."""

IDLE_IN_TRANSACTION_S = 60
"""A process that stands still inside a transaction holds rows that others want: its session is ended."""

TRIES = 3

RACES = frozenset({"one_waiting_change_per_document", "document_connection_id_module_scoro_id_key"})
"""Constraints that a transaction may hit because another one committed first: run again, it sees what that one made."""

LEDGER_LOST = (psycopg.OperationalError, PoolTimeout, IdleInTransactionSessionTimeout)
"""What is raised when the ledger cannot be reached, or ended our session: nothing was committed."""

POOL_TIMEOUT_S = 5.0
"""How long a thread waits for a connection before the ledger counts as down."""


_acting: ContextVar[str | None] = ContextVar("acting", default=None)


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Whatever this thread commits within the block stands in the journal under that name."""
    before = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(before)


class Database:
    """The ledger's connections, shared by the threads of one process.

    `actor` stands in the journal for whatever this process does by itself.
    """

    def __init__(self, url: str, direct_url: str | None = None, *, actor: str, pool_size: int = 8) -> None:
        self.url = url
        self.direct_url = direct_url or url
        kwargs: dict[str, Any] = {
            "row_factory": dict_row,
            "connect_timeout": 5,
            "application_name": f"scoro-intacct {actor} {os.getpid()}"[:63],
            **KEEPALIVE,
        }
        options = {
            "options": f"-c scoro_intacct.actor={actor} -c timezone=UTC"
            # our statements are short: compiling one takes longer than running it
            f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_S}s -c jit=off"
        }
        self._direct_kwargs: dict[str, Any] = {**kwargs, **options, "autocommit": True}
        # a transaction pooler takes no start-up options and loses prepared statements
        pooled = self.direct_url != url
        self._actor_by_hand = actor if pooled else None
        kwargs |= {"prepare_threshold": None} if pooled else options
        self._pool: ConnectionPool[Ledger] = ConnectionPool(
            url,
            kwargs=kwargs,
            min_size=1,
            max_size=pool_size,
            timeout=POOL_TIMEOUT_S,
            open=False,
            check=ConnectionPool.check_connection,
        )
        self._direct: ConnectionPool[Ledger] = ConnectionPool(
            self.direct_url,
            kwargs=self._direct_kwargs,
            min_size=0,
            max_size=pool_size * 2,
            timeout=POOL_TIMEOUT_S,
            open=False,
            check=ConnectionPool.check_connection,
        )
        self._pool.open()
        self._direct.open()

    def close(self) -> None:
        """Close every connection; running statements end."""
        self._pool.close()
        self._direct.close()

    def run(self, work: Callable[[Ledger], T], *, actor: str | None = None) -> T:
        """Run `work` in one transaction, again from the start when Postgres breaks a deadlock or a race was lost."""
        for attempt in range(1, TRIES + 1):
            try:
                with self._pool.connection() as ledger, ledger.transaction():
                    if said := actor or _acting.get() or self._actor_by_hand:
                        ledger.execute("SELECT set_config('scoro_intacct.actor', %s, true)", [said])
                    return work(ledger)
            except (DeadlockDetected, SerializationFailure):
                if attempt == TRIES:
                    raise
            except UniqueViolation as error:
                if attempt == TRIES or error.diag.constraint_name not in RACES:
                    raise
        raise AssertionError("unreachable")

    @contextmanager
    def session(self) -> Iterator[Ledger]:
        """A direct session in autocommit: its advisory locks live until they are released or the block ends.

        They are free when the block has ended: the pool's own reset comes a moment later, in another thread, in which a
        change of the same document would be passed over.
        """
        with self._direct.connection() as session:
            try:
                yield session
            finally:
                with suppress(psycopg.Error):  # those of a session that is gone fell with it
                    session.execute("SELECT pg_advisory_unlock_all()")

    def listener(self) -> Ledger:
        """A direct connection of the caller's own, for LISTEN; the caller closes it."""
        return psycopg.connect(self.direct_url, **self._direct_kwargs)


def planned_anew(ledger: Ledger, sql: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> list[DictRow]:
    """The rows of a statement whose filters may be None: planned for these values every time.

    A prepared plan that fits all values would use none of the indexes that one of them calls for.
    """
    return ledger.execute(sql.encode(), values, prepare=False).fetchall()


def one(ledger: Ledger, sql: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> DictRow:
    """The single row that a statement must return."""
    row: DictRow | None = ledger.execute(sql.encode(), values).fetchone()
    if row is None:
        raise LookupError(f"no row from: {sql.split(maxsplit=8)[:8]}")
    return row
