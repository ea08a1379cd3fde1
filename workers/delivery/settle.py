"""What an answer means for each operation. Pure: answers and verdicts in, settlements out."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from clients.intacct.errors import GatewayError, RequestRejected, Uncertain
from clients.intacct.render import render
from db.failures import problem_as_json, problem_from_json
from db.operations import Sending, Settlement
from schemas.errors import ErrorClass, Problem
from schemas.intacct.functions import Function
from schemas.intacct.orders import GENERIC
from schemas.intacct.results import FunctionResult, Response
from workers.delivery.look_up import Verdict
from workers.delivery.policy import RETRIES, Then, delay_s
from workers.delivery.problems import problem_of, title
from workers.lifecycle.endings import REMOVING, Rules, differs, end, half_done, refused
from workers.lifecycle.replacing import half_of, result_of

RECORD_STATES = {"Draft": "Draft", "Submit": "Posted"}
"""The state that a function's `action` leaves the record in, as far as we know; approvals are Intacct's own."""

NAMED_BY_US = frozenset({"SUPDOC", "SUPDOCFOLDER"})
"""Objects of files: their records are known by the id that we give them, not by a RECORDNO."""

BISECT_BUDGET = 14
"""Rejected requests that one search may cost: one fault in a pack of 100 takes 8, two take at most 14."""

REPLAYED = "controlid_replayed"
"""The catalogue's code for "this control id was executed before"."""


KEEPS_ITS_RECORD = frozenset({"update", "reclassify", *REMOVING})
"""Verbs whose answer may name another record than theirs (a reversal is one of its own)."""


def from_answer(operations: Sequence[Sending], response: Response, rules: Rules) -> list[Settlement]:
    """Settle every operation of a pack by its control id.

    A missing result may have run: looked up. What fails behind a failed prerequisite of the same pack waits for it
    again.
    """
    settlements: list[Settlement] = []
    not_posted: set[int] = set()
    for operation in operations:
        result = result_of(operation, response.results)
        settlement = _from_results(operation, response.results, rules)
        settlement = replace(settlement, answered=result.text if result else "")
        if settlement.state == "refused" and not_posted.intersection(operation.needs):
            settlement = Settlement(
                operation.id, "waiting_prerequisite", "what it needs is not in Intacct yet", "not yet"
            )
        if settlement.state != "posted":
            not_posted.add(operation.document_id)
        settlements.append(settlement)
    return settlements


def _from_results(operation: Sending, results: Mapping[str, FunctionResult], rules: Rules) -> Settlement:
    half = half_of(operation, results)
    if half:
        return half_done(operation, half, results)
    return _from_result(operation, result_of(operation, results), rules)


def _from_result(operation: Sending, result: FunctionResult | None, rules: Rules) -> Settlement:
    if result is None:
        return Settlement(operation.id, "uncertain", "Intacct's answer holds no result for it", "no result")
    if result.succeeded:
        known = str(operation.link["record_no"]) if operation.link else None
        if operation.object in NAMED_BY_US:
            known = operation.natural_key
        kept = operation.verb in KEEPS_ITS_RECORD or operation.object in NAMED_BY_US
        record_no = known if known and kept else result.key or known
        if record_no is None:
            return Settlement(operation.id, "uncertain", "Intacct answered success without a record number", "no key")
        state = RECORD_STATES.get(action_of(operation.function))
        return Settlement(operation.id, "posted", outcome="success", record_no=record_no, record_state=state)
    problem = problem_of(operation, result)
    if operation.object in NAMED_BY_US and problem.error_class is ErrorClass.BROKEN:
        problem = replace(problem, error_class=ErrorClass.REFUSED)  # what files alone lack holds nothing else up
    return _from_failure(operation, problem, rules)


def action_of(function: Mapping[str, Any]) -> str:
    """The action of a function of either form: Draft or Submit; empty where it names none."""
    body: Mapping[str, Any] = function["body"]
    if function["name"] in GENERIC:
        body = next(iter(body.values()), {})
        return str(body.get("ACTION", ""))
    return str(body.get("action", ""))


def _from_failure(operation: Sending, problem: Problem, rules: Rules) -> Settlement:
    if operation.doubted or RETRIES[problem.error_class].then is Then.LOOK_UP:
        # it may have run on an earlier try, or somebody else made it: looked up before anybody is told
        return Settlement(operation.id, "uncertain", problem.cause, "looked up", problem=problem_as_json(problem))
    if delay_s(problem.error_class, operation.attempts) is not None or problem.error_class is ErrorClass.BROKEN:
        return _again(operation, problem)
    return end(operation, problem, rules)


def _again(operation: Sending, problem: Problem) -> Settlement:
    """Ready for another try by the policy; what breaks the connection waits until a person has mended it."""
    wait_s = delay_s(problem.error_class, operation.attempts) or 0.0
    return Settlement(operation.id, "ready", problem.cause, "not now", delay_s=wait_s, problem=problem_as_json(problem))


