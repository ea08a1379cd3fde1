"""An overview that stays open tells within ten seconds what has stopped, and goes on by itself."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Page, expect
from psycopg import conninfo, sql
from pydantic import SecretStr

from app.services.postgres import PostgresService
from db.people import Role
from tests.browser.conftest import Window
from tests.browser.scene import Office, office
from tests.worlds.browsing import PASSWORD, person
from tests.worlds.relay import Relay
from tests.worlds.stand_ins import StandIns

TEN_SECONDS_MS = 10_000


class Sink:
    """Takes any mail."""

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        return "250 taken"


@contextmanager
def within_ten_seconds() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < TEN_SECONDS_MS / 1000


def overview(where: Office, window: Window) -> Page:
    person(where.ledger.db, "ann", Role.VIEWER)
    page = window(where.url)
    page.goto("/login")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


@pytest.mark.alone
def test_an_open_overview_shows_within_ten_seconds_what_has_stopped(
    both: StandIns,
    database_url: str,
    postgres_server: PostgresService,
    broker_url: str,
    queue_prefix: str,
    tmp_path: Path,
    window: Window,
    _workers_stop_fast: None,
) -> None:
    parts = urlsplit(broker_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mail = Controller(Sink(), hostname="127.0.0.1", port=port)
    mail.start()
    with Relay(parts.hostname or "", parts.port or 5672).running() as relay:
        amqp_url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{relay.port}").geturl()
        smtp_url = SecretStr(f"smtp://127.0.0.1:{port}")
        with office(
            both,
            database_url,
            tmp_path,
            amqp_url,
            queue_prefix=queue_prefix,
            smtp_url=smtp_url,
            mail_from="a@example.com",
        ) as where:
            page = overview(where, window)
            health = page.get_by_role("region", name="Health")
            expect(health.locator("li", has_text="RabbitMQ")).to_contain_text("answers")
            expect(health.locator("li", has_text="Mail")).to_contain_text("answers")
            with within_ten_seconds():
                relay.break_off()
                expect(health.locator("li", has_text="RabbitMQ")).to_contain_text("trouble", timeout=TEN_SECONDS_MS)
            with within_ten_seconds():
                mail.stop()
                expect(health.locator("li", has_text="Mail")).to_contain_text("trouble", timeout=TEN_SECONDS_MS)
            relay.mend()
            expect(health.locator("li", has_text="RabbitMQ")).to_contain_text("answers", timeout=TEN_SECONDS_MS)
            with closed_to_everybody(postgres_server, database_url):
                with within_ten_seconds():
                    told = page.locator("#live-state")
                    expect(told).to_contain_text("PostgreSQL does not answer", timeout=TEN_SECONDS_MS)
                answer = page.goto("/documents")
                assert answer
                assert answer.status == 503
                expect(page.get_by_role("heading", name="The ledger does not answer")).to_be_visible()
            page.goto("/")
            expect(health.locator("li", has_text="PostgreSQL")).to_contain_text("answers", timeout=TEN_SECONDS_MS)


@pytest.mark.alone
def test_a_ledger_that_hangs_shows_as_one_that_is_down(
    both: StandIns, database_url: str, tmp_path: Path, window: Window, _workers_stop_fast: None
) -> None:
    """Nobody waits with it: its connections stand, and no answer comes."""
    given = conninfo.conninfo_to_dict(database_url)
    with Relay(str(given["host"]), int(str(given.get("port", 5432)))).running() as relay:
        url = conninfo.make_conninfo(database_url, host="127.0.0.1", port=relay.port)
        with office(both, url, tmp_path) as where:
            page = overview(where, window)
            health = page.get_by_role("region", name="Health")
            expect(health.locator("li", has_text="PostgreSQL")).to_contain_text("answers")
            relay.stand_still()
            try:
                with within_ten_seconds():
                    told = page.locator("#live-state")
                    expect(told).to_contain_text("does not answer", timeout=TEN_SECONDS_MS)
                expect(told).to_contain_text("PostgreSQL does not answer")
                answer = page.goto("/documents")
                assert answer
                assert answer.status == 503
                expect(page.get_by_role("heading", name="The ledger does not answer")).to_be_visible()
            finally:
                relay.mend()
            page.goto("/")
            expect(health.locator("li", has_text="PostgreSQL")).to_contain_text("answers")


@contextmanager
def closed_to_everybody(server: PostgresService, database_url: str) -> Iterator[None]:
    """Turn everybody away from a database, as if it were down."""
    name = conninfo.conninfo_to_dict(database_url)["dbname"]
    allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(allow.format(sql.Identifier(str(name)), sql.SQL("false")))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            admin.execute(allow.format(sql.Identifier(str(name)), sql.SQL("true")))
