"""The pull of a connection: look at Intacct if it is time to, think about what was seen, write to Scoro."""

from db import connections, locks
from workers.inbound.write import write
from workers.pull.derive import derive
from workers.pull.look import look
from workers.reference import References
from workers.runtime import Runtime


def pull(runtime: Runtime, references: References, connection_id: int) -> None:
    """Do what is due; any number of processes may, one of them at a time looks and thinks."""
    with runtime.db.session() as session:
        connection = connections.load(session, runtime.vault, connection_id)
        if connection is None or connection.state != "active":
            return
        if locks.try_lock(session, locks.PULL, connection_id):
            look(runtime, session, connection)
            fresh = connections.load(session, runtime.vault, connection_id) or connection  # a look learns vendors
            derive(runtime.db, fresh, references)
            locks.unlock(session, locks.PULL, [connection_id])
    write(runtime, connection_id)
