"""Keeps the webhooks of every connection subscribed: a receiver that was not up yet, or a subscription that went."""

import threading
from collections.abc import Callable

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from clients.scoro.client import ScoroClient
from clients.scoro.errors import ScoroError
from db.connections import Connection
from producers.subscriptions import hook_url, subscribe_missing

log = structlog.get_logger(__name__)

HEALTHY_S = 600.0
"""How often healthy subscriptions are looked at."""
AGAIN_S = 10.0
"""How soon a failed one is tried again."""


class Healer(threading.Thread):
    """Looks at the subscriptions of all connections until it is stopped.

    `connections()` lists them, `client_of(connection)` calls Scoro for one.
    """

    def __init__(
        self,
        public_url: str,
        connections: Callable[[], list[Connection]],
        client_of: Callable[[Connection], ScoroClient],
    ) -> None:
        super().__init__(name="healer", daemon=True)
        self._public_url = public_url
        self._connections = connections
        self._client_of = client_of
        self._stop_requested = threading.Event()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop after the look in hand."""
        self._stop_requested.set()
        self.join(timeout_s)

    def run(self) -> None:
        """Heal until stopped."""
        while not self._stop_requested.is_set():
            self._stop_requested.wait(HEALTHY_S if self.heal() else AGAIN_S)

    def heal(self) -> bool:
        """Subscribe what is missing; whether every connection is well."""
        well = True
        try:
            connected = [c for c in self._connections() if c.state != "disconnected"]
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("heal.ledger_away", error=str(error).strip())
            return False
        for connection in connected:
            try:
                subscribe_missing(self._client_of(connection), hook_url(self._public_url, connection.site.hook_token))
            except ScoroError as error:
                log.warning("heal.not_subscribed", connection=connection.name, error=str(error))
                well = False
        return well
