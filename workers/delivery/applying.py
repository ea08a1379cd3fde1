"""The part of delivery that prepares credits to be applied: a look at what is open in Intacct.

The look rides behind the writes of the pack that makes a credit or its invoice; where it found no room there, or was
not answered, it is a request of its own for all that are due. It changes nothing in Intacct, so whoever dies in it
leaves nothing to mend: what was not prepared is asked again.
"""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from db import applications, due, operations
from db.database import Ledger
from schemas.kinds import Purpose
from workers.carrier import READ_S
from workers.delivery import broken, credits
from workers.delivery.riders import Leaving, Results, Rider
from workers.steps import reach

if TYPE_CHECKING:
    from workers.delivery.run import Run

AGAIN_S, AT_MOST_S = 60.0, 3600.0
"""A look that is not answered is made again after this long, twice as long each time, up to the second."""


LINGER_S, LINGER_AT_MOST_S = 1.0, 30.0
"""Bulk lets its look wait while more is known to come, as it costs a request whatever it asks for."""
RECENT_S, RECENT_CHANGES = 1.0, 3
"""More changes than this within this time: more are coming."""


def source(ledger: Ledger, leaving: Leaving) -> Sequence[Rider]:
    """A look at what is open of the credits that this pack makes, or whose invoices it makes."""
    concerned = applications.concerned(ledger, [operation.id for operation in leaving.sending])
    questions = credits.questions_by_number(concerned)
    if not questions:
        return ()
    documents = [credit.document_id for credit in concerned]

    def heard(ledger: Ledger, results: Results) -> None:
        known = {name: result for name, result in results.items() if result.succeeded}
        ready = credits.answered(applications.of_documents(ledger, documents), known)
        applications.save(ledger, credits.prepare(ready, known))

    return (Rider("credits", questions, heard),)


def prepare(run: "Run") -> bool:
    """Prepare the credits that are due; whether anything came of it."""
    with run.session.transaction():
        if due.more_coming(
            run.session,
            run.connection.id,
            (),
            within_s=run.connection.settings.delivery.linger_ms / 1000,
            recent_s=RECENT_S,
            recent=RECENT_CHANGES,
        ):
            applications.linger(run.session, run.connection.id, LINGER_S, LINGER_AT_MOST_S)
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
        broken.heard(ledger, run.connection, called.response, "document")

    run.carrier.end(charge, called, settle)
    return bool(prepared)
