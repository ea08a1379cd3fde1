"""Every answer of the table becomes exactly its JSON for Scoro; the mapping names all of it; asking for it is valid."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from clients.intacct.render import envelope
from schemas.arrivals import BILL_ARRIVAL, RECEIPT_ARRIVAL, SUPPLIER_ARRIVAL, written_fields
from schemas.intacct.orders import check
from schemas.mapping import MappingRow
from tests.contract.arrivals import ARRIVALS, FOLDER, Arrival
from tests.contract.test_vendor_schema import LOGIN, SENDER, needs_schema
from tests.contract.vendor_schema import assert_valid

every_case = pytest.mark.parametrize("case", ARRIVALS, ids=lambda case: case.name)

MAPPINGS: Mapping[str, tuple[tuple[MappingRow, ...], str]] = {
    "bills": (BILL_ARRIVAL, "lines"),
    "receipts": (RECEIPT_ARRIVAL, "receipts"),
    "contacts": (SUPPLIER_ARRIVAL, ""),
}
"""Module -> rows of the mapping, and the field that holds the parts."""


@every_case
def test_a_case_becomes_exactly_its_json(case: Arrival) -> None:
    again = "if it is meant: python -m tests.contract.arrivals"
    assert case.answer == (FOLDER / f"{case.name}.xml").read_text(encoding="utf-8"), again
    assert case.given == (FOLDER / f"{case.name}.json").read_text(encoding="utf-8"), again


@every_case
def test_an_answer_holds_what_was_asked_for(case: Arrival) -> None:
    for object_name, rows in case.records.items():
        assert {name for row in rows for name in row} <= case.fields(object_name)


@needs_schema
@every_case
def test_the_vendors_schema_takes_the_queries(case: Arrival) -> None:
    calls = [(f"id-{place}", function) for place, function in enumerate(case.asked())]
    for _, function in calls:
        check(function)
    assert_valid(envelope(SENDER, LOGIN, calls, unique=False, controlid="request-1"))


@every_case
def test_the_mapping_names_every_field(case: Arrival) -> None:
    for call in json.loads(case.given):
        rows, parts = MAPPINGS[call["module"]]
        held: list[dict[str, Any]] = call["request"].get(parts, [])
        named = written_fields(rows, "header") | ({parts} if parts == "receipts" else set())
        assert set(call["request"]) <= named
        assert {name for part in held for name in part} <= written_fields(rows, "line")


def test_every_field_of_the_mapping_is_written_by_some_case() -> None:
    calls = [call for case in ARRIVALS for call in json.loads(case.given)]
    for module, (rows, parts) in MAPPINGS.items():
        requests = [call["request"] for call in calls if call["module"] == module]
        assert written_fields(rows, "header") <= {name for request in requests for name in request}
        held = [part for request in requests for part in request.get(parts, [])]
        assert written_fields(rows, "line") <= {name for part in held for name in part}


def test_there_is_no_file_without_its_case() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {case.name for case in ARRIVALS}