def from_error(operations: Sequence[Sending], error: GatewayError) -> list[Settlement]:
    """Settle a pack whose request failed as a whole."""
    if isinstance(error, Uncertain):
        return [Settlement(o.id, "uncertain", str(error), "no answer") for o in operations]
    settlements = []
    for operation in operations:
        wait_s = delay_s(error.error_class, operation.attempts)
        if wait_s is None and error.error_class is not ErrorClass.BROKEN:
            problem = Problem(
                error.error_class,
                "retries_exhausted",
                f"{title(operation)}: tried {operation.attempts} times, {error}",
                "Check that Sage Intacct can be reached, then send the document again.",
            )
            settlements.append(refused(operation, problem))
        else:
            settlements.append(Settlement(operation.id, "ready", str(error), "not run", delay_s=wait_s or 0.0))
    return settlements


def from_rejection(
    operations: Sequence[Sending], error: RequestRejected, request_id: int, spent: int
) -> list[Settlement]:
    """Settle a pack that the gateway could not read: nothing ran, each half tries alone, a single one is ours to mend.

    `spent` is what the search has cost, in requests; beyond `BISECT_BUDGET` the rest waits for a person.
    """
    if len(operations) == 1:
        problem = Problem(
            ErrorClass.BUG,
            "request_rejected",
            f"{title(operations[0])}: Sage Intacct could not read the request: {error}",
            "This is a fault of scoro-intacct: report it with the request's XML.",
        )
        return [refused(operations[0], problem)]
    if spent > BISECT_BUDGET:
        reason = f"Intacct could not read its pack, and {spent} requests did not find the fault: {error}"
        return [Settlement(o.id, "waiting_person", reason, "not run") for o in operations]
    middle = len(operations) // 2
    groups = [uuid.uuid4()] * middle + [uuid.uuid4()] * (len(operations) - middle)
    root = operations[0].bisect_root or request_id
    return [
        Settlement(
            o.id, "ready", "its pack could not be read: tried in halves", "not run", pack_group=group, bisect_root=root
        )
        for o, group in zip(operations, groups, strict=True)
    ]


def without_riders(operations: Sequence[Sending], request_id: int) -> list[Settlement]:
    """Settle a pack that the gateway could not read while reads rode along: the same pack again, alone."""
    group = uuid.uuid4()
    reason = "its pack could not be read: tried again without the reads that rode along"
    return [Settlement(o.id, "ready", reason, "not run", pack_group=group, bisect_root=request_id) for o in operations]


def from_verdict(operation: Sending, verdict: Verdict, rules: Rules) -> Settlement:
    """Settle an operation in doubt by what the look-up says."""
    if verdict.happened:
        return Settlement(
            operation.id,
            "posted",
            "found in Intacct as it was sent"
            if not verdict.before_us
            else "it stood in Intacct before, with equal total",
            "found",
            record_no=verdict.record_no,
            record_state=verdict.record_state,
            linked=verdict.before_us,
            missing=verdict.missing,
        )
    if verdict.happened is None:
        return differs(operation, verdict.reason, verdict.record_no)
    if operation.certain_in_s > 0:
        return Settlement(
            operation.id,
            "uncertain",
            "not in Intacct yet; it may still appear",
            "absent so far",
            delay_s=operation.certain_in_s,
            problem=operation.problem,
        )
    return _absent(operation, rules)


def _absent(operation: Sending, rules: Rules) -> Settlement:
    """It is not there and will not appear: the same again, unless Intacct has refused it."""
    if operation.problem is None:
        return Settlement(operation.id, "ready", "not in Intacct: sent again", "absent")
    problem = problem_from_json(dict(operation.problem))
    passes = delay_s(problem.error_class, operation.attempts) is not None
    if passes or problem.error_class in {ErrorClass.BROKEN, ErrorClass.UNCERTAIN}:
        # what kept it from running is no fault of the document
        return _again(operation, problem)
    rejected_as_run = problem.code == REPLAYED or problem.error_class is ErrorClass.UNKNOWN
    if rejected_as_run and not operation.fresh_controlids:
        return Settlement(
            operation.id,
            "ready",
            "Intacct says it ran, but holds no such record: sent again under a new control id",
            "absent",
            fresh_controlid=True,
        )
    if problem.error_class is ErrorClass.DUPLICATE and operation.verb != "create":
        problem = replace(problem, error_class=ErrorClass.REFUSED)
    elif problem.error_class is ErrorClass.DUPLICATE:
        problem = Problem(
            ErrorClass.REFUSED,
            "exists_outside_entity",
            f"{title(operation)}: Intacct says that it exists, but this entity does not see it.",
            "Look for it at top level or in another entity, then give it another number or id.",
        )
    return end(operation, problem, rules)


def sent_text(operation: Sending) -> str:
    """The function of an operation as it is shown to people."""
    try:
        return render(operation.controlid, Function.model_validate(operation.function)).decode()
    except (KeyError, TypeError, ValueError):  # a shape that the gateway would not read either
        return json.dumps(operation.function, ensure_ascii=False)


def problems(settlements: Sequence[Settlement]) -> Mapping[uuid.UUID, Problem]:
    """The problems of those that ended without success, or that a person must see to."""
    return {
        s.id: problem_from_json(dict(s.problem))
        for s in settlements
        if s.problem and (s.state == "refused" or (s.state == "waiting_person" and not s.goes_on))
    }
