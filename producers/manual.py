"""What people ask for: one document at once, or many, or everything of a kind that Scoro lists."""

from collections.abc import Iterator, Sequence

from clients.scoro.client import ID_FIELDS, ScoroClient
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


def capture(db: Database, connection: Connection, kind: Kind, scoro_ids: Sequence[int], actor: str) -> None:
    """Capture documents because a person wants them read again; they do not go ahead of others."""
    db.run(
        lambda ledger: changes.capture(
            ledger,
            connection.id,
            kind,
            scoro_ids,
            origin="manual",
            actor=actor,
            settle_ms=connection.settings.delivery.settle_ms,
        ),
        actor=actor,
    )


def sync(db: Database, connection: Connection, scoro: ScoroClient, kind: Kind, actor: str) -> Iterator[int]:
    """Capture every document of a kind that Scoro lists, a page at a time; yields how many each page held."""
    id_field = ID_FIELDS.get(kind.module, "id")
    for page in scoro.pages(kind.module):
        ids = [int(row[id_field]) for row in page if row.get(id_field)]
        capture(db, connection, kind, ids, actor)
        yield len(ids)
