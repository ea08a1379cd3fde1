"""Payments: what is paid, by which payment or credit, and what remains due.

A payment is a header (ARPYMT, APPYMT) with details; a detail joins it to the paid document (`RECORDKEY`), and
to the credit that was used (`ADJUSTMENTKEY`). Applying a credit alone makes a payment of 0.00 with such details.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sandbox import fixtures
from sandbox.intacct.context import Call
from sandbox.intacct.documents import check_period
from sandbox.intacct.errors import refuse
from sandbox.intacct.kinds import AP_ADJUSTMENT, AR_ADJUSTMENT, BILL, INVOICE, DocumentKind
from sandbox.intacct.objects import words
from sandbox.intacct.store import Record
from sandbox.intacct.values import round_cents


@dataclass(frozen=True)
class PaymentKind:
    """A payment object and what it pays."""

    object: str
    party: str
    document: DocumentKind
    adjustment: DocumentKind
    day_field: str
    methods: tuple[str, ...]

    @property
    def detail(self) -> str:
        """Object of the details."""
        return f"{self.object}DETAIL"


RECEIPT = PaymentKind(
    "ARPYMT",
    "CUSTOMER",
    INVOICE,
    AR_ADJUSTMENT,
    "RECEIPTDATE",
    ("Printed Check", "Cash", "EFT", "Credit Card", "Online Charge Card", "Online ACH Debit"),
)
DISBURSEMENT = PaymentKind(
    "APPYMT",
    "VENDOR",
    BILL,
    AP_ADJUSTMENT,
    "PAYMENTDATE",
    ("Printed Check", "Joint Check", "Cash", "EFT", "Credit Card", "ACH", "Check Delivery"),
)
PAYMENT_KINDS: Mapping[str, PaymentKind] = {kind.object: kind for kind in (RECEIPT, DISBURSEMENT)}


@dataclass(frozen=True)
class Share:
    """What one detail pays of one document, in transaction currency: money, credit, or both."""

    record_key: str
    money: Decimal = Decimal(0)
    credit_key: str = ""
    credit: Decimal = Decimal(0)
    debit_memo: bool = False


def book(call: Call, kind: PaymentKind, header: Record, shares: Sequence[Share], *, draft: bool = False) -> Record:
    """Store a payment and, unless it is a draft, settle what it pays; raises FunctionError."""
    day = header[kind.day_field]
    if not draft:
        check_period(call, day)
    money = sum((share.money for share in shares), Decimal(0))
    payment = call.add(kind.object, _header_record(call, kind, header, money, draft=draft))
    payment["RECORDID"] = payment["DOCNUMBER"] or payment["RECORDNO"]
    call.store.replace(kind.object, payment)
    for share in shares:
        call.add(kind.detail, _detail(call, kind, payment, share, day))
        if not draft:
            settle(call, kind, share, day, sign=1)
    call.store.count(f"created.{kind.object}")
    return payment


def settle(call: Call, kind: PaymentKind, share: Share, day: str, *, sign: int) -> None:
    """Move what is paid and due of the document and of the credit; `sign` −1 takes a payment back."""
    paid_kind = kind.adjustment if share.debit_memo else kind.document
    _move(call, paid_kind, share.record_key, (share.money + share.credit) * sign, day)
    if share.credit_key:
        _move(call, kind.adjustment, share.credit_key, -share.credit * sign, day)


def reverse(call: Call, kind: PaymentKind, key: str, day: str) -> Record:
    """Take back a completed payment on `day`; raises FunctionError for a draft or one reversed before."""
    payment = call.get(kind.object, key)
    if payment is None:
        raise refuse("not_found", object=kind.object, key=key, verb="reverse")
    if payment["STATE"] != "C":
        raise refuse("state", number=payment["RECORDID"], state=payment["DISPLAYSTATE"], verb="reversed")
    check_period(call, day)
    for detail in call.store.children(kind.detail, [int(payment["RECORDNO"])]):
        settle(call, kind, _share_of(detail), day, sign=-1)
        detail["STATE"] = "V"
        call.change(kind.detail, detail)
    payment.update(STATE="V", DISPLAYSTATE="Reversed")
    call.change(kind.object, payment)
    return payment


def remove_draft(call: Call, kind: PaymentKind, key: str, verb: str) -> Record:
    """Delete a draft payment and return it; raises FunctionError for a completed one."""
    payment = call.get(kind.object, key)
    if payment is None:
        raise refuse("not_found", object=kind.object, key=key, verb=verb)
    if payment["STATE"] != "D":
        raise refuse("not_draft_payment", verb=f"{verb}d", key=key)
    call.store.remove(kind.object, int(payment["RECORDNO"]))
    call.store.remove_children(kind.detail, int(payment["RECORDNO"]))
    return payment


def _move(call: Call, kind: DocumentKind, key: str, amount: Decimal, day: str) -> None:
    record = call.get(kind.object, key)
    if record is None:
        raise refuse("not_found", object=kind.noun, key=key, verb="pay")
    if record["STATE"] in ("Draft", "Submitted", "Reversed", "Reversal"):
        raise refuse("state", number=record["RECORDID"], state=record["STATE"], verb="paid")
    due = Decimal(record["TRX_TOTALDUE"])
    total = Decimal(record["TRX_TOTALENTERED"])
    remaining = due - amount
    if not min(Decimal(0), total) <= remaining <= max(Decimal(0), total):
        raise refuse("overpaid", amount=amount, due=due, number=record["RECORDID"])
    rate = Decimal(record["EXCHANGE_RATE"])
    base_total = Decimal(record["TOTALENTERED"])
    base_due = Decimal("0.00") if not remaining else round_cents(remaining * rate)
    record.update(
        TRX_TOTALDUE=str(remaining),
        TRX_ENTITYDUE=str(remaining),
        TRX_TOTALPAID=str(total - remaining),
        TOTALDUE=str(base_due),
        TOTALPAID=str(base_total - base_due),
        STATE="Paid" if not remaining else "Posted" if remaining == total else "Partially Paid",
        WHENPAID=day if not remaining else "",
    )
    if call.settings.payment_bumps_modified:
        call.change(kind.object, record)
    else:
        call.store.replace(kind.object, record)


def _header_record(call: Call, kind: PaymentKind, header: Record, money: Decimal, *, draft: bool) -> Record:
    currency = header.get("CURRENCY") or call.base_currency
    rate = fixtures.CURRENCIES[currency] / fixtures.CURRENCIES[call.base_currency]
    day = header[kind.day_field]
    fields = words("FINANCIALENTITY PAYMENTMETHOD DOCNUMBER DESCRIPTION SUPDOCID PARENTPAYMENTKEY")
    party = call.find(kind.party, header.get(f"{kind.party}ID", ""))
    return {
        **{field: header.get(field, "") for field in fields},
        "RECORDTYPE": header.get("RECORDTYPE", "rp" if kind is RECEIPT else "pp"),
        f"{kind.party}ID": header.get(f"{kind.party}ID", ""),
        f"{kind.party}NAME": "" if party is None else party["NAME"],
        "STATE": "D" if draft else "C",
        "DISPLAYSTATE": "Draft" if draft else "Posted",
        "WHENCREATED": day,
        "RECEIPTDATE": day,
        "PAYMENTDATE": header.get("PAYMENTDATE") or day,
        "WHENPAID": day,
        "CURRENCY": currency,
        "BASECURR": call.base_currency,
        "EXCHANGE_RATE": f"{rate:.10f}".rstrip("0").rstrip("."),
        "TRX_TOTALENTERED": str(round_cents(money)),
        "TRX_TOTALPAID": str(round_cents(money)),
        "TRX_TOTALDUE": "0.00",
        "TOTALENTERED": str(round_cents(money * rate)),
        "RECORDID": "",
    }


def _detail(call: Call, kind: PaymentKind, payment: Record, share: Share, day: str) -> Record:
    rate = Decimal(payment["EXCHANGE_RATE"])
    return {
        "PAYMENTKEY": payment["RECORDNO"],
        "RECORDKEY": "" if share.debit_memo else share.record_key,
        "POSADJKEY": share.record_key if share.debit_memo else "",
        "ADJUSTMENTKEY": share.credit_key,
        "PAYMENTDATE": day,
        "PAYMENTAMOUNT": str(round_cents(share.money * rate)),
        "TRX_PAYMENTAMOUNT": str(round_cents(share.money)),
        "TRX_ADJUSTMENTAMOUNT": str(round_cents(share.credit)) if share.credit_key else "",
        "CURRENCY": payment["CURRENCY"],
        "STATE": payment["STATE"],
    }


def _share_of(detail: Record) -> Share:
    return Share(
        detail["RECORDKEY"] or detail["POSADJKEY"],
        Decimal(detail["TRX_PAYMENTAMOUNT"]),
        detail["ADJUSTMENTKEY"],
        Decimal(detail["TRX_ADJUSTMENTAMOUNT"] or 0),
        debit_memo=bool(detail["POSADJKEY"]),
    )
