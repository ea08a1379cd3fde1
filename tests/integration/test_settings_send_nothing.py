"""Changing a setting, or what the mapping reads, sends nothing by itself; an edit afterwards goes as ever."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from console.actions.differing import differing
from db import changes
from sandbox import fixtures
from schemas import document_types
from schemas.kinds import Kind
from schemas.mapping import MappingRow
from tests.worlds.stand_ins import line, lines_of
from tests.worlds.waiting import until
from tests.worlds.world import World


def read_again(world: World, ids: Sequence[int]) -> None:
    """As a poll or a webhook without a change would have it."""
    world.ledger.db.run(
        lambda ledger: changes.capture(
            ledger, world.connection_id, Kind.INVOICE, ids, origin="poll", actor="poll", settle_ms=0
        )
    )
    world.settle()


@pytest.fixture
def posted(embedded_world: World) -> World:
    """An invoice (INV-1, with a department and a project) that stands in Intacct."""
    world = embedded_world
    world.set(dimensions__invoices__DEPARTMENT="")
    fields = [{"id": "c_department", "value": "Strategy"}, {"id": "c_class", "value": "Retainer"}]
    world.scoro.invoice("INV-1", world.scoro.customer(), line(), custom_fields=fields)
    return world


def test_a_dimension_that_is_sent_from_now_on_sends_nothing_by_itself(posted: World) -> None:
    world = posted
    with world.running(web=False):
        read_again(world, [1])
        assert "DEPARTMENTID" not in {n for n, v in lines_of(world.intacct.invoice("INV-1"))[0].items() if v}
        before = world.intacct.last_request()
        world.set(dimensions__invoices__DEPARTMENT="true")
        read_again(world, [1])
        assert world.intacct.functions(before) == []

        world.scoro.edit(1, custom_fields=[{"id": "c_department", "value": "Delivery"}])
        read_again(world, [1])
        assert world.intacct.writes(before) == ["update_invoice"]


def test_an_edit_goes_with_the_settings_of_its_day(posted: World) -> None:
    world = posted
    with world.running(web=False):
        read_again(world, [1])
        world.set(dimensions__invoices__DEPARTMENT="true", memo__template="{number}")
        world.scoro.edit(1, description="Thank you")
        read_again(world, [1])
    (held,) = lines_of(world.intacct.invoice("INV-1"))
    assert (held["ENTRYDESCRIPTION"], bool(held["DEPARTMENTID"])) == ("INV-1", True)


def test_a_release_that_reads_another_field_sends_nothing_by_itself(
    posted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = posted
    with world.running(web=False):
        read_again(world, [1])
        before = world.intacct.last_request()
        more = MappingRow("header", ("modified_date",), "description", "for a test")
        type_ = document_types.DOCUMENT_TYPES["invoices"]
        newer = {**document_types.DOCUMENT_TYPES, "invoices": replace(type_, mapping=(*type_.mapping, more))}
        monkeypatch.setattr("workers.measure.DOCUMENT_TYPES", newer)
        read_again(world, [1])
        assert world.intacct.functions(before) == []


def test_what_waits_is_not_planned_anew_for_a_setting(posted: World) -> None:
    world = posted
    world.execute("UPDATE connection SET state = 'paused'")
    with world.running(web=False):
        world.ledger.db.run(
            lambda ledger: changes.capture(
                ledger, world.connection_id, Kind.INVOICE, [1], origin="poll", actor="poll", settle_ms=0
            )
        )
        until(lambda: world.rows("SELECT FROM operation WHERE object = 'ARINVOICE'"), "it waits")
        world.set(dimensions__invoices__DEPARTMENT="true")
        world.ledger.db.run(
            lambda ledger: changes.capture(
                ledger, world.connection_id, Kind.INVOICE, [1], origin="poll", actor="poll", settle_ms=0
            )
        )
        until(lambda: not world.rows("SELECT FROM change WHERE state IN ('waiting', 'reading')"), "it was read again")
    assert world.row("SELECT count(*) AS n FROM operation WHERE object = 'ARINVOICE'")["n"] == 1


def test_what_would_come_out_differently_today_is_listed_with_its_places(posted: World) -> None:
    world = posted
    with world.running(web=False):
        read_again(world, [1])
        before = world.intacct.last_request()
        assert list(differing(world.ledger.db, world.connection)) == []

        world.set(memo__template="{number}")
        (found,) = differing(world.ledger.db, world.connection)
        assert (found.kind, found.scoro_id, found.state) == (Kind.INVOICE, 1, "posted")
        assert [place.partition(":")[0] for place in found.places] == ["line 1 memo"]
        assert found.reason.endswith("-> INV-1")
        read_again(world, [1])
        assert world.intacct.functions(before) == []

        world.send(1)
        world.settle()
        assert lines_of(world.intacct.invoice("INV-1"))[0]["ENTRYDESCRIPTION"] == "INV-1", "a person sent it"
        assert list(differing(world.ledger.db, world.connection)) == []
        before = world.intacct.last_request()
        world.send(1)
        world.settle()
        assert world.intacct.functions(before) == [], "nothing differs any more"


def test_what_could_not_be_translated_today_is_listed_too(posted: World) -> None:
    world = posted
    with world.running(web=False):
        read_again(world, [1])
        world.change_settings({f"accounts.map.{fixtures.SCORO_ACCOUNT_IDS['4000']}": "9999"})
        (found,) = differing(world.ledger.db, world.connection)
    assert "cannot be translated today" in found.reason
    assert "9999" in found.reason
