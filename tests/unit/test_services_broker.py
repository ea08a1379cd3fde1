"""The order in which a broker is looked for, without starting one."""

import http.server
import importlib
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services.broker import broker, docker_answers
from app.services.errors import ServiceMissing, ServiceUnusable

BOUND_S = 10


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    """A machine without Docker, without a broker on the usual port and without a RabbitMQ to start."""
    finder = importlib.import_module("app.services.broker")
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{closed_port}")
    monkeypatch.setattr(finder, "LOCAL_URL", f"amqp://guest:guest@127.0.0.1:{closed_port}/%2F")
    monkeypatch.setattr(finder, "installed_rabbit", lambda: None)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def docker_engine() -> Iterator[str]:
    """The address of something that answers a ping as a Docker engine does."""

    class Engine(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"OK" if self.path.endswith("/_ping") else json.dumps({"ApiVersion": "1.47"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with http.server.HTTPServer(("127.0.0.1", 0), Engine) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_given_address_is_taken_even_while_its_broker_is_down(tmp_path: Path, closed_port: int) -> None:
    url = f"amqp://someone:secret@127.0.0.1:{closed_port}/%2F"
    with broker(url, state_dir=tmp_path, embedded=True, install=False) as service:
        assert service.url == url
        assert service.label == "RabbitMQ not answering yet at AMQP_URL"


def test_a_given_address_that_swallows_everything_is_given_up_in_time(tmp_path: Path, silent_port: int) -> None:
    began = time.monotonic()
    url = f"amqp://guest:guest@127.0.0.1:{silent_port}/%2F"
    with broker(url, state_dir=tmp_path, embedded=True, install=False) as service:
        assert "not answering" in service.label
    assert time.monotonic() - began < BOUND_S


def test_what_listens_but_does_not_speak_amqp_is_passed_over(
    tmp_path: Path, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    finder = importlib.import_module("app.services.broker")
    monkeypatch.setattr(finder, "LOCAL_URL", f"amqp://guest:guest@127.0.0.1:{silent_port}/%2F")
    with broker(None, state_dir=tmp_path, embedded=True, install=False) as service:
        assert service.url is None


def test_the_in_process_broker_is_the_last_choice_of_people(tmp_path: Path) -> None:
    with broker(None, state_dir=tmp_path, embedded=True, install=True) as service:
        assert service.url is None
        assert service.label == "in-process broker"


def test_an_installed_rabbit_that_cannot_start_stops_nobody_who_can_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("app.services.broker"), "installed_rabbit", lambda: Path("/bin/false"))
    monkeypatch.setattr(importlib.import_module("app.services.rabbit"), "installed_rabbit", lambda: Path("/bin/false"))
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/false")
    with broker(None, state_dir=tmp_path, embedded=True, install=False) as service:
        assert service.url is None
    with pytest.raises(ServiceUnusable), broker(None, state_dir=tmp_path, embedded=False, install=False):
        pass
    assert list((tmp_path / "rabbitmq").iterdir()) == []


def test_without_any_broker_the_line_to_type_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(ServiceMissing, match=r"As root, type: apt-get install .*rabbitmq-server"),
        broker(None, state_dir=tmp_path, embedded=False, install=False),
    ):
        pass


def test_a_docker_client_without_an_engine_is_no_engine() -> None:
    assert not docker_answers()


def test_a_docker_host_that_swallows_everything_is_given_up_in_time(
    silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{silent_port}")
    began = time.monotonic()
    assert not docker_answers()
    assert time.monotonic() - began < BOUND_S


def test_a_docker_engine_that_answers_a_ping_is_one(docker_engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_engine)
    assert docker_answers()
