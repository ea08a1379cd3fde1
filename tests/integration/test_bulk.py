"""Many documents by webhooks: few requests, every total to the cent, the broken ones named, nothing twice."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from clients.scoro.client import ScoroClient
from producers import manual
from sandbox import fixtures
from schemas.kinds import Kind
from tests.worlds.judge import differences
from tests.worlds.waiting import until
from tests.worlds.world import World
from workers.translation import Context, Translation
from workers.translation import translate as translate_document

DOCUMENTS = 150
FIELDS = {
    "line_without_account": "finance_account_id",
    "unknown_tax_rate": "vat_code_id",
    "unknown_currency": "currency",
    "customer_without_name": "name",
    "unexplained_total": "sum",
}
"""Why a generated document is broken -> the field that the failure must name."""

Record = dict[str, Any]


def test_generated_documents_stand_in_intacct_with_the_generators_own_numbers(rabbit_world: World) -> None:
    world = rabbit_world
    world.set(delivery__linger_ms="2000")
    before = world.requests_received()
    with world.running():
        made = world.scoro.generate(DOCUMENTS, broken=True)
        until(lambda: len(world.rows("SELECT FROM document WHERE kind = 'invoice'")) >= DOCUMENTS, "all were heard of")
        world.settle(90)
        expected = world.scoro.expected()
        assert set(made["broken"].values()) == set(FIELDS)
        assert differences(expected, world.intacct.invoices()) == []
        assert world.requests_received() - before <= DOCUMENTS / 25
        assert world.requests_used() == world.requests_received()
        _broken_ones_are_failures(world, made["broken"], {row["id"]: row["no"] for row in expected["documents"]})

        _reading_all_again_writes_nothing(world)

        _twenty_edits_take_two_requests(world)


def _broken_ones_are_failures(world: World, broken: dict[str, str], numbers: dict[int, str]) -> None:
    assert {failure["code"] for failure in world.failures()}, "there are failures"
    held_up = sorted(document for failure in world.failures() for document in failure["ids"])
    assert held_up == sorted(map(int, broken))
    for scoro_id, reason in broken.items():
        letter = world.row(
            """SELECT l.* FROM dead_letter l JOIN document d ON d.id = l.document_id
               WHERE d.scoro_id = %s AND d.kind = 'invoice'""",
            [int(scoro_id)],
        )
        assert letter["field"].endswith(FIELDS[reason]), (reason, letter["field"])
        assert numbers[int(scoro_id)] in letter["cause"]
        assert letter["fix"]
        assert world.document_is(int(scoro_id), "failed")


def _reading_all_again_writes_nothing(world: World) -> None:
    before = world.intacct.last_request()
    connection = world.connection
    scoro = ScoroClient(connection.site.url, fixtures.SCORO_API_KEY, None, connection.scoro_entity, allow_local=True)
    assert sum(manual.sync(world.ledger.db, connection, scoro, Kind.INVOICE, "cli:tester")) == DOCUMENTS
    world.settle(90)
    assert world.intacct.functions(before) == []


def _twenty_edits_take_two_requests(world: World) -> None:
    before = world.intacct.last_request()
    edits = world.scoro.control("edits", {"count": 20, "seed": 3})
    assert len(edits["ids"]) == 20
    until(lambda: len(world.intacct.writes(before)) >= 20, "twenty updates have arrived")
    world.settle()
    assert world.intacct.writes(before) == ["update_invoice"] * 20
    assert len(world.intacct.requests(before)) <= 2
    assert differences(world.scoro.expected(), world.intacct.invoices()) == []


Mutation = Callable[[list[Record]], None]


def drop_a_line(lines: list[Record]) -> None:
    del lines[-1]


def swap_a_sign(lines: list[Record]) -> None:
    amount = str(lines[0]["amount"])
    lines[0]["amount"] = amount.removeprefix("-") if amount.startswith("-") else f"-{amount}"


def book_a_wrong_rate(lines: list[Record]) -> None:
    for held in lines:
        if held["taxentries"]["taxentry"][0]["trx_tax"] != "0.00":
            held["taxentries"]["taxentry"][0]["trx_tax"] = "0.01"
            return


@pytest.mark.parametrize("mutation", [drop_a_line, swap_a_sign, book_a_wrong_rate])
def test_the_comparison_notices_a_translation_that_is_wrong_once(
    embedded_world: World, monkeypatch: pytest.MonkeyPatch, mutation: Mutation
) -> None:
    world = embedded_world
    spoilt: list[str] = []

    def translate(invoice: Any, context: Context) -> Translation:
        right = translate_document(invoice, context)
        body: Any = copy.deepcopy(dict(right.function.body))
        lines = body["invoiceitems"]["lineitem"]
        if spoilt or len(lines) < 2:
            return right
        mutation(lines)
        if body == right.function.body:
            return right
        spoilt.append(right.number)
        return replace(right, function=right.function.model_copy(update={"body": body}))

    monkeypatch.setattr("workers.decide.translate", translate)
    with world.running():
        world.scoro.generate(12)
        until(lambda: len(world.intacct.invoices()) == 12, "all stand in Intacct")
        world.settle()
    found = differences(world.scoro.expected(), world.intacct.invoices())
    assert len(spoilt) == 1
    assert any(spoilt[0] in difference for difference in found), found
    assert any("in all" in difference for difference in found), found
    assert not any(number in difference for difference in found for number in _others(world, spoilt[0]))


def _others(world: World, number: str) -> list[str]:
    return [invoice["RECORDID"] for invoice in world.intacct.invoices() if invoice["RECORDID"] != number]


def test_the_comparison_notices_what_is_lost_doubled_and_in_excess(embedded_world: World) -> None:
    world = embedded_world
    with world.running():
        made = world.scoro.generate(8, broken=True)
        until(lambda: len(world.intacct.invoices()) == 8 - len(made["broken"]), "the healthy ones stand in Intacct")
    expected, held = world.scoro.expected(), world.intacct.invoices()
    assert differences(expected, held) == []
    assert f"{held[0]['RECORDID']} is missing" in differences(expected, held[1:])
    assert f"{held[0]['RECORDID']} stands 2 times" in differences(expected, [*held, held[0]])
    broken = next(row["no"] for row in expected["documents"] if row["broken"])
    assert f"{broken} should not be there" in differences(expected, [*held, {**held[0], "RECORDID": broken}])
    currency = [{**held[0], "CURRENCY": "JPY"}, *held[1:]]
    assert f"{held[0]['RECORDID']}: currency is JPY" in " ".join(differences(expected, currency))
