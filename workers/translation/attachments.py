"""Files of Scoro as an attachment record of Intacct: one record (`supdoc`) for each document, holding its files.

The bytes of a file are never part of a function as it is kept: `attachmentdata` holds a mark, `sha256:` and the digest,
in whose place delivery puts the bytes when the request leaves.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from schemas.errors import DocumentError
from schemas.intacct.functions import Function, Value, update
from schemas.scoro import File
from schemas.settings import FileSettings
from workers.translation.faults import refused, setting_command
from workers.translation.memos import cut, one_line

FOLDER = "Scoro"
"""The folder of Intacct that holds our attachment records; made once."""
MAX_SUPDOC_ID_CHARACTERS = 20
MAX_FILE_NAME_CHARACTERS = 100
MAX_TITLE_CHARACTERS = 100
DIGEST_MARK = "sha256:"
ATTACH = "attach"
"""Verb of an operation by which a posted document names its attachment record."""

_LETTERS = {"invoices": "I", "bills": "B", "expenses": "E"}
"""Scoro's module -> its letter in the ids of attachment records: ids are unique within a module."""
_TYPE = re.compile(r"[a-z0-9]{1,10}")
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|]+')
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "pdf"),
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF8", "gif"),
)


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file on its way: its name in the record, its type, and what its bytes are."""

    file_id: int
    name: str
    type: str
    bytes: int
    digest: str


def supdoc_id(module: str, scoro_id: int) -> str:
    """The id of the attachment record of a document: `SCORO-I-3998`."""
    return f"SCORO-{_LETTERS[module]}-{scoro_id}"


def takes_files(module: str, *, is_credit: bool) -> bool:
    """Whether documents of this kind can have an attachment record: adjustments cannot (intacct-xml-api, 8.3, 8.6)."""
    return module in _LETTERS and not is_credit


def check_file(file: File, settings: FileSettings, document: str) -> None:
    """Refuse what the settings or Intacct do not take, before a byte is read; `document` is how messages name it."""
    kind = _ending(file.file_name)
    if kind and settings.types and kind not in settings.types:
        raise refused(
            "file_type",
            f"{file.label}, attached to {document}, is of the type {kind}, which is not among those that are sent.",
            f"Send that type too ({setting_command('data.files.types', ','.join([*settings.types, kind]))}), or attach "
            "it in Intacct by hand.",
            field="file_name",
            culprit=(kind,),
        )
    if file.file_size is not None and file.file_size > settings.max_bytes:
        raise too_large(file, settings, document)
    if file.file_size == 0:
        raise empty(file, document)


def too_large(file: File, settings: FileSettings, document: str) -> DocumentError:
    """The refusal of a file that is larger than the settings allow."""
    size = f" ({file.file_size:,} bytes)" if file.file_size else ""
    return refused(
        "file_too_large",
        f"{file.label}{size}, attached to {document}, is larger than {settings.max_bytes:,} bytes.",
        f"Make it smaller, raise the limit ({setting_command('data.files.max_bytes', 'N')}), or attach it in Intacct by"
        " hand.",
        field="file_size",
        culprit=(str(settings.max_bytes),),
    )


def empty(file: File, document: str) -> DocumentError:
    """The refusal of a file without content."""
    return refused(
        "file_empty",
        f"{file.label}, attached to {document}, is empty.",
        "Upload it in Scoro again, or remove it there.",
        field="file_size",
    )


def planned(file: File, start: bytes, size: int, digest: str, document: str) -> PlannedFile:
    """A file whose content is known; `start` are its first bytes, which tell the type where the name does not."""
    stem, dot, _ = file.file_name.rpartition(".")
    kind = _ending(file.file_name)
    if not kind:
        stem, dot = file.file_name, "."
        kind = next((type for signature, type in _SIGNATURES if start.startswith(signature)), "")
    if not kind:
        raise refused(
            "file_type_unknown",
            f"{file.label}, attached to {document}, has a name without an ending that says its type (file_name).",
            "Give it an ending such as .pdf in Scoro, then send the document again.",
            field="file_name",
        )
    name = one_line(_NOT_IN_NAMES.sub(" ", stem if dot else file.file_name)).strip(". ")
    return PlannedFile(file.file_id, cut(name or f"File {file.file_id}", MAX_FILE_NAME_CHARACTERS), kind, size, digest)


def with_unique_names(files: Sequence[PlannedFile], taken: Collection[str]) -> list[PlannedFile]:
    """The files under names that are unique in their record, whatever their types: ` (2)` and so on behind them."""
    used = {name.casefold() for name in taken}
    renamed: list[PlannedFile] = []
    for file in files:
        name, turn = file.name, 1
        while name.casefold() in used:
            turn += 1
            suffix = f" ({turn})"
            name = cut(file.name, MAX_FILE_NAME_CHARACTERS - len(suffix)) + suffix
        used.add(name.casefold())
        renamed.append(PlannedFile(file.file_id, name, file.type, file.bytes, file.digest))
    return renamed


def folder_function() -> Function:
    """Make the folder that attachment records need."""
    return Function(
        name="create_supdocfolder",
        body={"supdocfoldername": FOLDER, "supdocfolderdescription": "Files of documents in Scoro"},
    )


def attachment_function(record_id: str, title: str, files: Sequence[PlannedFile], *, exists: bool) -> Function:
    """Make an attachment record with these files, or add them to the one that `exists`; `title` names its document."""
    held: list[Value] = [
        {"attachmentname": file.name, "attachmenttype": file.type, "attachmentdata": f"{DIGEST_MARK}{file.digest}"}
        for file in files
    ]
    attachments: Mapping[str, Value] = {"attachment": held}
    if exists:
        return Function(name="update_supdoc", body={"supdocid": record_id, "attachments": attachments})
    return Function(
        name="create_supdoc",
        body={
            "supdocid": record_id,
            "supdocname": cut(one_line(title), MAX_TITLE_CHARACTERS),
            "supdocfoldername": FOLDER,
            "attachments": attachments,
        },
    )


def with_attachment(function: Function, record_id: str) -> Function:
    """The function of an invoice or bill with the attachment record that it names; "": with none."""
    own = {"supdocid": record_id} if record_id else {}
    body = {name: value for name, value in function.body.items() if name != "supdocid"}
    bill = body.get("APBILL")
    if isinstance(bill, Mapping):
        named = {"SUPDOCID": record_id} if record_id else {}
        body["APBILL"] = {name: value for name, value in bill.items() if name != "SUPDOCID"} | named
    else:
        body |= own
    return function.model_copy(update={"body": body})


def attach_function(object_name: str, record_no: str, record_id: str, *, draft: bool) -> Function:
    """Have a posted invoice or bill name its attachment record, and leave all else as it is; a draft stays one."""
    if object_name == "APBILL":
        fields: dict[str, Value] = {"RECORDNO": record_no, "SUPDOCID": record_id}
        return update(object_name, fields | ({"ACTION": "Draft"} if draft else {}))
    action = {"action": "Draft"} if draft else {}
    return Function(name="update_invoice", attributes={"key": record_no}, body={**action, "supdocid": record_id})


def base64_bytes(size: int) -> int:
    """How long the base64 of so many bytes is."""
    return (size + 2) // 3 * 4


def _ending(name: str) -> str:
    """The type that a name ends in, without its dot; "" where it has none."""
    stem, _, kind = name.rpartition(".")
    kind = kind.strip().casefold()
    return kind if stem.strip() and _TYPE.fullmatch(kind) else ""
