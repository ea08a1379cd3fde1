"""The pure rules of what becomes of documents: days of closed periods, reclassifications, lost lines, refusals."""

from datetime import date
from typing import Any

import pytest

from db.operations import Settlement
from schemas.errors import ErrorClass, Problem
from schemas.intacct.functions import Function, create, update
from schemas.intacct.orders import check
from schemas.intacct.results import FunctionResult, GatewayErrorEntry
from tests.unit.doubtful import doubtful
from workers.lifecycle.adopting import as_written, match_lines
from workers.lifecycle.endings import Rules, end, half_done
from workers.lifecycle.periods import PostingDay, first_named, next_day, posted_on, states_posting_day, tried_day
from workers.lifecycle.reclassify import reclassification
from workers.lifecycle.removals import plan_removal
from workers.lifecycle.replacing import as_draft, calls_of, half_of, loses_lines, result_of
from workers.translation.posted import posted_lines

TODAY = date(2026, 5, 20)
LINE = {"glaccountno": "4000", "amount": "100.00", "memo": "Work", "locationid": "UK"}


def invoice(*lines: dict[str, Any], **header: Any) -> Function:
    body = {"customerid": "C1", "datecreated": "2026-03-02", "invoiceno": "INV-1", "description": "As sent", **header}
    return Function(name="create_invoice", body={**body, "invoiceitems": {"lineitem": list(lines) or [LINE]}})


def edit(*lines: dict[str, Any], **header: Any) -> Function:
    body = {"customerid": "C1", "datecreated": "2026-03-02", "invoiceno": "INV-1", "description": "As sent", **header}
    numbered = [{"@line_num": str(place), **line} for place, line in enumerate(lines or (LINE,), start=1)]
    items = {"updateinvoiceitems": {"updatelineitem": numbered}}
    return Function(name="update_invoice", attributes={"key": "7"}, body={**body, **items})


def bill(*lines: dict[str, Any], key: str = "") -> Function:
    fields: dict[str, Any] = {"VENDORID": "V1", "RECORDID": "B-1", "WHENCREATED": "2026-03-02"}
    fields["APBILLITEMS"] = {"APBILLITEM": list(lines)}
    return update("APBILL", {"RECORDNO": key, **fields}) if key else create("APBILL", fields)


# ------------------------------------------------------------------------------------------------- days


@pytest.mark.parametrize(
    ("tried", "named", "closed_until", "expected"),
    [
        (PostingDay(date(2026, 1, 15)), date(2026, 2, 11), None, PostingDay(date(2026, 2, 11))),
        (PostingDay(date(2026, 1, 15)), None, None, PostingDay(date(2026, 2, 1))),
        (PostingDay(date(2026, 1, 31)), None, date(2026, 3, 1), PostingDay(date(2026, 4, 1))),
        (PostingDay(date(2020, 1, 15)), None, None, PostingDay(date(2025, 5, 1))),
        (PostingDay(date(2026, 5, 1)), None, None, PostingDay(TODAY)),
        (PostingDay(TODAY), None, None, None),
        (PostingDay(date(2026, 1, 15)), date(2026, 6, 1), None, None),
        # posted on the day that was named, and refused all the same: the document's date is what is judged
        (PostingDay(date(2026, 2, 11)), date(2026, 2, 11), None, PostingDay(date(2026, 2, 11), dated=True)),
        (PostingDay(date(2026, 2, 11), dated=True), date(2026, 2, 11), None, None),
    ],
)
def test_the_day_to_try_next(
    tried: PostingDay, named: date | None, closed_until: date | None, expected: PostingDay | None
) -> None:
    assert next_day(tried, named, closed_until, TODAY) == expected


def test_days_that_are_tried_one_after_the_other_come_to_an_end() -> None:
    tried: PostingDay | None = PostingDay(date(2025, 1, 15))
    tries = 0
    closed: date | None = None
    while tried is not None:
        closed = max(closed or tried.day, tried.day)
        tried = next_day(tried, None, closed, TODAY)
        tries += 1
    assert tries <= 15


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Date must be on or after 02/01/2026", date(2026, 2, 1)),
        ("closed 01/15/2026; on or after 2026-02-01", date(2026, 2, 1)),
        ("on or after 13/45/2026", None),
        ("The period is closed.", None),
    ],
)
def test_the_day_that_a_refusal_names(text: str, day: date | None) -> None:
    assert first_named(text) == day


@pytest.mark.parametrize("function", [invoice(), edit(), bill({"ACCOUNTNO": "6000"}), bill({}, key="7")])
def test_a_function_says_on_which_day_it_posts(function: Function) -> None:
    assert tried_day(function.model_dump(mode="json")) == PostingDay(date(2026, 3, 2))
    assert not states_posting_day(function)
    moved = posted_on(function, PostingDay(date(2026, 4, 1)))
    assert tried_day(moved.model_dump(mode="json")) == PostingDay(date(2026, 4, 1))
    assert states_posting_day(moved)
    dated = posted_on(function, PostingDay(date(2026, 4, 1), dated=True))
    assert tried_day(dated.model_dump(mode="json")) == PostingDay(date(2026, 4, 1), dated=True)


