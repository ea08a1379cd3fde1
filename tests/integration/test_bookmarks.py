"""Bookmarks: only what is inside is synced, what leaves is no longer updated, what enters is."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from app.wiring import using
from clients.scoro.client import ScoroClient
from console.actions import settings as changing
from console.actions import syncing
from console.actions.previewing import preview
from console.actions.quick import NotPossibleError
from db import connections
from db.connections import Connection
from producers import poll as polling
from producers.heal import Healer, shared_bookmarks
from producers.poll import Poller
from producers.subscriptions import hook_url, subscribe_missing
from sandbox import fixtures
from schemas.kinds import Kind
from schemas.settings import SettingError
from tests.worlds.waiting import until
from tests.worlds.world import World
from workers.runtime import Runtime


class Shelf:
    """A world whose invoices are synced as far as the bookmark 7 holds them."""

    def __init__(self, world: World, runtime: Runtime) -> None:
        self.world = world
        self.runtime = runtime
        self.customer = world.scoro.customer()
        self.holds()
        give_user_token(world)
        world.set(data__invoices__bookmark="7")

    @property
    def scoro(self) -> ScoroClient:
        return self.runtime.scoro(self.world.connection)

    def holds(self, *invoices: int) -> None:
        """Let the bookmark hold these."""
        self.world.scoro.control("bookmarks", {"id": "7", "module": "invoices", "filter": {"id": list(invoices)}})

    def invoice(self, no: str) -> int:
        return self.world.scoro.invoice(no, self.customer)

    def poll(self) -> None:
        """Let the poller look at the invoices and the bookmark."""
        ledger = self.world.ledger

        def connection_of(connection_id: int) -> Connection | None:
            return ledger.db.run(lambda session: connections.load(session, ledger.vault, connection_id))

        poller = Poller(ledger.db, connection_of, self.runtime.scoro, webhooks=False, modules=("invoices",))
        poller.turn()
        self.world.execute("UPDATE poll SET due_at = 'epoch'")
        poller.turn()

    def notes(self, invoice: int) -> list[str]:
        rows = self.world.rows(
            """SELECT n.text FROM note n JOIN document d ON d.id = n.document_id
               WHERE d.module = 'invoices' AND d.scoro_id = %s AND n.text LIKE '%%bookmark%%'""",
            [invoice],
        )
        return [row["text"] for row in rows]


def give_user_token(world: World) -> None:
    username, password = fixtures.SCORO_USER
    request = {
        "username": username,
        "password": password,
        "device_type": "server",
        "device_name": "test",
        "device_id": "1",
    }
    body = {"company_account_id": fixtures.SCORO_ENTITY, "lang": "eng", "request": request}
    answer = requests.post(f"{world.scoro.base_url}/api/v2/userAuth/modify", json=body, timeout=30)
    world.execute("UPDATE site SET user_token = %s", [world.ledger.vault.seal(answer.json()["data"]["token"])])


@pytest.fixture
def shelf(embedded_world: World) -> Iterator[Shelf]:
    with using(embedded_world.settings, embedded_world.ledger) as runtime:
        yield Shelf(embedded_world, runtime)


def test_only_what_is_inside_is_sent(shelf: Shelf) -> None:
    world = shelf.world
    inside, outside = shelf.invoice("IN"), shelf.invoice("OUT")
    shelf.holds(inside)
    for invoice in (inside, outside):
        world.send(invoice)
    with world.running(web=False):
        until(lambda: world.document_is(inside, "posted"), "what is inside is posted")
        until(lambda: world.document_is(outside, "skipped"), "what is outside is skipped")
        world.settle()
    assert world.document(outside)["reason"] == "it is outside the bookmark 7 (data.invoices.bookmark)"
    assert world.intacct.invoices("OUT") == []


def test_a_preview_says_what_is_left_alone(shelf: Shelf) -> None:
    world = shelf.world
    inside, outside = shelf.invoice("IN"), shelf.invoice("OUT")
    shelf.holds(inside)
    made = preview(shelf.runtime, world.connection, Kind.INVOICE, inside)
    assert "create_invoice" in made.functions[-1]
    with pytest.raises(NotPossibleError, match=rf"Invoice {outside} would not be sent: it is outside the bookmark 7"):
        preview(shelf.runtime, world.connection, Kind.INVOICE, outside)
    world.execute("UPDATE site SET user_token = NULL")
    with pytest.raises(NotPossibleError, match="the site has no user's token"):
        preview(shelf.runtime, world.connection, Kind.INVOICE, inside)


def test_what_leaves_is_no_longer_updated_and_what_comes_back_is(shelf: Shelf) -> None:
    world = shelf.world
    invoice = shelf.invoice("MOVES")
    shelf.holds(invoice)
    world.send(invoice)
    with world.running(web=False):
        until(lambda: world.document_is(invoice, "posted"), "it is posted")
        world.settle()
        shelf.poll()
        shelf.holds()
        world.scoro.edit(invoice, reference_no="NEW")
        shelf.poll()
        until(lambda: shelf.notes(invoice), "it is noted that it left")
        world.settle()
        assert world.document_is(invoice, "posted")
        assert world.document(invoice)["reason"].startswith("it is outside the bookmark 7")
        assert len(world.rows("SELECT FROM operation WHERE object = 'ARINVOICE'")) == 1
        world.scoro.edit(invoice, reference_no="NEWER")
        shelf.poll()
        world.settle()
        assert len(shelf.notes(invoice)) == 1
        shelf.holds(invoice)
        world.execute("UPDATE clock SET shift = '61 minutes'")
        shelf.poll()
        until(lambda: len(world.rows("SELECT FROM operation WHERE object = 'ARINVOICE'")) == 2, "it is updated again")
        world.settle()
    assert world.intacct.invoice("MOVES")["DOCNUMBER"] == "NEWER"
    assert world.document(invoice)["reason"] == ""


def test_what_enters_without_being_edited_is_found_within_the_hour(shelf: Shelf) -> None:
    world = shelf.world
    first, later = shelf.invoice("FIRST"), shelf.invoice("LATER")
    shelf.holds(first)
    with world.running(web=False):
        shelf.poll()
        until(lambda: world.document_is(first, "posted"), "what is inside is posted")
        until(lambda: world.document_is(later, "skipped"), "what is outside is skipped")
        world.settle()
        shelf.holds(first, later)
        shelf.poll()
        world.settle()
        assert world.document_is(later, "skipped")
        world.execute("UPDATE clock SET shift = %s", [polling.MEMBERS_EVERY])
        shelf.poll()
        until(lambda: world.document_is(later, "posted"), "it has entered")


def test_setting_a_bookmark_sends_nothing_by_itself_and_sync_now_takes_in_what_is_inside(shelf: Shelf) -> None:
    world = shelf.world
    old = shelf.invoice("STANDS")
    world.execute("UPDATE clock SET shift = '3 days'")
    world.execute("UPDATE connection SET created_at = ledger_now()")
    shelf.holds(old)
    with world.running(web=False):
        shelf.poll()
        world.settle()
        assert world.rows("SELECT FROM document WHERE module = 'invoices' AND scoro_id = %s", [old]) == []
        listing = syncing.look(shelf.runtime, world.connection, [Kind.INVOICE])
        syncing.capture(world.ledger.db, world.connection, listing, actor="cli:anna")
        until(lambda: world.document_is(old, "posted"), "it is taken in")


def test_a_deleted_document_is_a_deletion_not_one_that_left(shelf: Shelf) -> None:
    world = shelf.world
    invoice = shelf.invoice("GONE")
    shelf.holds(invoice)
    world.send(invoice)
    with world.running(web=False):
        until(lambda: world.document_is(invoice, "posted"), "it is posted")
        world.scoro.control(f"delete/invoices/{invoice}", {})
        shelf.poll()
        until(lambda: "deleted in Scoro" in world.document(invoice)["reason"], "it is known to be deleted")


@pytest.mark.parametrize("lost", ["token", "bookmark"])
def test_what_cannot_be_told_is_not_sent_and_is_one_failure(shelf: Shelf, lost: str) -> None:
    world = shelf.world
    made = [shelf.invoice(f"UNKNOWN-{n}") for n in range(3)]
    if lost == "token":
        world.execute("UPDATE site SET user_token = NULL")
    else:
        world.set(data__invoices__bookmark="8")
    for invoice in made:
        world.send(invoice)
    with world.running(web=False):
        until(lambda: all(world.document_is(invoice, "failed") for invoice in made), "they fail")
        until(lambda: world.failures(), "there is a failure")
        world.settle()
    (failure,) = world.failures()
    assert failure["code"] == "bookmark_unreadable"
    assert failure["ids"] == made
    assert "user-token-file=F" in failure["fix"]
    assert world.intacct.invoices() == []


def test_a_bookmark_needs_a_users_token_and_warns_of_filters(embedded_world: World) -> None:
    world = embedded_world

    def change(value: str) -> list[str]:
        return changing.change_as(
            world.ledger.db, world.connection_id, [("data.invoices.bookmark", value)], actor="cli:anna"
        )

    with pytest.raises(
        SettingError, match="user's token first, with `scoro-intacct site set Sandbox user-token-file=F`"
    ):
        change("111")
    give_user_token(world)
    line = " ".join(change("111"))
    assert "Users and, for invoices, Status" in line
    change("")


# ------------------------------------------------------------------------------------------------- webhooks


def test_webhooks_are_narrowed_to_the_bookmark_and_widened_again(shelf: Shelf) -> None:
    world = shelf.world
    with world.running(queues=(), scheduler=False) as address:
        heal(shelf, address)
        assert subscribed(world, address)["invoices"] == ["7"]
        heal(shelf, address)
        assert subscribed(world, address)["invoices"] == ["7"]
        world.set(data__invoices__bookmark="")
        heal(shelf, address)
        assert subscribed(world, address)["invoices"] == [""]


def test_where_scoro_takes_no_bookmark_everything_is_heard(shelf: Shelf) -> None:
    world = shelf.world
    world.scoro.set(bookmark_webhooks=False)
    with world.running(queues=(), scheduler=False) as address:
        for _ in range(2):
            heal(shelf, address)
            assert subscribed(world, address)["invoices"] == [""]


def test_subscriptions_that_are_not_as_they_should_be_are_replaced_and_foreign_ones_left(shelf: Shelf) -> None:
    world = shelf.world
    world.set(data__invoices__bookmark="")
    with world.running(queues=(), scheduler=False) as address:
        foreign = f"{address}?somebody=else"
        shelf.scoro.subscribe_webhook("invoices", foreign)
        shelf.scoro.subscribe_webhook("invoices", address)  # one too many
        for row in world.scoro.records("webhooks"):
            if row["url"] == address and row["module"] == "bills":
                world.scoro.control(f"edit/webhooks/{row['id']}", {"status": 0})
            if row["url"] == address and row["module"] == "expenses":
                world.scoro.control(f"edit/webhooks/{row['id']}", {"action": "create"})
        heal(shelf, address)
        assert {module: len(rows) for module, rows in subscribed(world, address).items()} == dict.fromkeys(
            ("invoices", "bills", "expenses", "projects"), 1
        )
        held = [row for row in world.scoro.records("webhooks") if row["url"] == address]
        assert {(int(row["status"]), row["action"]) for row in held} == {(1, "any")}
        assert [row["module"] for row in world.scoro.records("webhooks") if row["url"] == foreign] == ["invoices"]


def test_the_healer_keeps_how_webhooks_stand(shelf: Shelf) -> None:
    world = shelf.world
    connection = world.connection
    healer = Healer(world.ledger.db, "http://127.0.0.1:1", lambda: [connection], lambda _: shelf.scoro)
    assert not healer.heal()
    row = world.row("SELECT webhooks_at, webhooks_problem FROM connection")
    assert row["webhooks_at"] is not None
    assert "url could not be reached" in row["webhooks_problem"]
    with world.running(queues=(), scheduler=False) as address:
        Healer(world.ledger.db, address.split("/hooks/")[0], lambda: [connection], lambda _: shelf.scoro).heal()
    assert world.row("SELECT webhooks_problem FROM connection")["webhooks_problem"] == ""


def test_connections_that_share_an_address_are_narrowed_only_where_they_agree(shelf: Shelf) -> None:
    mine = shelf.world.connection
    shelf.world.set(data__invoices__bookmark="8", data__bills__bookmark="9")
    theirs = shelf.world.connection
    assert shared_bookmarks([mine]) == {"invoices": "7"}
    assert shared_bookmarks([theirs, theirs]) == {"invoices": "8", "bills": "9"}
    assert shared_bookmarks([mine, theirs]) == {}


def heal(shelf: Shelf, address: str) -> None:
    connection = shelf.world.connection
    bookmarks = shared_bookmarks([connection])
    subscribe_missing(shelf.world.ledger.db, connection.site.id, shelf.scoro, address, bookmarks)
    assert address.endswith(hook_url("", connection.site.hook_token))


def subscribed(world: World, address: str) -> dict[str, list[Any]]:
    """The bookmarks of our subscriptions by module."""
    found: dict[str, list[Any]] = {}
    for row in world.scoro.records("webhooks"):
        if row["url"] == address:
            found.setdefault(row["module"], []).append(str(row.get("bookmark_id") or ""))
    return found
