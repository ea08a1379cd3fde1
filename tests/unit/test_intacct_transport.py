"""Every error of the HTTP libraries below has words and a class."""

import inspect
import socket
import threading
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import requests.exceptions
import urllib3.exceptions
import urllib3.util.connection

from clients.hosts import is_local_host
from clients.http import Poster
from clients.intacct.errors import ConnectionBroken, Unavailable, Uncertain, from_transport
from clients.transport_errors import REASONS, TransportError
from tests.unit.scripted_server import ScriptedServer, answering


def errors_of(module: ModuleType) -> Iterator[type[Exception]]:
    for _, kind in inspect.getmembers(module, inspect.isclass):
        if issubclass(kind, Exception) and not issubclass(kind, Warning):
            yield kind


@pytest.mark.parametrize("module", [requests.exceptions, urllib3.exceptions], ids=lambda module: module.__name__)
def test_every_error_of_the_libraries_is_mapped(module: ModuleType) -> None:
    kinds = {kind for kind in errors_of(module) if kind.__module__.startswith(("requests", "urllib3"))}
    assert len(kinds) > 20
    assert {kind for kind in kinds if kind not in REASONS} == set()


def test_whether_it_ran_depends_on_what_left_alone() -> None:
    assert isinstance(from_transport(TransportError("x", left=True)), Uncertain)
    assert isinstance(from_transport(TransportError("x", left=True, misaddressed=True)), Uncertain)
    assert isinstance(from_transport(TransportError("x", left=False, timed_out=True)), Unavailable)
    assert isinstance(from_transport(TransportError("x", left=False, misaddressed=True)), ConnectionBroken)


def test_a_connection_that_stands_too_late_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = urllib3.util.connection.create_connection

    def slow(*args: Any, **kwargs: Any) -> socket.socket:
        made = connect(*args, **kwargs)
        threading.Event().wait(0.3)
        return made

    monkeypatch.setattr("urllib3.util.connection.create_connection", slow)
    with ScriptedServer([answering(b"ok")]) as server:
        poster = Poster({}, max_answer_bytes=100, public_only=False)
        with pytest.raises(TransportError) as raised:
            poster.post(server.url, b"x", deadline_s=0.2)
        poster.close()
        assert (raised.value.left, raised.value.timed_out) == (False, True)
        assert server.requests == []


def test_a_body_does_not_go_after_the_deadline_and_counts_as_left(monkeypatch: pytest.MonkeyPatch) -> None:
    # a process that was stopped goes on: the thread that cuts late calls has not had its turn yet
    monkeypatch.setattr("clients.http._Call._expire", lambda call: None)
    with ScriptedServer([answering(b"ran")]) as server:
        poster = Poster({}, max_answer_bytes=100, public_only=False)
        with pytest.raises(TransportError) as raised:
            poster.post(server.url, b"body", deadline_s=0.2, on_leaving=lambda: time.sleep(0.3))
        poster.close()
        assert (raised.value.left, raised.value.timed_out) == (True, True)
        assert server.requests == []


def test_each_thread_has_a_connection_of_its_own() -> None:
    with ScriptedServer([answering(b"ok")]) as server:
        poster = Poster({}, max_answer_bytes=100, public_only=False)
        barrier = threading.Barrier(4)

        def post() -> None:
            barrier.wait()
            for _ in range(3):
                poster.post(server.url, b"x", deadline_s=5)

        threads = [threading.Thread(target=post) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        poster.close()
        assert len(server.requests) == 12
        assert server.connections == 4


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.1.2.3", True),
        ("169.254.169.254", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),
        ("fd00::1", True),
        ("localhost", True),
        ("scoro.", True),
        ("2130706433", True),
        ("8.8.8.8", False),
        ("2001:4860:4860::8888", False),
        ("acme.scoro.com", False),
    ],
)
def test_which_hosts_are_local(host: str, local: bool) -> None:
    assert is_local_host(host) is local
