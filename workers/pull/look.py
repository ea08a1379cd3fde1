"""A look at what is new in Intacct: all queries in one request, what did not fit into a page in one more each.

What was seen is kept page by page, so a look that dies has lost nothing but requests; the mark from which the next one
begins moves only when a look is complete, to the largest WHENMODIFIED that it saw. A record that changed after its page
was read has a later WHENMODIFIED than the look's beginning, so the next look, which overlaps this one by as long as it
took, sees it; that it sees others again is nothing, as records are told apart by number and content.

One look of a connection at a time, by the lock that the looker holds; what the dead left is simply due.
"""

import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from clients.intacct.catalogue import classify
from clients.intacct.errors import GatewayError, Throttled, Unavailable
from db import due, outbox, pulled, pulls, requests
from db import reference as stored_reference
from db.connections import Connection
from db.database import Ledger, one
from db.pulls import Mark, Pull
from schemas.errors import ErrorClass
from schemas.intacct.functions import Function
from schemas.intacct.results import FunctionResult
from schemas.kinds import Purpose
from workers.carrier import SLOT_PATIENCE_S, SLOT_POLL_S, THROTTLE_S, Call, Called, Carrier, slot
from workers.delivery.policy import RETRIES, delay_s
from workers.pull.background import TOPICS
from workers.pull.paging import Paged, next_request
from workers.pull.payments import PAYMENTS
from workers.pull.queries import BILL, BILL_LINE_FIELDS, by_keys, changed_since, newest, pulled_objects, seen
from workers.runtime import Runtime, login_of
from workers.steps import reach

log = structlog.get_logger(__name__)

PAGES_PER_REQUEST = 10
"""Queries of one request: as many pages of 2,000 rows are some ten megabytes."""
MOST_REQUESTS = 100
"""A look that needs more goes on with the next one."""
MOST_PAYMENTS, MOST_BILLS = 2_000, 5_000
"""Payments whose missing part, and bills whose lines, are read by one look at a time."""
SLOT_WAIT_S = 5.0
"""How long a pull is put off that waited in vain for one of the company's simultaneous requests."""
LATE_COMMIT = timedelta(seconds=2)
"""A transaction commits within this long of the due times that it writes."""


SAME_SECOND_S = 2.0
"""WHENMODIFIED has whole seconds: lines that are read this long after their record was seen are not from before another
edit within the same one, which would look like the record that was seen."""


class _StoppedError(Exception):
    """The look cannot go on now; what was seen is kept."""


def look(runtime: Runtime, session: Ledger, connection: Connection) -> bool:
    """Look at what is new, if it is time to, and read what records that were seen lack; returns whether it read.

    The caller holds the pull's lock.
    """
    with session.transaction():
        pull = pulls.peek(session, connection.id)
    if pull is None or pull.held_s > 0:
        return False
    is_due = pull.due_in_s <= 0
    if not is_due and not lacking(session, connection.id):
        return False
    if is_due and not pulled_objects(connection, asked=pull.by_person):
        runtime.db.run(lambda ledger: pulls.done(ledger, connection.id, {}, began_at=_now(ledger)))
        return False
    one_look = _Look(runtime, session, connection, pull)
    return one_look.run() if is_due else one_look.complete()


def lacking(session: Ledger, connection_id: int) -> bool:
    """Whether records that were seen lack their other half or their lines, as those that rode along in a request do."""
    return bool(pulled.without_lines(session, connection_id, BILL, 1)) or any(
        pulled.payments_without_header(session, connection_id, payment, 1)
        or pulled.payments_without_details(session, connection_id, payment, 1)
        for payment in PAYMENTS
    )


def _now(ledger: Ledger) -> datetime:
    at: datetime = one(ledger, "SELECT ledger_now() AS at")["at"]
    return at


