"""Carrying a request to Intacct: paid for, fenced, called with a deadline, ended. All requests go this way.

The order of commits is what makes a death harmless:

1. the charge and the request's lock: in the caller's transaction, on the session that holds the lock
2. the fence: `charged` -> `leaving`, right before the first byte; lost when somebody gave the claim up
3. the call, with a total deadline and no transaction open
4. the end: the request is `answered`, `unanswered` or `withdrawn` (refunded), with what the answer means

A death before 2 never left, one after it may have; both are found by the lock that falls with the session
(`db.recovery`).

QuotaUsedUpError     the site has no request left this month (`ask` alone; `pay` answers None)
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import psycopg
import structlog

from clients.intacct.catalogue import explain_broken
from clients.intacct.errors import ConnectionBroken, GatewayError, Throttled, Unavailable, Uncertain
from clients.intacct.gateway import Gateway, Login
from clients.intacct.render import render
from db import breakers, connections, locks, requests
from db.database import LEDGER_LOST, Database, Ledger, one
from db.requests import Charge
from schemas.intacct.functions import Function
from schemas.intacct.results import Response
from schemas.kinds import Purpose
from schemas.redaction import stored_xml
from workers.steps import reach

log = structlog.get_logger(__name__)
T = TypeVar("T")

THROTTLE_S = 10.0
"""How long a company waits that was throttled without being told for how long."""
LEDGER_PATIENCE_S = 60.0
"""How long an answer in hand waits for the ledger to come back, before it is given up to a look-up."""
CALL_S, FUNCTION_S = 60.0, 2.0
"""How long a call may take in all, and for each function of it: Intacct works a second or two on a document, on a slow
day much longer. It goes on for up to 15 minutes after a client has given up, so that giving up early only makes doubts.
"""
READ_S = 120.0
"""How long a read of whole lists may take in all."""
SLOT_PATIENCE_S, SLOT_POLL_S = 240.0, 0.1
"""How long a single read waits for one of the company's simultaneous requests, and how often it looks."""

Call = tuple[str, Function]
"""A function and its control id."""


def deadline_s(functions: int) -> float:
    """How long a call of so many functions may take in all."""
    return CALL_S + FUNCTION_S * functions


class ClaimLostError(Exception):
    """Somebody gave the claim up, or its send window passed, before it left: it must not be sent."""


class QuotaUsedUpError(Exception):
    """The site has no request left this month."""


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a call. `left`: whether a byte may have reached the gateway."""

    left: bool
    sent: str
    """The functions, for people: without the envelope, which holds the sign-in."""
    response: Response | None = None
    error: GatewayError | None = None

    @property
    def state(self) -> str:
        """The state in which its request ends."""
        if not self.left:
            return "withdrawn"
        return "unanswered" if isinstance(self.error, Uncertain) else "answered"


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries requests in the name of a login, on a session that holds one of the company's slots.

    `session` holds the locks of the requests; `connection_id` is None while a connection is being made.
    """

    db: Database
    gateway: Gateway
    session: Ledger
    login: Login
    site_id: int
    company: int
    connection_id: int | None

    def pay(
        self, purpose: Purpose, functions: int, *, limit_s: float | None = None, from_reserve: bool | None = None
    ) -> Charge | None:
        """Pay for one request and take its lock, in the caller's transaction on the session; None without quota.

        `limit_s` is its deadline, if not the usual one; `from_reserve` as in `db.requests.charge`.
        """
        charge = requests.charge(
            self.session,
            self.site_id,
            self.connection_id,
            purpose,
            functions=functions,
            deadline_s=limit_s or deadline_s(functions),
            from_reserve=from_reserve,
        )
        if charge is not None:
            locks.try_lock(self.session, locks.REQUEST, charge.request_id)
        return charge

    def take_along(self, charge: Charge, functions: int) -> Charge:
        """Add functions to a request that is paid for and has not left; its deadline grows with them."""
        limit_s = charge.deadline_s + deadline_s(functions) - deadline_s(0)
        return requests.extend(self.session, charge, functions, limit_s)

    def call(
        self,
        charge: Charge,
        calls: Sequence[Call],
        *,
        unique: bool,
        atomic: bool = False,
        shown: Sequence[Call] | None = None,
    ) -> Called:
        """One HTTP call with the fence right before its first byte; what fails is returned, never raised.

        `atomic`: all of the functions run, or none.

        A process that is stopped just behind the fence goes on into a world that has decided without it: beyond the
        deadline of its call it sends nothing any more, as its writes could undo newer ones. `shown` is what people see
        of the calls, where that is less than what leaves: the bytes of files are left out.
        """
        left = False
        sent = stored_xml(b"\n".join(render(controlid, function) for controlid, function in shown or calls).decode())
        started = time.monotonic()

        def fence() -> None:
            nonlocal left
            if not requests.leave(self.session, charge.request_id):
                raise ClaimLostError
            reach("delivery.leaving")
            if time.monotonic() - started > charge.deadline_s:
                raise ClaimLostError
            left = True

        try:
            response = self.gateway.send(
                self.login, calls, unique=unique, atomic=atomic, deadline_s=charge.deadline_s, on_leaving=fence
            )
            called = Called(left, sent, response=response)
        except GatewayError as error:
            called = Called(left, sent, error=error)
        except (ClaimLostError, psycopg.Error) as error:
            called = Called(left, sent, error=Unavailable(f"its claim was lost before it left: {error}"))
        log.info(
            "intacct.request",
            request=charge.request_id,
            functions=len(calls),
            seconds=round(time.monotonic() - started, 3),
            result=type(called.error).__name__ if called.error else "ok",
        )
        return called

    def end(self, charge: Charge, called: Called, settle: Callable[[Ledger], None] | None = None) -> None:
        """Close the request and commit what its answer means, in one transaction.

        Throttling holds the whole company up, a refused sign-in breaks the connection off. A ledger that is away is
        waited for: an answer in hand saves a look-up.
        """
        error = called.error

        def commit(ledger: Ledger) -> None:
            requests.end(ledger, charge.request_id, called.state, str(error) if error else "ok", sent=called.sent)
            if settle is not None:
                settle(ledger)
            if isinstance(error, Throttled):
                connections.throttle(ledger, self.company, error.retry_after_s or THROTTLE_S)
            if isinstance(error, ConnectionBroken) and self.connection_id is not None:
                breakers.break_off(ledger, self.connection_id, explain_broken(error, breakers.INTACCT), "read")

        patiently(lambda: self.db.run(commit))

    def let_go(self, charge: Charge) -> None:
        """Give up the lock of a request that has ended, where the session goes on with other work.

        It would look like a sender that stands still. Whoever ends its session after the request need not.
        """
        with contextlib.suppress(psycopg.Error):  # a session that is gone holds no lock
            locks.unlock(self.session, locks.REQUEST, [charge.request_id])


