"""Comparing what Intacct holds with what it should hold, by the stand-ins' own records; nothing of the product."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

Record = dict[str, Any]


def sums(invoice: Record) -> tuple[Decimal, Decimal, Decimal]:
    """Net, tax and gross of an ARINVOICE in its own currency: from its lines, its tax rows and its header."""
    net = sum((Decimal(row["TRX_AMOUNT"]) for row in invoice["LINES"] if not row["PARENTENTRY"]), Decimal(0))
    tax = sum((Decimal(row["TRX_AMOUNT"]) for row in invoice["LINES"] if row["PARENTENTRY"]), Decimal(0))
    return net, tax, Decimal(invoice["TRX_TOTALENTERED"])


def differences(expected: Record, invoices: Sequence[Record]) -> list[str]:
    """What is lost, doubled, in excess or off by a cent; nothing if the books agree with the generator's numbers."""
    healthy = {row["no"]: row for row in expected["documents"] if row["broken"] is None}
    found: list[str] = []
    counts = Counter(invoice["RECORDID"] for invoice in invoices)
    found += [f"{no} is missing" for no in healthy if not counts[no]]
    found += [f"{no} stands {count} times" for no, count in counts.items() if count > 1]
    found += [f"{no} should not be there" for no in counts if no not in healthy]
    for invoice in invoices:
        if (wanted := healthy.get(invoice["RECORDID"])) is not None:
            found += _differing(wanted, invoice)
    return [*found, *_differing_totals(expected["totals"], invoices)]


def _differing(wanted: Record, invoice: Record) -> Iterable[str]:
    net, tax, gross = sums(invoice)
    told = {"currency": invoice["CURRENCY"], "net": net, "vat": tax, "gross": gross}
    for name, value in told.items():
        if value != (wanted[name] if name == "currency" else Decimal(wanted[name])):
            yield f"{wanted['no']}: {name} is {value}, should be {wanted[name]}"


def _differing_totals(totals: Record, invoices: Sequence[Record]) -> Iterable[str]:
    booked: dict[str, list[Decimal]] = {}
    for invoice in invoices:
        row = booked.setdefault(invoice["CURRENCY"], [Decimal(0)] * 3)
        booked[invoice["CURRENCY"]] = [a + b for a, b in zip(row, sums(invoice), strict=True)]
    wanted = {currency: [Decimal(row[n]) for n in ("net", "vat", "gross")] for currency, row in totals.items()}
    for currency in sorted(wanted.keys() | booked.keys()):
        if wanted.get(currency) != booked.get(currency):
            yield f"{currency} in all: {booked.get(currency)}, should be {wanted.get(currency)}"
