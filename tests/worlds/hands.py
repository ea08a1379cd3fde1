"""A world without processes: what workers do is done by hand, in this thread, until nothing is due."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.wiring import runtime_of
from db import changes, failures
from producers import manual
from schemas.kinds import Kind
from tests.worlds.world import World
from workers.delivery.run import deliver
from workers.intake import intake
from workers.reference import References

ROUNDS = 30
DUE = """SELECT (SELECT count(*) FROM change WHERE state = 'waiting' AND NOT scheduled AND due_at <= ledger_now())
    + (SELECT count(*) FROM operation o JOIN connection c ON c.id = o.connection_id AND c.state = 'active'
       WHERE o.state IN ('ready', 'uncertain') AND o.due_at <= ledger_now())
    + (SELECT count(*) FROM dead_letter WHERE handled_at IS NULL) AS n"""


class Hands:
    """Does what is due in a world."""

    def __init__(self, world: World) -> None:
        world.set(delivery__settle_ms="0", delivery__linger_ms="0", delivery__uncertain_wait_s="0")
        self.world = world
        self.runtime = runtime_of(world.settings, world.ledger)
        self.references = References(world.ledger.db)

    def work(self) -> list[dict[str, Any]]:
        """Read, send, look up, join failures until nothing is due; returns the requests that the gateway received."""
        before = self.world.intacct.last_request()
        for _ in range(ROUNDS):
            intake(self.runtime, self.references, self.world.connection_id)
            deliver(self.runtime, self.world.connection_id)
            for row in self.world.rows("SELECT id FROM dead_letter WHERE handled_at IS NULL ORDER BY id"):
                self.world.ledger.db.run(lambda ledger, letter=row["id"]: failures.join_failure(ledger, letter))  # type: ignore[misc]
            self.world.execute("DELETE FROM outbox")
            if not self.world.row(DUE)["n"]:
                return self.world.intacct.requests(before)
        raise AssertionError(f"still due: {self.world.under_way()}")

    def notice(self, *scoro_ids: int, kind: Kind = Kind.INVOICE) -> list[dict[str, Any]]:
        """Scoro tells of documents, and workers see to it; returns the requests that the gateway received."""
        self.capture(*scoro_ids, kind=kind)
        return self.work()

    def capture(self, *scoro_ids: int, kind: Kind = Kind.INVOICE) -> None:
        """Scoro tells of documents."""
        self.world.ledger.db.run(
            lambda ledger: changes.capture(
                ledger, self.world.connection_id, kind, scoro_ids, origin="webhook", actor="scoro", settle_ms=0
            )
        )

    def send(self, scoro_id: int, kind: Kind = Kind.INVOICE) -> list[dict[str, Any]]:
        """A person sends a document, and workers see to it."""
        manual.send(self.world.ledger.db, self.world.connection, kind, scoro_id, "cli:olga")
        return self.work()

    def state(self, scoro_id: int, kind: Kind = Kind.INVOICE) -> tuple[str, str]:
        """State and reason of a document."""
        row = self.world.row(
            "SELECT state, reason FROM document WHERE module = %s AND scoro_id = %s", [kind.module, scoro_id]
        )
        return row["state"], row["reason"]

    def notes(self, scoro_id: int, kind: Kind = Kind.INVOICE) -> list[str]:
        """The notes of a document."""
        rows = self.world.rows(
            """SELECT text FROM note n JOIN document d ON d.id = n.document_id
               WHERE module = %s AND scoro_id = %s ORDER BY n.id""",
            [kind.module, scoro_id],
        )
        return [row["text"] for row in rows]


@contextmanager
def hands_on(world: World) -> Iterator[Hands]:
    """Hands on a world, for as long as the block runs."""
    hands = Hands(world)
    try:
        yield hands
    finally:
        hands.runtime.close()
