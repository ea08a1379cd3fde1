"""Edits such as people make to invoices, on lines as they stand and on the plan at once."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.generator.invoices import SUB_HEADING, one_line, planned_line
from sandbox.generator.plan import Plan, PlannedLine

Lines = list[dict[str, Any]]
Edit = tuple[str, dict[str, Any], Plan]
"""What was done, the partial object to save, and what the document is meant to be from then on."""


def edit(random: Random, description: str, lines: Lines, plan: Plan) -> Edit:
    """Make one edit; `lines` are those of the document, in the order of the plan's."""
    return random.choice(_EDITS)(random, description, lines, plan)


def _sells(lines: Lines) -> list[int]:
    return [index for index, line in enumerate(lines) if line.get("product_id") != SUB_HEADING]


def _with_line(plan: Plan, index: int, line: PlannedLine) -> Plan:
    return replace(plan, lines=(*plan.lines[:index], line, *plan.lines[index + 1 :]))


def _change_amount(random: Random, description: str, lines: Lines, plan: Plan) -> Edit:
    index = random.choice(_sells(lines))
    amount = str(Decimal(plan.lines[index].quantity) + random.choice((1, 2, Decimal("0.25"))))
    changed = [line | {"amount": amount} if at == index else line for at, line in enumerate(lines)]
    return "changed an amount", {"lines": changed}, _with_line(plan, index, replace(plan.lines[index], quantity=amount))


def _change_price(random: Random, description: str, lines: Lines, plan: Plan) -> Edit:
    index = random.choice(_sells(lines))
    price = str(Decimal(plan.lines[index].price) + Decimal(random.randint(1, 999)).scaleb(-2))
    changed = [line | {"price": price} if at == index else line for at, line in enumerate(lines)]
    return "changed a price", {"lines": changed}, _with_line(plan, index, replace(plan.lines[index], price=price))


def _add_line(random: Random, description: str, lines: Lines, plan: Plan) -> Edit:
    line = one_line(random)
    return (
        "added a line",
        {"lines": [*lines, line]},
        replace(plan, lines=(*plan.lines, planned_line(line))),
    )


def _remove_line(random: Random, description: str, lines: Lines, plan: Plan) -> Edit:
    sells = _sells(lines)
    if len(sells) < 2:
        return _add_line(random, description, lines, plan)
    index = random.choice(sells)
    return (
        "removed a line",
        {"lines": lines[:index] + lines[index + 1 :]},
        replace(plan, lines=plan.lines[:index] + plan.lines[index + 1 :]),
    )


def _change_description(random: Random, description: str, lines: Lines, plan: Plan) -> Edit:
    changed = f"{description[:200]} (revised {random.randrange(1_000_000)})".strip()
    return "changed the description", {"description": changed}, plan


_EDITS: tuple[Callable[[Random, str, Lines, Plan], Edit], ...] = (
    _change_amount,
    _change_price,
    _add_line,
    _remove_line,
    _change_description,
)
