"""What of a credit can be applied to its invoices, by what Intacct says is open of both. Pure.

Credits are applied to the oldest invoice first, as far as both are open; what is left of a credit stays open. So a
second look after an application finds nothing to do, whoever made it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from clients.intacct.render import size
from db.applications import Application, Concerned, Invoice, Prepared
from schemas.intacct.functions import Function, in_, query
from schemas.intacct.results import FunctionResult
from schemas.money import ZERO, cents
from workers.delivery.look_ups.contents import money_of
from workers.delivery.look_ups.evidence import Row

CREDITS, INVOICES = "credits", "invoices"
FIELDS = ("RECORDNO", "RECORDID", "STATE", "CUSTOMERID", "CURRENCY", "TRX_TOTALDUE")
MAX_APPLICATIONS = 100
"""Credits of one look."""
MAX_INVOICES = 1000
"""Invoices of one look."""


def fitting(applications: Sequence[Application]) -> list[Application]:
    """As many of them as one look takes."""
    chosen: list[Application] = []
    invoices = 0
    for application in applications:
        invoices += len(application.invoices)
        if invoices > MAX_INVOICES:
            break
        chosen.append(application)
    return chosen


def questions_by_number(credits: Sequence[Concerned]) -> dict[str, Function]:
    """What is asked behind the writes of a pack, by numbers, as some records are only made by it."""
    numbers = sorted({credit.number for credit in credits})
    invoices = sorted({number for credit in credits for number in credit.invoices})
    if not invoices or len(invoices) > MAX_INVOICES:
        return {}
    return {
        CREDITS: query("ARADJUSTMENT", FIELDS, in_("RECORDID", numbers)),
        INVOICES: query("ARINVOICE", FIELDS, in_("RECORDID", invoices)),
    }


def answered(applications: Sequence[Application], results: Mapping[str, FunctionResult]) -> list[Application]:
    """Of these applications those whose records the answers all show."""
    seen = {name: {row.get("RECORDNO") for row in result.rows} for name, result in results.items()}
    return [
        application
        for application in applications
        if application.record_no in seen.get(CREDITS, ())
        and {invoice.record_no for invoice in application.invoices} <= seen.get(INVOICES, set())
    ]


def questions(applications: Sequence[Application]) -> dict[str, Function]:
    """What is asked for these credits: the open amounts of their adjustments and invoices; nothing to ask: none."""
    credits = sorted({application.record_no for application in applications if application.invoices})
    invoices = sorted({invoice.record_no for application in applications for invoice in application.invoices})
    if not invoices:
        return {}
    return {
        CREDITS: query("ARADJUSTMENT", FIELDS, in_("RECORDNO", credits)),
        INVOICES: query("ARINVOICE", FIELDS, in_("RECORDNO", invoices)),
    }


def prepare(applications: Sequence[Application], answers: Mapping[str, FunctionResult | None]) -> list[Prepared]:
    """Work out what is applied; applications that the answers say nothing of are missing."""
    said = {name: result for name, result in answers.items() if result is not None and result.succeeded}
    prepared = [
        _nothing(one, "The invoices that it credits are not in Intacct.") for one in applications if not one.invoices
    ]
    if CREDITS not in said or INVOICES not in said:
        return prepared
    credits = {row["RECORDNO"]: row for row in said[CREDITS].rows}
    invoices = {row["RECORDNO"]: dict(row) for row in said[INVOICES].rows}
    for application in applications:
        if application.invoices:
            prepared.append(_prepare(application, credits.get(application.record_no), invoices))
    return prepared


def _prepare(application: Application, credit: Row | None, invoices: dict[str, dict[str, str]]) -> Prepared:
    if credit is None:
        return _nothing(application, "Its adjustment is no longer in Intacct, so there was nothing to apply.")
    if credit.get("STATE") == "Draft":
        return _nothing(application, "It is a draft in Intacct: apply it there once it is posted.")
    left = abs(money_of(credit.get("TRX_TOTALDUE")) or ZERO)
    shares: list[tuple[Invoice, Decimal]] = []
    hindrances: list[str] = []
    for invoice in application.invoices:
        row = invoices.get(invoice.record_no)
        if hindrance := _hindrance(invoice, row, credit):
            hindrances.append(hindrance)
            continue
        open_ = (money_of(row.get("TRX_TOTALDUE")) if row else None) or ZERO
        amount = min(left, open_)
        if row is not None and amount > 0:
            shares.append((invoice, amount))
            left -= amount
            row["TRX_TOTALDUE"] = str(open_ - amount)  # what another credit of this look finds
    if not shares:
        reason = " ".join(hindrances) or "Nothing was left to apply: the credit or its invoices are settled in Intacct."
        return _nothing(application, reason)
    if left:
        hindrances.append(f"{cents(left)} of it stay open, as its invoices are settled with less.")
    function = _function(application, shares)
    total = sum((amount for _, amount in shares), ZERO)
    return Prepared(application.id, function, total, size(function), " ".join(hindrances))


def _hindrance(invoice: Invoice, row: Row | None, credit: Row) -> str:
    """Why a credit cannot be applied to an invoice; empty where it can."""
    if row is None:
        return f"{invoice.number} is no longer in Intacct, so it was not applied to it."
    if row.get("STATE") == "Draft":
        return f"{invoice.number} is a draft in Intacct: apply the credit there once it is posted."
    for field, word in (("CUSTOMERID", "customer"), ("CURRENCY", "currency")):
        if row.get(field) and credit.get(field) and row[field] != credit[field]:
            return f"{invoice.number} has another {word} ({row[field]}), so the credit was not applied to it."
    return ""


def _function(application: Application, shares: Sequence[tuple[Invoice, Decimal]]) -> Function:
    days: list[date] = [day for day in (application.day, *(invoice.day for invoice, _ in shares)) if day]
    return Function(
        name="apply_arpayment",
        body={
            "arpaymentkey": application.record_no,
            "paymentdate": max(days).isoformat(),
            "arpaymentitems": {
                "arpaymentitem": [
                    {"invoicekey": invoice.record_no, "amount": str(cents(amount))} for invoice, amount in shares
                ]
            },
        },
    )


def _nothing(application: Application, reason: str) -> Prepared:
    return Prepared(application.id, None, ZERO, 0, reason)
