"""A site with connections over a ledger, a clock to set, and bells that ring without a broker."""

import uuid
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from cryptography.fernet import Fernet

from benchmarks.month.arrivals import Arrival
from benchmarks.month.far_side import FarSide
from db import connections, due, failures, intake, outbox, sites
from db.database import Database, Ledger, one
from db.intake import NewOperation
from db.outbox import Bell
from db.vault import Vault
from schemas.intacct.functions import Function
from schemas.kinds import Purpose
from schemas.settings import ConnectionSettings, set_key
from workers.delivery.run import deliver
from workers.pull.run import pull
from workers.reference import References
from workers.runtime import Runtime


class World:
    """Far side, ledger and clock. All work is done one piece after the other, in this thread."""

    def __init__(self, db: Database, far_side: FarSide, *, time_zone: str, request_limit: int, places: int) -> None:
        self.db = db
        self.far_side = far_side
        self.session = db.listener()
        """A connection of the simulation's own, beside those of the product."""
        self.runtime = Runtime(db, Vault([Fernet.generate_key().decode()]), far_side)
        self.references = References(db)
        self.site_id = db.run(lambda ledger: self._add_site(ledger, time_zone, request_limit))
        self.connections = [
            db.run(lambda ledger, place=place: self._add_connection(ledger, place, time_zone))  # type: ignore[misc]
            for place in range(places)
        ]

    def _add_site(self, ledger: Ledger, time_zone: str, request_limit: int) -> int:
        return sites.add(
            ledger,
            self.runtime.vault,
            name="Simulated",
            url="https://simulated.example.com",
            api_key="key",
            user_token=None,
            request_limit=request_limit,
            time_zone=time_zone,
        )

    def _add_connection(self, ledger: Ledger, place: int, time_zone: str) -> int:
        connection_id = connections.add(
            ledger,
            self.runtime.vault,
            name=f"Entity {place}",
            site_id=self.site_id,
            scoro_entity=str(place),
            company_id="SIMULATED",
            entity=f"E{place}",
            user_id="user",
            password="password",
            base_currency="GBP",
            multi_entity=True,
            tax_solution=None,
            time_zone=time_zone,
        )
        connections.move(ledger, connection_id, ["rehearsal"], "active")
        # the limit of new documents an hour is not what is measured here
        unlimited = set_key(ConnectionSettings(), "limits.creates_per_hour", "1000000")
        connections.save_settings(ledger, connection_id, unlimited)
        return connection_id

    # ------------------------------------------------------------------------------------------ the clock

    def now(self) -> datetime:
        """What the ledger's clock says."""
        at: datetime = one(self.session, "SELECT ledger_now() AS at")["at"]
        return at

    def set_clock(self, at: datetime) -> datetime:
        """Set the ledger's clock, which goes on from there; returns what it says then."""
        set_to = "UPDATE clock SET shift = %s - clock_timestamp() RETURNING clock_timestamp() + shift AS at"
        now: datetime = one(self.session, set_to, [at])["at"]
        # live for long: no document of the simulation is an older one, and Intacct was not looked at in the future
        self.session.execute("UPDATE connection SET live_at = least(live_at, %s - interval '1 year')", [at])
        self.session.execute("UPDATE pull SET last_at = least(last_at, %s)", [at])
        return now

    def close(self) -> None:
        """Close the simulation's connection."""
        self.session.close()

    # ------------------------------------------------------------------------------------------ work

    def arrive(self, arrivals: Sequence[Arrival]) -> set[int]:
        """Commit what intake would: a document and its operation each; returns the connections to ring for."""
        by_place: dict[int, list[Arrival]] = {}
        for arrival in arrivals:
            by_place.setdefault(arrival.place, []).append(arrival)

        with self.session.transaction():
            for place, some in by_place.items():
                self._add_operations(self.connections[place], some)
        return {self.connections[place] for place in by_place}

    def _add_operations(self, connection_id: int, arrivals: Sequence[Arrival]) -> None:
        rows = self.session.execute(
            """INSERT INTO document (connection_id, module, kind, scoro_id, number, document_date)
               SELECT %s, 'invoices', 'invoice', n, 'INV-' || n, ledger_now()::date
               FROM unnest(%s::bigint[]) AS n RETURNING id""",
            [connection_id, [arrival.number for arrival in arrivals]],
        ).fetchall()
        new = [operation_of(arrival, row["id"]) for arrival, row in zip(arrivals, rows, strict=True)]
        intake.add_operations(self.session, connection_id, new)

    def deliver(self, ring_for: Sequence[int]) -> None:
        """Ring for deliveries of connections, and for whatever rings because of it, until it is quiet."""
        self.answer([Bell("delivery", key) for key in ring_for])

    def answer_bells(self) -> None:
        """Do what the bells in the outbox ring for, until it is quiet."""
        self.answer(self._take_bells())

    def answer(self, ring_for: Sequence[Bell]) -> None:
        """Do what bells ring for, and what rings because of it, until it is quiet."""
        bells = deque(ring_for)
        while bells:
            bell = bells.popleft()
            if bell.queue == "delivery":
                deliver(self.runtime, bell.key)
            elif bell.queue == "pull":
                pull(self.runtime, self.references, bell.key)
            elif bell.queue == "dead-letters":
                self.db.run(lambda ledger, key=bell.key: failures.join_failure(ledger, key))  # type: ignore[misc]
            bells.extend(heard for heard in self._take_bells() if heard not in bells)

    def _take_bells(self) -> list[Bell]:
        ids, bells = outbox.claim(self.session)
        if ids:
            outbox.settle(self.session, ids)
        return bells

    def due(self) -> tuple[list[Bell], float | None]:
        """The bells with something due, and in how many seconds the next thing will be."""
        found = [item for item in due.due(self.session) if item.bell.queue in {"delivery", "pull"}]
        coming = [item.next_in_s for item in found if item.next_in_s is not None]
        return [item.bell for item in found if item.since_s is not None], min(coming, default=None)

    def looks(self) -> tuple[float, int]:
        """How long ago the connection was looked at that waits longest for it, and how many wait for requests."""
        row = one(
            self.session,
            """SELECT coalesce(extract(epoch FROM max(ledger_now() - last_at)), 0)::float AS age_s,
                   count(*) FILTER (WHERE reason LIKE 'waits for requests%%')::int AS refused FROM pull""",
        )
        return row["age_s"], row["refused"]


def operation_of(arrival: Arrival, document_id: int) -> NewOperation:
    """The creation of one invoice."""
    number, amount, customer = f"INV-{arrival.number}", Decimal(arrival.number) / 100, f"C{arrival.number % 100}"
    function = Function(
        name="create_invoice",
        body={
            "customerid": customer,
            "datecreated": f"{arrival.at:%Y-%m-%d}",
            "invoiceno": number,
            "invoiceitems": {"lineitem": [{"glaccountno": "4000", "amount": f"{amount:.2f}"}]},
        },
    )
    return NewOperation(
        id=uuid.uuid4(),
        document_id=document_id,
        revision_id=None,
        source_fingerprint=number,
        verb="create",
        object="ARINVOICE",
        natural_key=number,
        party=customer,
        total=amount,
        function=function.model_dump(mode="json"),
        payload_fingerprint=function.fingerprint(),
        line_numbers={},
        bytes=2_000,
        purpose=Purpose.INTERACTIVE if arrival.interactive else Purpose.BULK,
    )
