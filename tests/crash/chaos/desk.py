"""People who never rest: at the desk they make and edit invoices in Scoro, at the till they book in Intacct."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

from db.database import LEDGER_LOST
from tests.crash.test_killed_workers import Desk
from tests.worlds.stand_ins import line
from tests.worlds.waiting import until
from tests.worlds.world import World

LATELY = 12
"""Edits go to this many of the newest invoices."""
PAID_INVOICES = 4
VENDORS = 3
START_S = 180.0


class Till:
    """A person in Intacct: books payments and takes them back, enters and edits bills, asks for what is new.

    Payments are all of one sum and day, so that only the ledger can tell their receipts apart, and of invoices that
    nobody edits.
    """

    def __init__(self, world: World, desk: Desk, dice: random.Random) -> None:
        self.world = world
        self.paid: dict[int, set[str]] = {}
        """Invoices, and the payments of each that stand."""
        self.bills: dict[str, str] = {}
        """What bills say, by their RECORDNO."""
        self._records: dict[int, str] = {}
        self._dice = dice
        for place in range(PAID_INVOICES):
            customer = desk.customers[place % len(desk.customers)]
            made = world.scoro.invoice(f"PAID-{place}", customer, line("100000.00"), description="Paid bit by bit")
            self.paid[made] = set()

    def open(self) -> None:
        """Wait until the invoices stand in Intacct."""
        until(lambda: all(self.world.document_is(made, "posted") for made in self.paid), "they are posted", START_S)
        for made in self.paid:
            self._records[made] = self.world.intacct.invoice(self.world.scoro.record(made)["no"])["RECORDNO"]

    def act(self) -> None:
        """Do one thing, and mostly ask for it to be seen."""
        deed = self._dice.choice((self.pay, self.pay, self._take_back, self.enter_bill, self._edit_bill))
        deed()
        if self._dice.random() < 0.6:
            self.ask()

    def ask(self) -> None:
        """Ask what is new; a ledger that is away is not waited for."""
        with suppress(*LEDGER_LOST):
            self.world.pull()

    def pay(self) -> None:
        """Book a payment."""
        invoice = self._dice.choice(sorted(self.paid))
        payment = self.world.intacct.pay({"recordno": self._records[invoice], "amount": "1.00"})
        self.paid[invoice].add(payment["RECORDNO"])

    def _take_back(self) -> None:
        invoice = self._dice.choice(sorted(self.paid))
        if self.paid[invoice]:
            payment = self._dice.choice(sorted(self.paid[invoice]))
            self.paid[invoice].discard(payment)
            self.world.intacct.control(f"reverse/ARPYMT/{payment}", {})

    def enter_bill(self) -> None:
        """Enter a bill of one of a few vendors."""
        vendor = self._dice.randrange(VENDORS)
        made = self.world.intacct.control(
            "enter/APBILL",
            {
                "party": {"VENDORID": f"V-{vendor}", "NAME": f"Vendor {vendor} Ltd"},
                "number": f"BILL-{len(self.bills)}",
                "fields": {"DESCRIPTION": "As entered"},
                "lines": [{"ACCOUNTNO": "6000", "TRX_AMOUNT": "10.00", "LOCATIONID": "UK", "TAXENTRIES": [TAX]}],
            },
        )
        self.bills[made["RECORDNO"]] = "As entered"

    def _edit_bill(self) -> None:
        if self.bills:
            bill = self._dice.choice(sorted(self.bills))
            said = f"Thought over {self._dice.randrange(10**6)}"
            self.world.intacct.control(f"edit/APBILL/{bill}", {"fields": {"DESCRIPTION": said}})
            self.bills[bill] = said

    def judged(self) -> Iterator[str]:
        """What differs between the books of Intacct and what Scoro was told of them."""
        for invoice, payments in self.paid.items():
            sums = [Decimal(row["sum"]) for row in self.world.scoro.receipts(invoice)]
            if len(sums) != len(payments):
                verdict = "stands too many times" if len(sums) > len(payments) else "is lost"
                yield f"a receipt of invoice {invoice} {verdict}: {len(sums)} for {len(payments)} payments"
            if set(sums) - {Decimal("1.00")}:
                yield f"receipts of invoice {invoice} are {sums}, each should hold 1.00"
        held: dict[str, list[dict[str, Any]]] = {}
        for record in self.world.scoro.records("bills"):
            held.setdefault(record["no"], []).append(record)
        for bill in self.world.intacct.records("APBILL"):
            number, said = bill["RECORDID"], self.bills[bill["RECORDNO"]]
            rows = held.pop(number, [])
            if not rows:
                yield f"{number} is lost"
            elif len(rows) > 1:
                yield f"{number} stands {len(rows)} times"
            elif (have := (rows[0]["description"], _gross(rows[0]))) != (said, Decimal(bill["TRX_TOTALENTERED"])):
                yield f"{number} holds {have}, should hold {said!r} and {bill['TRX_TOTALENTERED']}"
        yield from (f"{number} should not be there" for number in held)
        suppliers = Counter(row["name"] for row in self.world.scoro.records("contacts") if row.get("is_supplier"))
        yield from (f"{name} stands {count} times" for name, count in suppliers.items() if count > 1)


TAX = {"DETAILID": "UK Purchase Goods Standard Rate", "TRX_TAX": ""}


def _gross(bill: dict[str, Any]) -> Decimal:
    return Decimal(bill["sum"]) + Decimal(bill["vat_sum"])


class BusyDesk:
    """Types from a thread of its own while it is told to, at the desk and at the till; `seed` makes what it does."""

    def __init__(self, world: World, seed: str, actions_per_s: float) -> None:
        self.broken: list[int] = []
        self.actions = 0
        self._desk = Desk(world)
        self._dice = random.Random(seed)
        self._pause_s = 1 / actions_per_s
        self._lock = threading.Lock()
        self._resting = threading.Event()
        self.till = Till(world, self._desk, self._dice)

    def act(self) -> None:
        """Do one thing."""
        with self._lock:
            self.actions += 1
            chance = self._dice.random()
            if chance < 0.2:
                self.till.act()
            elif len(self._desk.invoices) < 3 or chance < 0.36:
                self._desk.make()
            else:
                self._desk.edit(self._dice.choice(self._desk.invoices[-LATELY:]))

    def break_one(self) -> None:
        """Make an invoice that cannot be posted, each for a cause of its own."""
        with self._lock:
            self.actions += 1
            self.broken.append(self._desk.make_broken(UNKNOWN_ACCOUNTS + len(self.broken)))

    def pay_and_ask(self) -> None:
        """Have something brought back from Intacct: two payments of an invoice each, and a bill."""
        with self._lock:
            self.actions += 3
            self.till.pay()
            self.till.pay()
            self.till.enter_bill()
            self.till.ask()

    @contextmanager
    def typing(self) -> Iterator[None]:
        """Type until the block ends."""
        self._resting.clear()
        failure: list[BaseException] = []

        def type_on() -> None:
            try:
                while not self._resting.wait(self._dice.uniform(0.5, 1.5) * self._pause_s):
                    self.act()
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
                failure.append(error)

        thread = threading.Thread(target=type_on, name="desk", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._resting.set()
            thread.join()
        if failure:
            raise failure[0]


UNKNOWN_ACCOUNTS = 900_000
"""Accounts from this id on do not exist."""
