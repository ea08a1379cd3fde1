"""The message broker: `AMQP_URL`, else the first that is found in a fixed order, else one inside the process.

1. AMQP_URL
2. a container, where a Docker engine answers and testcontainers is installed
3. a broker on 127.0.0.1:5672 that takes guest
4. a private instance of an installed RabbitMQ
5. the in-process broker, where the caller allows it
6. RabbitMQ from apt, as root on Debian where the caller allows it, then as 4
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.services.amqp import broker_version
from app.services.children import wait_until
from app.services.data_dir import ensure_data_dir
from app.services.errors import ServiceMissing, ServiceUnusable
from app.services.file_lock import FileLock
from app.services.rabbit import INSTALL_COMMAND, PrivateRabbit, installed_rabbit

LOCAL_URL = "amqp://guest:guest@127.0.0.1:5672/%2F"
DOCKER_TIMEOUT_S = 3
DOCKER_IMAGE = "rabbitmq:4-alpine"
CONTAINER_TIMEOUT_S = 60


@dataclass(frozen=True)
class BrokerService:
    """A broker and its name for people, without a password; `url` is None for the one inside the process."""

    url: str | None
    label: str


@contextmanager
def broker(amqp_url: str | None, *, state_dir: Path, embedded: bool, install: bool) -> Iterator[BrokerService]:
    """Provide a broker for the length of the block.

    `state_dir` takes the files of a private instance, which are removed at the end. `embedded` allows the
    in-process broker, `install` allows apt. Raises ServiceMissing with the line to type, or ServiceUnusable.
    """
    if amqp_url:
        # One that is down is no error: work waits in the ledger and the bells ring when it is back.
        version = broker_version(amqp_url)
        yield BrokerService(amqp_url, f"RabbitMQ {version or 'not answering yet'} at AMQP_URL")
        return
    if docker_answers():
        with _container() as service:
            yield service
        return
    if version := broker_version(LOCAL_URL):
        yield BrokerService(LOCAL_URL, f"RabbitMQ {version} at 127.0.0.1:5672")
        return
    if installed_rabbit() is None:
        if embedded:
            yield BrokerService(None, "in-process broker")
            return
        _install_rabbit(allowed=install)
    with ExitStack() as stack:
        try:
            service = stack.enter_context(_private(state_dir))
        except ServiceUnusable:
            if not embedded:
                raise
            service = BrokerService(None, "in-process broker, as the installed RabbitMQ did not start")
        yield service


def docker_answers() -> bool:
    """Say whether a Docker engine answers a ping; the client alone, or no testcontainers, is a no."""
    if not _docker_listens():  # asked first, because the client leaks a socket where nothing listens
        return False
    try:
        import docker
        import testcontainers  # noqa: F401 - only whether it is there
    except ImportError:
        return False
    try:
        client = docker.from_env(timeout=DOCKER_TIMEOUT_S)
    except docker.errors.DockerException:
        return False
    try:
        return bool(client.ping())
    except (docker.errors.DockerException, OSError):
        return False
    finally:
        client.close()


def _docker_listens() -> bool:
    address = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    try:
        if address.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(DOCKER_TIMEOUT_S)
                link.connect(address.path)
        else:
            socket.create_connection((address.hostname or "", address.port or 2375), DOCKER_TIMEOUT_S).close()
    except OSError:
        return False
    return True


@contextmanager
def _container() -> Iterator[BrokerService]:
    from testcontainers.core.container import DockerContainer

    with DockerContainer(DOCKER_IMAGE).with_exposed_ports(5672) as container:
        host, port = container.get_container_host_ip(), container.get_exposed_port(5672)
        url = f"amqp://guest:guest@{host}:{port}/%2F"
        if not wait_until(lambda: broker_version(url) is not None, CONTAINER_TIMEOUT_S, step_s=0.2):
            raise ServiceUnusable(f"RabbitMQ in a container of {DOCKER_IMAGE} did not answer. Set AMQP_URL to another.")
        yield BrokerService(url, f"RabbitMQ {broker_version(url)} in a container")


@contextmanager
def _private(state_dir: Path) -> Iterator[BrokerService]:
    place = ensure_data_dir(state_dir) / "rabbitmq"
    place.mkdir(mode=0o700, exist_ok=True)
    _remove_abandoned(place)
    folder = Path(tempfile.mkdtemp(dir=place))
    with FileLock(folder / "lock") as lock:
        lock.share()
        rabbit = PrivateRabbit(folder)
        try:
            version = rabbit.start()
            yield BrokerService(rabbit.url, f"private RabbitMQ {version} at 127.0.0.1:{urlsplit(rabbit.url).port}")
        finally:
            rabbit.stop()
            shutil.rmtree(folder)


def _remove_abandoned(place: Path) -> None:
    """Remove the folders of killed processes, known by the lock that nobody holds."""
    for lock_file in place.glob("*/lock"):
        with FileLock(lock_file) as lock:
            if lock.try_exclusive():
                shutil.rmtree(lock_file.parent)


def _install_rabbit(*, allowed: bool) -> None:
    if not (allowed and os.geteuid() == 0 and shutil.which("apt-get")):
        raise ServiceMissing(
            "No message broker: AMQP_URL is not set, nothing takes guest on 127.0.0.1:5672, and no RabbitMQ is "
            f"installed. As root, type: {INSTALL_COMMAND}"
        )
    sys.stderr.write(f"No message broker found, installing one: {INSTALL_COMMAND}\n")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (INSTALL_COMMAND, "apt-get update", INSTALL_COMMAND):
        done = subprocess.run(command.split(), env=environment, capture_output=True, text=True, check=False)
        if command == INSTALL_COMMAND and done.returncode == 0:
            return
    raise ServiceUnusable(f"RabbitMQ could not be installed:\n{done.stderr.strip()}")