# ------------------------------------------------------------------------------------------------- reclassifications


def test_only_accounts_memos_and_dimensions_are_reclassified() -> None:
    after = {**LINE, "glaccountno": "4010", "departmentid": "20", "memo": "Other"}
    function = reclassification(edit(after), invoice({**LINE, "classid": "X"}), "7")
    assert isinstance(function, Function)
    check(function)
    (item,) = posted_items(function)
    assert item == {
        "@line_num": "1",
        "glaccountno": "4010",
        "memo": "Other",
        "locationid": "UK",
        "departmentid": "20",
        "classid": "",
    }


def posted_items(function: Function) -> list[Any]:
    items: Any = function.body["reclassifyitems"]
    return list(items["reclasslineitem"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (edit({**LINE, "amount": "90.00"}), "amounts or taxes"),
        (edit(LINE, LINE), "the number of lines"),
        (edit(description="Other"), "DESCRIPTION"),
        (edit(datecreated="2026-03-03"), "WHENCREATED"),
        (edit(currency="EUR", exchrate="1.2"), "CURRENCY, exchrate"),
    ],
)
def test_whatever_else_changed_is_named(changed: Function, said: str) -> None:
    assert reclassification(changed, invoice(), "7") == said


def test_a_bill_that_is_written_generically_is_reclassified_alike() -> None:
    before = {"ACCOUNTNO": "6000", "TRX_AMOUNT": "10.00", "GLDIMREGION": "1"}
    after = {"LINE_NO": "1", "ACCOUNTNO": "6100", "TRX_AMOUNT": "10.00", "PROJECTID": "P1"}
    function = reclassification(bill(after, key="7"), bill(before), "7")
    assert isinstance(function, Function)
    assert function.name == "reclassify_bill"
    check(function)
    (item,) = posted_items(function)
    fields = [{"customfieldname": "GLDIMREGION", "customfieldvalue": ""}]
    assert item == {
        "@line_num": "1",
        "glaccountno": "6100",
        "projectid": "P1",
        "customfields": {"customfield": fields},
    }


# ------------------------------------------------------------------------------------------------- lines


def test_lines_of_a_record_are_matched_by_account_and_amount_then_in_their_order() -> None:
    create_ = invoice({**LINE, "amount": "5.00"}, {**LINE, "amount": "7.00"}, {**LINE, "glaccountno": "4010"})
    rows = [
        {"LINE_NO": str(n), "ACCOUNTNO": account, "TRX_AMOUNT": amount, "PARENTENTRY": ""}
        for n, account, amount in ((1, "4010", "9.00"), (2, "4000", "7.00"), (4, "4000", "6.00"), (5, "4999", "1.00"))
    ]
    rows.append({"LINE_NO": "3", "ACCOUNTNO": "2200", "TRX_AMOUNT": "2.00", "PARENTENTRY": "12"})
    found = match_lines(create_, {"a": 1, "b": 2, "c": 3}, rows)
    assert found == {"a": 4, "b": 2, "c": 1, "unknown:5": 5}
    written = as_written(create_, "7", {"RECORDID": "INV-1", "CURRENCY": "GBP"}, rows, "GBP")
    assert sorted(posted_lines(written)) == [1, 2, 4, 5]
    assert "currency" not in written.body


def test_a_draft_that_loses_a_line_is_told_from_one_that_lost_it_before() -> None:
    removed = {"amount": "0.00", "memo": "Removed in Scoro"}
    assert loses_lines(edit(LINE, removed), invoice(LINE, LINE))
    assert not loses_lines(edit(LINE, removed), edit(LINE, removed))
    assert not loses_lines(edit(LINE, LINE), invoice(LINE, LINE))
    assert as_draft(invoice()).body["action"] == "Draft"


# ------------------------------------------------------------------------------------------------- refusals


def refused(code: str, *culprit: str) -> Problem:
    return Problem(ErrorClass.REFUSED, code, "It is refused.", "Do something.", culprit=culprit)


RULES = Rules("next_open", None, TODAY)


def ended(verb: str, problem: Problem, rules: Rules = RULES, *, state: str = "Posted") -> Settlement:
    function = invoice() if verb in {"create", "replace"} else edit()
    operation = doubtful(verb, "ARINVOICE", function, natural_key="INV-1", record_no="7", record_state=state)
    return end(operation, problem, rules)


def test_a_closed_period_is_planned_anew_held_or_asked_about_by_the_setting() -> None:
    problem = refused("closed_period", "04/01/2026")
    anew = ended("create", problem)
    assert anew.goes_on
    assert anew.follow_up is not None
    assert (anew.follow_up.post_on, anew.follow_up.closed_on) == (date(2026, 4, 1), date(2026, 3, 2))
    for setting in ("hold", "ask"):
        held = ended("create", problem, Rules(setting, None, TODAY))
        assert (held.state, held.goes_on) == ("waiting_person", False)
        assert "next-open" in str((held.problem or {})["fix"])


