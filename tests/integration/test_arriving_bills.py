"""Bills of Intacct come to Scoro where that is their direction, to the cent and once."""

from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from console.actions.settings import change
from db import changes
from schemas.kinds import Kind
from schemas.settings import SettingError
from tests.worlds.stand_ins import today
from tests.worlds.waiting import until
from tests.worlds.world import World

Record = dict[str, Any]


@pytest.fixture
def world(embedded_world: World) -> World:
    """A world whose bills come from Intacct."""
    embedded_world.set(
        accounts__payment_bank="1",
        data__receipts__start_date="2020-01-01",
        data__bills__start_date="2020-01-01",
        data__bills__direction="to_scoro",
        dimensions__bills__DEPARTMENT="true",
    )
    return embedded_world


def bill(world: World, number: str = "B-1", *, state: str = "Submit", lines: list[Record] | None = None) -> Record:
    """A bill that a person enters in Intacct."""
    given = lines or [
        {"ACCOUNTNO": "6000", "TRX_AMOUNT": "100.00", "ENTRYDESCRIPTION": "Design work", "DEPARTMENTID": "20"},
        {"ACCOUNTNO": "6010", "TRX_AMOUNT": "33.33", "ENTRYDESCRIPTION": "Hosting", "rate": "Reduced"},
        {"ACCOUNTNO": "6020", "TRX_AMOUNT": "10.00", "ENTRYDESCRIPTION": "Train", "rate": "Zero"},
    ]
    full = [
        {
            "LOCATIONID": "UK",
            **{name: text for name, text in row.items() if name != "rate"},
            "TAXENTRIES": [{"DETAILID": f"UK Purchase Goods {row.get('rate', 'Standard')} Rate", "TRX_TAX": ""}],
        }
        for row in given
    ]
    party = {"VENDORID": "V-1", "NAME": "Paper & Pens Ltd", "TAXID": "GB123456789"}
    made: Record = world.intacct.control(
        "enter/APBILL", {"party": party, "number": number, "action": state, "lines": full}
    )
    return made


def pulled(world: World) -> None:
    """Look at Intacct now, and come to rest."""
    world.pull()
    world.settle()


def test_a_bill_stands_in_scoro_with_its_supplier_and_total(world: World) -> None:
    with world.running(web=False):
        record = bill(world)
        pulled(world)
        (made,) = world.scoro.records("bills")
        (supplier,) = [row for row in world.scoro.records("contacts") if row["name"] == "Paper & Pens Ltd"]
        assert (made["no"], made["company_id"], made["date"]) == ("B-1", supplier["contact_id"], today())
        assert supplier["is_supplier"] == 1
        assert Decimal(made["sum"]) + Decimal(made["vat_sum"]) == Decimal(record["TRX_TOTALENTERED"])
        assert [row["finance_account_symbol"] for row in made["lines"]] == ["6000", "6010", "6020"]
        assert made["lines"][0]["custom_fields"][0]["value"] == "Delivery"
        pulled(world)
        assert len(world.scoro.records("bills")) == 1
    document = world.row("SELECT * FROM document WHERE kind = 'bill'")
    assert (document["state"], document["scoro_id"], document["inbound"]) == ("posted", made["id"], True)
    link = world.row("SELECT object, record_no FROM link WHERE document_id = %s", [document["id"]])
    assert link == {"object": "APBILL", "record_no": record["RECORDNO"]}
    assert not world.failures()
    assert not world.rows("SELECT FROM operation WHERE object IN ('APBILL', 'VENDOR')"), "nothing goes back"


def test_an_edit_in_intacct_changes_the_bill_and_keeps_its_lines(world: World) -> None:
    with world.running(web=True):
        record = bill(world)
        pulled(world)
        before = [row["id"] for row in world.scoro.records("bills")[0]["lines"]]
        world.execute("UPDATE clock SET shift = shift + interval '2 seconds'")
        world.intacct.control(
            f"edit/APBILL/{record['RECORDNO']}",
            {"fields": {"DESCRIPTION": "Second thoughts"}, "lines": [{"LINE_NO": "1", "TRX_AMOUNT": "150.00"}]},
        )
        pulled(world)
        (made,) = world.scoro.records("bills")
        assert made["description"] == "Second thoughts"
        assert [row["id"] for row in made["lines"]] == before
        assert made["lines"][0]["price"].startswith("150.00")
        held = world.intacct.control("records/APBILL")[0]
        assert Decimal(made["sum"]) + Decimal(made["vat_sum"]) == Decimal(held["TRX_TOTALENTERED"])
    assert not world.rows("SELECT FROM operation WHERE object = 'APBILL'")
    assert not world.failures()


