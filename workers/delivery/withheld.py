"""Documents that would be refused for what another one was refused for already: they wait, and cost nothing."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from db import culprits
from db.culprits import Culprit
from db.database import Ledger
from db.operations import Candidate, Sending
from schemas.kinds import Purpose
from workers.delivery.problems import payload


def hold(ledger: Ledger, connection_id: int, chosen: Sequence[Candidate], sending: Sequence[Sending]) -> bool:
    """Let those wait that hold the culprit of an open failure; whether there were any.

    What a person sends goes all the same, and tells whether the culprit was put right.
    """
    standing = culprits.standing(ledger, connection_id)
    if not standing:
        return False
    asked = {candidate.id for candidate in chosen if candidate.purpose is Purpose.INTERACTIVE}
    may_go = culprits.let_go(ledger, [operation.id for operation in sending])
    held = {o.id: culprit for o in sending if (culprit := _culprit_of(o.function, standing)) is not None}
    tries = {i: c.failure_id for i, c in held.items() if i in asked and (i, c.failure_id) not in may_go}
    if tries:
        culprits.note_try(ledger, tries)
    waiting: Mapping[UUID, Culprit] = {
        i: culprit for i, culprit in held.items() if i not in asked and (i, culprit.failure_id) not in may_go
    }
    if waiting:
        culprits.wait(ledger, waiting)
    return bool(waiting)


def _culprit_of(function: Mapping[str, object], standing: Sequence[Culprit]) -> Culprit | None:
    held = {f"{name}={value}" for name, value in payload(function)}
    return next((culprit for culprit in standing if culprit.holds & held), None)
