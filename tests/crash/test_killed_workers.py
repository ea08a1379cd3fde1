"""Workers killed with `kill -9` at any moment of their work: nothing is lost, nothing stands twice, contents agree."""

import itertools
import random
import signal
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from tests.crash import OUTBOUND
from tests.crash.doomed import AfterFirstStep, AtStep, worker
from tests.worlds.stand_ins import line, lines_of
from tests.worlds.waiting import until
from tests.worlds.world import World

INVOICES = 3
RANDOM_KILLS = 20
Record = dict[str, Any]


@pytest.fixture(autouse=True)
def _sweeper_looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead are found in fractions of a second instead of seconds."""
    monkeypatch.setattr("producers.sweep.RECOVER_S", 0.2)
    monkeypatch.setattr("producers.sweep.AGAIN_S", 1.0)


class Desk:
    """A person who makes and edits invoices of three customers, every edit unlike the one before."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.customers = [world.scoro.customer(f"Customer {number} Ltd") for number in range(3)]
        self.invoices: list[int] = []
        self.edits = itertools.count(1)
        world.set(delivery__linger_ms="50", delivery__settle_ms="50")
        world.intacct.set(duplicate_numbers="allow")  # nothing but the product itself keeps an invoice from doubling

    def make(self) -> None:
        place = len(self.invoices)
        customer = self.customers[place % len(self.customers)]
        lines = [line(f"{10 + place}.10"), line("5.55", "3")]
        self.invoices.append(self.world.scoro.invoice(f"INV-{place}", customer, *lines))

    def make_broken(self, account: int = 0) -> int:
        number = f"BAD-{next(self.edits)}"
        return self.world.scoro.invoice(number, self.customers[0], line(finance_account_id=account))

    def edit(self, invoice: int) -> None:
        edit = next(self.edits)
        first, *rest = self.world.scoro.record(invoice)["lines"]
        lines = [{**first, "price": f"{100 + edit}.{edit % 100:02}"}, *rest]
        self.world.scoro.edit(invoice, description=f"Edit {edit}", lines=lines)


def judged(world: World) -> Iterator[str]:
    """What differs between Scoro's healthy invoices and the records of Intacct."""
    told = {row["no"]: row for row in world.scoro.records("invoices") if not row["no"].startswith("BAD")}
    held = Counter(record["RECORDID"] for record in world.intacct.invoices())
    yield from (f"{number} is lost" for number in told if not held[number])
    yield from (f"{number} stands {count} times" for number, count in held.items() if count > 1)
    yield from (f"{number} should not be there" for number in held if number not in told)
    customers = Counter(record["CUSTOMERID"] for record in world.intacct.customers())
    yield from (f"customer {customer} stands {count} times" for customer, count in customers.items() if count > 1)
    for record in world.intacct.invoices():
        if (wanted := told.get(record["RECORDID"])) is not None and (have := shown(record)) != meant(wanted):
            yield f"{record['RECORDID']} holds {have}, should hold {meant(wanted)}"


def shown(record: Record) -> tuple[str, Decimal, list[Decimal]]:
    amounts = [Decimal(row["TRX_AMOUNT"]) for row in lines_of(record)]
    return record["DESCRIPTION"], Decimal(record["TRX_TOTALENTERED"]), amounts


def meant(invoice: Record) -> tuple[str, Decimal, list[Decimal]]:
    gross = Decimal(invoice["sum"]) + Decimal(invoice["vat_sum"])
    return invoice["description"], gross, [Decimal(row["sum"]) for row in invoice["lines"]]


def died(process: BaseProcess) -> bool:
    return process.exitcode == -signal.SIGKILL


def assert_quota_covers_the_gateway(world: World, deaths: int) -> None:
    assert world.requests_received() <= world.requests_used() <= world.requests_received() + deaths
    unconfirmed = world.row("SELECT count(*) AS n FROM request WHERE state = 'unanswered'")["n"]
    assert world.requests_used() - world.requests_received() <= unconfirmed


@pytest.mark.parametrize("step", OUTBOUND)
def test_a_worker_killed_at_a_step_loses_and_doubles_nothing(rabbit_world: World, step: str) -> None:
    world = rabbit_world
    desk = Desk(world)
    with world.running(queues=()):
        with worker(world, AtStep(step)) as first:
            world.intacct.fault("lost_after_commit", function="create_invoice")
            broken = desk.make_broken()
            for _ in range(INVOICES):
                desk.make()
            until(lambda: died(first), f"a worker died at {step} while it made invoices")
        desk.edit(desk.invoices[0])
        with worker(world):
            desk.edit(desk.invoices[1])
            world.settle()
        assert list(judged(world)) == []

        world.intacct.fault("lost_after_commit", function="update_invoice")
        with worker(world, AtStep(step)) as second:
            for invoice in desk.invoices:
                desk.edit(invoice)
            broken_too = desk.make_broken()
            until(lambda: died(second), f"a worker died at {step} while it updated invoices")
        desk.edit(desk.invoices[0])
        with worker(world):
            desk.edit(desk.invoices[2])
            world.settle()
    assert list(judged(world)) == []
    assert_quota_covers_the_gateway(world, deaths=2)
    assert [failure["ids"] for failure in world.failures()] == [[broken, broken_too]]


def test_workers_killed_at_random_moments_lose_and_double_nothing(rabbit_world: World) -> None:
    world = rabbit_world
    desk = Desk(world)
    dice = random.Random(20)
    deaths = 0
    with world.running(queues=()):
        desk.make()
        for _ in range(RANDOM_KILLS):
            with worker(world, AfterFirstStep(dice.uniform(0, 400))) as doomed:
                while not died(doomed):
                    if dice.random() < 0.2:
                        desk.make()
                    else:
                        desk.edit(dice.choice(desk.invoices))
                    doomed.join(dice.uniform(0.01, 0.08))
                deaths += 1
        with worker(world):
            desk.edit(desk.invoices[0])
            world.settle(90)
    assert list(judged(world)) == []
    assert_quota_covers_the_gateway(world, deaths)
    assert world.failures() == []
