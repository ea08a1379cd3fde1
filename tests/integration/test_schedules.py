"""Schedules: what is captured waits for the next run, each run is made once, and nothing is sent early or lost."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.cli import waiting
from db import changes, connections, reports, schedules
from db.waits import waits
from producers import manual
from schemas.kinds import Kind
from schemas.schedule import next_slot
from schemas.settings import ConnectionSettings, ScheduleSettings, set_key
from tests.integration.ledgers import Filled
from tests.worlds.waiting import until
from tests.worlds.world import World

LONDON = "Europe/London"
SCHEDULER = """import sys
from db.database import Database
from producers.schedule import Clock
Clock(Database(sys.argv[1], actor="schedule", pool_size=1), tick_s=0.01).run()"""


class Office(Filled):
    """A ledger with one connection whose clock is driven."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url
        self.id = self.connection(self.site())
        self.documents = 0

    def at(self, instant: datetime) -> None:
        """Move the ledger's clock."""
        self.execute("UPDATE clock SET shift = %s - clock_timestamp()", [instant])

    def set(self, frequency: str, at: str = "06:00") -> None:
        settings = set_key(set_key(ConnectionSettings(), "schedule.frequency", frequency), "schedule.at", at)
        self.db.run(lambda ledger: connections.save_settings(ledger, self.id, settings))

    def change(self, origin: str = "webhook") -> None:
        """Capture a document that was not seen before."""
        self.documents += 1
        self.db.run(
            lambda ledger: changes.capture(
                ledger, self.id, Kind.INVOICE, [self.documents], origin=origin, actor="test", settle_ms=0
            )
        )

    def turn(self) -> list[tuple[str, int, int]]:
        made = self.db.run(schedules.turn)
        return [(f"{run.slot.astimezone(UTC):%m-%d %H:%M}", run.missed, run.released) for run in made]

    def held(self) -> int:
        return int(self.rows("SELECT count(*) AS n FROM change WHERE state = 'waiting' AND scheduled")[0]["n"])

    def due(self) -> int:
        return len(self.rows("SELECT FROM change WHERE state = 'waiting' AND NOT scheduled AND due_at <= ledger_now()"))


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    made = Office(database_url)
    made.at(datetime(2026, 3, 2, 12, tzinfo=UTC))
    yield made
    made.db.close()


def test_what_is_captured_waits_for_the_run_and_is_due_then(office: Office) -> None:
    office.set("daily", "06:30")
    office.change()
    assert office.turn() == []
    assert (office.held(), office.due()) == (1, 0)
    office.at(datetime(2026, 3, 3, 6, 29, 50, tzinfo=UTC))
    assert office.turn() == []
    office.at(datetime(2026, 3, 3, 6, 30, 1, tzinfo=UTC))
    assert office.turn() == [("03-03 06:30", 0, 1)]
    assert (office.held(), office.due()) == (0, 1)
    assert office.turn() == []


def test_what_a_person_asks_for_goes_at_once_and_takes_what_was_captured_of_it_along(office: Office) -> None:
    office.set("manual")
    office.change()
    office.change("manual")
    assert (office.held(), office.due()) == (1, 1)
    connection = office.db.run(lambda ledger: connections.load(ledger, office.vault, office.id))
    assert connection is not None
    manual.send(office.db, connection, Kind.INVOICE, 1, "cli:anna")
    assert (office.held(), office.due()) == (0, 2)


def test_a_schedule_that_was_just_set_does_not_run_for_times_that_are_over(office: Office) -> None:
    office.set("daily", "06:30")  # it is noon
    assert office.turn() == []
    office.at(datetime(2026, 3, 2, 23, tzinfo=UTC))
    assert office.turn() == []


def test_missed_runs_are_caught_up_by_one(office: Office) -> None:
    office.set("daily", "06:30")
    office.turn()
    office.change()
    office.at(datetime(2026, 3, 6, 9, tzinfo=UTC))
    assert office.turn() == [("03-06 06:30", 3, 1)]
    assert office.turn() == []
    assert office.rows("SELECT count(*) AS n FROM schedule_run") == [{"n": 1}]


@pytest.mark.parametrize("frequency", ["manual", "weekly", "monthly"])
def test_another_frequency_keeps_what_was_captured_and_sends_nothing_early(office: Office, frequency: str) -> None:
    office.set("daily", "13:00")
    office.change()
    office.turn()
    office.set(frequency, "06:30")
    office.at(datetime(2026, 3, 2, 13, 0, 1, tzinfo=UTC))
    assert office.turn() == []
    assert (office.held(), office.due()) == (1, 0)
    office.at(datetime(2026, 4, 10, 12, tzinfo=UTC))
    released = sum(run[2] for run in office.turn())
    assert released == (0 if frequency == "manual" else 1)


def test_continuous_again_lets_go_what_waited(office: Office) -> None:
    office.set("manual")
    office.change()
    office.turn()
    office.set("continuous")
    office.turn()
    assert (office.held(), office.due()) == (0, 1)
    assert office.rows("SELECT next_run_at, next_run_by FROM connection") == [{"next_run_at": None, "next_run_by": ""}]


