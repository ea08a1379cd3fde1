"""A draft that lost a line: lines cannot be taken out of a document, so it is deleted and made again, as a draft.

Both functions go in one transaction of the gateway (`transaction="true"`): either both run, or none.
"""

from collections.abc import Mapping, Sequence

from db.operations import Sending
from schemas.intacct.functions import Function, delete
from schemas.intacct.results import FunctionResult
from workers.carrier import Call
from workers.lifecycle.stated import stated_lines
from workers.translation.legacy import REMOVED_MEMO

REPLACE = "replace"
DELETING = ".delete"
"""What the control id of the deletion ends in; that of the creation is the operation's own."""


def loses_lines(update: Function, previous: Function | None) -> bool:
    """Whether an update sets a line to 0.00 because Scoro no longer has it, and it was not before."""
    before = stated_lines(previous) if previous else {}
    return any(
        line.place.get("memo") == REMOVED_MEMO
        and (number not in before or before[number].place.get("memo") != REMOVED_MEMO)
        for number, line in stated_lines(update).items()
    )


def as_draft(create: Function) -> Function:
    """The function that makes a document as a draft."""
    return create.model_copy(update={"body": {**create.body, "action": "Draft"}})


def is_transaction(sending: Sequence[Sending]) -> bool:
    """Whether a pack is one transaction: all of its functions run, or none."""
    return any(operation.verb == REPLACE for operation in sending)


def calls_of(sending: Sequence[Sending]) -> list[Call]:
    """The functions of operations with their control ids, in the order in which they run."""
    calls: list[Call] = []
    for operation in sending:
        if operation.verb == REPLACE and operation.link is not None:
            draft = delete(operation.link["object"], operation.link["record_no"])
            calls.append((f"{operation.controlid}{DELETING}", draft))
        calls.append((operation.controlid, Function.model_validate(operation.function)))
    return calls


def result_of(operation: Sending, results: Mapping[str, FunctionResult]) -> FunctionResult | None:
    """What the answer says of an operation; of two functions the failure of either, the cause first."""
    made = results.get(operation.controlid)
    deleted = results.get(f"{operation.controlid}{DELETING}") if operation.verb == REPLACE else None
    if deleted is None or deleted.succeeded or (made is not None and made.succeeded):
        return made
    errors = (*deleted.errors, *(made.errors if made else ()))
    return FunctionResult(operation.controlid, deleted.function, deleted.status, errors=errors)


def half_of(operation: Sending, results: Mapping[str, FunctionResult]) -> str:
    """Which half alone ran where the gateway did not keep the transaction: `deleted`, `made`, or '' for neither."""
    if operation.verb != REPLACE:
        return ""
    made = results.get(operation.controlid)
    deleted = results.get(f"{operation.controlid}{DELETING}")
    if deleted is None or made is None or deleted.succeeded == made.succeeded:
        return ""
    return "made" if made.succeeded else "deleted"
