"""The poller: it alone brings every change, with webhooks it doubles nothing, and it asks little."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.wiring import using
from clients.scoro.client import ScoroClient
from clients.scoro.errors import ScoroError, Unavailable
from db import connections, polls
from db.connections import Connection
from producers import poll as polling
from producers.poll import Poller, Window, modified_at
from tests.worlds.stand_ins import line
from tests.worlds.waiting import until
from tests.worlds.world import World

LONDON = ZoneInfo("Europe/London")


class Watch:
    """A world whose poller takes a turn when it is told to; nothing else runs unless a test runs it."""

    def __init__(self, world: World, scoro: ScoroClient) -> None:
        self.world = world
        self.client = scoro
        self.poller = self.another(webhooks=True)
        self.poller.turn()  # plans

    def another(self, *, webhooks: bool, client: Any = None) -> Poller:
        return Poller(
            self.world.ledger.db,
            self._connection,
            lambda _: client or self.client,
            webhooks=webhooks,
            modules=("invoices",),
        )

    def _connection(self, connection_id: int) -> Connection | None:
        ledger = self.world.ledger
        return ledger.db.run(lambda session: connections.load(session, ledger.vault, connection_id))

    def make_due(self) -> None:
        self.world.execute("UPDATE poll SET due_at = 'epoch' WHERE module = 'invoices'")

    def look(self, poller: Poller | None = None) -> int:
        """Let it look; returns how many lists it asked Scoro for."""
        self.make_due()
        before = self.lists()
        (poller or self.poller).turn()
        return self.lists() - before

    def lists(self) -> int:
        return int(self.world.scoro.control("counters")["requests"].get("invoices/list", 0))

    def poll(self) -> dict[str, Any]:
        return self.world.row("SELECT * FROM poll WHERE module = 'invoices'")

    def captured(self) -> Counter[int]:
        rows = self.world.rows("SELECT d.scoro_id, c.hints FROM change c JOIN document d ON d.id = c.document_id")
        return Counter({row["scoro_id"]: row["hints"] for row in rows})

    def read_all(self) -> None:
        """Let intake read and send what waits."""
        with self.world.running(web=False, scheduler=False):
            self.world.ring("changes")
            self.world.settle()


@pytest.fixture
def watch(embedded_world: World) -> Iterator[Watch]:
    with using(embedded_world.settings, embedded_world.ledger) as runtime:
        yield Watch(embedded_world, runtime.scoro(embedded_world.connection))


def writes(world: World) -> Counter[str]:
    """Creates and updates of each invoice that left for Intacct, by its number."""
    rows = world.rows(
        """SELECT o.natural_key FROM operation o JOIN attempt a ON a.operation_id = o.id
           WHERE o.object = 'ARINVOICE'"""
    )
    return Counter(row["natural_key"] for row in rows)


def test_the_poller_alone_brings_every_change(watch: Watch) -> None:
    world = watch.world
    customer = world.scoro.customer()
    made = [world.scoro.invoice(f"POLL-{n}", customer) for n in range(60)]
    watch.look()
    watch.read_all()
    assert {row["state"] for row in world.rows("SELECT state FROM document WHERE module = 'invoices'")} == {"posted"}
    for invoice in made[:20]:
        world.scoro.edit(invoice, lines=[line("250.00")])
    world.scoro.control(f"delete/invoices/{made[-1]}", {})
    watch.look()
    watch.read_all()
    assert world.document(made[-1])["state"] == "held"
    assert world.document(made[-1])["reason"].startswith("it was deleted in Scoro")
    assert writes(world) == Counter({f"POLL-{n}": 2 if n < 20 else 1 for n in range(60)})
    totals = [world.intacct.invoice(f"POLL-{n}")["TRX_TOTALENTERED"] for n in range(21)]
    assert totals == ["300.00"] * 20 + ["120.00"]


def test_without_an_address_for_webhooks_the_scheduler_polls(embedded_world: World) -> None:
    world = embedded_world
    world.settings.public_url = None
    with world.running(web=False):
        until(lambda: world.rows("SELECT FROM poll WHERE module = 'invoices'"), "polls are planned")
        invoice = world.scoro.invoice("ONLY-POLL", world.scoro.customer())
        world.execute("UPDATE poll SET due_at = 'epoch'")
        until(lambda: world.document_is(invoice, "posted"), "it is posted")
    assert {row["origin"] for row in world.rows("SELECT origin FROM change")} == {"poll"}
    assert world.rows("SELECT text FROM note WHERE text = %s", [polling.MISSED]) == []


def test_with_webhooks_too_nothing_is_written_or_read_twice(watch: Watch) -> None:
    world = watch.world
    customer = world.scoro.customer()
    with world.running():
        made = [world.scoro.invoice(f"BOTH-{n}", customer) for n in range(30)]
        world.settle()
        watch.look()
        for invoice in made[:10]:
            world.scoro.edit(invoice, lines=[line("250.00")])
        watch.look()
        world.settle()
        watch.look()
        world.settle()
    assert writes(world) == Counter({f"BOTH-{n}": 2 if n < 10 else 1 for n in range(30)})
    assert watch.poll()["found"] == 0
    watch.look()
    assert world.under_way() == {}


def test_lost_repeated_and_late_webhooks_beside_a_busy_poller_double_nothing(watch: Watch) -> None:
    world = watch.world
    world.scoro.set(webhook_lost=0.3, webhook_repeated=0.3, webhook_reorder_ms=400, webhook_seed=11)
    customer = world.scoro.customer()
    over = threading.Event()

    def poll_without_end() -> None:
        while not over.is_set():
            watch.look()

    with world.running():
        busy = threading.Thread(target=poll_without_end)
        busy.start()
        made = [world.scoro.invoice(f"MIX-{n}", customer) for n in range(15)]
        for amount in ("250.00", "275.00"):
            for invoice in made:
                world.scoro.edit(invoice, lines=[line(amount)])
        over.set()
        busy.join()
        watch.look()
        world.settle()
    assert {world.intacct.invoice(f"MIX-{n}")["TRX_TOTALENTERED"] for n in range(15)} == {"330.00"}
    sent = world.rows(
        """SELECT d.scoro_id, o.verb, o.payload_fingerprint FROM operation o JOIN document d ON d.id = o.document_id
           WHERE o.object = 'ARINVOICE' AND o.state = 'posted' ORDER BY o.created_at"""
    )
    for invoice in made:
        mine = [row for row in sent if row["scoro_id"] == invoice]
        assert [row["verb"] for row in mine] == ["create", *["update"] * (len(mine) - 1)]
        assert all(a["payload_fingerprint"] != b["payload_fingerprint"] for a, b in itertools.pairwise(mine))


def test_what_webhooks_left_out_is_found_counted_and_noted(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    world = watch.world
    monkeypatch.setattr(polling, "GRACE", timedelta(0))
    world.execute("UPDATE connection SET created_at = created_at - interval '1 minute'")
    world.scoro.set(webhook_lost=0.5, webhook_seed=3)
    customer = world.scoro.customer()
    with world.running():
        made = [world.scoro.invoice(f"LOST-{n}", customer) for n in range(20)]
        world.settle()
        told = len(world.rows("SELECT FROM document WHERE module = 'invoices' AND state = 'posted'"))
        assert 0 < told < 20
        world.execute("UPDATE clock SET shift = '2 minutes'")
        watch.look()
        world.settle()
    assert all(world.document(invoice)["state"] == "posted" for invoice in made)
    assert watch.poll()["found"] == 20 - told
    assert len(world.rows("SELECT FROM note WHERE text = %s", [polling.MISSED])) == 20 - told
    assert world.row("SELECT webhook_missed_at IS NOT NULL AS missed FROM site")["missed"]
    assert writes(world) == Counter({f"LOST-{n}": 1 for n in range(20)})


def test_every_module_that_is_synced_is_looked_at(watch: Watch) -> None:
    world = watch.world
    customer = world.scoro.customer()
    made = {
        "invoices": world.scoro.invoice("ALL-1", customer),
        "bills": int(world.scoro.control("create/bills", {"no": "ALL-2", "company_id": customer, "lines": []})["id"]),
        "expenses": int(world.scoro.control("create/expenses", {"no": "ALL-3", "lines": []})["id"]),
        "projects": int(world.scoro.control("create/projects", {"project_name": "ALL-4"})["project_id"]),
    }
    poller = Poller(world.ledger.db, watch._connection, lambda _: watch.client, webhooks=False)
    poller.turn()
    world.execute("UPDATE poll SET due_at = 'epoch'")
    poller.turn()
    rows = world.rows("SELECT d.module, d.scoro_id FROM change c JOIN document d ON d.id = c.document_id")
    captured = {(row["module"], row["scoro_id"]) for row in rows}
    assert set(made.items()) <= captured
    assert set(made) <= set(polling.MODULES)


def test_a_look_at_nothing_new_is_one_call_and_captures_nothing(watch: Watch) -> None:
    customer = watch.world.scoro.customer()
    for number in range(10):
        watch.world.scoro.invoice(f"QUIET-{number}", customer)
    assert watch.look() == 1
    captured = watch.captured()
    assert [watch.look() for _ in range(3)] == [1, 1, 1]
    assert watch.captured() == captured
    assert set(captured.values()) == {1}


def test_two_edits_in_the_same_second_are_two_versions(watch: Watch) -> None:
    world = watch.world
    invoice = world.scoro.invoice("SECOND", world.scoro.customer())
    watch.look()
    watch.read_all()
    world.execute("UPDATE sighting SET modified = %s", [world.scoro.edit(invoice, description="b")["modified_date"]])
    watch.look()
    assert watch.captured()[invoice] == 1
    assert len(world.rows("SELECT FROM change WHERE origin = 'poll' AND state = 'waiting'")) == 1


def test_a_record_that_reads_differently_each_time_is_not_captured_for_ever(watch: Watch) -> None:
    world = watch.world
    world.scoro.invoice("NOISE", world.scoro.customer())
    watch.look()
    for number in range(6):
        world.execute("UPDATE sighting SET digest = %s", [b"%d" % number])
        watch.look()
    assert sum(watch.captured().values()) == 3


def test_a_look_that_breaks_off_moves_nothing_and_what_it_committed_is_not_captured_again(watch: Watch) -> None:
    world = watch.world
    customer = world.scoro.customer()
    for number in range(30):
        world.scoro.invoice(f"BROKEN-{number}", customer)
    before = watch.poll()["since"]

    class BreaksOff:
        def pages(self, module: str, **options: Any) -> Iterator[list[dict[str, Any]]]:
            yield next(watch.client.pages(module, **options))
            raise Unavailable("the line went dead")

    watch.look(watch.another(webhooks=True, client=BreaksOff()))
    after = watch.poll()
    assert after["since"] == before
    assert "the line went dead" in after["reason"]
    assert len(watch.captured()) == 25
    watch.look()
    assert len(watch.captured()) == 30
    assert set(watch.captured().values()) == {1}
    assert watch.poll()["since"] > before


def test_records_that_shift_between_pages_are_found_by_the_next_round(watch: Watch) -> None:
    """A record that moves from page 2 to page 1 while page 2 is asked for is on neither."""
    rows = [{"id": n, "modified_date": f"2026-01-01T00:00:{n:02}Z"} for n in range(1, 51)]

    class Shifting:
        def __init__(self) -> None:
            self.rounds = 0

        def pages(self, module: str, **options: Any) -> Iterator[list[dict[str, Any]]]:
            self.rounds += 1
            yield rows[:25]
            yield rows[26:] if self.rounds == 1 else rows[25:]

    shifting = Shifting()
    watch.look(watch.another(webhooks=True, client=shifting))
    assert set(watch.captured()) == set(range(1, 51))
    assert shifting.rounds == 3


def test_after_an_outage_of_days_all_that_was_modified_meanwhile_is_found(watch: Watch) -> None:
    world = watch.world
    watch.look()
    invoice = world.scoro.invoice("OLD", world.scoro.customer())
    world.execute("UPDATE clock SET shift = '9 days'")
    watch.look()
    assert invoice in watch.captured()


def test_of_two_pollers_one_looks(watch: Watch) -> None:
    asked, goes_on = threading.Event(), threading.Event()

    class Slow:
        def pages(self, module: str, **options: Any) -> Iterator[list[dict[str, Any]]]:
            asked.set()
            assert goes_on.wait(30)
            yield from ()

    first = watch.another(webhooks=True, client=Slow())
    watch.make_due()
    thread = threading.Thread(target=first.turn)
    thread.start()
    assert asked.wait(30)
    before = watch.lists()
    watch.poller.turn()
    goes_on.set()
    thread.join()
    watch.poller.turn()
    assert watch.lists() == before
    assert watch.poll()["calls"] == 1


@pytest.mark.parametrize(
    ("heard", "missed", "webhooks", "seconds"),
    [
        ("1 hour", None, True, 1800),
        ("1 hour", "2 hours", True, 1800),
        ("2 hours", "1 hour", True, 300),
        ("2 days", None, True, 300),
        (None, None, True, 300),
        ("1 hour", None, False, 300),
    ],
)
def test_where_webhooks_are_silent_or_leave_things_out_looks_are_closer(
    watch: Watch, heard: str | None, missed: str | None, webhooks: bool, seconds: int
) -> None:
    watch.world.execute(
        """UPDATE site SET last_webhook_at = ledger_now() - %s::interval,
           webhook_missed_at = ledger_now() - %s::interval""",
        [heard, missed],
    )
    watch.look(watch.another(webhooks=webhooks))
    assert next_in_s(watch) == pytest.approx(seconds, abs=5)


def test_long_lists_and_small_days_are_looked_at_less_often(watch: Watch) -> None:
    world = watch.world

    def ended(calls: int) -> float:
        watch.make_due()
        (poll,) = world.ledger.db.run(lambda ledger: polls.due(ledger, ["invoices"]))
        world.ledger.db.run(
            lambda ledger: polls.end(
                ledger, poll, calls=calls, webhooks=False, relaxed_s=1800, close_s=300, call_s=polling.CALL_S
            )
        )
        return next_in_s(watch)

    assert ended(100) == pytest.approx(1000, abs=5)
    world.execute("UPDATE scoro_budget SET day_limit = 100")
    assert ended(1) == pytest.approx(86_400 / 25, abs=5)


def next_in_s(watch: Watch) -> float:
    row = watch.world.row(
        "SELECT extract(epoch FROM due_at - ledger_now())::float AS s FROM poll WHERE module = 'invoices'"
    )
    return float(row["s"])


def test_a_kind_that_is_switched_off_is_not_asked_for_and_caught_up_when_it_is_on_again(watch: Watch) -> None:
    world = watch.world
    world.set(data__invoices__enabled="false")
    since = watch.poll()["since"]
    invoice = world.scoro.invoice("OFF", world.scoro.customer())
    assert watch.look() == 0
    assert watch.poll()["since"] == since
    world.set(data__invoices__enabled="true")
    assert watch.look() == 1
    assert invoice in watch.captured()


def test_a_site_that_must_not_be_asked_is_left_alone(watch: Watch) -> None:
    watch.world.execute("UPDATE site SET bulk_held_until = ledger_now() + interval '1 hour'")
    assert watch.look() == 0


def test_the_window_is_whole_days_of_the_site_with_one_before_and_tomorrow_after() -> None:
    since, now = datetime(2026, 7, 3, 23, 30, tzinfo=UTC), datetime(2026, 7, 10, 23, 30, tzinfo=UTC)
    assert Window.of(since, now, LONDON) == Window(date(2026, 7, 3), date(2026, 7, 12))
    assert Window.of(since, now, ZoneInfo("UTC")).as_filter() == {
        "modified_date": {"from_date": "2026-07-02", "to_date": "2026-07-11"}
    }


def test_scoros_dates_are_read_with_and_without_an_offset() -> None:
    assert modified_at("2026-07-01T10:00:00+03:00", LONDON) == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert modified_at("2026-07-01 10:00:00", LONDON) == datetime(2026, 7, 1, 9, tzinfo=UTC)
    assert modified_at("0000-00-00", LONDON) is None
    assert modified_at("", LONDON) is None


def test_scoro_out_of_reach_is_a_reason_and_not_an_end(watch: Watch) -> None:
    watch.world.scoro.fault("error", module="invoices", action="list", code=500, message="out of order")
    watch.look()
    assert "out of order" in watch.poll()["reason"]
    assert next_in_s(watch) == pytest.approx(polling.AGAIN_S, abs=5)
    watch.look()
    assert watch.poll()["reason"] == ""
    assert issubclass(Unavailable, ScoroError)
