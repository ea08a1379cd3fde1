"""What the gateway can do to a request, one thing at a time: each ends right, no document stands twice.

Without deaths the quota's count is the gateway's own.
"""

import uuid
from typing import Any

import pytest

from app.wiring import gateway_of
from clients.intacct.gateway import Login
from sandbox import fixtures
from schemas.intacct.functions import Function
from tests.worlds.hands import hands_on
from tests.worlds.stand_ins import lines_of, today
from tests.worlds.waiting import until
from tests.worlds.world import World
from workers.delivery.settle import BISECT_BUDGET

FAULTS: dict[str, dict[str, Any]] = {
    "answer lost after the commit": {"fault": "lost_after_commit"},
    "lost before anything ran": {"fault": "lost_before"},
    "commit after the connection was cut": {"fault": "late_commit", "ms": 500},
    "5xx, nothing ran": {"fault": "status_5xx"},
    "5xx, all ran": {"fault": "status_5xx", "when": "after"},
    "an HTML page, nothing ran": {"fault": "html"},
    "an HTML page, all ran": {"fault": "html", "when": "after"},
    "an empty answer, nothing ran": {"fault": "empty"},
    "an empty answer, all ran": {"fault": "empty", "when": "after"},
    "slow": {"fault": "slow", "ms": 500},
}


@pytest.fixture
def world(embedded_world: World) -> World:
    return embedded_world


@pytest.mark.parametrize("what", FAULTS)
def test_a_create_and_an_update_survive(world: World, what: str) -> None:
    details = {**FAULTS[what]}
    fault = details.pop("fault")
    customer = world.scoro.customer()
    world.intacct.set(duplicate_numbers="allow")  # nothing but the product itself keeps an invoice from doubling
    with world.running():
        world.intacct.fault(fault, function="create_invoice", **details)
        invoice = world.scoro.invoice("INV-1", customer, description="First")
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        assert world.intacct.control("faults") == []
        created = world.intacct.invoice("INV-1")

        world.intacct.fault(fault, function="update_invoice", **details)
        world.scoro.edit(invoice, description="Second")
        until(lambda: world.intacct.control("faults") == [], "the fault has struck")
        world.settle()
    updated = world.intacct.invoice("INV-1")
    assert (created["DESCRIPTION"], updated["DESCRIPTION"]) == ("First", "Second")
    assert updated["RECORDNO"] == created["RECORDNO"]
    assert len(lines_of(updated)) == 1
    assert len(world.intacct.customers()) == 1
    assert world.document_is(invoice, "posted")
    assert world.failures() == []
    assert world.requests_used() == world.requests_received()


def test_a_throttled_request_goes_again_after_ten_seconds_with_all_that_came_since(world: World) -> None:
    customer = world.scoro.customer()
    with world.running():
        world.intacct.fault("throttled", function="create_invoice")
        first = world.scoro.invoice("INV-1", customer)
        until(lambda: world.row("SELECT throttled_until > ledger_now() AS yes FROM company")["yes"], "it is throttled")
        world.intacct.fault("throttled", count=None)  # whoever asks now has not waited
        before = world.requests_received()
        second = world.scoro.invoice("INV-2", customer)
        until(lambda: world.rows("SELECT FROM operation WHERE natural_key = 'INV-2'"), "the second is read")
        world.ring()
        until(lambda: not world.rows("SELECT FROM outbox"), "the bell has rung")
        waits = world.rows("SELECT extract(epoch FROM due_at - ledger_now()) AS s FROM operation WHERE attempts = 1")
        assert all(0 < row["s"] <= 10 for row in waits)
        assert world.requests_received() == before

        world.intacct.clear_faults()
        world.execute("UPDATE clock SET shift = '10 seconds'")
        until(lambda: world.document_is(first, "posted") and world.document_is(second, "posted"), "both are posted")
        world.settle()
    assert world.requests_received() == before + 1
    assert world.requests_used() == world.requests_received()
    assert world.failures() == []


