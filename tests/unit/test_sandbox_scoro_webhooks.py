"""The Scoro stand-in's webhooks over real sockets: subscription checks, payloads, what goes wrong on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox import fixtures
from sandbox.serve import running
from tests.unit.sandbox_scoro import Client, line, stand_in, wait_for


class Receiver:
    """A receiver that keeps what it gets and answers as told."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.methods: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.get_status = self.empty_status = self.status = 200
        self.proof: Response = PlainTextResponse("this site belongs to us")
        self.base_url = ""
        self._lock = Lock()
        self.app = Starlette(
            routes=[
                Route("/hooks/scoro/token", self._receive, methods=["GET", "POST"]),
                Route("/scoro.txt", self._prove),
            ]
        )

    @property
    def url(self) -> str:
        return f"{self.base_url}/hooks/scoro/token"

    async def _receive(self, request: Request) -> Response:
        raw = await request.body()
        with self._lock:
            self.methods.append(request.method)
            if not raw:
                return Response(status_code=self.get_status if request.method == "GET" else self.empty_status)
            self.headers.append(dict(request.headers))
            self.bodies.append(await request.json())
            return Response(status_code=self.status)

    async def _prove(self, request: Request) -> Response:
        return self.proof


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    with running(receiver.app) as base_url:
        receiver.base_url = base_url
        yield receiver


@pytest.fixture(scope="module")
def server() -> Iterator[Client]:
    with stand_in() as client:
        yield client


@pytest.fixture
def scoro(server: Client) -> Client:
    server.control("reset", {})
    server.set(window_limit=1_000_000)
    return server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def subscribe(scoro: Client, receiver: Receiver, **fields: Any) -> dict[str, Any]:
    request = {"module": "invoices", "action": "any", "actors": ["any"], "owners": ["any"], "url": receiver.url}
    made: dict[str, Any] = scoro.data("webhooks/subscribe", request | fields)
    return made


def settled(scoro: Client) -> dict[str, Any]:
    wait_for(lambda: bool(scoro.control("webhooks/idle")["idle"]))
    counts: dict[str, Any] = scoro.control("counters")["webhooks"]
    return counts


def test_a_subscription_is_checked_listed_and_ended(scoro: Client, receiver: Receiver) -> None:
    made = subscribe(scoro, receiver)
    assert receiver.methods == ["GET", "POST"]
    (listed,) = scoro.data("webhooks/list")
    assert (listed["id"], listed["url"], listed["module"]) == (made["id"], receiver.url, "invoices")
    scoro.data(f"webhooks/unsubscribe/{made['id']}")
    assert scoro.data("webhooks/list") == []
    assert scoro.call(f"webhooks/unsubscribe/{made['id']}").status_code == 404
    scoro.invoice()
    assert settled(scoro)["sent"] == 0


def test_a_url_must_answer_200_and_its_host_be_proven(scoro: Client, receiver: Receiver) -> None:
    def refused() -> bool:
        request = {"module": "invoices", "url": receiver.url}
        return scoro.call("webhooks/subscribe", request).status_code == 400

    receiver.get_status = 204
    assert refused()
    receiver.get_status, receiver.empty_status = 200, 400
    assert refused()
    receiver.empty_status, receiver.proof = 200, Response(status_code=404)
    assert refused()
    receiver.proof = Response("<html></html>", media_type="text/html")
    assert refused()
    receiver.proof = PlainTextResponse("")
    assert not refused()


@pytest.mark.parametrize(
    "fields",
    [
        {"module": "receipts"},
        {"module": "files"},
        {"action": "touch"},
        {"actors": ["me"]},
        {"bookmark_id": "111"},
        {"url": "http://hooks.example.com/scoro"},
        {"url": "http://127.0.0.1:1/closed"},
    ],
)
def test_what_cannot_be_subscribed_to(scoro: Client, receiver: Receiver, fields: dict[str, Any]) -> None:
    request = {"module": "invoices", "url": receiver.url} | fields
    assert scoro.call("webhooks/subscribe", request).status_code == 400


def test_a_delivery_has_three_keys_and_the_object_as_in_view(scoro: Client, receiver: Receiver) -> None:
    subscribe(scoro, receiver)
    invoice = scoro.invoice(lines=[line("5")])
    wait_for(lambda: len(receiver.bodies) == 1)
    (body,) = receiver.bodies
    assert set(body) == {"entityId", "entityType", "entity"}
    assert (body["entityId"], body["entityType"]) == (invoice["id"], "invoice")
    assert body["entity"] == scoro.data(f"invoices/view/{invoice['id']}")
    assert body["entity"]["created_date"] == body["entity"]["modified_date"]
    assert not [name for name in receiver.headers[0] if "scoro" in name or "signature" in name]
    assert settled(scoro) == {"sent": 1, "ok": 1, "failed": 0, "lost": 0, "repeated": 0}


def test_a_deletion_is_told_with_empty_lines(scoro: Client, receiver: Receiver) -> None:
    subscribe(scoro, receiver)
    invoice = scoro.invoice(lines=[line("5")])
    scoro.data(f"invoices/delete/{invoice['id']}")
    wait_for(lambda: len(receiver.bodies) == 2)
    entity = receiver.bodies[1]["entity"]
    assert (entity["is_deleted"], entity["lines"], entity["vat"], entity["vat_code_id"]) == (1, [], None, None)
    assert entity["deleted_date"] is not None


