"""A pull of 10,000 payments and 5,000 bills of three lines: few requests, nothing missed or repeated.

Everything is a twentieth of that, pages too, so the requests are the same; PULL_SCALE=1 takes the full numbers, and
`-s` shows what it took.
"""

import os
import resource
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.wiring import using
from db import connections, locks
from tests.worlds.world import World
from workers import steps
from workers.pull import queries
from workers.pull.derive import derive
from workers.pull.look import look
from workers.reference import References

SCALE = int(os.environ.get("PULL_SCALE", "20"))
pytestmark = pytest.mark.timeout(3600 if SCALE == 1 else 300)
PAYMENTS, BILLS = 10_000 // SCALE, 5_000 // SCALE
FIRST_INVOICE, FIRST_PAYMENT, FIRST_DETAIL, FIRST_BILL, FIRST_LINE = 100_000, 200_000, 300_000, 400_000, 500_000
EDITS = 2
"""So often something comes and changes while a look is under way."""
GONE = 7
"""The payment that leaves the books meanwhile."""
STAMP = "%m/%d/%Y %H:%M:%S"

INVOICES = """WITH made AS (
        INSERT INTO document (connection_id, module, kind, scoro_id, number, state, currency)
        SELECT %(connection)s, 'invoices', 'invoice', n, 'INV-' || n, 'posted', 'GBP' FROM generate_series(1, %(n)s) n
        RETURNING id, scoro_id)
    INSERT INTO link (document_id, connection_id, object, record_no, natural_key)
    SELECT id, %(connection)s, 'ARINVOICE', (%(first)s + scoro_id)::text, 'INV-' || scoro_id FROM made"""


def moment(minutes: float) -> str:
    """A time of change so long ago."""
    return (datetime.now(UTC) - timedelta(minutes=minutes)).strftime(STAMP)


def payment(number: int, modified: str, state: str = "C") -> dict[str, Any]:
    """A header of ARPYMT."""
    return {
        "RECORDNO": str(FIRST_PAYMENT + number),
        "FINANCIALENTITY": "BOA",
        "STATE": state,
        "DOCNUMBER": f"P-{number}",
        "RECORDID": f"P-{number}",
        "WHENCREATED": moment(0).split(" ")[0],
        "RECEIPTDATE": moment(0).split(" ")[0],
        "CURRENCY": "GBP",
        "WHENMODIFIED": modified,
    }


def detail(number: int, modified: str) -> dict[str, Any]:
    """Its detail: a pound for the invoice of the same number."""
    return {
        "RECORDNO": str(FIRST_DETAIL + number),
        "PAYMENTKEY": str(FIRST_PAYMENT + number),
        "RECORDKEY": str(FIRST_INVOICE + number),
        "POSADJKEY": "",
        "ADJUSTMENTKEY": "",
        "TRX_PAYMENTAMOUNT": "1.00",
        "TRX_ADJUSTMENTAMOUNT": "",
        "CURRENCY": "GBP",
        "STATE": "C",
        "WHENMODIFIED": modified,
    }


