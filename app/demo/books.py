"""The books of the two stand-ins, and whether they agree: Intacct's records against what the generator meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import requests

Record = Mapping[str, Any]


class Books:
    """The two stand-ins, seen through their control surface."""

    def __init__(self, scoro: str, intacct: str) -> None:
        self.scoro, self.intacct = scoro, intacct
        self._http = requests.Session()
        self._http.trust_env = False

    def ask(self, base: str, path: str) -> Any:
        """Read from a stand-in."""
        return self._answer(self._http.get(f"{base}/_sandbox/{path}", timeout=120))

    def tell(self, base: str, path: str, body: Mapping[str, Any]) -> Any:
        """Do what a person at a stand-in would."""
        return self._answer(self._http.post(f"{base}/_sandbox/{path}", json=body, timeout=600))

    def counters(self) -> "Counters":
        """What the Intacct stand-in has counted so far."""
        told = self.ask(self.intacct, "counters")
        written = (told["created"], told["updated"], told["deleted"], told["reversed"])
        return Counters(told["requests"], sum(sum(kind.values()) for kind in written))

    @staticmethod
    def _answer(answer: requests.Response) -> Any:
        answer.raise_for_status()
        return answer.json()


@dataclass(frozen=True, slots=True)
class Counters:
    """Requests that reached the gateway, and records that they wrote."""

    requests: int
    written: int

    def since(self, before: "Counters") -> "Counters":
        """What has come since."""
        return Counters(self.requests - before.requests, self.written - before.written)


@dataclass(frozen=True, slots=True)
class Sums:
    """Net, tax and gross of some documents."""

    net: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.net + other.net, self.tax + other.tax, self.gross + other.gross)


OBJECTS: Mapping[str, str] = {
    "invoice": "ARINVOICE",
    "credit_invoice": "ARADJUSTMENT",
    "bill": "APBILL",
    "expense": "APBILL",
    "credit_bill": "APADJUSTMENT",
}
"""What a kind of document stands as in Intacct."""

Total = tuple[str, str]
"""An object of Intacct and a currency."""


@dataclass(slots=True)
class Comparison:
    """How the books compare. `totals`: object and currency -> (Intacct's records, the generator's own numbers)."""

    expected: int = 0
    posted: int = 0
    differences: list[str] = field(default_factory=list)
    totals: dict[Total, tuple[Sums, Sums]] = field(default_factory=dict)

    @property
    def agree(self) -> bool:
        """Whether every sound document stands once in Intacct, equal to the cent, and nothing else does."""
        return not self.differences


def compare(expected: Sequence[Record], held: Mapping[str, Sequence[Record]]) -> Comparison:
    """Compare the generator's documents with Intacct's records by object, one by one and per currency."""
    sound = [document for document in expected if not document["broken"]]
    outcome = Comparison(expected=len(sound))
    for object_name, records in held.items():
        mine = {str(d["no"]): d for d in sound if OBJECTS[d.get("kind", "invoice")] == object_name}
        _compare_object(outcome, object_name, mine, records)
    return outcome


def _compare_object(
    outcome: Comparison, object_name: str, sound: Mapping[str, Record], records: Sequence[Record]
) -> None:
    held: dict[str, list[Record]] = {}
    for record in records:
        held.setdefault(str(record["RECORDID"]), []).append(record)
    for number in held.keys() - sound.keys():
        outcome.differences.append(f"{object_name} {number} stands in Intacct and should not")
    for number, document in sound.items():
        found = held.get(number, [])
        outcome.posted += bool(found)
        if len(found) != 1:
            outcome.differences.append(f"{object_name} {number} stands {len(found)} times in Intacct instead of once")
            continue
        meant, stands = _meant(document), sums_of(found[0])
        if stands != meant or found[0]["CURRENCY"] != document["currency"]:
            outcome.differences.append(f"{number}: Intacct holds {stands}, Scoro {meant} {document['currency']}")
        if document.get("files") and "SUPDOCID" in found[0] and not found[0]["SUPDOCID"]:
            outcome.differences.append(f"{object_name} {number} has a file in Scoro and names none in Intacct")
    for currency in sorted({d["currency"] for d in sound.values()} | {r["CURRENCY"] for r in records}):
        theirs = sum((sums_of(record) for record in records if record["CURRENCY"] == currency), Sums())
        ours = sum((_meant(d) for d in sound.values() if d["currency"] == currency), Sums())
        outcome.totals[object_name, currency] = (theirs, ours)


def _meant(document: Record) -> Sums:
    return Sums(Decimal(document["net"]), Decimal(document["vat"]), Decimal(document["gross"]))


def sums_of(record: Record) -> Sums:
    """Net and tax from the record's own lines, gross from its header."""
    lines = [line for line in record["LINES"] if not line.get("PARENTENTRY")]
    net = sum((Decimal(line["TRX_AMOUNT"]) for line in lines), Decimal(0))
    taxes = [entry for line in lines for entry in line.get("TAXENTRIES", ())]
    tax = sum((Decimal(entry["TRX_TAX"] or 0) for entry in taxes), Decimal(0))
    return Sums(net, tax, Decimal(record["TRX_TOTALENTERED"]))
