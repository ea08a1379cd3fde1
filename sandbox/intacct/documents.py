"""Creating, editing, deleting, reversing documents by the rules of the books.

A header comes in as a dict of the object's field names plus `ACTION` (Draft or Submit, default Submit) and
`CUSTOMFIELDS`; an edit is the stored document with the changed fields laid over it, checked as a whole again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox import fixtures
from sandbox.intacct.context import Call
from sandbox.intacct.errors import FunctionError, line, refuse
from sandbox.intacct.kinds import TERMS_DAYS, DocumentKind
from sandbox.intacct.ledger import write_lines
from sandbox.intacct.lines import Line, LineInput, check_line
from sandbox.intacct.objects import words
from sandbox.intacct.store import Record
from sandbox.intacct.values import format_date, number, parse_date, round_cents

HeaderInput = dict[str, Any]

DAILY_RATE = "Intacct Daily Rate"
_ILLEGAL_IN_NUMBER = frozenset("\"'&<>#?")
_OPEN_STATES = ("Draft", "Posted", "Submitted")
_RAW_STATES = {"Draft": "D", "Posted": "A", "Submitted": "S"}
_DATES = ("WHENCREATED", "WHENPOSTED", "WHENDUE", "EXCH_RATE_DATE", "RECPAYMENTDATE")


@dataclass(frozen=True)
class Money:
    """Currency of a document and the rate from it to the base currency."""

    base: str
    currency: str
    rate: Decimal


def create(call: Call, kind: DocumentKind, header: HeaderInput, lines: Sequence[LineInput]) -> Record:
    """Create a document; raises FunctionError, the cause first and the vendor's general sentence after it."""
    try:
        _take_number(call, kind, header)
        record, checked, rate = _check(call, kind, header, lines)
        _check_unique(call, kind, record)
    except FunctionError as error:
        raise _wrapped(call, kind, header, error) from error
    recordno = str(call.store.next_recordno())
    record |= {
        "RECORDNO": recordno,
        "PRBATCHKEY": recordno,
        "RECORD_URL": f"https://www.intacct.com/ia/acct/ur.phtml?.r={recordno}",
    }
    stored = call.add(kind.object, record)
    write_lines(call, kind, stored, checked, rate=rate)
    call.store.count(f"created.{kind.object}")
    return stored


def edit(call: Call, kind: DocumentKind, stored: Record, header: HeaderInput, lines: Sequence[LineInput]) -> Record:
    """Store `header` and `lines` as the document's new content; lines are told apart by `LINE_NO`."""
    _check_open(call, stored, "edited")
    if not header.get("RECORDID"):
        raise refuse(kind.number_error)
    if stored["STATE"] != "Draft" and header.get("ACTION") == "Draft":
        raise refuse("state", number=stored["RECORDID"], state=stored["STATE"], verb="saved as a draft")
    record, checked, rate = _check(call, kind, header, lines)
    if record["RECORDID"] != stored["RECORDID"]:
        _check_unique(call, kind, record)
    record = {**stored, **record}
    call.change(kind.object, record)
    kept = call.store.children(kind.item, [int(stored["RECORDNO"])])
    write_lines(call, kind, record, checked, rate=rate, kept=kept)
    call.store.count(f"updated.{kind.object}")
    return record


def merge(stored: HeaderInput, changes: HeaderInput) -> HeaderInput:
    """Lay changes over a stored header: posting and due date follow the document date where nothing else is said."""
    header = {**stored, **changes}
    dated = changes.get("WHENCREATED", stored["WHENCREATED"]) != stored["WHENCREATED"]
    if dated and "WHENPOSTED" not in changes and stored["WHENPOSTED"] == stored["WHENCREATED"]:
        header["WHENPOSTED"] = header["WHENCREATED"]
    if (dated or "TERMNAME" in changes) and "WHENDUE" not in changes and header.get("TERMNAME"):
        header["WHENDUE"] = ""
    return header


def find_to(call: Call, kind: DocumentKind, key: str, verb: str) -> Record:
    """Find the document that a function names; raises FunctionError."""
    record = call.get(kind.object, key)
    if record is None:
        raise refuse("not_found", object=kind.noun, key=key, verb=verb)
    return record


def delete(call: Call, kind: DocumentKind, key: str) -> None:
    """Delete a draft, or an unpaid document in an open period."""
    record = find_to(call, kind, key, "delete")
    _check_open(call, record, "deleted")
    call.store.remove(kind.object, int(record["RECORDNO"]))
    call.store.remove_children(kind.item, int(record["RECORDNO"]))
    call.store.count(f"deleted.{kind.object}")


