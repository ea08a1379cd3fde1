"""Files on their way to Intacct: their bytes put into the functions that carry them, and what becomes of them after.

A function with files is kept with digests in place of the bytes (`workers.translation.attachments`), so that what is
stored, shown and logged of it stays small; the bytes are put in when the request leaves.

A file that fails does not hold its document: what waits for an attachment record that does not come goes without it.
"""

import base64
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from db import attachments, changes, intake, needs
from db.attachments import Released
from db.connections import Connection
from db.database import Ledger
from db.operations import Candidate, Sending, Settlement
from schemas.intacct.functions import Function, Value
from schemas.intacct.orders import listed
from schemas.kinds import Kind
from workers.translation.attachments import ATTACH, DIGEST_MARK, with_attachment
from workers.translation.posted import mapping_of

PATIENCE = 3
"""Tries after which a document no longer waits for its files."""
WITHOUT = "Its files were not sent with it, as their attachment record {record} did not get through: {reason}"


def digests_in(function: Function) -> list[str]:
    """The digests of the contents that a function carries."""
    return [str(file["attachmentdata"]).removeprefix(DIGEST_MARK) for file in _files(function)]


def with_contents(function: Function, contents: Mapping[str, bytes]) -> Function:
    """The function with the bytes in place of their digests; raises KeyError where some are missing."""
    files: list[Value] = [
        {**file, "attachmentdata": base64.b64encode(contents[digest]).decode()}
        for file, digest in zip(_files(function), digests_in(function), strict=True)
    ]
    if not files:
        return function
    return function.model_copy(update={"body": {**function.body, "attachments": {"attachment": files}}})


def contents_of(ledger: Ledger, connection: Connection, sending: Sequence[Sending]) -> dict[str, bytes]:
    """The contents that a pack carries."""
    wanted = [
        digest
        for o in sending
        if o.kind is Kind.ATTACHMENT
        for digest in digests_in(Function.model_validate(o.function))
    ]
    return attachments.contents(ledger, connection.id, wanted) if wanted else {}


def plan_again(
    ledger: Ledger, connection: Connection, sending: Sequence[Sending], contents: Mapping[str, bytes]
) -> bool:
    """Give up operations whose contents are no longer kept, to be planned anew; whether there were any."""
    lost = [
        o
        for o in sending
        if o.kind is Kind.ATTACHMENT and not contents.keys() >= set(digests_in(Function.model_validate(o.function)))
    ]
    if lost:
        attachments.plan_again(ledger, [o.id for o in lost])
        intake.supersede(ledger, [o.document_id for o in lost])
        _read_owners(ledger, connection, attachments.owners(ledger, [o.document_id for o in lost]))
    return bool(lost)


def letters_for(ledger: Ledger, refused: Sequence[Sending]) -> dict[uuid.UUID, list[int]]:
    """The documents that a refusal of each operation is a failure of: of files, those that it carried.

    Of several files in one function nobody knows which is at fault: each is tried by itself, and that is no failure.
    """
    of_files = [o.id for o in refused if o.kind is Kind.ATTACHMENT]
    carried = attachments.carried(ledger, of_files) if of_files else {}
    parted = attachments.part(ledger, of_files) if of_files else set()
    owners = [o.document_id for o in refused if o.verb == ATTACH]
    files_of = attachments.files_of(ledger, owners) if owners else {}
    found: dict[uuid.UUID, list[int]] = {}
    for operation in refused:
        if operation.kind is Kind.ATTACHMENT:
            found[operation.id] = [] if operation.id in parted else carried.get(operation.id, [])
        elif operation.verb == ATTACH:
            found[operation.id] = files_of.get(operation.document_id, [])
        else:
            found[operation.id] = [operation.document_id]
    return found


