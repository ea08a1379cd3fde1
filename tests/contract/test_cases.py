"""Every case of the table becomes exactly its XML, which the vendor's schema takes; the mapping names all of it."""

import re

import pytest
from lxml import etree

from clients.intacct.render import envelope
from schemas.document_types import DOCUMENT_TYPES
from schemas.intacct.functions import Function
from schemas.intacct.orders import GENERIC, check
from tests.contract.cases import CASES, FOLDER, Case
from tests.contract.test_vendor_schema import LOGIN, SENDER, needs_schema
from tests.contract.vendor_schema import assert_valid

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

CONTAINERS = {"lineitem", "updatelineitem", "taxentry", "detailid", "trx_tax", "contactname", "customfield"}
CONTAINERS |= {
    "customfieldname",
    "customfieldvalue",
    "APBILLITEM",
    "TAXENTRY",
    "DETAILID",
    "TRX_TAX",
    "attachments",
    "attachment",
}
"""What only holds other elements, or stands below one that the mapping names."""
KEYS = {"RECORDNO"}


@every_case
def test_a_case_becomes_exactly_its_xml(case: Case) -> None:
    assert case.xml() == case.path.read_text(encoding="utf-8"), "if it is meant: python -m tests.contract.cases"


@needs_schema
@every_case
def test_the_vendors_schema_takes_it(case: Case) -> None:
    calls = [(f"id-{place}", function) for place, function in enumerate(case.functions())]
    for _, function in calls:
        check(function)
    assert_valid(envelope(SENDER, LOGIN, calls, unique=True, controlid="request-1"))


@every_case
def test_the_mapping_of_its_kind_names_every_element(case: Case) -> None:
    function = case.functions()[-1]
    credit = "ADJUSTMENT" in function.object
    named: set[str] = set()
    for row in DOCUMENT_TYPES[case.module].mapping:
        target = row.credit_target if credit and row.credit_target is not None else row.target
        named |= set(re.findall(r"\w+", target))
    unnamed = {name for name in _elements(function) if name not in named and not name.startswith("GLDIM")}
    assert unnamed <= CONTAINERS | KEYS | {name for name in unnamed if name.lower().endswith(("items", "apbill"))}


def test_there_is_no_file_without_its_case() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {case.name for case in CASES}


def _elements(function: Function) -> set[str]:
    """The names of all elements of a function as they are sent, dates and the function's own left out."""
    sent = envelope(SENDER, LOGIN, [("id", function)], unique=True, controlid="request")
    root = etree.fromstring(sent).find("operation/content/function")[0]  # type: ignore[index]
    body = root[0] if function.name in GENERIC else root
    dates = {"year", "month", "day"}
    return {str(element.tag) for element in body.iter() if element is not body} - dates
