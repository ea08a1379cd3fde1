"""Functions that book payments: the legacy ones, and generic `create`, `update`, `delete` of ARPYMT and APPYMT."""

from collections.abc import Mapping
from decimal import Decimal

from lxml import etree

from sandbox.intacct import payments
from sandbox.intacct.context import Call, Handler, Result
from sandbox.intacct.errors import refuse
from sandbox.intacct.kinds import INVOICE
from sandbox.intacct.objects import words
from sandbox.intacct.payments import DISBURSEMENT, RECEIPT, PaymentKind, Share
from sandbox.intacct.store import Record
from sandbox.intacct.values import CENT, amount, legacy_date, parse_date, text_of

Element = etree._Element

_HEADER_FIELDS = frozenset(
    words(
        "FINANCIALENTITY UNDEPOSITEDACCOUNTNO PRBATCH PAYMENTMETHOD CUSTOMERID VENDORID PAYERNAME DOCNUMBER "
        "DESCRIPTION EXCH_RATE_TYPE_ID EXCHANGE_RATE EXCH_RATE_DATE RECEIPTDATE PAYMENTDATE AMOUNTTOPAY AMOUNTOPAY "
        "TRX_AMOUNTTOPAY WHENPAID CURRENCY BASECURR BILLTOPAYTONAME ACTION SUPDOCID PAYMENTREQUESTMETHOD RECORDNO"
    )
)
_DETAIL_FIELDS = frozenset(words("RECORDKEY ENTRYKEY POSADJKEY TRX_PAYMENTAMOUNT ADJUSTMENTKEY TRX_ADJUSTMENTAMOUNT"))


def create(call: Call, kind: PaymentKind, element: Element) -> str:
    """Book a payment from its generic element; returns its RECORDNO."""
    header, shares = _read(kind, element)
    _check(call, kind, header, shares)
    return str(payments.book(call, kind, header, shares, draft=header.get("ACTION") == "Draft")["RECORDNO"])


def update(call: Call, kind: PaymentKind, element: Element) -> str:
    """Replace a draft payment as a whole, which the vendor does under the same RECORDNO."""
    header, shares = _read(kind, element)
    _check(call, kind, header, shares)
    old = payments.remove_draft(call, kind, header.get("RECORDNO", ""), "update")
    new = payments.book(call, kind, header, shares, draft=header.get("ACTION") == "Draft")
    details = call.store.children(kind.detail, [int(new["RECORDNO"])])
    call.store.remove(kind.object, int(new["RECORDNO"]))
    call.store.insert(kind.object, {**new, "RECORDNO": old["RECORDNO"], "AUWHENCREATED": old["AUWHENCREATED"]})
    for detail in details:
        call.store.replace(kind.detail, {**detail, "PAYMENTKEY": old["RECORDNO"]})
    return str(old["RECORDNO"])


def create_arpayment(call: Call, element: Element) -> Result:
    """Book a receipt on invoices; without any invoice it is an advance."""
    texts = {child.tag: text_of(child) for child in element}
    received = element.find("datereceived")
    if received is None:
        raise refuse("missing_field", field="datereceived")
    header = {
        "CUSTOMERID": texts["customerid"],
        "FINANCIALENTITY": texts.get("bankaccountid", ""),
        "PAYMENTMETHOD": texts.get("paymentmethod", "") or "Printed Check",
        "DOCNUMBER": texts.get("refid", ""),
        "CURRENCY": texts.get("currency", ""),
        "RECEIPTDATE": legacy_date(received),
    }
    shares = [Share(text_of(item[0]), amount(text_of(item[1]), "amount")) for item in element.iterfind("arpaymentitem")]
    paid = amount(texts["paymentamount"], "paymentamount")
    _check(call, RECEIPT, header, shares)
    if shares and sum(share.money for share in shares) != paid:
        raise refuse("bad_value", field="paymentamount", value=texts["paymentamount"])
    if not shares:
        header["RECORDTYPE"] = "rr"
    payment = payments.book(call, RECEIPT, header, shares)
    if not shares:
        payment.update(TRX_TOTALENTERED=str(paid), TRX_TOTALDUE=str(paid), TRX_TOTALPAID="0.00")
        call.store.replace(RECEIPT.object, payment)
    return Result(key=payment["RECORDNO"])


def apply_arpayment(call: Call, element: Element) -> Result:
    """Apply a credit memo or an advance to invoices, up to what is left of it."""
    key = text_of(element.find("arpaymentkey"))
    day_element = element.find("paymentdate")
    if day_element is None:
        raise refuse("missing_field", field="paymentdate")
    items = [
        (text_of(item[0]), amount(text_of(item[1]), "amount"))
        for item in element.iterfind("arpaymentitems/arpaymentitem")
    ]
    if not items:
        raise refuse("missing_field", field="arpaymentitem")
    credit = call.get(RECEIPT.adjustment.object, key)
    if credit is not None:
        return _apply_credit(call, credit, items, legacy_date(day_element))
    return _apply_advance(call, key, items, legacy_date(day_element))


def _apply_credit(call: Call, credit: Record, items: list[tuple[str, Decimal]], day: str) -> Result:
    header = {"CUSTOMERID": credit["CUSTOMERID"], "CURRENCY": credit["CURRENCY"], "RECEIPTDATE": day}
    shares = [Share(invoice, credit_key=credit["RECORDNO"], credit=value) for invoice, value in items]
    _check_documents(call, RECEIPT, header, shares)
    payments.book(call, RECEIPT, header, shares)
    return Result(key=credit["RECORDNO"])


