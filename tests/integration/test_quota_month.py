"""The month's requests: pacing in the ledger, quota at zero, the forecast, and a simulated month in its short form."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from benchmarks.month.__main__ import run_at
from benchmarks.month.arrivals import Arrival, Plan
from benchmarks.month.far_side import FarSide
from benchmarks.month.world import World
from db import forecast, operations, outbox, pacing, pulls, requests, sites, waits
from db.database import Database
from db.pacing import Token
from producers.sweep import Sweeper
from schemas.kinds import Purpose
from schemas.pacing import DAY_S, PULL_SHARE, pace

LONDON = ZoneInfo("Europe/London")
MONDAY = datetime(2026, 3, 2, 9, tzinfo=LONDON)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)


class Office:
    """Three connections of a site, in March."""

    def __init__(self, url: str, time_zone: str = "Europe/London") -> None:
        self.db = Database(url, actor="test", pool_size=10)
        self.far_side = FarSide(1, refused_share=0, lost_share=0)
        self.world = World(self.db, self.far_side, time_zone=time_zone, request_limit=4000, places=3)
        self.site = self.world.site_id
        self.numbers = 0
        self.world.set_clock(MONDAY)

    def close(self) -> None:
        self.world.close()
        self.db.close()

    def limit(self, requests_per_month: int) -> None:
        self.db.run(lambda ledger: sites.change(ledger, self.site, "request_limit", requests_per_month))

    def used(self, requests_so_far: int) -> None:
        self.execute(
            """INSERT INTO quota (site_id, month, used) SELECT id, site_month(time_zone), %s FROM site
               ON CONFLICT (site_id, month) DO UPDATE SET used = excluded.used""",
            requests_so_far,
        )

    def tokens(self, tokens: float) -> None:
        self.used(0)
        self.execute("UPDATE quota SET bulk_tokens = %s, bulk_tokens_at = ledger_now()", tokens)

    def ready(self, place: int, documents: int, *, interactive: bool = False) -> int:
        """Documents that are ready to be sent; returns their connection."""
        at = self.world.now()
        arrivals = [Arrival(self.numbers + n, at, place, interactive) for n in range(1, documents + 1)]
        self.numbers += documents
        self.world.arrive(arrivals)
        return self.world.connections[place]

    def later(self, **span: float) -> None:
        self.world.set_clock(self.world.now() + timedelta(**span))

    def without_looks(self) -> None:
        """What is new in Intacct is not looked at, so that all requests are those of documents."""
        self.execute("UPDATE pull SET not_before = ledger_now() + interval '1 year'")

    def take(self, connection: int) -> Token:
        return self.db.run(lambda ledger: pacing.take_token(ledger, self.site, connection))

    def charge(self, purpose: Purpose, connection: int | None = None) -> bool:
        charged = self.db.run(
            lambda ledger: requests.charge(ledger, self.site, connection, purpose, functions=1, deadline_s=1)
        )
        return charged is not None

    def forecast(self) -> forecast.Forecast:
        return self.db.run(lambda ledger: forecast.forecast(ledger, self.site))

    def sweep(self) -> None:
        """Ring for what is due and do what the bells say."""
        Sweeper(self.db).sweep()
        self.world.answer_bells()

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return self.db.run(lambda ledger: ledger.execute(sql.encode(), values).fetchall())

    def execute(self, sql: str, *values: Any) -> None:
        self.db.run(lambda ledger: ledger.execute(sql.encode(), values))

    def states(self) -> set[str]:
        return {row["state"] for row in self.rows("SELECT DISTINCT state FROM operation")}


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    with closing(Office(database_url)) as made:
        yield made


# ------------------------------------------------------------------------------------------------- a month


def test_a_short_month_delivers_all_once_and_within_its_requests(database_url: str) -> None:
    plan = Plan(date(2026, 3, 1), "Europe/London", connections=1, changes=300, seed=7, days=3)
    result = run_at(database_url, plan, limit=800)
    assert result.faults == []
    assert result.posted + result.refused == 300
    assert result.by_purpose["bulk"] < 150
    assert result.by_purpose["interactive"] > 0
    assert 3 < result.by_purpose["pull"] < 60
    assert result.bulk.p50_s > result.interactive.p99_s


# ------------------------------------------------------------------------------------------------- looks


def test_twenty_connections_that_only_look_leave_the_month_to_documents(database_url: str) -> None:
    with closing(Database(database_url, actor="test")) as db:
        far_side = FarSide(1, refused_share=0, lost_share=0)
        with closing(World(db, far_side, time_zone="UTC", request_limit=4000, places=20)) as world:
            now, used = world.set_clock(datetime(2026, 3, 1, tzinfo=UTC)), 0
            while now < datetime(2026, 3, 8, tzinfo=UTC):
                due_now, next_in_s = world.due()
                world.answer(due_now)
                now = world.set_clock(world.now() + timedelta(seconds=0 if due_now else next_in_s or 60))
            used = far_side.requests
            age_s, refused = world.looks()
    assert 20 * 7 <= used <= 4000 * PULL_SHARE * 7 / 31 + 40
    assert age_s < DAY_S
    assert refused == 0


def test_a_look_of_the_only_connection_is_made_every_hour(office: Office) -> None:
    first, *others = office.world.connections
    office.execute("UPDATE connection SET state = 'paused' WHERE id = ANY(%s)", others)
    for hours in range(1, 5):
        office.later(hours=1, seconds=1)
        office.world.answer(office.world.due()[0])
        assert office.far_side.requests == hours
    assert office.db.run(lambda ledger: pacing.pull_gap_s(ledger, first)) < 3600


def test_events_bring_no_look_forward_once_looks_are_ahead_of_their_share(office: Office) -> None:
    connection = office.world.connections[0]
    office.world.answer(office.world.due()[0])

    def event_due_in_s() -> float:
        office.execute("UPDATE pull SET last_at = ledger_now(), not_before = 'epoch', asked_at = NULL")
        office.db.run(lambda ledger: pulls.hint(ledger, connection))
        pull = office.db.run(lambda ledger: pulls.peek(ledger, connection))
        assert pull is not None
        return pull.due_in_s

    assert event_due_in_s() <= pulls.HINT_GAP_S
    for _ in range(150):
        assert office.charge(Purpose.PULL, connection)
    assert event_due_in_s() > pulls.HINT_GAP_LATER_S


def test_a_look_that_goes_on_failing_is_made_as_seldom_as_any(office: Office) -> None:
    connection = office.world.connections[0]
    office.execute("UPDATE pull SET paced_s = 7200")
    for tries in range(1, 6):
        office.db.run(lambda ledger: pulls.put_off(ledger, connection, 60, "no answer"))
        pull = office.db.run(lambda ledger: pulls.peek(ledger, connection))
        assert pull is not None
        assert pull.held_s == pytest.approx(60 if tries <= pulls.QUICK_TRIES else 7200, abs=5)


# ------------------------------------------------------------------------------------------------- pacing


def test_eight_senders_at_once_get_no_more_tokens_than_there_are(office: Office) -> None:
    office.limit(500)
    connection = office.ready(0, 1)
    month = office.db.run(lambda ledger: pacing.month_of(ledger, office.site))
    at_once = pace(month)
    start = threading.Barrier(8)
    granted: list[bool] = []

    def send_many() -> None:
        start.wait()
        for _ in range(10):
            with office.db.session() as session, session.transaction():
                token = pacing.take_token(session, office.site, connection)
                if token.granted:
                    requests.charge(session, office.site, connection, Purpose.BULK, functions=1, deadline_s=1)
            granted.append(token.granted)
            office.charge(Purpose.INTERACTIVE)

    threads = [threading.Thread(target=send_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    by_purpose = {
        row["purpose"]: row["n"] for row in office.rows("SELECT purpose, count(*) AS n FROM request GROUP BY 1")
    }
    assert len(granted) == 80
    assert 1 <= sum(granted) <= at_once.bound
    assert by_purpose == {"bulk": sum(granted), "interactive": 80}
    assert office.rows("SELECT used FROM quota") == [{"used": 80 + sum(granted)}]


def test_eight_senders_at_once_stop_at_the_limit(office: Office) -> None:
    office.limit(300)
    connection = office.ready(0, 1)
    start = threading.Barrier(8)

    def send_many() -> None:
        start.wait()
        for _ in range(50):
            with office.db.session() as session, session.transaction():
                if pacing.take_token(session, office.site, connection).granted:
                    requests.charge(session, office.site, connection, Purpose.BULK, functions=1, deadline_s=1)

    threads = [threading.Thread(target=send_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert office.rows("SELECT used FROM quota") == [{"used": 297}]
    assert office.charge(Purpose.LOOK_UP)


def test_a_single_document_waits_where_many_leave(office: Office) -> None:
    office.tokens(20)
    one, many = office.ready(0, 1), office.ready(1, 40)
    office.later(minutes=8)
    assert office.take(many).granted
    refused = office.take(one)
    assert not refused.granted
    assert 60 < refused.wait_s <= 900


def test_the_last_token_goes_to_who_waited_longest(office: Office) -> None:
    older = office.ready(0, 50)
    office.later(minutes=10)
    younger = office.ready(1, 50)
    office.later(minutes=1)
    office.tokens(1.5)
    refused = office.take(younger)
    assert not refused.granted
    assert refused.turn_of == older
    assert office.take(older).granted
    assert not office.take(older).granted


def test_one_that_waits_for_pacing_leaves_by_itself(office: Office) -> None:
    office.without_looks()
    office.tokens(0.5)
    connection = office.ready(0, 3)
    office.world.deliver([connection])
    assert office.states() == {"ready"}
    assert office.forecast().waiting == {"pace": 3}
    for _ in range(200):
        if office.states() == {"posted"}:
            break
        office.world.set_clock(office.forecast().next_token_at + timedelta(seconds=1))
        office.sweep()
    assert office.states() == {"posted"}
    assert office.far_side.requests == 1
    assert office.world.now() < MONDAY + timedelta(days=1)


def test_what_a_person_waits_for_leaves_without_a_token_and_takes_the_rest_along(office: Office) -> None:
    office.tokens(0)
    connection = office.ready(0, 3)
    office.world.deliver([connection])
    office.ready(0, 1, interactive=True)
    office.world.deliver([connection])
    assert office.states() == {"posted"}
    assert office.rows("SELECT purpose FROM request") == [{"purpose": "interactive"}]


def test_a_raised_limit_lets_bulk_go_on_at_once_and_a_lowered_one_stops_it(office: Office) -> None:
    connection = office.ready(0, 1)
    office.tokens(0)
    assert not office.take(connection).granted
    office.limit(8000)
    office.db.run(lambda ledger: pacing.refill(ledger, office.site))
    assert office.take(connection).granted
    office.limit(5000)
    assert office.take(connection).granted
    office.used(600)
    office.limit(500)
    assert office.take(connection) == Token(True)
    assert not office.charge(Purpose.BULK)
    assert not office.charge(Purpose.LOOK_UP)


def test_a_limit_below_400_is_used_as_it_comes(office: Office) -> None:
    office.limit(399)
    connection = office.ready(0, 1)
    for _ in range(40):
        assert office.take(connection).granted
    office.used(395)
    assert office.take(connection).granted
    assert office.charge(Purpose.BULK)
    assert not office.charge(Purpose.BULK)


# ------------------------------------------------------------------------------------------------- the calendar


@pytest.mark.parametrize(
    ("zone", "at", "length_s"),
    [
        ("Europe/London", datetime(2026, 3, 29, 12, tzinfo=UTC), 31 * DAY_S - 3600),
        ("Europe/London", datetime(2026, 10, 25, 12, tzinfo=UTC), 31 * DAY_S + 3600),
        ("Pacific/Auckland", datetime(2026, 4, 5, 12, tzinfo=UTC), 30 * DAY_S + 3600),
        ("America/New_York", datetime(2026, 2, 14, tzinfo=UTC), 28 * DAY_S),
    ],
)
def test_a_month_is_as_long_as_the_sites_clocks_say(
    database_url: str, zone: str, at: datetime, length_s: float
) -> None:
    with closing(Office(database_url, zone)) as office:
        office.world.set_clock(at)
        month = office.db.run(lambda ledger: pacing.month_of(ledger, office.site))
    assert month.elapsed_s + month.remaining_s == pytest.approx(length_s, abs=2)


@pytest.mark.parametrize(
    ("zone", "new_month"),
    [
        ("Pacific/Auckland", datetime(2026, 3, 31, 11, tzinfo=UTC)),
        ("Europe/London", datetime(2026, 3, 31, 23, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 4, 1, 7, tzinfo=UTC)),
    ],
)
def test_a_month_begins_at_the_sites_midnight_with_a_full_bucket(
    database_url: str, zone: str, new_month: datetime
) -> None:
    with closing(Office(database_url, zone)) as office:
        connection = office.ready(0, 1)
        office.world.set_clock(new_month - timedelta(minutes=1))
        office.tokens(0)
        office.used(3960)
        assert not office.charge(Purpose.BULK)
        assert office.forecast().resumes_at == new_month
        office.world.set_clock(new_month + timedelta(seconds=1))
        assert office.take(connection).granted
        assert office.charge(Purpose.BULK, connection)
        months = office.rows("SELECT month, used FROM quota ORDER BY month")
        assert months == [{"month": date(2026, 3, 1), "used": 3960}, {"month": date(2026, 4, 1), "used": 1}]


# ------------------------------------------------------------------------------------------------- quota at zero


@pytest.mark.parametrize(("limit", "ceiling"), [(2, 2), (4000, 3960)])
def test_at_zero_nothing_leaves_everything_says_when_and_on_the_first_it_goes_on(
    database_url: str, limit: int, ceiling: int
) -> None:
    with closing(Office(database_url, "UTC")) as office:
        office.without_looks()
        office.limit(limit)
        office.used(ceiling)
        connections = [office.ready(place, 2) for place in range(3)]
        office.ready(0, 1, interactive=True)
        office.world.deliver(connections)
        office.later(days=3)
        office.ready(1, 1)
        office.sweep()
        office.later(days=10)
        office.sweep()

        assert office.far_side.requests == 0
        waiting = office.rows(
            "SELECT o.state, o.due_at, o.reason, d.state AS shown, d.reason AS why FROM operation o"
            " JOIN document d ON d.id = o.document_id"
        )
        assert len(waiting) == 8
        assert {(row["state"], row["due_at"], row["shown"]) for row in waiting} == {("waiting_quota", APRIL, "waiting")}
        assert all(row["reason"] == row["why"] and "goes on 2026-04-01" in row["why"] for row in waiting)
        ahead = office.forecast()
        assert ahead.used_up
        assert ahead.waiting == {"quota": 8}
        assert ahead.next_token_at == ahead.resumes_at == APRIL
        shown = office.db.run(waits.waits)
        assert {(wait.waits_for, wait.last_due_at) for wait in shown if wait.what == "operation"} == {("quota", APRIL)}

        office.world.set_clock(APRIL - timedelta(seconds=30))
        office.sweep()
        assert office.far_side.requests == 0
        office.limit(4000)
        office.world.set_clock(APRIL + timedelta(seconds=1))
        office.sweep()
        assert office.states() == {"posted"}
        assert sorted(office.far_side.created.values()) == [1] * 8
        assert office.rows("SELECT month, used FROM quota ORDER BY month") == [
            {"month": date(2026, 3, 1), "used": ceiling},
            {"month": date(2026, 4, 1), "used": 3},
        ]


def test_at_zero_a_raised_limit_lets_all_go_on(office: Office) -> None:
    office.used(3960)
    connection = office.ready(0, 5)
    office.world.deliver([connection])
    assert office.states() == {"waiting_quota"}
    office.limit(5000)

    def release(ledger: Any) -> None:
        pacing.refill(ledger, office.site)
        outbox.ring(ledger, "delivery", *operations.release_quota_waits(ledger, office.site))

    office.db.run(release)
    office.world.answer_bells()
    assert office.states() == {"posted"}


# ------------------------------------------------------------------------------------------------- forecast and price


def test_the_forecast_of_an_untouched_month_promises_nothing_bad(office: Office) -> None:
    ahead = office.forecast()
    assert (ahead.limit, ahead.used, ahead.left) == (4000, 0, 4000)
    assert set(ahead.burn.values()) == {0.0}
    assert ahead.runs_out_at is None
    assert ahead.waiting == {}
    assert not ahead.used_up
    assert ahead.next_token_at <= office.world.now()


def test_the_forecast_says_what_is_used_a_day_and_when_it_runs_out(office: Office) -> None:
    office.limit(400)
    for day in range(4):
        office.world.set_clock(MONDAY + timedelta(days=day))
        for purpose, times in {Purpose.BULK: 20, Purpose.PULL: 10}.items():
            for _ in range(times):
                assert office.charge(purpose)
    office.world.set_clock(datetime(2026, 3, 6, 0, tzinfo=LONDON))
    ahead = office.forecast()
    assert ahead.used == 120
    assert ahead.burn[Purpose.BULK] == pytest.approx(80 / 5, rel=0.01)
    assert ahead.burn[Purpose.PULL] == pytest.approx(40 / 5, rel=0.01)
    assert ahead.runs_out_at is not None
    assert ahead.runs_out_at - office.world.now() == pytest.approx(
        timedelta(days=(396 - 120) / 24), abs=timedelta(minutes=10)
    )
    office.limit(4000)
    assert office.forecast().runs_out_at is None


def test_the_forecast_forgets_what_was_used_more_than_a_week_ago_or_never_left(office: Office) -> None:
    for _ in range(50):
        assert office.charge(Purpose.BULK)
    office.later(days=10)
    for _ in range(14):
        assert office.charge(Purpose.INTERACTIVE)
    withdrawn = office.rows("SELECT max(id) AS id FROM request")[0]["id"]
    office.db.run(lambda ledger: requests.end(ledger, withdrawn, "withdrawn", "never left"))
    burn = office.forecast().burn
    assert burn[Purpose.BULK] == 0
    assert burn[Purpose.INTERACTIVE] == pytest.approx(13 / 7)


def test_the_forecast_counts_what_waits_by_what_it_waits_for(office: Office) -> None:
    for place in range(3):
        office.ready(place, 2)
    first, second, third = office.world.connections
    office.execute("UPDATE connection SET state = 'paused' WHERE id = %s", first)
    office.execute("UPDATE connection SET bulk_at = ledger_now() + interval '1 hour' WHERE id = %s", second)
    office.execute(
        """UPDATE operation SET due_at = ledger_now() + interval '5 minutes' WHERE id =
           (SELECT id FROM operation WHERE connection_id = %s LIMIT 1)""",
        third,
    )
    ahead = office.forecast()
    assert ahead.waiting == {"connection": 2, "pace": 2, "backoff": 1, "ready": 1}
    assert ahead.next_token_at - office.world.now() == pytest.approx(timedelta(hours=1), abs=timedelta(seconds=5))


def test_a_bulk_action_has_a_price_before_it_begins(office: Office) -> None:
    connection = office.world.connections[0]
    office.used(3900)

    def price(documents: int) -> forecast.Price:
        return office.db.run(lambda ledger: forecast.price(ledger, connection, documents))

    assert (price(0).requests, price(1).requests, price(50).requests, price(51).requests) == (0, 1, 1, 2)
    whole = price(3000)
    assert (whole.requests, whole.left, whole.left_after, whole.affordable) == (60, 60, 0, True)
    assert not price(3001).affordable
    office.execute("""UPDATE connection SET settings = '{"delivery": {"max_documents": 10}}'""")
    assert price(3000).requests == 300
    office.used(4000)
    assert price(1).left == 0
