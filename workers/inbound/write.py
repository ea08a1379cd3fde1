"""Writing to Scoro: take what is due, look up what is in doubt, write the rest, each with its intent committed first.

The order of commits is what makes a death harmless:

1. the lock of the lane, on the session of the writer; the write stays `ready`
2. the intent: `ready` -> `sending` with the object that Scoro is given, when the connection stands and before the first
   byte of the body leaves
3. the call, with a total deadline and no transaction open
4. the end: one transaction

A death before 2 has done nothing, one after it is uncertain: found by the lock that fell with the session
(`db.recovery`), and looked up before anything is written again.
"""

from collections.abc import Callable, Mapping, Sequence

import psycopg
import structlog
from psycopg.errors import UniqueViolation

from clients.scoro.client import Record, ScoroClient
from clients.scoro.errors import ConnectionBroken, NotFound, Refused, ScoroError, Throttled, Uncertain
from clients.scoro.known_errors import explain
from db import connections, failures, outbox, sites
from db import scoro_writes as writes
from db.connections import Connection
from db.database import Ledger
from db.failures import problem_as_json, problem_from_json
from db.scoro_writes import End, Write
from schemas.errors import ErrorClass, Problem
from schemas.kinds import Kind
from workers.carrier import patiently
from workers.delivery.policy import RETRIES, delay_s
from workers.inbound.bills import BillWriter
from workers.inbound.receipts import ReceiptWriter
from workers.inbound.suppliers import SupplierWriter
from workers.inbound.writer import Call, Found, KindWriter, Work
from workers.runtime import Runtime
from workers.steps import reach

log = structlog.get_logger(__name__)

BATCH = 25
"""Writes of one round: what a detailed list of Scoro holds."""
LOOK_UP_AGAIN_S, LOOK_UP_AT_MOST_S = 60.0, 3600.0
"""A look-up that is not answered is done again after this long, twice as long each time, up to the second."""
BROKEN_RETRY_S = 300.0
"""How long a site is left alone that does not let us in."""

WRITERS: Mapping[Kind, KindWriter] = {
    Kind.RECEIPT: ReceiptWriter(),
    Kind.BILL: BillWriter(),
    Kind.CREDIT_BILL: BillWriter(),
    Kind.VENDOR: SupplierWriter(),
}
"""Who writes which kind."""


class _NotOursError(Exception):
    """Somebody else has the write, or one of its lane is in doubt: it must not leave."""


def write(runtime: Runtime, connection_id: int) -> None:
    """Write what is due of a connection until nothing is."""
    while not runtime.stopping.is_set():
        with runtime.db.session() as session:
            connection = connections.load(session, runtime.vault, connection_id)
            if connection is None or connection.state != "active":
                return
            taken = writes.claim(session, connection_id, BATCH)
            if not taken:
                return
            if len(taken) == BATCH:  # there may be more: another thread can help
                runtime.db.run(lambda ledger: outbox.ring(ledger, "pull", connection_id))
            reach("scoro.taken")
            if not _Round(runtime, session, connection, taken).run():
                return


