"""The client of Scoro: what leaves, and what is made of the quirks of the wire."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from clients.scoro.client import ScoroClient
from clients.scoro.envelope import Limits
from clients.scoro.errors import (
    ConnectionBroken,
    NotFound,
    Refused,
    ScoroError,
    Throttled,
    Unavailable,
    Uncertain,
)
from tests.unit.scripted_server import (
    Behaviour,
    Request,
    ScriptedServer,
    answering,
    closing,
    dripping,
)


def ok(data: Any, **headers: str) -> Behaviour:
    return answering(
        json.dumps({"status": "OK", "statusCode": 200, "messages": None, "data": data}).encode(), **headers
    )


def refusal(code: int | str, messages: Any, status: str = "200 OK", **headers: str) -> Behaviour:
    body = {"status": "ERROR", "statusCode": code, "messages": messages}
    return answering(json.dumps(body).encode(), status, **headers)


def asked(respond: Callable[[str, dict[str, Any]], Any]) -> Behaviour:
    """Answer by path and body with data."""

    def behave(connection: socket.socket, request: Request) -> bool | None:
        path = request.line.split()[1].removeprefix("/api/v2/")
        return ok(respond(path, json.loads(request.body)))(connection, request)

    return behave


@contextmanager
def client_of(*behaviours: Behaviour, **options: Any) -> Iterator[tuple[ScoroClient, ScriptedServer]]:
    options = {"api_key": "ScoroAPI_x", "user_token": None, "entity": "acme", "allow_local": True} | options
    with ScriptedServer(list(behaviours)) as server, ScoroClient(server.url, **options) as client:
        yield client, server


def bodies(server: ScriptedServer) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in server.requests]


def test_every_call_is_a_post_with_key_entity_and_language() -> None:
    with client_of(ok({"id": 1}), app_id="app-1") as (client, server):
        client.call("invoices", "modify", 7, request={"sum": Decimal("10.50")}, return_data=1)
        request = server.requests[0]
        assert request.line == "POST /api/v2/invoices/modify/7 HTTP/1.1"
        assert request.headers["user-agent"].startswith("scoro-intacct/")
        assert request.headers["content-type"] == "application/json"
        assert request.headers["scoro-app-id"] == "app-1"
        assert json.loads(request.body) == {
            "apiKey": "ScoroAPI_x",
            "company_account_id": "acme",
            "lang": "eng",
            "return_data": 1,
            "request": {"sum": "10.50"},
        }


def test_the_address_may_name_the_api() -> None:
    with ScriptedServer([ok([])]) as server:
        for base in (f"{server.url}/", f"{server.url}/api/v2", f"{server.url}/api/v2/"):
            with ScoroClient(base, "k", None, "acme", allow_local=True) as client:
                client.list_page("invoices")
        assert {request.line for request in server.requests} == {"POST /api/v2/invoices/list HTTP/1.1"}


def test_the_user_token_is_taken_where_the_key_is_turned_away() -> None:
    with client_of(ok([]), user_token="token-1") as (client, server):
        client.list_page("bookmarks")
        client.list_page("invoices", bookmark="111")
        client.list_page("invoices")
        keys = [(body.get("apiKey"), body.get("user_token")) for body in bodies(server)]
        assert keys == [(None, "token-1"), (None, "token-1"), ("ScoroAPI_x", None)]
        assert bodies(server)[1]["bookmark"] == {"bookmark_id": "111"}


def test_numbers_keep_their_digits_and_texts_lose_their_entities() -> None:
    data = (
        b'{"status":"OK","statusCode":"200","data":{"sum":88.659999999999996,"no":"1","n":5,"t":["A &amp; B&#039;s"]}}'
    )
    with client_of(answering(data)) as (client, _):
        assert client.view("invoices", 1) == {"sum": Decimal("88.659999999999996"), "no": "1", "n": 5, "t": ["A & B's"]}


@pytest.mark.parametrize(
    "behaviour",
    [
        refusal(404, {"error": ["Invoice not found"]}, "404 Not Found"),
        refusal("404", "no"),
        refusal(400, {"error": ["Invoice with id 7 does not exist"]}, "400 Bad Request"),
        ok(None),
        ok([]),
    ],
)
def test_a_record_that_is_not_there_is_none(behaviour: Behaviour) -> None:
    with client_of(behaviour) as (client, _):
        assert client.view("invoices", 7) is None


@pytest.mark.parametrize(
    ("behaviour", "on_read", "on_write"),
    [
        (refusal(400, {"error": ["event_id is required"]}, "400 Bad Request"), Refused, Refused),
        (refusal(200, {"error": "no"}), Refused, Refused),
        (refusal("400", {"no": "taken", "error": ["bad &amp; wrong"]}), Refused, Refused),
        (refusal(404, None, "404 Not Found"), NotFound, NotFound),
        (refusal(401, {"error": ["x"]}, "401 Unauthorized"), ConnectionBroken, ConnectionBroken),
        (refusal("403", {"error": ["x"]}), ConnectionBroken, ConnectionBroken),
        (answering(b"error code: 1010", "403 Forbidden"), ConnectionBroken, ConnectionBroken),
        (answering(b"<!DOCTYPE html><html>", "200 OK"), ConnectionBroken, Uncertain),
        (answering(b"<html>", "404 Not Found"), ConnectionBroken, ConnectionBroken),
        (answering(b"", "302 Found", location="http://169.254.169.254/"), ConnectionBroken, ConnectionBroken),
        (refusal("429", {"error": ["Too many requests"]}, "429 Too Many Requests"), Throttled, Throttled),
        (answering(b"slow", "429 Too Many Requests"), Throttled, Throttled),
        (refusal(503, {"error": ["suspended"]}, "503 Service Unavailable"), Unavailable, Unavailable),
        (refusal(500, {"error": ["x"]}, "500 Internal Server Error"), Unavailable, Uncertain),
        (refusal(408, {"error": ["time"]}, "408 Request Timeout"), Unavailable, Uncertain),
        (answering(b"<html>", "502 Bad Gateway"), Unavailable, Uncertain),
        (answering(b""), Unavailable, Uncertain),
        (answering(b'{"status":"OK","data":{"id'), Unavailable, Uncertain),
        (answering(b'{"status":"OK","data":{"id":NaN}}'), Unavailable, Uncertain),
        (answering(b"[1]"), Unavailable, Uncertain),
        (answering(b"[" * 1_000_000), Unavailable, Uncertain),
        (closing, Unavailable, Uncertain),
        (dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), Unavailable, Uncertain),
    ],
)
def test_refusals_and_failures(behaviour: Behaviour, on_read: type[ScoroError], on_write: type[ScoroError]) -> None:
    with client_of(behaviour, deadline_s=0.3) as (client, _):
        with pytest.raises(ScoroError) as read:
            client.list_page("invoices")
        assert type(read.value) is on_read
        with pytest.raises(ScoroError) as written:
            client.modify("receipts", None, {"sum": "1.00"})
        assert type(written.value) is on_write
        assert "ScoroAPI_x" not in str(read.value) + str(written.value)


def test_a_refusal_tells_its_texts() -> None:
    with client_of(refusal(400, {"no": ["is taken", "is long"], "error": "A &amp; B"})) as (client, _):
        with pytest.raises(Refused) as raised:
            client.modify("invoices", 1, {})
        assert raised.value.texts == ("no: is taken", "no: is long", "A & B")


def test_nobody_listening_means_that_nothing_was_written() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with (
        ScoroClient(f"http://127.0.0.1:{port}", "k", None, "acme", allow_local=True) as client,
        pytest.raises(Unavailable),
    ):
        client.modify("receipts", None, {})


def test_throttling_tells_how_long_and_whether_the_day_is_over() -> None:
    short = refusal("429", None, "429 Too Many Requests", x_ratelimit_reset="3", x_daily_requests_remaining="10")
    over = refusal("429", None, "429 Too Many Requests", x_daily_requests_remaining="0", x_daily_requests_reset="7200")
    with client_of(short, over) as (client, _):
        with pytest.raises(Throttled) as first:
            client.view("invoices", 1)
        with pytest.raises(Throttled) as second:
            client.view("invoices", 1)
    assert (first.value.retry_after_s, first.value.daily) == (3, False)
    assert (second.value.retry_after_s, second.value.daily) == (7200, True)


@pytest.mark.parametrize("wait", ["inf", "nan", "-5", "Wed, 21 Oct 2026 07:28:00 GMT", ""])
def test_a_wait_that_is_no_number_of_seconds_is_not_believed(wait: str) -> None:
    limited = refusal("429", None, "429 Too Many Requests", retry_after=wait)
    with client_of(limited) as (client, _), pytest.raises(Throttled) as raised:
        client.view("invoices", 1)
    assert raised.value.retry_after_s == 2


def test_limits_are_told_with_every_answer() -> None:
    seen: list[Limits] = []
    limited = ok(
        [], x_ratelimit_limit="40", x_ratelimit_remaining="39", x_ratelimit_reset="2", x_daily_requests_limit="500"
    )
    with client_of(limited, on_limits=seen.append) as (client, _):
        client.list_page("invoices")
    assert seen == [Limits(40, 39, 2.0, 500, None, None)]


def test_what_a_list_asks_for() -> None:
    with client_of(ok(None)) as (client, server):
        assert client.list_page("invoices", filter={"status": "unpaid"}, detailed=True, include_deleted=True) == []
        client.list_page("invoices", page=3)
        detailed, plain = bodies(server)
        assert detailed["detailed_response"] is True
        assert (detailed["page"], detailed["per_page"]) == (1, 25)
        assert detailed["filter"] == {"status": "unpaid"}
        assert detailed["include_deleted"] == detailed["request"]["include_deleted"] == 1
        assert (plain["page"], plain["per_page"]) == (3, 100)
        assert "filter" not in plain


@pytest.mark.parametrize(("rows", "calls"), [(0, 1), (99, 1), (100, 2), (101, 2), (250, 3)])
def test_pages_end_with_a_short_or_an_empty_one(rows: int, calls: int) -> None:
    records = [{"id": number} for number in range(rows)]

    def page(path: str, body: dict[str, Any]) -> Any:
        start = (body["page"] - 1) * body["per_page"]
        return records[start : start + body["per_page"]]

    with client_of(asked(page)) as (client, server):
        assert [row for page in client.pages("invoices") for row in page] == records
        assert len(server.requests) == calls


def test_a_site_that_ignores_the_page_does_not_hold_us_for_ever() -> None:
    with client_of(ok([{"id": number} for number in range(100)])) as (client, server):
        assert len(list(client.pages("invoices"))) == 1
        assert len(server.requests) == 2


class Site:
    """Answers `list` and `view` of one module, heeding the id filter or not."""

    def __init__(self, id_field: str, ids: range, *, heeds: bool = True, lines: object = ()) -> None:
        self.id_field = id_field
        self.ids = ids
        self.heeds = heeds
        self.lines = lines
        self.paths: list[str] = []

    def __call__(self, path: str, body: dict[str, Any]) -> Any:
        self.paths.append(path)
        if "/view/" in path:
            id = int(path.rsplit("/", 1)[1])
            return {self.id_field: id, "lines": []} if id in self.ids else None
        wanted = body["filter"].get(self.id_field) if self.heeds else None
        chosen = [id for id in self.ids if wanted is None or id in wanted]
        return [{self.id_field: str(id), "lines": self.lines} for id in chosen[:25]]


@pytest.mark.parametrize(
    ("module", "id_field"), [("invoices", "id"), ("contacts", "contact_id"), ("projects", "project_id")]
)
def test_many_records_are_read_by_detailed_lists(module: str, id_field: str) -> None:
    site = Site(id_field, range(1, 1000))
    with client_of(asked(site)) as (client, server):
        found = client.read_many(module, [*range(1, 61), 7])
        assert list(found) == list(range(1, 61))
        assert site.paths == [f"{module}/list"] * 3
        assert [len(body["filter"][id_field]) for body in bodies(server)] == [25, 25, 10]


def test_one_record_is_viewed_and_none_asks_nothing() -> None:
    site = Site("id", range(1, 10))
    with client_of(asked(site)) as (client, _):
        assert client.read_many("invoices", []) == {}
        assert set(client.read_many("invoices", [3])) == {3}
        assert site.paths == ["invoices/view/3"]


def test_what_the_list_leaves_out_is_viewed_and_what_is_not_there_is_missing() -> None:
    site = Site("id", range(1, 10))
    with client_of(asked(site)) as (client, _):
        assert set(client.read_many("invoices", [8, 9, 10])) == {8, 9}
        assert site.paths == ["invoices/list", "invoices/view/10"]


def test_a_site_that_ignores_the_filter_is_found_out_and_read_one_by_one() -> None:
    site = Site("id", range(1, 100), heeds=False)
    with client_of(asked(site)) as (client, _):
        assert set(client.read_many("invoices", [24, 25, 26])) == {24, 25, 26}
        assert site.paths == ["invoices/list", "invoices/view/26"]
        assert set(client.read_many("invoices", [1, 2])) == {1, 2}
        assert site.paths[2:] == ["invoices/view/1", "invoices/view/2"]


def test_a_row_of_a_plain_list_is_not_taken_for_a_document_without_lines() -> None:
    site = Site("id", range(1, 100), lines=None)
    with client_of(asked(site)) as (client, _):
        assert client.read_many("invoices", [1, 2]) == {1: {"id": 1, "lines": []}, 2: {"id": 2, "lines": []}}


def test_writes_and_subscriptions() -> None:
    def respond(path: str, body: dict[str, Any]) -> Any:
        return [{"id": 4, "url": "https://x"}] if path == "webhooks/list" else {"id": 4}

    with client_of(asked(respond)) as (client, server):
        assert client.modify("receipts", None, {"sum": "1.00"}) == {"id": 4}
        client.delete("receipts", 4)
        assert client.subscribe_webhook("invoices", "https://hooks.example.com/x") == {"id": 4}
        assert client.webhooks() == [{"id": 4, "url": "https://x"}]
        client.unsubscribe(4)
        assert [request.line.split()[1] for request in server.requests] == [
            f"/api/v2/{path}"
            for path in (
                "receipts/modify",
                "receipts/delete/4",
                "webhooks/subscribe",
                "webhooks/list",
                "webhooks/unsubscribe/4",
            )
        ]
        assert bodies(server)[0]["return_data"] == 1
        assert bodies(server)[2]["request"] == {
            "module": "invoices",
            "action": "any",
            "actors": ["any"],
            "owners": ["any"],
            "url": "https://hooks.example.com/x",
        }


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.scoro.com",
        "https://127.0.0.1",
        "https://localhost",
        "https://10.0.0.1",
        "https://[::1]",
        "scoro.com",
    ],
)
def test_the_site_is_public_and_https_unless_local_ones_are_allowed(url: str) -> None:
    with pytest.raises(ValueError, match=r"host|local|https"):
        ScoroClient(url, "k", None, "acme")


def test_a_public_name_that_leads_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer([ok([])]) as server:
        place = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [place])
        with (
            ScoroClient("https://acme.scoro.com", "k", None, "acme") as client,
            pytest.raises(ConnectionBroken, match="not public"),
        ):
            client.list_page("invoices")
        assert server.requests == []


def test_a_key_or_a_token_is_needed() -> None:
    with pytest.raises(ValueError, match="key"):
        ScoroClient("https://acme.scoro.com", None, None, "acme")
