"""What the actors work with, made once per process and shared by its threads."""

import threading
from dataclasses import dataclass, field

from clients.intacct.gateway import Gateway, Login
from clients.scoro.client import ScoroClient
from clients.scoro.errors import ConnectionBroken
from clients.scoro.files import ScoroFiles
from db.connections import Connection
from db.database import Database
from db.sites import Site
from db.vault import Vault
from workers.scoro_limits import SiteLimits


@dataclass(slots=True)
class Runtime:
    """The far sides and the ledger.

    `slots` is how many requests may be under way at once per Intacct company; `allow_local` lets test sites live on
    loopback and private addresses.
    """

    db: Database
    vault: Vault
    gateway: Gateway
    slots: int = 1
    scoro_app_id: str = ""
    allow_local: bool = False
    public_url: str | None = None
    """Where Scoro and people reach this installation; None: changes are polled for."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the process is to end: runs finish the round in hand."""
    _scoro: dict[tuple[str, ...], ScoroClient] = field(default_factory=dict)
    _files: dict[tuple[int, bool], ScoroFiles] = field(default_factory=dict)
    _limits: dict[int, SiteLimits] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def scoro(self, connection: Connection, *, urgent: bool = False) -> ScoroClient:
        """The client of a connection's Scoro entity; kept, so that its connections are reused.

        `urgent` is for what a person waits for and for payments: a tenth of Scoro's limits is kept for them. Raises
        ConnectionBroken for a site whose address this installation must not call.
        """
        return self.scoro_of(connection.site, connection.scoro_entity, urgent=urgent)

    def scoro_of(self, site: Site, entity: str, *, urgent: bool = False) -> ScoroClient:
        """The client of an entity of a site, as `scoro`."""
        client = self._client(site, entity)
        return client.urgent() if urgent else client

    def _client(self, site: Site, entity: str) -> ScoroClient:
        key = (site.url, site.api_key, site.user_token or "", entity)
        with self._lock:
            if key not in self._scoro:
                limits = self._limits.setdefault(site.id, SiteLimits(self.db, site.id, self.stopping))
                try:
                    self._scoro[key] = ScoroClient(
                        site.url,
                        site.api_key,
                        site.user_token,
                        entity,
                        allow_local=self.allow_local,
                        app_id=self.scoro_app_id,
                        limiter=limits.before,
                        on_limits=limits.after,
                    )
                except ValueError as error:
                    raise ConnectionBroken(f"the site {site.name} cannot be called: {error}") from error
            return self._scoro[key]

    def scoro_files(self, connection: Connection, *, urgent: bool = False) -> ScoroFiles:
        """What finds and reads the files of a connection's Scoro entity; kept, with what it has learned of the site."""
        kept, client = self.scoro(connection), self.scoro(connection, urgent=urgent)
        with self._lock:
            return self._files.setdefault((id(kept), urgent), ScoroFiles(client))

    def close(self) -> None:
        """End the kept-alive connections to both far sides."""
        self.gateway.close()
        with self._lock:
            for client in self._scoro.values():
                client.close()
            self._scoro.clear()
            self._files.clear()


def login_of(connection: Connection) -> Login:
    """How requests of a connection sign in: its entity rides in every one."""
    return Login(connection.company_id, connection.user_id, connection.password, connection.entity or None)
