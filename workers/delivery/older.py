"""The part of a delivery run that looks up older documents before they are created (`db.older`).

One look-up asks for all of them that are due. It rides in a request that leaves anyway where there is one; else bulk
waits for it until intake has read what is known to come, as a look-up costs a request whatever it asks for. It changes
nothing in Intacct, so whoever dies in it leaves nothing to mend: what was not found out is asked again.
"""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from db import failures, needs, older, operations, outbox
from db.database import Ledger
from db.older import Finding, Older
from db.operations import Settlement
from workers.delivery import first_look
from workers.delivery.reading import AGAIN_S, AT_MOST_S, Answers, Read, more_coming
from workers.delivery.riders import Leaving, Results, Rider

if TYPE_CHECKING:
    from workers.delivery.run import Run

log = structlog.get_logger(__name__)

GATHER_S = 60.0
"""Bulk waits at most so long for more that is being read."""


def plan(run: "Run") -> Read | None:
    """Ask for the numbers of what is due, if it should be now."""
    if not _is_time(run):
        return None
    asked = older.claim(
        run.session, run.connection.id, first_look.MAX_OPERATIONS, again_s=AGAIN_S, again_at_most_s=AT_MOST_S
    )
    questions = {str(place): question for place, question in enumerate(first_look.questions(asked))}
    if not questions:
        return None

    def paid(ledger: Ledger, request_id: int) -> None:
        operations.note_attempts(ledger, request_id, [operation.id for operation in asked])

    def heard(ledger: Ledger, answers: Answers, request_id: int | None) -> bool:
        parties = older.known_parties(ledger, run.connection.id)
        said = first_look.findings(list(questions.values()), [answers.get(name) for name in questions], parties)
        return apply(ledger, run.connection.id, asked, said, request_id) > 0

    return Read({name: question.function for name, question in questions.items()}, heard, paid)


def source(ledger: Ledger, leaving: Leaving) -> Sequence[Rider]:
    """Ask for what is due in a request that leaves anyway."""
    asked = older.due(ledger, leaving.connection.id, first_look.MAX_OPERATIONS)
    questions = first_look.questions(asked)
    if not questions:
        return ()
    functions = {str(place): question.function for place, question in enumerate(questions)}

    def heard(ledger: Ledger, results: Results) -> None:
        operations.note_attempts(ledger, leaving.request_id, [operation.id for operation in asked])
        parties = older.known_parties(ledger, leaving.connection.id)
        said = first_look.findings(questions, [results.get(name) for name in functions], parties)
        apply(ledger, leaving.connection.id, asked, said, leaving.request_id)

    return [Rider("older documents", functions, heard)]


def _is_time(run: "Run") -> bool:
    waiting = older.waiting(run.session, run.connection.id, first_look.MAX_OPERATIONS)
    if not waiting.count:
        return False
    if waiting.interactive or waiting.oldest_s >= GATHER_S:
        return True
    if older.others_ready(run.session, run.connection.id):
        return False  # it rides along with them
    return waiting.count >= first_look.MAX_OPERATIONS or not more_coming(run, waiting.documents)


def apply(
    ledger: Ledger, connection_id: int, asked: Sequence[Older], said: Sequence[Finding], request_id: int | None
) -> int:
    """Act on what was found: link what is equal, hold what differs, let go what is absent; returns how many."""
    by_id = {operation.id: operation for operation in asked}
    open_ids = older.still_waiting(ledger, [finding.id for finding in said])
    parties = older.known_parties(ledger, connection_id)
    learned, said = first_look.learned_parties(by_id, [f for f in said if f.id in open_ids], parties)
    said = _without_taken(ledger, connection_id, by_id, said)
    older.save(ledger, said)
    equal = [finding for finding in said if finding.result == "equal"]
    different = [finding for finding in said if finding.result == "different"]
    operations.settle(
        ledger,
        [
            Settlement(
                finding.id,
                "posted",
                "it stood in Intacct before we went live, with equal amount, currency and party",
                "linked",
                record_no=finding.record_no,
                record_state=finding.record_state,
                linked=True,
            )
            for finding in equal
        ],
        request_id=request_id,
        from_states=("ready", "waiting_quota"),
    )
    failures.clear(ledger, [by_id[finding.id].document_id for finding in equal])
    older.hold(ledger, different)
    older.release(ledger, [finding.id for finding in said if finding.result == "absent"])
    agreed = {by_id[finding.id].party_document for finding in equal}
    learned = [party for party in learned if party[0] in agreed]
    if learned:
        older.link_parties(ledger, connection_id, learned)
    needs.rest(ledger, connection_id)
    if learned:
        outbox.ring(ledger, "changes", connection_id)
    outbox.ring(ledger, "delivery", connection_id)
    log.info(
        "older.looked_up",
        asked=len(asked),
        **{name: sum(f.result == name for f in said) for name in ("absent", "equal", "different")},
    )
    return len(said)


def _without_taken(
    ledger: Ledger, connection_id: int, by_id: dict[uuid.UUID, Older], said: Sequence[Finding]
) -> list[Finding]:
    """A record that is linked to another document is not linked twice."""
    equal = [(by_id[f.id].document_id, by_id[f.id].object, str(f.record_no)) for f in said if f.result == "equal"]
    taken = operations.taken_records(ledger, connection_id, equal)
    return [
        Finding(
            finding.id,
            "different",
            finding.record_no,
            reason=f"Intacct's record {finding.record_no} is linked to another document: link the right one.",
        )
        if finding.result == "equal" and by_id[finding.id].document_id in taken
        else finding
        for finding in said
    ]
