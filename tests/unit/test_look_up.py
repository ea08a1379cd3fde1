"""What a look-up asks, and what becomes of answers that are cut off, missing, refused or strange."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.operations import Sending
from schemas.intacct.functions import Function, create, delete
from schemas.intacct.orders import check
from schemas.intacct.results import FunctionResult, GatewayErrorEntry
from tests.unit.doubtful import NOW, doubtful
from workers.delivery.look_up import LOOK_UPS, Verdict, at_once, questions, verdict, verdicts

USER = "scoro"
CUSTOMER = create("CUSTOMER", {"CUSTOMERID": "C1"})


def invoice(lines: int = 1, name: str = "create_invoice", key: str = "") -> Function:
    item = {"glaccountno": "4000", "amount": "10.00"}
    if name == "create_invoice":
        return Function(name=name, body={"invoiceno": "N", "invoiceitems": {"lineitem": [item] * lines}})
    numbered = [{"@line_num": str(number), **item} for number in range(1, lines + 1)]
    return Function(name=name, attributes={"key": key}, body={"updateinvoiceitems": {"updatelineitem": numbered}})


def new_invoice(number: str = "N-1", **changes: Any) -> Sending:
    given = {"natural_key": number, "party": "C1", "total": "10.00"} | changes
    return doubtful("create", "ARINVOICE", invoice(), **given)


def edited_invoice(record_no: str, lines: int = 1) -> Sending:
    function = invoice(lines, "update_invoice", record_no)
    return doubtful("update", "ARINVOICE", function, natural_key="N-1", record_no=record_no, previous=invoice(lines))


def deleted_invoice(record_no: str, **changes: Any) -> Sending:
    return doubtful("delete", "ARINVOICE", delete("ARINVOICE", record_no), record_no=record_no, **changes)


def answer(*rows: Mapping[str, str], remaining: int = 0) -> FunctionResult:
    return FunctionResult("x", "query", "success", rows=rows, numremaining=remaining)


def refusal(number: str, text: str) -> FunctionResult:
    return FunctionResult("x", "query", "failure", errors=(GatewayErrorEntry(number, text),))


def row(number: str = "N-1", record_no: str = "77", **fields: str) -> dict[str, str]:
    return {
        "RECORDNO": record_no,
        "RECORDID": number,
        "CUSTOMERID": "C1",
        "STATE": "Posted",
        "TRX_TOTALENTERED": "10",
        "CREATEDBY": USER,
        "AUWHENCREATED": datetime.now(UTC).strftime("%m/%d/%Y %H:%M:%S"),
    } | fields


def values(function: Function) -> list[str]:
    """The keys that a query asks for."""
    condition: Any = function.body["filter"]
    return list(condition["in"]["value"])


# ------------------------------------------------------------------------------------------------- questions


def test_the_table_covers_what_can_be_written() -> None:
    documents = ("ARINVOICE", "ARADJUSTMENT", "APBILL", "APADJUSTMENT")
    assert set(LOOK_UPS) == {
        *((verb, name) for verb in ("create", "update", "delete") for name in documents),
        *(("replace", name) for name in documents if name != "APBILL"),
        *((verb, name) for verb in ("reverse", "reclassify") for name in ("ARINVOICE", "APBILL")),
        ("apply", "ARPYMT"),
        ("create", "ARPYMT"),
        ("create", "APPYMT"),
        ("create", "SUPDOC"),
        ("update", "SUPDOC"),
        ("create", "SUPDOCFOLDER"),
        ("update", "PROJECT"),
        ("attach", "ARINVOICE"),
        ("attach", "APBILL"),
        ("create", "CUSTOMER"),
        ("create", "VENDOR"),
        ("create", "PROJECT"),
    }


def test_what_several_want_of_a_record_is_asked_once() -> None:
    asked = questions([edited_invoice("7"), deleted_invoice("7"), deleted_invoice("8"), edited_invoice("7")])
    assert list(asked) == ["ARINVOICE by RECORDNO", "ARINVOICEITEM by RECORDKEY"]
    assert values(asked["ARINVOICE by RECORDNO"]) == ["7", "8"]
    assert values(asked["ARINVOICEITEM by RECORDKEY"]) == ["7"]


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (1000, [1000]), (1001, [1000, 1]), (2500, [1000, 1000, 500])])
def test_a_read_takes_a_thousand_keys(count: int, sizes: Sequence[int]) -> None:
    asked = questions([new_invoice(f"N-{number}") for number in range(count)])
    assert [len(values(function)) for function in asked.values()] == sizes
    assert len({key for function in asked.values() for key in values(function)}) == count
    for function in asked.values():
        check(function)


def test_lines_are_asked_for_in_portions_that_fit_into_a_page() -> None:
    asked = questions([edited_invoice(str(number), lines=100) for number in range(10)])
    assert [len(values(f)) for name, f in asked.items() if name.startswith("ARINVOICEITEM")] == [3, 3, 3, 1]


def test_attachments_are_asked_for_by_a_hundred() -> None:
    function = Function(name="create_supdoc", body={"supdocid": "S", "attachments": {"attachment": []}})
    operations = [doubtful("create", "SUPDOC", function, natural_key=f"S-{number}") for number in range(101)]
    asked = questions(operations)
    assert [function.attributes["maxitems"] for function in asked.values()] == ["100", "1"]
    for function in asked.values():
        check(function)


def test_one_look_up_asks_for_one_attachment_as_its_answer_holds_the_files() -> None:
    function = Function(name="create_supdoc", body={"supdocid": "S", "attachments": {"attachment": []}})
    files = [doubtful("create", "SUPDOC", function, natural_key=f"S-{number}") for number in range(3)]
    invoices = [new_invoice(f"N-{number}") for number in range(3)]
    assert at_once([files[0], *invoices, *files[1:]]) == [files[0], *invoices]


def test_nothing_is_asked_for_what_has_no_key() -> None:
    lost = doubtful("delete", "ARINVOICE", delete("ARINVOICE", "7"), natural_key="N-1")
    assert questions([lost]) == {}
    said = verdicts([lost], {}, USER)
    assert said[lost.id].happened is None


# ------------------------------------------------------------------------------------------------- answers


def test_what_was_not_answered_has_no_verdict() -> None:
    one, other = new_invoice(), doubtful("create", "CUSTOMER", CUSTOMER, natural_key="C1")
    said = verdicts([one, other], {"CUSTOMER by CUSTOMERID": answer()}, USER)
    assert said == {other.id: Verdict(False)}


def test_an_answer_without_the_lines_is_none() -> None:
    operation = edited_invoice("7")
    assert verdicts([operation], {"ARINVOICE by RECORDNO": answer(row(record_no="7"))}, USER) == {}


def test_absence_is_not_read_from_an_answer_that_was_cut_off() -> None:
    one, other = new_invoice("N-1"), new_invoice("N-2")
    cut_off = {"ARINVOICE by RECORDID": answer(row("N-1"), remaining=3)}
    assert verdicts([one, other], cut_off, USER) == {}, "another party's document may have the same number"
    whole = {"ARINVOICE by RECORDID": answer(row("N-1"))}
    assert {key: said.happened for key, said in verdicts([one, other], whole, USER).items()} == {
        one.id: True,
        other.id: False,
    }


def test_a_record_that_a_cut_off_answer_names_is_believed() -> None:
    there, missing = deleted_invoice("7"), deleted_invoice("8")
    cut_off = {"ARINVOICE by RECORDNO": answer(row(record_no="7"), remaining=1)}
    assert verdicts([there, missing], cut_off, USER) == {there.id: Verdict(False)}


def test_a_document_that_outgrows_a_page_is_for_a_person() -> None:
    operation = edited_invoice("7", lines=900)
    results = {
        "ARINVOICE by RECORDNO": answer(row(record_no="7")),
        "ARINVOICEITEM by RECORDKEY": answer({"RECORDKEY": "7"}, remaining=1),
    }
    said = verdicts([operation], results, USER)
    assert said[operation.id].happened is None
    assert "too long" in said[operation.id].reason


def test_the_second_portion_answers_for_its_own() -> None:
    operations = [new_invoice(f"N-{number:04}") for number in range(1001)]
    first, last = operations[0], operations[-1]
    said = verdicts(operations, {"ARINVOICE by RECORDID, 2": answer(row("N-1000"))}, USER)
    assert said == {last.id: Verdict(True, "77", "Posted")}
    said = verdicts(operations, {"ARINVOICE by RECORDID": answer()}, USER)
    assert first.id in said
    assert last.id not in said


@pytest.mark.parametrize(
    ("number", "text", "again"),
    [
        ("GW-0010", "API rate limit exceeded", True),
        ("X", "The Service is Temporarily Off-line", True),
        ("GW-0001", "Unable to process request", True),
        ("BL01001973", "You do not have permission for API operation READ", True),  # breaks the connection off
        ("Query Failed", "Invalid fields list FOO", False),
        ("BL99", "Nobody knows", False),
    ],
)
def test_a_refused_look_up_goes_on_or_ends(number: str, text: str, again: bool) -> None:
    operation = new_invoice()
    said = verdicts([operation], {"ARINVOICE by RECORDID": refusal(number, text)}, USER)
    if again:
        assert said == {}
    else:
        assert said[operation.id].happened is None
        assert said[operation.id].reason.startswith("Intacct refuses the look-up: ")


def test_a_right_that_files_alone_lack_holds_nothing_else_up() -> None:
    function = Function(name="create_supdoc", body={"supdocid": "S", "attachments": {"attachment": []}})
    file = doubtful("create", "SUPDOC", function, natural_key="S")
    (name,) = questions([file])
    said = verdicts([file], {name: refusal("BL01001973", "You do not have permission for API operation READ")}, USER)
    assert said[file.id].happened is None


# ------------------------------------------------------------------------------------------------- create


def moment(offset: timedelta) -> str:
    return (NOW + offset).strftime("%m/%d/%Y %H:%M:%S")


@pytest.mark.parametrize(
    ("fields", "happened", "before_us"),
    [
        ({}, True, False),
        ({"CREATEDBY": "1"}, True, False),
        ({"CREATEDBY": ""}, True, False),
        ({"CREATEDBY": "SCORO"}, True, False),
        ({"CREATEDBY": "anna"}, True, True),
        ({"AUWHENCREATED": moment(timedelta(minutes=-3))}, True, False),
        ({"AUWHENCREATED": moment(timedelta(minutes=-20))}, True, True),
        ({"AUWHENCREATED": "not a moment"}, True, False),
        ({"CUSTOMERID": "C2"}, False, False),
        ({"TRX_TOTALENTERED": "10.01"}, None, False),
        ({"TRX_TOTALENTERED": "-10"}, None, False),
        ({"TRX_TOTALENTERED": "NaN"}, None, False),
    ],
)
def test_whose_hand_a_created_document_is_from(
    fields: Mapping[str, str], happened: bool | None, before_us: bool
) -> None:
    said = verdict(new_invoice(), {"ARINVOICE by RECORDID": [row(**fields)]}, USER)
    assert (said.happened, said.before_us) == (happened, before_us)


def test_our_own_is_told_from_one_that_stood_there_before() -> None:
    old = row(record_no="70", AUWHENCREATED=moment(timedelta(days=-9)))
    said = verdict(new_invoice(), {"ARINVOICE by RECORDID": [old, row(record_no="77")]}, USER)
    assert said == Verdict(True, "77", "Posted")
    said = verdict(new_invoice(), {"ARINVOICE by RECORDID": [old, old]}, USER)
    assert said.happened is None


# ------------------------------------------------------------------------------------------------- update, delete


def item(number: int, amount: str = "10", **fields: str) -> dict[str, str]:
    return {"RECORDKEY": "7", "LINE_NO": str(number), "ACCOUNTNO": "4000", "TRX_AMOUNT": amount} | fields


@pytest.mark.parametrize(
    ("lines", "happened"),
    [
        ([item(1), item(2)], True),
        ([item(2), item(1)], True),
        ([item(1), item(1, PARENTENTRY="812"), item(2)], True),
        ([item(1), item(3)], None),
        ([item(1)], None),
        ([item(1), item(2), item(3)], None),
        ([item(1), item(2, "11")], None),
        ([item(1), item(2, "x")], None),
        ([item(1, LINE_NO=""), item(2)], None),
    ],
)
def test_every_line_counts(lines: Sequence[Mapping[str, str]], happened: bool | None) -> None:
    operation = doubtful(
        "update",
        "ARINVOICE",
        invoice(2, "update_invoice", "7"),
        record_no="7",
        previous=invoice(5),
    )
    rows = {
        "ARINVOICE by RECORDNO": [row(record_no="7", TRX_TOTALENTERED="20.00")],
        "ARINVOICEITEM by RECORDKEY": lines,
    }
    assert verdict(operation, rows, USER).happened is happened


def test_a_change_of_the_header_alone_leaves_the_lines_out_of_account() -> None:
    function = Function(
        name="update_invoice", attributes={"key": "7"}, body={"description": "New", "datedue": "2026-03-09"}
    )
    operation = doubtful("update", "ARINVOICE", function, record_no="7", previous=invoice())
    header = row(record_no="7", DESCRIPTION="New", WHENDUE="03/09/2026")
    assert verdict(operation, {"ARINVOICE by RECORDNO": [header]}, USER).happened is True
    assert verdict(operation, {"ARINVOICE by RECORDNO": [header | {"WHENDUE": "09/03/2026"}]}, USER).happened is None


def test_of_a_linked_document_without_a_known_past_only_the_new_content_counts() -> None:
    operation = doubtful("update", "ARINVOICE", invoice(1, "update_invoice", "7"), record_no="7")
    rows = {"ARINVOICE by RECORDNO": [row(record_no="7")], "ARINVOICEITEM by RECORDKEY": [item(1, "3")]}
    assert verdict(operation, rows, USER) == Verdict(False)


@pytest.mark.parametrize(
    ("before", "state", "happened"),
    [
        ("", "Posted", False),
        ("", "Draft", False),
        ("Posted", "Posted", False),
        ("Paid", "Paid", False),
        ("Draft", "Posted", None),
        ("Posted", "Partially Paid", None),
        ("", "Selected", None),
        ("", "", None),
        ("Posted", "Reversed", True),
    ],
)
def test_a_removal_is_told_by_the_state(before: str, state: str, happened: bool | None) -> None:
    operation = deleted_invoice("7", record_state=before)
    said = verdict(operation, {"ARINVOICE by RECORDNO": [row(record_no="7", STATE=state)]}, USER)
    assert said.happened is happened


# ------------------------------------------------------------------------------------------------- apply


def applying(*items: tuple[str, str]) -> Sending:
    shares = [{"invoicekey": key, "amount": amount} for key, amount in items]
    body = {"arpaymentkey": "9", "paymentdate": "2026-03-05", "arpaymentitems": {"arpaymentitem": shares}}
    return doubtful("apply", "ARPYMT", Function(name="apply_arpayment", body=body), natural_key="CR-1")


def detail(key: str, amount: str, adjustment: str = "9", **fields: str) -> dict[str, str]:
    return {"RECORDKEY": key, "ADJUSTMENTKEY": adjustment, "TRX_ADJUSTMENTAMOUNT": amount, "STATE": "C"} | fields


@pytest.mark.parametrize(
    ("details", "happened"),
    [
        ([], False),
        ([detail("1", "10.00"), detail("2", "5")], True),
        ([detail("1", "-10.00"), detail("2", "-5")], True),
        ([detail("1", "4"), detail("1", "6"), detail("2", "5")], True),
        ([detail("1", "10.00")], None),
        ([detail("1", "10.00"), detail("2", "5.01")], None),
        ([detail("1", "10", "8"), detail("2", "5", "8")], False),
        ([detail("1", "10", STATE="V"), detail("2", "5", STATE="V")], False),
        ([detail("1", "10", WHENMODIFIED="01/01/2020 00:00:00")], False),
    ],
)
def test_an_applied_credit_is_told_by_its_sums(details: Sequence[Mapping[str, str]], happened: bool | None) -> None:
    rows = {"ARPYMTDETAIL by RECORDKEY": details}
    assert verdict(applying(("1", "10.00"), ("2", "5.00")), rows, USER).happened is happened


def test_money_and_credit_in_one_detail_are_both_counted() -> None:
    own = {"RECORDKEY": "1", "TRX_PAYMENTAMOUNT": "7.00", "ADJUSTMENTKEY": "9", "TRX_ADJUSTMENTAMOUNT": "3.00"}
    function = create("ARPYMT", {"CUSTOMERID": "C1", "ARPYMTDETAILS": {"ARPYMTDETAIL": [own]}})
    operation = doubtful("create", "ARPYMT", function, natural_key="R-1")
    held = detail("1", "3.00", TRX_PAYMENTAMOUNT="7.00", PAYMENTKEY="55")
    assert verdict(operation, {"ARPYMTDETAIL by RECORDKEY": [held]}, USER) == Verdict(True, "55")


# ------------------------------------------------------------------------------------------------- anything

texts = st.dictionaries(
    st.sampled_from(["RECORDNO", "RECORDKEY", "RECORDID", "STATE", "TRX_TOTALENTERED", "AUWHENCREATED", "LINE_NO"]),
    st.one_of(st.sampled_from(["7", "N-1", "Posted", "10", "NaN", "1e999999"]), st.text(max_size=6)),
)


@given(rows=st.lists(texts.map(lambda fields: {"RECORDNO": "7"} | fields), max_size=4), remaining=st.integers(0, 2))
def test_no_answer_makes_it_raise(rows: list[dict[str, str]], remaining: int) -> None:
    operations = [new_invoice(), edited_invoice("7"), deleted_invoice("7"), applying(("7", "1.00"))]
    results = {name: answer(*rows, remaining=remaining) for name in questions(operations)}
    for said in verdicts(operations, results, USER).values():
        assert said.happened is not None or said.reason
