"""Scoro's request limits: shared by all processes, never passed, a tenth kept for people, and no wait without end."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from clients.scoro.client import ScoroClient
from clients.scoro.envelope import Limits
from clients.scoro.errors import Throttled
from db import scoro_budget
from db.scoro_budget import Told, Verdict
from db.waits import waits
from sandbox import fixtures
from tests.integration.ledgers import Filled
from tests.worlds.stand_ins import StandIns
from tests.worlds.waiting import until
from tests.worlds.world import World
from workers import scoro_limits
from workers.scoro_limits import SiteLimits

STANDING_CLOCK = """CREATE OR REPLACE FUNCTION ledger_now() RETURNS timestamptz LANGUAGE sql STABLE AS
    $$ SELECT '2026-03-02 12:00Z'::timestamptz + shift FROM clock $$"""


class Budget(Filled):
    """A ledger with one site, whose clock stands still unless it is told to run."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.site_id = self.site()
        self.execute(STANDING_CLOCK)

    def at(self, instant: str) -> None:
        """Move the ledger's clock."""
        self.execute("UPDATE clock SET shift = %s::timestamptz - '2026-03-02 12:00Z'", [instant])

    def let_the_clock_run(self) -> None:
        self.execute(STANDING_CLOCK.replace("'2026-03-02 12:00Z'::timestamptz", "clock_timestamp()"))

    def take(self, *, urgent: bool = False, **told: float) -> Verdict:
        return self.db.run(
            lambda ledger: scoro_budget.take(ledger, self.site_id, urgent=urgent, told=Told(**told))  # type: ignore[arg-type]
        )

    def granted(self, tries: int, *, urgent: bool = False) -> int:
        return sum(self.take(urgent=urgent).granted for _ in range(tries))


@pytest.fixture
def budget(database_url: str) -> Iterator[Budget]:
    made = Budget(database_url)
    yield made
    made.db.close()


def test_all_but_a_tenth_of_a_window_may_leave_at_once_and_the_tenth_is_for_people(budget: Budget) -> None:
    assert budget.granted(50) == 36
    assert budget.granted(10, urgent=True) == 4


def test_what_left_counts_for_a_window_and_a_little_more(budget: Budget) -> None:
    assert budget.granted(50, urgent=True) == 40
    verdict = budget.take(urgent=True)
    assert (verdict.granted, verdict.daily) == (False, False)
    assert verdict.wait_s == pytest.approx(scoro_budget.SLOT_S)
    budget.at("2026-03-02 12:00:02.1Z")
    assert not budget.take(urgent=True).granted
    budget.at("2026-03-02 12:00:02.3Z")
    assert budget.granted(50, urgent=True) == 40


def test_no_window_holds_more_than_the_limit_wherever_it_begins(budget: Budget) -> None:
    left: list[float] = []
    for step in range(60):
        at_s = step * 0.11
        budget.at(f"2026-03-02 12:00:{at_s:06.3f}Z")
        left += [at_s] * budget.granted(1 + step * 7 % 5, urgent=True)
    assert max(sum(start <= at_s < start + 2 for at_s in left) for start in left) <= 40
    assert len(left) >= 100


def test_the_limit_that_scoro_tells_replaces_the_assumed_one(budget: Budget) -> None:
    budget.take(limit=400, left=399)
    assert budget.granted(500) == 358  # the one before the first was not ours
    budget.take(limit=4)
    budget.at("2026-03-02 13:00Z")
    assert budget.granted(20, urgent=True) == 4


def test_what_others_ask_for_with_the_same_key_counts_too(budget: Budget) -> None:
    budget.take(urgent=True)
    budget.take(urgent=True, limit=40, left=12)
    assert budget.granted(50, urgent=True) == 11
    budget.at("2026-03-02 12:00:01Z")
    assert not budget.take(urgent=True).granted


def test_a_clock_that_was_set_back_does_not_hold_anything_for_long(budget: Budget) -> None:
    budget.granted(50, urgent=True)
    budget.at("2026-03-01 12:00Z")
    assert not budget.take(urgent=True).granted
    budget.at("2026-03-01 12:00:03Z")
    assert budget.take(urgent=True).granted


def test_a_window_that_others_have_used_up_is_waited_for(budget: Budget) -> None:
    budget.take(limit=40, left=0, reset_s=30)
    verdict = budget.take(urgent=True)
    assert (verdict.granted, verdict.wait_s) == (False, 30)
    budget.at("2026-03-02 12:00:31Z")
    assert budget.take(urgent=True).granted


def test_an_end_of_the_window_that_cannot_be_is_not_believed(budget: Budget) -> None:
    budget.take(limit=40, left=0, reset_s=86_400)
    assert budget.take(urgent=True).wait_s <= scoro_budget.LONGEST_PAUSE_S


def test_the_last_tenth_of_a_day_is_for_people_and_then_everything_waits_for_midnight_utc(budget: Budget) -> None:
    budget.take(limit=4000, left=4000, day_limit=100, day_left=12)
    assert budget.granted(5) == 1  # 12 told, less the first and this one
    kept = budget.take()
    assert (kept.granted, kept.daily, kept.for_people) == (False, True, True)
    assert kept.wait_s == pytest.approx(12 * 3600, abs=1)
    assert budget.granted(15, urgent=True) == 10
    nothing = budget.take(urgent=True)
    assert (nothing.granted, nothing.daily, nothing.for_people) == (False, True, False)
    budget.at("2026-03-02 23:59:58Z")
    assert not budget.take(urgent=True).granted
    budget.at("2026-03-03 00:00:01Z")
    assert budget.granted(20) == 20


