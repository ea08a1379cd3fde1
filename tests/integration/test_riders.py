"""Reads ride in write requests that leave anyway, and never harm the writes."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from db.database import Ledger
from schemas.intacct.functions import Function, equal, query
from tests.worlds.stand_ins import line
from tests.worlds.world import World
from workers.carrier import deadline_s
from workers.delivery import sources
from workers.delivery.riders import Leaving, Results, Rider

Heard = list[Results]
Source = Callable[[Ledger, Leaving], Sequence[Rider]]


def reading(function: Callable[[Leaving], Function], heard: Callable[[Ledger, Results], None]) -> Source:
    """A source of one rider with one read."""

    def source(_: Ledger, leaving: Leaving) -> Sequence[Rider]:
        return [Rider("test", {"mine": function(leaving)}, heard)]

    return source


def by_number(leaving: Leaving) -> Function:
    """Read what the first operation of the pack makes."""
    return query(
        "ARINVOICE", ["RECORDNO", "RECORDID", "TOTALENTERED"], equal("RECORDID", leaving.sending[-1].natural_key)
    )


@pytest.fixture
def ride(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have only these sources ride."""
    return lambda *chosen: monkeypatch.setattr(sources, "SOURCES", chosen)


def invoice(world: World) -> int:
    """An invoice that Scoro has."""
    number = f"INV-{len(world.scoro.records('invoices')) + 1}"
    return world.scoro.invoice(number, world.scoro.customer(), line())


def sent(world: World, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Send invoices with the product running; returns the requests that the gateway received."""
    before = world.intacct.last_request()
    with world.running(web=False):
        for invoice_id in ids:
            world.send(invoice_id)
        world.settle()
    return world.intacct.requests(before)


def test_a_read_sees_what_the_request_has_just_made_and_costs_none_of_its_own(
    embedded_world: World, ride: Callable[..., None]
) -> None:
    heard: Heard = []
    ride(reading(by_number, lambda _, results: heard.append(results)))
    number = invoice(embedded_world)
    (request,) = sent(embedded_world, [number])
    assert request["functions"][-1] == "query"
    (results,) = heard
    assert results["mine"].rows[0]["TOTALENTERED"] == "120.00"
    row = embedded_world.row("SELECT functions, deadline_s FROM request WHERE purpose = 'interactive'")
    assert row["functions"] == len(request["functions"]), "riders count in functions and in the deadline"
    assert row["deadline_s"] == deadline_s(row["functions"])


def test_a_rider_that_fails_is_undone_alone(embedded_world: World, ride: Callable[..., None]) -> None:
    def fails(ledger: Ledger, _: Results) -> None:
        ledger.execute("UPDATE site SET request_limit = 1")
        raise RuntimeError("a fault of the rider")

    def not_made(_: Ledger, __: Leaving) -> Sequence[Rider]:
        raise RuntimeError("a fault of the source")

    misshapen = Function(name="query", body={"nonsense": "1"})
    ride(not_made, reading(lambda _: misshapen, lambda _, __: None), reading(by_number, fails))
    number = invoice(embedded_world)
    sent(embedded_world, [number])
    assert embedded_world.document_is(number, "posted")
    assert embedded_world.row("SELECT request_limit FROM site")["request_limit"] == 4000


def test_a_read_that_intacct_refuses_leaves_the_writes_alone(embedded_world: World, ride: Callable[..., None]) -> None:
    heard: Heard = []
    ride(reading(lambda _: query("NOSUCHOBJECT", ["RECORDNO"]), lambda _, results: heard.append(results)))
    number = invoice(embedded_world)
    sent(embedded_world, [number])
    assert embedded_world.document_is(number, "posted")
    assert not heard[0]["mine"].succeeded


def test_a_read_that_spoils_the_request_is_left_behind_before_a_document_is_suspected(
    embedded_world: World, ride: Callable[..., None]
) -> None:
    heard: Heard = []
    too_many = {"in": {"field": "RECORDNO", "value": [str(number) for number in range(1, 1002)]}}
    spoils = query("ARINVOICE", ["RECORDNO"], too_many)
    ride(reading(lambda _: spoils, lambda _, results: heard.append(results)))
    number = invoice(embedded_world)
    spoiled, alone = sent(embedded_world, [number])
    assert embedded_world.document_is(number, "posted")
    assert (spoiled["functions"] or ["query"])[-1] == "query"
    assert "query" not in alone["functions"]
    assert heard == [{}]
    embedded_world.intacct.reset()  # nobody judges the request that was meant to be unreadable


def test_riders_stay_within_the_bounds_of_a_pack(embedded_world: World, ride: Callable[..., None]) -> None:
    heard: Heard = []
    ride(reading(by_number, lambda _, results: heard.append(results)))
    embedded_world.set(delivery__max_functions="1")
    (made,) = (invoice(embedded_world),)
    sent(embedded_world, [made])
    assert embedded_world.document_is(made, "posted")
    assert not heard
