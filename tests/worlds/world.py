"""One connection between the stand-ins, and the product run in this process as its parts are wanted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.processes import running
from app.settings import Settings
from app.wiring import Ledger, using
from console.actions.connecting import connect
from db import connections, outbox, pulls, sites
from db.connections import Connection
from producers import manual
from producers.subscriptions import hook_url, subscribe_missing
from sandbox import fixtures
from schemas.kinds import Kind
from schemas.settings import ConnectionSettings, set_key
from tests.worlds.stand_ins import Intacct, Scoro, StandIns
from tests.worlds.waiting import until

QUEUES = ("changes", "delivery", "pull", "dead-letters")
SITE = "Sandbox"
SECRET_KEY = "c2Nvcm8taW50YWNjdC10ZXN0LWtleS0zMi1ieXRlczE="

SETTINGS = {
    "data.invoices.start_date": "2020-01-01",
    "dimensions.fields.DEPARTMENT": "c_department",
    "dimensions.fields.CLASS": "c_class",
    "dimensions.invoices.DEPARTMENT": "true",
    "dimensions.invoices.CLASS": "true",
    "accounts.rounding": "4910",
    "accounts.discount": "4920",
    "delivery.settle_ms": "200",
    "delivery.linger_ms": "500",
    "delivery.uncertain_wait_s": "1",
    "limits.creates_per_hour": "100000",
}
"""What a person has set for the sandbox, with short waits."""

UNDER_WAY = """SELECT
    (SELECT count(*) FROM change WHERE state IN ('waiting', 'reading')) AS changes,
    (SELECT count(*) FROM operation WHERE state IN ('ready', 'sending', 'uncertain')) AS operations,
    (SELECT count(*) FROM request WHERE state IN ('charged', 'leaving')) AS requests,
    (SELECT count(*) FROM pull WHERE asked_at IS NOT NULL) AS pulls,
    (SELECT count(*) FROM pulled WHERE state = 'new') AS pulled,
    (SELECT count(*) FROM scoro_write WHERE state IN ('ready', 'sending', 'uncertain')) AS writes,
    (SELECT count(*) FROM dead_letter WHERE handled_at IS NULL) AS dead_letters,
    (SELECT count(*) FROM outbox) AS bells"""


def settings_for(both: StandIns, database_url: str, **more: Any) -> Settings:
    """The environment of a product that talks to the stand-ins."""
    return Settings(
        database_url=database_url,
        secret_keys=SECRET_KEY,
        intacct_gateway_url=both.intacct.gateway_url,
        intacct_sender_id=fixtures.SENDER_ID,
        intacct_sender_password=fixtures.SENDER_PASSWORD,
        allow_local_endpoints=True,
        http_bind="127.0.0.1:0",
        **more,
    )


@dataclass(slots=True)
class World:
    """The stand-ins, the ledger, and one active connection between them."""

    both: StandIns
    settings: Settings
    ledger: Ledger
    connection_id: int
    amqp_url: str | None = None

    @property
    def scoro(self) -> Scoro:
        """The Scoro stand-in."""
        return self.both.scoro

    @property
    def intacct(self) -> Intacct:
        """The Intacct stand-in."""
        return self.both.intacct

    @property
    def connection(self) -> Connection:
        """The connection as the ledger has it."""
        found = self.ledger.db.run(lambda ledger: connections.load(ledger, self.ledger.vault, self.connection_id))
        assert found is not None
        return found

    @contextmanager
    def running(
        self,
        *,
        web: bool = True,
        queues: Sequence[str] = QUEUES,
        scheduler: bool = True,
        amqp_url: str | None = None,
    ) -> Iterator[str]:
        """Run the product in this process; yields the address that Scoro posts webhooks to ("" without `web`).

        `amqp_url` stands in for the world's own.
        """
        with running(
            self.settings,
            self.ledger,
            amqp_url=amqp_url or self.amqp_url,
            web=web,
            queues=queues,
            scheduler=scheduler,
        ) as base_url:
            yield self.subscribe(base_url) if base_url else ""

    def subscribe(self, base_url: str) -> str:
        """Have Scoro post its webhooks to `base_url`; returns the whole address."""
        connection = self.connection
        address = hook_url(base_url, connection.site.hook_token)
        with using(self.settings, self.ledger) as runtime:
            subscribe_missing(self.ledger.db, connection.site.id, runtime.scoro(connection), address)
        return address

    def set(self, **keys: str) -> None:
        """Change settings of the connection; `delivery__settle_ms` is `delivery.settle_ms`."""
        self.change_settings({name.replace("__", "."): text for name, text in keys.items()})

    def change_settings(self, keys: dict[str, str]) -> None:
        """Change settings of the connection by their dotted keys."""
        changed = self.connection.settings
        for key, text in keys.items():
            changed = set_key(changed, key, text)
        self.ledger.db.run(lambda ledger: connections.save_settings(ledger, self.connection_id, changed))

    def send(self, invoice_id: int) -> None:
        """Have a person send one invoice."""
        manual.send(self.ledger.db, self.connection, Kind.INVOICE, invoice_id, "cli:tester")

    def pull(self) -> None:
        """Have a person ask what is new in Intacct."""
        self.ledger.db.run(lambda ledger: pulls.ask(ledger, self.connection_id))

    def capture(self, kind: Kind, scoro_id: int) -> None:
        """Have a person send one document of any kind."""
        manual.send(self.ledger.db, self.connection, kind, scoro_id, "cli:tester")

    def ring(self, queue: str = "delivery") -> None:
        """Ring for the connection."""
        self.ledger.db.run(lambda ledger: outbox.ring(ledger, queue, self.connection_id))

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of the ledger."""
        return self.ledger.db.run(lambda ledger: ledger.execute(sql.encode(), values).fetchall())

    def row(self, sql: str, values: Sequence[Any] = ()) -> dict[str, Any]:
        """The one row of the ledger."""
        (row,) = self.rows(sql, values)
        return row

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Change the ledger by hand."""
        self.ledger.db.run(lambda ledger: ledger.execute(sql.encode(), values))

    def document(self, invoice_id: int) -> dict[str, Any]:
        """The ledger's row of an invoice."""
        return self.row("SELECT * FROM document WHERE module = 'invoices' AND scoro_id = %s", [invoice_id])

    def document_is(self, invoice_id: int, *states: str) -> bool:
        """Whether the ledger shows an invoice in one of these states."""
        found = self.rows("SELECT state FROM document WHERE module = 'invoices' AND scoro_id = %s", [invoice_id])
        return bool(found) and found[0]["state"] in states

    def failures(self) -> list[dict[str, Any]]:
        """Open failures, each with its invoices' ids in Scoro."""
        return self.rows(
            """SELECT f.*, array_agg(d.scoro_id ORDER BY d.scoro_id) AS ids
               FROM failure f JOIN failure_document fd ON fd.failure_id = f.id AND fd.cleared_at IS NULL
               JOIN document d ON d.id = fd.document_id WHERE f.state = 'open' GROUP BY f.id ORDER BY f.id"""
        )

    def under_way(self) -> dict[str, Any]:
        """How much of each thing is still on its way."""
        return {name: count for name, count in self.row(UNDER_WAY).items() if count}

    def is_quiet(self) -> bool:
        """Whether every webhook has come and nothing is on its way; waiting for a month or a person does not count."""
        return self.scoro.is_idle() and self.intacct.is_idle() and not self.under_way()

    def settle(self, timeout_s: float = 40.0) -> None:
        """Wait until everything that was set going has come to its end."""
        until(self.is_quiet, "the world is quiet", timeout_s)

    def requests_used(self) -> int:
        """What the quota says of all months."""
        return int(self.row("SELECT coalesce(sum(used), 0) AS used FROM quota")["used"])

    def requests_received(self) -> int:
        """What the gateway counted."""
        return int(self.intacct.counters()["requests"])


