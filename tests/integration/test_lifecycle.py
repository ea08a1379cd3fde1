"""What becomes of a document after it was posted: deletions, closed periods, payments, lost lines, hands in Intacct."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import fixtures
from schemas.kinds import Kind
from tests.worlds.hands import Hands, hands_on
from tests.worlds.stand_ins import line, lines_of
from tests.worlds.world import World

OPEN_DAY, CLOSED_DAY = "2026-03-02", "2026-01-15"


@pytest.fixture
def hands(embedded_world: World) -> Iterator[Hands]:
    with hands_on(embedded_world) as made:
        yield made


def posted(hands: Hands, *lines: dict[str, Any], number: str = "INV-1", **fields: Any) -> int:
    """An invoice that stands in Intacct."""
    made = written(hands, *lines, number=number, **fields)
    hands.notice(made)
    assert hands.state(made)[0] == "posted", hands.state(made)
    return made


def written(hands: Hands, *lines: dict[str, Any], number: str = "INV-1", **fields: Any) -> int:
    """An invoice that stands in Scoro alone."""
    contact = hands.world.scoro.customer()
    given = {"date": OPEN_DAY, "deadline": OPEN_DAY, **fields}
    return hands.world.scoro.invoice(number, contact, *(lines or (line("100.00"),)), **given)


def functions(requests: list[dict[str, Any]]) -> list[str]:
    """The functions that wrote, in their order."""
    return [name for request in requests for name in request["functions"] if name != "query"]


# ------------------------------------------------------------------------------------------------- deletion


def test_a_document_that_was_deleted_in_scoro_is_held_unless_a_setting_says_otherwise(hands: Hands) -> None:
    made = posted(hands)
    hands.world.scoro.delete("invoices", made)
    assert hands.notice(made) == []
    state, reason = hands.state(made)
    assert state == "held"
    assert "still holds INV-1" in reason


@pytest.mark.parametrize("setting", ["delete_draft", "reverse"])
def test_a_draft_is_deleted(hands: Hands, setting: str) -> None:
    hands.world.change_settings({"data.invoices.on_delete": setting, "defaults.invoice_status": "draft"})
    made = posted(hands)
    assert hands.world.intacct.invoice("INV-1")["STATE"] == "Draft"
    hands.world.scoro.delete("invoices", made)
    assert functions(hands.notice(made)) == ["delete"]
    assert hands.world.intacct.invoices("INV-1") == []
    assert hands.state(made)[0] == "deleted"
    assert any("draft INV-1 is deleted" in note for note in hands.notes(made))
    assert hands.notice(made) == []


def test_a_posted_document_is_reversed_or_held_by_the_setting(hands: Hands) -> None:
    hands.world.change_settings({"data.invoices.on_delete": "delete_draft"})
    made = posted(hands)
    hands.world.scoro.delete("invoices", made)
    hands.notice(made)
    assert hands.state(made)[0] == "held"
    assert "no draft" in hands.state(made)[1]
    hands.world.change_settings({"data.invoices.on_delete": "reverse"})
    assert functions(hands.notice(made)) == ["reverse_invoice"]
    assert hands.world.intacct.invoice("INV-1")["STATE"] == "Reversed"
    assert hands.state(made) == ("deleted", "deleted in Scoro; INV-1 was reversed in Intacct")


def test_a_deleted_document_that_is_paid_is_held_with_a_failure(hands: Hands) -> None:
    hands.world.change_settings({"data.invoices.on_delete": "reverse"})
    made = posted(hands)
    pay(hands, "INV-1", "120.00")
    hands.world.scoro.delete("invoices", made)
    hands.notice(made)
    assert hands.state(made)[0] == "held"
    (failure,) = hands.world.failures()
    assert failure["code"] in {"already_paid", "wrong_state"}
    assert failure["fix"]
    assert hands.notice(made) == [], "it is not tried again by itself"


def test_a_credit_is_deleted_while_it_is_not_applied(hands: Hands) -> None:
    hands.world.change_settings({"data.invoices.on_delete": "reverse"})
    made = written(hands, line("-100.00"), number="CR-1")
    hands.notice(made)
    assert hands.state(made)[0] == "posted", hands.state(made)
    hands.world.scoro.delete("invoices", made)
    assert functions(hands.notice(made)) == ["delete"]
    assert hands.world.intacct.records("ARADJUSTMENT") == []
    assert hands.state(made)[0] == "deleted"


def test_a_document_that_comes_back_in_scoro_is_created_again(hands: Hands) -> None:
    hands.world.change_settings({"data.invoices.on_delete": "delete_draft", "defaults.invoice_status": "draft"})
    made = posted(hands)
    hands.world.scoro.delete("invoices", made)
    hands.notice(made)
    hands.world.scoro.control(f"restore/invoices/{made}", {})
    assert functions(hands.notice(made)) == ["create_invoice"]
    assert hands.state(made)[0] == "posted"
    assert hands.world.intacct.invoice("INV-1")["STATE"] == "Draft"


def pay(hands: Hands, number: str, amount: str) -> None:
    """Pay an invoice in Intacct."""
    record_no = hands.world.intacct.invoice(number)["RECORDNO"]
    hands.world.intacct.control("pay", {"documents": [{"recordno": record_no, "amount": amount}]})


# ------------------------------------------------------------------------------------------------- closed periods


def test_a_document_of_a_closed_period_waits_visibly_until_its_date_changes(hands: Hands) -> None:
    hands.world.intacct.set(closed_until="2026-01-31")
    made = written(hands, date=CLOSED_DAY)
    hands.notice(made)
    state, reason = hands.state(made)
    assert (state, "closed" in reason) == ("held", True)
    (failure,) = hands.world.failures()
    assert (failure["code"], failure["ids"]) == ("closed_period", [made])
    assert hands.notice(made) == [], "it is not tried again by itself"
    hands.send(made)
    assert hands.state(made)[0] == "held"
    hands.world.scoro.edit(made, date=OPEN_DAY)
    hands.notice(made)
    assert hands.state(made)[0] == "posted"
    assert hands.world.failures() == []


def test_a_held_document_goes_when_a_person_sends_it_after_the_period_was_opened(hands: Hands) -> None:
    hands.world.intacct.set(closed_until="2026-01-31")
    made = written(hands, date=CLOSED_DAY)
    hands.notice(made)
    hands.world.intacct.set(closed_until=None)
    hands.send(made)
    assert hands.state(made)[0] == "posted"
    assert hands.world.intacct.invoice("INV-1")["WHENPOSTED"] == "01/15/2026"


def test_the_next_open_day_that_intacct_names_is_taken_with_a_note(hands: Hands) -> None:
    hands.world.intacct.set(closed_until="2026-02-10")
    hands.world.change_settings({"closed_period": "next_open"})
    made = written(hands, date=CLOSED_DAY)
    requests = hands.notice(made)
    assert functions(requests) == ["create", "create_invoice", "create_invoice"]
    assert hands.state(made)[0] == "posted"
    booked = hands.world.intacct.invoice("INV-1")
    assert (booked["WHENCREATED"], booked["WHENPOSTED"]) == ("01/15/2026", "02/11/2026")
    assert any("2026-02-11" in note for note in hands.notes(made))
    assert hands.world.failures() == []

    hands.world.scoro.edit(made, description="Edited")
    assert functions(hands.notice(made)) == ["update_invoice"]
    assert hands.world.intacct.invoice("INV-1")["WHENPOSTED"] == "02/11/2026"


def test_without_a_named_day_the_first_of_each_month_is_tried_and_learned(hands: Hands) -> None:
    text = "The period is closed."
    hands.world.change_settings({"closed_period": "next_open"})
    hands.world.intacct.fault("error", function="create_invoice", contains="INV-1", count=3, description2=text)
    made = written(hands, date=CLOSED_DAY)
    hands.notice(made)
    assert hands.state(made)[0] == "posted"
    assert hands.world.intacct.invoice("INV-1")["WHENPOSTED"] == "04/01/2026"
    hands.world.intacct.fault("error", function="create_invoice", contains="INV-2", description2=text)
    other = written(hands, date=CLOSED_DAY, number="INV-2")
    hands.notice(other)
    assert hands.world.intacct.invoice("INV-2")["WHENPOSTED"] == "04/01/2026", "the closed months are known"


def test_where_no_day_until_today_is_open_the_document_is_held(hands: Hands) -> None:
    hands.world.intacct.set(closed_until="2099-12-31")
    hands.world.change_settings({"closed_period": "next_open"})
    made = written(hands, date=CLOSED_DAY)
    hands.notice(made)
    assert hands.state(made)[0] == "held"
    assert len(hands.world.failures()) == 1


# ------------------------------------------------------------------------------------------------- paid documents


def test_a_paid_invoice_whose_account_changed_is_reclassified(hands: Hands) -> None:
    made = posted(hands, line("100.00"), line("50.00"))
    pay(hands, "INV-1", "180.00")
    held = hands.world.scoro.record(made)["lines"]
    moved = {**held[0], "finance_account_id": fixtures.SCORO_ACCOUNT_IDS["4010"]}
    hands.world.scoro.edit(made, lines=[moved, held[1]])
    assert functions(hands.notice(made)) == ["update_invoice", "reclassify_invoice"]
    booked = hands.world.intacct.invoice("INV-1")
    assert [row["ACCOUNTNO"] for row in lines_of(booked)] == ["4010", "4000"]
    assert booked["STATE"] == "Paid"
    assert hands.state(made)[0] == "posted"
    assert hands.world.failures() == []
    assert any("reclassified" in note for note in hands.notes(made))
    assert hands.notice(made) == []

    back = {**held[0], "custom_fields": [{"id": "c_department", "value": "Delivery"}]}
    hands.world.scoro.edit(made, lines=[back, held[1]])
    assert functions(hands.notice(made)) == ["reclassify_invoice"], "it is known to be paid"
    first = lines_of(hands.world.intacct.invoice("INV-1"))[0]
    assert (first["ACCOUNTNO"], first["DEPARTMENTID"]) == ("4000", "20")


def test_a_paid_invoice_whose_amount_changed_is_held_with_the_reason(hands: Hands) -> None:
    made = posted(hands)
    pay(hands, "INV-1", "120.00")
    held = hands.world.scoro.record(made)["lines"]
    hands.world.scoro.edit(made, lines=[{**held[0], "price": "90.00"}])
    hands.notice(made)
    state, reason = hands.state(made)
    assert state == "held"
    assert "amounts or taxes" in reason
    (failure,) = hands.world.failures()
    assert failure["code"] == "paid_document"
    assert hands.notice(made) == [], "it is not tried again by itself"
    hands.world.scoro.edit(made, lines=[held[0]])
    hands.notice(made)
    assert hands.state(made)[0] == "posted"
    assert hands.world.failures() == []


# ------------------------------------------------------------------------------------------------- removed lines


def test_a_line_removed_from_a_draft_deletes_and_makes_it_again_in_one_request(hands: Hands) -> None:
    hands.world.change_settings({"defaults.invoice_status": "draft"})
    made = posted(hands, line("100.00"), line("50.00"))
    old = hands.world.intacct.invoice("INV-1")["RECORDNO"]
    hands.world.change_settings({"defaults.invoice_status": "submitted"})
    hands.world.scoro.edit(made, lines=hands.world.scoro.record(made)["lines"][:1])
    (request,) = hands.notice(made)
    assert request["functions"] == ["delete", "create_invoice"]
    assert 'transaction="true"' in request["xml"]
    booked = hands.world.intacct.invoice("INV-1")
    assert booked["RECORDNO"] != old
    assert booked["STATE"] == "Draft", "an update keeps the state it finds"
    assert len(lines_of(booked)) == 1
    assert hands.world.row("SELECT record_no FROM link WHERE object = 'ARINVOICE'")["record_no"] == booked["RECORDNO"]
    assert any("made again" in note for note in hands.notes(made))

    hands.world.scoro.edit(made, description="Edited")
    assert functions(hands.notice(made)) == ["update_invoice"]
    assert hands.world.intacct.invoice("INV-1")["STATE"] == "Draft"


def test_a_refused_half_leaves_the_draft_as_it_was(hands: Hands) -> None:
    hands.world.change_settings({"defaults.invoice_status": "draft"})
    made = posted(hands, line("100.00"), line("50.00"))
    old = hands.world.intacct.invoice("INV-1")["RECORDNO"]
    hands.world.intacct.fault(
        "error", function="create_invoice", description2="Invalid Customer 'C9' specified.", count=1
    )
    hands.world.scoro.edit(made, lines=hands.world.scoro.record(made)["lines"][:1])
    hands.notice(made)
    assert hands.state(made)[0] == "failed"
    assert hands.world.intacct.invoice("INV-1")["RECORDNO"] == old
    hands.send(made)
    assert hands.state(made)[0] == "posted"
    assert hands.world.intacct.invoice("INV-1")["RECORDNO"] != old


@pytest.mark.parametrize("fault", ["lost_after_commit", "lost_before"])
def test_a_lost_answer_of_a_replacement_is_looked_up(hands: Hands, fault: str) -> None:
    hands.world.change_settings({"defaults.invoice_status": "draft"})
    made = posted(hands, line("100.00"), line("50.00"))
    old = hands.world.intacct.invoice("INV-1")["RECORDNO"]
    hands.world.intacct.fault(fault)
    hands.world.scoro.edit(made, lines=hands.world.scoro.record(made)["lines"][:1])
    hands.notice(made)
    assert hands.state(made)[0] == "posted"
    booked = hands.world.intacct.invoice("INV-1")
    assert booked["RECORDNO"] != old
    assert hands.world.row("SELECT record_no FROM link WHERE object = 'ARINVOICE'")["record_no"] == booked["RECORDNO"]


# ------------------------------------------------------------------------------------------------- hands in Intacct


def post_by_hand(hands: Hands) -> str:
    """Somebody posts the draft in Intacct, and minutes pass."""
    record_no = str(hands.world.intacct.invoice("INV-1")["RECORDNO"])
    hands.world.intacct.control(f"edit/ARINVOICE/{record_no}", {"fields": {"ACTION": "Submit"}})
    assert hands.world.intacct.invoice("INV-1")["STATE"] == "Posted"
    hands.world.execute("UPDATE clock SET shift = shift + interval '5 minutes'")
    return record_no


def test_a_draft_that_was_posted_in_intacct_stays_posted(hands: Hands) -> None:
    hands.world.change_settings({"defaults.invoice_status": "draft"})
    made = posted(hands)
    post_by_hand(hands)
    hands.world.scoro.edit(made, description="Edited")
    assert [request["functions"] for request in hands.notice(made)] == [
        ["query"],
        ["query", "query", "update_invoice", "query"],
    ], "a draft is looked at before it is written"
    booked = hands.world.intacct.invoice("INV-1")
    assert (booked["STATE"], booked["DESCRIPTION"]) == ("Posted", "Edited")
    assert hands.state(made)[0] == "posted"


def test_a_draft_that_was_posted_in_intacct_is_not_made_again_when_it_loses_a_line(hands: Hands) -> None:
    hands.world.change_settings({"defaults.invoice_status": "draft"})
    made = posted(hands, line("100.00"), line("50.00"))
    record_no = post_by_hand(hands)
    hands.world.scoro.edit(made, lines=hands.world.scoro.record(made)["lines"][:1])
    assert functions(hands.notice(made)) == ["update_invoice"]
    booked = hands.world.intacct.invoice("INV-1")
    assert (booked["RECORDNO"], booked["STATE"]) == (record_no, "Posted")
    assert [row["TRX_AMOUNT"] for row in lines_of(booked)] == ["100.00", "0.00"]


def test_a_draft_that_was_posted_in_intacct_is_no_draft_to_be_deleted(hands: Hands) -> None:
    hands.world.change_settings({"defaults.invoice_status": "draft", "data.invoices.on_delete": "delete_draft"})
    made = posted(hands)
    post_by_hand(hands)
    hands.world.scoro.delete("invoices", made)
    assert functions(hands.notice(made)) == []
    assert hands.world.intacct.invoice("INV-1")["STATE"] == "Posted"
    assert hands.state(made)[0] == "held"


def test_a_draft_that_was_looked_at_just_now_costs_no_look(hands: Hands) -> None:
    hands.world.change_settings({"defaults.invoice_status": "draft"})
    made = posted(hands)
    hands.world.scoro.edit(made, description="Edited")
    assert len(hands.notice(made)) == 1
    hands.world.execute("UPDATE clock SET shift = shift + interval '5 minutes'")
    hands.world.scoro.edit(made, description="Edited again")
    assert len(hands.notice(made)) == 2


def test_a_look_at_a_draft_that_is_not_answered_is_made_again_later(hands: Hands) -> None:
    hands.world.change_settings({"defaults.invoice_status": "draft"})
    made = posted(hands)
    hands.world.execute("UPDATE clock SET shift = shift + interval '5 minutes'")
    hands.world.intacct.fault("lost_before")
    hands.world.scoro.edit(made, description="Edited")
    assert len(hands.notice(made)) <= 1, "it is not asked again at once"
    assert hands.state(made)[0] == "waiting"
    hands.world.execute("UPDATE clock SET shift = shift + interval '2 minutes'")
    hands.work()
    assert hands.world.intacct.invoice("INV-1")["DESCRIPTION"] == "Edited"


def test_a_document_that_was_deleted_in_intacct_is_held_when_it_is_edited(hands: Hands) -> None:
    made = posted(hands)
    record_no = hands.world.intacct.invoice("INV-1")["RECORDNO"]
    hands.world.intacct.control(f"delete/ARINVOICE/{record_no}", {})
    hands.world.scoro.edit(made, description="Edited")
    hands.notice(made)
    state, reason = hands.state(made)
    assert state == "held"
    assert "deleted in Intacct" in reason
    (failure,) = hands.world.failures()
    assert "documents keep invoice" in failure["fix"]
    hands.world.scoro.edit(made, description="Edited again")
    assert hands.notice(made) == []
    assert hands.state(made)[0] == "held"


def test_edits_on_demand_wait_for_a_person_and_say_so(hands: Hands) -> None:
    made = posted(hands)
    hands.world.change_settings({"data.invoices.updates": "on_demand"})
    hands.world.scoro.edit(made, description="Edited")
    assert hands.notice(made) == []
    state, reason = hands.state(made)
    assert state == "posted"
    assert "data.invoices.updates" in reason
    hands.send(made)
    assert hands.state(made) == ("posted", "")
    assert hands.world.intacct.invoice("INV-1")["DESCRIPTION"] == "Edited"


def test_a_bill_that_lost_a_line_is_updated_as_a_draft_too(hands: Hands) -> None:
    hands.world.change_settings({"data.bills.start_date": "2020-01-01", "defaults.bill_status": "draft"})
    vendor = hands.world.scoro.customer("Supplies Ltd", is_supplier=1)
    lines = [line("100.00", finance_account_id=fixtures.SCORO_ACCOUNT_IDS["6000"]) for _ in range(2)]
    made = hands.world.scoro.create(
        "bills", no="B-1", company_id=vendor, currency="GBP", date=OPEN_DAY, deadline=OPEN_DAY, lines=lines
    )
    hands.notice(int(made["id"]), kind=Kind.BILL)
    assert hands.state(int(made["id"]), Kind.BILL)[0] == "posted", hands.state(int(made["id"]), Kind.BILL)
    hands.world.scoro.change("bills", int(made["id"]), lines=made["lines"][:1])
    assert functions(hands.notice(int(made["id"]), kind=Kind.BILL)) == ["update"]
    (bill,) = hands.world.intacct.records("APBILL")
    assert (bill["STATE"], len(lines_of(bill))) == ("Draft", 1)


# ------------------------------------------------------------------------------------------------- bills


def bill(hands: Hands, *accounts: str, **fields: Any) -> int:
    """A bill that was captured; its lines are of 100.00 each."""
    hands.world.change_settings({"data.bills.start_date": "2020-01-01"})
    vendor = hands.world.scoro.customer("Supplies Ltd", is_supplier=1)
    lines = [line("100.00", finance_account_id=fixtures.SCORO_ACCOUNT_IDS[account]) for account in accounts]
    given = {"no": "B-1", "currency": "GBP", "date": OPEN_DAY, "deadline": OPEN_DAY, **fields}
    made = int(hands.world.scoro.create("bills", company_id=vendor, lines=lines, **given)["id"])
    hands.notice(made, kind=Kind.BILL)
    return made


def test_a_deleted_bill_is_reversed(hands: Hands) -> None:
    hands.world.change_settings({"data.bills.on_delete": "reverse"})
    made = bill(hands, "6000")
    hands.world.scoro.delete("bills", made)
    assert functions(hands.notice(made, kind=Kind.BILL)) == ["reverse_bill"]
    assert hands.state(made, Kind.BILL)[0] == "deleted"
    assert {row["STATE"] for row in hands.world.intacct.records("APBILL")} == {"Reversed", "Reversal"}


def test_a_paid_bill_whose_account_changed_is_reclassified(hands: Hands) -> None:
    made = bill(hands, "6000", "6010")
    (booked,) = hands.world.intacct.records("APBILL")
    paid = {"recordno": booked["RECORDNO"], "amount": booked["TRX_TOTALENTERED"]}
    hands.world.intacct.control("pay", {"object": "APPYMT", "documents": [paid]})
    (record,) = hands.world.scoro.records("bills")
    moved = {**record["lines"][1], "finance_account_id": fixtures.SCORO_ACCOUNT_IDS["6020"]}
    hands.world.scoro.change("bills", made, lines=[record["lines"][0], moved])
    assert functions(hands.notice(made, kind=Kind.BILL)) == ["update", "reclassify_bill"]
    assert hands.state(made, Kind.BILL)[0] == "posted", hands.state(made, Kind.BILL)
    (booked,) = hands.world.intacct.records("APBILL")
    assert [row["ACCOUNTNO"] for row in lines_of(booked)] == ["6000", "6020"]


def test_a_bill_of_a_closed_period_is_posted_on_the_next_open_day(hands: Hands) -> None:
    hands.world.intacct.set(closed_until="2026-01-31")
    hands.world.change_settings({"closed_period": "next_open"})
    made = bill(hands, "6000", date=CLOSED_DAY, deadline=CLOSED_DAY)
    assert hands.state(made, Kind.BILL)[0] == "posted", hands.state(made, Kind.BILL)
    (booked,) = hands.world.intacct.records("APBILL")
    assert (booked["WHENCREATED"], booked["WHENPOSTED"]) == ("01/15/2026", "02/01/2026")
    hands.world.scoro.change("bills", made, date=OPEN_DAY)
    hands.notice(made, kind=Kind.BILL)
    (booked,) = hands.world.intacct.records("APBILL")
    assert (booked["WHENCREATED"], booked["WHENPOSTED"]) == ("03/02/2026", "03/02/2026"), "its own day is open"


def test_what_was_posted_in_a_period_that_is_closed_since_is_held_when_it_is_edited(hands: Hands) -> None:
    hands.world.change_settings({"closed_period": "next_open"})
    made = posted(hands)
    hands.world.intacct.set(closed_until="2026-03-31")
    hands.world.scoro.edit(made, description="Edited")
    assert functions(hands.notice(made)) == ["update_invoice"]
    assert hands.state(made)[0] == "held"
    (failure,) = hands.world.failures()
    assert "closed since" in failure["fix"]
    hands.world.scoro.edit(made, description="")
    hands.notice(made)
    assert hands.state(made)[0] == "posted"
    assert hands.world.failures() == []
