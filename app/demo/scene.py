"""The scene of the demo: two stand-ins, a ledger, a broker, the product running, and a connection that is live."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from app.demo.books import Books
from app.processes import running
from app.services.broker import broker
from app.services.data_dir import ensure_data_dir
from app.settings import Settings
from app.wiring import Ledger, open_ledger, using
from clients.scoro.client import ScoroClient
from console.actions.connecting import connect
from console.actions.going_live import go_live
from db import connections, sites
from db.connections import Connection
from db.migrate import migrate
from producers.subscriptions import hook_url, subscribe_missing
from sandbox import fixtures
from sandbox.intacct import GATEWAY_PATH
from sandbox.intacct import create_app as intacct_app
from sandbox.scoro import create_app as scoro_app
from sandbox.serve import running as sandbox_running
from schemas.settings import ConnectionSettings, set_key
from workers.broker import QUEUES, delete_queues
from workers.runtime import Runtime

DAYS_BACK = 60
"""The documents of the demo are dated within so many days before the connection was made."""
PREFIX = "demo-"

CHOICES = {
    "limits.creates_per_hour": "1000000",
    "accounts.discount": "4920",
    "accounts.rounding": "4910",
    "dimensions.fields.DEPARTMENT": "c_department",
    "dimensions.fields.CLASS": "c_class",
    "dimensions.invoices.DEPARTMENT": "true",
    "dimensions.invoices.CLASS": "true",
    "dimensions.bills.DEPARTMENT": "true",
    "accounts.ap_credit_sign": "negative",
}
"""What a person would set on the connection."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that runs, with names for people."""

    ledger: Ledger
    broker_label: str
    books: Books
    address: str
    connection: Connection
    scoro: ScoroClient
    first_run: bool


@contextmanager
def scene(settings: Settings, *, serve: bool) -> Iterator[Scene]:
    """Start everything; the stand-ins' books lie in DATA_DIR/demo and outlive the block."""
    folder = ensure_data_dir(settings.data_dir) / "demo"
    folder.mkdir(exist_ok=True, mode=0o711)
    instance = _instance(folder)
    with ExitStack() as stack:
        service = stack.enter_context(broker(settings.amqp_url, state_dir=folder, embedded=True, install=False))
        books = Books(
            stack.enter_context(sandbox_running(scoro_app(folder))),
            stack.enter_context(sandbox_running(intacct_app(folder))),
        )
        settings = settings.model_copy(
            update={
                "data_dir": folder,
                "allow_local_endpoints": True,
                "http_bind": settings.http_bind if serve else "127.0.0.1:0",
                "intacct_gateway_url": books.intacct + GATEWAY_PATH,
                "intacct_sender_id": fixtures.SENDER_ID,
                "intacct_sender_password": SecretStr(fixtures.SENDER_PASSWORD),
                "queue_prefix": settings.queue_prefix or f"{PREFIX}{instance}-",
            }
        )
        if settings.database_url:
            migrate(settings.database_url)
        ledger = stack.enter_context(open_ledger(settings, actor="demo", pool_size=16))
        site_id = _site(ledger, PREFIX + instance, books.scoro)
        if service.url and settings.queue_prefix.startswith(PREFIX):
            stack.callback(delete_queues, service.url, settings.queue_prefix)
        address = stack.enter_context(
            running(settings, ledger, amqp_url=service.url, web=True, queues=QUEUES, scheduler=True)
        )
        settings = settings.model_copy(update={"public_url": address})
        # the demo's Scoro is generous, so that a run shows our pace and not its rate limit
        books.tell(books.scoro, "settings", {"window_limit": 1_000_000, "daily_limit": 100_000_000})
        runtime = stack.enter_context(using(settings, ledger))
        connection, first = _connection(runtime, ledger, PREFIX + instance, site_id)
        client = runtime.scoro(connection)
        _hear_from(ledger, connection, client, str(address))
        yield Scene(ledger, service.label, books, str(address), connection, client, first)


def _instance(folder: Path) -> str:
    """A name for this sandbox: a new one gets a connection of its own, in whatever ledger."""
    path = folder / "instance"
    if not path.exists():
        path.write_text(secrets.token_hex(4), encoding="ascii")
    return path.read_text(encoding="ascii")


def _site(ledger: Ledger, name: str, url: str) -> int:
    """The demo's site, at the address that the stand-in has this time."""
    site = ledger.db.run(lambda session: sites.find(session, ledger.vault, name))
    if site is None:
        return ledger.db.run(
            lambda session: sites.add(
                session,
                ledger.vault,
                name=name,
                url=url,
                api_key=fixtures.SCORO_API_KEY,
                user_token=None,
                request_limit=4000,
                time_zone="Europe/London",
            )
        )
    site_id = site.id
    ledger.db.run(lambda session: sites.change(session, site_id, "url", url))
    return site_id


def _connection(runtime: Runtime, ledger: Ledger, name: str, site_id: int) -> tuple[Connection, bool]:
    """The demo's connection, made and live after the first run; and whether this is the first."""
    every = ledger.db.run(lambda session: connections.every(session, ledger.vault))
    if found := next((c for c in every if c.site.id == site_id and c.state != "disconnected"), None):
        return found, False
    for gone in every:  # connections of demos whose stand-ins are no more
        if gone.name.startswith(PREFIX) and gone.company_id == fixtures.COMPANY_ID and gone.state != "disconnected":
            ledger.db.run(lambda session, gone=gone: connections.disconnect(session, gone.id))  # type: ignore[misc]
    made = connect(
        runtime,
        site_name=name,
        scoro_entity=fixtures.SCORO_ENTITY,
        company_id=fixtures.COMPANY_ID,
        entity=fixtures.ENTITY_ID,
        user_id=fixtures.USER_ID,
        password=fixtures.USER_PASSWORD,
        name=name,
    )
    connection = _loaded(ledger, made.connection_id)
    chosen = ConnectionSettings()
    for key, value in CHOICES.items():
        chosen = set_key(chosen, key, value)
    since = connection.connected_on - timedelta(days=DAYS_BACK + 1)
    for module in ("invoices", "bills", "expenses"):
        chosen = set_key(chosen, f"data.{module}.start_date", since.isoformat())
    ledger.db.run(lambda session: connections.save_settings(session, connection.id, chosen))
    go_live(ledger.db, connection)
    return _loaded(ledger, connection.id), True


def _loaded(ledger: Ledger, connection_id: int) -> Connection:
    connection = ledger.db.run(lambda session: connections.load(session, ledger.vault, connection_id))
    if connection is None:
        raise LookupError(f"connection {connection_id}")
    return connection


def _hear_from(ledger: Ledger, connection: Connection, client: ScoroClient, address: str) -> None:
    """Subscribe this run's address in place of those of earlier runs."""
    url = hook_url(address, connection.site.hook_token)
    for row in client.webhooks():
        if row.get("url") != url and row.get("id"):
            client.unsubscribe(int(row["id"]))
    subscribe_missing(ledger.db, connection.site.id, client, url)