def test_actions_fields_and_actors_are_heeded(scoro: Client, receiver: Receiver) -> None:
    subscribe(scoro, receiver, action="modify", fields=["description"], actors=[2])
    invoice = scoro.invoice()
    path = f"edit/invoices/{invoice['id']}"
    scoro.control(path, {"reference_no": "RF1"})
    scoro.data(f"invoices/modify/{invoice['id']}", {"description": "by the API's user"})
    scoro.control(path, {"description": "by a person"})
    settled(scoro)
    assert [body["entity"]["description"] for body in receiver.bodies] == ["by a person"]


def test_me_is_the_user_of_the_token(scoro: Client, receiver: Receiver) -> None:
    user, password = fixtures.SCORO_USER
    device = {"device_type": "server", "device_name": "test", "device_id": "1"}
    token = scoro.data("userAuth/modify", {"username": user, "password": password} | device)["token"]
    entity = {"company_account_id": fixtures.SCORO_ENTITY, "user_token": token}
    request = {"module": "invoices", "actors": ["me"], "url": receiver.url}
    assert scoro.raw("webhooks/subscribe", entity | {"request": request}).status_code == 200
    invoice = scoro.invoice(description="mine")
    scoro.control(f"edit/invoices/{invoice['id']}", {"description": "another's"})
    settled(scoro)
    assert [body["entity"]["description"] for body in receiver.bodies] == ["mine"]


def test_an_inactive_subscription_is_not_served(scoro: Client, receiver: Receiver) -> None:
    subscribe(scoro, receiver, status=0)
    scoro.invoice()
    assert settled(scoro)["sent"] == 0


def test_companies_and_persons_are_told_apart(scoro: Client, receiver: Receiver) -> None:
    subscribe(scoro, receiver, module="persons")
    scoro.save("contacts/modify", {"name": "Acme"})
    person = scoro.save("contacts/modify", {"name": "Grace", "contact_type": "person"})
    settled(scoro)
    assert [(body["entityType"], body["entityId"]) for body in receiver.bodies] == [("person", person["contact_id"])]


def test_own_writes_are_told_by_setting(scoro: Client, receiver: Receiver) -> None:
    subscribe(scoro, receiver)
    scoro.set(own_writes_fire_webhooks=False)
    invoice = scoro.invoice()
    scoro.control(f"edit/invoices/{invoice['id']}", {"description": "by a person"})
    settled(scoro)
    assert [body["entity"]["description"] for body in receiver.bodies] == ["by a person"]


def edited(scoro: Client, times: int) -> list[str]:
    """Edit one invoice again and again; returns the descriptions in the order of the edits."""
    invoice = scoro.invoice()
    descriptions = [f"edit {number}" for number in range(times)]
    for description in descriptions:
        scoro.control(f"edit/invoices/{invoice['id']}", {"description": description})
    return ["", *descriptions]


def test_deliveries_of_a_document_keep_their_order(scoro: Client, receiver: Receiver) -> None:
    subscribe(scoro, receiver)
    descriptions = edited(scoro, 20)
    settled(scoro)
    assert [body["entity"]["description"] for body in receiver.bodies] == descriptions


def test_deliveries_can_overtake_each_other(scoro: Client, receiver: Receiver) -> None:
    subscribe(scoro, receiver)
    scoro.set(webhook_reorder_ms=400)
    descriptions = edited(scoro, 12)
    settled(scoro)
    received = [body["entity"]["description"] for body in receiver.bodies]
    assert received != descriptions
    assert sorted(received) == sorted(descriptions)


def test_deliveries_can_be_lost_repeated_delayed_and_off(scoro: Client, receiver: Receiver) -> None:
    subscribe(scoro, receiver)
    scoro.set(webhook_lost=1)
    scoro.invoice()
    assert settled(scoro)["lost"] == 1
    scoro.set(webhook_lost=0, webhook_repeated=1)
    scoro.invoice()
    assert settled(scoro) == {"sent": 2, "ok": 2, "failed": 0, "lost": 1, "repeated": 1}
    assert receiver.bodies[0] == receiver.bodies[1]
    scoro.set(webhook_repeated=0, webhook_delay_ms=60_000)
    scoro.invoice()
    assert scoro.control("webhooks/idle")["pending"] == 1
    scoro.set(webhook_delay_ms=0, webhooks_off=True)
    scoro.invoice()
    assert scoro.control("webhooks/idle")["pending"] == 1


def test_a_refused_delivery_is_counted_and_tried_again_by_setting(scoro: Client, receiver: Receiver) -> None:
    subscribe(scoro, receiver)
    receiver.status = 503
    scoro.invoice()
    assert settled(scoro)["failed"] == 1
    scoro.set(webhook_retries=1)
    scoro.invoice()
    assert settled(scoro)["failed"] == 3
    assert len(receiver.bodies) == 3


def test_many_deliveries_arrive_once_each(scoro: Client, receiver: Receiver) -> None:
    subscribe(scoro, receiver)
    made = scoro.control("generate", {"documents": 150, "seed": 1})
    assert settled(scoro)["ok"] == 150
    assert sorted(body["entityId"] for body in receiver.bodies) == sorted(made["ids"])
