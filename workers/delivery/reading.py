"""What a delivery run reads of Intacct before it sends what relies on it: one request for all that is due.

Several parts of a run need such reads (`READS` in `workers.delivery.run`): numbers of older documents, what is open of
credits, lines of records that stood there before us, states of drafts. Each plans its questions; this carries them, and
breaks the connection off where its user may not read.

A read changes nothing in Intacct, so whoever dies in it leaves nothing to mend: what was not answered is asked again.
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import due
from db.database import Ledger
from schemas.intacct.functions import Function
from schemas.intacct.results import FunctionResult
from schemas.kinds import Purpose
from workers.carrier import READ_S
from workers.delivery import broken
from workers.steps import reach

if TYPE_CHECKING:
    from workers.delivery.run import Run

AGAIN_S, AT_MOST_S = 60.0, 3600.0
"""A read that is not answered is made again after this long, twice as long each time, up to the second."""
RECENT_S, RECENT_CHANGES = 1.0, 3
"""More changes than this within this time: more are coming, and bulk waits for them."""

Answers = Mapping[str, FunctionResult]
"""Results by the names of the questions; those that were not answered are missing."""


@dataclass(frozen=True, slots=True)
class Read:
    """Questions by name, and who hears the answers.

    `paid` is called in the transaction that pays for the request, with its id; `heard` in the one that ends it, and
    says whether anything came of it. Without questions nothing is sent, and `heard` is called at once.
    """

    questions: Mapping[str, Function]
    heard: Callable[[Ledger, Answers, int | None], bool]
    paid: Callable[[Ledger, int], None] = lambda _, __: None


Plan = Callable[["Run"], Read | None]
"""What is to be read now, if anything; asked in a transaction on the run's session."""


def read_first(run: "Run", plan: Plan) -> bool:
    """Read what a part of the run needs; whether anything came of it."""
    with run.session.transaction():
        read = plan(run)
        if read is None:
            return False
        if not read.questions:
            return read.heard(run.session, {}, None)
        charge = run.charge(Purpose.LOOK_UP, len(read.questions), limit_s=READ_S, from_reserve=False)
        if charge is None:
            return False
        read.paid(run.session, charge.request_id)
    calls = {name: (str(uuid.uuid4()), function) for name, function in read.questions.items()}
    called = run.carrier.call(charge, list(calls.values()), unique=False)
    reach("look_up.answered")
    results = called.response.results if called.response else {}
    answers = {name: results[controlid] for name, (controlid, _) in calls.items() if controlid in results}
    came = False

    def settle(ledger: Ledger) -> None:
        nonlocal came
        came = read.heard(ledger, answers, charge.request_id)
        broken.heard(ledger, run.connection, called.response, "document")

    run.carrier.end(charge, called, settle)
    return came


def more_coming(run: "Run", beside: Collection[int]) -> bool:
    """Whether more documents than these are about to be ready, so that bulk should wait for them."""
    return due.more_coming(
        run.session,
        run.connection.id,
        beside,
        within_s=run.connection.settings.delivery.linger_ms / 1000,
        recent_s=RECENT_S,
        recent=RECENT_CHANGES,
    )
