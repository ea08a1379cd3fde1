"""Pages that work when they are asked: checks, what would come out differently, replays, addresses of quick actions."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from console.actions import differing as actions
from console.actions import people
from console.pages import differing
from db.people import Role
from tests.worlds.browsing import Somebody, hidden_fields, person
from tests.worlds.waiting import until
from tests.worlds.world import World


@pytest.fixture
def site(embedded_world: World) -> Iterator[str]:
    with embedded_world.running() as hook:
        yield hook.split("/hooks/")[0]


def somebody(world: World, site: str, role: Role) -> Somebody:
    person(world.ledger.db, role, role)
    one = Somebody(site)
    one.sign_in(role)
    return one


def api(world: World, site: str, role: Role, method: str, path: str, **more: Any) -> requests.Response:
    token = people.add_token(world.ledger.db, f"program-{uuid.uuid4().hex}", role, 30, actor="cli:test")
    headers = {"Authorization": f"Bearer {token}"}
    return requests.request(method, f"{site}/api/v1{path}", headers=headers, timeout=60, **more)


def invoices(world: World, count: int) -> None:
    customer = world.scoro.customer()
    for number in range(1, count + 1):
        world.scoro.invoice(f"INV-{number}", customer)
    world.settle()


# ------------------------------------------------------------------------------------------------- checks


def test_checks_look_at_the_environment_and_both_sides_and_tell_the_fix(embedded_world: World, site: str) -> None:
    ben = somebody(embedded_world, site, Role.OPERATOR)
    assert "Nothing was looked at yet" in ben.get("/checks").text
    before = embedded_world.intacct.last_request()
    embedded_world.execute("UPDATE connection SET state = 'paused', reason = 'stock-taking'")
    page = ben.post("/checks", page="/checks")
    assert page.status_code == 200
    for told in ("DATA_DIR", "PostgreSQL", "SECRET_KEYS opens", "it is paused: stock-taking", "connection resume"):
        assert told in page.text, told
    assert page.text.index("it is paused") < page.text.index("SECRET_KEYS opens"), "the worst stands first"
    assert embedded_world.intacct.last_request() == before
    asked = ben.post("/checks", {"ask_intacct": "yes"}, page="/checks").text
    assert "Intacct takes the sign-in" in asked
    assert embedded_world.intacct.last_request() == before + 1


def test_whoever_only_looks_may_not_ask_the_far_sides(embedded_world: World, site: str) -> None:
    eve = somebody(embedded_world, site, Role.VIEWER)
    assert "Check now" not in eve.get("/checks").text
    assert eve.post("/checks").status_code == 403


def test_programs_get_the_same_findings(embedded_world: World, site: str) -> None:
    found = api(embedded_world, site, Role.OPERATOR, "POST", "/checks").json()
    assert {"DATA_DIR", "PostgreSQL", "secrets", f"connection {embedded_world.connection.name}"} <= {
        row["about"] for row in found
    }
    assert {row["level"] for row in found} <= {"ok", "note", "warning", "broken"}


# ------------------------------------------------------------------------------------------------- differing


def test_what_would_come_out_differently_is_shown_in_pages_that_go_on(
    embedded_world: World, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.actions.differing.BATCH", 2)
    monkeypatch.setattr(differing, "MOST_SHOWN", 2)
    eve = somebody(embedded_world, site, Role.VIEWER)
    invoices(embedded_world, 3)
    there = {"connection": embedded_world.connection_id}
    assert "0 of 3 documents" in eve.get("/documents/differing", params=there).text
    assert "Nothing was looked at yet" in eve.get("/documents/differing").text

    embedded_world.set(memo__template="{number}")
    before = embedded_world.intacct.last_request()
    first = eve.get("/documents/differing", params=there).text
    assert "2 of 2 documents" in first
    assert first.rstrip().endswith("</html>"), "the page is whole"
    older = first.split('class="btn" href="')[1].split('"')[0].replace("&amp;", "&")
    second = eve.get(older).text
    assert "1 of 1 documents" in second
    assert "Go on with older ones" not in second
    names = [re.findall(r">invoice (INV-\d)<", page) for page in (first, second)]
    stored = embedded_world.rows("SELECT number FROM document WHERE kind = 'invoice' ORDER BY id DESC")
    newest = [row["number"] for row in stored]
    assert names == [newest[:2], newest[2:]]
    assert "line 1 memo" in second
    assert embedded_world.intacct.last_request() == before, "nothing of it is sent"

    page = api(embedded_world, site, Role.VIEWER, "GET", f"/connections/{embedded_world.connection_id}/differing")
    assert ([row["number"] for row in page.json()["rows"]], page.json()["looked_at"]) == (newest[:2], 2)
    assert page.json()["next"]


def test_a_page_that_loses_the_ledger_half_way_says_that_it_is_not_all(
    embedded_world: World, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.actions.differing.BATCH", 2)
    eve = somebody(embedded_world, site, Role.VIEWER)
    invoices(embedded_world, 3)
    read, calls = actions._read, []

    def lost_at_the_second(*given: Any) -> Any:
        calls.append(given)
        if len(calls) > 1:
            embedded_world.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database() AND state = 'idle in transaction'"
            )
        return read(*given)

    monkeypatch.setattr(actions, "_read", lost_at_the_second)
    page = eve.get("/documents/differing", params={"connection": embedded_world.connection_id}).text
    assert "PostgreSQL does not answer any more: this is not all." in page
    assert "Go on with older ones" in page


# ------------------------------------------------------------------------------------------------- replays


def refused_invoice(world: World) -> str:
    """An invoice that Intacct refuses; returns the page of its failure."""
    world.intacct.set(multi_currency=False)
    world.scoro.invoice("INV-9", world.scoro.customer(), currency="EUR")
    world.settle()
    world.intacct.set(multi_currency=True)
    return f"/failures/{world.row('SELECT id FROM failure')['id']}"


def test_a_replay_shows_how_far_it_is_and_is_cancelled(embedded_world: World, site: str) -> None:
    ben, eve = (somebody(embedded_world, site, role) for role in (Role.OPERATOR, Role.VIEWER))
    assert "No replays yet" in ben.get("/replays").text
    failure = refused_invoice(embedded_world)
    # so that it has not ended before it is looked at
    embedded_world.execute("UPDATE site SET held_until = ledger_now() + interval '1 hour'")
    asked = ben.post(f"{failure}/read", page=failure).text
    begun = ben.session.post(f"{site}/failures/replay", data={**hidden_fields(asked), "why": "mended"}, timeout=30)
    assert begun.url == f"{site}/replays"
    assert "1 under way, of 1" in begun.text
    assert "Cancel" not in eve.get("/replays").text
    assert eve.post("/replays/1/cancel").status_code == 403
    assert "Replay 1 is cancelled" in ben.post("/replays/1/cancel", page="/replays").text
    assert "1 cancelled, of 1" in eve.get("/live/replays").text
    again = ben.post("/replays/1/cancel", page="/replays")
    assert (again.status_code, "no replay 1 that runs" in again.text) == (422, True)
    assert embedded_world.rows("SELECT DISTINCT actor FROM journal WHERE subject = 'failure' AND to_state = 'replayed'")
    listed = api(embedded_world, site, Role.VIEWER, "GET", "/replays").json()
    assert [(row["id"], row["state"], row["cancelled"]) for row in listed] == [(1, "cancelled", 1)]
    assert api(embedded_world, site, Role.OPERATOR, "POST", "/replays/1/cancel").status_code == 422


# ------------------------------------------------------------------------------------------------- quick actions


def test_an_address_is_made_shown_once_used_and_ended(embedded_world: World, site: str) -> None:
    ann = somebody(embedded_world, site, Role.ADMIN)
    page = f"/connections/{embedded_world.connection_id}/quick-actions"
    assert page in ann.get(f"/connections/{embedded_world.connection_id}").text
    assert "No addresses yet" in ann.get(page).text
    made = ann.post(page, {"user": "ben", "action": "send", "kind": "invoice", "days": "90"}, page=page).text
    (address,) = re.findall(r'class="secret">(\S+?)<', made)
    assert "Whoever has it acts as ben" in made
    assert "/actions/" not in ann.get(page).text, "it is shown only once"
    answer = requests.post(address, json={"id": 17}, timeout=30)
    assert (answer.status_code, answer.text) == (200, "Invoice 17 is on its way.\n")
    assert "acts no more" in ann.post(f"{page}/1/revoke", page=page).text
    assert requests.post(address, json={"id": 17}, timeout=30).status_code == 410
    told = embedded_world.rows("SELECT actor FROM journal WHERE to_state LIKE 'quick action %%'")
    assert told == [{"actor": "console:admin"}] * 2


def test_an_address_that_cannot_be_made_keeps_what_was_typed(embedded_world: World, site: str) -> None:
    ann = somebody(embedded_world, site, Role.ADMIN)
    embedded_world.change_settings({"quick_actions.users": "anna"})
    page = f"/connections/{embedded_world.connection_id}/quick-actions"
    for form, said in (
        ({"user": "ben", "days": "7"}, "ben may not send or fetch"),
        ({"user": "anna", "days": "soon"}, "Days are a number"),
        ({"user": "anna", "days": "0"}, "Days are a number"),
        ({"user": "anna", "kind": "receipt", "days": ""}, "not sent from Scoro"),
    ):
        answer = ann.post(page, form, page=page)
        assert answer.status_code == 422
        assert said in answer.text
        assert f'value="{form["user"]}"' in answer.text
        assert f'name="days" inputmode="numeric" value="{form["days"]}"' in answer.text
    assert embedded_world.row("SELECT count(*) AS n FROM action_address")["n"] == 0


def test_only_admins_make_and_end_addresses(embedded_world: World, site: str) -> None:
    ben = somebody(embedded_world, site, Role.OPERATOR)
    page = f"/connections/{embedded_world.connection_id}/quick-actions"
    assert "Make it" not in ben.get(page).text
    assert ben.post(page, {"user": "ben"}).status_code == 403
    assert ben.post(f"{page}/1/revoke").status_code == 403


def test_programs_make_list_and_end_addresses(embedded_world: World, site: str) -> None:
    there = f"/connections/{embedded_world.connection_id}/actions"
    assert api(embedded_world, site, Role.OPERATOR, "POST", there, json={"user": "ben"}).status_code == 403
    made = api(embedded_world, site, Role.ADMIN, "POST", there, json={"user": "ben", "kind": "invoice"}).json()
    assert requests.post(site + made["path"], json={"id": 17}, timeout=30).status_code == 200
    (listed,) = api(embedded_world, site, Role.VIEWER, "GET", "/actions").json()
    assert (listed["user"], listed["uses"], listed["state"]) == ("ben", 1, "valid")
    assert "path" not in listed
    revoked = api(embedded_world, site, Role.ADMIN, "POST", f"/actions/{made['id']}/revoke")
    assert revoked.json()["done"] == ["Address 1 of ben acts no more."]
    until(lambda: requests.post(site + made["path"], json={"id": 17}, timeout=30).status_code == 410, "it has ended")
