"""What an intake commits of files: attachment records with the operations that make or fill them."""

import uuid
from collections.abc import Iterable, Sequence

from clients.intacct.render import size
from db import attachments, changes, failures
from db import intake as ledger_intake
from db.attachments import Assignment
from db.connections import Connection
from db.database import Ledger
from db.intake import DocumentFacts, NewOperation
from schemas.intacct.functions import Function
from schemas.kinds import Kind, Purpose, RecordRef
from workers.decisions import Decision, Outcome
from workers.delivery.attachments import release
from workers.files import FilesPlan
from workers.translation.attachments import FOLDER, folder_function

FOLDER_REF = RecordRef(Kind.FOLDER, 1)
"""Our one folder."""


def moved_on(ledger: Ledger, connection: Connection, decisions: Sequence[Decision]) -> set[int]:
    """Documents whose attachment records moved since they were decided about, or lost a content; both are locked.

    Only those count whose files are to be sent or withdrawn, or that name a record.
    """
    plans = {
        d.change.document_id: d.files
        for d in decisions
        if d.files and (d.files.function or d.files.named or d.files.withdrawn)
    }
    if not plans:
        return set()
    records = changes.ensure_records(ledger, connection.id, [RecordRef(Kind.ATTACHMENT, owner) for owner in plans])
    ledger_intake.lock_intents(ledger, records.values())
    ledger_intake.lock_documents(ledger, records.values())
    moved = attachments.moved_on(ledger, connection.id, {owner: plan.holder.version for owner, plan in plans.items()})
    digests = {file.digest for plan in plans.values() for file in plan.files}
    kept = attachments.kept_digests(ledger, connection.id, digests)
    return moved | {owner for owner, plan in plans.items() if any(file.digest not in kept for file in plan.files)}


def commit(ledger: Ledger, connection: Connection, decisions: Sequence[Decision]) -> None:
    """Commit the plans of files of documents that are sent, or stand in Intacct as they are."""
    chosen = [d for d in decisions if d.files and d.outcome in {Outcome.OPERATION, Outcome.UNCHANGED}]
    plans = {d.change.document_id: plan for d in chosen if (plan := d.files)}
    if not plans:
        return
    records = changes.ensure_records(
        ledger,
        connection.id,
        [
            RecordRef(Kind.ATTACHMENT, owner)
            for owner, plan in plans.items()
            if plan.function or plan.later or plan.holder.files
        ],
    )
    files = changes.ensure_documents(ledger, connection.id, Kind.FILE, _files(plans.values()))
    _say(ledger, connection, chosen, files)
    sending = [d for d in chosen if d.files and d.files.function]
    folder = _folder(ledger, connection, interactive=any(d.change.interactive for d in sending)) if sending else 0
    withdrawn = [d for d in chosen if d.files and d.files.withdrawn]
    ledger_intake.supersede(ledger, [records[d.attachment] for d in (*sending, *withdrawn)])
    release(ledger, [records[d.attachment] for d in withdrawn if d.files and not d.files.named], note="")
    operations: list[NewOperation] = []
    assigned: list[Assignment] = []
    for decision in chosen:
        plan = plans[decision.change.document_id]
        record_id = records.get(decision.attachment, 0)
        if plan.function is not None:
            operation = _operation(plan, plan.function, record_id, folder, interactive=decision.change.interactive)
            operations.append(operation)
            assigned += [
                Assignment(record_id, files[f.file_id], f.name, f.type, f.bytes, f.digest, operation.id)
                for f in plan.files
            ]
        assigned += [Assignment(record_id, files[file.file_id]) for file in plan.later]
    ledger_intake.add_operations(ledger, connection.id, operations)
    ledger_intake.update_facts(
        ledger,
        [
            DocumentFacts(records[d.attachment], Kind.ATTACHMENT, d.files.record_id, None, None, None)
            for d in sending
            if d.files
        ],
    )
    attachments.assign(ledger, assigned)


