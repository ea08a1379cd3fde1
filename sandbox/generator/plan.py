"""What a document is meant to be, kept apart from what the stand-in holds, and what it comes to.

The sums here are computed from prices, quantities, discounts and rates with fractions, not with the
stand-in's code: the two check each other. They follow the stand-in's starting settings (VAT by line,
compound header discounts).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class PlannedLine:
    """One line; numbers as decimal strings, `rate` and `discount` in per cent."""

    price: str
    quantity: str
    discount: str
    rate: str
    exempt: bool


@dataclass(frozen=True)
class Plan:
    """One document; `broken` is the reason why it cannot be posted, if there is one.

    `settled`: another document settles a part of it, so that nobody edits it any more.
    """

    number: str
    currency: str
    discounts: tuple[str, ...] = ()
    lines: tuple[PlannedLine, ...] = ()
    broken: str | None = None
    kind: str = "invoice"
    settled: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> "Plan":
        """Read what `as_json` wrote."""
        lines = tuple(PlannedLine(**line) for line in held["lines"])
        return cls(**{**held, "discounts": tuple(held["discounts"]), "lines": lines})


@dataclass(frozen=True)
class Sums:
    """What a document comes to, in its own currency."""

    net: Decimal
    vat: Decimal

    @property
    def gross(self) -> Decimal:
        """What the customer owes."""
        return self.net + self.vat


@dataclass
class CurrencyTotal:
    """Sums of many documents."""

    count: int = 0
    net: Decimal = field(default_factory=Decimal)
    vat: Decimal = field(default_factory=Decimal)

    def add(self, sums: Sums) -> None:
        """Add a document."""
        self.count += 1
        self.net += sums.net
        self.vat += sums.vat

    def as_json(self) -> dict[str, Any]:
        """Return count and sums, money as decimal strings."""
        return {"count": self.count, "net": str(self.net), "vat": str(self.vat), "gross": str(self.net + self.vat)}


def sums_of(plan: Plan) -> Sums:
    """Return what a document comes to."""
    remaining = Fraction(1)
    for discount in plan.discounts:
        remaining *= 1 - Fraction(discount) / 100
    taxable: dict[Fraction, Fraction] = defaultdict(Fraction)
    for line in plan.lines:
        full = Fraction(line.price) * Fraction(line.quantity) * (1 - Fraction(line.discount) / 100)
        amount = Fraction(_pence(full), 100)
        taxable[Fraction(line.rate)] += amount if line.exempt else amount * remaining
    vat = sum(_pence(net * rate / 100) for rate, net in taxable.items())
    return Sums(_money(_pence(sum(taxable.values(), Fraction(0)))), _money(vat))


def _pence(amount: Fraction) -> int:
    """Return whole hundredths, halves away from zero."""
    doubled = abs(amount) * 200
    whole = (doubled.numerator // doubled.denominator + 1) // 2
    return whole if amount >= 0 else -whole


def _money(pence: int) -> Decimal:
    return Decimal(pence).scaleb(-2)


def totals_by_currency(documents: Iterable[tuple[str, Sums]]) -> dict[str, CurrencyTotal]:
    """Add up documents by currency."""
    totals: dict[str, CurrencyTotal] = {}
    for currency, sums in documents:
        totals.setdefault(currency, CurrencyTotal()).add(sums)
    return totals
