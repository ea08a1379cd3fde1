"""The part of a delivery run that prepares credits to be applied: one look at what is open in Intacct.

It changes nothing there, so whoever dies in it leaves nothing to mend: what was not prepared is asked again.
"""

import uuid
from typing import TYPE_CHECKING

from db import applications, operations
from db.database import Ledger
from schemas.kinds import Purpose
from workers.carrier import READ_S
from workers.delivery import credits
from workers.steps import reach

if TYPE_CHECKING:
    from workers.delivery.run import Run

AGAIN_S, AT_MOST_S = 60.0, 3600.0
"""A look that is not answered is made again after this long, twice as long each time, up to the second."""


def prepare(run: "Run") -> bool:
    """Prepare the credits that are due; whether anything came of it."""
    with run.session.transaction():
        claimed = applications.claim(
            run.session, run.connection.id, credits.MAX_APPLICATIONS, again_s=AGAIN_S, at_most_s=AT_MOST_S
        )
        taken = credits.fitting(claimed)
        if not taken:
            return False
        asked = credits.questions(taken)
        if not asked:
            applications.save(run.session, credits.prepare(taken, {}))
            return True
        charge = run.charge(Purpose.LOOK_UP, len(asked), limit_s=READ_S, from_reserve=False)
        if charge is None:
            return False
        operations.note_attempts(run.session, charge.request_id, [one.id for one in taken])
    calls = [(str(uuid.uuid4()), function) for function in asked.values()]
    called = run.carrier.call(charge, calls, unique=False)
    reach("look_up.answered")
    results = called.response.results if called.response else {}
    answers = {name: results.get(controlid) for name, (controlid, _) in zip(asked, calls, strict=True)}
    prepared = credits.prepare(taken, answers)

    def settle(ledger: Ledger) -> None:
        applications.save(ledger, prepared)

    run.carrier.end(charge, called, settle)
    return bool(prepared)
