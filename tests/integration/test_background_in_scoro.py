"""Scoro's finance accounts and VAT codes are brought in step with Intacct's, and back."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.wiring import using
from console.actions import background
from console.actions.connecting import read_background
from tests.worlds.world import World
from workers.runtime import Runtime

Record = dict[str, Any]


@pytest.fixture
def runtime(embedded_world: World) -> Iterator[Runtime]:
    """What commands work with."""
    with using(embedded_world.settings, embedded_world.ledger) as made:
        yield made


def accounts(world: World) -> dict[str, int]:
    """Whether each account of Scoro is active, by symbol."""
    return {row["account_symbol"]: row["is_active"] for row in world.scoro.records("financeAccounts")}


def codes(world: World) -> dict[str, int]:
    """Whether each VAT code of Scoro is active, by code."""
    return {row["vat_code"]: row["is_active"] for row in world.scoro.records("vatCodes")}


def new_in_intacct(world: World, runtime: Runtime) -> None:
    """An account that Scoro does not have, and both sides read again."""
    record = {"RECORDNO": "9001", "ACCOUNTNO": "6999", "TITLE": "Courses", "STATUS": "active", "MEGAENTITYID": ""}
    world.intacct.control("load", {"GLACCOUNT": [record]})
    read_background(runtime, world.connection)


def test_what_intacct_lacks_becomes_inactive_and_what_scoro_lacks_is_made(
    embedded_world: World, runtime: Runtime
) -> None:
    world = embedded_world
    new_in_intacct(world, runtime)
    found = background.plan(runtime, world.connection)
    assert [step.title for step in found.inactive] == [
        "finance account 9999 Old suspense account",
        "VAT code X17.5 Old standard rate 17.5%",
    ]
    assert [step.title for step in found.new] == ["finance account 6999 Courses"]
    said = background.apply(runtime, world.connection, [*found.new, *found.inactive])
    assert "1 finance account made in Scoro" in said
    assert (accounts(world)["9999"], accounts(world)["6999"], codes(world)["X17.5"]) == (0, 1, 0)
    again = background.plan(runtime, world.connection)
    assert not again.new
    assert not again.inactive
    background.restore(runtime, world.connection)
    assert (accounts(world)["9999"], accounts(world)["6999"], codes(world)["X17.5"]) == (1, 0, 1)


def test_a_change_without_an_answer_is_looked_for_instead_of_made_again(
    embedded_world: World, runtime: Runtime
) -> None:
    world = embedded_world
    new_in_intacct(world, runtime)
    world.scoro.fault("lost_after_commit", module="financeAccounts", action="modify")
    found = background.plan(runtime, world.connection)
    said = background.apply(runtime, world.connection, found.new)
    assert "not changed yet" in said[0]
    read_background(runtime, world.connection)
    background.settle_doubts(runtime, world.connection)
    assert not background.plan(runtime, world.connection).new
    assert len([row for row in world.scoro.records("financeAccounts") if row["account_symbol"] == "6999"]) == 1
    background.restore(runtime, world.connection)
    assert accounts(world)["6999"] == 0


def test_where_scoro_does_not_allow_it_the_steps_by_hand_are_told(embedded_world: World, runtime: Runtime) -> None:
    world = embedded_world
    world.scoro.set(background_writes=False)
    found = background.plan(runtime, world.connection)
    said = background.apply(runtime, world.connection, found.inactive)
    assert any(
        line == "by hand in Scoro, Settings > Site settings > Finance accounts: make inactive 9999 Old suspense account"
        for line in said
    )
    assert accounts(world)["9999"] == 1
    assert world.row("SELECT count(*) AS n FROM scoro_background WHERE state = 'done'")["n"] == 0