def add_site(ledger: Ledger, scoro_url: str, request_limit: int = 4000) -> int:
    """Add the sandbox's site."""
    return ledger.db.run(
        lambda session: sites.add(
            session,
            ledger.vault,
            name=SITE,
            url=scoro_url,
            api_key=fixtures.SCORO_API_KEY,
            user_token=None,
            request_limit=request_limit,
            time_zone="Europe/London",
        )
    )


def join(both: StandIns, settings: Settings, ledger: Ledger, amqp_url: str | None) -> World:
    """Add the site, connect it, and go live with the sandbox's settings."""
    add_site(ledger, both.scoro.base_url)
    with using(settings, ledger) as runtime:
        connected = connect(
            runtime,
            site_name=SITE,
            scoro_entity=fixtures.SCORO_ENTITY,
            company_id=fixtures.COMPANY_ID,
            entity=fixtures.ENTITY_ID,
            user_id=fixtures.USER_ID,
            password=fixtures.USER_PASSWORD,
        )
    world = World(both, settings, ledger, connected.connection_id, amqp_url)
    chosen = ConnectionSettings()
    for key, text in SETTINGS.items():
        chosen = set_key(chosen, key, text)
    ledger.db.run(lambda session: connections.save_settings(session, connected.connection_id, chosen))
    # live for long: only the tests of going live speak of what stood in Intacct before
    world.execute("UPDATE connection SET state = 'active', live_at = '2020-01-01'")
    return world
