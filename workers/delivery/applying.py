"""The part of delivery that prepares credits to be applied: a look at what is open in Intacct.

The look rides behind the writes of the pack that makes a credit or its invoice; where it found no room there, or was
not answered, it is a request of its own for all that are due. It changes nothing in Intacct, so whoever dies in it
leaves nothing to mend: what was not prepared is asked again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from db import applications, operations
from db.database import Ledger
from workers.delivery import credits
from workers.delivery.reading import AGAIN_S, AT_MOST_S, Answers, Read, more_coming
from workers.delivery.riders import Leaving, Results, Rider

if TYPE_CHECKING:
    from workers.delivery.run import Run

LINGER_S, LINGER_AT_MOST_S = 1.0, 30.0
"""Bulk lets its look wait while more is known to come, as it costs a request whatever it asks for."""


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


def plan(run: "Run") -> Read | None:
    """Ask what is open of the credits that are due."""
    if more_coming(run, ()):
        applications.linger(run.session, run.connection.id, LINGER_S, LINGER_AT_MOST_S)
    claimed = applications.claim(
        run.session, run.connection.id, credits.MAX_APPLICATIONS, again_s=AGAIN_S, at_most_s=AT_MOST_S
    )
    taken = credits.fitting(claimed)
    if not taken:
        return None
    questions = credits.questions(taken)

    def paid(ledger: Ledger, request_id: int) -> None:
        operations.note_attempts(ledger, request_id, [one.id for one in taken])

    def heard(ledger: Ledger, answers: Answers, _: int | None) -> bool:
        prepared = credits.prepare(taken, {name: answers.get(name) for name in questions})
        applications.save(ledger, prepared)
        return bool(prepared) or not questions

    return Read(questions, heard, paid)
