"""Held documents: a person keeps what Intacct holds, or has it hold what Scoro says."""

from collections.abc import Iterator
from typing import Any

import pytest

from console.actions import documents, held
from console.actions.documents import NotDoneError
from schemas.kinds import Kind
from tests.integration.test_lifecycle import CLOSED_DAY, functions, posted, written
from tests.worlds import books
from tests.worlds.hands import Hands, hands_on
from tests.worlds.stand_ins import line, lines_of
from tests.worlds.world import World

WHO = "cli:olga"


@pytest.fixture
def hands(embedded_world: World) -> Iterator[Hands]:
    with hands_on(embedded_world) as made:
        yield made


def keep(hands: Hands, scoro_id: int, choice: Any) -> str:
    (said,) = held.keep(hands.runtime, hands.world.connection, Kind.INVOICE, scoro_id, choice, actor=WHO)
    return said


def deleted_in_intacct(hands: Hands) -> int:
    """An invoice that was deleted in Intacct, and edited in Scoro since."""
    made = posted(hands)
    record_no = hands.world.intacct.invoice("INV-1")["RECORDNO"]
    hands.world.intacct.control(f"delete/ARINVOICE/{record_no}", {})
    hands.world.scoro.edit(made, description="Edited")
    hands.notice(made)
    assert hands.state(made)[0] == "held"
    return made


def test_a_record_that_is_gone_is_made_again_by_ours(hands: Hands) -> None:
    made = deleted_in_intacct(hands)
    assert "made again" in keep(hands, made, "ours")
    hands.work()
    assert hands.state(made)[0] == "posted"
    assert hands.world.intacct.invoice("INV-1")["DESCRIPTION"] == "Edited"
    assert hands.world.failures() == []


def test_a_record_that_is_gone_stays_gone_by_theirs(hands: Hands) -> None:
    made = deleted_in_intacct(hands)
    assert "stays deleted" in keep(hands, made, "theirs")
    assert hands.state(made)[0] == "ignored"
    assert hands.world.failures() == []
    hands.world.scoro.edit(made, description="Edited again")
    assert hands.notice(made) == []
    hands.send(made)
    assert hands.world.intacct.invoice("INV-1")["DESCRIPTION"] == "Edited again"


def wrong_total(hands: Hands) -> int:
    """An invoice of which Intacct holds another total."""
    hands.world.intacct.set(total_skew="0.01")
    made = written(hands)
    hands.notice(made)
    hands.world.intacct.set(total_skew="0")
    assert hands.state(made)[0] == "failed"
    return made


def test_another_total_is_kept_or_written_again(hands: Hands) -> None:
    made = wrong_total(hands)
    assert hands.notice(made) == [], "a poll changes nothing"
    assert hands.state(made)[0] == "failed"
    keep(hands, made, "theirs")
    assert hands.state(made)[0] == "linked"
    assert hands.world.failures() == []
    hands.world.scoro.edit(made, description="Edited")
    assert functions(hands.notice(made)) == ["update_invoice"]
    assert hands.state(made)[0] == "posted"


def test_another_total_goes_when_a_person_keeps_ours_or_sends_it(hands: Hands) -> None:
    made = wrong_total(hands)
    keep(hands, made, "ours")
    assert functions(hands.work()) == ["update_invoice"]
    assert hands.state(made)[0] == "posted"
    assert hands.world.intacct.invoice("INV-1")["TRX_TOTALENTERED"] == "120.00"
    assert hands.world.failures() == []


def test_what_is_not_held_is_not_chosen_about(hands: Hands) -> None:
    made = posted(hands)
    with pytest.raises(NotDoneError, match="nothing to choose"):
        keep(hands, made, "ours")
    with pytest.raises(NotDoneError, match="never seen"):
        keep(hands, made + 1, "ours")


def test_a_closed_period_asks_and_a_person_posts_on_the_first_open_day(hands: Hands) -> None:
    hands.world.change_settings({"closed_period": "ask"})
    hands.world.intacct.set(closed_until="2026-02-10")
    made = written(hands, date=CLOSED_DAY)
    hands.notice(made)
    (failure,) = hands.world.failures()
    assert f"documents next-open invoice {made}" in failure["fix"]
    (said,) = held.next_open(hands.runtime, hands.world.connection, Kind.INVOICE, made, actor=WHO)
    assert "2026-02-11" in said
    hands.work()
    assert hands.state(made)[0] == "posted"
    assert hands.world.intacct.invoice("INV-1")["WHENPOSTED"] == "02/11/2026"
    with pytest.raises(NotDoneError, match="does not wait for a closed period"):
        held.next_open(hands.runtime, hands.world.connection, Kind.INVOICE, made, actor=WHO)


