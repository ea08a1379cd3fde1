"""A delivery run: claim what is due of a connection, send it as one request, settle it, and look once more.

The intent (`sending`) is committed with the charge, the settlement with the end of the request (`workers.carrier` has
the order of commits). A death before the request left: refunded and ready again. After it: uncertain, looked up.
"""

import enum
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from clients.intacct.errors import RequestRejected, Unavailable
from db import connections, creates, due, follow_ups, needs, operations, outbox, pacing, requests
from db.connections import Connection
from db.database import Ledger, one
from db.operations import Sending, Settlement
from db.requests import Charge
from schemas.errors import ErrorClass, Problem
from schemas.intacct.functions import Function
from schemas.intacct.orders import FunctionShapeError, check
from schemas.intacct.results import FunctionResult
from schemas.kinds import Purpose
from workers.carrier import READ_S, Called, Carrier, deadline_s, is_throttled, patiently, slot
from workers.delivery import (
    applying,
    attachments,
    broken,
    drafts,
    lag,
    lines,
    look_up,
    older,
    pack,
    reading,
    riders,
    settle,
    settled,
    sources,
    withheld,
)
from workers.delivery.problems import title
from workers.delivery.riders import Leaving, Rider
from workers.lifecycle.endings import Rules, refused
from workers.lifecycle.replacing import calls_of, is_transaction
from workers.runtime import Runtime, login_of
from workers.steps import reach

log = structlog.get_logger(__name__)

CANDIDATES = 300
"""Ready operations looked at for one pack."""
POLL_S = 0.1
"""Pause before looking again at something that became due a moment ago and could not be chosen."""
EVER = datetime.min.replace(tzinfo=UTC)
LATE_COMMIT = timedelta(seconds=2)
"""A transaction commits within this long of the due times that it writes."""
REPLAY_LINGER_S = 30.0
"""Packs of a replay wait so long for the rest of it to be read: its price says that they are full."""
GATHER_AT_MOST_S = 2.0
"""A replay that gathers is looked at again this soon."""
LOOK_UP_AGAIN_S, LOOK_UP_AT_MOST_S = 60.0, 3600.0
"""A look-up that is not answered is done again after this long, twice as long each time, up to the second."""
BYTES_PER_S = 200_000.0
"""How fast files are expected to travel at the least; a call that carries some may take that much longer."""
MAX_PACE_S = 3600.0
"""Pacing looks again at least this often: limits and use change."""


class Round(enum.Enum):
    """What one look of a run came to."""

    WORKED = "worked"
    IDLE = "idle"
    BUSY = "busy"


def deliver(runtime: Runtime, connection_id: int) -> None:
    """Send what is due of a connection until nothing is, taking turns with others that wait for the company's slot."""
    while not runtime.stopping.is_set():
        looked_at = runtime.db.run(lambda ledger: one(ledger, "SELECT ledger_now() AS at")["at"])
        outcome, company = _round(runtime, connection_id)
        if outcome is Round.BUSY or company is None:
            return  # whoever holds the slot looks once more after letting go
        # something may have become due while the slot was held and its bell was turned away
        since = EVER if outcome is Round.WORKED else looked_at - LATE_COMMIT
        due_now = runtime.db.run(lambda ledger, company=company, since=since: due.newly_due(ledger, company, since))  # type: ignore[misc]
        others = [other for other in due_now if other != connection_id]
        if others:
            again = [connection_id] if connection_id in due_now else []
            runtime.db.run(lambda ledger, keys=(*others, *again): outbox.ring(ledger, "delivery", *keys))  # type: ignore[misc]
            return
        if connection_id not in due_now:
            return
        if outcome is Round.IDLE:
            time.sleep(POLL_S)


