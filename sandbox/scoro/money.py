"""Scoro's own arithmetic: from the lines of a document to its header totals.

  line sum    price x amount (x amount2 by setting), less the line's discount, rounded to 2 places
  header sum  the sums of exempt lines (products with `no_discounts`) plus those of all others less the
              header discounts 1 to 3, rounded once; discounts work one after the other, or by setting
              as their sum
  VAT         per rate, on that rate's net after header discount as it is before rounding, rounded to 2
              places, then added up; by setting on the whole net at the header's rate instead

Halves are rounded away from zero. So the header sum of a discounted document is not what the rounded
discounts of its lines add up to, and VAT is not the sum of the lines' rounded VAT.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.scoro.modules import Amounts
from sandbox.scoro.settings import Settings

CENT = Decimal("0.01")
HUNDRED = Decimal(100)
DISCOUNTS = ("discount", "discount2", "discount3")


@dataclass(frozen=True)
class Totals:
    """The sums of a document, all in its own currency, rounded to cents."""

    line_sums: tuple[Decimal, ...]
    net: Decimal
    tax: Decimal


def cents(amount: Decimal) -> Decimal:
    """Round to two places, halves away from zero, never to -0."""
    return amount.quantize(CENT, ROUND_HALF_UP) + 0


def line_sum(line: Mapping[str, Any], amounts: Amounts, settings: Settings) -> Decimal:
    """Return one line's sum without VAT."""
    product = Decimal(line.get("price", "0")) * Decimal(line.get(amounts.quantity, "0"))
    if settings.amount2_multiplies:
        product *= Decimal(line.get(amounts.quantity2, "0"))
    return cents(product * (1 - Decimal(line.get("discount", "0")) / HUNDRED))


def discount_factor(head: Mapping[str, Any], amounts: Amounts, settings: Settings) -> Decimal:
    """Return what share of a line remains after the header's discounts."""
    if not amounts.has_discounts:
        return Decimal(1)
    shares = [Decimal(head.get(name, "0")) / HUNDRED for name in DISCOUNTS]
    if settings.header_discounts == "added":
        return 1 - sum(shares, Decimal(0))
    factor = Decimal(1)
    for share in shares:
        factor *= 1 - share
    return factor


def totals(
    head: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    amounts: Amounts,
    settings: Settings,
    is_exempt: Callable[[int], bool],
) -> Totals:
    """Compute a document's sums; `is_exempt` says of a product id whether header discounts pass it by."""
    factor = discount_factor(head, amounts, settings)
    sums = tuple(line_sum(line, amounts, settings) for line in lines)
    net_by_rate: dict[Decimal, Decimal] = defaultdict(Decimal)
    for line, amount in zip(lines, sums, strict=True):
        net = amount if is_exempt(int(line.get("product_id", 0))) else amount * factor
        net_by_rate[_rate(head, line, amounts, settings)] += net
    net = cents(sum(net_by_rate.values(), Decimal(0)))
    if not settings.line_based_vat:
        return Totals(sums, net, cents(net * _decimal(head.get(amounts.rate)) / HUNDRED))
    tax = sum((cents(part * rate / HUNDRED) for rate, part in net_by_rate.items()), Decimal(0))
    return Totals(sums, net, tax.quantize(CENT))


def _rate(head: Mapping[str, Any], line: Mapping[str, Any], amounts: Amounts, settings: Settings) -> Decimal:
    return _decimal((line if settings.line_based_vat else head).get(amounts.rate))


def _decimal(value: Any) -> Decimal:
    return Decimal(value or "0")
