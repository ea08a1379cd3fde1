"""Scoro and the Intacct gateway in this process.

Both stand still where a real call would be under way, so that whatever may happen meanwhile can be made to happen.
Behind the gateway are the books of the stand-in, strict and with a memory of control ids; the product's own gateway
client writes the requests and reads the answers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from typing import Any

from clients.http import Answer
from clients.scoro.errors import Unavailable
from clients.transport_errors import TransportError
from sandbox import fixtures
from sandbox.intacct.service import Arrival, Service
from tests.interleavings.actors import stand
from tests.interleavings.clock import Clock

Record = dict[str, Any]

FAIL = "fail"
"""Told at `scoro.answering`: Scoro cannot be read. At `gateway.connecting`: no connection, nothing leaves."""
LOSE = "lose"
"""Told at `gateway.received` and `gateway.ran`: the answer does not come, whatever the gateway does meanwhile."""
THROTTLE = "throttle"
"""Told at `gateway.received`: the gateway turns the request away unrun."""

GATEWAY_WORKS_S = 300.0
"""The gateway is done with a request this long after it received it, listened to or not."""

OPEN_DAY, CLOSED_DAY, CLOSED_UNTIL = "2026-03-02", "2020-01-15", "2020-01-31"

CONTENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "A": (OPEN_DAY, ("100.00",)),
    "B": (OPEN_DAY, ("110.00",)),
    "C": (OPEN_DAY, ("120.00", "30.50")),
    "refused": (OPEN_DAY, ("100.00",)),
    "closed": (CLOSED_DAY, ("100.00",)),
}
"""What a document may say: its date and the prices of its lines.

Intacct refuses two of them: one is booked on a bank's account and fails, the period of the other is closed: held.
"""


class Scoro:
    """The documents of Scoro by id, each with one of `CONTENTS` or deleted, and the client that reads them."""

    def __init__(self) -> None:
        self.contents: dict[int, str] = {}
        self.credits: dict[int, tuple[str, int]] = {}
        """Credit invoices by id: the price of their line, and the invoice that they credit."""
        self.deleted: set[int] = set()

    def reset(self) -> None:
        """Forget everything."""
        self.contents.clear()
        self.credits.clear()
        self.deleted.clear()

    def put(self, scoro_id: int, content: str) -> None:
        """Create, change or restore a document."""
        self.contents[scoro_id] = content
        self.deleted.discard(scoro_id)

    def credit(self, scoro_id: int, price: str, invoice_id: int) -> None:
        """Create a credit invoice."""
        self.credits[scoro_id] = price, invoice_id

    def delete(self, scoro_id: int) -> None:
        """Delete a document; Scoro still shows it."""
        self.deleted.add(scoro_id)

    def read_many(self, module: str, ids: Sequence[int]) -> dict[int, Record]:
        """What the client's method of that name gives: as of now, though it arrives later."""
        known = {"invoices": self._invoice, "contacts": self._contact}[module]
        records = {i: record for i in ids if (record := known(i)) is not None}
        if stand("scoro.answering") == FAIL:
            raise Unavailable("Scoro is down")
        return records

    def pages(self, module: str, **_: object) -> Iterator[list[Record]]:
        """What the client's method of that name gives: there are no files."""
        assert module == "files"
        return iter(())

    def _invoice(self, scoro_id: int) -> Record | None:
        if scoro_id in self.credits:
            price, credited = self.credits[scoro_id]
            return self._record(scoro_id, "credit", OPEN_DAY, (price,)) | {"credited_invoices": [credited]}
        if scoro_id not in self.contents:
            return None
        content = self.contents[scoro_id]
        return self._record(scoro_id, content, *CONTENTS[content])

    def _record(self, scoro_id: int, content: str, day: str, prices: Sequence[str]) -> Record:
        lines = [
            {
                "id": scoro_id * 100 + place,
                "product_id": 1,
                "comment": "Consulting",
                "price": price,
                "amount": "1",
                "sum": price,
                "vat": "20",
                "vat_code_id": 1,
                "finance_account_id": fixtures.SCORO_ACCOUNT_IDS["1000" if content == "refused" else "4000"],
            }
            for place, price in enumerate(prices)
        ]
        net = sum(map(Decimal, prices))
        return {
            "id": scoro_id,
            "no": number_of(scoro_id),
            "account_id": fixtures.SCORO_ENTITY,
            "company_id": customer_of(scoro_id),
            "company_name": "Acme",
            "currency": "GBP",
            "date": day,
            "deadline": day,
            "description": content,
            "sum": str(net),
            "vat_sum": str(net / 5),
            "lines": lines,
            "is_deleted": int(scoro_id in self.deleted),
        }

    def _contact(self, contact_id: int) -> Record:
        return {"contact_id": contact_id, "name": f"Acme {contact_id}", "contact_type": "company"}