def _round(runtime: Runtime, connection_id: int) -> tuple[Round, int | None]:
    """One look, holding a slot of the company; at most one request."""
    with runtime.db.session() as session:
        connection = connections.load(session, runtime.vault, connection_id)
        if (
            connection is None
            or connection.state not in {"active", "broken"}
            or is_throttled(session, connection.company)
        ):
            return Round.IDLE, connection.company if connection else None
        with slot(session, connection.company, runtime.slots) as taken:
            if not taken:
                return Round.BUSY, connection.company
            run = Run(runtime, session, connection)
            if connection.state == "broken":
                broken.probe(run)
                return Round.IDLE, connection.company
            outcome = run.look_up()
            if outcome is Round.IDLE and run.look_first():
                outcome = Round.WORKED
            return (run.send() if outcome is Round.IDLE else outcome), connection.company


class Run:
    """One look at a connection, with the slot in hand."""

    def __init__(self, runtime: Runtime, session: Ledger, connection: Connection) -> None:
        self.runtime = runtime
        self.session = session
        self.connection = connection
        site = connection.site
        self.carrier = Carrier(
            runtime.db, runtime.gateway, session, login_of(connection), site.id, connection.company, connection.id
        )
        self.log = log.bind(connection=connection.name)

    # ------------------------------------------------------------------------------------------ look-ups

    def look_first(self) -> bool:
        """Read what operations that are due rely on; whether anything came of it."""
        return any(reading.read_first(self, plan) for plan in READS)

    def look_up(self, *, early: bool = False) -> Round:
        """Ask Intacct about operations in doubt whose look-up is due, or `early` about any."""
        with self.session.transaction():
            ids = operations.claim_look_ups(
                self.session,
                self.connection.id,
                look_up.MAX_OPERATIONS,
                again_s=LOOK_UP_AGAIN_S,
                again_at_most_s=LOOK_UP_AT_MOST_S,
                early=early,
            )
            if not ids:
                return Round.IDLE
            doubted = look_up.at_once(operations.details(self.session, ids))
            asked = look_up.questions(doubted)
            if not asked:
                settlements, _ = self._settled_by_look_up(doubted, {})
                settled.commit(self.session, self.connection, settlements, doubted, from_states=("uncertain",))
                return Round.WORKED
            charge = self.charge(Purpose.LOOK_UP, len(asked), limit_s=READ_S)
            if charge is None:
                return Round.IDLE
            operations.note_attempts(self.session, charge.request_id, [operation.id for operation in doubted])
        calls = [(str(uuid.uuid4()), function) for function in asked.values()]
        called = self.carrier.call(charge, calls, unique=False)
        reach("look_up.answered")
        results = called.response.results if called.response else {}
        answers = {
            name: results[controlid] for name, (controlid, _) in zip(asked, calls, strict=True) if controlid in results
        }
        settlements, answered = self._settled_by_look_up(doubted, answers)
        self._settle(charge, called, settlements, answered, from_states=("uncertain",), reads_alone=True)
        return Round.WORKED if settlements else Round.IDLE

    def _settled_by_look_up(
        self, doubted: Sequence[Sending], answers: Mapping[str, FunctionResult]
    ) -> tuple[list[Settlement], list[Sending]]:
        """What the answers (by the names of the questions) come to, and for which operations."""
        said = look_up.verdicts(doubted, answers, self.connection.user_id)
        answered = [operation for operation in doubted if operation.id in said]
        rules = self._rules() if any(operation.problem for operation in answered) else Rules()
        return [settle.from_verdict(operation, said[operation.id], rules) for operation in answered], answered

    def _rules(self) -> Rules:
        """What a refusal is judged by."""
        row = patiently(lambda: self.runtime.db.run(lambda ledger: follow_ups.known(ledger, self.connection.id)))
        return Rules(self.connection.settings.closed_period, row.closed_until, row.today)

    # ------------------------------------------------------------------------------------------ sending

    def send(self) -> Round:
        """Send one pack, if one should go now."""
        claimed = self._claim()
        if isinstance(claimed, Round):
            return claimed
        charge, sending, along, contents = claimed
        reach("delivery.intent")
        calls = calls_of(sending)
        before = [call for rider in along if rider.first for call in rider.calls]
        behind = [call for rider in along if not rider.first for call in rider.calls]
        whole = [(controlid, attachments.with_contents(function, contents)) for controlid, function in calls]
        called = self.carrier.call(
            charge,
            [*before, *whole, *behind],
            unique=True,
            atomic=is_transaction(sending),
            shown=[*before, *calls, *behind],
        )
        del whole, contents
        reach("delivery.answered")
        settlements = self._judge(charge, sending, along, called)
        self._settle(charge, called, settlements, sending, sent_by=charge.request_id, along=along)
        reach("delivery.settled")
        return Round.WORKED

    def _judge(
        self, charge: Charge, sending: Sequence[Sending], along: Sequence[Rider], called: Called
    ) -> list[Settlement]:
        if called.response is not None:
            results = called.response.results
            failed = any(not result.succeeded for result in results.values())
            return settle.from_answer(sending, called.response, self._rules() if failed else Rules())
        error = called.error or Unavailable("nothing was sent")
        if not isinstance(error, RequestRejected):
            return settle.from_error(sending, error)
        if along:
            return settle.without_riders(sending, charge.request_id)
        root = sending[0].bisect_root
        spent = patiently(
            lambda: self.runtime.db.run(lambda ledger: requests.note_rejection(ledger, charge.request_id, root))
        )
        return settle.from_rejection(sending, error, charge.request_id, spent)

    def _claim(self) -> Round | tuple[Charge, list[Sending], list[Rider], dict[str, bytes]]:
        """Choose a pack, pay for it and commit the intent, with the request's lock held."""
        limits = self.connection.settings.delivery
        if self.connection.state == "broken":
            limits = limits.model_copy(update={"max_documents": 1, "linger_ms": 0})
        with self.session.transaction():
            candidates = operations.candidates(self.session, self.connection.id, CANDIDATES)
            room = self._room(candidates)
            if room is None:
                return Round.WORKED  # chosen anew, without those that a person is asked about
            chosen = pack.choose(candidates, limits)
            if chosen.waits:
                if needs.wake(self.session, chosen.waits.values()):
                    return Round.WORKED  # chosen anew, with what they need
                operations.wait_for_prerequisite(
                    self.session, dict.fromkeys(chosen.waits, "what it needs is not in Intacct yet")
                )
                attachments.release_waiting(self.session, [c for c in candidates if c.id in chosen.waits])
            if not chosen.operations:
                needs.rest(self.session, self.connection.id)
                return Round.IDLE
            replaying = due.replaying(self.session, self.connection.id)
            wait_s = pack.linger_s(chosen, limits, REPLAY_LINGER_S if replaying else 0.0)
            if wait_s > 0 and reading.more_coming(self, [operation.document_id for operation in chosen.operations]):
                connections.gather_bulk(
                    self.session, self.connection.id, min(wait_s, GATHER_AT_MOST_S) if replaying else wait_s
                )
                return Round.IDLE
            if chosen.purpose is Purpose.BULK and not self._may_leave():
                return Round.IDLE
            sending = operations.details(self.session, [o.id for o in chosen.operations])
            if self._refuse_misshapen(sending):
                return Round.WORKED  # chosen anew, without them and what needs them
            if withheld.hold(self.session, self.connection.id, chosen.operations, sending):
                return Round.WORKED  # chosen anew, without them
            contents = attachments.contents_of(self.session, self.connection, sending)
            if attachments.plan_again(self.session, self.connection, sending, contents):
                return Round.WORKED  # chosen anew, without the files that are read again
            functions = len(calls_of(sending))
            limit_s = deadline_s(functions) + chosen.bytes / BYTES_PER_S if chosen.attachments else None
            charge = self.charge(chosen.purpose, functions, limit_s=limit_s)
            if charge is None:
                return Round.IDLE
            operations.mark_sending(self.session, charge.request_id, [o.id for o in chosen.operations])
            creates.use(self.session, self.connection.id, room, sum(o.is_new for o in chosen.operations))
            along = riders.gather(
                self.session,
                Leaving(self.connection, chosen.purpose, sending, charge.request_id),
                () if is_transaction(sending) else sources.SOURCES,  # a read that failed would undo the writes
                max_functions=limits.max_functions - len(sending),
                max_bytes=limits.max_bytes - chosen.bytes,
            )
            if along:
                charge = self.carrier.take_along(charge, sum(len(rider.functions) for rider in along))
        return charge, [replace(o, attempts=o.attempts + 1) for o in sending], along, contents

    def _room(self, candidates: Sequence[operations.Candidate]) -> creates.Room | None:
        """How many new documents may leave; None: what is beyond the limit of an hour has been held for a person.

        What a person sends goes whatever the limit, and counts.
        """
        new = [candidate for candidate in candidates if candidate.is_new]
        if not new:
            return creates.Room(0, 0)
        per_hour = self.connection.settings.limits.creates_per_hour
        room = creates.room(self.session, self.connection.id, per_hour)
        asked = sum(candidate.purpose is Purpose.INTERACTIVE for candidate in new)
        bulk = [candidate.id for candidate in new if candidate.purpose is not Purpose.INTERACTIVE]
        beyond = bulk[max(0, room.left - asked) :]
        if not beyond:
            return room
        creates.hold(self.session, self.connection.id, self.connection.name, per_hour, beyond)
        return None

    def _may_leave(self) -> bool:
        """Whether pacing lets a bulk request go; if not, bulk gathers until it may."""
        token = pacing.take_token(self.session, self.connection.site.id, self.connection.id)
        if not token.granted:
            connections.gather_bulk(self.session, self.connection.id, min(token.wait_s, MAX_PACE_S))
            if token.turn_of is not None:
                outbox.ring(self.session, "delivery", token.turn_of)
        return token.granted

    def _refuse_misshapen(self, sending: Sequence[Sending]) -> bool:
        """Our own element-order table says no before the gateway does, which would take the whole pack along."""
        settlements: list[Settlement] = []
        for operation in sending:
            try:
                check(Function.model_validate(operation.function))
            except (FunctionShapeError, ValueError) as error:
                problem = Problem(
                    ErrorClass.BUG,
                    "misshapen_function",
                    f"{title(operation)}: its request has no valid shape: {error}",
                    "Correct the edited payload; if nobody edited it, report it as a fault of scoro-intacct.",
                )
                settlements.append(refused(operation, problem))
        if settlements:
            settled.commit(self.session, self.connection, settlements, sending, from_states=("ready", "waiting_quota"))
        return bool(settlements)

    def charge(
        self, purpose: Purpose, functions: int, *, limit_s: float | None = None, from_reserve: bool | None = None
    ) -> Charge | None:
        """Pay for a request and take its lock; without quota everything waits, with the date on which it goes on."""
        site = self.connection.site
        charge = self.carrier.pay(purpose, functions, limit_s=limit_s, from_reserve=from_reserve)
        if charge is None:
            until = requests.resumes_at(self.session, site.id)
            day = until.astimezone(ZoneInfo(site.time_zone)).date()
            reason = f"waits for requests: this month's {site.request_limit} are used up; goes on {day}"
            look_ups = purpose is Purpose.LOOK_UP and from_reserve is not False
            operations.wait_for_quota(self.session, self.connection.id, until, reason, look_ups=look_ups)
            self.log.warning("delivery.quota_used_up", site=site.name, until=until.isoformat())
        return charge

    # ------------------------------------------------------------------------------------------ the settlement

    def _settle(
        self,
        charge: Charge,
        called: Called,
        settlements: Sequence[Settlement],
        sending: Sequence[Sending],
        *,
        sent_by: int | None = None,
        from_states: Sequence[str] = ("sending", "uncertain"),
        along: Sequence[Rider] = (),
        reads_alone: bool = False,
    ) -> None:
        """Commit what an answer means, and tell those who rode along."""

        def commit(ledger: Ledger) -> None:
            settled.commit(
                ledger,
                self.connection,
                settlements,
                sending,
                request_id=charge.request_id,
                sent_by=sent_by,
                from_states=from_states,
            )
            riders.hear(ledger, along, called.response)
            if reads_alone:
                broken.heard(ledger, self.connection, called.response, "read")

        self.carrier.end(charge, called, commit)
        lag.observe(self.runtime.db, [operation.id for operation in sending])


READS: tuple[reading.Plan, ...] = (older.plan, applying.plan, lines.plan, drafts.plan)
"""What is read first of what is due, in this order; one request of a run at the most."""