def test_what_is_posted_stays_in_its_period() -> None:
    held = ended("update", refused("closed_period", "04/01/2026"))
    assert (held.state, held.goes_on) == ("waiting_person", False)
    assert ended("update", refused("closed_period", "04/01/2026"), state="Draft").goes_on


@pytest.mark.parametrize(
    ("verb", "code", "state", "goes_on"),
    [
        ("update", "already_paid", "waiting_person", True),
        ("reclassify", "already_paid", "waiting_person", False),
        ("delete", "already_paid", "waiting_person", False),
        ("create", "already_paid", "refused", False),
        ("delete", "not_found_in_intacct", "posted", False),
        ("update", "not_found_in_intacct", "waiting_person", False),
        ("create", "not_found_in_intacct", "refused", False),
        ("update", "invalid_reference", "refused", False),
        ("create", "wrong_state", "refused", False),
        ("reverse", "wrong_state", "waiting_person", False),
    ],
)
def test_what_a_refusal_comes_to(verb: str, code: str, state: str, goes_on: bool) -> None:
    settlement = ended(verb, refused(code))
    assert (settlement.state, settlement.goes_on) == (state, goes_on)


def test_a_draft_that_somebody_posted_is_planned_anew_as_posted() -> None:
    anew = ended("update", refused("wrong_state", "Posted"), state="Draft")
    assert anew.goes_on
    assert anew.follow_up is not None
    assert anew.follow_up.record_state == "Posted"


# ------------------------------------------------------------------------------------------------- replacements


def answered(controlid: str, *, error: str = "", key: str = "") -> FunctionResult:
    errors = (GatewayErrorEntry("BL01001973", error),) if error else ()
    return FunctionResult(controlid, "x", "failure" if error else "success", key=key or None, errors=errors)


def test_halves_of_a_replacement_are_told_apart() -> None:
    operation = doubtful("replace", "ARINVOICE", invoice(), natural_key="INV-1", record_no="7")
    (deletes, deletion), (makes, creation) = calls_of([operation])
    assert (deletion.name, creation.name) == ("delete", "create_invoice")
    assert deletes != makes == operation.controlid

    both = {deletes: answered(deletes), makes: answered(makes, key="8")}
    assert (half_of(operation, both), result_of(operation, both)) == ("", both[makes])

    rolled_back = "The entire transaction in this operation has been rolled back due to an error."
    none = {
        deletes: FunctionResult(deletes, "x", "aborted", errors=(GatewayErrorEntry("XL03000009", rolled_back),)),
        makes: answered(makes, error="Invalid Customer 'C1' specified."),
    }
    result = result_of(operation, none)
    assert half_of(operation, none) == ""
    assert result is not None
    assert not result.succeeded
    assert [entry.description2 for entry in result.errors][-1] == "Invalid Customer 'C1' specified."

    twice = {deletes: answered(deletes, error="You cannot."), makes: answered(makes, key="8")}
    held = half_done(operation, half_of(operation, twice), twice)
    assert (held.state, held.record_no) == ("waiting_person", "8")
    gone = {deletes: answered(deletes), makes: answered(makes, error="Invalid Customer 'C1' specified.")}
    failed = half_done(operation, half_of(operation, gone), gone)
    assert failed.state == "refused"
    assert failed.follow_up is not None
    assert failed.follow_up.record_state == "Deleted"


# ------------------------------------------------------------------------------------------------- removals


@pytest.mark.parametrize(
    ("object_name", "state", "chosen", "expected"),
    [
        ("ARINVOICE", "Posted", "hold", None),
        ("ARINVOICE", "Draft", "hold", None),
        ("ARINVOICE", "Draft", "delete_draft", "delete"),
        ("ARINVOICE", "Posted", "delete_draft", None),
        ("ARINVOICE", "Draft", "reverse", "delete"),
        ("ARINVOICE", "Posted", "reverse", "reverse_invoice"),
        ("APBILL", "Posted", "reverse", "reverse_bill"),
        ("ARADJUSTMENT", "Posted", "reverse", "delete"),
        ("APADJUSTMENT", "Posted", "delete_draft", None),
        ("PROJECT", "", "reverse", None),
    ],
)
def test_how_the_record_of_a_deleted_document_goes(
    object_name: str, state: str, chosen: Any, expected: str | None
) -> None:
    link = {"object": object_name, "record_no": "7", "natural_key": "N-1", "record_state": state}
    planned = plan_removal(link, chosen, TODAY, "data.x.on_delete")
    if expected is None:
        assert isinstance(planned, str)
        assert "N-1" in planned
        return
    assert not isinstance(planned, str)
    check(planned.function)
    assert planned.function.name == expected
    assert "data.x.on_delete" in planned.note
