"""Every refusal of a translation: it names document, field and fix, and what equal causes have in common."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.errors import ErrorClass
from schemas.kinds import Kind
from schemas.reference import TaxDetail
from tests.unit.translation_books import (
    CONTEXT,
    REFERENCE,
    WITHOUT_TAX_SOLUTION,
    heading,
    invoice,
    line,
    problem,
    settings,
    unknown,
)
from workers.translation import Context, DocumentLink


def with_settings(**keys: str) -> Context:
    return replace(CONTEXT, settings=settings(**keys))


def payer(**fields: Any) -> Context:
    return unknown({"name": "Acme Ltd", "id_code": "999"} | fields)


def department(value: str) -> dict[str, Any]:
    return invoice(custom_fields=[{"id": "c_department", "value": value}])


DEPARTMENT = with_settings(dimensions__fields__DEPARTMENT="c_department", dimensions__invoices__DEPARTMENT="true")


def with_required(context: Context) -> Context:
    accounts = tuple(replace(account, requires=("DEPARTMENT",)) for account in REFERENCE.accounts)
    return replace(context, reference=replace(REFERENCE, accounts=accounts))


TWO_STANDARDS = replace(
    REFERENCE,
    tax_details=(*REFERENCE.tax_details, TaxDetail("Standard services", REFERENCE.tax_details[0].rate, "Sale")),
)

ROWS: list[tuple[str, dict[str, Any], Context, str, str, str]] = [
    ("no_document_number", invoice(no=""), CONTEXT, "no", "is empty", "Give the invoice a number"),
    (
        "document_number",
        invoice(no="A&B"),
        CONTEXT,
        "no",
        "a character that Intacct rejects",
        "Give the invoice a number",
    ),
    ("document_date", invoice(date=None), CONTEXT, "date", "no date of issue", "Set the date"),
    ("unknown_currency", invoice(currency="XXX"), CONTEXT, "currency", "XXX is not an active one", "Activate XXX"),
    (
        "exchange_rate",
        invoice(currency="EUR", currency_rate=0),
        CONTEXT,
        "currency_rate",
        "EUR",
        "Set the exchange rate",
    ),
    ("no_lines", invoice(lines=[heading(1, "Only text")]), CONTEXT, "lines", "no line with an amount", "Add a line"),
    ("no_lines", invoice(lines=None), CONTEXT, "lines", "no line with an amount", "Add a line"),
    ("line_ids", invoice(lines=[line(id=0)]), CONTEXT, "lines.id", "no ids of their own", "save it"),
    ("line_ids", invoice(lines=[line(), line()]), CONTEXT, "lines.id", "no ids of their own", "save it"),
    (
        "line_without_account",
        invoice(lines=[line(finance_account_id=0, finance_account_symbol="")]),
        CONTEXT,
        "finance_account_id",
        "the line 'Workshop two days' has no finance account",
        "Choose a finance account on that line in Scoro",
    ),
    (
        "account_without_counterpart",
        invoice(lines=[line(finance_account_id=9, finance_account_symbol="7777")]),
        CONTEXT,
        "finance_account_id",
        "the finance account 7777",
        "scoro-intacct connection set C accounts.map.9=ACCOUNTNO",
    ),
    (
        "account_not_usable",
        invoice(lines=[line(finance_account_id=9, finance_account_symbol="9999")]),
        CONTEXT,
        "accounts.map.9",
        "9999 is inactive in Intacct",
        "accounts.map.9=",
    ),
    (
        "account_not_usable",
        invoice(discount="50", sum="50.00", vat_sum="10.00"),
        with_settings(accounts__discount="8888"),
        "accounts.discount",
        "8888 is not known in Intacct",
        "accounts.discount=",
    ),
    (
        "tax_without_counterpart",
        invoice(vat_sum="17.50", lines=[line(vat="17.500", vat_code_id="4", vat_code="X17.5")]),
        CONTEXT,
        "vat_code_id",
        "the tax rate X17.5 (17.5 %) (vat_code_id 4) Intacct has none",
        "connection set C taxes.4=DETAILID",
    ),
    (
        "tax_without_counterpart",
        invoice(),
        replace(CONTEXT, reference=TWO_STANDARDS),
        "vat_code_id",
        "several: Standard, Standard services",
        "connection set C taxes.1=DETAILID",
    ),
    (
        "tax_detail_not_usable",
        invoice(),
        with_settings(taxes__1="Old standard"),
        "taxes.1",
        "taxes.1 names the tax detail Old standard",
        "connection set C taxes.1=DETAILID",
    ),
    (
        "unknown_tax_rate",
        invoice(lines=[line(vat=None, vat_code_id=77)]),
        CONTEXT,
        "vat_code_id",
        "VAT code 77, whose rate is not known",
        "Run `scoro-intacct sync background`",
    ),
    (
        "tax_line_account",
        invoice(),
        replace(CONTEXT, reference=WITHOUT_TAX_SOLUTION),
        "accounts.tax_line",
        "accounts.tax_line is not set",
        "connection set C accounts.tax_line=ACCOUNTNO",
    ),
    (
        "unexplained_sum",
        invoice(sum="101.00"),
        CONTEXT,
        "sum",
        "says 101.00 GBP, but its lines add up to 100.00 GBP",
        "check lines and discounts",
    ),
    (
        "unexplained_sum",
        invoice(sum="80.00", discount="10"),
        CONTEXT,
        "sum",
        "says 80.00 GBP, but its lines add up to 100.00 GBP, less discounts 90.00 GBP",
        "check lines and discounts",
    ),
    (
        "unexplained_vat",
        invoice(vat_sum="19.98"),
        CONTEXT,
        "vat_sum",
        "says 19.98 GBP, but its lines at 20 % make 20.00 GBP",
        "check the tax rates",
    ),
    (
        "unexplained_vat",
        invoice(vat_sum="0.01", lines=[line(vat="0", vat_code_id=3)]),
        CONTEXT,
        "vat_sum",
        "says 0.01 GBP, but its lines at 0 % make 0.00 GBP",
        "check the tax rates",
    ),
    ("dimension_value", department("Mars"), DEPARTMENT, "c_department", "'Mars'", "Choose another value"),
    (
        "dimension_value",
        department("closed"),
        DEPARTMENT,
        "c_department",
        "is inactive in Intacct",
        "Choose another value",
    ),
    (
        "no_payer",
        invoice(company_id=0),
        replace(CONTEXT, known={}),
        "company_id",
        "no payer that Scoro knows (company_id empty)",
        "Choose a client",
    ),
    (
        "customer_without_name",
        invoice(),
        payer(name=" "),
        "name",
        "the contact 342 in Scoro, has no name (field name)",
        "Give the contact a name in Scoro",
    ),
    (
        "customer_without_counterpart",
        invoice(),
        replace(payer(), settings=settings(matching__create_customers="false")),
        "id_code",
        "matching.create_customers is off",
        "connection set C matching.create_customers=true",
    ),
    (
        "customer_id",
        invoice(),
        replace(payer(id_code="12/34"), settings=settings(matching__id_template="{id_code}")),
        "matching.id_template",
        "the customer id '12/34'",
        "connection set C matching.id_template=",
    ),
    (
        "customer_ambiguous",
        invoice(),
        replace(
            payer(id_code="5"),
            reference=replace(
                REFERENCE,
                parties={Kind.CUSTOMER: tuple(replace(one, tax_id="5") for one in REFERENCE.parties[Kind.CUSTOMER])},
            ),
        ),
        "id_code",
        "several in Intacct: C-1, C-2, C-3",
        "connection set C matching.customer_key=",
    ),
    (
        "missing_dimension",
        invoice(),
        with_required(DEPARTMENT),
        "c_department",
        "the account 4000 wants a DEPARTMENT on each of its lines",
        "Choose a value in the custom field c_department",
    ),
    (
        "missing_dimension",
        invoice(),
        with_required(with_settings(dimensions__fields__DEPARTMENT="c_department")),
        "c_department",
        "wants a DEPARTMENT",
        "connection set C dimensions.invoices.DEPARTMENT=true",
    ),
    (
        "missing_dimension",
        invoice(),
        with_required(CONTEXT),
        "dimensions.fields.DEPARTMENT",
        "wants a DEPARTMENT",
        "connection set C dimensions.fields.DEPARTMENT=c_...",
    ),
    (
        "unexplained_sum",
        invoice(sum="103.50", vat_sum="20.00", payment_fee="3.50"),
        CONTEXT,
        "sum",
        "its lines add up to 100.00 GBP",
        "The difference is its payment fee (payment_fee)",
    ),
    (
        "unexplained_sum",
        invoice(sum="60.00", vat_sum="20.00", prepayment_sum="40.00", prepayment_id=[3]),
        CONTEXT,
        "sum",
        "says 60.00 GBP",
        "The difference is its prepayment sum (prepayment_sum)",
    ),
    (
        "currency_decimals",
        invoice(currency="JPY"),
        CONTEXT,
        "currency",
        "is in JPY, which has no two decimals",
        "change its currency (currency)",
    ),
    (
        "lines_unknown",
        invoice(),
        replace(CONTEXT, link=DocumentLink("77", "20260220", {})),
        "lines",
        "linked to ARINVOICE 20260220 in Intacct (RECORDNO 77)",
        "unlink it",
    ),
]


@pytest.mark.parametrize(("code", "payload", "context", "field", "cause", "fix"), ROWS, ids=[row[0] for row in ROWS])
def test_a_refusal_names_document_field_and_fix(
    code: str, payload: dict[str, Any], context: Context, field: str, cause: str, fix: str
) -> None:
    found = problem(payload, context)
    assert (found.error_class, found.code, found.field) == (ErrorClass.DATA, code, field)
    assert "id 3998 in Scoro" in found.cause
    assert cause in found.cause
    assert fix in found.fix
    assert found.fix.endswith((".", "=ACCOUNTNO", "=DETAILID", "=true", "}", "=reference_no"))


@pytest.mark.parametrize(("code", "payload", "context", "field", "cause", "fix"), ROWS, ids=[row[0] for row in ROWS])
def test_equal_causes_of_other_documents_have_equal_culprits(
    code: str, payload: dict[str, Any], context: Context, field: str, cause: str, fix: str
) -> None:
    other = payload | {"id": 4711, "no": payload["no"] and payload["no"] + "7"}
    first, second = problem(payload, context), problem(other, context)
    assert (first.code, first.field, first.culprit) == (second.code, second.field, second.culprit)
    assert first.cause != second.cause
