"""How a definite refusal of a document's write ends: refused, held, planned anew, or as good as done. Pure.

| refusal | of | ends |
| --- | --- | --- |
| `closed_period` | what is not posted yet, reverse | by the setting: held, asked about, or planned anew on the first \
open day |
| `closed_period` | what is posted | held |
| `already_paid` | update | planned anew as a reclassification; if that is refused too: held |
| `already_paid` | delete, reverse, reclassify, replace | held |
| `wrong_state` | update of a draft that was posted | planned anew as an update of a posted document |
| `wrong_state` | other | held, with the state |
| `not_found_in_intacct` | delete, reverse | posted: it is gone |
| `not_found_in_intacct` | update, reclassify, replace | held: it was deleted in Intacct |
| everything else | any | refused |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from db.failures import problem_as_json
from db.operations import FollowUp, Sending, Settlement
from schemas.errors import ErrorClass, Problem
from schemas.intacct.results import FunctionResult
from schemas.kinds import DOCUMENT_KINDS
from workers.delivery.look_ups.contents import DOCUMENTS
from workers.delivery.problems import problem_of, title
from workers.lifecycle.periods import first_named, next_day, tried_day
from workers.lifecycle.removals import DELETED, REMOVED_STATES

DIFFERS = "differs_in_intacct"
"""The code of what was looked up and only a person can judge: it may have run, so it is not planned anew by itself."""
CHANGING = frozenset({"update", "reclassify", "replace"})
"""Verbs that change a record that stands."""
REMOVING = frozenset({"delete", "reverse"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What a connection has chosen, and what it has learned. `today` is the site's."""

    closed_period: str = "hold"
    closed_until: date | None = None
    today: date = date.max


def end(operation: Sending, problem: Problem, rules: Rules) -> Settlement:
    """How an operation ends that Intacct has refused for good."""
    rule = _RULES.get(problem.code) if operation.object in DOCUMENTS else None
    return (rule(operation, problem, rules) if rule else None) or refused(operation, problem)


def refused(operation: Sending, problem: Problem) -> Settlement:
    """End without success: a person changes something, then it is tried again."""
    return Settlement(operation.id, "refused", problem.cause, "refused", problem=problem_as_json(problem))


def held(operation: Sending, problem: Problem, follow_up: FollowUp | None = None) -> Settlement:
    """Wait for a person, with a failure that says why."""
    told = follow_up or FollowUp()
    return Settlement(
        operation.id, "waiting_person", problem.cause, "held", problem=problem_as_json(problem), follow_up=told
    )


def differs(operation: Sending, reason: str, record_no: str | None) -> Settlement:
    """Hold an operation in doubt of which Intacct shows something that only a person can judge: it may have run."""
    document = f"{operation.kind} {operation.scoro_id}"
    if operation.kind not in DOCUMENT_KINDS:
        fix = "Look at it in Intacct, mend what is wrong there, then send a document that needs it."
    elif operation.verb == "create":
        fix = f"Link it with `scoro-intacct documents link {document} RECORDNO`, or give it another number in Scoro."
    else:
        fix = f"Look at it in Intacct; then {_keep(operation)}."
    sentence = f"{reason.rstrip('.')}." if reason else "Intacct shows something else than was sent."
    problem = Problem(ErrorClass.REFUSED, DIFFERS, f"{title(operation)}: {sentence}", fix)
    return Settlement(
        operation.id, "waiting_person", reason, "differs", record_no=record_no, problem=problem_as_json(problem)
    )


def half_done(operation: Sending, half: str, results: Mapping[str, FunctionResult]) -> Settlement:
    """End a draft that was to be deleted and made again, of which one half ran: the gateway kept no transaction."""
    made = results[operation.controlid]
    if half == "made":
        old = (operation.link or {}).get("record_no")
        problem = Problem(
            ErrorClass.REFUSED,
            "stands_twice",
            f"{operation.kind.noun.capitalize()} {operation.natural_key} was made again in Intacct, but its old draft"
            f" could not be deleted: it stands there twice (RECORDNO {old} and {made.key}).",
            f"Delete RECORDNO {old} in Intacct, unlink the document, and link it to {made.key}.",
        )
        return replace(held(operation, problem), record_no=made.key)
    problem = problem_of(operation, made)
    return replace(refused(operation, problem), follow_up=FollowUp(record_state=DELETED))


