"""Committing settlements: operations, links, dead letters, what refusals tell, and the bells that follow."""

import uuid
from collections.abc import Collection, Mapping, Sequence

from db import culprits, failures, follow_ups, operations, outbox, reference
from db.connections import Connection
from db.database import Ledger
from db.failures import problem_from_json
from db.follow_ups import Told
from db.operations import Sending, Settlement
from schemas.kinds import DOCUMENT_KINDS
from schemas.reference import PARTY_KINDS
from workers.delivery import attachments, broken, settle
from workers.lifecycle.endings import differs
from workers.pull.background import TOPICS


def commit(
    ledger: Ledger,
    connection: Connection,
    settlements: Sequence[Settlement],
    sending: Sequence[Sending],
    *,
    request_id: int | None = None,
    sent_by: int | None = None,
    from_states: Sequence[str],
) -> None:
    """Commit how operations end or go on, with the failures, bells and changes that follow; what moved on is left."""
    by_id = {operation.id: operation for operation in sending}
    settlements = _without_taken_records(ledger, connection.id, settlements, by_id)
    moved = operations.settle(
        ledger,
        settlements,
        request_id=request_id,
        sent_by=sent_by,
        tries=None if sent_by else {operation.id: operation.attempts for operation in sending},
        certain_s=connection.settings.delivery.uncertain_wait_s,
        from_states=from_states,
    )
    states = {row["id"]: row for row in moved}
    problems = settle.problems([s for s in settlements if s.id in states])
    at_fault = attachments.letters_for(ledger, [by_id[operation_id] for operation_id in problems])
    failures.bury(
        ledger,
        [
            failures.DeadLetter(
                connection.id,
                document_id,
                problem,
                operation_id=operation_id,
                attempt=by_id[operation_id].attempts,
                sent=settle.sent_text(by_id[operation_id]),
            )
            for operation_id, problem in problems.items()
            for document_id in at_fault[operation_id]
        ],
    )
    follow_ups.apply(ledger, connection.id, _told(settlements, by_id, states.keys()))
    through = any(row["state"] == "posted" and by_id[row["id"]].kind in DOCUMENT_KINDS for row in moved)
    broken.judge(ledger, connection.id, settlements, posted=through, refused=bool(problems))
    posted = [row["document_id"] for row in moved if row["state"] == "posted"]
    files = attachments.settled(ledger, connection, moved, by_id, settlements)
    _learn_parties(ledger, connection.id, [s for s in settlements if s.id in states], by_id)
    if posted:
        failures.clear(ledger, [*posted, *files])
        operations.wake_dependants(ledger, posted)
        culprits.prove(ledger, [row["id"] for row in moved if row["state"] == "posted"])
    settled = [row["document_id"] for row in moved if row["state"] not in {"sending", "uncertain"}]
    outbox.ring(ledger, "changes", *operations.connections_with_waiting_changes(ledger, settled))


def _learn_parties(
    ledger: Ledger, connection_id: int, settlements: Sequence[Settlement], by_id: Mapping[uuid.UUID, Sending]
) -> None:
    """Customers and vendors that were made just now are known by their tax id: another contact with it is the same."""
    for kind in PARTY_KINDS:
        topic = TOPICS[kind]
        made = [
            {**by_id[s.id].function["body"][topic.object], "RECORDNO": str(s.record_no)}
            for s in settlements
            if s.state == "posted" and not s.linked and by_id[s.id].kind is kind and by_id[s.id].verb == "create"
        ]
        if taxed := [topic.item(row) for row in made if row.get("TAXID")]:
            reference.add(ledger, connection_id, "intacct", kind, taxed)


def _told(
    settlements: Sequence[Settlement], by_id: Mapping[uuid.UUID, Sending], moved: Collection[uuid.UUID]
) -> list[Told]:
    """What the refusals among these say of their documents."""
    return [
        Told(
            by_id[s.id].document_id,
            by_id[s.id].kind,
            by_id[s.id].scoro_id,
            problem_from_json(dict(s.problem)),
            s.follow_up,
        )
        for s in settlements
        if s.id in moved and s.follow_up is not None and s.problem is not None
    ]


def _without_taken_records(
    ledger: Ledger, connection_id: int, settlements: Sequence[Settlement], by_id: dict[uuid.UUID, Sending]
) -> list[Settlement]:
    """One record links to at most one document: whoever comes second is held for a person."""
    found = [s for s in settlements if s.state == "posted" and s.record_no is not None]
    records = [(by_id[s.id].document_id, by_id[s.id].object, str(s.record_no)) for s in found]
    taken = set(operations.taken_records(ledger, connection_id, records))
    seen: set[tuple[str, str]] = set()
    for document_id, object_name, record_no in records:
        if (object_name, record_no) in seen and object_name not in operations.PARTIES:
            taken.add(document_id)
        seen.add((object_name, record_no))
    return [
        differs(by_id[s.id], f"Intacct's record {s.record_no} is linked to another document", s.record_no)
        if s.state == "posted" and by_id[s.id].document_id in taken
        else s
        for s in settlements
    ]