def reverse(call: Call, kind: DocumentKind, key: str, day: str, description: str) -> Record:
    """Reverse a posted, unpaid document on `day`: it becomes Reversed, a Reversal with opposite totals appears."""
    record = find_to(call, kind, key, "reverse")
    if record["STATE"] != "Posted":
        raise refuse("state", number=record["RECORDID"], state=record["STATE"], verb="reversed")
    check_period(call, day)
    opposite = {
        **record,
        "RECORDNO": "",
        "RECORDID": f"{record['RECORDID']} - Reversed",
        "STATE": "Reversal",
        "WHENCREATED": day,
        "WHENPOSTED": day,
        "DESCRIPTION": description,
    }
    for field in ("TOTALENTERED", "TRX_TOTALENTERED"):
        opposite[field] = str(-Decimal(record[field]))
    for each in (record, opposite):
        each.update(TOTALDUE="0.00", TRX_TOTALDUE="0.00", TRX_ENTITYDUE="0.00")
    record["STATE"] = "Reversed"
    call.change(kind.object, record)
    call.store.count(f"reversed.{kind.object}")
    return call.add(kind.object, opposite)


def check_period(call: Call, day: str) -> None:
    """Raise FunctionError if the books are closed for this day (`mm/dd/yyyy`)."""
    closed_until = call.settings.closed_until
    parsed = parse_date(day)
    if parsed is None:
        raise refuse("bad_date", field="date", value=day)
    if closed_until is not None and parsed <= closed_until:
        raise refuse("period_closed", date=day, first_open=format_date(closed_until + timedelta(days=1)))


def _check_open(call: Call, record: Record, verb: str) -> None:
    number_ = record["RECORDID"]
    if Decimal(record["TRX_TOTALPAID"]):
        raise refuse("already_paid", number=number_, verb=verb)
    if record["STATE"] not in _OPEN_STATES:
        raise refuse("state", number=number_, state=record["STATE"], verb=verb)
    if record["STATE"] != "Draft":
        check_period(call, record["WHENPOSTED"])


def _wrapped(call: Call, kind: DocumentKind, header: HeaderInput, error: FunctionError) -> FunctionError:
    if not call.settings.error_wrapper or error.lines[-1].errorno == "BL03002185":
        return error
    wrapper = line("wrapper", number=header.get("RECORDID", ""))
    return FunctionError(*error.lines, wrapper, line("wrapper_record", object=kind.noun))


def _take_number(call: Call, kind: DocumentKind, header: HeaderInput) -> None:
    if not header.get("RECORDID"):
        if call.settings.numbering == "required":
            raise refuse(kind.number_error)
        header["RECORDID"] = f"{kind.noun.upper()}-{call.store.count(f'_sequence.{kind.object}'):05d}"


def _check_unique(call: Call, kind: DocumentKind, record: Record) -> None:
    if call.settings.duplicate_numbers == "allow":
        return
    for other in call.store.find_all(kind.object, [record["RECORDID"]]):
        if not kind.payable or other["VENDORID"] == record["VENDORID"]:
            raise refuse("number_exists", number=record["RECORDID"])


def _check(
    call: Call, kind: DocumentKind, header: HeaderInput, lines: Sequence[LineInput]
) -> tuple[Record, list[Line], Decimal]:
    party = call.reference(kind.party, header.get(kind.party_id, ""))
    if _ILLEGAL_IN_NUMBER & set(header["RECORDID"]):
        raise refuse("number_characters", number=header["RECORDID"])
    _check_dates(call, kind, header)
    _check_references(call, kind, header)
    money = _money(call, header)
    if not lines:
        raise refuse("missing_field", field=f"{kind.item}S")
    inclusive = header.get("INCLUSIVETAX") == "true"
    checked = [check_line(call, kind, header, given, inclusive=inclusive) for given in lines]
    if kind.one_sign and len({each.net > 0 for each in checked if each.net}) > 1:
        raise refuse("mixed_signs")
    for each, given in zip(checked, lines, strict=True):
        each.record["LINE_NO"] = given.get("LINE_NO", "")
    record = _header_record(call, kind, header, checked, money=money)
    record[f"{kind.party}NAME"] = party["NAME"]
    return record, checked, money.rate


def _check_dates(call: Call, kind: DocumentKind, header: HeaderInput) -> None:
    for field in _DATES:
        if header.get(field) and parse_date(header[field]) is None:
            raise refuse("bad_date", field=field, value=header[field])
    if not header.get("WHENCREATED"):
        raise refuse("missing_field", field="WHENCREATED")
    header["WHENPOSTED"] = header.get("WHENPOSTED") or header["WHENCREATED"]
    if header.get("ACTION", "Submit") not in ("Draft", "Submit"):
        raise refuse("bad_value", field="ACTION", value=header["ACTION"])
    draft = header.get("ACTION") == "Draft"
    if not draft:
        check_period(call, header["WHENPOSTED"])
    term = header.get("TERMNAME", "")
    if term and term not in TERMS_DAYS:
        raise refuse("unknown_reference", label="Term", value=term)
    if kind.has_terms and not header.get("WHENDUE"):
        if not term and not (draft and kind.payable):
            raise refuse("due_missing", field="WHENDUE")
        day = parse_date(header["WHENCREATED"])
        if term and day is not None:
            header["WHENDUE"] = format_date(day + timedelta(days=TERMS_DAYS[term]))