# ------------------------------------------------------------------------------------------------- edited by hand


def edited_by_hand(hands: Hands, **change: Any) -> int:
    """An invoice that somebody edited in Intacct, and that was edited in Scoro since."""
    made = posted(hands)
    hands.world.intacct.set(clock_offset_s=60)
    record_no = hands.world.intacct.invoice("INV-1")["RECORDNO"]
    hands.world.intacct.control(f"edit/ARINVOICE/{record_no}", change)
    hands.world.scoro.edit(made, reference_no="RF1")
    (request,) = hands.notice(made)
    assert request["functions"] == ["query", "query", "update_invoice", "query"], "an edit costs one request"
    return made


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"fields": {"DESCRIPTION": "By hand"}}, "DESCRIPTION was By hand"),
        ({"lines": [{"LINE_NO": "1", "ACCOUNTNO": "4010"}]}, "ACCOUNTNO of line 1 was 4010"),
        ({"lines": [{"LINE_NO": "1", "TRX_AMOUNT": "90.00"}]}, "TRX_TOTALENTERED was 110.00"),
    ],
)
def test_an_edit_that_replaced_one_of_intacct_is_held_with_what_stood_there(
    hands: Hands, change: dict[str, Any], named: str
) -> None:
    made = edited_by_hand(hands, **change)
    state, reason = hands.state(made)
    assert (state, named in reason) == ("held", True)
    (failure,) = hands.world.failures()
    assert failure["code"] == "edited_in_intacct"
    hands.world.scoro.edit(made, reference_no="RF2")
    assert hands.notice(made) == [], "held until a person has chosen"
    keep(hands, made, "ours")
    assert hands.state(made)[0] == "posted"
    assert hands.world.failures() == []
    assert functions(hands.notice(made)) == ["update_invoice"]
    assert hands.state(made)[0] == "posted", "our own edits are none by hand"


def test_what_was_entered_in_intacct_again_is_kept_by_theirs(hands: Hands) -> None:
    made = edited_by_hand(hands, fields={"DESCRIPTION": "By hand"})
    record_no = hands.world.intacct.invoice("INV-1")["RECORDNO"]
    hands.world.intacct.control(f"edit/ARINVOICE/{record_no}", {"fields": {"DESCRIPTION": "By hand"}})
    keep(hands, made, "theirs")
    assert hands.state(made)[0] == "linked"
    assert hands.notice(made) == []
    assert hands.world.intacct.invoice("INV-1")["DESCRIPTION"] == "By hand"


def test_what_only_moved_the_time_of_change_is_no_edit(hands: Hands) -> None:
    made = posted(hands)
    hands.world.intacct.set(clock_offset_s=60)
    record_no = hands.world.intacct.invoice("INV-1")["RECORDNO"]
    hands.world.intacct.control(f"edit/ARINVOICE/{record_no}", {})
    hands.world.scoro.edit(made, description="Edited")
    hands.notice(made)
    assert hands.state(made)[0] == "posted"


# ------------------------------------------------------------------------------------------------- adopted records


def test_edits_of_a_record_that_was_linked_by_hand_follow_line_by_line(hands: Hands) -> None:
    books.customer(hands.world, "C1", "Acme Ltd")
    record_no = books.invoice(hands.world, "INV-1", "C1", "50.00", "100.00", "30.00")
    made = written(hands, line("100.00"), line("50.00"), line("30.00"))
    documents.link(hands.runtime, hands.world.connection, Kind.INVOICE, made, record_no, actor=WHO)
    kept = hands.world.scoro.record(made)["lines"]
    hands.world.scoro.edit(made, lines=[{**kept[0], "price": "110.00"}, kept[1]])
    assert functions(hands.notice(made)) == ["update_invoice"]
    booked = hands.world.intacct.invoice("INV-1")
    assert [row["TRX_AMOUNT"] for row in lines_of(booked)] == ["50.00", "110.00", "0.00"]
    assert booked["RECORDNO"] == record_no
    assert booked["CUSTOMERID"] == "C1", "the contact stands there as the record's customer"
    assert hands.state(made)[0] == "posted"


def test_lines_of_a_record_that_was_found_are_read_before_the_first_edit(hands: Hands) -> None:
    made = posted(hands)
    hands.world.execute("UPDATE link SET function = NULL, line_numbers = '{}', seen = NULL, operation_id = NULL")
    hands.world.scoro.edit(made, description="Edited")
    reads, write = hands.notice(made)
    assert reads["functions"] == ["query", "query"]
    assert functions([write]) == ["update_invoice"]
    assert hands.world.intacct.invoice("INV-1")["DESCRIPTION"] == "Edited"
    assert len(lines_of(hands.world.intacct.invoice("INV-1"))) == 1