def _files(plans: Iterable[FilesPlan]) -> set[int]:
    found: set[int] = set()
    for plan in plans:
        found |= {file.file_id for file in plan.files} | {file.file_id for file in plan.later}
        found |= {file.file_id for file, _ in (*plan.failed, *plan.left_out)}
    return found


def _operation(plan: FilesPlan, function: Function, record_id: int, folder: int, *, interactive: bool) -> NewOperation:
    fingerprint = function.fingerprint()
    return NewOperation(
        id=uuid.uuid4(),
        document_id=record_id,
        revision_id=None,
        source_fingerprint=fingerprint,
        verb=plan.verb,
        object=function.object,
        natural_key=plan.record_id,
        party="",
        total=None,
        function=function.model_dump(mode="json"),
        payload_fingerprint=fingerprint,
        line_numbers={},
        bytes=size(function) + plan.bytes,
        purpose=Purpose.INTERACTIVE if interactive else Purpose.BULK,
        needs=[folder],
    )


def _folder(ledger: Ledger, connection: Connection, *, interactive: bool) -> int:
    """The folder of attachment records (the ledger's document), on its way where it is new."""
    folder = changes.ensure_records(ledger, connection.id, [FOLDER_REF])[FOLDER_REF]
    ledger_intake.lock_documents(ledger, [folder])
    if FOLDER_REF in ledger_intake.known_records(ledger, connection.id, [FOLDER_REF]):
        return folder
    function = folder_function()
    fingerprint = function.fingerprint()
    ledger_intake.supersede(ledger, [folder])
    ledger_intake.add_operations(
        ledger,
        connection.id,
        [
            NewOperation(
                id=uuid.uuid4(),
                document_id=folder,
                revision_id=None,
                source_fingerprint=fingerprint,
                verb="create",
                object=function.object,
                natural_key=FOLDER,
                party="",
                total=None,
                function=function.model_dump(mode="json"),
                payload_fingerprint=fingerprint,
                line_numbers={},
                bytes=size(function),
                purpose=Purpose.INTERACTIVE if interactive else Purpose.BULK,
            )
        ],
    )
    ledger_intake.update_facts(ledger, [DocumentFacts(folder, Kind.FOLDER, FOLDER, None, None, None)])
    return folder


def _say(ledger: Ledger, connection: Connection, decisions: Sequence[Decision], files: dict[int, int]) -> None:
    """Say of files what people see of them: their names, and why some do not go; each failure once."""
    plans = [d.files for d in decisions if d.files]
    names = {file_id: name for plan in plans for file_id, name in plan.names.items() if file_id in files}
    names |= {file.file_id: file.file_name for plan in plans for file, _ in (*plan.failed, *plan.left_out)}
    ledger_intake.update_facts(
        ledger, [DocumentFacts(files[i], Kind.FILE, name, None, None, None) for i, name in sorted(names.items())]
    )
    said = attachments.failed_files(ledger, connection.id, files)
    states: dict[int, tuple[str, str]] = {}
    letters: list[failures.DeadLetter] = []
    for decision in decisions:
        if decision.files is None:
            continue
        owner = [decision.change.document_id]
        for file, problem in decision.files.failed:
            if said.get(file.file_id) == problem.cause and not decision.change.interactive:
                continue
            states[files[file.file_id]] = ("failed", problem.cause)
            letters.append(failures.DeadLetter(connection.id, files[file.file_id], problem))
        left_out = {files[file.file_id]: ("skipped", reason) for file, reason in decision.files.left_out}
        states |= left_out
        failures.clear(ledger, list(left_out))
        stay = [file.file_id for file, _ in (*decision.files.failed, *decision.files.left_out)]
        attachments.drop(ledger, connection.id, owner, [*stay, *decision.files.gone])
        failures.clear(ledger, attachments.gone(ledger, connection.id, decision.files.gone))
    ledger_intake.set_document_states(ledger, states)
    failures.bury(ledger, letters)
