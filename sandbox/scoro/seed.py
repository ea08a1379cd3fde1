"""The books of a newborn site: accounts, VAT codes, products, users, custom fields and the like."""

from collections.abc import Iterator, Sequence
from typing import Any

from sandbox import fixtures
from sandbox.scoro.fields import places
from sandbox.scoro.store import Record, Store

_DOCUMENTS = ["invoices", "prepayments", "bills", "expenses"]


def seed(store: Store, now: float) -> None:
    """Fill an empty store."""
    for module, heads, entity in _books():
        for number, head in enumerate(heads, start=1):
            store.put(Record(module, number, entity, {**head, "_created": now}, None, now))


def _books() -> Iterator[tuple[str, list[dict[str, Any]], str]]:
    yield "vatCodes", [_vat_code(code) for code in fixtures.VAT_CODES], ""
    yield "financeAccounts", [_account(account) for account in fixtures.ACCOUNTS], ""
    yield (
        "financeObjects",
        [{"object_symbol": item.id, "name": item.name} for item in fixtures.CLASSES],
        "",
    )
    yield "products", [_product(product) for product in fixtures.PRODUCTS], ""
    yield "users", [_user("Api", "User", "admin"), _user("Grace", "Okafor", "user"), _user("Idris", "Bell", "user")], ""
    yield (
        "customFields",
        [
            _custom_field("c_department", "Department", [*_DOCUMENTS, "projects"]),
            _custom_field("c_class", "Class", [*_DOCUMENTS, "projects"]),
            _custom_field("c_ponumber", "Customer's order number", ["invoices"], "text"),
            _custom_field("c_intacctno", "Number in Intacct", ["contacts", "companies", "persons"], "text"),
        ],
        "",
    )
    yield (
        "projects",
        [_project(number, item) for number, item in enumerate(fixtures.PROJECTS, start=1001)],
        (fixtures.SCORO_ENTITY),
    )
    yield (
        "receiptAccounts",
        [{"name": "Bank current account", "type": "bank"}, {"name": "Cash", "type": "cash"}],
        "",
    )
    yield (
        "statuses",
        [
            {"status_id": "inprogress", "status_name": "In progress", "module": "projects", "is_default": 1},
            {"status_id": "completed", "status_name": "Completed", "module": "projects"},
        ],
        "",
    )
    yield "clientProfiles", [{"name": "Standard, 30 days", "deadline_days": 30}], ""
    yield (
        "bookmarks",
        [{"bookmark_id": "111", "name": "Sent invoices", "module": "invoices", "_filter": {"is_sent": 1}}],
        "",
    )


def set_up_entities(store: Store, entities: Sequence[str], now: float) -> None:
    """Give each business entity its company account; all of them name all entities."""
    for number, entity in enumerate(entities, start=1):
        store.put(Record("companyAccount", number, entity, _company(entities), None, now))


def _company(entities: Sequence[str]) -> dict[str, Any]:
    return {
        "company_name": "Sandbox Consulting Ltd",
        "address": "1 Example Street, London",
        "email": "office@sandbox.example",
        "reg_no": "09999999",
        "vat_no": "GB999999973",
        "site_version": "ultimate",
        "base_currency": fixtures.BASE_CURRENCY,
        "active_currencies": list(fixtures.CURRENCIES),
        "language": "eng",
        "active_entities": [{"entity_id": entity, "entity_name": f"Sandbox {entity}"} for entity in entities],
    }


def _vat_code(code: fixtures.VatCode) -> dict[str, Any]:
    return {
        "vat_code_id": code.vat_code_id,
        "vat_code": code.vat_code,
        "percent": places(code.percent, 2),
        "vat_name": code.vat_name,
    }


def _account(account: fixtures.Account) -> dict[str, Any]:
    return {
        "account_symbol": account.symbol,
        "name": account.title,
        "is_sales_account": int(account.kind == "sales"),
        "is_purchases_account": int(account.kind == "purchases"),
    }


def _product(product: fixtures.Product) -> dict[str, Any]:
    return {
        "code": product.code,
        "name": product.name,
        "unit": product.unit,
        "default_vat_code_id": product.vat_code_id,
        "sales_finance_account_id": fixtures.SCORO_ACCOUNT_IDS[product.account_symbol],
        "no_discounts": int(product.exempt_from_discounts),
    }


def _user(first: str, last: str, category: str) -> dict[str, Any]:
    email = f"{first}.{last}@sandbox.example".lower()
    return {
        "username": fixtures.SCORO_USER[0] if category == "admin" else email,
        "firstname": first,
        "lastname": last,
        "full_name": f"{first} {last}",
        "initials": first[0] + last[0],
        "email": email,
        "category": category,
    }


def _custom_field(field_id: str, name: str, modules: list[str], kind: str = "select") -> dict[str, Any]:
    return {"id": field_id, "name": name, "type": kind, "is_filterable": 1, "modules": modules}


def _project(number: int, project: fixtures.DimensionValue) -> dict[str, Any]:
    return {
        "no": str(number),
        "project_name": project.name,
        "status": "inprogress" if project.active else "cancelled",
        "date": "2025-01-01",
    }
