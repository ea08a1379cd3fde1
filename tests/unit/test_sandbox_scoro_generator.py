"""The seeded generator: what it makes, that it is repeatable, and that its sums agree with the stand-in's."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from sandbox.generator.customers import customer
from sandbox.generator.edits import edit
from sandbox.generator.invoices import REASONS, SUB_HEADING, Payer, Span, invoice
from sandbox.generator.plan import Plan, PlannedLine, sums_of
from tests.unit.sandbox_scoro import Client, line, stand_in

SPAN = Span(dt.date(2026, 1, 1), dt.date(2026, 1, 31))


@pytest.fixture(scope="module")
def server() -> Iterator[Client]:
    with stand_in() as client:
        yield client


@pytest.fixture
def scoro(server: Client) -> Client:
    server.control("reset", {})
    server.set(window_limit=1_000_000)
    return server


def disagreements(scoro: Client) -> list[int]:
    """Ids of documents whose header does not say what the generator expects."""
    held = {record["id"]: record for record in scoro.control("records/invoices")}
    return [
        document["id"]
        for document in scoro.control("expected")["documents"]
        if (document["net"], document["vat"]) != (held[document["id"]]["sum"], held[document["id"]]["vat_sum"])
    ]


def test_sums_of_a_plan() -> None:
    lines = (
        PlannedLine("33.335", "3", "0", "20", exempt=False),
        PlannedLine("22", "1", "50", "5", exempt=True),
    )
    sums = sums_of(Plan("1", "GBP", ("10", "5"), lines))
    assert sums.net == Decimal("96.51")
    assert sums.vat == Decimal("17.65")
    assert sums_of(Plan("2", "GBP", (), (PlannedLine("-0.005", "1", "0", "0", exempt=False),))).net == Decimal("-0.01")


def test_the_stand_in_and_the_generator_agree_to_the_penny(scoro: Client) -> None:
    made = scoro.control("generate", {"documents": 400, "seed": 5, "broken": True})
    unexplained = [int(key) for key, reason in made["broken"].items() if reason == "unexplained_total"]
    assert sorted(disagreements(scoro)) == sorted(unexplained)
    totals = scoro.control("expected")["totals"]
    assert set(totals) == {"GBP", "EUR", "USD"}
    assert sum(total["count"] for total in totals.values()) == 400 - len(made["broken"])


def test_the_same_request_adds_nothing(scoro: Client) -> None:
    request = {"documents": 30, "seed": 1}
    first = scoro.control("generate", request)
    before = scoro.control("records/invoices")
    assert scoro.control("generate", request) == first
    assert scoro.control("records/invoices") == before
    other = scoro.control("generate", {"documents": 30, "seed": 2})
    assert not set(other["ids"]) & set(first["ids"])
    numbers = [record["no"] for record in scoro.control("records/invoices")]
    assert len(set(numbers)) == 60


def test_equal_seeds_make_equal_books(scoro: Client) -> None:
    request = {"documents": 25, "seed": 9, "broken": True, "date_from": "2026-01-01", "date_to": "2026-01-31"}

    def books() -> list[dict[str, Any]]:
        scoro.control("generate", request)
        volatile = {"modified_date", "created_date"}
        return [
            {key: value for key, value in record.items() if key not in volatile}
            for module in ("contacts", "invoices")
            for record in scoro.control(f"records/{module}")
        ]

    first = books()
    scoro.control("reset", {})
    assert books() == first
    days = {record["date"] for record in first if "deadline" in record}
    assert min(days) >= "2026-01-01"
    assert max(days) <= "2026-01-31"


def test_every_way_of_being_broken_occurs(scoro: Client) -> None:
    made = scoro.control("generate", {"documents": 50, "seed": 3, "broken": True})
    assert Counter(made["broken"].values()) == dict.fromkeys(REASONS, 1)
    records = {record["id"]: record for record in scoro.control("records/invoices")}
    names = {record["contact_id"]: record["name"] for record in scoro.control("records/contacts")}
    by_reason = {reason: records[int(key)] for key, reason in made["broken"].items()}

    def sells(record: dict[str, Any]) -> list[dict[str, Any]]:
        return [row for row in record["lines"] if row["product_id"] != SUB_HEADING]

    assert 0 in {row["finance_account_id"] for row in sells(by_reason["line_without_account"])}
    assert "17.500" in {row["vat"] for row in sells(by_reason["unknown_tax_rate"])}
    assert by_reason["unknown_currency"]["currency"] == "XXX"
    assert names[by_reason["customer_without_name"]["company_id"]] == ""
    healthy = [record for key, record in records.items() if str(key) not in made["broken"]]
    assert all(row["finance_account_id"] for record in healthy for row in sells(record))
    assert all(names[record["company_id"]] for record in healthy)


def test_a_broken_document_that_is_mended_counts_again(scoro: Client) -> None:
    made = scoro.control("generate", {"documents": 50, "seed": 3, "broken": True})
    ids = {reason: int(key) for key, reason in made["broken"].items()}
    records = {record["id"]: record for record in scoro.control("records/invoices")}
    nameless = records[ids["customer_without_name"]]["company_id"]
    scoro.control(f"edit/contacts/{nameless}", {"name": "Named at last Ltd"})
    scoro.control(f"edit/invoices/{ids['unknown_currency']}", {"currency": "EUR"})
    scoro.control(f"edit/invoices/{ids['unexplained_total']}", {"_pinned": None})
    for reason in ("line_without_account", "unknown_tax_rate"):
        scoro.control(f"edit/invoices/{ids[reason]}", {"lines": [line("12.34")]})
    expected = scoro.control("expected")
    assert [document["broken"] for document in expected["documents"]] == [None] * 50
    assert sum(total["count"] for total in expected["totals"].values()) == 50
    assert disagreements(scoro) == []


def test_edits_change_what_is_expected_and_what_is_held_alike(scoro: Client) -> None:
    scoro.control("generate", {"documents": 120, "seed": 4, "broken": True})
    before = {record["id"]: record for record in scoro.control("records/invoices")}
    edits = scoro.control("edits", {"count": 60, "seed": 1})
    after = {record["id"]: record for record in scoro.control("records/invoices")}
    stamps = {"modified_date"}
    changed = {
        key for key in after if any(after[key][name] != before[key][name] for name in after[key].keys() - stamps)
    }
    assert changed == set(edits["ids"])
    assert len(edits["ids"]) == 60
    assert set(edits["edits"].values()) >= {"changed an amount", "added a line", "changed the description"}
    broken = {document["id"] for document in scoro.control("expected")["documents"] if document["broken"]}
    assert not broken & changed
    assert set(disagreements(scoro)) <= broken


def test_a_deleted_document_is_expected_no_more(scoro: Client) -> None:
    made = scoro.control("generate", {"documents": 3, "seed": 4})
    scoro.control(f"delete/invoices/{made['ids'][0]}", {})
    assert [document["id"] for document in scoro.control("expected")["documents"]] == made["ids"][1:]


def test_bad_orders_are_refused(scoro: Client) -> None:
    url = f"{scoro.base_url}/_sandbox/generate"
    assert scoro.session.post(url, json={"documents": 1, "kinds": ["poem"]}).status_code == 400
    days = {"date_from": "2026-02-01", "date_to": "2026-01-01"}
    assert scoro.session.post(url, json={"documents": 1} | days).status_code == 400


def test_customers_are_believable_and_hard_to_tell_apart() -> None:
    customers = [customer("1", ordinal) for ordinal in range(60)]
    names = [one.company["name"] for one in customers]
    codes = [one.company["id_code"] for one in customers]
    assert len(set(codes)) == len(codes)
    assert len(set(names)) < len(names)
    together = "".join(names)
    for pattern in ("&", "<", '"', "'", ";", "\u00a0", "[\u0590-\u05ff]", "[\u0600-\u06ff]", "[\U0001f300-\U0001faff]"):
        assert re.search(pattern, together), pattern
    assert max(map(len, names)) > 100
    assert any(one.persons for one in customers)


def test_invoices_have_what_real_ones_have() -> None:
    payer = Payer(7, (8, 9))
    made = [invoice(Random(f"1 {number}"), str(number), payer, SPAN) for number in range(600)]
    heads = [head for head, _ in made]
    lines = [row for head in heads for row in head["lines"]]
    assert {head["currency"] for head in heads} == {"GBP", "EUR", "USD"}
    assert any(len({row.get("vat_code_id") for row in head["lines"]} - {None}) == 3 for head in heads)
    assert {len(plan.discounts) for _, plan in made} == {0, 1, 2, 3}
    assert any(plan.discounts and len({row.exempt for row in plan.lines}) == 2 for _, plan in made)
    assert any(row["product_id"] == SUB_HEADING for row in lines)
    assert any(row.get("discount") for row in lines)
    assert any(len(str(row["amount"]).partition(".")[2]) == 6 for row in lines)
    assert any((row["price"], row["amount"]) == ("33.335", "3") for row in lines)
    assert any("\x0b" in row["comment"] for row in lines)
    assert any(len(row["comment"]) > 1000 for row in lines)
    assert any(len(head["description"]) > 1000 for head in heads)
    assert any(head["person_id"] for head in heads)
    assert any(head["project_id"] for head in heads)
    assert any(row.get("custom_fields") for row in lines)
    assert sum(len(head["lines"]) > 10 for head in heads) < 60
    assert all(sums_of(plan).gross > 0 for _, plan in made)


def test_an_edit_changes_object_and_plan_alike() -> None:
    for number in range(60):
        random = Random(number)
        head, plan = invoice(random, "1", Payer(1), SPAN)
        what, given, changed = edit(random, head["description"], head["lines"], plan)
        assert given.keys() <= {"lines", "description"}
        assert (changed == plan) == (what == "changed the description")
        assert len(changed.lines) == len(given.get("lines", head["lines"]))