def test_an_edit_of_lines_within_the_second_of_its_making_is_not_missed(world: World) -> None:
    """WHENMODIFIED has whole seconds, and of the edit only lines tell."""
    within = False
    with world.running(web=False):
        for number in range(MOST_TRIES):
            record = bill(world, f"B-{number}")
            world.pull()
            until(partial(_is_seen, world, record), "it is seen")
            edited = world.intacct.control(
                f"edit/APBILL/{record['RECORDNO']}", {"lines": [{"LINE_NO": "1", "ENTRYDESCRIPTION": "Corrected"}]}
            )
            pulled(world)
            assert world.scoro.records("bills")[-1]["lines"][0]["comment"] == "Corrected"
            if within := edited["WHENMODIFIED"] == record["WHENMODIFIED"]:
                break
    assert within, "none was edited within its second"


MOST_TRIES = 20


def _is_seen(world: World, record: Record) -> bool:
    return bool(world.rows("SELECT FROM pulled WHERE object = 'APBILL' AND record_no = %s", [record["RECORDNO"]]))


def test_a_payment_of_it_becomes_a_receipt_of_the_bill(world: World) -> None:
    with world.running(web=False):
        record = bill(world)
        world.intacct.pay({"recordno": record["RECORDNO"], "amount": record["TRX_TOTALENTERED"]}, object="APPYMT")
        pulled(world)
        (made,) = world.scoro.records("bills")
        (receipt,) = world.scoro.receipts()
        assert (receipt["invoice_id"], receipt["sales_doc_type"]) == (made["id"], "bills")
        assert made["status"] == "paid"


@pytest.mark.parametrize(
    ("status_filter", "arrived"),
    [("draft", {"B-D", "B-P", "B-S"}), ("submitted", {"B-P", "B-S"}), ("posted", {"B-P", "B-S"})],
)
def test_the_status_filter_lets_through_what_it_says(world: World, status_filter: str, arrived: set[str]) -> None:
    world.set(data__bills__status_filter=status_filter)
    with world.running(web=False):
        bill(world, "B-D", state="Draft")
        bill(world, "B-P")
        paid = bill(world, "B-S")
        world.intacct.pay({"recordno": paid["RECORDNO"], "amount": paid["TRX_TOTALENTERED"]}, object="APPYMT")
        pulled(world)
        assert {row["no"] for row in world.scoro.records("bills")} == arrived


def test_writes_whose_answers_are_lost_leave_one_bill_and_one_supplier(world: World) -> None:
    with world.running(web=False):
        world.scoro.fault("lost_after_commit", module="contacts", action="modify")
        for fault in ("lost_after_commit", "lost_before", "empty"):
            world.scoro.fault(fault, module="bills", action="modify", after=fault == "empty")
        for number in ("B-1", "B-2", "B-3"):
            bill(world, number)
        pulled(world)
    assert sorted(row["no"] for row in world.scoro.records("bills")) == ["B-1", "B-2", "B-3"]
    assert len([row for row in world.scoro.records("contacts") if row["name"] == "Paper & Pens Ltd"]) == 1
    ids = {row["scoro_id"] for row in world.rows("SELECT scoro_id FROM document WHERE kind = 'bill'")}
    assert ids == {row["id"] for row in world.scoro.records("bills")}


EDITS: dict[str, Record] = {
    "text": {"fields": {"DESCRIPTION": "Second thoughts"}},
    "due date": {"fields": {"WHENDUE": "12/31/2030"}},
    "amount": {"lines": [{"LINE_NO": "1", "TRX_AMOUNT": "150.00"}]},
    "line": {"lines": [{"LINE_NO": "2", "ENTRYDESCRIPTION": "Hosting, two months"}]},
    "dimension": {"lines": [{"LINE_NO": "1", "DEPARTMENTID": "30"}]},
}


