"""Reading everything of a connection again, in the background of the process that was asked."""

import threading
from collections.abc import Sequence

import structlog

from clients.scoro.errors import ScoroError
from console.actions.documents import NotDoneError
from db.connections import Connection
from producers import manual
from schemas.document_types import SYNCED_KINDS
from schemas.kinds import Kind
from workers.runtime import Runtime

log = structlog.get_logger(__name__)


def sync_now(runtime: Runtime, connection: Connection, kinds: Sequence[Kind] = SYNCED_KINDS, *, actor: str) -> str:
    """Begin to read every document that Scoro lists; what differs is sent. Returns what to say; raises NotDoneError."""
    if connection.state == "disconnected":
        raise NotDoneError(f"{connection.name} is disconnected: connect it again first.")
    scoro = runtime.scoro(connection)

    def capture() -> None:
        try:
            found = sum(size for kind in kinds for size in manual.sync(runtime.db, connection, scoro, kind, actor))
            log.info("sync.asked", connection=connection.name, documents=found, actor=actor)
        except ScoroError as error:
            log.warning("sync.failed", connection=connection.name, error=str(error))

    threading.Thread(target=capture, name=f"sync-{connection.id}", daemon=True).start()
    return f"Everything that Scoro lists for {connection.name} is read again; what differs is sent."
