"""Scoro's JSON and the exact function that it becomes, a row of the mapping at a time."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.intacct.functions import Function
from schemas.kinds import Kind
from schemas.scoro import read_contact, read_invoice
from tests.unit.translation_books import (
    CONTEXT,
    PAYER,
    REFERENCE,
    WITHOUT_TAX_SOLUTION,
    heading,
    invoice,
    line,
    settings,
    translate,
)
from workers.translation import Context
from workers.translation.memos import MAX_TEXT_CHARACTERS

DIMENSIONS = settings(
    dimensions__fields__DEPARTMENT="c_department",
    dimensions__invoices__DEPARTMENT="true",
    dimensions__fields__REGION="c_region",
    dimensions__invoices__REGION="true",
    dimensions__fields__CLASS="c_class",
)


def items(function: Function) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = function.model_dump()["body"]["invoiceitems"]["lineitem"]
    return found


def taxed(tax: str, detail: str = "Standard") -> dict[str, Any]:
    return {"taxentry": [{"detailid": detail, "trx_tax": tax}]}


def with_settings(**keys: str) -> Context:
    return replace(CONTEXT, settings=settings(**keys))


def test_a_plain_invoice_is_exactly_this() -> None:
    translation = translate(invoice(description="Spring\n work", reference_no="PO-7"))
    assert translation.function == Function(
        name="create_invoice",
        body={
            "customerid": "C-1",
            "datecreated": "2026-03-01",
            "datedue": "2026-03-31",
            "action": "Submit",
            "invoiceno": "20260220",
            "ponumber": "PO-7",
            "description": "Spring work",
            "invoiceitems": {
                "lineitem": [
                    {
                        "glaccountno": "4000",
                        "amount": "100.00",
                        "memo": "Workshop two days",
                        "locationid": "UK",
                        "taxentries": taxed("20.00"),
                    }
                ]
            },
        },
    )
    assert translation.function.object == "ARINVOICE"
    assert translation.line_numbers == {"line:11": 1}
    assert translation.notes == ()
    assert (translation.needs, translation.plans) == ((PAYER,), ())
    assert (translation.number, str(translation.total)) == ("20260220", "120.00 GBP")


HEADER_ROWS: list[tuple[dict[str, Any], Context, dict[str, Any]]] = [
    ({"deadline": "0000-00-00"}, CONTEXT, {"datedue": "2026-03-01"}),
    ({}, with_settings(defaults__invoice_status="draft"), {"action": "Draft"}),
    ({"currency": "EUR", "currency_rate": 0.8572}, CONTEXT, {"currency": "EUR", "exchrate": "0.8572"}),
    ({"currency": "EUR", "currency_rate": "1.000000"}, CONTEXT, {"currency": "EUR", "exchrate": "1"}),
    ({"person_name": "Ann Lee"}, CONTEXT, {"billto": {"contactname": "Ann Lee"}}),
    ({"description": "a & b <c>"}, CONTEXT, {"description": "a & b <c>"}),
]


@pytest.mark.parametrize(("fields", "context", "expected"), HEADER_ROWS)
def test_header_rows(fields: dict[str, Any], context: Context, expected: dict[str, Any]) -> None:
    body = translate(invoice(**fields), context).function.body
    assert {key: body[key] for key in expected} == expected


def test_base_currency_sends_no_currency_fields() -> None:
    body = translate(invoice(currency_rate="7.7")).function.body
    assert not {"currency", "exchrate", "basecurr", "exchratetype", "taxsolutionid"} & body.keys()


def test_a_contact_person_whom_intacct_does_not_know_is_left_out_with_a_note() -> None:
    person = read_contact({"contact_id": 9, "name": "Bo", "lastname": "Ek"})
    translation = translate(invoice(person_name="Ann Lee"), replace(CONTEXT, person=person))
    assert "billto" not in translation.function.body
    assert translation.notes == ("The contact person Bo Ek is not a contact in Intacct and was left out.",)


LINE_ROWS: list[tuple[dict[str, Any], Context, dict[str, Any]]] = [
    (
        {"finance_account_id": 7, "finance_account_symbol": "X"},
        with_settings(accounts__map__7="4010"),
        {"glaccountno": "4010"},
    ),
    ({"finance_account_id": 2, "finance_account_symbol": ""}, CONTEXT, {"glaccountno": "4010"}),
    (
        {"finance_account_id": 8, "finance_account_symbol": "Z9", "finance_account_name": "design"},
        CONTEXT,
        {"glaccountno": "4010"},
    ),
    ({"product_name": "", "comment": " a \n b "}, CONTEXT, {"memo": "a b"}),
    ({"product_name": "", "comment": ""}, with_settings(memo__template="{number}: {comment}"), {"memo": "20260220:"}),
    ({"project_name": "Relaunch"}, with_settings(memo__template="{project} {product}"), {"memo": "Relaunch Workshop"}),
    ({}, with_settings(location="EE"), {"locationid": "EE"}),
    ({"vat_code_id": "1"}, with_settings(taxes__1="standard"), {"taxentries": taxed("20.00")}),
    ({"vat": None}, CONTEXT, {"taxentries": taxed("20.00")}),
]


@pytest.mark.parametrize(("fields", "context", "expected"), LINE_ROWS)
def test_line_rows(fields: dict[str, Any], context: Context, expected: dict[str, Any]) -> None:
    (item,) = items(translate(invoice(lines=[line(**fields)]), context).function)
    assert {key: item[key] for key in expected} == expected


def test_the_project_of_the_header_stands_in_for_that_of_the_line() -> None:
    context = with_settings(memo__template="{project}")
    (item,) = items(translate(invoice(project_name="Relaunch"), context).function)
    assert item["memo"] == "Relaunch"


def test_a_company_with_one_entity_sends_no_location() -> None:
    (item,) = items(translate(invoice(), replace(CONTEXT, reference=replace(REFERENCE, multi_entity=False))).function)
    assert "locationid" not in item


def test_a_zero_rate_has_its_tax_entry_too() -> None:
    (item,) = items(translate(invoice(vat_sum="0", lines=[line(vat="0.000", vat_code_id=3)])).function)
    assert item["taxentries"] == taxed("0.00", "Zero")


def test_where_the_rate_is_the_documents_all_lines_have_it() -> None:
    lines = [line(vat=None, vat_code_id=None), line(id=12, vat="0.000", vat_code_id="")]
    translation = translate(invoice(sum="200.00", vat_sum="10.00", vat="5.000", vat_code_id="2", lines=lines))
    assert [item["taxentries"] for item in items(translation.function)] == [taxed("5.00", "Reduced")] * 2


def test_a_rate_of_a_line_counts_before_that_of_the_document() -> None:
    translation = translate(invoice(vat="5.000", vat_code_id="2"))
    assert items(translation.function)[0]["taxentries"] == taxed("20.00")


def test_a_tax_detail_of_another_rate_needs_a_setting_and_makes_a_note() -> None:
    translation = translate(
        invoice(vat_sum="17.50", lines=[line(vat="17.5", vat_code_id=4)]), with_settings(taxes__4="Standard")
    )
    assert items(translation.function)[0]["taxentries"] == taxed("17.50")
    assert translation.notes == ("The tax rate 17.5 % went to Standard, of 20 %, as taxes.4 says.",)


def test_dimensions_come_from_the_line_else_from_the_header() -> None:
    payload = invoice(
        sum="200.00",
        vat_sum="40.00",
        lines=[line(custom_fields=[{"id": "c_department", "value": "strategy"}]), line(id=12)],
        custom_fields=[
            {"id": "c_department", "value": "10"},
            {"id": "c_region", "value": "North"},
            {"id": "c_class", "value": "TM"},
        ],
    )
    first, second = items(translate(payload, replace(CONTEXT, settings=DIMENSIONS)).function)
    region = {"customfield": [{"customfieldname": "GLDIMREGION", "customfieldvalue": "7"}]}
    assert (first["departmentid"], first["customfields"]) == ("10", region)
    assert (second["departmentid"], second["customfields"]) == ("10", region)
    assert "classid" not in first


def test_sub_headings_open_the_memos_below_them_and_a_last_one_closes_the_last() -> None:
    lines = [
        heading(1, "Phase 1"),
        line(id=2),
        line(id=3, product_name="", comment=""),
        heading(4, "Phase 2"),
        heading(5, "Build"),
        line(id=6),
        heading(7, "Thank you"),
    ]
    translation = translate(invoice(sum="300.00", vat_sum="60.00", lines=lines))
    assert [item.get("memo") for item in items(translation.function)] == [
        "Phase 1: Workshop two days",
        "Phase 1",
        "Phase 2 / Build: Workshop two days / Thank you",
    ]
    assert translation.line_numbers == {"line:2": 1, "line:3": 2, "line:6": 3}


def test_a_position_without_a_product_is_a_line_though_it_looks_like_a_heading() -> None:
    assert len(items(translate(invoice(lines=[line(product_id=-1)])).function)) == 1


def test_long_texts_are_cut_with_a_note() -> None:
    translation = translate(invoice(description="d" * 1001, lines=[line(comment="c" * 2000)]))
    assert len(str(translation.function.body["description"])) == MAX_TEXT_CHARACTERS
    assert len(items(translation.function)[0]["memo"]) == MAX_TEXT_CHARACTERS
    assert [note.split(" was cut")[0] for note in translation.notes] == [
        "The description",
        f"The memo of the line 'Workshop {'c' * 51}'",
    ]


def test_a_line_without_sum_and_account_is_left_out_with_a_note() -> None:
    free = line(id=12, sum="0.00", price="0", finance_account_id=0, finance_account_symbol="", comment="free")
    translation = translate(invoice(lines=[line(), free]))
    assert len(items(translation.function)) == 1
    assert translation.notes == ("The line 'Workshop free' has no sum and no finance account and was left out.",)


def test_a_sum_that_price_and_quantity_do_not_make_is_noted() -> None:
    assert translate(invoice(lines=[line(price="49.99")])).notes == (
        "The line 'Workshop two days' has the sum 100.00, which price and quantity do not make.",
    )
    halved = line(price="40.000000", amount="5", discount="50")
    assert translate(invoice(lines=[halved])).notes == ()
    assert translate(invoice(lines=[line(price="10", amount="2", amount2="5")])).notes == ()


def test_the_discount_of_the_header_passes_by_exempt_products() -> None:
    """The figures are those of a payload recorded from Scoro: 22.00 exempt + 66.00 less 25 % are 71.50."""
    lines = [line(id=1, product_id=84, sum="22.00", price="11"), line(id=2, sum="66.00", price="33")]
    translation = translate(invoice(discount="25.000000", sum="71.50", vat_sum="14.30", lines=lines))
    assert [(item["glaccountno"], item["amount"], item["memo"]) for item in items(translation.function)[1:]] == [
        ("4000", "66.00", "Workshop two days"),
        ("4920", "-16.50", "Discount 25 %"),
    ]
    assert items(translation.function)[2]["taxentries"] == taxed("-3.30")
    assert translation.line_numbers == {"line:1": 1, "line:2": 2, "discount:1": 3}
    assert translation.notes == ()


def test_discounts_work_one_after_the_other_and_have_a_line_per_rate() -> None:
    lines = [line(id=1), line(id=2, vat="5", vat_code_id=2, finance_account_id=2, finance_account_symbol="4010")]
    payload = invoice(discount="10", discount2="5.5", discount3="1", lines=lines)
    # 200.00 x 0.9 x 0.945 x 0.99 = 168.399, VAT 16.84 at 20 % and 4.21 at 5 %
    translation = translate(payload | {"sum": "168.40", "vat_sum": "21.05"})
    discounts = items(translation.function)[2:]
    assert [(item["amount"], item["memo"]) for item in discounts] == [
        ("-15.80", "Discount 10 %, 5.5 %, 1 %"),
        ("-15.80", "Discount 10 %, 5.5 %, 1 %"),
    ]
    assert list(translation.line_numbers) == ["line:1", "line:2", "discount:1", "discount:2"]


def test_a_discount_without_an_account_goes_to_the_largest_line_with_a_note() -> None:
    translation = translate(invoice(discount="50", sum="50.00", vat_sum="10.00"), with_settings(accounts__discount=""))
    assert items(translation.function)[1]["glaccountno"] == "4000"
    assert "accounts.discount is not set" in translation.notes[0]


def test_a_cent_that_nothing_explains_goes_to_the_rounding_account() -> None:
    translation = translate(invoice(sum="100.01", vat_sum="20.00"))
    rounding = items(translation.function)[1]
    assert (rounding["glaccountno"], rounding["amount"], rounding["memo"]) == ("4910", "0.01", "Rounding")
    assert rounding["taxentries"] == taxed("0.00")
    assert translation.line_numbers == {"line:11": 1, "rounding": 2}
    assert translation.notes == ("Rounding of 0.01 went to the account 4910.",)
    unset = translate(invoice(sum="99.99", vat_sum="20.00"), with_settings(accounts__rounding=""))
    assert [item["glaccountno"] for item in items(unset.function)] == ["4000", "4000"]
    assert "accounts.rounding is not set" in unset.notes[0]


def test_the_cents_of_vat_are_shared_so_that_the_header_is_met() -> None:
    lines = [line(id=number, sum="33.33", price="33.33", amount="1") for number in (1, 2, 3)]
    translation = translate(invoice(sum="99.99", vat_sum="20.00", lines=lines))
    assert [item["taxentries"] for item in items(translation.function)] == [taxed("6.67"), taxed("6.67"), taxed("6.66")]


def test_without_a_tax_solution_vat_is_a_line_per_rate() -> None:
    lines = [line(id=1), line(id=2, vat="5", vat_code_id=2), line(id=3, vat="0", vat_code_id=3)]
    context = replace(with_settings(accounts__tax_line="2200"), reference=WITHOUT_TAX_SOLUTION)
    translation = translate(invoice(sum="300.00", vat_sum="25.00", lines=lines), context)
    assert items(translation.function)[3:] == [
        {"glaccountno": "2200", "amount": "20.00", "memo": "VAT 20 %", "locationid": "UK"},
        {"glaccountno": "2200", "amount": "5.00", "memo": "VAT 5 %", "locationid": "UK"},
    ]
    assert not any("taxentries" in item for item in items(translation.function))
    assert list(translation.line_numbers)[3:] == ["tax:1", "tax:2"]


def test_without_a_tax_solution_an_invoice_without_vat_needs_no_tax_account() -> None:
    context = replace(CONTEXT, reference=WITHOUT_TAX_SOLUTION)
    translation = translate(invoice(vat_sum="0", lines=[line(vat="0", vat_code_id=3)]), context)
    assert len(items(translation.function)) == 1


@pytest.mark.parametrize(
    ("fields", "expected"), [({}, False), ({"credited_invoices": [7]}, True), ({"sum": "-0.01"}, True)]
)
def test_credit_invoices_are_told_by_what_they_credit_or_their_sign(fields: dict[str, Any], expected: bool) -> None:
    assert (read_invoice(invoice(**fields)).kind is Kind.CREDIT_INVOICE) is expected