def settled(
    ledger: Ledger,
    connection: Connection,
    moved: Sequence[Mapping[str, Any]],
    by_id: Mapping[uuid.UUID, Sending],
    settlements: Sequence[Settlement],
) -> list[int]:
    """What follows for files from operations that moved; returns the files (documents) that stand in Intacct now."""
    of_records = [row for row in moved if by_id[row["id"]].kind is Kind.ATTACHMENT]
    missing = {s.id: s.missing for s in settlements}
    posted = [row["id"] for row in of_records if row["state"] == "posted"]
    files = [file for held in attachments.carried(ledger, posted).values() for file in held] if posted else []
    if posted:
        attachments.posted(ledger, {operation_id: missing[operation_id] for operation_id in posted})
        attachments.drop_contents(ledger, connection.id, older_than_s=0)
    attaching = [row for row in moved if by_id[row["id"]].verb == ATTACH]
    if attaching:
        attachments.still_posted(ledger, [row["document_id"] for row in attaching if row["state"] == "refused"])
    stuck = [row["document_id"] for row in of_records if _is_stuck(row, by_id[row["id"]])]
    waiting = [row["document_id"] for row in of_records if row["state"] == "waiting_prerequisite"]
    waiting += attachments.waiting_for_folder(
        ledger,
        [row["document_id"] for row in moved if by_id[row["id"]].kind is Kind.FOLDER and row["state"] == "refused"],
    )
    release(ledger, [*stuck, *attachments.hopeless(ledger, waiting)])
    ended = [row["document_id"] for row in moved if row["state"] in {"posted", "refused"}]
    _read_owners(ledger, connection, attachments.unfinished(ledger, connection.id, ended))
    return files


def release(ledger: Ledger, record_ids: Sequence[int], note: str = WITHOUT) -> None:
    """Let documents that wait for these attachment records go without them."""
    if not record_ids:
        return
    behind = attachments.waiting_behind(ledger, record_ids)
    waiting = [row for row in behind if row["verb"] != ATTACH]
    attachments.still_posted(ledger, [row["document_id"] for row in behind if row["verb"] == ATTACH])
    released: list[Released] = []
    notes: list[tuple[int, int | None, str]] = []
    for row in waiting:
        function = with_attachment(Function.model_validate(row["function"]), "")
        leaves = with_attachment(Function.model_validate(row["leaves"]), "") if row["leaves"] else None
        released.append(
            Released(
                row["id"],
                function.model_dump(mode="json"),
                function.fingerprint(),
                leaves.model_dump(mode="json") if leaves else None,
            )
        )
        if text := note.format(record=row["record"], reason=row["reason"] or "it was refused"):
            notes.append((row["document_id"], row["revision_id"], text))
    attachments.release(ledger, record_ids, released)
    intake.add_notes(ledger, notes)


def release_waiting(ledger: Ledger, waiting: Sequence[Candidate]) -> None:
    """Let documents go whose attachment records wait for a folder that does not come."""
    records = [candidate.document_id for candidate in waiting if candidate.kind is Kind.ATTACHMENT]
    release(ledger, attachments.hopeless(ledger, records))


def _is_stuck(row: Mapping[str, Any], operation: Sending) -> bool:
    """Whether a record does not come soon: refused, in the hands of a person, or tried in vain."""
    if row["state"] == "refused":
        return True
    if row["state"] == "waiting_person":
        return bool(row["reason"] != needs.WITH_HELD)
    return row["state"] == "ready" and operation.attempts >= PATIENCE


def _read_owners(ledger: Ledger, connection: Connection, owners: Sequence[Mapping[str, Any]]) -> None:
    """Have documents read again, whose files are not where they should be yet."""
    for module in {owner["module"] for owner in owners}:
        kind = Kind(next(owner["kind"] for owner in owners if owner["module"] == module))
        ids = [owner["scoro_id"] for owner in owners if owner["module"] == module]
        changes.capture(
            ledger,
            connection.id,
            kind,
            ids,
            origin="schedule",
            actor="files",
            settle_ms=connection.settings.delivery.settle_ms,
        )


def _files(function: Function) -> list[Mapping[str, Value]]:
    held = mapping_of(function.body.get("attachments", {}))
    return [mapping_of(file) for file in listed(held.get("attachment", ()))]