def test_news_of_the_day_is_taken_in_the_order_in_which_it_was_told(budget: Budget) -> None:
    budget.take(limit=4000, day_limit=1000, day_left=500)
    budget.take(day_limit=1000, day_left=900, age_s=3600)  # an answer of an hour ago, told by a process that was idle
    assert budget.rows("SELECT day_left FROM scoro_budget")[0]["day_left"] == 498


def test_what_was_told_yesterday_says_nothing_of_today(budget: Budget) -> None:
    budget.at("2026-03-03 00:10Z")
    budget.take(day_limit=1000, day_left=0, age_s=1200)
    assert budget.take().granted


def test_requests_that_never_reached_scoro_are_corrected_by_its_next_answer(budget: Budget) -> None:
    budget.take(limit=4000, day_limit=1000, day_left=1000)
    budget.granted(50)
    budget.at("2026-03-02 12:00:05Z")
    budget.take(day_left=990, day_limit=1000)
    assert budget.rows("SELECT day_left FROM scoro_budget")[0]["day_left"] == 989


def test_threads_of_many_processes_share_one_window(budget: Budget) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: budget.take(urgent=True).granted, range(100))) == 40


def test_a_call_waits_for_its_turn_but_not_without_end(budget: Budget, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = SiteLimits(budget.db, budget.site_id, threading.Event())
    budget.granted(50, urgent=True)
    monkeypatch.setattr(scoro_limits, "BULK_WAIT_S", 0.05)
    with pytest.raises(Throttled) as refused:
        limits.before(urgent=False)
    assert refused.value.bulk_only
    assert not refused.value.daily
    budget.let_the_clock_run()
    limits.before(urgent=True)


def test_the_day_that_an_answer_says_is_over_holds_the_next_call_of_every_process(budget: Budget) -> None:
    mine, theirs = (SiteLimits(budget.db, budget.site_id, threading.Event()) for _ in range(2))
    mine.before(urgent=True)
    mine.after(Limits(40, 39, 2.0, 1000, 0, 43_200.0))
    with pytest.raises(Throttled, match="requests of this day are used up") as refused:
        theirs.before(urgent=True)
    assert refused.value.daily
    assert refused.value.retry_after_s == pytest.approx(12 * 3600, abs=1)


def test_asking_costs_an_interactive_edit_next_to_nothing(budget: Budget) -> None:
    budget.let_the_clock_run()
    limits = SiteLimits(budget.db, budget.site_id, threading.Event())
    limits.before(urgent=True)
    limits.after(Limits(100_000, 99_999, 2.0, 1_000_000, 999_999, 3600.0))
    took = []
    for _ in range(50):
        began = time.monotonic()
        limits.before(urgent=True)
        took.append(time.monotonic() - began)
    assert sorted(took)[25] < 0.02


def test_scoro_never_has_to_say_that_it_is_too_much(both: StandIns, budget: Budget) -> None:
    budget.let_the_clock_run()
    both.scoro.set(window_limit=10)
    limits = [SiteLimits(budget.db, budget.site_id, threading.Event()) for _ in range(2)]
    clients = [
        ScoroClient(
            both.scoro.base_url,
            fixtures.SCORO_API_KEY,
            None,
            fixtures.SCORO_ENTITY,
            allow_local=True,
            limiter=each.before,
            on_limits=each.after,
        ).urgent()
        for each in limits
    ]
    clients[0].call("companyAccount", "list")  # says that the limit is 10, not 40
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: clients[n % 2].call("companyAccount", "list"), range(20)))
    for client in clients:
        client.close()
    assert both.scoro.control("counters")["statuses"].get("429", 0) == 0


def test_changes_wait_for_the_day_with_the_reason_and_what_people_send_still_goes(embedded_world: World) -> None:
    world = embedded_world
    customer = world.scoro.customer()
    world.scoro.set(daily_limit=1000)
    bulk, sent = (world.scoro.invoice(f"LIM-{n}", customer) for n in range(2))
    with world.running() as address:
        assert address
        world.execute(
            """UPDATE scoro_budget SET day = (ledger_now() AT TIME ZONE 'UTC')::date, day_limit = 1000, day_left = 60,
               day_told_at = ledger_now() + interval '1 day'"""
        )
        world.scoro.edit(bulk, description="x")
        until(lambda: world.rows("SELECT FROM change WHERE reason LIKE '%%used up%%'"), "it waits with the reason")
        world.send(sent)
        until(lambda: world.document_is(sent, "posted"), "what a person sent is posted")
        assert not world.document_is(bulk, "posted")
        (left,) = world.ledger.db.run(waits)
        assert (left.what, left.waits_for, left.count) == ("change", "day", 1)
        assert left.last_due_at is not None
        assert f"{left.last_due_at:%H:%M}" == "00:00"
        world.execute("UPDATE scoro_budget SET day_left = 1000")
        world.execute("UPDATE site SET bulk_held_until = ledger_now()")
        until(lambda: world.document_is(bulk, "posted"), "the rest goes when there are requests again")
