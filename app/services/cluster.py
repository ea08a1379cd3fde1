"""The files of the embedded PostgreSQL: where they lie, whose they are, and how they are made.

HOME/                 0711 as root, else 0700
  cluster/            the data itself, 0700, owned by the user under which the server runs
  run/                the socket, 0700, the same owner
  password            of the only role, 0600
  binaries-18.6/      a copy of the server, only where that user cannot reach the installed one
  users.lock          shared by every process that uses the server
  keeper.lock         held by the process that keeps the server
  start.lock          held for the moment in which somebody starts a keeper
  endpoint.json       how to connect; there while the server is ready
  server.log, keeper.log
"""

import hashlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.services.data_dir import ensure_data_dir
from app.services.errors import ServiceUnusable
from app.services.pg_binaries import ENVIRONMENT, can_pass, installed_server, reachable_server, version_of

ROLE = "scoro_intacct"
DATABASE = "scoro_intacct"
UNPRIVILEGED_ID = 59_432  # no account has it, so that nobody else's process can read or signal what runs under it
RELOCATED = Path("/var/lib/scoro-intacct-postgres")
LONGEST_SOCKET_PATH = 107
SOCKET_PORT = 5432
MAX_CONNECTIONS = 200
STOP_SIGNAL = signal.SIGUSR1  # of the last user to the keeper


@dataclass(frozen=True)
class Cluster:
    """One embedded database cluster below `home`."""

    home: Path

    @classmethod
    def below(cls, data_dir: Path) -> "Cluster":
        """Place the cluster in the data folder; as root elsewhere if the unprivileged server cannot get there."""
        data_dir = ensure_data_dir(data_dir)
        if os.geteuid() != 0 or can_pass(data_dir, UNPRIVILEGED_ID):
            return cls(data_dir / "postgres")
        name = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:12]
        return cls(ensure_data_dir(RELOCATED) / name)

    @property
    def data(self) -> Path:
        """The data folder of the server."""
        return self.home / "cluster"

    @property
    def run(self) -> Path:
        """The folder of the server's socket."""
        return self.home / "run"

    @property
    def password_file(self) -> Path:
        """The file with the role's password."""
        return self.home / "password"

    @property
    def server_log(self) -> Path:
        """What the server writes."""
        return self.home / "server.log"

    @property
    def uid(self) -> int:
        """The user under which the server runs: we, but instead of root the data's owner or nobody's account."""
        if os.geteuid() != 0:
            return os.geteuid()
        return (self.data.stat().st_uid if self.data.exists() else 0) or UNPRIVILEGED_ID

    def uses_socket(self) -> bool:
        """Say whether the socket's path is short enough for the system; else a loopback port serves."""
        return len(os.fsencode(self.run / f".s.PGSQL.{SOCKET_PORT}")) <= LONGEST_SOCKET_PATH

    def create_home(self) -> None:
        """Make the folder that holds everything, closed to others."""
        ensure_data_dir(self.home)

    def refuse_other_version(self) -> None:
        """Refuse data of another major version, which this server cannot read."""
        mark = self.data / "PG_VERSION"
        if not mark.exists():
            return
        wrote, brings = mark.read_text(encoding="ascii").strip(), version_of(installed_server())
        if wrote != brings.split(".", maxsplit=1)[0]:
            raise ServiceUnusable(
                f"The data in {self.data} was written by PostgreSQL {wrote}, this release brings {brings}. "
                f"To keep it: dump it with the release that wrote it (`pg_dump --format=custom`), move the folder "
                f"away, start once and load the dump with `pg_restore`; or serve it with PostgreSQL {wrote} and set "
                f"DATABASE_URL. To begin anew: move the folder away."
            )

    def prepare(self, *, durable: bool) -> None:
        """Make what is missing: the socket's folder, the password and the data."""
        self.run.mkdir(mode=0o700, exist_ok=True)
        _give(self.run, self.uid)
        if not self.data.exists():
            self._initialise(durable=durable)

    def _initialise(self, *, durable: bool) -> None:
        """Run initdb beside the final place, so that an interrupted one leaves nothing that looks whole."""
        new, word = self.home / "cluster.new", self.home / "password.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        password = secrets.token_urlsafe(24)
        for file in (word, self.password_file):
            file.unlink(missing_ok=True)
            file.touch(mode=0o600)
            file.write_text(password, encoding="ascii")
        user = _initdb_uid(self.uid)
        for place in (new, word):
            _give(place, user)
        made = _run_initdb(reachable_server(self.home, self.uid), new, word, user, durable=durable)
        word.unlink()
        if made.returncode != 0:
            raise ServiceUnusable(f"initdb could not make {self.data}: {made.stderr.strip()}")
        for place in (new, *new.rglob("*")):
            _give(place, self.uid)
        new.rename(self.data)

    def server_command(self, port: int, *, durable: bool) -> list[str]:
        """Spell the command of the server: one way in, password required, nothing on the network."""
        options = {
            "listen_addresses": "" if self.uses_socket() else "127.0.0.1",
            "unix_socket_directories": str(self.run) if self.uses_socket() else "",
            "unix_socket_permissions": "0700",
            "port": str(port),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_startup_progress_interval": "1s",
        }
        if not durable:
            # a commit still reaches the system at once, and so survives the death of the server, not of the machine
            options |= {"fsync": "off", "full_page_writes": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(reachable_server(self.home, self.uid) / "bin" / "postgres"), "-D", str(self.data), *settings]

    def status_of(self, server_pid: int) -> str:
        """Read what the server says of itself in its pid file: `starting`, `ready`, `stopping` or nothing yet."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return ""
        return lines[7].strip() if len(lines) > 7 and lines[0] == str(server_pid) else ""


def identity(uid: int) -> int | None:
    """Return the user and group to change to, or None where we are that user already."""
    return None if uid == os.geteuid() else uid


def _run_initdb(
    install: Path, data: Path, password_file: Path, uid: int, *, durable: bool
) -> subprocess.CompletedProcess[str]:
    command = [str(install / "bin" / "initdb"), "-D", str(data), "-U", ROLE, f"--pwfile={password_file}"]
    options = ["--auth=scram-sha-256", "--no-locale", "-E", "UTF8", f"--set=max_connections={MAX_CONNECTIONS}"]
    if not durable:
        options.append("--no-sync")
    user = identity(uid)
    return subprocess.run(
        [*command, *options],
        env=ENVIRONMENT,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )


def _give(path: Path, uid: int) -> None:
    if identity(uid) is not None:
        os.chown(path, uid, uid, follow_symlinks=False)


def _initdb_uid(uid: int) -> int:
    """Choose the user for initdb, which insists on one that has an account; the server does not."""
    try:
        return pwd.getpwuid(uid).pw_uid
    except KeyError:
        return uid if identity(uid) is None else pwd.getpwnam("nobody").pw_uid
