"""Consultancy invoices, as the objects that `invoices/modify` takes, each with its plan."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from sandbox import fixtures
from sandbox.generator import words
from sandbox.generator.plan import Plan, PlannedLine

SUB_HEADING = -1
ONE_OFF = Decimal("1.00")

REASONS = (
    "line_without_account",
    "unknown_tax_rate",
    "unknown_currency",
    "customer_without_name",
    "unexplained_total",
)
"""Why a broken invoice cannot be posted."""

_PRODUCTS = {product.product_id: product for product in fixtures.PRODUCTS}
_RATES = {code.vat_code_id: str(code.percent) for code in fixtures.VAT_CODES}
_QUANTITIES = ("1", "2", "3", "5", "8", "0.5", "1.25", "7.5", "0.333333", "12.345678", "2.666667")
_ODD_PRICES = ("33.335", "0.015", "1234.5675", "99.995", "18.333333")
_ACTIVE_DEPARTMENTS = [item.name for item in fixtures.DEPARTMENTS if item.active]
_ACTIVE_CLASSES = [item.name for item in fixtures.CLASSES if item.active]
_ACTIVE_PROJECTS = [fixtures.SCORO_PROJECT_IDS[item.id] for item in fixtures.PROJECTS if item.active]


@dataclass(frozen=True)
class Payer:
    """Who is invoiced: ids of the company and its persons in Scoro."""

    company_id: int
    person_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Span:
    """The days on which invoices are dated, both included."""

    first: dt.date
    last: dt.date


def invoice(
    random: Random, number: str, payer: Payer, span: Span, broken: str | None = None
) -> tuple[dict[str, Any], Plan]:
    """Make an invoice and what it is meant to be; `broken` is one of REASONS."""
    lines = _lines(random)
    discounts = _discounts(random)
    currency = random.choices(tuple(fixtures.CURRENCIES), (80, 12, 8))[0]
    if broken == "line_without_account":
        del next(line for line in lines if line["product_id"] != SUB_HEADING)["finance_account_id"]
    elif broken == "unknown_tax_rate":
        next(line for line in lines if line["product_id"] != SUB_HEADING)["vat_code_id"] = fixtures.UNKNOWN_VAT_CODE_ID
    elif broken == "unknown_currency":
        currency = "XXX"
    plan = Plan(number, currency, discounts, tuple(map(planned_line, lines)), broken)
    day = span.first + dt.timedelta(days=random.randint(0, (span.last - span.first).days))
    head: dict[str, Any] = {
        "no": number,
        "company_id": payer.company_id,
        "person_id": random.choice(payer.person_ids) if payer.person_ids and random.random() < 0.6 else 0,
        "currency": currency,
        "date": day.isoformat(),
        "deadline": (day + dt.timedelta(days=random.choice((7, 14, 30)))).isoformat(),
        "reference_no": f"RF{random.randrange(10_000, 99_999)}" if random.random() < 0.5 else "",
        "description": _description(random),
        "project_id": random.choice(_ACTIVE_PROJECTS) if random.random() < 0.4 else 0,
        "is_sent": int(random.random() < 0.7),
        "custom_fields": _header_fields(random),
        "lines": lines,
    }
    head |= dict(zip(("discount", "discount2", "discount3"), discounts, strict=False))
    return head, plan


def planned_line(line: dict[str, Any]) -> PlannedLine:
    """Return what a line of a request is meant to be."""
    product = _PRODUCTS.get(int(line["product_id"]))
    return PlannedLine(
        str(line.get("price", "0")),
        str(line.get("amount", "0")),
        str(line.get("discount", "0")),
        _RATES.get(int(line.get("vat_code_id") or 0), "0"),
        bool(product and product.exempt_from_discounts),
    )


def one_line(random: Random) -> dict[str, Any]:
    """Make a line that sells something."""
    product = random.choice(fixtures.PRODUCTS)
    line: dict[str, Any] = {
        "product_id": product.product_id,
        "comment": _comment(random),
        "price": _price(random),
        "amount": random.choice(_QUANTITIES),
        "unit": product.unit,
        "vat_code_id": product.vat_code_id,
        "finance_account_id": fixtures.SCORO_ACCOUNT_IDS[product.account_symbol],
    }
    if random.random() < 0.1:
        line["discount"] = random.choice(("5", "10", "12.5", "33.333333"))
    if random.random() < 0.2:
        line["custom_fields"] = [{"id": "c_department", "value": random.choice(_ACTIVE_DEPARTMENTS)}]
    if random.random() < 0.1:
        line["project_id"] = random.choice(_ACTIVE_PROJECTS)
    return line


def _lines(random: Random) -> list[dict[str, Any]]:
    if random.random() < 0.03:
        thirds = one_line(random) | {"price": "33.335", "amount": "3"}
        return [thirds]
    count = random.randint(11, 15) if random.random() < 0.02 else random.randint(1, 8)
    lines = [one_line(random) for _ in range(count)]
    if random.random() < 0.12:
        lines.insert(0, _sub_heading(random))
        if count > 3:
            lines.insert(random.randint(2, count), _sub_heading(random))
    return lines


def _sub_heading(random: Random) -> dict[str, Any]:
    return {"product_id": SUB_HEADING, "comment": random.choice(words.HEADINGS), "price": "0", "amount": "0"}


def _price(random: Random) -> str:
    chance = random.random()
    if chance < 0.1:
        return random.choice(_ODD_PRICES)
    if chance < 0.4:
        return str(random.choice((450, 600, 750, 85, 120, 25)))
    return str(Decimal(random.randint(199, 250_000)).scaleb(-2))


def _discounts(random: Random) -> tuple[str, ...]:
    chance = random.random()
    if chance < 0.02:
        return ("10", "5", "2.5")
    if chance < 0.05:
        return ("15", "3")
    if chance < 0.18:
        return (random.choice(("5", "10", "12.5", "25", "33.333333")),)
    return ()


def _description(random: Random) -> str:
    chance = random.random()
    if chance < 0.02:
        return words.LONG_MEMO * random.randint(8, 12)
    return random.choice(words.ODD_COMMENTS) if chance < 0.06 else random.choice(words.DESCRIPTIONS)


def _comment(random: Random) -> str:
    chance = random.random()
    if chance < 0.01:
        return words.LONG_MEMO * 8
    if chance < 0.05:
        return random.choice(words.ODD_COMMENTS)
    return random.choice(words.SERVICES).format(n=random.randint(1, 9))


def _header_fields(random: Random) -> list[dict[str, Any]]:
    fields = []
    if random.random() < 0.7:
        fields.append({"id": "c_department", "value": random.choice(_ACTIVE_DEPARTMENTS)})
    if random.random() < 0.5:
        fields.append({"id": "c_class", "value": random.choice(_ACTIVE_CLASSES)})
    if random.random() < 0.3:
        fields.append({"id": "c_ponumber", "value": f"PO-{random.randrange(1000, 9999)}"})
    return fields
