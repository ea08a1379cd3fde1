"""A pull of 10,000 payments and 5,000 bills of three lines: few requests, nothing missed or repeated.

Everything is a twentieth of that, pages too, so the requests are the same; PULL_SCALE=1 takes the full numbers.
"""

import os
from collections.abc import Iterator
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
PAYMENTS, BILLS = 10_000 // SCALE, 5_000 // SCALE
FIRST_INVOICE, FIRST_PAYMENT, FIRST_DETAIL, FIRST_BILL, FIRST_LINE = 100_000, 200_000, 300_000, 400_000, 500_000
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


@pytest.fixture
def meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Records that come and change between two requests of the look: what was done."""
    done: list[str] = []

    def change(step: str) -> None:
        if step != "pull.answered" or len(done) >= 2:
            return
        done.append(step)
        now = moment(0)
        number = PAYMENTS + len(done)
        head, lines = bill(BILLS + len(done), now)
        world.intacct.control(
            "load",
            {
                "ARPYMT": [payment(number, now)],
                "ARPYMTDETAIL": [detail(number, now)],
                "APBILL": [head],
                "APBILLITEM": lines,
            },
        )
        if len(done) == 1:  # a record of the first page leaves the books, so that all pages shift
            world.intacct.control(f"delete/ARPYMT/{FIRST_PAYMENT + 7}", {})
        world.intacct.control(f"edit/ARPYMT/{FIRST_PAYMENT + 42}", {"fields": {"DESCRIPTION": f"edit {len(done)}"}})

    monkeypatch.setattr(steps, "on_step", change)
    yield done


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


@pytest.mark.usefixtures("meanwhile")
def test_ten_thousand_payments_and_five_thousand_bills_take_at_most_twelve_requests(world: World) -> None:
    requests = pull(world)
    assert requests <= 12, requests
    receipts = "receipt r JOIN scoro_write w USING (document_id) WHERE w.state = 'ready' AND w.verb = 'create'"
    assert count(world, f"{receipts} AND r.payment_no <= {FIRST_PAYMENT + PAYMENTS}") == PAYMENTS
    bills = "document d JOIN scoro_write w ON w.document_id = d.id WHERE d.kind = 'bill'"
    assert count(world, bills) >= BILLS
    assert count(world, "pulled WHERE object = 'APBILL' AND jsonb_array_length(lines) <> 3") == 0

    again = pull(world)
    assert again <= 2, "what is new since is little"
    assert count(world, "receipt") == PAYMENTS + 2, "what came meanwhile is there"
    assert count(world, "scoro_write WHERE state = 'ready' AND document_id IN (SELECT document_id FROM receipt)") == (
        PAYMENTS + 2
    ), "and nothing twice"
    assert count(world, bills) == BILLS + 2
    assert count(world, "dead_letter") == 0
