"""The two stand-ins over real HTTP, and what a person at their keyboards does and sees."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import requests

from sandbox import fixtures, intacct, scoro
from sandbox.serve import running

Record = dict[str, Any]
TIMEOUT_S = 60


class StandIn:
    """The control surface of one stand-in."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False

    def control(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Call the control surface: POST with a body, else GET."""
        verb = method or ("GET" if body is None else "POST")
        answer = self.session.request(verb, f"{self.base_url}/_sandbox/{path}", json=body, timeout=TIMEOUT_S)
        assert answer.status_code == 200, f"{verb} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def set(self, **settings: Any) -> None:
        """Change some of its settings."""
        self.control("settings", settings)

    def fault(self, name: str, **details: Any) -> None:
        """Switch a fault on."""
        self.control("faults", {"fault": name, **details})

    def clear_faults(self) -> None:
        """Switch every fault off."""
        self.control("faults", method="DELETE")

    def reset(self) -> None:
        """As new: records, settings, faults, counters."""
        self.control("reset", {})


class Scoro(StandIn):
    """The Scoro stand-in, as its users see it."""

    def reset(self) -> None:
        """As new, without the limit on requests that only one test looks at."""
        super().reset()
        self.set(window_limit=1_000_000)

    def customer(self, name: str = "Acme Ltd", **fields: Any) -> int:
        """Make a company; returns its id."""
        return int(self.control("create/contacts", {"name": name, "contact_type": "company", **fields})["contact_id"])

    def invoice(self, no: str, company_id: int, *lines: Record, **fields: Any) -> int:
        """Make an invoice of today; returns its id."""
        given = {"no": no, "company_id": company_id, "currency": "GBP", "date": today(), "deadline": today(), **fields}
        return int(self.control("create/invoices", {**given, "lines": list(lines) or [line()]})["id"])

    def create(self, module: str, **fields: Any) -> Record:
        """Make a record of a module as a person would."""
        made: Record = self.control(f"create/{module}", fields)
        return made

    def change(self, module: str, record_id: int, **fields: Any) -> Record:
        """Change some fields of a record."""
        changed: Record = self.control(f"edit/{module}/{record_id}", fields)
        return changed

    def delete(self, module: str, record_id: int) -> None:
        """Delete a record."""
        self.control(f"delete/{module}/{record_id}", {})

    def call(self, path: str, request: Record) -> Any:
        """Call the API itself; returns its data."""
        body = {"apiKey": fixtures.SCORO_API_KEY, "company_account_id": fixtures.SCORO_ENTITY, "lang": "eng"}
        answer = self.session.post(
            f"{self.base_url}/api/v2/{path}", json={**body, "request": request}, timeout=TIMEOUT_S
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def upload(self, name: str, content: bytes, *documents: tuple[str, int], **fields: Any) -> int:
        """Upload a file and attach it to documents, `(module, id)` each; returns its id."""
        part = {"name": name, "size": len(content), "chunk_data": base64.b64encode(content).decode(), **fields}
        file_id = int(self.call("files/modify", part)["file_id"])
        for module, record_id in documents:
            self.call(f"files/addRelation/{file_id}", {"rel_type": module, "rel_id": record_id})
        return file_id

    def edit(self, invoice_id: int, **fields: Any) -> Record:
        """Change some fields of an invoice."""
        edited: Record = self.control(f"edit/invoices/{invoice_id}", fields)
        return edited

    def record(self, invoice_id: int) -> Record:
        """An invoice, whole."""
        return next(row for row in self.records("invoices") if int(row["id"]) == invoice_id)

    def records(self, module: str) -> list[Record]:
        """Every record of a module."""
        found: list[Record] = self.control(f"records/{module}")
        return found

    def generate(self, documents: int, seed: int = 1, *, broken: bool = False) -> Record:
        """Make believable invoices; `ids`, and of the broken ones the reasons."""
        made: Record = self.control("generate", {"documents": documents, "seed": seed, "broken": broken})
        return made

    def expected(self) -> Record:
        """The generator's own numbers: `documents` and `totals` by currency."""
        numbers: Record = self.control("expected")
        return numbers

    def receipts(self, document_id: int | None = None) -> list[Record]:
        """Receipts of all groups, each with its group's `id`, `receipt_account_id` and `contact_id`."""
        return [
            {**{name: group[name] for name in ("id", "receipt_account_id", "contact_id", "currency")}, **entry}
            for group in self.records("receipts")
            for entry in group["receipts"]
            if document_id in (None, entry["invoice_id"])
        ]

    def requests(self, since: int = 0) -> list[Record]:
        """What the API was asked after request number `since`: `n`, `path` and `json`."""
        kept: list[Record] = self.control(f"requests?since={since}")
        return kept

    def last_request(self) -> int:
        """The number of the newest request, 0 where there is none."""
        return max((int(request["n"]) for request in self.requests()), default=0)

    def is_idle(self) -> bool:
        """Whether every webhook was delivered or given up."""
        return bool(self.control("webhooks/idle")["idle"])


class Intacct(StandIn):
    """The Intacct stand-in: its books and its own count of requests."""

    @property
    def gateway_url(self) -> str:
        """Where requests are posted."""
        return self.base_url + intacct.GATEWAY_PATH

    def post(self, body: bytes) -> None:
        """Send it a request, word for word."""
        headers = {"Content-Type": "application/xml"}
        answer = self.session.post(self.gateway_url, data=body, headers=headers, timeout=TIMEOUT_S)
        assert answer.status_code == 200, answer.text

    def counters(self) -> Record:
        """Everything that it counts."""
        counted: Record = self.control("counters")
        return counted

    def requests(self, since: int = 0) -> list[Record]:
        """The requests it received after number `since`, word for word: `n`, `xml`, `functions`, `status`."""
        kept: list[Record] = self.control(f"requests?since={since}")
        return kept

    def functions(self, since: int = 0) -> list[str]:
        """Names of all functions received after request number `since`, in their order."""
        return [name for request in self.requests(since) for name in request["functions"]]

    def writes(self, since: int = 0) -> list[str]:
        """The functions that write, received after request number `since`; reads that rode along are left out."""
        return [name for name in self.functions(since) if name != "query"]

    def last_request(self) -> int:
        """The number of the newest request, 0 where there is none."""
        return max((int(request["n"]) for request in self.requests()), default=0)

    def invoices(self, number: str | None = None) -> list[Record]:
        """ARINVOICE records with their `LINES`, of one number or all."""
        found: list[Record] = self.control("records/ARINVOICE")
        return [row for row in found if number is None or row["RECORDID"] == number]

    def invoice(self, number: str) -> Record:
        """The one invoice with this number."""
        found = self.invoices(number)
        assert len(found) == 1, f"Intacct holds {number} {len(found)} times"
        return found[0]

    def pay(self, *documents: Record, **payment: Any) -> Record:
        """Book a payment of `{recordno, amount, adjustment?, adjustment_amount?}` each; returns its header."""
        made: Record = self.control("pay", {"documents": list(documents), **payment})
        return made

    def records(self, object_name: str) -> list[Record]:
        """Records of an object."""
        found: list[Record] = self.control(f"records/{object_name}")
        return found

    def customers(self) -> list[Record]:
        """CUSTOMER records."""
        found: list[Record] = self.control("records/CUSTOMER")
        return found

    def is_idle(self) -> bool:
        """Whether nothing that was cut off will still run."""
        return not self.counters()["late_commits_pending"]


@dataclass(frozen=True, slots=True)
class StandIns:
    """Both far sides."""

    scoro: Scoro
    intacct: Intacct

    def reset(self) -> None:
        """Both as new."""
        self.scoro.reset()
        self.intacct.reset()


@contextmanager
def stand_ins() -> Iterator[StandIns]:
    """Run both in this process, on loopback, their state in memory."""
    with running(scoro.create_app()) as scoro_url, running(intacct.create_app()) as intacct_url:
        both = StandIns(Scoro(scoro_url), Intacct(intacct_url))
        with both.scoro.session, both.intacct.session:
            yield both


def today() -> str:
    """The day in the ISO form."""
    return datetime.now(UTC).date().isoformat()


def line(price: str = "100.00", amount: str = "1", **fields: Any) -> Record:
    """A line of an invoice: a consulting day at the standard rate unless told otherwise."""
    return {
        "product_id": 1,
        "comment": "Consulting",
        "price": price,
        "amount": amount,
        "unit": "day",
        "vat_code_id": 1,
        "finance_account_id": fixtures.SCORO_ACCOUNT_IDS["4000"],
        **fields,
    }


def lines_of(invoice: Record) -> list[Record]:
    """The lines of an ARINVOICE, tax rows left out, by their number."""
    own = [row for row in invoice["LINES"] if not row["PARENTENTRY"]]
    return sorted(own, key=lambda row: int(row["LINE_NO"]))


def us_date(iso: str) -> str:
    """`2026-03-01` as Intacct shows it, `03/01/2026`."""
    return date.fromisoformat(iso).strftime("%m/%d/%Y")
