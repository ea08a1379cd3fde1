"""The product between its far sides, driven a step at a time, and the judgement of what stands in the end."""

from collections.abc import Callable
from typing import Any, cast

import psycopg
from psycopg.rows import dict_row

from clients.http import Poster
from clients.intacct.gateway import Gateway
from clients.scoro.client import ScoroClient
from db import due, failures, outbox, recovery
from db.connections import Connection
from db.outbox import Bell
from producers import manual, webhooks
from producers.sweep import Sweeper
from sandbox import fixtures
from schemas.events import WebhookHint
from schemas.kinds import Kind
from tests.interleavings.actors import DIE, Actor, WatchedDatabase
from tests.interleavings.clock import Clock
from tests.interleavings.far_sides import CONTENTS, Books, Scoro, Wire, number_of
from tests.worlds.waiting import until
from tests.worlds.world import World
from workers.delivery.run import deliver
from workers.intake import intake
from workers.reference import References
from workers.runtime import Runtime

SETTINGS = {"delivery.settle_ms": "0", "delivery.linger_ms": "500", "delivery.max_documents": "2"}
LONGEST_DRAIN_S = 2 * 3600.0
"""Whatever is not done by then is stuck."""

KEPT = (
    "clock",
    "site",
    "company",
    "connection",
    "reference",
    "operation_transition",
    "scoro_write_transition",
    "migration",
)

OPEN = """SELECT 'change' AS what, id::text, state::text, reason FROM change WHERE state IN ('waiting', 'reading')
    UNION ALL SELECT 'operation', id::text, state::text, reason FROM operation
        WHERE state NOT IN ('posted', 'refused', 'superseded')
          AND NOT (state = 'waiting_person' AND problem IS NOT NULL)
    UNION ALL SELECT 'request', id::text, state::text, reason FROM request WHERE state IN ('charged', 'leaving')
    UNION ALL SELECT 'dead letter', id::text, '', cause FROM dead_letter WHERE handled_at IS NULL
    UNION ALL SELECT 'bell', key::text, queue, '' FROM outbox"""


class FakedRuntime(Runtime):
    """A runtime whose Scoro is the one in this process."""

    far_scoro: Scoro

    def scoro(self, connection: Connection, *, urgent: bool = False) -> ScoroClient:
        """The faked client."""
        return cast(ScoroClient, self.far_scoro)