def number_of(scoro_id: int) -> str:
    """The number of an invoice."""
    return f"INV-{scoro_id}"


def customer_of(scoro_id: int) -> int:
    """Odd and even invoices share a customer each."""
    return 900 + scoro_id % 2


class Books(Service):
    """The stand-in's books, by the driven clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        super().__init__(None)

    def now_s(self) -> float:
        """The company's time."""
        return self._clock.now().astimezone(UTC).timestamp()

    def invoices(self, number: str) -> list[Record]:
        """Every invoice of this number."""
        return [row for row in self.store.all("ARINVOICE") if row["RECORDID"] == number]

    def amounts(self, invoice: Record) -> list[str]:
        """The net amounts of an invoice's lines, in their order; a line that Scoro no longer has is at zero."""
        rows = self.store.children("ARINVOICEITEM", [int(invoice["RECORDNO"])])
        own = [row for row in rows if not row.get("PARENTENTRY") and Decimal(row["TRX_AMOUNT"])]
        return [row["TRX_AMOUNT"] for row in sorted(own, key=lambda row: int(row["LINE_NO"]))]


@dataclass(slots=True, eq=False)
class Flight:
    """A request that reached the gateway."""

    arrival: Arrival
    over_at_s: float
    answer: bytes | None = None
    dropped: bool = False
    """The gateway does nothing more about it."""

    @property
    def pending(self) -> bool:
        """Whether it may still run."""
        return self.answer is None and not self.dropped


@dataclass
class Wire:
    """The way to the gateway: stands in for the HTTP layer below the product's gateway client."""

    clock: Clock
    books: Books
    flights: list[Flight] = field(default_factory=list)
    received: int = 0

    def reset(self) -> None:
        """As new."""
        self.books.reset()
        self.books.change_settings({"closed_until": CLOSED_UNTIL})
        self.flights.clear()
        self.received = 0

    def post(self, url: str, body: bytes, *, deadline_s: float, on_leaving: Callable[[], None] | None = None) -> Answer:
        """Post once, as `clients.http.Poster` does."""
        ends = self.clock.monotonic() + deadline_s
        if stand("gateway.connecting") == FAIL:
            raise TransportError("connection refused", left=False)
        if on_leaving is not None:
            on_leaving()
        flight = self._receive(body)
        told = stand("gateway.received")
        if told == THROTTLE and flight.pending:
            flight.dropped = True
            return Answer(429, {"retry-after": "7"}, b"")
        if told != LOSE:
            self.run(flight)
            told = stand("gateway.ran")
        if told == LOSE or flight.answer is None or self.clock.monotonic() >= ends:
            raise TransportError("no answer", left=True, timed_out=True)
        return Answer(200, {}, flight.answer)

    def run(self, flight: Flight) -> None:
        """The gateway works on a request, whether or not anybody still listens."""
        if flight.pending:
            flight.answer = self.books.execute(flight.arrival, "")

    def expire(self) -> None:
        """Drop what the gateway would have been done with by now."""
        for flight in self.flights:
            if flight.pending and self.clock.monotonic() >= flight.over_at_s:
                flight.dropped = True

    @property
    def pending(self) -> list[Flight]:
        """Requests that may still run."""
        return [flight for flight in self.flights if flight.pending]

    def _receive(self, body: bytes) -> Flight:
        self.received += 1
        flight = Flight(self.books.arrive(body, 1, 1), self.clock.monotonic() + GATEWAY_WORKS_S)
        self.flights.append(flight)
        return flight
