"""Before anybody relies on a setting it is said what changing it does and costs, counted in this ledger."""

from collections.abc import Iterator

import pytest

from console.actions import settings as changing
from db import creates
from schemas.setting_effects import EFFECTS
from schemas.settings import ConnectionSettings, describe
from tests.integration.ledgers import Filled


class Office(Filled):
    """A connection whose settings somebody changes."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.uk = self.connection(self.site())
        self.execute("UPDATE clock SET shift = '2026-03-02 12:00:00Z'::timestamptz - clock_timestamp()")

    def said(self, key: str, value: str) -> str:
        """What is said of a change."""
        lines = changing.change_as(self.db, self.uk, [(key, value)], actor="cli:olga")
        return lines[1].strip()

    def documents(self, count: int, state: str) -> None:
        """Invoices with an operation in that state of theirs."""
        known = self.rows("SELECT count(*)::int AS n FROM document")[0]["n"]
        for number in range(known + 1, known + count + 1):
            document = self.document(self.uk, number)
            operation = self.operation(self.uk, document)
            if state == "posted":
                self.move(operation, "sending", "posted")
            self.execute("UPDATE document SET state = %s::document_state WHERE id = %s", [state, document])


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    made = Office(database_url)
    yield made
    made.db.close()


def test_what_translates_otherwise_names_what_stands_and_what_sending_all_of_it_would_cost(office: Office) -> None:
    assert office.said("accounts.discount", "4920") == (
        "Documents are translated with it from their next edit or send on."
    ), "nothing stands yet"
    office.documents(120, "posted")
    office.documents(2, "waiting")
    said = office.said("accounts.discount", "4921")
    assert "120 documents stand in Intacct as they are, 2 wait as they were translated; nothing is sent now" in said
    assert "If all were sent again it would take about 3 of the 3,960 requests left for documents this month" in said


def test_what_decides_about_reading_names_what_waits_as_it_was_planned(office: Office) -> None:
    office.documents(3, "waiting")
    assert "3 of the invoices wait now" in office.said("data.invoices.start_date", "2026-01-01")
    assert "3 of the invoices wait now" in office.said("data.invoices.enabled", "false")
    office.execute("UPDATE document SET state = 'skipped'")
    assert "3 of the invoices are skipped now" in office.said("data.invoices.enabled", "true")
    assert "invoices" not in office.said("data.bills.enabled", "true")


def test_looks_at_intacct_name_what_they_take_in_a_month(office: Office) -> None:
    assert office.said("pull.interval", "15").endswith("A pull every 15 minutes takes at most 2,880 requests a month.")


@pytest.mark.parametrize(
    ("key", "value", "requests"),
    [
        ("delivery.max_documents", "10", "100"),
        ("delivery.max_documents", "30", "34"),
        ("delivery.max_functions", "20", "50"),
    ],
)
def test_the_size_of_packs_names_what_a_thousand_documents_take(
    office: Office, key: str, value: str, requests: str
) -> None:
    assert office.said(key, value).endswith(f"A thousand documents take at least {requests} requests.")


def test_a_schedule_names_its_next_run_and_what_waits_for_it(office: Office) -> None:
    assert "The next run is on Tuesday 2026-03-03 at 06:00 (Europe/London)." in office.said(
        "schedule.frequency", "daily"
    )
    for number in (1, 2):
        office.capture(office.uk, number)
    assert office.said("schedule.frequency", "manual").endswith(
        "Only sync now and quick actions send; 2 changes wait for it."
    )
    assert office.said("schedule.frequency", "continuous").endswith(
        "Everything is sent at once; 2 changes that wait go now."
    )


def test_the_limit_of_an_hour_names_who_waits_for_a_person(office: Office) -> None:
    assert "wait for a person:" not in office.said("limits.creates_per_hour", "500")
    office.documents(2, "waiting")
    beyond = [row["id"] for row in office.rows("SELECT id FROM operation")]
    office.db.run(lambda ledger: creates.hold(ledger, office.uk, "uk", 500, beyond))
    assert "2 new documents wait for a person: connection allow lets them go" in office.said(
        "limits.creates_per_hour", "600"
    )


def test_every_prefix_of_the_table_is_some_setting() -> None:
    keys = [row.key for row in describe(ConnectionSettings())]
    assert [effect.prefix for effect in EFFECTS if not any(key.startswith(effect.prefix) for key in keys)] == []
