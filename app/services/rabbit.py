"""A private RabbitMQ, run from an installed server: own node name, ports, cookie and folder, gone when we are.

Debian's `/usr/sbin/rabbitmq-server` changes user and leaves our process group, so the program behind it is run
itself; with `RABBITMQ_ALLOW_INPUT` it becomes the Erlang machine instead of a shell around one, which lets the
kernel end it with us. An epmd of our own, in the foreground, replaces the daemon that would stay behind.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.services.amqp import broker_version, speaks_amqp
from app.services.children import tail, wait_until
from app.services.errors import ServiceMissing, ServiceUnusable

SERVERS = (Path("/usr/lib/rabbitmq/bin/rabbitmq-server"), Path("/opt/rabbitmq/sbin/rabbitmq-server"))
INSTALL_COMMAND = "apt-get install -y --no-install-recommends rabbitmq-server"
START_TIMEOUT_S = 60.0

_CONFIG = """\
# the limits of a server that has the machine to itself do not fit one that is started on the side
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 1GB
"""


def installed_rabbit() -> Path | None:
    """Find the server's program, where both it and Erlang are installed."""
    if shutil.which("erl") is None or shutil.which("epmd") is None:
        return None
    return next((server for server in SERVERS if server.exists()), None)


class PrivateRabbit:
    """One RabbitMQ of our own in `folder`; queues survive `stop` and `kill` until the next `start`."""

    def __init__(self, folder: Path) -> None:
        server = installed_rabbit()
        if server is None:
            raise ServiceMissing(f"No RabbitMQ is installed. As root, type: {INSTALL_COMMAND}")
        self._server = server
        self._folder = folder.absolute()
        self._minder: subprocess.Popen[bytes] | None = None
        with ExitStack() as probes:
            self._port, self._epmd_port, self._dist_port = (_free_port(probes) for _ in range(3))
        self._node = f"r{secrets.token_hex(6)}@localhost"
        self._write_files()

    @property
    def url(self) -> str:
        """The broker's address; the same after every start."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/%2F"

    @property
    def log_file(self) -> Path:
        """What the broker and epmd write to their terminal."""
        return self._folder / "output.log"

    def start(self) -> str:
        """Start the broker, wait until it takes a connection and return its version. Raises ServiceUnusable."""
        commands = [
            [str(shutil.which("epmd")), "-port", str(self._epmd_port), "-address", "127.0.0.1"],
            [str(self._server)],
        ]
        with self.log_file.open("wb") as log:
            self._minder = minder = subprocess.Popen(
                [sys.executable, "-m", "app.services.minder", json.dumps(commands)],
                cwd=Path(__file__).parents[2],  # where the package `app` is found, installed or not
                env=os.environ | self._environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(
            lambda: minder.poll() is not None or speaks_amqp("127.0.0.1", self._port), START_TIMEOUT_S, step_s=0.1
        )
        if (version := broker_version(self.url)) is None:
            self.kill()
            raise ServiceUnusable(f"The private RabbitMQ did not start:\n{tail(self.log_file)}")
        return version

    def stop(self) -> None:
        """Stop the broker in order and wait until its processes are gone."""
        self._end(b"")

    def kill(self) -> None:
        """Kill the broker as `kill -9` does and wait until its processes are gone."""
        self._end(b"kill\n")

    def _end(self, word: bytes) -> None:
        if self._minder is not None:
            self._minder.communicate(word)
            self._minder = None

    def _write_files(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / "rabbitmq.conf").write_text(_CONFIG, encoding="ascii")
        (self._folder / "enabled_plugins").write_text("[].\n", encoding="ascii")
        cookie = self._folder / ".erlang.cookie"
        cookie.unlink(missing_ok=True)
        cookie.touch(mode=0o600)
        cookie.write_text(secrets.token_hex(16), encoding="ascii")
        cookie.chmod(0o400)

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        return {
            "HOME": folder,
            "ERL_CRASH_DUMP": f"{folder}/erl_crash.dump",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/rabbitmq-env.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
            "RABBITMQ_PID_FILE": f"{folder}/rabbitmq.pid",
            # idle schedulers that spin would take the processor from the tests beside them
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-noinput -kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none"
            ),
        }


@contextmanager
def private_broker(folder: Path) -> Iterator[PrivateRabbit]:
    """Provide a started private RabbitMQ that may be stopped, killed and started again within the block."""
    rabbit = PrivateRabbit(folder)
    rabbit.start()
    try:
        yield rabbit
    finally:
        rabbit.stop()


def _free_port(probes: ExitStack) -> int:
    """Find a free port; the probes stay open together, so that several calls find different ones."""
    probe = probes.enter_context(socket.socket())
    probe.bind(("127.0.0.1", 0))
    return int(probe.getsockname()[1])
