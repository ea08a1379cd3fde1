"""What a function leaves in Intacct: its lines by their numbers."""

from dataclasses import replace

from schemas.intacct.functions import Function
from tests.unit.translation_books import CONTEXT, invoice, line, translate
from workers.translation import DocumentLink, posted_lines

BEFORE = translate(invoice(sum="200.00", vat_sum="40.00", lines=[line(id=1), line(id=2)], description="Old"))
LINK = DocumentLink("77", BEFORE.number, BEFORE.line_numbers, "Posted", BEFORE.function)
AFTER = translate(
    invoice(sum="150.00", vat_sum="30.00", lines=[line(id=1), line(id=3, sum="50.00", comment=" new \n")]),
    replace(CONTEXT, link=LINK),
)


def test_lines_are_numbered_as_intacct_numbers_them() -> None:
    assert sorted(posted_lines(BEFORE.function)) == [1, 2]
    assert {number: item["amount"] for number, item in posted_lines(AFTER.function).items()} == {
        1: "100.00",
        2: "0.00",
        3: "50.00",
    }


def test_a_function_read_back_from_the_ledger_has_the_same_lines() -> None:
    kept = Function.model_validate(AFTER.function.model_dump(mode="json"))
    assert posted_lines(kept) == posted_lines(AFTER.function)
