"""A record of Intacct as it stands now, read by its number, and how it compares with a document of Scoro."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from clients.intacct.catalogue import classify
from db.links import Record
from schemas.intacct.functions import in_, query
from schemas.intacct.results import FunctionResult
from schemas.money import cents
from workers.carrier import Send
from workers.delivery.look_ups.contents import (
    DOCUMENTS,
    DocumentKind,
    equal_money,
    header_fields,
    line_fields,
    money_of,
)
from workers.delivery.look_ups.evidence import Row
from workers.translation.posted import TOTAL_FIELD

GONE_STATES = frozenset({"Reversed", "Reversal"})
"""States of a record that stands for nothing any more."""
HEADER, LINES = "header", "lines"


class UnreadableRecordError(Exception):
    """Intacct does not show the record; the message is one sentence with the fix."""


class RecordMissingError(UnreadableRecordError):
    """Intacct has no such record, or not in this entity."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a document of Scoro says that its record must hold. `party_id` is empty where no link names the party."""

    total: Decimal
    currency: str
    party_name: str
    party_id: str = ""


def read_record(send: Send, object_name: str, record_no: str) -> Record:
    """Read a document's record with its lines, in one request.

    Raises RecordMissingError, UnreadableRecordError and what `send` raises.
    """
    kind = DOCUMENTS[object_name]
    fields = (*header_fields(kind), kind.party_name_field)
    response = send(
        [
            (HEADER, query(kind.object, fields, in_("RECORDNO", [record_no]))),
            (LINES, query(kind.line_object, line_fields(), in_("RECORDKEY", [record_no]))),
        ]
    )
    headers, lines = (_rows(response.results.get(name), kind) for name in (HEADER, LINES))
    if not headers:
        raise RecordMissingError(
            f"Intacct shows no {kind.object} with RECORDNO {record_no} in this entity: RECORDNO is the key of the"
            " record, not its document number; look it up in the record's own page."
        )
    header = headers[0]
    return Record(
        kind.object,
        record_no,
        header.get("RECORDID", ""),
        header.get("STATE", ""),
        header,
        [dict(row) for row in lines],
    )


def _rows(result: FunctionResult | None, kind: DocumentKind) -> Sequence[Row]:
    if result is None:
        raise UnreadableRecordError(f"Intacct did not answer about {kind.object}: try again.")
    if not result.succeeded:
        classified = classify(result.errors)
        raise UnreadableRecordError(f"Intacct does not show {kind.object}: {classified.cause} {classified.fix}")
    return result.rows


def differences(record: Record, expected: Expected, base_currency: str) -> list[str]:
    """What a record holds otherwise than the document, a clause each; none: they are the same."""
    kind, held = DOCUMENTS[record.object], record.header
    found: list[str] = []
    if record.state in GONE_STATES:
        found.append(f"it is {record.state} in Intacct")
    if not equal_money(held.get(TOTAL_FIELD), expected.total, unsigned=kind.is_credit):
        shown = money_of(held.get(TOTAL_FIELD))
        found.append(f"its total is {shown if shown is None else cents(shown)}, Scoro's is {cents(expected.total)}")
    currency = held.get("CURRENCY") or base_currency
    if currency.upper() != (expected.currency.upper() or base_currency):
        found.append(f"its currency is {currency}, Scoro's is {expected.currency or base_currency}")
    party, name = held.get(kind.party_field, ""), held.get(kind.party_name_field, "")
    if expected.party_id:
        if party != expected.party_id:
            found.append(f"it belongs to {party} ({name}), Scoro's to {expected.party_id}")
    elif _plain(name) != _plain(expected.party_name):
        found.append(f"it belongs to {party} ({name}), Scoro's to {expected.party_name or 'nobody'}")
    return found


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