class Stage:
    """One ledger with one connection; `reset` makes it as new."""

    def __init__(self, world: World) -> None:
        world.change_settings(SETTINGS)
        url = world.ledger.db.url
        self.connection = world.connection
        self.clock = Clock(url)
        self.control = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        self.db = WatchedDatabase(url, actor="worker")
        self.scoro = Scoro()
        self.wire = Wire(self.clock, Books(self.clock))
        gateway = Gateway("https://api.intacct.com/", fixtures.SENDER_ID, fixtures.SENDER_PASSWORD)
        gateway._poster = cast(Poster, self.wire)
        self.runtime = FakedRuntime(self.db, world.ledger.vault, gateway)
        self.runtime.far_scoro = self.scoro
        self.references = References(self.db)
        self.actors: list[Actor] = []
        self.mishaps = 0
        tables = self.control.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        self._emptied = [row["tablename"] for row in tables if row["tablename"] not in KEPT]
        self.reset()

    def close(self) -> None:
        """End all actors and sessions."""
        self.kill_all()
        self.db.close()
        self.control.close()
        self.clock.close()

    def reset(self, slots: int = 1) -> None:
        """An empty ledger, an empty Scoro, new books; `slots` requests may be under way at once."""
        self.kill_all()
        with self.control.transaction():
            self.control.execute("SET LOCAL session_replication_role = replica")
            for table in self._emptied:
                self.control.execute(f"DELETE FROM {table}".encode())
            self.control.execute("UPDATE connection SET state = 'active', reason = '', bulk_at = 'epoch'")
            self.control.execute("UPDATE company SET throttled_until = 'epoch'")
            self.control.execute("UPDATE site SET request_limit = 100000")
        self.clock.reset()
        self.scoro.reset()
        self.wire.reset()
        self.runtime.slots = slots
        self.mishaps = 0
        self.sweeper = Sweeper(self.db)

    # ------------------------------------------------------------------------------------------ what happens

    def webhook(self, scoro_id: int) -> None:
        """Scoro tells of a document."""
        hint = WebhookHint("invoice", scoro_id, fixtures.SCORO_ENTITY)
        self.db.run(lambda ledger: webhooks.accept(ledger, self.connection.site.id, hint))

    def edit(self, scoro_id: int, content: str) -> None:
        """A person writes a document, and Scoro tells of it."""
        self.scoro.put(scoro_id, content)
        self.webhook(scoro_id)

    def send(self, scoro_id: int) -> None:
        """A person asks for a document to be sent."""
        manual.send(self.db, self.connection, Kind.INVOICE, scoro_id, "cli:tester")

    def intake(self) -> Actor:
        """A worker hears a bell of `changes`; it stands before its first statement."""
        return self.enter("intake", lambda: self.hear("changes"))

    def delivery(self) -> Actor:
        """A worker hears a bell of `delivery`."""
        return self.enter("delivery", lambda: self.hear("delivery"))

    def enter(self, name: str, work: Callable[[], None]) -> Actor:
        """A worker that does this; it stands before its first statement."""
        actor = Actor(f"{name}-{len(self.actors) + 1}", work)
        self.actors.append(actor)
        return actor

    def hear(self, queue: str) -> None:
        """What a worker does about a bell of `changes` or `delivery`."""
        if queue == "changes":
            intake(self.runtime, self.references, self.connection.id)
        else:
            deliver(self.runtime, self.connection.id)

    def kill(self, actor: Actor) -> None:
        """Its process dies where it stands: its sessions end, nothing more of it runs."""
        self.cut(actor)
        actor.resume(DIE)

    def cut(self, actor: Actor) -> None:
        """Its sessions are ended; it goes on later without knowing."""
        self.mishaps += 1
        pids = list(actor.sessions)
        self.control.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [pids])
        until(lambda: not self._alive(pids), "the sessions have ended", pause_s=0.001)

    def kill_all(self) -> None:
        """End every actor that still stands somewhere."""
        for actor in self.actors:
            if actor.at is not None:
                actor.resume(DIE)
        self.actors.clear()

    def pass_time(self, seconds: float) -> None:
        """Time passes; who stands for long loses what it holds."""
        self.mishaps += any(actor.at is not None for actor in self.actors)
        self.clock.sleep(seconds)
        self.wire.expire()

    def recover(self) -> None:
        """The scheduler looks for the dead; sessions that it ends are gone before it takes over from them."""
        ended = self.db.run(recovery.end_stalled)
        until(lambda: not self._alive(ended), "the sessions have ended", pause_s=0.001)
        self.sweeper.recover()

    def sweep(self) -> None:
        """The scheduler rings for what is due."""
        self.sweeper.sweep()

    def bells(self) -> list[Bell]:
        """The bells that the relay publishes now."""

        def take(ledger: Any) -> list[Bell]:
            ids, bells = outbox.claim(ledger)
            outbox.settle(ledger, ids)
            return bells

        return self.db.run(take)

    # ------------------------------------------------------------------------------------------ the end

    def drain(self) -> None:
        """Let everything go on by bells, sweeps and time until nothing is open; actors that stand still stay."""
        began = self.clock.monotonic()
        while self.clock.monotonic() - began < LONGEST_DRAIN_S:
            self.recover()
            self.sweep()
            bells = self.bells()
            for bell in bells:
                self._answer(bell)
            if not bells:
                if not self.open():
                    return
                self.clock.sleep(self._next_s())
                self.wire.expire()
        raise AssertionError(f"still open after {LONGEST_DRAIN_S / 3600:g} h: {self.open()}")

    def open(self) -> list[dict[str, Any]]:
        """What is not done."""
        return self.control.execute(OPEN).fetchall()

    def judge(self) -> None:
        """What stands in Intacct is what Scoro said last, once; the quota is what the gateway counted."""
        for scoro_id in self.scoro.contents:
            self._judge_document(scoro_id)
        customers = [row["CUSTOMERID"] for row in self.wire.books.store.all("CUSTOMER")]
        assert len(customers) == len(set(customers)), customers
        self._judge_quota()

    def _judge_document(self, scoro_id: int) -> None:
        content, number = self.scoro.contents[scoro_id], number_of(scoro_id)
        found = self.wire.books.invoices(number)
        state = self.document(scoro_id)["state"]
        assert len(found) <= 1, f"{number} stands {len(found)} times"
        if scoro_id in self.scoro.deleted:
            assert state == ("held" if found else "deleted"), (number, state, found)
        elif content in {"refused", "closed"}:
            assert state == ("failed" if content == "refused" else "held"), (number, state)
            assert self._open_failures(scoro_id) == 1, number
        else:
            assert state == "posted", (number, state, self.document(scoro_id)["reason"])
            assert found, f"{number} is missing"
            assert found[0]["DESCRIPTION"] == content, (number, content, found[0]["DESCRIPTION"])
            assert self.wire.books.amounts(found[0]) == list(CONTENTS[content][1]), (number, content)
            assert self._open_failures(scoro_id) == 0, number

    def _judge_quota(self) -> None:
        counts = self._one(
            """SELECT (SELECT coalesce(sum(used), 0) FROM quota)::int AS used,
                   (SELECT count(*) FROM request WHERE state <> 'withdrawn')::int AS paid,
                   (SELECT count(*) FROM request WHERE state = 'unanswered')::int AS unconfirmed"""
        )
        received = self.wire.received
        assert counts["used"] == counts["paid"], counts
        unconfirmed = counts["unconfirmed"] if self.mishaps else 0
        assert received <= counts["used"] <= received + unconfirmed, (received, counts, self.mishaps)

    def document(self, scoro_id: int) -> dict[str, Any]:
        """The ledger's row of an invoice."""
        return self._one("SELECT * FROM document WHERE module = 'invoices' AND scoro_id = %s", [scoro_id])

    def is_blocked(self) -> bool:
        """Whether a session waits for what another one holds."""
        waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(self.rows(waiting))

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of the ledger."""
        return self.control.execute(sql.encode()).fetchall()

    # ------------------------------------------------------------------------------------------ inner parts

    def _answer(self, bell: Bell) -> None:
        if bell.queue == "dead-letters":
            self.db.run(lambda ledger: failures.join_failure(ledger, bell.key))
            return
        actor = self.intake() if bell.queue == "changes" else self.delivery()
        actor.finish()
        self.actors.remove(actor)

    def _next_s(self) -> float:
        """How long until the sweeper has something to do."""
        waits = self.db.run(due.due)
        coming = [item.next_in_s for item in waits if item.next_in_s is not None]
        return max(0.05, min([5.0, *coming] if any(item.since_s is not None for item in waits) else coming or [5.0]))

    def _alive(self, pids: list[int]) -> bool:
        row = self._one("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = ANY(%s)) AS yes", [pids])
        return bool(row["yes"])

    def _open_failures(self, scoro_id: int) -> int:
        row = self._one(
            """SELECT count(*) AS n FROM failure f JOIN failure_document fd ON fd.failure_id = f.id
               JOIN document d ON d.id = fd.document_id
               WHERE f.state = 'open' AND fd.cleared_at IS NULL AND d.scoro_id = %s AND d.module = 'invoices'""",
            [scoro_id],
        )
        return int(row["n"])

    def _one(self, sql: str, values: Any = ()) -> dict[str, Any]:
        row = self.control.execute(sql.encode(), values).fetchone()
        assert row is not None, sql
        return row
