"""A connection that is itself at fault: told by what became of its documents, and probed until it is mended."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from db import breakers
from db.database import Ledger
from db.failures import problem_from_json
from db.operations import Settlement
from schemas.errors import ErrorClass
from schemas.intacct.functions import read_entity_details
from schemas.kinds import Purpose
from workers.delivery import older

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


def probe(run: "Run") -> None:
    """Find out by one request whether a broken connection is mended, if its time has come."""
    signs_in = run.connection.probe == "sign_in"
    with run.session.transaction():
        if not breakers.take_probe(run.session, run.connection.id):
            return
        charge = run.charge(Purpose.BACKGROUND, 1) if signs_in else None
    if not signs_in:
        older.look_first(run)  # what has to be looked up before it is sent cannot be a probe yet
        run.send()
    elif charge is not None:
        called = run.carrier.call(charge, [(str(uuid.uuid4()), read_entity_details())], unique=False)
        run.carrier.end(charge, called)
        if called.response is not None:
            run.runtime.db.run(lambda ledger: breakers.mend(ledger, run.connection.id, "the sign-in works again"))
