"""A private RabbitMQ: starts beside others, survives being killed, and leaves no process and no file behind."""

import importlib
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pika
import pytest

from app.services.amqp import broker_version
from app.services.broker import broker
from app.services.children import wait_until
from app.services.rabbit import installed_rabbit, private_broker
from tests.conftest import service_missing

GONE_WITHIN_S = 30
USE_IT = """
import importlib, sys
from pathlib import Path
finder = importlib.import_module("app.services.broker")
finder.LOCAL_URL = sys.argv[2]
finder.docker_answers = lambda: False
with finder.broker(None, state_dir=Path(sys.argv[1]), embedded=False, install=False) as service:
    print(service.url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _installed() -> None:
    if installed_rabbit() is None:
        service_missing("no RabbitMQ is installed to start a private one from")


def processes_of(folder: Path) -> list[str]:
    """The command lines of living processes that were started with a home below `folder`: broker, epmd, helpers."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and f"HOME={folder}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text(encoding="utf-8"))
    return found


def test_queues_survive_a_stop_and_no_process_survives_a_kill(tmp_path: Path) -> None:
    with private_broker(tmp_path) as rabbit:
        assert any("epmd" in command for command in processes_of(tmp_path))
        connection = pika.BlockingConnection(pika.URLParameters(rabbit.url))
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True)
        channel.basic_publish("", "kept", b"still here", pika.BasicProperties(delivery_mode=2))
        connection.close()
        rabbit.stop()
        assert broker_version(rabbit.url) is None
        assert wait_until(lambda: processes_of(tmp_path) == [], GONE_WITHIN_S)

        rabbit.start()
        connection = pika.BlockingConnection(pika.URLParameters(rabbit.url))
        _, _, body = connection.channel().basic_get("kept", auto_ack=True)
        assert body == b"still here"
        connection.close()
        rabbit.kill()
        assert broker_version(rabbit.url) is None
        assert wait_until(lambda: processes_of(tmp_path) == [], GONE_WITHIN_S)
    assert wait_until(lambda: processes_of(tmp_path) == [], GONE_WITHIN_S)


def test_a_killed_user_leaves_no_process_and_its_folder_goes_with_the_next(
    tmp_path: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = f"amqp://guest:guest@127.0.0.1:{closed_port}/%2F"
    with subprocess.Popen(
        [sys.executable, "-c", USE_IT, str(tmp_path), nobody],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as user:
        assert user.stdout is not None
        assert broker_version(user.stdout.readline().strip()) is not None
        user.kill()
    assert wait_until(lambda: processes_of(tmp_path) == [], GONE_WITHIN_S)
    (abandoned,) = (tmp_path / "rabbitmq").iterdir()

    finder = importlib.import_module("app.services.broker")
    monkeypatch.setattr(finder, "LOCAL_URL", nobody)
    monkeypatch.setattr(finder, "docker_answers", lambda: False)
    with broker(None, state_dir=tmp_path, embedded=True, install=False) as service:
        assert service.label.startswith("private RabbitMQ")
        assert not abandoned.exists()
    assert os.listdir(tmp_path / "rabbitmq") == []  # noqa: PTH208 - the bare names read best in a failure
    assert processes_of(tmp_path) == []
