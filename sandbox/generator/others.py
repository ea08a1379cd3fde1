"""What is written beside invoices: credit invoices, bills, credit bills and expenses, each with its plan."""

import datetime as dt
from random import Random
from typing import Any

from sandbox import fixtures
from sandbox.generator import words
from sandbox.generator.invoices import Span, planned_line
from sandbox.generator.plan import Plan, PlannedLine

OTHERS = ("credit_invoice", "bill", "credit_bill", "expense")
EVERY = {"bill": (10, 3), "expense": (20, 7), "credit_invoice": (10, 5), "credit_bill": (40, 13)}
"""Kind -> of so many invoices one is followed by one of these, and the place of the first."""

_COSTS = [account.symbol for account in fixtures.ACCOUNTS if account.kind == "purchases"]
_DEPARTMENTS = [item.name for item in fixtures.DEPARTMENTS if item.active]
_RATES = {code.vat_code_id: str(code.percent) for code in fixtures.VAT_CODES}
_USABLE_RATES = [number for number in _RATES if number != fixtures.UNKNOWN_VAT_CODE_ID]


def due_after(index: int, documents: int) -> list[str]:
    """The kinds of which one follows the invoice of this place; credits come early, to meet their invoices."""
    due = [kind for kind, (every, first) in EVERY.items() if index % every == first]
    return [kind for kind in due if kind != "credit_invoice" or index * 8 < documents]


def credit_invoice(random: Random, number: str, invoice: dict[str, Any], credited: Plan) -> tuple[dict[str, Any], Plan]:
    """Make the credit of one line of an invoice; `invoice` is its head with `id` and `lines`."""
    places = [place for place, line in enumerate(credited.lines) if line.price and float(line.price) > 0]
    place = random.choice(places or [0])
    line = invoice["lines"][place]
    quantity = f"-{line['amount']}"
    kept = ("product_id", "price", "unit", "vat_code_id", "finance_account_id")
    given = {name: line[name] for name in kept if name in line}
    given |= {"amount": quantity, "comment": "Credited: " + words.SERVICES[0].format(n=1), "discount": "0"}
    head = {
        "no": number,
        "company_id": invoice["company_id"],
        "currency": credited.currency,
        "date": invoice["date"],
        "deadline": invoice["deadline"],
        "credited_invoices": [invoice["id"]],
        "lines": [given],
    }
    return head, Plan(number, credited.currency, (), (planned_line(given),), None, "credit_invoice")


def bill(random: Random, number: str, supplier: int, span: Span, *, credit: bool) -> tuple[dict[str, Any], Plan]:
    """Make a bill, or a credit bill with all its quantities below zero."""
    lines = [_cost(random, sign=-1 if credit else 1) for _ in range(random.randint(1, 4))]
    discounts = (random.choice(("5", "12.5")),) if random.random() < 0.2 else ()
    currency = random.choices(tuple(fixtures.CURRENCIES), (80, 12, 8))[0]
    day = _day(random, span)
    head: dict[str, Any] = {
        "no": number,
        "company_id": supplier,
        "currency": currency,
        "date": day.isoformat(),
        "deadline": (day + dt.timedelta(days=30)).isoformat(),
        "reference_no": f"PO{random.randrange(1000, 9999)}" if random.random() < 0.4 else "",
        "description": random.choice(words.DESCRIPTIONS),
        "custom_fields": [{"id": "c_department", "value": random.choice(_DEPARTMENTS)}],
        "lines": lines,
    }
    head |= dict(zip(("discount", "discount2"), discounts, strict=False))
    kind = "credit_bill" if credit else "bill"
    return head, Plan(number, currency, discounts, tuple(map(_planned, lines)), None, kind)


def expense(random: Random, number: str, supplier: int, span: Span) -> tuple[dict[str, Any], Plan]:
    """Make an expense, whose fields have other names."""
    day = _day(random, span)
    lines = [_spent(_cost(random)) for _ in range(random.randint(1, 3))]
    head = {
        "no": number,
        "company_id": supplier,
        "currency": fixtures.BASE_CURRENCY,
        "date": day.isoformat(),
        "due_date": day.isoformat(),
        "comment": random.choice(words.DESCRIPTIONS),
        "lines": lines,
    }
    planned = tuple(
        PlannedLine(line["price"], line["quantity"], "0", _RATES[line["tax_code_id"]], exempt=False) for line in lines
    )
    return head, Plan(number, fixtures.BASE_CURRENCY, (), planned, None, "expense")


def _day(random: Random, span: Span) -> dt.date:
    return span.first + dt.timedelta(days=random.randint(0, (span.last - span.first).days))


def _cost(random: Random, *, sign: int = 1) -> dict[str, Any]:
    return {
        "comment": random.choice(words.SERVICES).format(n=random.randint(1, 9)),
        # a credit of nothing would be no credit
        "price": random.choice(("33.335", "450", "85.5", "1234.5675", "12.99", "0.015" if sign > 0 else "0.335")),
        "amount": f"{'-' if sign < 0 else ''}{random.choice(('1', '2', '3', '7.5', '0.333333'))}",
        "vat_code_id": random.choice(_USABLE_RATES),
        "finance_account_id": fixtures.SCORO_ACCOUNT_IDS[random.choice(_COSTS)],
    }


def _spent(line: dict[str, Any]) -> dict[str, Any]:
    names = {"comment": "description", "amount": "quantity", "vat_code_id": "tax_code_id"}
    return {names.get(name, name): value for name, value in line.items()}


def _planned(line: dict[str, Any]) -> PlannedLine:
    return PlannedLine(line["price"], line["amount"], "0", _RATES[line["vat_code_id"]], exempt=False)