def _apply_advance(call: Call, key: str, items: list[tuple[str, Decimal]], day: str) -> Result:
    advance = call.get(RECEIPT.object, key)
    if advance is None:
        raise refuse("not_found", object="arpayment", key=key, verb="apply")
    left = Decimal(advance["TRX_TOTALDUE"]) - sum(value for _, value in items)
    if left < 0:
        raise refuse("overpaid", amount=-left, due=advance["TRX_TOTALDUE"], number=advance["RECORDID"])
    header = {
        "CUSTOMERID": advance["CUSTOMERID"],
        "CURRENCY": advance["CURRENCY"],
        "RECEIPTDATE": day,
        "RECORDTYPE": "ro",
        "PARENTPAYMENTKEY": advance["RECORDNO"],
    }
    shares = [Share(invoice, value) for invoice, value in items]
    _check_documents(call, RECEIPT, header, shares)
    payments.book(call, RECEIPT, header, shares)
    advance["TRX_TOTALDUE"] = str(left)
    advance["TRX_TOTALPAID"] = str(Decimal(advance["TRX_TOTALENTERED"]) - left)
    call.change(RECEIPT.object, advance)
    return Result(key=advance["RECORDNO"])


def _reverse(kind: PaymentKind) -> Handler:
    def handle(call: Call, element: Element) -> Result:
        return Result(key=payments.reverse(call, kind, element.get("key", ""), legacy_date(element[0]))["RECORDNO"])

    return handle


def _read(kind: PaymentKind, element: Element) -> tuple[Record, list[Share]]:
    header: Record = {}
    for child in element:
        if child.tag == f"{kind.detail}S":
            continue
        if child.tag not in _HEADER_FIELDS:
            raise refuse("unknown_field", field=child.tag, object=kind.object)
        header[child.tag] = text_of(child)
    shares = [_share(kind, detail) for detail in element.iterfind(f"{kind.detail}S/{kind.detail}")]
    return header, shares


def _share(kind: PaymentKind, detail: Element) -> Share:
    texts = {child.tag: text_of(child) for child in detail}
    for name in texts:
        if name not in _DETAIL_FIELDS:
            raise refuse("unknown_field", field=name, object=kind.detail)

    def money(name: str) -> Decimal:
        return amount(texts[name], name) if texts.get(name) else Decimal("0.00")

    return Share(
        texts.get("RECORDKEY") or texts.get("POSADJKEY", ""),
        money("TRX_PAYMENTAMOUNT"),
        texts.get("ADJUSTMENTKEY", ""),
        money("TRX_ADJUSTMENTAMOUNT"),
        debit_memo=not texts.get("RECORDKEY") and bool(texts.get("POSADJKEY")),
    )


def _check(call: Call, kind: PaymentKind, header: Record, shares: list[Share]) -> None:
    day = header.get(kind.day_field, "")
    if parse_date(day) is None:
        raise refuse("bad_date", field=kind.day_field, value=day)
    credit_only = bool(shares) and not any(share.money for share in shares)
    if not credit_only:
        method = header.get("PAYMENTMETHOD", "")
        if method not in kind.methods:
            raise refuse("unknown_reference", label="payment method", value=method)
        bank = header.get("FINANCIALENTITY", "")
        banks = {record["BANKACCOUNTID"] for record in call.store.all("CHECKINGACCOUNT")}
        if bank not in banks and not header.get("UNDEPOSITEDACCOUNTNO"):
            raise refuse("unknown_reference", label="Bank account", value=bank)
    if header.get(f"{kind.party}ID") or not header.get("PAYERNAME"):
        call.reference(kind.party, header.get(f"{kind.party}ID", ""))
    _check_documents(call, kind, header, shares)


def _check_documents(call: Call, kind: PaymentKind, header: Record, shares: list[Share]) -> None:
    for share in shares:
        if share.money < 0 or share.credit < 0 or share.money + share.credit < CENT:
            raise refuse("bad_amount", field="TRX_PAYMENTAMOUNT", value=share.money + share.credit)
        paid = kind.adjustment if share.debit_memo else kind.document
        record = call.get(paid.object, share.record_key)
        if record is None:
            raise refuse("not_found", object=paid.noun, key=share.record_key, verb="pay")
        if record["CURRENCY"] != (header.get("CURRENCY") or call.base_currency):
            raise refuse("bad_value", field="CURRENCY", value=header.get("CURRENCY", ""))
        party = header.get(f"{kind.party}ID", "")
        if party and record[f"{kind.party}ID"] != party:
            raise refuse("not_found", object=INVOICE.noun, key=share.record_key, verb="pay")


HANDLERS: Mapping[str, Handler] = {
    "create_arpayment": create_arpayment,
    "apply_arpayment": apply_arpayment,
    "reverse_arpayment": _reverse(RECEIPT),
    "reverse_appayment": _reverse(DISBURSEMENT),
}
OBJECT_OF: Mapping[str, str] = {
    **dict.fromkeys(("create_arpayment", "apply_arpayment", "reverse_arpayment"), RECEIPT.object),
    "reverse_appayment": DISBURSEMENT.object,
}
