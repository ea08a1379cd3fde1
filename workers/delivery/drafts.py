"""The part of a delivery run that looks at drafts before anything is written that relies on them (`db.drafts`).

One look asks for all that are due; bulk waits for it as long as more is known to come. It changes nothing in Intacct.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from db import changes, drafts, outbox
from db.database import Ledger
from db.drafts import Waiting
from schemas.intacct.functions import in_, query
from schemas.intacct.results import FunctionResult
from workers.delivery.look_ups.contents import DOCUMENTS
from workers.delivery.reading import AGAIN_S, AT_MOST_S, Answers, Read, more_coming

if TYPE_CHECKING:
    from workers.delivery.run import Run

AT_ONCE = 200
"""Drafts of one look."""


def plan(run: "Run") -> Read | None:
    """Ask for the states of the drafts that due operations rely on."""
    asked = drafts.waiting(run.session, run.connection.id, tuple(DOCUMENTS), AT_ONCE)
    if not asked or _more_is_coming(run, asked):
        return None
    names = dict.fromkeys(item.object for item in asked)
    questions = {name: query(name, ("RECORDNO", "STATE"), in_("RECORDNO", _keys(name, asked))) for name in names}

    def paid(ledger: Ledger, _: int) -> None:
        drafts.put_off(ledger, [item.id for item in asked], AGAIN_S, AT_MOST_S)

    def heard(ledger: Ledger, answers: Answers, _: int | None) -> bool:
        states = _states(asked, answers)
        _settle(ledger, run.connection.id, asked, states)
        return bool(states)

    return Read(questions, heard, paid)


def _keys(object_name: str, asked: Sequence[Waiting]) -> list[str]:
    return list(dict.fromkeys(item.record_no for item in asked if item.object == object_name))


def _states(asked: Sequence[Waiting], answers: Mapping[str, FunctionResult]) -> dict[uuid.UUID, str]:
    """The states that were read, '' for what is gone, by operation; what was not answered is missing."""
    found: dict[uuid.UUID, str] = {}
    for item in asked:
        answer = answers.get(item.object)
        if answer is not None and answer.succeeded and not answer.numremaining:
            rows = (row for row in answer.rows if row.get("RECORDNO") == item.record_no)
            found[item.id] = next((row.get("STATE", "") for row in rows), "")
    return found


def _settle(ledger: Ledger, connection_id: int, asked: Sequence[Waiting], states: Mapping[uuid.UUID, str]) -> None:
    moved = drafts.keep(ledger, asked, states)
    for kind in sorted({item.kind for item in moved}):
        ids = [item.scoro_id for item in moved if item.kind is kind]
        changes.capture(ledger, connection_id, kind, ids, origin="intacct", actor="intacct", anew=True, settle_ms=0)
    outbox.ring(ledger, "delivery", connection_id)


def _more_is_coming(run: "Run", asked: Sequence[Waiting]) -> bool:
    linger_s = run.connection.settings.delivery.linger_ms / 1000
    if any(item.interactive for item in asked) or max(item.age_s for item in asked) >= linger_s:
        return False
    return more_coming(run, [item.document_id for item in asked])