def _check_references(call: Call, kind: DocumentKind, header: HeaderInput) -> None:
    for field in ("BILLTOPAYTOCONTACTNAME", "SHIPTORETURNTOCONTACTNAME"):
        if header.get(field):
            call.reference("CONTACT", header[field])
    if header.get("SUPDOCID"):
        call.reference("SUPDOC", header["SUPDOCID"])
    if header.get("TAXSOLUTIONID"):
        call.reference("TAXSOLUTION", header["TAXSOLUTIONID"])
    elif call.settings.vat_company and not call.entity:
        raise refuse("tax_solution")
    known = call.settings.custom_fields.get(kind.object, [])
    for name in header.get("CUSTOMFIELDS", {}):
        if name not in known:
            raise refuse("unknown_field", field=name, object=kind.object)


def _money(call: Call, header: HeaderInput) -> Money:
    base = call.base_currency
    currency = header.get("CURRENCY") or base
    if header.get("BASECURR") and header["BASECURR"] != base:
        raise refuse("bad_value", field="BASECURR", value=header["BASECURR"])
    if currency not in fixtures.CURRENCIES:
        raise refuse("unknown_reference", label="Currency", value=currency)
    if currency != base and not call.settings.multi_currency:
        raise refuse("foreign_currency")
    rate_type = header.get("EXCH_RATE_TYPE_ID", "")
    if rate_type not in ("", DAILY_RATE):
        raise refuse("unknown_reference", label="exchange rate type", value=rate_type)
    if header.get("EXCHANGE_RATE"):
        if rate_type:
            raise refuse("bad_value", field="EXCH_RATE_TYPE_ID", value=rate_type)
        rate = number(header["EXCHANGE_RATE"], "EXCHANGE_RATE")
        if rate <= 0:
            raise refuse("bad_value", field="EXCHANGE_RATE", value=header["EXCHANGE_RATE"])
    else:
        rate = fixtures.CURRENCIES[currency] / fixtures.CURRENCIES[base]
    return Money(base, currency, rate.quantize(Decimal("1.0000000000")).normalize())


def _header_record(
    call: Call, kind: DocumentKind, header: HeaderInput, lines: Sequence[Line], *, money: Money
) -> Record:
    total = sum((each.net + each.tax for each in lines), call.settings.total_skew)
    base_total = sum(
        (round_cents(part * money.rate) for each in lines for part in (each.net, *(t for _, t in each.taxes))),
        Decimal(0),
    )
    state = "Draft" if header.get("ACTION") == "Draft" else "Posted"
    if state == "Posted" and kind.payable and call.settings.ap_approvals:
        state = "Submitted"
    fields = words(
        "RECORDID DOCNUMBER DESCRIPTION WHENCREATED WHENPOSTED WHENDUE TERMNAME SUPDOCID TAXSOLUTIONID "
        "BILLTOPAYTOCONTACTNAME SHIPTORETURNTOCONTACTNAME EXCH_RATE_DATE RECPAYMENTDATE PAYMENTPRIORITY ONHOLD "
        "INCLUSIVETAX EXTERNALREFNO"
    )
    record: Record = {field: header.get(field, "") for field in fields}
    record.update(header.get("CUSTOMFIELDS", {}))
    record.update(
        {
            "RECORDTYPE": kind.record_type,
            "STATE": state,
            "RAWSTATE": _RAW_STATES[state],
            kind.party_id: header[kind.party_id],
            "BASECURR": money.base,
            "CURRENCY": money.currency,
            "EXCHANGE_RATE": f"{money.rate:f}",
            "EXCH_RATE_TYPE_ID": "" if header.get("EXCHANGE_RATE") else DAILY_RATE,
            "MODULEKEY": kind.module,
            "SYSTEMGENERATED": "F",
            "WHENPAID": "",
            "PRBATCH": f"{kind.noun}s: {header['WHENPOSTED']}",
            "TOTALENTERED": str(base_total),
            "TRX_TOTALENTERED": str(total),
            "TOTALDUE": str(base_total),
            "TRX_TOTALDUE": str(total),
            "TRX_ENTITYDUE": str(total),
            **dict.fromkeys(("TOTALPAID", "TRX_TOTALPAID", "TOTALSELECTED", "TRX_TOTALSELECTED"), "0.00"),
        }
    )
    return record
