"""What people ask for: one document at once, or everything of a kind that Scoro lists."""

from collections.abc import Iterator

from clients.scoro.client import ScoroClient
from db import changes
from db.connections import Connection
from db.database import Database
from schemas.kinds import Kind


def send(db: Database, connection: Connection, kind: Kind, scoro_id: int, actor: str) -> None:
    """Capture one document as a person's own request: due at once, ahead of everything else."""
    db.run(
        lambda ledger: changes.capture(
            ledger,
            connection.id,
            kind,
            [scoro_id],
            origin="manual",
            actor=actor,
            interactive=True,
            settle_ms=connection.settings.delivery.settle_ms,
        ),
        actor=actor,
    )


def sync(db: Database, connection: Connection, scoro: ScoroClient, kind: Kind, actor: str) -> Iterator[int]:
    """Capture every document of a kind that Scoro lists, a page at a time; yields how many each page held."""
    for page in scoro.pages(kind.module):
        ids = [int(row["id"]) for row in page if row.get("id")]
        db.run(
            lambda ledger, ids=ids: changes.capture(  # type: ignore[misc]
                ledger,
                connection.id,
                kind,
                ids,
                origin="manual",
                actor=actor,
                settle_ms=connection.settings.delivery.settle_ms,
            ),
            actor=actor,
        )
        yield len(ids)
