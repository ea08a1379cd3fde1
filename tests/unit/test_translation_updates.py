"""Edits of a posted invoice: lines keep their numbers, what is gone becomes 0.00, what is empty is emptied."""

from dataclasses import replace
from typing import Any

from tests.unit.translation_books import (
    CONTEXT,
    WITHOUT_TAX_SOLUTION,
    bill,
    invoice,
    line,
    settings,
    translate,
)
from workers.translation import Context, DocumentLink, Translation

DIMENSIONS = replace(
    CONTEXT,
    settings=settings(
        dimensions__fields__DEPARTMENT="c_department",
        dimensions__invoices__DEPARTMENT="true",
        dimensions__fields__REGION="c_region",
        dimensions__invoices__REGION="true",
    ),
)


def link(translation: Translation, state: str = "Posted") -> DocumentLink:
    return DocumentLink("77", translation.number, translation.line_numbers, state, translation.function)


def edit(before: Translation, payload: dict[str, Any], context: Context = CONTEXT) -> Translation:
    return translate(payload, replace(context, link=link(before)))


def body(translation: Translation) -> dict[str, Any]:
    found: dict[str, Any] = translation.function.model_dump()["body"]
    return found


def stored(translation: Translation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(translation)["updateinvoiceitems"]["updatelineitem"]
    return found


def added(translation: Translation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(translation)["updateinvoiceitems"].get("lineitem", [])
    return found


TWO_LINES = invoice(sum="200.00", vat_sum="40.00", lines=[line(id=1), line(id=2, comment="more")])


def test_an_edit_names_the_record_and_states_every_line_by_its_number() -> None:
    update = edit(translate(TWO_LINES), TWO_LINES | {"description": "New"})
    assert update.function.name == "update_invoice"
    assert update.function.attributes == {"key": "77"}
    assert [(item["@line_num"], item["amount"], item["memo"]) for item in stored(update)] == [
        ("1", "100.00", "Workshop two days"),
        ("2", "100.00", "Workshop more"),
    ]
    assert all(item["taxentries"]["taxentry"][0]["trx_tax"] == "20.00" for item in stored(update))
    assert (body(update)["description"], body(update)["action"], body(update)["customerid"]) == ("New", "Submit", "C-1")
    assert update.line_numbers == {"line:1": 1, "line:2": 2}


def test_an_edit_keeps_the_number_of_a_line_wherever_it_moves() -> None:
    moved = edit(translate(TWO_LINES), TWO_LINES | {"lines": [line(id=2, comment="more"), line(id=1)]})
    assert [(item["@line_num"], item["memo"]) for item in stored(moved)] == [
        ("1", "Workshop two days"),
        ("2", "Workshop more"),
    ]


def test_a_removed_line_stays_at_nothing_and_a_new_one_goes_after_the_highest_number() -> None:
    replaced = edit(translate(TWO_LINES), TWO_LINES | {"lines": [line(id=1), line(id=3, comment="new")]})
    assert stored(replaced)[1] == {
        "@line_num": "2",
        "amount": "0.00",
        "memo": "Removed in Scoro",
        "taxentries": {"taxentry": [{"detailid": "Standard", "trx_tax": "0.00"}]},
    }
    assert [item["memo"] for item in added(replaced)] == ["Workshop new"]
    assert replaced.line_numbers == {"line:1": 1, "line:2": 2, "line:3": 3}


def test_numbers_of_removed_lines_are_never_used_again() -> None:
    one_line = TWO_LINES | {"sum": "100.00", "vat_sum": "20.00", "lines": [line(id=1)]}
    removed = edit(translate(TWO_LINES), one_line)
    again = edit(removed, TWO_LINES | {"lines": [line(id=1), line(id=9)]})
    assert again.line_numbers == {"line:1": 1, "line:2": 2, "line:9": 3}
    back = edit(again, TWO_LINES)
    assert back.line_numbers == again.line_numbers
    assert [item["amount"] for item in stored(back)] == ["100.00", "100.00", "0.00"]


def test_a_removed_line_keeps_its_tax_detail_without_tax() -> None:
    zero = line(id=2, vat="0", vat_code_id=3)
    before = translate(TWO_LINES | {"vat_sum": "20.00", "lines": [line(id=1), zero]})
    removed = edit(before, TWO_LINES | {"sum": "100.00", "vat_sum": "20.00", "lines": [line(id=1)]})
    assert stored(removed)[1]["taxentries"] == {"taxentry": [{"detailid": "Zero", "trx_tax": "0.00"}]}
    later = edit(removed, TWO_LINES | {"sum": "100.00", "vat_sum": "20.00", "lines": [line(id=1, comment="x")]})
    assert stored(later)[1] == stored(removed)[1]


def test_without_a_tax_solution_tax_lines_are_kept_and_emptied_like_any_other() -> None:
    context = replace(CONTEXT, reference=WITHOUT_TAX_SOLUTION, settings=settings(accounts__tax_line="2200"))
    before = translate(invoice(), context)
    exempt = edit(before, invoice(vat_sum="0", lines=[line(vat="0", vat_code_id=3)]), context)
    assert before.line_numbers == exempt.line_numbers == {"line:11": 1, "tax:1": 2}
    assert stored(exempt)[1] == {"@line_num": "2", "amount": "0.00", "memo": "Removed in Scoro"}


def test_a_draft_stays_a_draft_and_a_posted_invoice_stays_posted() -> None:
    before = translate(invoice())
    drafts = replace(CONTEXT, settings=settings(defaults__invoice_status="draft"))
    assert body(translate(invoice(), replace(CONTEXT, link=link(before, "Draft"))))["action"] == "Draft"
    assert body(translate(invoice(), replace(drafts, link=link(before))))["action"] == "Submit"


def test_the_contact_person_is_payto_in_an_update() -> None:
    update = edit(translate(invoice()), invoice(person_name="Ann Lee"))
    assert body(update)["payto"] == {"contactname": "Ann Lee"}
    assert "billto" not in body(update)


def test_a_contact_person_who_is_gone_is_emptied() -> None:
    named, nobody = invoice(person_name="Ann Lee"), invoice(person_name="")
    gone = edit(translate(named), nobody)
    assert body(gone)["payto"] == {"contactname": ""}
    assert gone.function.attributes == {"key": "77", "set_nulls": "true"}
    assert "payto" not in body(edit(gone, nobody))
    assert "payto" not in body(edit(translate(nobody), nobody))
    assert "payto" not in body(translate(nobody, replace(CONTEXT, link=replace(link(translate(named)), previous=None))))


def test_a_credit_bill_that_is_no_longer_recognised_on_another_day_is_posted_on_its_own() -> None:
    context = replace(CONTEXT, settings=settings(accounts__ap_credit_sign="negative"))
    credit = {"sum": "-200.00", "vat_sum": "-40.00", "lines": [line(sum="-200.00", amount="-2")]}
    before = translate(bill(**credit, recognition_date="2026-02-28"), context, "bills")
    assert before.function.body["dateposted"] == "2026-02-28"
    context = replace(context, link=replace(link(before), object="APADJUSTMENT"))
    update = translate(bill(**credit, date="2026-03-05"), context, "bills").function
    assert (update.body["datecreated"], update.body["dateposted"]) == ("2026-03-05", "2026-03-05")


def test_texts_that_are_gone_are_emptied() -> None:
    before = translate(invoice(description="x", reference_no="y"))
    update = edit(before, invoice(lines=[line(product_name="", comment="")]))
    assert (body(update)["description"], body(update)["ponumber"], stored(update)[0]["memo"]) == ("", "", "")
    assert update.function.attributes == {"key": "77", "set_nulls": "true"}
    assert edit(update, invoice(lines=[line(product_name="", comment="")])).function.attributes == {"key": "77"}


def test_where_the_last_function_is_not_known_empty_texts_are_emptied_too() -> None:
    before = replace(link(translate(invoice())), previous=None)
    update = translate(invoice(), replace(CONTEXT, link=before))
    assert (body(update)["description"], body(update)["ponumber"]) == ("", "")


def test_dimensions_that_are_gone_are_emptied() -> None:
    marked = [{"id": "c_department", "value": "10"}, {"id": "c_region", "value": "7"}]
    before = translate(invoice(custom_fields=marked), DIMENSIONS)
    update = edit(before, invoice(), DIMENSIONS)
    assert stored(update)[0]["departmentid"] == ""
    assert stored(update)[0]["customfields"] == {
        "customfield": [{"customfieldname": "GLDIMREGION", "customfieldvalue": ""}]
    }


def test_a_line_that_comes_back_does_not_keep_the_dimensions_of_its_former_life() -> None:
    marked = line(id=2, custom_fields=[{"id": "c_department", "value": "10"}])
    before = translate(TWO_LINES | {"lines": [line(id=1), marked]}, DIMENSIONS)
    removed = edit(before, TWO_LINES | {"sum": "100.00", "vat_sum": "20.00", "lines": [line(id=1)]}, DIMENSIONS)
    back = edit(removed, TWO_LINES, DIMENSIONS)
    assert (stored(back)[1]["amount"], stored(back)[1]["departmentid"]) == ("100.00", "")


def test_a_change_to_the_base_currency_is_said() -> None:
    before = translate(invoice(currency="EUR", currency_rate="0.85"))
    update = edit(before, invoice())
    assert (body(update)["currency"], body(update)["exchrate"]) == ("GBP", "1")
    same = edit(before, invoice(currency="EUR", currency_rate="0.86"))
    assert (body(same)["currency"], body(same)["exchrate"]) == ("EUR", "0.86")
