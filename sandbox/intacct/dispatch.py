"""Running the operations of a request: sign-in, functions in document order, replay, rollback, results."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Literal

from lxml import etree

from sandbox.intacct import answers, functions
from sandbox.intacct.auth import Login, attempted, check_sender, sign_in
from sandbox.intacct.context import Call, Result
from sandbox.intacct.envelope import Control, Envelope, FunctionCall, Operation
from sandbox.intacct.errors import (
    AuthenticationError,
    ControlError,
    ErrorLine,
    FunctionError,
    line,
    with_support_id,
)
from sandbox.intacct.faults import Fault, Faults
from sandbox.intacct.settings import Settings
from sandbox.intacct.store import Store

Element = etree._Element


class _RollBack(Exception):
    """Leaves the savepoint of a transaction that failed."""


@dataclass
class Outcome:
    """What became of one function."""

    call: FunctionCall
    status: Literal["success", "failure", "aborted"]
    result: Result = field(default_factory=Result)
    lines: tuple[ErrorLine, ...] = ()
    shown: bool = True


@dataclass(frozen=True)
class Gateway:
    """Everything a request is run with. Call `run` inside a transaction of the store."""

    store: Store
    settings: Settings
    faults: Faults
    endpoint: str
    now_s: float

    def run(self, envelope: Envelope) -> Element:
        """Answer a request whose structure is right; raises ControlError when all of it is turned away."""
        control = envelope.control
        check_sender(control)
        self._strike("control", ControlError)
        root = answers.response(control, "success")
        for operation in envelope.operations:
            block = answers.add(root, "operation")
            try:
                self._strike("authentication", AuthenticationError)
                login = sign_in(self.store, self.settings, control, operation.authentication, self.now_s)
            except AuthenticationError as error:
                answers.failed_authentication(block, *attempted(operation.authentication))
                answers.error_message(block, self._worded(error.lines), additional_info=control.additional_info)
                continue
            answers.authentication(block, login, self.now_s)
            call = Call(self.store, self.settings, login, control, self.now_s, self.endpoint)
            alone = len(envelope.functions) == 1
            for outcome in self._outcomes(call, operation, alone=alone):
                self._answer(block, outcome, control)
        return root

    def reject(self, control: Control | None, error: ControlError) -> Element:
        """Answer a request that is turned away as a whole."""
        root = answers.response(control, "failure")
        info = control is not None and control.additional_info
        answers.error_message(root, self._worded(error.lines), additional_info=info)
        return root

    def _outcomes(self, call: Call, operation: Operation, *, alone: bool) -> list[Outcome]:
        scope = self._replay_scope(call.login, call.control)
        replayed = self._replayed(call.control, scope, operation.functions)
        if replayed and self.settings.replay_rejects == "request":
            raise ControlError(self._replay_line(next(iter(replayed)).controlid))
        outcomes: list[Outcome] = []
        try:
            if operation.transaction:
                with self.store.savepoint():
                    self._run_all(call, operation, replayed, outcomes, alone=alone)
            else:
                self._run_all(call, operation, replayed, outcomes, alone=alone)
        except _RollBack:
            self._abort(operation, outcomes)
        self._use_up(call.control, scope, outcomes, replayed)
        return outcomes

    def _run_all(
        self,
        call: Call,
        operation: Operation,
        replayed: Sequence[FunctionCall],
        outcomes: list[Outcome],
        *,
        alone: bool,
    ) -> None:
        for each in operation.functions:
            outcome = self._run_one(call, each, replayed=each in replayed, alone=alone)
            outcomes.append(outcome)
            if operation.transaction and outcome.status != "success":
                raise _RollBack

    def _run_one(self, call: Call, each: FunctionCall, *, replayed: bool, alone: bool) -> Outcome:
        if replayed:
            return Outcome(each, "failure", lines=(self._replay_line(each.controlid),))
        fault = self._function_fault(each)
        if fault is not None and fault.fault == "error":
            return Outcome(each, "failure", lines=(_fault_line(fault),))
        shown = fault is None
        if fault is not None and fault.when == "before":
            return Outcome(each, "failure", shown=False)
        try:
            if each.name == "getAPISession" and not alone:
                raise FunctionError(line("session_alone"))
            with self.store.savepoint():
                result = functions.run(call, each.name, each.body)
        except FunctionError as error:
            return Outcome(each, "failure", lines=error.lines, shown=shown)
        status: Literal["success", "failure"] = "failure" if result.failed else "success"
        return Outcome(each, status, result, result.failed, shown)

    def _abort(self, operation: Operation, outcomes: list[Outcome]) -> None:
        """Mark what was undone, as the vendor was seen to do."""
        rollback = line("rollback")
        for outcome in outcomes[:-1]:
            outcome.status, outcome.result, outcome.lines = "aborted", Result(), (rollback,)
        failing = outcomes[-1]
        failing.status, failing.result = self.settings.failing_status, Result()
        failing.lines = (*failing.lines, rollback)
        if self.settings.results_after_failure == "aborted":
            for each in operation.functions[len(outcomes) :]:
                outcomes.append(Outcome(each, "aborted", lines=(rollback,)))

    # -- replay

    def _replay_scope(self, login: Login, control: Control) -> str:
        scopes = {
            "company": login.company,
            "entity": f"{login.company}|{login.entity}",
            "sender": control.sender_id,
        }
        return f"{self.settings.replay_scope}:{scopes[self.settings.replay_scope]}"

    def _replayed(self, control: Control, scope: str, calls: Sequence[FunctionCall]) -> list[FunctionCall]:
        if not control.unique:
            return []
        seen: set[str] = set()
        found = []
        for each in calls:
            if each.controlid in seen or self.store.was_executed(scope, each.controlid):
                found.append(each)
            seen.add(each.controlid)
        self.store.count("replays_rejected", len(found))
        return found

    def _use_up(
        self, control: Control, scope: str, outcomes: Sequence[Outcome], replayed: Sequence[FunctionCall]
    ) -> None:
        if not control.unique:
            return
        for outcome in outcomes:
            done = outcome.status == "success" or self.settings.replay_consumed_by == "any"
            if done and outcome.call not in replayed:
                self.store.mark_executed(scope, outcome.call.controlid)

    def _replay_line(self, controlid: str) -> ErrorLine:
        text = self.settings.replay_text.replace("{controlid}", controlid)
        return ErrorLine(self.settings.replay_errorno, text, placeholders={"controlid": controlid})

    # -- faults and wording

    def _strike(self, level: str, error: type[ControlError] | type[AuthenticationError]) -> None:
        fault = self.faults.take({"error"}, (), "", level)
        if fault is not None:
            raise error(_fault_line(fault))

    def _function_fault(self, each: FunctionCall) -> Fault | None:
        if not (self.faults.armed("error") or self.faults.armed("missing_result")):
            return None
        xml = etree.tostring(each.body, encoding="unicode")
        return self.faults.take({"error", "missing_result"}, [each.name], xml, "function")

    def _answer(self, block: Element, outcome: Outcome, control: Control) -> None:
        self.store.count(f"function.{outcome.call.name}")
        if not outcome.shown:
            return
        if outcome.status == "success":
            answers.success(block, outcome.call, outcome.result)
            return
        answers.failure(
            block,
            outcome.call,
            self._worded(outcome.lines),
            data=outcome.result.data,
            additional_info=control.additional_info,
            status=outcome.status,
        )

    def _worded(self, lines: tuple[ErrorLine, ...]) -> tuple[ErrorLine, ...]:
        if not self.settings.support_ids:
            return lines
        return with_support_id(lines, f"{token_urlsafe(4)}%7E{token_urlsafe(12)}")


def _fault_line(fault: Fault) -> ErrorLine:
    return ErrorLine(fault.errorno, fault.description2, fault.correction)