def _anew(operation: Sending, problem: Problem, reason: str, follow_up: FollowUp) -> Settlement:
    """Plan it anew with what the refusal has told; no failure, as it goes on by itself."""
    return Settlement(
        operation.id,
        "waiting_person",
        reason,
        "planned anew",
        problem=problem_as_json(problem),
        follow_up=replace(follow_up, anew=True),
    )


def _closed(operation: Sending, problem: Problem, rules: Rules) -> Settlement | None:
    tried = tried_day(operation.function)
    if tried is None:
        return None
    told = FollowUp(closed_on=None if tried.dated else tried.day)
    named = first_named(" ".join(problem.culprit))
    found = next_day(tried, named, rules.closed_until, rules.today)
    if not movable(operation.verb, operation.link):
        fix = "It was posted in a period that is closed since: open it in Intacct and send it again, or undo the edit."
        return held(operation, replace(problem, fix=fix), told)
    if rules.closed_period == "next_open" and found is not None:
        reason = f"the period of {tried.day} is closed: it goes on {found.day} (closed_period is next_open)"
        return _anew(operation, problem, reason, replace(told, post_on=found.day, dated=found.dated))
    document = f"{operation.kind} {operation.scoro_id}"
    choice = f"`scoro-intacct documents next-open {document}` posts it on the first open day"
    if rules.closed_period == "ask":
        fix = f"Choose: {choice}; or open the period in Intacct, or change the date in Scoro, and send it again."
    elif rules.closed_period == "next_open":
        fix = "No day until today is open: open a period in Intacct, then send it again."
    else:
        fix = f"Open the period in Intacct and send it again, or change the date in Scoro; {choice}."
    return held(operation, replace(problem, fix=fix), told)


def movable(verb: str, link: Mapping[str, Any] | None) -> bool:
    """Whether what a write posts may go into another period: what is posted already stays in its own."""
    return verb in {"create", "replace", "reverse"} or (link or {}).get("record_state") == "Draft"


def _paid(operation: Sending, problem: Problem, _: Rules) -> Settlement | None:
    if operation.verb not in CHANGING | REMOVING:
        return None
    if operation.verb == "update":
        reason = f"{problem.cause} It is seen whether only accounts or dimensions have changed."
        return _anew(operation, problem, reason, FollowUp(record_state="Paid"))
    fix = "Reverse the payment in Intacct and send it again, or leave the document as it is there"
    return held(operation, replace(problem, fix=f"{fix}: {_keep(operation)}."), FollowUp(record_state="Paid"))


def _wrong_state(operation: Sending, problem: Problem, _: Rules) -> Settlement | None:
    state = " ".join(problem.culprit).strip()
    was_draft = (operation.link or {}).get("record_state") == "Draft"
    if operation.verb in {"update", "replace"} and was_draft and state and state != "Draft":
        reason = f"{operation.natural_key} is no draft any more in Intacct, but {state}: it keeps that state"
        return _anew(operation, problem, reason, FollowUp(record_state=state))
    if operation.verb not in CHANGING | REMOVING:
        return None
    differs = state in REMOVED_STATES and operation.verb in CHANGING
    fix = problem.fix if not differs else f"Keep what Intacct holds, or Scoro's: {_keep(operation)}."
    return held(operation, replace(problem, fix=fix), FollowUp(record_state=state, differs=differs))


def _gone(operation: Sending, problem: Problem, _: Rules) -> Settlement | None:
    if operation.verb in REMOVING:
        record_no = str((operation.link or {})["record_no"])
        return Settlement(operation.id, "posted", "it was gone from Intacct already", "gone", record_no=record_no)
    if operation.verb not in CHANGING:
        return None
    told = Problem(
        ErrorClass.REFUSED,
        "deleted_in_intacct",
        f"{operation.kind.noun.capitalize()} {operation.natural_key} was deleted in Intacct.",
        f"Keep it deleted, or create it again: {_keep(operation)}.",
    )
    return held(operation, told, FollowUp(record_state=DELETED, differs=True))


def _keep(operation: Sending) -> str:
    return f"`scoro-intacct documents keep {operation.kind} {operation.scoro_id} theirs` (or `ours`)"


_RULES: Mapping[str, Callable[[Sending, Problem, Rules], Settlement | None]] = {
    "closed_period": _closed,
    "already_paid": _paid,
    "wrong_state": _wrong_state,
    "not_found_in_intacct": _gone,
}
"""The catalogue's code -> what it means for a document's write; None: nothing special."""
