"""The product over stand-ins, as a browser meets it: empty, or furnished with a working day; and all its pages."""

import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from app.processes import running
from app.settings import Settings
from app.wiring import Ledger, open_ledger, using
from console.actions import failures, going_live, people, quick, settings
from console.actions.connecting import connect
from db import connections
from db.people import Role
from sandbox import fixtures
from schemas.kinds import Kind
from tests.worlds.browsing import person
from tests.worlds.stand_ins import StandIns
from tests.worlds.waiting import until
from tests.worlds.world import QUEUES, SITE, UNDER_WAY, add_site, settings_for


@dataclass(slots=True)
class Office:
    """The product over a ledger of its own, with nothing connected yet."""

    both: StandIns
    settings: Settings
    ledger: Ledger
    url: str


@contextmanager
def office(
    both: StandIns, database_url: str, folder: Path, amqp_url: str | None = None, **more: object
) -> Iterator[Office]:
    """Run the whole product; its web server knows its own address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{probe.getsockname()[1]}"
    settings = settings_for(both, database_url, data_dir=folder, public_url=f"http://{bind}", **more)
    settings = settings.model_copy(update={"http_bind": bind})
    with (
        open_ledger(settings, actor="up", pool_size=12) as ledger,
        running(settings, ledger, amqp_url=amqp_url, web=True, queues=QUEUES, scheduler=True) as url,
    ):
        assert url
        yield Office(both, settings, ledger, url)


SETTINGS = {
    "data.invoices.start_date": "2020-01-01",
    "accounts.rounding": "4910",
    "accounts.discount": "4920",
    "delivery.settle_ms": "200",
    "delivery.linger_ms": "300",
    "notify.emails": "books@example.com",
}

HISTORY = """INSERT INTO pulse (series, at, value)
    SELECT s.series, date_trunc('minute', ledger_now()) - make_interval(mins => m), greatest(0, round((s.base
        + s.swing * (1 + sin(m / 110.0 + s.phase)) * (0.6 + 0.4 * sin(m / 7.0)))::numeric, 2))::float8
    FROM generate_series(2, 1435) m, (VALUES ('posted', 0, 9, 0.0), ('lag.p50', 1, 0.4, 0.0), ('lag.p95', 2, 2, 0.5),
        ('backlog.moving', 0, 6, 0.3), ('backlog.held', 0, 2, 2.0), ('broker.ready', 0, 4, 0.4),
        ('broker.delayed', 0, 0, 0.0), ('broker.dead', 0, 0, 0.0)) s (series, base, swing, phase)
    ON CONFLICT DO NOTHING"""
"""A day of figures for the charts: nobody wants to wait for one."""


def furnish(where: Office) -> None:
    """A live connection, invoices of which a few are broken, an edit, a replay, another template, people, a token."""
    db = where.ledger.db
    add_site(where.ledger, where.both.scoro.base_url)
    with using(where.settings, where.ledger) as runtime:
        made = connect(
            runtime,
            site_name=SITE,
            scoro_entity=fixtures.SCORO_ENTITY,
            company_id=fixtures.COMPANY_ID,
            entity=fixtures.ENTITY_ID,
            user_id=fixtures.USER_ID,
            password=fixtures.USER_PASSWORD,
            name="London",
        )
    settings.change_as(db, made.connection_id, list(SETTINGS.items()), actor="cli:ann")
    connection = db.run(lambda ledger: connections.load(ledger, where.ledger.vault, made.connection_id))
    assert connection
    going_live.go_live(db, connection)
    for name, role in (("ann", Role.ADMIN), ("ben", Role.OPERATOR), ("eve", Role.VIEWER)):
        person(db, name, role)
    people.add_token(db, "month-end-report", Role.VIEWER, 365, actor="console:ann")
    where.both.scoro.control("generate", {"documents": 60, "broken": True})
    settle(where)
    where.both.scoro.edit(2, description="Thank you for your order")
    settle(where)
    quick.send(db, connection, Kind.INVOICE, 3, user="ben", actor="console:ben")
    settle(where)
    tried = failures.plan(db, failure_ids=[1])
    failures.replay(db, tried, why="The account is active again", actor="console:ben")
    settle(where)
    quick.make_address(
        db, where.ledger.vault, connection, user="ben", action="send", kind=Kind.INVOICE, days=90, actor="console:ann"
    )
    settings.change_as(db, connection.id, [("memo.template", "{number}: {comment}")], actor="console:ann")
    db.run(lambda ledger: ledger.execute(HISTORY.encode()))


def settle(where: Office) -> None:
    """Wait until nothing is on its way."""

    def quiet() -> bool:
        row = where.ledger.db.run(lambda ledger: ledger.execute(UNDER_WAY.encode()).fetchone())
        return row is not None and where.both.scoro.is_idle() and not any(row.values())

    until(quiet, "nothing is on its way", 60)


PRESSED = {
    "checks": "Check now",
    "preview": "What would be sent now?",
    "price": "Try everything shown again: the price first",
}
"""Pages whose use begins with a button, by its name."""


def look(page: Page, name: str, path: str) -> None:
    """Open a page, and press what begins its use."""
    page.goto(path)
    if name in PRESSED:
        with page.expect_navigation():
            page.get_by_role("button", name=PRESSED[name]).click()


def invited(where: Office) -> str:
    """Where somebody new chooses a password."""
    token = people.invite(where.ledger.db, f"kim-{uuid.uuid4().hex[:4]}", Role.VIEWER, actor="console:ann")
    return f"/welcome/{token}"


def pages(where: Office) -> dict[str, str]:
    """Every page by name, with what stands there."""

    def one(sql: str) -> int:
        row = where.ledger.db.run(lambda ledger: ledger.execute(sql.encode()).fetchone())
        assert row
        return int(row["id"])

    edited = one("SELECT id FROM document WHERE module = 'invoices' AND scoro_id = 2")
    failure = one("SELECT min(id) AS id FROM failure WHERE state = 'open'")
    connection = one("SELECT min(id) AS id FROM connection")
    request = one("SELECT max(id) AS id FROM request WHERE state = 'answered' AND purpose = 'bulk'")
    return {
        "overview": "/",
        "documents": "/documents",
        "document": f"/documents/{edited}",
        "preview": f"/documents/{edited}",
        "failures": "/failures",
        "failure": f"/failures/{failure}",
        "log": "/failures/log",
        "price": "/failures",
        "replays": "/replays",
        "differing": f"/documents/differing?connection={connection}",
        "requests": "/requests",
        "request": f"/requests/{request}",
        "connections": "/connections",
        "connection": f"/connections/{connection}",
        "quick-actions": f"/connections/{connection}/quick-actions",
        "connect": "/connections/new",
        "journal": "/journal",
        "checks": "/checks",
        "people": "/people",
        "account": "/account",
        "nothing-found": "/documents?q=nothing-like-it",
    }