@pytest.mark.parametrize("when", ["after", "before"])
def test_one_missing_result_among_many_is_looked_up(world: World, when: str) -> None:
    customer = world.scoro.customer()
    world.intacct.set(duplicate_numbers="allow")
    ids = [world.scoro.invoice(f"INV-{number}", customer) for number in range(1, 6)]
    with world.running():
        world.intacct.fault("missing_result", function="create_invoice", when=when)
        for invoice in ids:
            world.send(invoice)
        until(lambda: all(world.document_is(invoice, "posted") for invoice in ids), "all are posted")
        world.settle()
    assert sorted(row["RECORDID"] for row in world.intacct.invoices()) == [f"INV-{n}" for n in range(1, 6)]
    assert world.requests_used() == world.requests_received()


def test_a_customer_whose_creation_is_in_doubt_is_made_once(world: World) -> None:
    with world.running():
        world.intacct.fault("lost_before", function="create")
        invoice = world.scoro.invoice("INV-1", world.scoro.customer())
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        world.settle()
    assert len(world.intacct.customers()) == 1
    assert len(world.intacct.invoices("INV-1")) == 1


def book_by_hand(world: World, number: str, customer_id: str, amount: str) -> str:
    """Have somebody else book an invoice an hour ago; returns its RECORDNO."""
    login = Login(fixtures.COMPANY_ID, fixtures.USER_ID, fixtures.USER_PASSWORD, fixtures.ENTITY_ID)
    line = {
        "glaccountno": "4000",
        "amount": amount,
        "locationid": fixtures.ENTITY_ID,
        "taxentries": {"taxentry": {"detailid": "UK Sale Goods Standard Rate"}},
    }
    body = {
        "customerid": customer_id,
        "datecreated": today(),
        "datedue": today(),
        "invoiceno": number,
        "action": "Submit",
        "invoiceitems": {"lineitem": [line]},
    }
    world.intacct.set(clock_offset_s=-3600)
    with gateway_of(world.settings) as gateway:
        call = (str(uuid.uuid4()), Function(name="create_invoice", body=body))
        (result,) = gateway.send(login, [call], unique=True, deadline_s=10).results.values()
    world.intacct.set(clock_offset_s=0)
    assert result.succeeded, result
    return str(result.key)


def test_a_number_that_is_there_already_with_an_equal_total_is_linked(world: World) -> None:
    customer = world.scoro.customer()
    with world.running():
        first = world.scoro.invoice("INV-1", customer)
        until(lambda: world.document_is(first, "posted"), "the customer stands")
        record_no = book_by_hand(world, "INV-2", f"SCORO-{customer}", "100.00")
        second = world.scoro.invoice("INV-2", customer)
        until(lambda: world.document_is(second, "linked"), "the second is linked")
        world.settle()
    link = world.row(
        "SELECT record_no FROM link JOIN document d ON d.id = document_id WHERE d.scoro_id = %s AND kind = 'invoice'",
        [second],
    )
    assert link["record_no"] == record_no
    assert len(world.intacct.invoices("INV-2")) == 1
    assert world.failures() == []


def test_a_number_that_is_there_already_with_another_total_is_held_with_both_sums(world: World) -> None:
    customer = world.scoro.customer()
    with world.running():
        first = world.scoro.invoice("INV-1", customer)
        until(lambda: world.document_is(first, "posted"), "the customer stands")
        book_by_hand(world, "INV-2", f"SCORO-{customer}", "77.00")
        second = world.scoro.invoice("INV-2", customer)
        until(lambda: world.document_is(second, "held"), "the second is held")
        world.settle()
    reason = world.document(second)["reason"]
    assert "92.40" in reason
    assert "120.00" in reason
    assert len(world.intacct.invoices("INV-2")) == 1


