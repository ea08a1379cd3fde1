"""An Intacct gateway in this process that answers at once, refuses some invoices and loses some answers. Seeded."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from clients.intacct.errors import Uncertain
from clients.intacct.gateway import Gateway
from clients.intacct.login import Login
from schemas.intacct.functions import Function
from schemas.intacct.results import FunctionResult, GatewayErrorEntry, Response

REFUSED = GatewayErrorEntry(
    "BL01001973", "Currently, we can't create the transaction.", "Enter an account number on line item 1."
)

STANDING = {
    "ARPYMT": {"RECORDNO": "1", "STATE": "C", "CURRENCY": "GBP", "WHENMODIFIED": "01/01/2026 00:00:00"},
    "ARPYMTDETAIL": {
        "RECORDNO": "2",
        "PAYMENTKEY": "1",
        "RECORDKEY": "1000000",
        "TRX_PAYMENTAMOUNT": "1.00",
        "CURRENCY": "GBP",
        "WHENMODIFIED": "01/01/2026 00:00:00",
    },
}
"""A payment of somebody else's invoice: each look sees it again, and nothing comes of it."""


class FarSide(Gateway):
    """Holds the invoices that were created; `requests` counts the calls that arrived."""

    def __init__(self, seed: int, *, refused_share: float, lost_share: float) -> None:
        super().__init__("http://127.0.0.1:1/", "sender", "password", allow_local=True)
        self._chance = random.Random(seed)
        self._refused_share = refused_share
        self._lost_share = lost_share
        self._records: dict[str, dict[str, str]] = {}
        self.created: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.requests = 0
        self.answers_lost = 0

    def send(
        self,
        login: Login,
        calls: Sequence[tuple[str, Function]],
        *,
        unique: bool,
        deadline_s: float,
        on_leaving: Callable[[], None] | None = None,
        atomic: bool = False,
    ) -> Response:
        """Run the functions; a lost answer is lost after all of them ran."""
        if on_leaving is not None:
            on_leaving()
        self.requests += 1
        results = {controlid: self._run(controlid, function) for controlid, function in calls}
        if unique and self._chance.random() < self._lost_share:
            self.answers_lost += 1
            raise Uncertain("No answer from Sage Intacct that can be relied on: the connection broke")
        return Response("success", "success", results)

    def _found(self, object_name: str, condition: dict[str, Any]) -> tuple[dict[str, str], ...]:
        """Invoices by number; payments that were made since."""
        if "in" in condition:
            return tuple(self._records[number] for number in condition["in"]["value"] if number in self._records)
        return (STANDING[object_name],) if object_name in STANDING else ()

    def _run(self, controlid: str, function: Function) -> FunctionResult:
        body: Any = function.body
        if function.is_read:
            rows = self._found(body["object"], body["filter"])
            return FunctionResult(controlid, function.name, "success", rows=rows, numremaining=0)
        number = body["invoiceno"]
        if number in self.refused or self._chance.random() < self._refused_share:
            self.refused.add(number)
            return FunctionResult(controlid, function.name, "failure", errors=(REFUSED,))
        self.created[number] += 1
        record = {"RECORDNO": str(self.created.total()), "RECORDID": number, "CUSTOMERID": body["customerid"]}
        total = body["invoiceitems"]["lineitem"][0]["amount"]
        self._records[number] = {**record, "STATE": "Posted", "TRX_TOTALENTERED": total}
        return FunctionResult(controlid, function.name, "success", key=record["RECORDNO"])
