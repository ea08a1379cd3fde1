"""Workers killed with `kill -9` while they bring payments and bills back: none is lost, none is booked twice."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.crash import INBOUND
from tests.crash.doomed import CALL_S, AtStep, worker
from tests.crash.test_killed_workers import died
from tests.worlds.stand_ins import line
from tests.worlds.waiting import until
from tests.worlds.world import World

INVOICES = 3
Record = dict[str, Any]
VENDOR = {"VENDORID": "V-1", "NAME": "Paper & Pens Ltd"}
LINE = {"ACCOUNTNO": "6000", "TRX_AMOUNT": "10.00", "LOCATIONID": "UK"}
TAXED = {**LINE, "TAXENTRIES": [{"DETAILID": "UK Purchase Goods Standard Rate", "TRX_TAX": ""}]}


@pytest.fixture(autouse=True)
def _sweeper_looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead are found in fractions of a second instead of seconds."""
    monkeypatch.setattr("producers.sweep.RECOVER_S", 0.2)
    monkeypatch.setattr("producers.sweep.AGAIN_S", 1.0)
    monkeypatch.setattr("db.recovery.SCORO_CALL_S", CALL_S)


def judged(world: World, paid: Counter[int], bills: int) -> Iterator[str]:
    """What differs between Intacct's payments and bills and what stands in Scoro."""
    for invoice_id, count in paid.items():
        sums = [Decimal(row["sum"]) for row in world.scoro.receipts(invoice_id)]
        if sums != [Decimal("1.00")] * count:
            yield f"invoice {invoice_id} has receipts {sums}, should have {count} of 1.00"
    held = Counter(row["no"] for row in world.scoro.records("bills"))
    yield from (f"bill {number} stands {count} times" for number, count in held.items() if count > 1)
    if len(held) != bills:
        yield f"{len(held)} bills stand in Scoro, should be {bills}"
    suppliers = [row for row in world.scoro.records("contacts") if row["name"] == VENDOR["NAME"]]
    if len(suppliers) != 1:
        yield f"the supplier stands {len(suppliers)} times"


@pytest.mark.parametrize("area", ["pull", "scoro"])
@pytest.mark.timeout(600)
def test_workers_killed_at_every_step_of_the_way_back_lose_and_double_nothing(rabbit_world: World, area: str) -> None:
    steps = [step for step in INBOUND if step.startswith(area)]
    world = rabbit_world
    world.set(accounts__payment_bank="1", data__receipts__start_date="2020-01-01", data__bills__direction="to_scoro")
    world.set(data__bills__start_date="2020-01-01", delivery__linger_ms="50")
    customer = world.scoro.customer()
    invoices = [world.scoro.invoice(f"INV-{number}", customer, line("1000.00")) for number in range(INVOICES)]
    paid: Counter[int] = Counter()
    with world.running(queues=()):
        with worker(world):
            for invoice in invoices:
                world.send(invoice)
            world.settle(90)
        records = {invoice: world.intacct.invoice(f"INV-{number}") for number, invoice in enumerate(invoices)}
        for bills, step in enumerate(steps, start=1):
            with worker(world, AtStep(step)) as doomed:
                world.scoro.fault("lost_after_commit", module="receipts", action="modify")
                for invoice in invoices:  # equal payments of equal days: only the ledger can tell them apart
                    world.intacct.pay({"recordno": records[invoice]["RECORDNO"], "amount": "1.00"})
                    paid[invoice] += 1
                made = {"party": VENDOR, "number": f"B-{bills}", "lines": [TAXED]}
                world.intacct.control("enter/APBILL", made)
                world.pull()
                until(lambda doomed=doomed: died(doomed), f"a worker died at {step}", 60.0)  # type: ignore[misc]
        with worker(world):
            world.pull()
            world.settle(90)
    assert list(judged(world, paid, len(steps))) == []
    assert world.failures() == []
    assert world.requests_received() <= world.requests_used() <= world.requests_received() + len(steps)
