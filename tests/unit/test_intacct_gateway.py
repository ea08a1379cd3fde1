"""One request to the gateway: what leaves, and what is made of what comes back."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clients.intacct.errors import (
    ConnectionBroken,
    GatewayError,
    RequestRejected,
    SessionLost,
    Throttled,
    Unavailable,
    Uncertain,
)
from clients.intacct.gateway import DEFAULT_URL, Gateway, Login
from schemas.intacct.functions import Function, create, query
from tests.unit.scripted_server import (
    Behaviour,
    ScriptedServer,
    answering,
    closing,
    dripping,
    resetting,
    silent,
)

LOGIN = Login("acme", "user", "pa55word", "UK")
CALLS = [("op-1", create("CUSTOMER", {"CUSTOMERID": "C1"}))]
CONTROL = "<control><status>success</status></control>"
SIGNED_IN = "<authentication><status>success</status></authentication>"
RESULT = (
    "<result><status>success</status><function>create</function><controlid>op-1</controlid>"
    "<data><customer><RECORDNO>5</RECORDNO></customer></data></result>"
)
GOOD = f"<response>{CONTROL}<operation>{SIGNED_IN}{RESULT}</operation></response>".encode()


def error(number: str, text: str) -> str:
    return f"<errormessage><error><errorno>{number}</errorno><description2>{text}</description2></error></errormessage>"


def control_failure(number: str, text: str) -> bytes:
    return f"<response><control><status>failure</status></control>{error(number, text)}</response>".encode()


def sign_in_failure(number: str, text: str) -> bytes:
    failed = f"<operation><authentication><status>failure</status></authentication>{error(number, text)}</operation>"
    return f"<response>{CONTROL}{failed}</response>".encode()


def operation_failure(number: str, text: str) -> bytes:
    return f"<response>{CONTROL}<operation>{SIGNED_IN}{error(number, text)}</operation></response>".encode()


@contextmanager
def gateway_of(*behaviours: Behaviour) -> Iterator[tuple[Gateway, ScriptedServer]]:
    with (
        ScriptedServer(list(behaviours)) as server,
        Gateway(f"{server.url}/ia/xml/xmlgw.phtml", "sender", "sender-secret", allow_local=True) as gateway,
    ):
        yield gateway, server


def test_a_request_is_one_post_and_its_results_are_found_by_controlid() -> None:
    with gateway_of(answering(GOOD)) as (gateway, server):
        response = gateway.send(LOGIN, CALLS, unique=True, deadline_s=5)
        gateway.send(LOGIN, CALLS, unique=True, deadline_s=5)
        assert response.results["op-1"].key == "5"
        assert len(server.requests) == 2
        assert server.connections == 1
        request = server.requests[0]
        assert request.line == "POST /ia/xml/xmlgw.phtml HTTP/1.1"
        assert request.headers["content-type"] == "application/xml"
        assert request.headers["accept-encoding"] == "gzip"
        assert request.headers["user-agent"].startswith("scoro-intacct/")
        assert b"<uniqueid>true</uniqueid>" in request.body
        assert b'<function controlid="op-1">' in request.body


def test_functions_without_an_answer_are_missing() -> None:
    calls = [*CALLS, ("op-2", query("CUSTOMER", ["RECORDNO"]))]
    with gateway_of(answering(GOOD)) as (gateway, _):
        assert set(gateway.send(LOGIN, calls, unique=True, deadline_s=5).results) == {"op-1"}


def test_controlids_must_differ_and_there_must_be_functions() -> None:
    with gateway_of(answering(GOOD)) as (gateway, server):
        for calls in ([], CALLS * 2):
            with pytest.raises(ValueError, match="controlid"):
                gateway.send(LOGIN, calls, unique=True, deadline_s=5)
        assert server.requests == []


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (closing, Uncertain),
        (resetting, Uncertain),
        (answering(b""), Uncertain),
        (answering(b"<html>Bad Gateway</html>", "502 Bad Gateway"), Uncertain),
        (answering(b"<html>hello</html>"), Uncertain),
        (answering(GOOD[:-40]), Uncertain),
        (answering(b"", "302 Found", location="https://elsewhere.example/"), Uncertain),
        (answering(GOOD, content_encoding="gzip"), Uncertain),
        (answering(b"<response><control><status>success</status></control></response>"), Uncertain),
        (answering(operation_failure("BL1", "Something")), Uncertain),
        (answering(b"Unable to process request GW-0003", "503 Service Unavailable"), Uncertain),
        (answering(b"slow down", "429 Too Many Requests"), Throttled),
        (answering(b'{"error":{"code":"GW-0010"}}'), Throttled),
        (answering(control_failure("GW-0010", "API rate limit exceeded")), Throttled),
        (answering(b"Invalid Request GW-0011", "400 Bad Request"), ConnectionBroken),
        (answering(control_failure("XL03000006", "Incorrect Intacct XML Partner ID or password.")), ConnectionBroken),
        (answering(control_failure("XL03000006", "x is not a valid transport policy.")), ConnectionBroken),
        (answering(control_failure("XL03000003", "XML Parse schema error: Error 1871")), RequestRejected),
        (answering(operation_failure("XL03000003", "XML Parse schema error: Error 1871")), RequestRejected),
        (answering(control_failure("DL1", "The Service is Temporarily Off-line")), Unavailable),
        (answering(control_failure("DL1", "Something new")), Unavailable),
        (answering(sign_in_failure("XL03000006", "Sign-in information is incorrect")), ConnectionBroken),
        (answering(sign_in_failure("XL03000006", "Invalid session abc")), SessionLost),
        (answering(sign_in_failure("PL04000055", "This company is a demo company and has expired.")), ConnectionBroken),
        (answering(sign_in_failure("BL03000025", "Login ID x does not exist.")), ConnectionBroken),
        (answering(sign_in_failure("X1", "Something new")), ConnectionBroken),
    ],
)
def test_what_concerns_the_whole_request(behaviour: Behaviour, expected: type[GatewayError]) -> None:
    with gateway_of(behaviour) as (gateway, server):
        with pytest.raises(GatewayError) as raised:
            gateway.send(LOGIN, CALLS, unique=True, deadline_s=5)
        assert type(raised.value) is expected
        assert "pa55word" not in str(raised.value)
        assert len(server.requests) == 1


def test_an_answer_with_an_error_status_is_read_if_it_is_one() -> None:
    with gateway_of(answering(GOOD, "500 Internal Server Error")) as (gateway, _):
        assert gateway.send(LOGIN, CALLS, unique=True, deadline_s=5).results["op-1"].succeeded


def test_throttling_tells_how_long_to_wait() -> None:
    with gateway_of(answering(b"", "429 Too Many Requests", retry_after="17")) as (gateway, _):
        with pytest.raises(Throttled) as raised:
            gateway.send(LOGIN, CALLS, unique=True, deadline_s=5)
        assert raised.value.retry_after_s == 17


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host"])
def test_where_nobody_listens_nothing_ran(host: str) -> None:
    left = threading.Event()
    with (
        Gateway(f"http://{host}:{free_port()}/", "s", "p", allow_local=True) as gateway,
        pytest.raises(Unavailable),
    ):
        gateway.send(LOGIN, CALLS, unique=True, deadline_s=5, on_leaving=left.set)
    assert not left.is_set()


@pytest.mark.parametrize(
    "behaviour",
    [
        silent,
        dripping(b"HTTP/1.1 200 OK\r\nX-Drip: "),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
    ],
    ids=["silent", "head", "body", "body without length"],
)
def test_a_server_cannot_stretch_the_deadline(behaviour: Behaviour) -> None:
    with gateway_of(behaviour) as (gateway, _):
        started = time.monotonic()
        with pytest.raises(Uncertain, match=r"0\.3 s"):
            gateway.send(LOGIN, CALLS, unique=True, deadline_s=0.3)
        assert time.monotonic() - started < 2


def test_a_server_that_does_not_read_cannot_stretch_the_deadline() -> None:
    big = Function(name="create", body={"CUSTOMER": {"COMMENTS": "x" * 30_000_000}})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with (
            Gateway(f"http://127.0.0.1:{port}/", "s", "p", allow_local=True) as gateway,
            pytest.raises(Uncertain),
        ):
            gateway.send(LOGIN, [("c", big)], unique=True, deadline_s=0.5)


def test_the_hook_is_called_once_when_the_connection_stands_and_before_the_body() -> None:
    seen: list[int] = []
    with gateway_of(answering(GOOD)) as (gateway, server):
        gateway.send(LOGIN, CALLS, unique=True, deadline_s=5, on_leaving=lambda: seen.append(len(server.requests)))
        gateway.send(LOGIN, CALLS, unique=True, deadline_s=5, on_leaving=lambda: seen.append(len(server.requests)))
    assert seen == [0, 1]


class GivenUpError(Exception):
    pass


def test_what_the_hook_raises_comes_through_and_no_request_is_made() -> None:
    def give_up() -> None:
        raise GivenUpError

    with gateway_of(answering(GOOD)) as (gateway, server):
        with pytest.raises(GivenUpError):
            gateway.send(LOGIN, CALLS, unique=True, deadline_s=5, on_leaving=give_up)
        gateway.send(LOGIN, CALLS, unique=True, deadline_s=5)
        assert len(server.requests) == 1


def test_a_kept_connection_that_dies_without_an_answer_is_not_tried_again() -> None:
    with gateway_of(answering(GOOD), closing, answering(GOOD)) as (gateway, server):
        gateway.send(LOGIN, CALLS, unique=True, deadline_s=5)
        with pytest.raises(Uncertain):
            gateway.send(LOGIN, CALLS, unique=True, deadline_s=5)
        assert len(server.requests) == 2
        gateway.send(LOGIN, CALLS, unique=True, deadline_s=5)
        assert len(server.requests) == 3


def test_an_answer_too_large_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.intacct.gateway.MAX_ANSWER_BYTES", 1000)
    with gateway_of(answering(b" " * 100_000)) as (gateway, _), pytest.raises(Uncertain, match="larger than 1000"):
        gateway.send(LOGIN, CALLS, unique=True, deadline_s=5)


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "")
    with gateway_of(answering(GOOD)) as (gateway, _):
        assert gateway.send(LOGIN, CALLS, unique=True, deadline_s=5).results


@pytest.mark.parametrize(
    ("url", "allow_local"),
    [
        ("http://api.intacct.com/ia/xml/xmlgw.phtml", False),
        ("http://api.intacct.com/ia/xml/xmlgw.phtml", True),
        ("https://intacct.com.evil.example/", False),
        ("https://evilintacct.com/", False),
        ("https://evil.example/", True),
        ("http://evil.example/", True),
        ("https://user:pw@api.intacct.com/", False),
        ("http://127.0.0.1:8080/", False),
        ("http://intacct:8080/", False),
        ("https://10.0.0.1/", False),
        ("http://8.8.8.8/", True),
        ("ftp://localhost/", True),
        ("", False),
    ],
)
def test_only_the_vendor_is_an_address_unless_local_ones_are_allowed(url: str, allow_local: bool) -> None:
    with pytest.raises(ValueError, match=r"host|local|https|address"):
        Gateway(url, "s", "p", allow_local=allow_local)


@pytest.mark.parametrize(
    ("url", "allow_local"),
    [
        (DEFAULT_URL, False),
        ("https://na12.intacct.com/ia/xml/xmlgw.phtml", False),
        ("http://127.0.0.1:8080/", True),
        ("http://[::1]:8080/", True),
        ("http://192.168.1.4/", True),
        ("http://intacct:8080/", True),
        ("https://localhost/", True),
    ],
)
def test_good_addresses(url: str, allow_local: bool) -> None:
    Gateway(url, "s", "p", allow_local=allow_local).close()