class _Round:
    """One batch of writes of one kind, with their lanes in hand."""

    def __init__(self, runtime: Runtime, session: Ledger, connection: Connection, taken: Sequence[Write]) -> None:
        self.runtime = runtime
        self.session = session
        self.connection = connection
        self.taken = taken
        self.writer = WRITERS[taken[0].kind]
        self.log = log.bind(connection=connection.name, kind=str(taken[0].kind))

    def run(self) -> bool:
        """Look up or write; False when Scoro cannot be asked now."""
        looks_up = self.taken[0].state == "uncertain"
        try:
            work = Work(self.runtime.db, self.connection, self.runtime.scoro(self.connection, urgent=True), self.taken)
            if looks_up:
                self._look_up(work)
                return True
            prepared = self.writer.prepare(work)
        except ScoroError as error:
            return self._put_back(self.taken, error)
        reach("scoro.prepared")
        self._end([ended for ended in prepared.values() if isinstance(ended, End)])
        left = [w for w in self.taken if isinstance(prepared.get(w.id), Call)]
        while left:
            now = left.pop(0)
            call = prepared[now.id]
            if isinstance(call, Call) and not self._write(work.scoro, now, call):
                return False
        return True

    # ------------------------------------------------------------------------------------------ writing

    def _write(self, scoro: ScoroClient, write: Write, call: Call) -> bool:
        """One call; False when Scoro does not take any now."""

        def leave() -> None:
            try:
                if not writes.leave(self.session, write.id, call.body):
                    raise _NotOursError
            except UniqueViolation as error:
                raise _NotOursError from error
            reach("scoro.leaving")

        try:
            record = self._called(scoro, call, leave)
        except (_NotOursError, psycopg.Error) as error:
            self.log.warning("scoro.claim_lost", write=write.id, error=str(error))
            return True
        except ScoroError as error:
            return self._failed(write, call, error)
        reach("scoro.answered")
        self._end([self._ended(write, call, record)])
        reach("scoro.settled")
        return True

    def _called(self, scoro: ScoroClient, call: Call, leave: Callable[[], None]) -> Record:
        if call.deletes and call.scoro_id is not None:
            scoro.delete(call.module, call.scoro_id, on_leaving=leave)
            return {}
        return scoro.modify(call.module, call.scoro_id, call.body, on_leaving=leave)

    def _ended(self, write: Write, call: Call, record: Record) -> End:
        if call.deletes:
            return End(write.id, "done")
        answered = self.writer.answered(write, call, record)
        if answered.scoro_id is None:
            return End(write.id, "uncertain", "Scoro answered success and does not say which record it is")
        problem = problem_as_json(answered.problem) if answered.problem else None
        return End(write.id, "done", scoro_id=answered.scoro_id, problem=problem, line_ids=answered.line_ids)

    def _failed(self, write: Write, call: Call, error: ScoroError) -> bool:
        """Settle a write whose call failed; False when the whole site has to wait."""
        if isinstance(error, Uncertain):
            self._end([End(write.id, "uncertain", str(error))])
            return True
        if call.deletes and (isinstance(error, NotFound) or (isinstance(error, Refused) and error.says_not_found)):
            self._end([End(write.id, "done", "Scoro did not have it any more")])
            return True
        if isinstance(error, (Refused, NotFound)):
            self._refused(write, error)
            return True
        if isinstance(error, ConnectionBroken):
            self._forbidden(write, error)
            return False
        return self._put_back([write], error)

    def _forbidden(self, write: Write, error: ScoroError) -> None:
        """Scoro lets us read and not write this: a failure, and all of the kind waits; reading goes on."""
        reason = f"{error}: tried again in {BROKEN_RETRY_S:.0f} s"
        problem = Problem(
            ErrorClass.REFUSED,
            "scoro_write_forbidden",
            f"{_title(write)}: Scoro does not let the API key write {write.kind.noun}s ({error}).",
            f"Give the key the right to add {write.kind.noun}s in Scoro; then it goes on by itself.",
            culprit=(write.kind.module,),
        )

        def keep(ledger: Ledger) -> None:
            self._apply(ledger, [End(write.id, "ready", reason, delay_s=BROKEN_RETRY_S)])
            writes.hold_kind(ledger, self.connection.id, write.kind, BROKEN_RETRY_S, reason)
            failures.bury(ledger, [failures.DeadLetter(self.connection.id, write.document_id, problem)])

        patiently(lambda: self.runtime.db.run(keep))

    def _refused(self, write: Write, error: ScoroError) -> None:
        told = explain(error)
        problem = problem_as_json(Problem(told.error_class, told.code, f"{_title(write)}: {told.cause}", told.fix))
        if write.doubted:  # it may have happened before: looked up before the refusal is believed
            self._end([End(write.id, "uncertain", told.cause, problem=problem)])
        else:
            self._end([End(write.id, "refused", told.cause, problem=problem)])

    def _put_back(self, held: Sequence[Write], error: ScoroError) -> bool:
        """Scoro cannot be asked now: the writes wait by the policy; a limit or a broken key holds the whole site."""
        site_wait_s = 0.0
        if isinstance(error, Throttled):
            site_wait_s = error.retry_after_s
        elif isinstance(error, ConnectionBroken):
            site_wait_s = BROKEN_RETRY_S
        last_s = RETRIES[ErrorClass.UNAVAILABLE].delays_s[-1]
        tries = max(write.attempts for write in held) + 1
        wait_s = site_wait_s or delay_s(ErrorClass.UNAVAILABLE, tries) or last_s
        self.log.warning("scoro.put_back", error=str(error), again_in_s=wait_s)
        ends = [End(write.id, "ready", str(error), delay_s=wait_s) for write in held if write.state == "ready"]

        def put_back(ledger: Ledger) -> None:
            self._apply(ledger, ends)
            if site_wait_s:
                sites.hold(ledger, self.connection.site.id, site_wait_s)

        patiently(lambda: self.runtime.db.run(put_back))
        return not site_wait_s

    # ------------------------------------------------------------------------------------------ look-ups

    def _look_up(self, work: Work) -> None:
        writes.looking_up(
            self.session, [w.id for w in self.taken], again_s=LOOK_UP_AGAIN_S, again_at_most_s=LOOK_UP_AT_MOST_S
        )
        found = self.writer.look_up(work)
        reach("scoro.looked_up")
        self._end([_from_look_up(write, found[write.id]) for write in self.taken if write.id in found])

    # ------------------------------------------------------------------------------------------ the end

    def _end(self, ends: Sequence[End]) -> None:
        if ends:
            patiently(lambda: self.runtime.db.run(lambda ledger: self._apply(ledger, ends)))

    def _apply(self, ledger: Ledger, ends: Sequence[End]) -> None:
        moved = writes.end(ledger, ends, certain_s=self.connection.settings.delivery.uncertain_wait_s)
        problems = {e.id: problem_from_json(dict(e.problem)) for e in ends if e.problem}
        failures.clear(ledger, [row["document_id"] for row in moved if row["state"] == "done"])
        failures.bury(
            ledger,
            [
                failures.DeadLetter(
                    self.connection.id, row["document_id"], problems[row["id"]], attempt=row["attempts"]
                )
                for row in moved
                if row["id"] in problems and row["state"] in {"refused", "done"}
            ],
        )


def _from_look_up(write: Write, found: Found) -> End:
    if found.happened:
        return End(write.id, "done", found.reason or "found in Scoro as it was written", scoro_id=found.scoro_id)
    if found.happened is None:
        return End(write.id, "waiting_person", found.reason)
    if write.certain_in_s > 0:
        reason = "not in Scoro yet; it may still appear"
        return End(write.id, "uncertain", reason, delay_s=write.certain_in_s, problem=write.problem)
    if write.problem is not None:
        return End(write.id, "refused", str(write.problem["cause"]), problem=write.problem)
    return End(write.id, "ready", "not in Scoro: written again")


def _title(write: Write) -> str:
    return f"{write.kind.noun.capitalize()} {write.number}"
