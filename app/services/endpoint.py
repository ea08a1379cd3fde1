"""How to connect to a running embedded PostgreSQL, as its keeper tells the processes that use it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from app.services.cluster import DATABASE, ROLE, Cluster


@dataclass(frozen=True)
class Endpoint:
    """The way to a server that is ready."""

    host: str
    port: int
    version: str

    def url(self, password: str, database: str = DATABASE) -> str:
        """Spell the address; `host` is a folder where the server listens on a socket."""
        return f"postgresql://{ROLE}:{password}@/{database}?host={quote(self.host, safe='')}&port={self.port}"


def _file(cluster: Cluster) -> Path:
    return cluster.home / "endpoint.json"


def publish(cluster: Cluster, endpoint: Endpoint) -> None:
    """Tell everybody who waits that the server is ready."""
    new = cluster.home / "endpoint.new"
    new.write_text(json.dumps(asdict(endpoint)), encoding="utf-8")
    new.replace(_file(cluster))


def withdraw(cluster: Cluster) -> None:
    """Take the announcement back, before the server stops or after it was found dead."""
    _file(cluster).unlink(missing_ok=True)


def read(cluster: Cluster) -> Endpoint | None:
    """Return the endpoint if a server is ready; it is believed only while the keeper's lock is held."""
    try:
        return Endpoint(**json.loads(_file(cluster).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