def bill(number: int, modified: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A bill of three lines without tax."""
    key = FIRST_BILL + number
    head = {
        "RECORDNO": str(key),
        "RECORDID": f"B-{number}",
        "STATE": "Posted",
        "VENDORID": "V-1",
        "VENDORNAME": "Paper",
        "WHENCREATED": moment(0).split(" ")[0],
        "WHENDUE": moment(0).split(" ")[0],
        "CURRENCY": "GBP",
        "TRX_TOTALENTERED": "30.00",
        "WHENMODIFIED": modified,
    }
    lines = [
        {
            "RECORDNO": str(FIRST_LINE + 3 * number + place),
            "RECORDKEY": str(key),
            "LINE_NO": str(place + 1),
            "PARENTENTRY": "",
            "ACCOUNTNO": "6000",
            "TRX_AMOUNT": "10.00",
            "ENTRYDESCRIPTION": f"Line {place + 1}",
            "WHENMODIFIED": modified,
        }
        for place in range(3)
    ]
    return head, lines


@pytest.fixture
def world(embedded_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Large books on the other side, and invoices of ours that they pay."""
    world = embedded_world
    monkeypatch.setattr(queries, "PAGE_SIZE", queries.PAGE_SIZE // SCALE)
    monkeypatch.setattr(queries, "KEYS_PER_QUERY", -(-queries.KEYS_PER_QUERY // SCALE))
    if SCALE == 1:  # the stand-ins share this process, and a busy machine takes its time
        monkeypatch.setattr("workers.carrier.deadline_s", lambda functions: 600.0)
    world.set(data__receipts__start_date="2020-01-01", data__bills__start_date="2020-01-01")
    world.set(data__bills__direction="to_scoro")
    values = {"connection": world.connection_id, "n": PAYMENTS + 100, "first": FIRST_INVOICE}
    world.ledger.db.run(lambda ledger: ledger.execute(INVOICES, values))
    old = moment(600)
    bills = [bill(number, old) for number in range(1, BILLS + 1)]
    world.intacct.control(
        "load",
        {
            "ARPYMT": [payment(number, old) for number in range(1, PAYMENTS + 1)],
            "ARPYMTDETAIL": [detail(number, old) for number in range(1, PAYMENTS + 1)],
            "APBILL": [head for head, _ in bills],
            "APBILLITEM": [row for _, lines in bills for row in lines],
        },
    )
    return world


class DiedError(BaseException):
    """The puller is gone: nobody catches it, and its session closes."""


class Meanwhile:
    """What happens at the steps of looks: records come and change between two requests, and pullers die."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.edits = 0
        self.deaths: list[tuple[str, int]] = []
        """Steps with the how-many-eth time of each; what has happened is taken away."""
        self._reached: Counter[str] = Counter()

    def at(self, step: str) -> None:
        """A puller has reached a step."""
        self._reached[step] += 1
        if step == "pull.answered" and self.edits < EDITS:
            self.edits += 1
            edit_books(self.world, self.edits)
        moment = (step, self._reached[step])
        if moment in self.deaths:
            self.deaths.remove(moment)
            raise DiedError


@pytest.fixture
def meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Books that are written in while they are read."""
    happening = Meanwhile(world)
    monkeypatch.setattr(steps, "on_step", happening.at)
    return happening


def edit_books(world: World, time_of: int) -> None:
    """A payment and a bill come and one is edited; the first time a payment of the first page goes: all pages shift."""
    now = moment(0)
    number = PAYMENTS + time_of
    head, lines = bill(BILLS + time_of, now)
    world.intacct.control(
        "load",
        {
            "ARPYMT": [payment(number, now)],
            "ARPYMTDETAIL": [detail(number, now)],
            "APBILL": [head],
            "APBILLITEM": lines,
        },
    )
    if time_of == 1:
        world.intacct.control(f"delete/ARPYMT/{FIRST_PAYMENT + GONE}", {})
    world.intacct.control(f"edit/ARPYMT/{FIRST_PAYMENT + 42}", {"fields": {"DESCRIPTION": f"edit {time_of}"}})


def pull(world: World) -> int:
    """One look, and what follows from it in the ledger; returns its requests."""
    before = world.intacct.last_request()
    world.pull()
    with using(world.settings, world.ledger) as runtime, world.ledger.db.session() as session:
        connection = connections.load(session, world.ledger.vault, world.connection_id)
        assert connection is not None
        assert locks.try_lock(session, locks.PULL, connection.id)
        assert look(runtime, session, connection)
        fresh = connections.load(session, world.ledger.vault, world.connection_id)
        assert fresh is not None
        derive(world.ledger.db, fresh, References(world.ledger.db))
    return world.intacct.last_request() - before


def count(world: World, sql: str) -> int:
    """A number of the ledger."""
    return int(world.row(f"SELECT count(*) AS n FROM {sql}")["n"])


RECEIPTS = "receipt r JOIN scoro_write w USING (document_id) WHERE w.state = 'ready' AND w.verb = 'create'"
BILL_WRITES = "document d JOIN scoro_write w ON w.document_id = d.id WHERE d.kind = 'bill' AND w.state = 'ready'"


@pytest.mark.usefixtures("meanwhile")
def test_ten_thousand_payments_and_five_thousand_bills_take_at_most_twelve_requests(world: World) -> None:
    rss_kib, began_at = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    requests = pull(world)
    took_s, peak_kib = time.monotonic() - began_at, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{PAYMENTS} payments, {BILLS} bills: {requests} requests, {took_s:.1f} s, {peak_kib / 1024:.0f} MiB at most"
        f" (before: {rss_kib / 1024:.0f} MiB; the stand-ins are in the same process)"
    )
    assert requests <= 12, requests
    assert count(world, f"{RECEIPTS} AND r.payment_no <= {FIRST_PAYMENT + PAYMENTS}") == PAYMENTS
    assert count(world, BILL_WRITES) >= BILLS
    assert count(world, "pulled WHERE object = 'APBILL' AND jsonb_array_length(lines) <> 3") == 0

    again = pull(world)
    assert again <= 2, "what is new since is little"
    assert count(world, "receipt") == PAYMENTS + EDITS, "what came meanwhile is there"
    assert count(world, RECEIPTS) == PAYMENTS + EDITS, "and nothing twice"
    assert count(world, BILL_WRITES) == BILLS + EDITS
    assert count(world, "dead_letter") == 0


def test_looks_that_die_one_after_the_other_miss_and_repeat_nothing(world: World, meanwhile: Meanwhile) -> None:
    meanwhile.deaths = [
        ("pull.answered", 1),
        ("pull.seen", 1),
        ("pull.answered", 4),  # behind the first page
        ("pull.seen", 3),
        ("pull.answered", 9),  # while lines of bills are read
        ("pull.done", 1),
    ]
    died = 0
    while meanwhile.deaths:
        with pytest.raises(DiedError):
            pull(world)
        died += 1
    assert died == 6
    pull(world)
    standing = {int(row["RECORDNO"]) for row in world.intacct.records("ARPYMT")}
    booked = Counter(row["payment_no"] for row in world.rows("SELECT payment_no FROM receipt"))
    assert booked.keys() - {FIRST_PAYMENT + GONE} == standing, "the one that went may have been seen before it did"
    assert set(booked.values()) == {1}
    assert count(world, RECEIPTS) == len(booked)
    assert count(world, BILL_WRITES) == BILLS + EDITS
    assert count(world, "pulled WHERE object = 'APBILL' AND jsonb_array_length(lines) <> 3") == 0
    assert count(world, "dead_letter") == 0