def test_two_invoices_of_scoro_never_share_one_record(world: World) -> None:
    customer = world.scoro.customer()
    with world.running():
        first = world.scoro.invoice("INV-1", customer)
        until(lambda: world.document_is(first, "posted"), "the first is posted")
        second = world.scoro.invoice("INV-1", customer)
        until(lambda: world.document_is(second, "held"), "the second is held")
        world.settle()
    assert world.document_is(first, "posted")
    assert len(world.intacct.invoices("INV-1")) == 1
    assert world.rows("SELECT count(*) AS n FROM link WHERE object = 'ARINVOICE'") == [{"n": 1}]


def test_one_function_that_the_gateway_cannot_read_keeps_nothing_else_back(world: World) -> None:
    customer = world.scoro.customer()
    ids = [world.scoro.invoice(f"INV-{number}", customer) for number in range(1, 9)]
    with world.running():
        world.intacct.fault("schema", contains="<invoiceno>INV-3</invoiceno>", count=None)
        for invoice in ids:
            world.send(invoice)
        until(lambda: world.failures(), "the one that cannot be read is a failure")
        world.settle()
    (failure,) = world.failures()
    assert failure["ids"] == [ids[2]]
    assert failure["error_class"] == "bug"
    assert "INV-3" in failure["cause"]
    numbers = sorted(row["RECORDID"] for row in world.intacct.invoices())
    assert numbers == [f"INV-{number}" for number in range(1, 9) if number != 3]
    assert world.requests_used() == world.requests_received()


def test_of_fifty_in_a_pack_one_that_only_the_gateway_cannot_read_holds_up_none(world: World) -> None:
    customer = world.scoro.customer()
    ids = [world.scoro.invoice(f"INV-{number}", customer) for number in range(1, 51)]
    world.intacct.fault("schema", contains="<invoiceno>INV-31</invoiceno>", count=None)
    with hands_on(world) as hands:
        sent = hands.notice(*ids)
    assert sent[0]["functions"].count("create_invoice") == 50, "our own table of elements finds nothing wrong"
    numbers = {row["RECORDID"] for row in world.intacct.invoices()}
    assert numbers == {f"INV-{number}" for number in range(1, 51) if number != 31}
    rejected = world.row("SELECT count(*) AS n FROM request WHERE reason <> 'ok'")["n"]
    assert 2 <= rejected <= 8 < BISECT_BUDGET
    assert len(sent) <= 2 * rejected
    (failure,) = world.failures()
    assert failure["ids"] == [ids[30]]
    assert world.requests_used() == world.requests_received()


def test_a_refusal_of_intacct_is_a_failure_that_the_next_edit_clears(world: World) -> None:
    with world.running():
        world.intacct.set(multi_currency=False)
        rate = {"currency": "EUR", "currency_rate": "0.85"}
        invoice = world.scoro.invoice("INV-1", world.scoro.customer(), **rate)
        until(lambda: world.document_is(invoice, "failed"), "the invoice is refused")
        world.settle()
        (failure,) = world.failures()
        assert failure["ids"] == [invoice]
        assert "INV-1" in failure["cause"]
        assert failure["fix"]
        assert world.intacct.invoices() == []

        world.intacct.set(multi_currency=True)
        world.scoro.edit(invoice, description="Corrected")
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        world.settle()
    assert world.failures() == []
    assert world.intacct.invoice("INV-1")["DESCRIPTION"] == "Corrected"


def test_a_sign_in_that_is_refused_stops_the_connection_and_loses_nothing(world: World) -> None:
    with world.running():
        world.intacct.fault(
            "error", level="authentication", errorno="XL03000006", description2="Sign-in information is incorrect"
        )
        invoice = world.scoro.invoice("INV-1", world.scoro.customer())
        until(lambda: world.connection.state == "broken", "the connection is broken")
        assert world.connection.reason
        assert world.intacct.invoices() == []
        world.execute("UPDATE connection SET state = 'active'")
        world.ring()
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        world.settle()
    assert world.failures() == []
    assert len(world.intacct.invoices("INV-1")) == 1