def patiently(work: Callable[[], T]) -> T:
    """Do work on the ledger, and wait for a ledger that is away."""
    give_up_at = time.monotonic() + LEDGER_PATIENCE_S
    while True:
        try:
            return work()
        except LEDGER_LOST as error:
            if time.monotonic() > give_up_at:
                raise
            log.warning("intacct.ledger_away", error=str(error).strip())
            time.sleep(0.5)


@contextmanager
def slot(session: Ledger, company: int, slots: int) -> Iterator[bool]:
    """Hold one of the simultaneous requests of a company for the block; yields False where all are taken."""
    key = locks.take_slot(session, company, slots)
    try:
        yield key is not None
    finally:
        if key is not None:
            with contextlib.suppress(psycopg.Error):  # a session that is gone holds no slot
                locks.unlock(session, locks.COMPANY_SLOT, [key])


def is_throttled(ledger: Ledger, company: int) -> bool:
    """Whether the gateway asked for patience with the whole company."""
    return bool(
        one(ledger, "SELECT throttled_until > ledger_now() AS yes FROM company WHERE id = %s", [company])["yes"]
    )


Send = Callable[[Sequence[Call]], Response]
"""Sends functions as one request that is charged to the quota; raises GatewayError or QuotaUsedUpError."""


def asking(
    db: Database,
    gateway: Gateway,
    login: Login,
    *,
    site_id: int,
    connection_id: int | None,
    purpose: Purpose,
    slots: int,
    from_reserve: bool | None = None,
) -> Send:
    """Return how single reads are sent, each waiting for a slot of the company."""

    def send(calls: Sequence[Call]) -> Response:
        with db.session() as session:
            company = connections.company(session, login.company_id)
            _wait_for_slot(session, company, login.company_id, slots)
            carrier = Carrier(db, gateway, session, login, site_id, company, connection_id)
            with session.transaction():
                charge = carrier.pay(purpose, len(calls), limit_s=READ_S, from_reserve=from_reserve)
            if charge is None:
                raise QuotaUsedUpError
            called = carrier.call(charge, calls, unique=False)
            carrier.end(charge, called)
            if called.response is None:
                raise called.error or Unavailable("nothing was sent")
            return called.response

    return send


def _wait_for_slot(session: Ledger, company: int, company_id: str, slots: int) -> None:
    """Take one of the company's simultaneous requests; it falls with the session's block."""
    give_up_at = time.monotonic() + SLOT_PATIENCE_S
    while is_throttled(session, company) or locks.take_slot(session, company, slots) is None:
        if time.monotonic() > give_up_at:
            raise Unavailable(f"other requests of {company_id} have been under way for {SLOT_PATIENCE_S:.0f} s")
        time.sleep(SLOT_POLL_S)
