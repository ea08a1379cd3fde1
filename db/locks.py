"""Advisory locks: who is alive. A row in progress whose lock nobody holds belongs to a dead process.

All but `THINKING` are session locks on a direct session: they fall with the session, by whatever death. Keys are
(class, id).
"""

from collections.abc import Sequence

from db.database import Ledger

COMPANY_SLOT = 1
"""(class, company × SLOTS_APART + slot): one simultaneous request of an Intacct company."""
SLOTS_APART = 1000
DOCUMENT = 2
"""(class, document): one reader of a document."""
REQUEST = 3
"""(class, request): the process that carries it to Intacct."""
SUBSCRIPTIONS = 4
"""(class, site): who looks after the webhooks of a site."""
PULL = 51
"""(class, connection): who looks at what is new in Intacct."""
THINKING = 53
"""(class, connection): who makes intents of what was pulled, for one transaction."""
SCORO_WRITE = 52
"""(class, document): the one writer of a document into Scoro."""

POLL = 5
"""(class, poll): who lists a module of a connection."""

HELD = """EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.database = (
    SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.classid = {lock_class} AND l.objid = ({key} & 2147483647)::int::oid AND l.objsubid = 2 AND l.granted)"""
"""SQL: somebody holds the lock (class, key)."""


def held(lock_class: int, key: str) -> str:
    """The SQL condition that somebody holds the lock of `lock_class` on the SQL expression `key`."""
    return HELD.format(lock_class=lock_class, key=key)


HELD_REQUEST = held(REQUEST, "r.id")
"""SQL: somebody carries request `r`."""


def try_lock(session: Ledger, lock_class: int, key: int) -> bool:
    """Take the lock if it is free."""
    row = session.execute("SELECT pg_try_advisory_lock(%s, %s) AS got", [lock_class, key & 0x7FFFFFFF]).fetchone()
    return bool(row and row["got"])


def take_slot(session: Ledger, company: int, slots: int) -> int | None:
    """Take one of the simultaneous requests of an Intacct company; the key to unlock, or None when all are taken."""
    keys = range(company * SLOTS_APART, company * SLOTS_APART + slots)
    return next((key for key in keys if try_lock(session, COMPANY_SLOT, key)), None)


def wait_in_transaction(ledger: Ledger, lock_class: int, key: int) -> None:
    """Wait for the lock, and hold it to the end of the transaction."""
    ledger.execute("SELECT pg_advisory_xact_lock(%s, %s)", [lock_class, key & 0x7FFFFFFF])


def unlock(session: Ledger, lock_class: int, keys: Sequence[int]) -> None:
    """Release locks that this session holds."""
    session.execute(
        "SELECT pg_advisory_unlock(%s, k) FROM unnest(%s::int[]) AS k",
        [lock_class, [key & 0x7FFFFFFF for key in keys]],
    )
