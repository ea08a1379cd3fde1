"""Whether a function has happened, told from what a query of the invoice returns."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from schemas.intacct.functions import Function
from tests.unit.translation_books import CONTEXT, invoice, line, translate
from workers.translation import DocumentLink, matches_create, matches_update, posted_lines, total_of

BEFORE = translate(invoice(sum="200.00", vat_sum="40.00", lines=[line(id=1), line(id=2)], description="Old"))
LINK = DocumentLink("77", BEFORE.number, BEFORE.line_numbers, "Posted", BEFORE.function)
AFTER = translate(
    invoice(
        reference_no="PO-7",
        sum="150.00",
        vat_sum="30.00",
        lines=[line(id=1), line(id=3, sum="50.00", comment=" new \n")],
    ),
    replace(CONTEXT, link=LINK),
)
HEADER = {
    "RECORDID": "20260220",
    "CUSTOMERID": "C-1",
    "DESCRIPTION": "",
    "DOCNUMBER": "PO-7",
    "WHENCREATED": "03/01/2026",
    "WHENDUE": "03/31/2026",
    "CURRENCY": "GBP",
    "TRX_TOTALENTERED": "180",
}


def row(number: int, amount: str, memo: str, **fields: str) -> dict[str, str]:
    return {
        "LINE_NO": str(number),
        "ACCOUNTNO": "4000",
        "TRX_AMOUNT": amount,
        "ENTRYDESCRIPTION": memo,
        "LOCATIONID": "UK",
        "DEPARTMENTID": "",
        "PARENTENTRY": "",
    } | fields


LINES = [
    row(1, "100", "Workshop two days"),
    row(2, "0", "Removed in Scoro", ACCOUNTNO="4000"),
    row(3, "50.00", "Workshop new"),
    row(3, "10.00", "VAT", PARENTENTRY="812", ACCOUNTNO="2200"),
]


def test_an_update_has_happened_where_all_that_it_states_is_there() -> None:
    assert matches_update(AFTER.function, HEADER, LINES)
    assert not matches_update(BEFORE.function, HEADER, LINES)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("RECORDID", "1"),
        ("CUSTOMERID", "C-2"),
        ("DESCRIPTION", "Old"),
        ("DOCNUMBER", "x"),
        ("WHENCREATED", "01/03/2026"),
        ("WHENDUE", ""),
        ("TRX_TOTALENTERED", "180.01"),
        ("TRX_TOTALENTERED", ""),
    ],
)
def test_another_header_is_another_state(field: str, value: str) -> None:
    assert not matches_update(AFTER.function, HEADER | {field: value}, LINES)


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        (0, {"TRX_AMOUNT": "100.01"}),
        (0, {"TRX_AMOUNT": ""}),
        (0, {"ACCOUNTNO": "4010"}),
        (0, {"ENTRYDESCRIPTION": "x"}),
        (0, {"LOCATIONID": "EE"}),
        (1, {"TRX_AMOUNT": "100.00"}),
        (2, {"LINE_NO": "4"}),
    ],
)
def test_another_line_is_another_state(place: int, fields: dict[str, str]) -> None:
    lines = [one | fields if index == place else one for index, one in enumerate(LINES)]
    assert not matches_update(AFTER.function, HEADER, lines)


def test_a_missing_and_an_extra_line_are_another_state() -> None:
    assert not matches_update(AFTER.function, HEADER, LINES[:2])
    assert not matches_update(AFTER.function, HEADER, [*LINES, row(4, "0", "")])


def test_what_was_not_asked_for_is_not_compared() -> None:
    lines = [{key: one[key] for key in ("LINE_NO", "TRX_AMOUNT")} for one in LINES[:3]]
    assert matches_update(AFTER.function, {"RECORDID": "20260220"}, lines)


def test_the_state_before_is_told_too() -> None:
    header = HEADER | {"DESCRIPTION": "Old", "TRX_TOTALENTERED": "240.00"}
    lines = [row(1, "100.00", "Workshop two days"), row(2, "100.00", "Workshop two days")]
    assert matches_update(BEFORE.function, header, lines)
    assert not matches_update(AFTER.function, header, lines)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"TRX_TOTALENTERED": "240"}, True),
        ({"TRX_TOTALENTERED": "240.00", "STATE": "Paid"}, True),
        ({"TRX_TOTALENTERED": "240.01"}, False),
        ({"TRX_TOTALENTERED": "240", "CUSTOMERID": "C-2"}, False),
        ({"TRX_TOTALENTERED": "240", "RECORDID": "20260221"}, False),
        ({"TRX_TOTALENTERED": "not shown"}, False),
        ({"TRX_TOTALENTERED": "sNaN"}, False),
    ],
)
def test_a_create_has_happened_where_number_customer_and_total_are_equal(
    fields: dict[str, Any], expected: bool
) -> None:
    assert matches_create(BEFORE.function, HEADER | fields) is expected


def test_lines_are_numbered_as_intacct_numbers_them() -> None:
    assert sorted(posted_lines(BEFORE.function)) == [1, 2]
    assert {number: item["amount"] for number, item in posted_lines(AFTER.function).items()} == {
        1: "100.00",
        2: "0.00",
        3: "50.00",
    }
    assert (total_of(BEFORE.function), total_of(AFTER.function)) == (Decimal("240.00"), Decimal("180.00"))


def test_a_function_read_back_from_json_is_compared_alike() -> None:
    stored = Function.model_validate(AFTER.function.model_dump(mode="json"))
    assert matches_update(stored, HEADER, LINES)
