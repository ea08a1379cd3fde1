"""Where settings are tried: one world, its documents written and sent by hand, and what both far sides got of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from lxml import etree

from db import connections
from db.connections import Connection
from producers import manual
from sandbox import fixtures
from schemas.kinds import Kind
from schemas.settings import ConnectionSettings, set_key
from tests.worlds.hands import Hands
from tests.worlds.stand_ins import line, today
from tests.worlds.world import World
from workers.pull.run import pull

Record = dict[str, Any]
Element = etree._Element

BASE = {
    **{f"data.{module}.start_date": "2020-01-01" for module in ("invoices", "bills", "expenses", "receipts")},
    "accounts.ap_credit_sign": "negative",
    "accounts.payment_bank": "1",
    "limits.creates_per_hour": "100000",
    "delivery.settle_ms": "0",
    "delivery.linger_ms": "0",
    "delivery.uncertain_wait_s": "0",
}
"""What is set beside the key that is tried."""

PURCHASES = fixtures.SCORO_ACCOUNT_IDS["6000"]


class Bench(Hands):
    """A world with a known customer and a known vendor; numbers are new each time."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.count = 0
        self.use({})
        self.customer = world.scoro.customer("Acme Ltd")
        self.vendor = world.scoro.customer("Supplies Ltd", is_supplier=1)
        self.notice(self.invoice())
        self.notice(self.bill(), kind=Kind.BILL)

    # ------------------------------------------------------------------------------------------ settings, clock

    def use(self, keys: dict[str, str]) -> None:
        """Set these keys, and nothing else but the base."""
        chosen = ConnectionSettings()
        for key, text in (BASE | keys).items():
            chosen = set_key(chosen, key, text)
        self.world.ledger.db.run(lambda ledger: connections.save_settings(ledger, self.world.connection_id, chosen))

    def clear(self) -> None:
        """Back to the base, with nothing left over."""
        self.use({})
        self.world.execute("UPDATE change SET scheduled = false WHERE scheduled")
        self.world.execute("UPDATE connection SET bulk_at = 'epoch', creates_allowed = 0")
        self.work()

    def later(self, interval: str) -> None:
        """Let time pass."""
        self.world.execute("UPDATE clock SET shift = shift + %s::interval", [interval])

    @property
    def connection(self) -> Connection:
        return self.world.connection

    # ------------------------------------------------------------------------------------------ what people write

    def number(self) -> str:
        self.count += 1
        return f"S-{self.count}"

    def invoice(self, *lines: Record, **fields: Any) -> int:
        fields.setdefault("company_id", self.customer if hasattr(self, "customer") else 0)
        company = fields.pop("company_id")
        return self.world.scoro.invoice(fields.pop("no", self.number()), company, *(lines or (line(),)), **fields)

    def bill(self, *lines: Record, module: str = "bills", **fields: Any) -> int:
        given = {
            "no": self.number(),
            "company_id": self.vendor,
            "currency": "GBP",
            "date": today(),
            "deadline": today(),
            **fields,
        }
        cost = line(finance_account_id=PURCHASES)
        return int(self.world.scoro.create(module, **given, lines=list(lines) or [cost])["id"])

    def expense(self, **fields: Any) -> int:
        spent = {
            "description": "Hosting",
            "price": "100.00",
            "quantity": "1",
            "tax_code_id": 1,
            "finance_account_id": fixtures.SCORO_ACCOUNT_IDS["6010"],
        }
        return self.bill(spent, module="expenses", **fields)

    def project(self, **fields: Any) -> int:
        given = {"project_name": f"Project {self.number()}", "date": today(), **fields}
        return int(self.world.scoro.create("projects", **given)["project_id"])

    def edit(self, module: str, scoro_id: int, **fields: Any) -> None:
        self.world.scoro.change(module, scoro_id, **fields)

    def delete(self, module: str, scoro_id: int) -> None:
        self.world.scoro.delete(module, scoro_id)

    # ------------------------------------------------------------------------------------------ what goes out

    def went(self, *scoro_ids: int, kind: Kind = Kind.INVOICE) -> "Wire":
        """Scoro tells of documents: what the gateway got of it."""
        return Wire(self.notice(*scoro_ids, kind=kind))

    def sent(self, scoro_id: int, kind: Kind = Kind.INVOICE) -> "Wire":
        """A person sends a document: what the gateway got of it."""
        manual.send(self.world.ledger.db, self.connection, kind, scoro_id, "cli:olga")
        return Wire(self.work())

    def worked(self) -> "Wire":
        """What the gateway gets of whatever is due now."""
        return Wire(self.work())

    @contextmanager
    def hearing_scoro(self) -> Iterator[list[Record]]:
        """What is written to Scoro while the block runs: `path` and `json`."""
        before = self.world.scoro.last_request()
        heard: list[Record] = []
        yield heard
        heard += [
            row
            for row in self.world.scoro.requests(before)
            if row["path"].partition("/")[2].partition("/")[0] in {"modify", "delete"}
        ]

    def pull(self, *, asked: bool = True) -> "Wire":
        """Look at Intacct, if it is time to or a person asks, and write to Scoro what follows."""
        before = self.world.intacct.last_request()
        if asked:
            self.world.pull()
        for _ in range(3):
            pull(self.runtime, self.references, self.world.connection_id)
        self.world.execute("DELETE FROM outbox")
        return Wire(self.world.intacct.requests(before))

    def has_user_token(self) -> None:
        """The site gets a user token."""
        username, password = fixtures.SCORO_USER
        device = {"device_type": "server", "device_name": "test", "device_id": "1"}
        body = {
            "company_account_id": fixtures.SCORO_ENTITY,
            "lang": "eng",
            "request": {"username": username, "password": password, **device},
        }
        url = f"{self.world.scoro.base_url}/api/v2/userAuth/modify"
        token = requests.post(url, json=body, timeout=30).json()["data"]["token"]
        self.world.execute("UPDATE site SET user_token = %s", [self.world.ledger.vault.seal(token)])

    def bookmark(self, bookmark_id: str, module: str, *ids: int) -> None:
        """A bookmark that holds these."""
        field = {"projects": "project_id", "files": "file_id"}.get(module, "id")
        self.world.scoro.control("bookmarks", {"id": bookmark_id, "module": module, "filter": {field: list(ids)}})


class Wire:
    """Requests as the gateway got them."""

    def __init__(self, received: list[Record]) -> None:
        self.received = received
        self.functions: list[Element] = [
            function[0]
            for request in received
            for function in etree.fromstring(request["xml"].encode()).iter("function")
        ]

    @property
    def writes(self) -> list[str]:
        """Names of the functions that write, generic ones with their object: `create APBILL`."""
        return [
            f"{element.tag} {element[0].tag}" if element.tag in {"create", "update"} else str(element.tag)
            for element in self.functions
            if element.tag not in {"query", "get_list"}
        ]

    @property
    def packs(self) -> int:
        """How many requests wrote something."""
        return sum(any(name not in {"query", "get_list"} for name in request["functions"]) for request in self.received)

    def texts(self, tag: str) -> list[str]:
        """The texts of an element, wherever it stands in what was written."""
        return [
            found.text or ""
            for element in self.functions
            if element.tag not in {"query", "get_list"}
            for found in element.iter(tag)
        ]

    def text(self, tag: str) -> str:
        """The one text of an element; '' where there is none."""
        found = list(dict.fromkeys(self.texts(tag)))
        assert len(found) <= 1, f"{tag} says {found}"
        return found[0] if found else ""
