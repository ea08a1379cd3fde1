"""A connection that is itself at fault: told by what became of its documents, and probed until it is mended."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from clients.intacct.catalogue import classify
from db import breakers
from db.connections import Connection
from db.database import Ledger
from db.failures import problem_from_json
from db.operations import Settlement
from schemas.errors import ErrorClass, Problem
from schemas.intacct.functions import read_entity_details
from schemas.intacct.results import FunctionResult, Response
from schemas.kinds import Purpose

if TYPE_CHECKING:
    from workers.delivery.run import Run


def judge(
    ledger: Ledger, connection_id: int, settlements: Sequence[Settlement], *, posted: bool, refused: bool
) -> None:
    """Break a connection off whose right is missing or whose documents are all refused; mend it once one went through.

    `posted`, `refused`: whether a document of these was.
    """
    problems = [s.problem for s in settlements if s.state == "ready" and s.problem]
    lacking = next((problem for problem in problems if problem["error_class"] == ErrorClass.BROKEN), None)
    if lacking is not None:
        problem = replace(problem_from_json(dict(lacking)), culprit=(breakers.INTACCT,))
        breakers.break_off(ledger, connection_id, problem, "document")
    elif posted:
        breakers.mend(ledger, connection_id, "a document went through")
    elif refused:
        breakers.break_if_hopeless(ledger, connection_id)


def heard(ledger: Ledger, connection: Connection, response: Response | None, probe: str) -> None:
    """Break a connection off whose user may not read what was asked; mend it if reads are what it is probed by.

    `response` is the answer to reads alone, None where there was none; `probe` as in `breakers.break_off`.
    """
    if response is None:
        return
    lacking = next(filter(None, map(_lacking, response.results.values())), None)
    if lacking is not None:
        breakers.break_off(ledger, connection.id, lacking, probe)
    elif connection.probe == "read":
        breakers.mend(ledger, connection.id, "Intacct can be read again")


def _lacking(result: FunctionResult) -> Problem | None:
    """The right that was missing; what files alone lack (their reads are lists) holds nothing else up."""
    if result.succeeded or result.function == "get_list":
        return None
    said = classify(result.errors)
    if said.error_class is not ErrorClass.BROKEN:
        return None
    cause = f"{said.cause} ({said.text})"
    return Problem(said.error_class, said.code, cause, said.fix, culprit=(breakers.INTACCT,), who=said.who)


def probe(run: "Run") -> None:
    """Find out by one request whether a broken connection is mended, if its time has come."""
    with run.session.transaction():
        way = breakers.take_probe(run.session, run.connection.id)
        charge = run.charge(Purpose.BACKGROUND, 1) if way == "sign_in" else None
    if way == "document":
        run.look_first()  # what has to be read before it is sent cannot be a probe yet
        run.send()
    elif way == "look_up":
        run.look_up(early=True)
    elif charge is not None:
        called = run.carrier.call(charge, [(str(uuid.uuid4()), read_entity_details())], unique=False)
        run.carrier.end(charge, called, lambda ledger: heard(ledger, run.connection, called.response, "read"))
