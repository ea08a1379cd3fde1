"""What of a credit is applied, by what Intacct says is open."""

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from db.applications import Application, Invoice, Prepared
from schemas.intacct.orders import check
from schemas.intacct.results import FunctionResult, GatewayErrorEntry
from workers.delivery import credits
from workers.delivery.credits import CREDITS, INVOICES, answered, fitting, prepare, questions


def application(number: int, *invoices: str) -> Application:
    held = tuple(Invoice(key, f"INV-{key}", date(2026, 3, int(key))) for key in invoices)
    return Application(uuid.UUID(int=number), number, f"CR-{number}", str(900 + number), date(2026, 3, 2), held)


def row(record_no: str, due: str, **fields: str) -> dict[str, str]:
    return {
        "RECORDNO": record_no,
        "STATE": "Posted",
        "CUSTOMERID": "C1",
        "CURRENCY": "GBP",
        "TRX_TOTALDUE": due,
        **fields,
    }


def answers(credit_rows: list[dict[str, str]], invoice_rows: list[dict[str, str]]) -> Mapping[str, FunctionResult]:
    return {
        name: FunctionResult(name, "query", "success", rows=tuple(rows))
        for name, rows in ((CREDITS, credit_rows), (INVOICES, invoice_rows))
    }


def shares(prepared: Prepared) -> list[tuple[str, str]]:
    assert prepared.function is not None
    check(prepared.function)
    body: Any = prepared.function.model_dump()["body"]
    return [(item["invoicekey"], item["amount"]) for item in body["arpaymentitems"]["arpaymentitem"]]


@pytest.mark.parametrize("sign", ["", "-"], ids=["unsigned", "signed"])
def test_as_much_as_both_have_open_oldest_invoice_first(sign: str) -> None:
    (one,) = prepare(
        [application(1, "1", "2")], answers([row("901", f"{sign}100.00")], [row("1", "60"), row("2", "70")])
    )
    assert shares(one) == [("1", "60.00"), ("2", "40.00")]
    assert one.total == Decimal(100)
    assert one.function is not None
    assert (one.function.body["arpaymentkey"], one.function.body["paymentdate"]) == ("901", "2026-03-02")
    assert one.reason == ""


def test_two_credits_of_one_invoice_do_not_take_the_same_amount() -> None:
    first, second = prepare(
        [application(1, "1"), application(2, "1")],
        answers([row("901", "-30"), row("902", "-30")], [row("1", "50")]),
    )
    assert shares(first) == [("1", "30.00")]
    assert shares(second) == [("1", "20.00")]
    assert "10.00 of it stay open" in second.reason


@pytest.mark.parametrize(
    ("credit", "invoice", "reason"),
    [
        (row("901", "0.00"), row("1", "50"), "Nothing was left to apply"),
        (row("901", "-30"), row("1", "0.00"), "Nothing was left to apply"),
        (row("901", "-30", STATE="Draft"), row("1", "50"), "It is a draft"),
        (row("901", "-30"), row("1", "50", STATE="Draft"), "INV-1 is a draft"),
        (row("901", "-30"), row("1", "50", CUSTOMERID="C2"), "INV-1 has another customer (C2)"),
        (row("901", "-30"), row("1", "50", CURRENCY="EUR"), "INV-1 has another currency (EUR)"),
        (row("901", "-30"), row("9", "50"), "INV-1 is no longer in Intacct"),
        (row("909", "-30"), row("1", "50"), "Its adjustment is no longer in Intacct"),
    ],
)
def test_what_cannot_be_applied_is_done_with_the_reason(
    credit: dict[str, str], invoice: dict[str, str], reason: str
) -> None:
    (one,) = prepare([application(1, "1")], answers([credit], [invoice]))
    assert one.function is None
    assert one.reason.startswith(reason)


def test_a_look_that_is_refused_or_not_answered_says_nothing() -> None:
    refused = FunctionResult("x", "query", "failure", errors=(GatewayErrorEntry("DL02000001", "error"),))
    assert prepare([application(1, "1")], {CREDITS: refused, INVOICES: refused}) == []
    assert prepare([application(1, "1")], {}) == []


def test_a_credit_whose_invoices_never_come_needs_no_look() -> None:
    assert questions([application(1)]) == {}
    (one,) = prepare([application(1)], {})
    assert one.function is None
    assert "not in Intacct" in one.reason


def test_behind_writes_only_what_the_answers_show_is_prepared() -> None:
    shown, unseen = application(1, "1"), application(2, "2")
    assert answered([shown, unseen], answers([row("901", "-1"), row("902", "-1")], [row("1", "5")])) == [shown]


def test_one_look_asks_for_as_many_invoices_as_a_query_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credits, "MAX_INVOICES", 3)
    taken = fitting([application(1, "1", "2"), application(2, "3"), application(3, "4")])
    assert [one.document_id for one in taken] == [1, 2]
