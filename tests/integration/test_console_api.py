import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from console.actions import people
from db.people import Role
from tests.worlds.browsing import Somebody, person
from tests.worlds.world import World

Ask = Callable[..., requests.Response]


@pytest.fixture
def site(embedded_world: World) -> Iterator[str]:
    with embedded_world.running() as hook:
        yield hook.split("/hooks/")[0]


@pytest.fixture
def ask(embedded_world: World, site: str) -> Callable[[Role], Ask]:
    """A program with a token of a role."""

    def make(role: Role) -> Ask:
        token = people.add_token(embedded_world.ledger.db, f"program-{role}", role, 30, actor="cli:test")

        def call(method: str, path: str, **more: Any) -> requests.Response:
            headers = {"Authorization": f"Bearer {token}"}
            return requests.request(method, f"{site}/api/v1{path}", headers=headers, timeout=30, **more)

        return call

    return make


def test_every_address_of_the_api_wants_a_token_that_works(embedded_world: World, site: str) -> None:
    db = embedded_world.ledger.db
    token = people.add_token(db, "reports", Role.VIEWER, 30, actor="cli:test")
    given = {"Authorization": f"Bearer {token}"}
    paths = requests.get(f"{site}/api/v1/openapi.json", headers=given, timeout=30).json()["paths"]
    assert len(paths) > 10
    for path, methods in paths.items():
        there = re.sub(r"\{kind\}", "invoice", re.sub(r"\{\w+_id\}", "1", path)).replace("{action}", "resolve")
        for method in methods:
            for headers in ({}, {"Authorization": "Bearer si_wrong"}, {"Authorization": "Basic YTpi"}):
                answer = requests.request(method, f"{site}/api/v1{there}", headers=headers, json={}, timeout=30)
                assert (answer.status_code, list(answer.json())) == (401, ["error"]), (method, path)
    assert requests.get(f"{site}/api/v1/quota", headers=given, timeout=30).status_code == 200
    people.revoke_token(db, 1, actor="cli:test")
    assert requests.get(f"{site}/api/v1/quota", headers=given, timeout=30).status_code == 401


def test_a_browser_that_is_signed_in_reads_the_description_and_nothing_else(embedded_world: World, site: str) -> None:
    person(embedded_world.ledger.db, "anna", Role.ADMIN)
    anna = Somebody(site)
    anna.sign_in("anna")
    assert anna.get("/api/v1/openapi.json").json()["info"]["title"] == "scoro-intacct"
    assert anna.get("/api/v1/documents").status_code == 401


def test_documents_failures_and_requests_are_read_in_pages(embedded_world: World, ask: Callable[[Role], Ask]) -> None:
    customer = embedded_world.scoro.customer()
    ids = [embedded_world.scoro.invoice(f"INV-{n}", customer) for n in (1, 2, 3)]
    embedded_world.scoro.invoice("INV-4", customer, currency="XXX")
    embedded_world.settle()
    reports = ask(Role.VIEWER)
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = reports("GET", "/documents", params={"size": 2, **({"before": cursor} if cursor else {})}).json()
        seen += page["rows"]
        cursor = page["next"]
        if cursor is None:
            break
    assert len({row["id"] for row in seen}) == len(seen) == 4
    assert all(isinstance(row["amount"], str) for row in seen)
    story = reports("GET", f"/documents/invoice/{ids[0]}").json()
    assert story["operations"][0]["state"] == "posted"
    (failure,) = reports("GET", "/failures", params={"class": "data"}).json()["rows"]
    assert (failure["count"], failure["state"]) == (1, "open")
    assert reports("GET", f"/failures/{failure['id']}").json()["letters"][0]["number"] == "INV-4"
    acts = ask(Role.OPERATOR)
    price = acts("POST", "/failures/replay", json={"failures": [failure["id"]]}).json()
    assert (price["documents"], price["replay"]) == (1, None)
    assert acts("POST", f"/failures/{failure['id']}/comment", json={"why": "asked"}).status_code == 200
    assert acts("POST", f"/failures/{failure['id']}/odd", json={}).status_code == 422
    assert reports("GET", "/requests", params={"result": "ok"}).json()["rows"][0]["result"] == "ok"
    assert reports("GET", "/overview").json()["documents"] == {"posted": 3, "failed": 1}
    assert reports("GET", "/quota").json()[0]["used"] == embedded_world.requests_used()
    assert reports("GET", "/connections").json()[0]["name"] == embedded_world.connection.name
    assert reports("GET", "/journal", params={"size": 1}).json()["next"] is not None


def test_tokens_do_what_their_role_may_and_stand_in_the_journal(
    embedded_world: World, ask: Callable[[Role], Ask]
) -> None:
    viewer, operator, admin = (ask(role) for role in Role)
    connection = f"/connections/{embedded_world.connection_id}"
    assert viewer("POST", f"{connection}/pause").status_code == 403
    assert operator("POST", f"{connection}/pause").json()["done"]
    assert operator("POST", f"{connection}/resume").status_code == 200
    assert operator("PATCH", f"{connection}/settings", json={"delivery.linger_ms": "100"}).status_code == 403
    assert admin("PATCH", f"{connection}/settings", json={"delivery.linger_ms": "100"}).status_code == 200
    assert embedded_world.connection.settings.delivery.linger_ms == 100
    written = embedded_world.rows("SELECT actor FROM journal WHERE starts_with(actor, 'api:')")
    actors = {row["actor"] for row in written}
    assert actors == {"api:program-operator", "api:program-admin"}


def test_what_is_refused_is_one_sentence(embedded_world: World, ask: Callable[[Role], Ask]) -> None:
    admin = ask(Role.ADMIN)
    connection = f"/connections/{embedded_world.connection_id}"
    wrong = admin("PATCH", f"{connection}/settings", json={"delivery.linger": "100"})
    assert (wrong.status_code, "did you mean" in wrong.json()["error"]) == (422, True)
    assert admin("POST", f"{connection}/resume").json()["error"].endswith("there is nothing to resume.")
    for path in ("/documents/invoice/77", "/failures/77", "/nowhere", "/connections/77/settings"):
        assert admin("GET", path).status_code == 404, path
    for params in ({"size": 0}, {"size": 1000}, {"before": "x"}, {"state": "odd"}, {"q": "x" * 101}):
        answer = admin("GET", "/documents", params=params)
        assert (answer.status_code, list(answer.json())) == (422, ["error"]), params
    assert admin("PATCH", f"{connection}/settings", data=b"x" * 2_000_000).status_code == 413
