"""Sums of money: rounding to cents and sharing out without losing one.

Both Scoro and Intacct keep two decimals in every currency (Intacct rounds what is longer), so a cent is the unit
everywhere; currencies with other decimals (ISO 4217) are told apart by `has_cents`. Halves are rounded away from
zero, as Scoro does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
HUNDRED = Decimal(100)

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_OR_FOUR = "BHD IQD JOD KWD LYD OMR TND CLF UYW"
OTHER_DECIMALS = frozenset(f"{_NO_DECIMALS} {_THREE_OR_FOUR}".split())
"""Currencies (ISO 4217) whose amounts have no two decimals."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in its currency (ISO 4217); prints as `1,234.50 GBP`."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{cents(self.amount):,} {self.currency}"


def told(sums: Mapping[str, str]) -> str:
    """Sums by their currencies, as people read them: `1,234.50 GBP, 12.00 USD`."""
    return ", ".join(f"{Decimal(amount):,f} {currency}" for currency, amount in sorted(sums.items()))


def has_cents(currency: str) -> bool:
    """Whether amounts in a currency have two decimals."""
    return currency.upper() not in OTHER_DECIMALS


def cents(value: Decimal) -> Decimal:
    """Round to two decimals, halves away from zero; never a negative zero."""
    return value.quantize(CENT, ROUND_HALF_UP) + ZERO


def largest_remainder(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Share `total` out in proportion to `weights`, in cents that add up to exactly `total`.

    Weights of zero get nothing. Raises ValueError where there is something to share and the weights add up to zero.
    """
    whole = sum(weights, Decimal(0))
    if whole == 0:
        if total != 0:
            raise ValueError("nothing to share by: the weights add up to zero")
        return [ZERO for _ in weights]
    return apportion(total, [total * weight / whole for weight in weights])


def apportion(total: Decimal, targets: Sequence[Decimal]) -> list[Decimal]:
    """Round each target to cents so that they add up to exactly `total`.

    Every target is rounded down; the cents that are left go one by one to those that lost most (the earlier one on
    a tie). Targets of zero stay zero, so that no tax lands on an exempt line. `total` in cents; raises ValueError
    where it is not zero and no target can take it.
    """
    shares = [target.quantize(CENT, ROUND_FLOOR) for target in targets]
    left = int((total - sum(shares, ZERO)) / CENT)
    order = sorted(
        (index for index, target in enumerate(targets) if target != 0),
        key=lambda index: shares[index] - targets[index],
    )
    if not order:
        if left:
            raise ValueError("nothing to share by: all targets are zero")
        return shares
    rounds, rest = divmod(left, len(order))
    for place, index in enumerate(order):
        shares[index] += CENT * (rounds + (place < rest))
    return [share + ZERO for share in shares]
