"""Joining two entities: each wrong input is one sentence with the fix, and nothing half-made is left."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.wiring import Ledger, open_ledger, using
from console.actions import connecting, fitness
from console.actions.connecting import Connected, ConnectError
from db import connections, reference, sites
from sandbox import fixtures
from tests.worlds.stand_ins import StandIns, line
from tests.worlds.world import settings_for
from workers.pull.background import IntacctBackground

GIVEN = {
    "site_name": "acme",
    "scoro_entity": fixtures.SCORO_ENTITY,
    "company_id": fixtures.COMPANY_ID,
    "entity": fixtures.ENTITY_ID,
    "user_id": fixtures.USER_ID,
    "password": fixtures.USER_PASSWORD,
}


class Desk:
    """Somebody who connects."""

    def __init__(self, both: StandIns, database_url: str, data_dir: Path) -> None:
        self.both = both
        self.environment = settings_for(both, database_url, data_dir=data_dir)
        self.database_url = database_url

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    def open(self) -> Iterator["Desk"]:
        with open_ledger(self.environment, actor="test", pool_size=4) as ledger:
            self._ledger = ledger
            self.site("acme")
            yield self

    def site(self, name: str, **changes: Any) -> None:
        given = {"url": self.both.scoro.base_url, "api_key": fixtures.SCORO_API_KEY, "user_token": None}
        self.ledger.db.run(
            lambda session: sites.add(
                session,
                self.ledger.vault,
                name=name,
                request_limit=4000,
                time_zone="Europe/London",
                **given | changes,
            )
        )

    def connect(self, **changes: Any) -> Connected:
        environment = self.environment.model_copy(update=changes.pop("environment", {}))
        with using(environment, self.ledger) as runtime:
            return connecting.connect(runtime, **{**GIVEN, **changes})

    def refused(self, **changes: Any) -> str:
        """The sentence of a refusal; nothing of the connection stands."""
        with pytest.raises(ConnectError) as refusal:
            self.connect(**changes)
        sentence = str(refusal.value)
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert fixtures.USER_PASSWORD not in sentence
        return sentence

    def count(self, table: str) -> int:
        return int(
            self.ledger.db.run(lambda s: s.execute(f"SELECT count(*) AS n FROM {table}".encode()).fetchall())[0]["n"]
        )

    def requests(self) -> int:
        return int(self.both.intacct.counters()["requests"])


@pytest.fixture
def desk(both: StandIns, database_url: str, tmp_path: Path) -> Iterator[Desk]:
    yield from Desk(both, database_url, tmp_path).open()


def nothing_stands(desk: Desk) -> bool:
    return desk.count("connection") == desk.count("reference") == 0


# ------------------------------------------------------------------------------------------------- what is right


def test_connecting_takes_one_request_and_leaves_a_rehearsal_with_its_reference_data(desk: Desk) -> None:
    made = desk.connect()
    first, second = desk.both.intacct.requests()
    assert "<object>TAXSOLUTION</object>" in first["xml"]
    assert "<object>GLACCOUNT</object>" in first["xml"]
    assert second["functions"] == ["query"], "values of the user-defined dimensions that the first one told of"
    assert desk.count("reference") > 20
    rows = desk.ledger.db.run(
        lambda s: s.execute("SELECT state, base_currency, tax_solution FROM connection").fetchall()
    )
    assert rows == [{"state": "rehearsal", "base_currency": "GBP", "tax_solution": "United Kingdom - VAT"}]
    assert any("read from Intacct" in text for text in made.lines)


# ------------------------------------------------------------------------------------------------- Scoro's side


def test_an_address_without_a_scoro(desk: Desk) -> None:
    desk.site("elsewhere", url=f"{desk.both.scoro.base_url}/elsewhere")
    sentence = desk.refused(site_name="elsewhere")
    assert "there is no Scoro" in sentence
    assert "site set elsewhere url=" in sentence


def test_an_address_where_nobody_answers(desk: Desk, closed_port: int) -> None:
    desk.site("nobody", url=f"http://127.0.0.1:{closed_port}")
    sentence = desk.refused(site_name="nobody")
    assert "cannot be reached (companyAccount/list: could not be connected to (" in sentence
    assert "host=" not in sentence, "no words of a library"


def test_a_wrong_key(desk: Desk) -> None:
    desk.site("other", url=f"{desk.both.scoro.base_url}/", api_key="ScoroAPI_wrong")
    sentence = desk.refused(site_name="other")
    assert "does not accept the API key of other" in sentence
    assert "Settings > Site settings > Integrations > Scoro API" in sentence


def test_an_entity_that_scoro_does_not_know(desk: Desk) -> None:
    assert "has no entity nowhere" in desk.refused(scoro_entity="nowhere")


def test_a_site_that_was_not_added(desk: Desk) -> None:
    assert "site add nowhere" in desk.refused(site_name="nowhere")


# ------------------------------------------------------------------------------------------------- Intacct's side


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "wrong"}, "check user, password and company"),
        ({"user_id": "nobody"}, "check user, password and company"),
        ({"company_id": "NOWHERE"}, "check user, password and company"),
        ({"entity": "NOWHERE"}, "may not enter the Intacct entity NOWHERE: choose one of "),
        ({"entity": ""}, "has entities: name one with --entity, of "),
        ({"environment": {"intacct_sender_id": "wrong"}}, "correct INTACCT_SENDER_ID and INTACCT_SENDER_PASSWORD"),
        ({"environment": {"intacct_sender_id": ""}}, "INTACCT_SENDER_ID or INTACCT_SENDER_PASSWORD is not set"),
    ],
    ids=["password", "user", "company", "entity", "no entity", "sender", "no sender"],
)
def test_a_wrong_part_of_the_sign_in(desk: Desk, changes: dict[str, Any], words: str) -> None:
    assert words in desk.refused(**changes)
    assert nothing_stands(desk)


def test_an_entity_that_intacct_does_not_know_names_those_that_it_does(desk: Desk) -> None:
    assert fixtures.ENTITY_ID in desk.refused(entity="NOWHERE")
    assert desk.requests() == 2, "one that failed, one that found out why"


def test_a_sender_that_the_company_has_not_authorised(desk: Desk) -> None:
    desk.both.intacct.set(sender_authorised=False)
    sentence = desk.refused()
    assert f"has not authorised the sender {fixtures.SENDER_ID}" in sentence
    assert "Web Services authorizations" in sentence


def test_each_missing_right_is_named(desk: Desk) -> None:
    desk.both.intacct.set(denied=["GLACCOUNT", "ARINVOICE"])
    sentence = desk.refused()
    assert "General Ledger: Accounts (List, View)" in sentence
    assert "Accounts Receivable: Invoices (List, View, Add, Edit, Delete)" in sentence
    assert nothing_stands(desk)


def test_a_right_that_one_kind_of_document_needs_is_told_with_the_setting_to_switch_it_off(desk: Desk) -> None:
    desk.both.intacct.set(denied=["APBILL", "SUPDOC"])
    said = "\n".join(desk.connect().lines)
    assert "Accounts Payable: Bills" in said
    assert "data.bills.enabled" in said
    assert "Company: Attachments" in said


def test_base_currencies_that_differ(desk: Desk) -> None:
    sentence = desk.refused(entity="EE")
    assert "EE keeps its books in EUR" in sentence
    assert "in GBP" in sentence
    assert nothing_stands(desk)


def test_a_month_without_requests(desk: Desk) -> None:
    desk.ledger.db.run(lambda s: s.execute("UPDATE site SET request_limit = 0"))
    assert "quota limit acme N" in desk.refused()


# ------------------------------------------------------------------------------------------------- both, one to one


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, f"Scoro entity {fixtures.SCORO_ENTITY} is connected already"),
        ({"scoro_entity": "other", "name": "second"}, f"Intacct entity {fixtures.ENTITY_ID} is connected already"),
    ],
    ids=["Scoro's entity", "Intacct's entity"],
)
def test_an_entity_that_is_taken(desk: Desk, changes: dict[str, Any], words: str) -> None:
    desk.both.scoro.set(entities=[fixtures.SCORO_ENTITY, "other"])
    desk.connect()
    before = desk.requests()
    with pytest.raises(ConnectError, match=words):
        desk.connect(**changes)
    assert desk.count("connection") == 1
    assert desk.requests() == before, "said before anything is asked"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, f"Scoro entity {fixtures.SCORO_ENTITY} is connected already"),
        ({"scoro_entity": "other"}, f"Intacct entity {fixtures.ENTITY_ID} is connected already"),
        ({"scoro_entity": "other", "entity": "EE", "name": fixtures.SCORO_ENTITY}, "choose another name with --name"),
    ],
    ids=["Scoro's entity", "Intacct's entity", "name"],
)
def test_of_two_at_once_the_second_is_refused_by_the_constraint(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], words: str
) -> None:
    desk.both.scoro.set(entities=[fixtures.SCORO_ENTITY, "other"])
    monkeypatch.setattr("console.actions.fitness.check_base_currency", lambda *_: fitness.BaseCurrency("GBP"))
    read = connecting._read_intacct

    def meanwhile(*args: Any, **options: Any) -> IntacctBackground:
        found = read(*args, **options)
        monkeypatch.setattr(connecting, "_read_intacct", read)
        desk.connect()
        return found

    monkeypatch.setattr(connecting, "_read_intacct", meanwhile)
    with pytest.raises(ConnectError, match=words):
        desk.connect(**changes)
    assert desk.count("connection") == 1


def test_a_name_that_is_taken(desk: Desk) -> None:
    desk.both.scoro.set(entities=[fixtures.SCORO_ENTITY, "other"])
    desk.connect(name="ours")
    before = desk.requests()
    with pytest.raises(ConnectError, match="There is a connection called ours already: choose another name"):
        desk.connect(scoro_entity="other", entity="EE", name="ours")
    assert desk.requests() == before


def test_what_was_disconnected_is_connected_again_under_a_name_that_is_free(desk: Desk) -> None:
    first = desk.connect().connection_id
    with using(desk.environment, desk.ledger) as runtime:
        for_good = desk.ledger.db.run(lambda s: connections.load(s, desk.ledger.vault, first))
        assert for_good is not None
        connecting.disconnect(runtime, for_good)
    desk.connect()
    rows = desk.ledger.db.run(lambda s: s.execute("SELECT name, state FROM connection ORDER BY id").fetchall())
    assert [(row["name"], row["state"]) for row in rows] == [
        (fixtures.SCORO_ENTITY, "disconnected"),
        (f"{fixtures.SCORO_ENTITY}-2", "rehearsal"),
    ]


def test_a_death_between_the_connection_and_its_reference_data_leaves_neither(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise SystemExit("killed")

    monkeypatch.setattr(reference, "replace", die)
    with pytest.raises(SystemExit):
        desk.connect()
    assert nothing_stands(desk)


# ------------------------------------------------------------------------------------------------- what is told


def test_clocks_that_differ_are_told_by_how_much(desk: Desk) -> None:
    desk.both.scoro.set(clock_offset_s=200)
    desk.both.intacct.set(clock_offset_s=-200)
    lines = [text for text in desk.connect().lines if "clock" in text]
    assert len(lines) == 2
    assert "Scoro is 200 s ahead of" in lines[0] or "Scoro is 199 s ahead of" in lines[0]
    assert "behind" in lines[1]
    assert "timedatectl" in lines[1]


@pytest.mark.parametrize("side", ["Scoro", "Intacct"])
def test_a_clock_that_would_mislead_look_ups(desk: Desk, side: str) -> None:
    getattr(desk.both, side.lower()).set(clock_offset_s=-600)
    sentence = desk.refused()
    assert sentence.startswith(f"The clock of {side} is ")
    assert "timedatectl" in sentence
    assert nothing_stands(desk)


def test_a_scoro_without_line_based_taxes_and_accounts_is_told_the_pages(desk: Desk) -> None:
    contact = desk.both.scoro.customer()
    bare = line(vat_code_id=None, finance_account_id=None)
    desk.both.scoro.invoice("INV-1", contact, bare, vat=20, vat_code_id=1)
    said = "\n".join(desk.connect().lines)
    assert "tick 'Use line based tax rates' under Settings > Sales and finance > Tax rates" in said
    assert "no line in Scoro has a finance account" in said


def test_a_scoro_with_both_is_told_nothing_of_them(desk: Desk) -> None:
    desk.both.scoro.invoice("INV-1", desk.both.scoro.customer())
    said = "\n".join(desk.connect().lines)
    assert "line based" not in said
    assert "finance account" not in said
