"""When Intacct is looked at, and what it costs."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.root import root
from app.wiring import using
from console.actions.sites import set_limit
from db import changes, connections, pulled
from db.waits import waits
from schemas.kinds import Kind
from tests.worlds.stand_ins import line
from tests.worlds.waiting import until
from tests.worlds.world import SECRET_KEY, World
from workers.pull.derive import derive
from workers.pull.run import pull
from workers.reference import References

Record = dict[str, Any]


@pytest.fixture
def world(embedded_world: World) -> World:
    """A world whose payments go to one account."""
    embedded_world.set(accounts__payment_bank="1", data__receipts__start_date="2020-01-01")
    return embedded_world


def later(world: World, minutes: int) -> None:
    """Let time pass."""
    world.execute("UPDATE clock SET shift = shift + make_interval(mins => %s)", [minutes])


def purposes(world: World) -> dict[str, int]:
    """Requests by what they were charged to."""
    rows = world.rows("SELECT purpose::text, count(*) AS n FROM request GROUP BY 1")
    return {row["purpose"]: row["n"] for row in rows if row["purpose"] != "background"}


def invoice(world: World, number: str) -> Record:
    """An invoice that stands in both."""
    world.send(world.scoro.invoice(number, world.scoro.customer(), line()))
    world.settle()
    return world.intacct.invoice(number)


def test_the_first_look_is_made_one_interval_after_going_live(world: World) -> None:
    with world.running(web=False):
        record = invoice(world, "INV-1")
        world.intacct.pay({"recordno": record["RECORDNO"], "amount": "10.00"})
        later(world, 59)
        world.settle()
        assert "pull" not in purposes(world)
        later(world, 2)
        until(lambda: bool(world.scoro.receipts()), "the receipt is booked")
        world.settle()
    assert purposes(world)["pull"] == 1


def test_a_look_that_is_due_rides_in_a_request_that_leaves_anyway(world: World) -> None:
    with world.running(web=False, queues=("changes", "delivery", "dead-letters")):
        record = invoice(world, "INV-1")
        world.intacct.pay({"recordno": record["RECORDNO"], "amount": "10.00"})
        later(world, 61)
        before = world.intacct.last_request()
        customer = world.scoro.customer("Other Ltd")
        second = world.scoro.invoice("INV-2", customer, line())
        world.ledger.db.run(lambda ledger: _capture(ledger, world, second))
        until(lambda: world.document_is(second, "posted"), "the invoice is posted")
    requests = world.intacct.requests(before)
    assert len(requests) == 1, [request["functions"] for request in requests]
    assert "create_invoice" in requests[0]["functions"]
    assert "<object>ARPYMTDETAIL</object>" in requests[0]["xml"]
    with world.running(web=False):
        world.settle()
    assert [row["sum"] for row in world.scoro.receipts()] == ["10.00"]
    assert "pull" not in purposes(world), "it cost no request of its own"


def _capture(ledger: Any, world: World, scoro_id: int) -> None:
    changes.capture(ledger, world.connection_id, Kind.INVOICE, [scoro_id], origin="poll", actor="test", settle_ms=0)


def test_without_requests_a_look_waits_with_the_date(world: World) -> None:
    with world.running(web=False):
        record = invoice(world, "INV-1")
        world.intacct.pay({"recordno": record["RECORDNO"], "amount": "10.00"})
        used = world.requests_used()
        world.execute("UPDATE site SET request_limit = %s", [used])
        world.pull()
        until(lambda: world.row("SELECT reason FROM pull")["reason"] != "", "it waits")
        waiting = [found for found in world.ledger.db.run(waits) if found.what == "pull"]
        assert [found.waits_for for found in waiting] == ["quota"]
        assert world.row("SELECT reason FROM pull")["reason"].startswith("waits for requests: this month's")
        assert world.requests_used() == used
        world.ledger.db.run(lambda ledger: set_limit(ledger, 1, 4000))
        until(lambda: bool(world.scoro.receipts()), "it goes on when the limit is raised")


def test_an_object_that_may_not_be_read_is_named_and_keeps_nothing_else_back(world: World) -> None:
    with world.running(web=False):
        record = invoice(world, "INV-1")
        world.intacct.pay({"recordno": record["RECORDNO"], "amount": "10.00"})
        world.intacct.set(denied=["query APPYMT"])
        world.pull()
        until(lambda: bool(world.scoro.receipts()), "receipts of what can be read are booked")
        until(lambda: "APPYMT cannot be read" in world.row("SELECT reason FROM pull")["reason"], "the reason is kept")


def test_eight_pullers_at_once_look_once_and_book_each_receipt_once(world: World) -> None:
    with world.running(web=False):
        records = [invoice(world, f"INV-{number}") for number in range(3)]
    for record in records * 4:
        world.intacct.pay({"recordno": record["RECORDNO"], "amount": "5.00"})
    world.pull()
    with using(world.settings, world.ledger) as runtime, ThreadPoolExecutor(8) as pool:
        references = References(world.ledger.db)
        for done in [pool.submit(pull, runtime, references, world.connection_id) for _ in range(8)]:
            done.result()
    with world.running(web=False):
        world.settle()
    assert purposes(world)["pull"] == 1
    assert [row["sum"] for row in world.scoro.receipts()] == ["5.00"] * 12
    assert world.row("SELECT count(*) AS n FROM receipt")["n"] == 12


def test_fetch_reads_the_payments_of_one_document(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = {"DATABASE_URL": world.ledger.db.url, "SECRET_KEYS": SECRET_KEY, "DATA_DIR": str(tmp_path)}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def cli(*words: str) -> Any:
        return CliRunner().invoke(root, list(words))

    with world.running(web=False):
        record = invoice(world, "INV-1")
        world.intacct.pay({"recordno": record["RECORDNO"], "amount": "10.00"})
        document = world.row("SELECT scoro_id FROM document WHERE number = 'INV-1'")["scoro_id"]
        fetched = cli("fetch", "invoice", str(document))
        assert (fetched.exit_code, fetched.stdout) == (
            0,
            f"Invoice {document} is fetched: what is new in Intacct stands in Scoro.\n",
        )
        assert "there is nothing new" in cli("fetch", "invoice", str(document)).stdout
        receipt = world.row("SELECT scoro_id FROM document WHERE kind = 'receipt'")["scoro_id"]
        shown = cli("documents", "show", "receipt", str(receipt))
        assert "ARPYMT" in shown.stdout
        assert "Writes to Scoro" in shown.stdout
        assert cli("fetch", "invoice", "999").exit_code == 1


def test_two_that_think_about_the_same_payments_make_each_receipt_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.running(web=False):
        record = invoice(world, "INV-1")
    world.intacct.pay({"recordno": record["RECORDNO"], "amount": "120.00"})
    monkeypatch.setattr("workers.pull.run.derive", lambda *_: None)  # it was seen, and its looker's session was cut
    world.pull()
    with using(world.settings, world.ledger) as runtime:
        pull(runtime, References(runtime.db), world.connection_id)
    read: list[list[int]] = []
    new_payments = pulled.new_payments

    def read_at_once(*args: Any) -> list[int]:
        read.append(new_payments(*args))
        waits = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        until(lambda: len(read) > 1 or world.rows(waits), "the other one has read, or waits")
        return read[-1]

    monkeypatch.setattr("db.pulled.new_payments", read_at_once)
    db = world.ledger.db
    connection = db.run(lambda ledger: connections.load(ledger, world.ledger.vault, world.connection_id))
    assert connection
    with ThreadPoolExecutor(2) as both:
        for thought in [both.submit(derive, db, connection, References(db)) for _ in range(2)]:
            thought.result()
    assert len(world.rows("SELECT FROM receipt")) == 1