@pytest.mark.parametrize(
    ("edit", "after"), [*((edit, False) for edit in EDITS), ("text", True)], ids=[*EDITS, "text, and all ran"]
)
def test_an_edit_whose_answer_is_lost_stands_in_scoro_all_the_same(world: World, edit: str, after: bool) -> None:
    def content() -> Record:
        (held,) = world.scoro.records("bills")
        return {**held, "modified_date": ""}

    with world.running(web=False):
        record = bill(world)
        pulled(world)
        before = content()
        world.scoro.fault("status_5xx", module="bills", action="modify", after=after)
        world.intacct.control(f"edit/APBILL/{record['RECORDNO']}", EDITS[edit])
        pulled(world)
        arrived = content()
        assert arrived != before
        pulled(world)
        assert content() == arrived
    (update,) = world.rows("SELECT attempts, doubted, state::text FROM scoro_write WHERE verb = 'update'")
    assert update == {"attempts": 1 if after else 2, "doubted": True, "state": "done"}
    assert not world.failures()


def test_an_account_that_scoro_does_not_have_is_a_failure_that_names_the_setting(world: World) -> None:
    world.execute("UPDATE reference SET active = false WHERE source = 'scoro' AND data ->> 'symbol' = '6000'")
    world.execute("UPDATE connection SET reference_version = reference_version + 1")
    with world.running(web=False):
        bill(world)
        pulled(world)
    (failure,) = world.failures()
    assert failure["code"] == "account_not_in_scoro"
    assert "accounts.map." in failure["fix"]
    assert not world.scoro.records("bills")


def test_the_direction_turns_only_when_nothing_is_under_way_and_sends_nothing_back(world: World) -> None:
    with world.running(web=True):
        world.scoro.fault("lost_before", module="bills", action="modify", count=1000)
        bill(world)
        world.pull()
        until(lambda: bool(world.rows("SELECT FROM document WHERE kind = 'bill' AND state = 'uncertain'")), "in doubt")
        turn = [("data.bills.direction", "from_scoro")]
        with pytest.raises(SettingError, match="a bill is on the way"):
            world.ledger.db.run(lambda ledger: change(ledger, world.connection_id, turn))
        world.scoro.clear_faults()
        world.settle()
        world.ledger.db.run(lambda ledger: change(ledger, world.connection_id, turn))
        (made,) = world.scoro.records("bills")
        world.scoro.control(f"edit/bills/{made['id']}", {"description": "by hand"})
        world.settle()
    assert not world.rows("SELECT FROM operation WHERE object = 'APBILL'")
    assert len(world.intacct.control("records/APBILL")) == 1


@pytest.mark.parametrize("webhook", ["first", "second"])
def test_a_webhook_that_comes_while_a_bill_is_settled_makes_no_second_document(world: World, webhook: str) -> None:
    bill(world)
    url = world.settings.database_url or ""
    with world.running(web=False), psycopg.connect(url, row_factory=dict_row) as hook:
        world.scoro.fault("slow", module="bills", action="modify", ms=1000)
        world.pull()
        until(lambda: bool(world.scoro.records("bills")), "the bill stands in Scoro, its answer is on its way")
        (made,) = world.scoro.records("bills")
        hook.execute(
            "INSERT INTO document (connection_id, module, kind, scoro_id) VALUES (%s, 'bills', 'bill', %s)",
            [world.connection_id, made["id"]],
        )
        if webhook == "second":
            hook.commit()
            changes.capture(
                hook, world.connection_id, Kind.BILL, [made["id"]], origin="webhook", actor="scoro", settle_ms=0
            )
        blocked = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        until(lambda: bool(world.rows(blocked)), "the settlement waits for the webhook")
        hook.commit()
        world.settle()
    (document,) = world.rows("SELECT id, state, scoro_id FROM document WHERE module = 'bills'")
    assert (document["state"], document["scoro_id"]) == ("posted", made["id"])
    assert not world.rows("SELECT FROM scoro_write WHERE doubted"), "it was settled by its answer"
