"""The month's requests are used up: wherever somebody looks they read when it goes on, and then it does."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from app.cli.root import root
from console.actions import people
from db import requests as charges
from db.people import Role
from tests.worlds.browsing import Somebody, person
from tests.worlds.waiting import until
from tests.worlds.world import World

Said = Callable[..., str]


@pytest.fixture
def said(embedded_world: World, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What a command says, on either output."""
    settings = embedded_world.settings
    monkeypatch.setenv("DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("SECRET_KEYS", ",".join(key.get_secret_value() for key in settings.secret_keys))
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("ALLOW_LOCAL_ENDPOINTS", "true")
    monkeypatch.setenv("INTACCT_GATEWAY_URL", settings.intacct_gateway_url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> str:
        return CliRunner().invoke(root, list(words)).output

    return run


@pytest.fixture
def used_up(embedded_world: World) -> Iterator[tuple[World, str, int]]:
    """A world without a request left, whose one invoice waits; with the address of its pages."""
    world = embedded_world
    world.set(data__receipts__enabled="false")
    with world.running() as hook:
        world.execute("UPDATE site SET request_limit = (SELECT used FROM quota)")
        invoice = world.scoro.invoice("INV-1", world.scoro.customer())
        until(lambda: bool(world.rows("SELECT FROM operation WHERE state = 'waiting_quota'")), "it waits for requests")
        yield world, hook.split("/hooks/")[0], invoice


def test_every_view_says_when_it_goes_on_and_then_it_does(used_up: tuple[World, str, int], said: Said) -> None:
    world, base, invoice = used_up
    at = world.ledger.db.run(lambda ledger: charges.resumes_at(ledger, world.connection.site.id))
    day, iso = f"{at:%Y-%m-%d}", at.isoformat().replace("+00:00", "Z")

    # commands
    (month,) = json.loads(said("quota", "show", "--json"))
    assert month["resumes_at"] == iso
    assert re.search(rf"resumes +{day}", said("quota", "show"))
    (row,) = json.loads(said("documents", "list", "--json"))
    assert (row["state"], f"goes on {day}" in row["reason"]) == ("waiting", True)
    assert f"goes on {day}" in said("documents", "show", "invoice", str(invoice))
    assert f"used up; it goes on at {day}" in said("connection", "list")
    assert re.search(rf"waits? for requests, until {day}", said("wait", "--timeout", "20"))
    assert f"goes on at {day}" in said("doctor")

    # pages
    person(world.ledger.db, "anna", Role.VIEWER)
    anna = Somebody(base)
    anna.sign_in("anna")
    instant = f'datetime="{at:%Y-%m-%dT%H:%M}'
    for page in ("/", "/connections", f"/connections/{world.connection_id}"):
        assert instant in anna.get(page).text, page
    for page in ("/documents", f"/documents/invoice/{invoice}"):
        assert f"goes on {day}" in anna.get(page).text, page

    # programs
    token = people.add_token(world.ledger.db, "reports", Role.VIEWER, 30, actor="cli:test")

    def told(path: str) -> Any:
        return requests.get(f"{base}/api/v1{path}", headers={"Authorization": f"Bearer {token}"}, timeout=30).json()

    assert told("/quota")[0]["resumes_at"] == iso
    assert told("/connections")[0]["resumes_at"] == iso
    assert f"goes on {day}" in told("/documents")["rows"][0]["reason"]
    assert f"goes on {day}" in json.dumps(told(f"/documents/invoice/{invoice}"))

    assert world.requests_received() == world.row("SELECT count(*) AS n FROM request")["n"]
    world.execute("UPDATE clock SET shift = %s", [at - datetime.now(UTC)])
    until(lambda: world.document_is(invoice, "posted"), "it goes on by itself on the first")
    assert "used up" not in said("connection", "list")
