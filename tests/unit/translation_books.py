"""The books that the tests of translation share: one Intacct entity, its Scoro counterpart, and a plain invoice."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from schemas.document_types import DOCUMENT_TYPES
from schemas.errors import DocumentError, Problem
from schemas.intacct.orders import check
from schemas.kinds import Kind, RecordRef
from schemas.reference import (
    Account,
    DimensionValue,
    Party,
    ReferenceData,
    ScoroAccount,
    ScoroVatCode,
    TaxDetail,
)
from schemas.scoro import Contact, read_contact, read_invoice
from schemas.settings import ConnectionSettings, set_key
from workers.translation import Context, Translation
from workers.translation import translate as translate_document

REFERENCE = ReferenceData(
    base_currency="GBP",
    accounts=(
        Account("4000", "Consulting"),
        Account("4010", "Design"),
        Account("4910", "Rounding"),
        Account("4920", "Discounts given"),
        Account("2200", "VAT on sales"),
        Account("9999", "Old suspense account", active=False),
    ),
    scoro_accounts=(ScoroAccount(1, "4000", "Consulting"), ScoroAccount(2, "4010", "Design")),
    tax_details=(
        TaxDetail("Standard", Decimal(20), "Sale"),
        TaxDetail("Reduced", Decimal(5), "Sale"),
        TaxDetail("Zero", Decimal(0), "Sale"),
        TaxDetail("Input standard", Decimal(20), "Purchase"),
        TaxDetail("Input reduced", Decimal(5), "Purchase"),
        TaxDetail("Input zero", Decimal(0), "Purchase"),
        TaxDetail("Input reversed", Decimal(20), "Purchase", reverse_charge=True),
        TaxDetail("Old standard", Decimal(20), "Sale", active=False),
    ),
    vat_codes=(
        ScoroVatCode(1, "S20", Decimal(20), "Standard rate"),
        ScoroVatCode(2, "S5", Decimal(5), "Reduced rate"),
        ScoroVatCode(3, "S0", Decimal(0), "Zero rate"),
        ScoroVatCode(4, "X17.5", Decimal("17.5"), "Old rate"),
    ),
    dimensions={
        "DEPARTMENT": (DimensionValue("10", "Strategy"), DimensionValue("90", "Closed", active=False)),
        "CLASS": (DimensionValue("TM", "Time and materials"),),
        "REGION": (DimensionValue("7", "North"),),
    },
    currencies=frozenset({"GBP", "EUR"}),
    multi_entity=True,
    entity_id="UK",
    tax_solution="United Kingdom - VAT",
    parties={
        Kind.VENDOR: (Party("V-1", "Supplier Ltd", "GB 222"),),
        Kind.CUSTOMER: (Party("C-1", "Known Ltd", "GB 111"), Party("C-2", "Twin Ltd"), Party("C-3", "Twin Ltd")),
    },
    contact_names=frozenset({"Ann Lee"}),
    no_discount_products=frozenset({84}),
)
WITHOUT_TAX_SOLUTION = replace(REFERENCE, tax_solution=None, tax_details=())


def settings(**keys: str) -> ConnectionSettings:
    """Settings with these keys set; `__` stands for a dot."""
    found = set_key(set_key(ConnectionSettings(), "accounts.discount", "4920"), "accounts.rounding", "4910")
    for key, value in keys.items():
        found = set_key(found, key.replace("__", "."), value)
    return found


PAYER, SUPPLIER = RecordRef(Kind.CUSTOMER, 342), RecordRef(Kind.VENDOR, 342)
CREDITED = RecordRef(Kind.INVOICE, 7)
CONTEXT = Context(settings(), REFERENCE, known={PAYER: "C-1", SUPPLIER: "V-1", CREDITED: "20260101"})


def unknown(contact: dict[str, Any], context: Context = CONTEXT) -> Context:
    """A context in which the payer has no customer yet."""
    found: Contact = read_contact({"contact_id": PAYER.scoro_id} | contact)
    return replace(context, known={}, sources={PAYER: found})


def line(**fields: Any) -> dict[str, Any]:
    """A line of Scoro: 100.00 at 20 % on account 4000."""
    return {
        "id": 11,
        "product_id": 85,
        "product_name": "Workshop",
        "comment": "two days",
        "price": "50.000000",
        "amount": "2.000000",
        "amount2": "0.000000",
        "discount": "0.000000",
        "sum": "100.00",
        "vat": "20.000",
        "vat_code_id": "1",
        "vat_code": "S20",
        "finance_account_id": 1,
        "finance_account_symbol": "4000",
        "custom_fields": None,
    } | fields


def heading(line_id: int, text: str) -> dict[str, Any]:
    """A sub-heading of Scoro."""
    return {"id": line_id, "product_id": -1, "comment": text, "price": "0.000000", "amount": "0.000000", "sum": "0.00"}


def invoice(**fields: Any) -> dict[str, Any]:
    """An invoice of Scoro with the line above: 100.00 and 20.00 VAT in the base currency."""
    return {
        "id": 3998,
        "no": "20260220",
        "company_id": 342,
        "person_id": 0,
        "person_name": "",
        "currency": "GBP",
        "currency_rate": 1,
        "date": "2026-03-01",
        "deadline": "2026-03-31",
        "discount": "0.000000",
        "sum": "100.00",
        "vat_sum": "20.00",
        "vat": None,
        "vat_code_id": None,
        "credited_invoices": None,
        "reference_no": "",
        "description": "",
        "account_id": "sandbox",
        "lines": [line()],
        "custom_fields": None,
    } | fields


def expense_line(**fields: Any) -> dict[str, Any]:
    """The line above as expenses have it."""
    names = {"comment": "description", "amount": "quantity", "amount2": "additional_quantity", "vat": "tax_percentage"}
    names |= {"vat_code_id": "tax_code_id", "vat_code": "tax_code"}
    return {names.get(key, key): value for key, value in line(**fields).items() if key != "discount"}


def bill(**fields: Any) -> dict[str, Any]:
    """A bill of Scoro with the line above."""
    return {"recognition_date": None, **invoice(), **fields}


def expense(**fields: Any) -> dict[str, Any]:
    """An expense of Scoro with the line above."""
    plain = {name: value for name, value in invoice().items() if name not in {"deadline", "description", "vat_sum"}}
    given = {"due_date": "2026-03-31", "comment": "", "tax_sum": "20.00", "lines": [expense_line()]}
    return plain | {"no": "E-7"} | given | fields


def translate(payload: dict[str, Any], context: Context = CONTEXT, module: str = "invoices") -> Translation:
    """Translate, and check the functions against the element orders."""
    translation = translate_document(DOCUMENT_TYPES[module].reader(payload), context)
    check(translation.function)
    for plan in translation.plans:
        if plan.function:
            check(plan.function)
    return translation


def problem(payload: dict[str, Any], context: Context = CONTEXT) -> Problem:
    """Translate what must be refused, and return why."""
    try:
        translate_document(read_invoice(payload), context)
    except DocumentError as error:
        return error.problem
    raise AssertionError("the invoice was translated")
