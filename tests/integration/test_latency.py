"""The one promise about time: on an idle system an edit is on its way to Intacct within half a second."""

import statistics
import time

import pytest

from app.wiring import open_ledger
from producers import manual
from schemas.kinds import Kind
from tests.worlds.waiting import until
from tests.worlds.world import World

pytestmark = pytest.mark.alone

EDITS = 20
MOST_S = 0.5


def test_an_edit_on_an_idle_system_leaves_within_half_a_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the commit of the webhook's change to the moment at which the request leaves."""
    world.set(delivery__settle_ms="0")
    with world.running():
        invoice = world.scoro.invoice("INV-1", world.scoro.customer())
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        world.settle()
        lags = []
        for edit in range(EDITS):
            world.execute("UPDATE change SET captured_at = captured_at - interval '1 minute'")  # idle for long
            world.scoro.edit(invoice, description=f"Edit {edit}")
            until(lambda edit=edit: _description(world) == f"Edit {edit}", "the edit stands in Intacct")  # type: ignore[misc]
            world.settle()
            lags.append(_lag_s(world))
    print(f"median {statistics.median(lags) * 1000:.0f} ms, most {max(lags) * 1000:.0f} ms")
    assert statistics.median(lags) < MOST_S
    assert world.intacct.functions().count("update_invoice") == EDITS


def test_send_in_a_second_process_is_heard_at_once(embedded_world: World) -> None:
    world = embedded_world
    with world.running(web=False, scheduler=False), open_ledger(world.settings, actor="cli") as other:
        invoice = world.scoro.invoice("INV-1", world.scoro.customer())
        world.send(invoice)
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        took = []
        for edit in range(5):
            world.scoro.edit(invoice, description=f"Edit {edit}")
            started = time.monotonic()
            manual.send(other.db, world.connection, Kind.INVOICE, invoice, "cli:tester")
            until(lambda edit=edit: _description(world) == f"Edit {edit}", "it stands in Intacct", pause_s=0.005)  # type: ignore[misc]
            took.append(time.monotonic() - started)
    assert statistics.median(took) < MOST_S


def _description(world: World) -> str:
    return str(world.intacct.invoice("INV-1")["DESCRIPTION"])


def _lag_s(world: World) -> float:
    """From the commit of the newest change to the departure of the newest request."""
    row = world.row(
        "SELECT extract(epoch FROM (SELECT max(left_at) FROM request) - (SELECT max(captured_at) FROM change)) AS lag_s"
    )
    return float(row["lag_s"])
