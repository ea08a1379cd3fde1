"""The table of look-ups; `workers.delivery.look_up` describes it."""

from collections.abc import Mapping
from dataclasses import replace

from db.operations import Sending
from schemas.intacct.functions import Function
from workers.delivery.look_ups.contents import DOCUMENTS, DocumentKind, content_of, header_fields, line_fields
from workers.delivery.look_ups.deciders import (
    applied,
    changed,
    created,
    filed,
    found,
    named,
    removed,
    replaced,
    shares_of,
    updated,
)
from workers.delivery.look_ups.reads import LookUp, Read
from workers.translation.posted import TOTAL_FIELD

_CURRENCY = ("CURRENCY", "BASECURR")


def _few(_: Sending) -> int:
    return 2


def _many(_: Sending) -> int:
    return 20


def _natural_key(operation: Sending) -> tuple[str, ...]:
    return (operation.natural_key,) if operation.natural_key else ()


def _record_no(operation: Sending) -> tuple[str, ...]:
    return (str(operation.link["record_no"]),) if operation.link else ()


def _settled_documents(operation: Sending) -> tuple[str, ...]:
    shares = shares_of(Function.model_validate(operation.function))
    return tuple(dict.fromkeys(share.record_key for share in shares if share.record_key))


def _rows_of_lines(operation: Sending) -> int:
    """Lines as sent and as they were, each with two taxes."""
    functions = [Function.model_validate(held) for held in (operation.function, operation.previous) if held]
    return 3 * sum(len(content_of(function).lines or ()) for function in functions) + 10


def _creation(kind: DocumentKind) -> LookUp:
    fields = ("RECORDNO", "RECORDID", kind.party_field, "STATE", TOTAL_FIELD, *_CURRENCY, "AUWHENCREATED", "CREATEDBY")
    return LookUp(Read(kind.object, "RECORDID", fields, _few, unique=False), _natural_key, created)


def _update(kind: DocumentKind) -> LookUp:
    return LookUp(
        Read(kind.object, "RECORDNO", header_fields(kind)),
        _record_no,
        updated,
        Read(kind.line_object, "RECORDKEY", line_fields(), _rows_of_lines, unique=False),
    )


def _removal(kind: DocumentKind) -> LookUp:
    return LookUp(Read(kind.object, "RECORDNO", ("RECORDNO", "STATE")), _record_no, removed)


def _payment(object_name: str) -> LookUp:
    fields = (
        "RECORDNO",
        "RECORDKEY",
        "ADJUSTMENTKEY",
        "PAYMENTKEY",
        "TRX_PAYMENTAMOUNT",
        "TRX_ADJUSTMENTAMOUNT",
        "STATE",
        "WHENMODIFIED",
    )
    details = Read(f"{object_name}DETAIL", "RECORDKEY", fields, _many, unique=False)
    return LookUp(details, _settled_documents, applied)


def _master_record(object_name: str) -> LookUp:
    key_field = f"{object_name}ID"
    return LookUp(Read(object_name, key_field, ("RECORDNO", key_field, "NAME")), _natural_key, found)


_PROJECT_FIELDS = ("RECORDNO", "PROJECTID", "NAME", "DESCRIPTION", "CUSTOMERID", "BEGINDATE", "ENDDATE", "STATUS")
_ATTACHMENT = LookUp(Read("supdoc", "supdocid", ("supdocid", "attachments")), _natural_key, filed)

LOOK_UPS: Mapping[tuple[str, str], LookUp] = {
    **{("create", name): _creation(kind) for name, kind in DOCUMENTS.items()},
    **{("update", name): _update(kind) for name, kind in DOCUMENTS.items()},
    **{
        ("replace", name): replace(_creation(DOCUMENTS[name]), decide=replaced)
        for name in ("ARINVOICE", "ARADJUSTMENT", "APADJUSTMENT")
    },
    **{("reclassify", name): _update(DOCUMENTS[name]) for name in ("ARINVOICE", "APBILL")},
    **{("attach", name): _update(DOCUMENTS[name]) for name in ("ARINVOICE", "APBILL")},
    **{("delete", name): _removal(kind) for name, kind in DOCUMENTS.items()},
    **{("reverse", name): _removal(DOCUMENTS[name]) for name in ("ARINVOICE", "APBILL")},
    ("apply", "ARPYMT"): _payment("ARPYMT"),
    ("create", "ARPYMT"): _payment("ARPYMT"),
    ("create", "APPYMT"): _payment("APPYMT"),
    ("create", "SUPDOC"): _ATTACHMENT,
    ("update", "SUPDOC"): _ATTACHMENT,
    ("create", "SUPDOCFOLDER"): LookUp(Read("supdocfolder", "name", ("name",)), _natural_key, named),
    ("update", "PROJECT"): LookUp(Read("PROJECT", "RECORDNO", _PROJECT_FIELDS), _record_no, changed),
    **{("create", name): _master_record(name) for name in ("CUSTOMER", "VENDOR", "PROJECT")},
}
"""(verb, object) -> how it is looked up."""