class _Look:
    """One look; a slot of the company is held for each of its requests, not in between."""

    def __init__(self, runtime: Runtime, session: Ledger, connection: Connection, pull: Pull) -> None:
        self.runtime = runtime
        self.session = session
        self.connection = connection
        self.pull = pull
        self.requests = 0
        self.log = log.bind(connection=connection.name)
        self.carrier = Carrier(
            runtime.db,
            runtime.gateway,
            session,
            login_of(connection),
            connection.site.id,
            connection.company,
            connection.id,
        )

    def run(self) -> bool:
        """Read all that is new; a failure puts the pull off, and what was seen stays."""
        began_at, started = _now(self.session), time.monotonic()
        windows = changed_since(self.connection, self.pull.marks, asked=self.pull.by_person)
        fetches = pulls.open_fetches(self.session, self.connection.id)
        queries = windows | self._fetched(fetches)
        try:
            self._read(queries)
            self._complete()
        except _StoppedError:
            return False
        failed = [paged for paged in windows.values() if paged.failure is not None]
        marks = {
            name: Mark(at, time.monotonic() - started)
            for name, paged in windows.items()
            if paged.failure is None and (at := newest(list(paged.rows.values()))) is not None
        }

        def finish(ledger: Ledger) -> None:
            pulls.done(ledger, self.connection.id, marks, began_at=began_at)
            pulled.think_again(ledger, self.connection.id)
            pulls.fetched(ledger, [row["id"] for row in fetches])
            if failed:
                self._put_off_failed(ledger, failed)

        self.runtime.db.run(finish)
        reach("pull.done")
        self.log.info("pull.done", requests=self.requests, rows=sum(len(paged.rows) for paged in queries.values()))
        return True

    def complete(self) -> bool:
        """Read what records that were seen lack."""
        try:
            self._complete()
        except _StoppedError:
            return False
        return True

    def _fetched(self, fetches: Collection[Mapping[str, object]]) -> dict[str, Paged]:
        """What people asked for by name: the payments of a document, a payment, or a bill."""
        numbers: dict[str, set[int]] = {}
        for row in fetches:
            if row["record_no"] is not None:
                numbers.setdefault(str(row["object"]), set()).add(int(str(row["record_no"])))
        queries: dict[str, Paged] = {}
        for payment, (paid, credit) in {
            "ARPYMT": ("ARINVOICE", "ARADJUSTMENT"),
            "APPYMT": ("APBILL", "APADJUSTMENT"),
        }.items():
            detail = f"{payment}DETAIL"
            queries |= by_keys(detail, "RECORDKEY", numbers.get(paid, set()))
            queries |= by_keys(detail, "ADJUSTMENTKEY", numbers.get(credit, set()))
            queries |= by_keys(payment, "RECORDNO", numbers.get(payment, set()))
            queries |= by_keys(detail, "PAYMENTKEY", numbers.get(payment, set()))
        if BILL in pulled_objects(self.connection):
            queries |= by_keys(BILL, "RECORDNO", numbers.get(BILL, set()))
        return queries

    def _complete(self) -> None:
        """Read what belongs to records that were seen: the other half of payments, the lines of bills."""
        for payment in PAYMENTS:
            detail = f"{payment}DETAIL"
            headers = pulled.payments_without_header(self.session, self.connection.id, payment, MOST_PAYMENTS)
            details = pulled.payments_without_details(self.session, self.connection.id, payment, MOST_PAYMENTS)
            self._read(by_keys(payment, "RECORDNO", headers) | by_keys(detail, "PAYMENTKEY", details))
        while bills := pulled.without_lines(self.session, self.connection.id, BILL, MOST_BILLS):
            self._read_lines(bills)

    def _read(self, queries: Mapping[str, Paged]) -> None:
        """Read queries to their ends; rows are kept after each request."""
        while asked := next_request(queries, PAGES_PER_REQUEST):
            results = self._ask(asked)
            rows: dict[str, list[Mapping[str, str]]] = {}
            for (name, place), result in results.items():
                queries[name].hear(place, result)
                if result is not None and result.succeeded:
                    rows.setdefault(queries[name].object, []).extend(result.rows)
            found = [record for object_name, held in rows.items() for record in seen(object_name, held)]
            self.runtime.db.run(lambda ledger, found=found: pulled.see(ledger, self.connection.id, found))  # type: ignore[misc]
            reach("pull.seen")

    def _read_lines(self, bills: Collection[int]) -> None:
        """Read the lines of bills as they are now; a bill seen changed meanwhile keeps waiting for its lines."""
        wait_s = pulled.fresh_for_s(self.session, self.connection.id, BILL, bills, SAME_SECOND_S)
        if wait_s and self.runtime.stopping.wait(wait_s):
            raise _StoppedError("it is told to stop")
        versions = pulled.versions(self.session, self.connection.id, BILL, bills)
        items = by_keys(f"{BILL}ITEM", "RECORDKEY", bills, fields=BILL_LINE_FIELDS)
        unknown = pulled.unknown_vendors(self.session, self.connection.id, MOST_BILLS)
        vendors = by_keys("VENDOR", "VENDORID", unknown, fields=TOPICS["vendor"].fields)
        queries = {**items, **vendors}
        while asked := next_request(queries, PAGES_PER_REQUEST):
            for (name, place), result in self._ask(asked).items():
                queries[name].hear(place, result)
        lines: dict[int, list[Mapping[str, str]]] = {number: [] for number in bills}
        for paged in items.values():
            if paged.failure is not None:
                raise self._refused(paged.failure)
            for row in paged.rows.values():
                lines[int(row["RECORDKEY"])].append(row)
        known = [TOPICS["vendor"].item(row) for paged in vendors.values() for row in paged.rows.values()]

        def keep(ledger: Ledger) -> None:
            pulled.add_lines(ledger, self.connection.id, BILL, lines, versions)
            if known:
                stored_reference.add(ledger, self.connection.id, "intacct", "vendor", known)

        self.runtime.db.run(keep)

    def _ask(self, asked: Mapping[tuple[str, str], Function]) -> dict[tuple[str, str], FunctionResult | None]:
        """One request; raises _StoppedError where it cannot be made or answered."""
        if self.requests >= MOST_REQUESTS:
            raise self._put_off(1.0, "it goes on with the next look")
        calls = {key: (str(uuid.uuid4()), function) for key, function in asked.items()}
        called = self._called(list(calls.values()))
        if called.response is None:
            raise self._failed(called.error or Unavailable("nothing was sent"))
        return {key: called.response.results.get(controlid) for key, (controlid, _) in calls.items()}

    def _called(self, calls: Sequence[Call]) -> Called:
        """Carry one request, with a slot of the company for as long as it takes; then who was turned away goes on."""
        give_up_at = time.monotonic() + SLOT_PATIENCE_S
        while True:
            with slot(self.session, self.connection.company, self.runtime.slots) as taken:
                if taken:
                    began_at = _now(self.session)
                    called = self._carried(calls)
                    break
            if time.monotonic() > give_up_at or self.runtime.stopping.is_set():
                raise self._put_off(SLOT_WAIT_S, "other requests of the company are under way")
            time.sleep(SLOT_POLL_S)
        company = self.connection.company
        self.runtime.db.run(
            lambda ledger: outbox.ring(ledger, "delivery", *due.newly_due(ledger, company, began_at - LATE_COMMIT))
        )
        return called

    def _carried(self, calls: Sequence[Call]) -> Called:
        with self.session.transaction():
            charge = self.carrier.pay(Purpose.PULL, len(calls))
        if charge is None:
            raise self._wait_for_quota()
        self.requests += 1
        called = self.carrier.call(charge, calls, unique=False)
        reach("pull.answered")
        self.carrier.end(charge, called)
        self.carrier.let_go(charge)
        return called

    # ------------------------------------------------------------------------------------------ what goes wrong

    def _wait_for_quota(self) -> _StoppedError:
        site = self.connection.site

        def wait(ledger: Ledger) -> str:
            until = requests.resumes_at(ledger, site.id)
            day = until.astimezone(ZoneInfo(site.time_zone)).date()
            reason = f"waits for requests: this month's {site.request_limit} are used up; goes on {day}"
            pulls.wait_for_quota(ledger, self.connection.id, until, reason)
            return reason

        return _StoppedError(self.runtime.db.run(wait))

    def _failed(self, error: GatewayError) -> _StoppedError:
        wait_s = delay_s(error.error_class, self.pull.attempts + 1) or RETRIES[ErrorClass.UNAVAILABLE].delays_s[-1]
        if isinstance(error, Throttled):
            wait_s = error.retry_after_s or THROTTLE_S
        return self._put_off(wait_s, str(error))

    def _refused(self, result: FunctionResult) -> _StoppedError:
        return self._put_off(RETRIES[ErrorClass.UNAVAILABLE].delays_s[-1], classify(result.errors).cause)

    def _put_off(self, wait_s: float, reason: str) -> _StoppedError:
        self.log.warning("pull.put_off", reason=reason, again_in_s=wait_s)
        self.runtime.db.run(lambda ledger: pulls.put_off(ledger, self.connection.id, wait_s, reason))
        return _StoppedError(reason)

    def _put_off_failed(self, ledger: Ledger, failed: Collection[Paged]) -> None:
        """Objects that Intacct refuses to show are asked for again later; the others were read."""
        reasons = [
            f"{paged.object} cannot be read: {classify(paged.failure.errors).cause}"
            for paged in failed
            if paged.failure
        ]
        wait_s = delay_s(ErrorClass.UNAVAILABLE, self.pull.attempts + 1) or RETRIES[ErrorClass.UNAVAILABLE].delays_s[-1]
        self.log.warning("pull.refused", reasons=reasons)
        pulls.put_off(ledger, self.connection.id, wait_s, "; ".join(reasons))
