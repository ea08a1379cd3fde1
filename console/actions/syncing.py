"""Synchronize now: everything that Scoro lists is read again, and what differs is sent.

First Scoro is asked what there is (`look`), which tells the price; then it is captured (`capture`), as a person's own
request, so no schedule holds it up, and what waited for the next run goes along.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from clients.scoro.client import ID_FIELDS
from clients.scoro.errors import ScoroError
from console.actions import prices
from console.actions.documents import NotDoneError
from db import changes, creates, schedules
from db.connections import Connection
from db.database import Database, Ledger
from producers import manual
from schemas.document_types import SYNCED_KINDS
from schemas.kinds import Kind
from schemas.words import count
from workers.runtime import Runtime

log = structlog.get_logger(__name__)

CHUNK = 500
"""Documents that are captured in one transaction."""

NO_DATE = "0000-00-00"
"""Scoro may write an absent date like this."""

Tell = Callable[[int], None]
"""Hears how many documents there are so far."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What Scoro lists of a connection: the ids to read again by kind; `left_out` are older than what is synced."""

    ids: Mapping[Kind, Sequence[int]]
    left_out: int
    since: str

    @property
    def count(self) -> int:
        """How many documents are read again."""
        return sum(len(ids) for ids in self.ids.values())


def look(
    runtime: Runtime, connection: Connection, kinds: Sequence[Kind] = SYNCED_KINDS, tell: Tell = lambda _: None
) -> Listing:
    """Ask Scoro what there is of each kind, a page of 100 at a time.

    What is dated before the start date of its kind is left out, unless the ledger knows it. Raises ScoroError,
    NotDoneError.
    """
    if connection.state == "disconnected":
        raise NotDoneError(f"{connection.name} is disconnected: connect it again first.")
    scoro = runtime.scoro(connection)
    found: dict[Kind, list[int]] = {}
    seen = left_out = 0
    first_days = {
        kind: connection.settings.data.of(kind).starts_on(connection.connected_on).isoformat() for kind in kinds
    }
    for kind, first_day in first_days.items():
        id_field = ID_FIELDS.get(kind.module, "id")
        ids, older = found.setdefault(kind, []), list[int]()
        for page in scoro.pages(kind.module):
            for row in page:
                if str(row.get(id_field, "")).isdecimal():
                    is_older = NO_DATE < str(row.get("date") or "")[:10] < first_day
                    (older if is_older else ids).append(int(row[id_field]))
            seen += len(page)
            tell(seen)
        known = runtime.db.run(
            lambda ledger, kind=kind, older=older: changes.known_ids(ledger, connection.id, kind, older)  # type: ignore[misc]
        )
        ids += known
        left_out += len(older) - len(known)
    return Listing(found, left_out, min(first_days.values(), default=""))


def price(db: Database, connection: Connection, listing: Listing) -> str:
    """What it costs at the most, in a sentence: every document that is read again could have changed."""
    left_out = f" ({listing.left_out:,} older ones are left out)" if listing.left_out else ""
    return (
        f"{connection.name}: Scoro lists {count(listing.count, 'document')} since {listing.since}{left_out}. What"
        f" differs is sent: {prices.price(db, connection, listing.count)}"
    )


def capture(db: Database, connection: Connection, listing: Listing, *, actor: str, tell: Tell = lambda _: None) -> int:
    """Capture what was listed, and let go what waits for the next run; returns how many documents.

    Whoever agreed to the price agreed to the new ones among them, whatever `limits.creates_per_hour` says.
    """
    captured = 0
    for kind, ids in listing.ids.items():
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            db.run(lambda ledger, kind=kind, chunk=chunk: creates.allow_new(ledger, connection.id, kind.module, chunk))  # type: ignore[misc]
            manual.capture(db, connection, kind, ids[start : start + CHUNK], actor)
            captured += len(ids[start : start + CHUNK])
            tell(captured)

    def release(ledger: Ledger) -> None:
        schedules.release(ledger, connection.id)

    db.run(release, actor=actor)
    return captured


def sync_now(runtime: Runtime, connection: Connection, kinds: Sequence[Kind] = SYNCED_KINDS, *, actor: str) -> str:
    """Do both in the background of this process; returns what to say. Raises NotDoneError."""
    if connection.state == "disconnected":
        raise NotDoneError(f"{connection.name} is disconnected: connect it again first.")

    def work() -> None:
        try:
            listing = look(runtime, connection, kinds)
            found = capture(runtime.db, connection, listing, actor=actor)
            log.info("sync.asked", connection=connection.name, documents=found, actor=actor)
        except ScoroError as error:
            log.warning("sync.failed", connection=connection.name, error=str(error))

    threading.Thread(target=work, name=f"sync-{connection.id}", daemon=True).start()
    return f"Everything that Scoro lists for {connection.name} is read again; what differs is sent."
