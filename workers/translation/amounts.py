"""The arithmetic of a document: from Scoro's sums to lines that add up to its header, to the cent.

Header totals are the truth and must explain themselves. Header discounts work on every line but
those of products without discounts; what they take off becomes one negative line per tax rate. What then is missing
to the header's sum goes on a rounding line if it is at most a cent per line; else the document is refused. VAT is
shared out over rates and lines so that it adds up to the header's VAT, under the same bound.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from schemas.money import CENT, HUNDRED, ZERO, Money, apportion, cents
from schemas.scoro import Document, Invoice
from workers.translation.faults import refused


@dataclass(frozen=True, slots=True)
class Rate:
    """A tax rate as Scoro names it: the VAT code's id and name where there is one, and the rate in per cent."""

    percent: Decimal
    vat_code_id: int | None = None
    vat_code: str = field(default="", compare=False)

    @property
    def percent_text(self) -> str:
        """The percentage as people write it: `20`, `17.5`."""
        return format(self.percent.normalize() + 0, "f")


@dataclass(frozen=True, slots=True)
class Part:
    """An amount at a tax rate; `discountable` where header discounts apply."""

    amount: Decimal
    rate: Rate
    discountable: bool = True


def rate_keys(rates: Iterable[Rate]) -> dict[Rate, str]:
    """Return what names each rate for ever: its VAT code, or its percentage where there is none.

    A VAT code whose percentage changed between two lines of one document is named by both.
    """
    distinct = list(dict.fromkeys(rates))
    ids = [rate.vat_code_id for rate in distinct]
    return {
        rate: f"{rate.percent_text}%"
        if rate.vat_code_id is None
        else str(rate.vat_code_id) + (f":{rate.percent_text}%" if ids.count(rate.vat_code_id) > 1 else "")
        for rate in distinct
    }


def discount_lines(document: Document, parts: Sequence[Part]) -> tuple[dict[Rate, Decimal], Decimal]:
    """Return the discount of each rate (negative) and the rest that the header's sum leaves for a rounding line.

    Several discounts work one after the other; where that does not explain the header but their sum does, they were
    meant as their sum. Raises DocumentError where the rest is more than a cent per line either way.
    """
    lines = sum((part.amount for part in parts), ZERO)
    tried = [_discounted(parts, factor) for factor in _factors(document.discounts)]
    totals = [cents(sum(exact.values(), Decimal(0))) for exact in tried]
    rests = [document.sum - lines - total for total in totals]
    best = next((place for place, rest in enumerate(rests) if abs(rest) <= CENT * len(parts)), None)
    if best is None:
        raise _unexplained_sum(document, lines, totals[0], rests[0])
    exact, total, rest = tried[best], totals[best], rests[best]
    if exact and abs(rest) <= CENT:
        # A cent beside the exact discount is how Scoro rounded it, so it belongs to the discount.
        total, rest = total + rest, ZERO
    return dict(zip(exact, apportion(total, list(exact.values())), strict=True)), rest


def _factors(discounts: Sequence[Decimal]) -> list[Decimal]:
    """What is left of an amount after the discounts: one after the other, else all at once."""
    compound = Decimal(1)
    for percent in discounts:
        compound *= 1 - percent / HUNDRED
    at_once = 1 - sum(discounts, Decimal(0)) / HUNDRED
    return [compound] if compound == at_once else [compound, at_once]


def _discounted(parts: Sequence[Part], factor: Decimal) -> dict[Rate, Decimal]:
    """What discounts take off at each rate, exactly; negative."""
    exact: dict[Rate, Decimal] = {}
    for part in parts:
        if part.discountable and factor != 1:
            exact[part.rate] = exact.get(part.rate, Decimal(0)) - part.amount * (1 - factor)
    return {rate: amount for rate, amount in exact.items() if amount != 0}


def share_tax(document: Document, parts: Sequence[Part], lines: int) -> list[Decimal]:
    """Return the VAT of each part, adding up to the header's; raises DocumentError beyond a cent per line.

    Rates are shared out first, then the lines of each rate, so that the VAT of a rate is what Scoro shows.
    """
    exact = [part.amount * part.rate.percent / HUNDRED for part in parts]
    by_rate: dict[Rate, Decimal] = {}
    for part, tax in zip(parts, exact, strict=True):
        by_rate[part.rate] = by_rate.get(part.rate, Decimal(0)) + tax
    explained = sum(by_rate.values(), Decimal(0))
    taxable = any(by_rate.values())
    if abs(document.vat_sum - cents(explained)) > CENT * lines or (document.vat_sum != 0 and not taxable):
        raise _unexplained_vat(document, cents(explained), by_rate)
    if not taxable and not any(exact):
        return [ZERO for _ in parts]
    totals = dict(zip(by_rate, apportion(document.vat_sum, list(by_rate.values())), strict=True))
    shares = [ZERO] * len(parts)
    for rate, total in totals.items():
        places = [index for index, part in enumerate(parts) if part.rate == rate]
        for index, share in zip(places, apportion(total, [exact[index] for index in places]), strict=True):
            shares[index] = share
    return shares


def _unexplained_sum(document: Document, lines: Decimal, discount: Decimal, rest: Decimal) -> Exception:
    money = {
        name: str(Money(amount, document.currency))
        for name, amount in {"header": document.sum, "lines": lines, "after": lines + discount}.items()
    }
    discounted = f", less discounts {money['after']}" if discount else ""
    return refused(
        "unexplained_sum",
        f"{document.label}: its field sum says {money['header']}, but its lines add up to {money['lines']}{discounted}."
        " More than a cent per line remains unexplained.",
        _remedy(document, rest)
        or f"Open the {document.noun} in Scoro, check lines and discounts, and save it, so that Scoro computes the"
        " total again.",
        field="sum",
    )


def _remedy(document: Document, rest: Decimal) -> str:
    """What to do where a field that is no part of the total makes the difference; empty where none does."""
    if not isinstance(document, Invoice):
        return ""
    field = {document.payment_fee: "payment_fee", -document.prepayment_sum: "prepayment_sum"}.get(rest)
    if field is None:
        return ""
    return (
        f"The difference is its {field.replace('_', ' ')} ({field}): put it on a line of its own with a finance account"
        " in Scoro, or book the invoice in Intacct by hand."
    )


def _unexplained_vat(document: Document, explained: Decimal, by_rate: Mapping[Rate, Decimal]) -> Exception:
    field = document.scoro_name("vat_sum")
    rates = ", ".join(sorted({f"{rate.percent_text} %" for rate in by_rate}))
    return refused(
        "unexplained_vat",
        f"{document.label}: its field {field} says {Money(document.vat_sum, document.currency)}, but its lines at"
        f" {rates} make {Money(explained, document.currency)} of VAT. More than a cent per line remains unexplained.",
        f"Open the {document.noun} in Scoro, check the tax rates of its lines, and save it, so that Scoro computes VAT"
        " again.",
        field=field,
    )
