"""Keeps the webhooks of every connection subscribed: a receiver that was not up yet, or a subscription that went."""

from collections.abc import Callable

import structlog

from clients.scoro.client import ScoroClient
from clients.scoro.errors import ScoroError
from db.connections import Connection
from db.database import Database
from producers.loop import Loop
from producers.subscriptions import hook_url, subscribe_missing

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
        for connection in self._connections():
            if connection.state == "disconnected":
                continue
            try:
                url = hook_url(self._public_url, connection.site.hook_token)
                subscribe_missing(self._db, connection.site.id, self._client_of(connection), url)
            except ScoroError as error:
                log.warning("heal.not_subscribed", connection=connection.name, error=str(error))
                well = False
        return well
