"""Files that were attached to documents after those were read: Scoro tells of them neither by webhooks nor by dates.

A look lists all files with their relations, and has every document read again that stands in Intacct and lacks one.
"""

from collections.abc import Iterator

from clients.scoro.client import ScoroClient
from clients.scoro.files import ScoroFiles
from db import attachments, changes
from db.connections import Connection
from db.database import Database, Ledger
from schemas.kinds import Kind
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
        every = files.every()
        pairs = list(_pairs(every))
        found = db.run(lambda ledger: _capture(ledger, connection, pairs), actor="poll") if pairs else 0
        return found, files.calls_of_last_reading


def _pairs(files: tuple[File, ...]) -> Iterator[attachments.Pair]:
    for file in files:
        if not file.left_out:
            for kind in (Kind.INVOICE, Kind.BILL, Kind.EXPENSE):
                for scoro_id in file.relations.get(kind.module, ()):
                    yield attachments.Pair(kind.module, scoro_id, file.file_id)


def _capture(ledger: Ledger, connection: Connection, pairs: list[attachments.Pair]) -> int:
    lacking = attachments.lacking(ledger, connection.id, pairs)
    for kind in sorted({kind for kind, _ in lacking}):
        changes.capture(
            ledger,
            connection.id,
            kind,
            [scoro_id for other, scoro_id in lacking if other is kind],
            origin="poll",
            actor="poll",
            settle_ms=connection.settings.delivery.settle_ms,
        )
    return len(lacking)
