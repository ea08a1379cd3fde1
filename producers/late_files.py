"""Files that were attached to documents after those were read: Scoro tells of them neither by webhooks nor by dates.

A look lists all files with their relations, notes those that documents in Intacct lack, and has these documents read
again.
"""

from collections.abc import Iterator, Sequence

from clients.scoro.client import ScoroClient
from clients.scoro.files import ScoroFiles
from db import attachments, changes
from db.connections import Connection
from db.database import Database, Ledger
from schemas.kinds import Kind, RecordRef
from schemas.scoro import File


class LateFiles:
    """Finds them; what it has learned of a site's files is kept for the next look."""

    def __init__(self) -> None:
        self._files: dict[ScoroClient, ScoroFiles] = {}

    def look(self, db: Database, connection: Connection, scoro: ScoroClient) -> tuple[int, int]:
        """Capture the documents that lack a file; returns how many, and the calls that it took. Raises ScoroError."""
        settings = connection.settings.data.files
        if not settings.enabled or settings.updates == "on_demand":
            return 0, 0
        files = self._files.setdefault(scoro, ScoroFiles(scoro))
        pairs = list(_pairs(files.every() or ()))
        found = db.run(lambda ledger: _capture(ledger, connection, pairs), actor="poll") if pairs else 0
        return found, files.calls_of_last_reading


def _pairs(files: Sequence[File]) -> Iterator[attachments.Pair]:
    for file in files:
        if not file.left_out:
            for kind in (Kind.INVOICE, Kind.BILL, Kind.EXPENSE):
                for scoro_id in file.relations.get(kind.module, ()):
                    yield attachments.Pair(kind.module, scoro_id, file.file_id)


def _capture(ledger: Ledger, connection: Connection, pairs: list[attachments.Pair]) -> int:
    lacking = attachments.lacking(ledger, connection.id, pairs)
    records = changes.ensure_records(
        ledger, connection.id, {RecordRef(Kind.ATTACHMENT, each.owner_id) for each in lacking}
    )
    files = changes.ensure_documents(ledger, connection.id, Kind.FILE, {each.file_id for each in lacking})
    attachments.note(
        ledger, {(records[RecordRef(Kind.ATTACHMENT, each.owner_id)], files[each.file_id]) for each in lacking}
    )
    owners = {(each.kind, each.scoro_id) for each in lacking}
    for kind in sorted({kind for kind, _ in owners}):
        changes.capture(
            ledger,
            connection.id,
            kind,
            [scoro_id for other, scoro_id in owners if other is kind],
            origin="poll",
            actor="poll",
            settle_ms=connection.settings.delivery.settle_ms,
        )
    return len(owners)