def test_another_zone_moves_the_next_run(office: Office) -> None:
    office.set("daily", "13:00")
    office.turn()
    office.execute("UPDATE site SET time_zone = 'America/New_York'")
    office.at(datetime(2026, 3, 2, 13, 0, 1, tzinfo=UTC))
    assert office.turn() == []
    assert f"{office.rows('SELECT next_run_at FROM connection')[0]['next_run_at']:%H:%M}" == "18:00"


def test_a_run_that_is_not_committed_did_not_happen(office: Office) -> None:
    office.set("daily", "13:00")
    office.turn()
    office.change()
    office.at(datetime(2026, 3, 2, 13, 0, 1, tzinfo=UTC))

    class Died(Exception):
        pass

    def die(ledger: object) -> None:
        assert schedules.turn(ledger)  # type: ignore[arg-type]
        raise Died

    with pytest.raises(Died):
        office.db.run(die)
    assert office.held() == 1
    assert office.turn() == [("03-02 13:00", 0, 1)]


def test_a_year_of_runs_with_three_schedulers_of_which_one_dies_at_random(office: Office) -> None:
    """Each day has one run, through both changes of the clocks, and each run lets go what was captured before it."""
    chance = random.Random(20260327)
    daily = ScheduleSettings.model_validate({"frequency": "daily", "at": "01:30"})
    office.at(datetime(2025, 12, 31, 12, tzinfo=UTC))
    office.set("daily", "01:30")
    office.turn()
    command = [sys.executable, "-c", SCHEDULER, office.url]
    schedulers = [subprocess.Popen(command) for _ in range(3)]
    deaths = set(chance.sample(range(365), 6))
    slots: list[datetime] = []
    try:
        slot = next_slot(daily, LONDON, datetime(2025, 12, 31, 12, tzinfo=UTC))
        for day in range(365):
            assert slot is not None
            office.at(slot - timedelta(seconds=chance.uniform(20, 80_000)))
            office.change()
            if day in deaths:
                victim = chance.randrange(3)
                schedulers[victim].send_signal(signal.SIGKILL)
                schedulers[victim].wait()
                schedulers[victim] = subprocess.Popen(command)
            office.at(slot + timedelta(seconds=chance.uniform(0, 10)))
            slots.append(slot)
            until(lambda day=day: _runs(office) > day, f"the run of {slot}", 120, 0.004)  # type: ignore[misc]
            slot = next_slot(daily, LONDON, slot)
    finally:
        for scheduler in schedulers:
            scheduler.kill()
            scheduler.wait()
    made = office.rows("SELECT slot, missed, released FROM schedule_run ORDER BY slot")
    assert [row["slot"] for row in made] == slots
    assert {(row["missed"], row["released"]) for row in made} == {(0, 1)}
    days = {f"{row['slot']:%m-%d}": f"{row['slot']:%H:%M}" for row in made}
    assert (days["03-29"], days["10-25"]) == ("01:30", "00:30")


def _runs(office: Office) -> int:
    return int(office.rows("SELECT count(*) AS n FROM schedule_run")[0]["n"])


def test_an_edit_waits_for_the_run_and_then_travels(embedded_world: World) -> None:
    world = embedded_world
    world.set(schedule__frequency="manual")
    customer = world.scoro.customer()
    with world.running() as address:
        assert address
        waiting, sent = (world.scoro.invoice(f"SCH-{n}", customer) for n in range(2))
        until(lambda: len(world.rows("SELECT FROM change")) == 2, "both are captured")
        world.send(sent)
        until(lambda: world.document_is(sent, "posted"), "the quick action is posted")
        assert world.document(waiting)["state"] == "waiting"
        assert (
            world.rows("SELECT FROM revision r JOIN document d ON d.id = r.document_id AND d.scoro_id = %s", [waiting])
            == []
        )
        world.set(schedule__frequency="continuous")
        until(lambda: world.document_is(waiting, "posted"), "what was captured is kept and sent")


def test_the_next_run_is_shown(office: Office) -> None:
    office.set("weekly", "tue 06:30")
    (row,) = office.db.run(reports.connections)
    assert (f"{row['next_run']:%Y-%m-%d %H:%M}", row["schedule"]) == ("2026-03-03 06:30", "weekly, tue 06:30")
    office.set("manual")
    (row,) = office.db.run(reports.connections)
    assert (row["next_run"], row["schedule"]) == (None, "manual")


def test_waits_for_a_run_are_told_apart(office: Office) -> None:
    office.set("daily", "06:30")
    office.turn()
    office.change()
    office.execute("DELETE FROM outbox")
    (left,) = office.db.run(waits)
    assert (left.what, left.waits_for, left.count) == ("change", "schedule", 1)
    assert f"{left.last_due_at:%m-%d %H:%M}" == "03-03 06:30"
    assert waiting.describe(left) == "uk: 1 change waits for the next run, at 2026-03-03 06:30:00Z."
    office.set("manual")
    office.turn()
    (left,) = office.db.run(waits)
    assert waiting.describe(left) == "uk: 1 change waits for `scoro-intacct sync now`."


def test_what_follows_from_a_run_does_not_wait_for_the_next_one(office: Office) -> None:
    office.set("daily", "06:30")
    for origin in ("schedule", "intacct", "manual", "webhook", "poll"):
        office.change(origin)
    assert (office.held(), office.due()) == (2, 3)
