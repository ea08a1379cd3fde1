"""Keeps the webhooks of every connection subscribed: a receiver that was not up yet, or a subscription that went."""

from collections.abc import Callable, Sequence

import structlog

from clients.scoro.client import ScoroClient
from clients.scoro.errors import ScoroError, Throttled
from db.connections import Connection, looked_at_webhooks
from db.database import Database
from producers.loop import Loop
from producers.subscriptions import bookmarks_of, hook_url, subscribe_missing

log = structlog.get_logger(__name__)

HEALTHY_S = 600.0
"""How often healthy subscriptions are looked at."""
AGAIN_S = 10.0
"""How soon a failed one is tried again."""


class Healer(Loop):
    """Looks at the subscriptions of all connections until it is stopped.

    `connections()` lists them, `client_of(connection)` calls Scoro for one.
    """

    def __init__(
        self,
        db: Database,
        public_url: str,
        connections: Callable[[], list[Connection]],
        client_of: Callable[[Connection], ScoroClient],
    ) -> None:
        super().__init__("healer")
        self._db = db
        self._public_url = public_url
        self._connections = connections
        self._client_of = client_of

    def turn(self) -> float:
        """Heal once; sooner again where something failed."""
        return HEALTHY_S if self.heal() else AGAIN_S

    def heal(self) -> bool:
        """Subscribe what is missing; whether every connection is well."""
        well = True
        live = [connection for connection in self._connections() if connection.state != "disconnected"]
        for connection in live:
            problem = ""
            try:
                url = hook_url(self._public_url, connection.site.hook_token)
                bookmarks = shared_bookmarks([c for c in live if c.site.id == connection.site.id])
                subscribe_missing(self._db, connection.site.id, self._client_of(connection), url, bookmarks)
            except ScoroError as error:
                log.warning("heal.not_subscribed", connection=connection.name, error=str(error))
                problem, well = str(error), well and isinstance(error, Throttled)  # it is not tried again so soon
            self._keep(connection, problem)
        return well

    def _keep(self, connection: Connection, problem: str) -> None:
        self._db.run(lambda ledger: looked_at_webhooks(ledger, connection.id, problem))


def shared_bookmarks(connections: Sequence[Connection]) -> dict[str, str]:
    """The bookmarks that webhooks of a site are narrowed to: those in which all its connections agree.

    They share one address, and which entity a subscription belongs to is not told.
    """
    first, *others = [set(bookmarks_of(connection.settings).items()) for connection in connections]
    return dict(first.intersection(*others))
