"""Totals are compared with Intacct's after posting, in requests that leave anyway."""

from typing import Any

import pytest

from tests.worlds.stand_ins import line
from tests.worlds.world import World


def sent(world: World, *ids: int) -> list[dict[str, Any]]:
    """Let workers send these; returns the requests that the gateway received."""
    before = world.intacct.last_request()
    with world.running(web=False):
        for invoice in ids:
            world.send(invoice)
        world.settle()
    return world.intacct.requests(before)


def invoice(world: World, number: str = "INV-1", **fields: Any) -> int:
    return world.scoro.invoice(number, world.scoro.customer(), line("100.00"), **fields)


def test_a_record_is_read_back_in_the_request_that_wrote_it(embedded_world: World) -> None:
    world = embedded_world
    made = invoice(world)
    (request,) = sent(world, made)
    assert request["functions"] == ["create", "create_invoice", "query"]
    seen = world.row("SELECT seen, record_state, differs FROM link WHERE object = 'ARINVOICE'")
    assert (seen["seen"]["TRX_TOTALENTERED"], seen["record_state"], seen["differs"]) == ("120.00", "Posted", None)

    world.scoro.edit(made, description="Edited")
    (request,) = sent(world, made)
    assert request["functions"] == ["query", "query", "update_invoice", "query"], "what it replaces is read in front"
    assert world.row("SELECT seen FROM link WHERE object = 'ARINVOICE'")["seen"]["DESCRIPTION"] == "Edited"


def test_a_total_that_intacct_holds_otherwise_is_a_failure_with_both_sums(embedded_world: World) -> None:
    world = embedded_world
    world.intacct.set(total_skew="0.01")
    first = invoice(world)
    sent(world, first, invoice(world, "INV-2"))
    assert world.document(first)["state"] == "failed"
    (failure,) = world.failures()
    assert failure["code"] == "totals_differ"
    assert "holds a total of 120.01, Scoro's is 120.00" in failure["cause"]
    assert "documents keep invoice" in failure["fix"]
    assert len(failure["ids"]) == 2

    world.intacct.set(total_skew="0")
    world.scoro.edit(first, description="Edited")
    sent(world, first)
    assert world.document(first)["state"] == "posted"
    assert [len(failure["ids"]) for failure in world.failures()] == [1]


def test_what_found_no_room_is_read_back_in_the_next_request(
    embedded_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = embedded_world
    monkeypatch.setattr("workers.delivery.sources.SOURCES", ())
    first = invoice(world)
    sent(world, first)
    assert world.row("SELECT seen FROM link WHERE object = 'ARINVOICE'")["seen"] is None
    monkeypatch.undo()
    (request,) = sent(world, invoice(world, "INV-2"))
    assert request["functions"].count("query") == 2
    assert all(row["seen"] for row in world.rows("SELECT seen FROM link WHERE object = 'ARINVOICE'"))


def test_a_read_back_that_fails_costs_nothing_and_is_made_again(embedded_world: World) -> None:
    world = embedded_world
    world.intacct.fault("error", function="query")
    first = invoice(world)
    assert len(sent(world, first)) == 1
    assert world.document(first)["state"] == "posted"
    assert world.row("SELECT seen FROM link WHERE object = 'ARINVOICE'")["seen"] is None
    sent(world, invoice(world, "INV-2"))
    assert all(row["seen"] for row in world.rows("SELECT seen FROM link WHERE object = 'ARINVOICE'"))
