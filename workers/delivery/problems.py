"""Why Intacct rejected an operation, in words that name it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clients.intacct.catalogue import Classified, classify
from db.operations import Sending
from schemas.errors import ErrorClass, Problem
from schemas.intacct.results import FunctionResult

REFERENCES = frozenset(
    [
        "accountlabel",
        "glaccountno",
        "offsetglaccountno",
        "customerid",
        "vendorid",
        "projectid",
        "departmentid",
        "locationid",
        "classid",
        "itemid",
        "employeeid",
        "taskid",
        "contractid",
        "warehouseid",
        "termname",
        "currency",
        "detailid",
        "taxsolutionid",
        "supdocfoldername",
        "parentid",
        "paymentmethod",
        "bankaccountid",
        "allocationid",
    ]
)
"""Elements of a payload that name a record of Intacct, which may be what is wrong."""

HOLDING = frozenset({"invalid_reference", "inactive_reference", "bank_account_on_line"})
"""Codes of the catalogue whose culprit no other document gets through with either: those that hold it wait."""


def problem_of(operation: Sending, result: FunctionResult) -> Problem:
    """Why Intacct rejected an operation, in words that name it."""
    known = {"number": operation.natural_key, "customer": operation.party}
    classified = classify(result.errors, {name: value for name, value in known.items() if value})
    return Problem(
        classified.error_class,
        classified.code,
        f"{title(operation)}: {classified.cause}",
        classified.fix,
        culprit=(*classified.culprit, *_named_by(operation, classified)),
        holds=tuple(_held_by(operation, classified.culprit)) if classified.code in HOLDING else (),
        who=classified.who,
    )


def _named_by(operation: Sending, classified: Classified) -> Iterator[str]:
    """What a text that nobody knows names of the payload: the account 4100 is one culprit, 4200 another."""
    if classified.error_class is not ErrorClass.UNKNOWN:
        return
    for name, value in dict.fromkeys(payload(operation.function)):
        if value and name.lower() in REFERENCES and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", classified.text):
            yield f"{name} {value}"


def _held_by(operation: Sending, culprit: Sequence[str]) -> Iterator[str]:
    """Where the culprit stands in the operation's own payload, as `element=value`."""
    return (f"{name}={value}" for name, value in payload(operation.function) if value in culprit)


def payload(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every element of a function's body that holds a text, with its name."""
    if isinstance(value, Mapping):
        for key, held in value.items():
            yield from payload(held, key)
    elif isinstance(value, list):
        for held in value:
            yield from payload(held, name)
    elif isinstance(value, str):
        yield name, value


def title(operation: Sending) -> str:
    """What people call the operation's document: `Invoice INV-1`."""
    return f"{operation.kind.noun.capitalize()} {operation.natural_key}"
