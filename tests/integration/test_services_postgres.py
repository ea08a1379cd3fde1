"""The embedded PostgreSQL: closed to others, shared by processes, gone with them, back after every kind of death."""

import importlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from app.services.children import wait_until
from app.services.cluster import Cluster
from app.services.errors import ServiceUnusable
from app.services.file_lock import FileLock
from app.services.pg_binaries import installed_server, reachable_server, version_of
from app.services.postgres import postgres

GONE_WITHIN_S = 20
USE_IT = """
import sys
from pathlib import Path
from app.services.postgres import postgres
with postgres(Path(sys.argv[1]), None, durable=False) as service:
    print(service.url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder that the unprivileged server may pass through, and whose socket path is short."""
    folder = Path(tempfile.mkdtemp(prefix="si-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def user_process(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the embedded server until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", USE_IT, str(data_dir)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=GONE_WITHIN_S)


def servers(data_dir: Path) -> list[int]:
    """The processes that work in the cluster's folder."""
    folder = Cluster.below(data_dir).data
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def postmaster(data_dir: Path) -> int:
    return int((Cluster.below(data_dir).data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])


def keeper_of(data_dir: Path) -> int:
    status = Path(f"/proc/{postmaster(data_dir)}/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))


def has_keeper(data_dir: Path) -> bool:
    with FileLock(Cluster.below(data_dir).home / "keeper.lock") as lock:
        return not lock.try_exclusive()


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def answers(url: str) -> bool:
    try:
        execute(url, "SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def test_stops_with_its_last_user_and_keeps_the_data(data_dir: Path) -> None:
    with postgres(data_dir, None, durable=False) as service:
        assert service.label == f"embedded PostgreSQL {version_of(installed_server())} in {data_dir}/postgres/cluster"
        execute(service.url, "CREATE TABLE kept AS SELECT 1 AS one")
    assert servers(data_dir) == []
    with postgres(data_dir, None, durable=False) as service:
        assert execute(service.url, "SELECT one FROM kept") == [(1,)]


def test_is_closed_to_everybody_else(data_dir: Path) -> None:
    with postgres(data_dir, None, durable=False) as service:
        cluster = Cluster.below(data_dir)
        assert execute(service.url, "SHOW listen_addresses") == [("",)]
        assert execute(service.url, "SELECT DISTINCT auth_method FROM pg_hba_file_rules") == [("scram-sha-256",)]
        for folder in (cluster.data, cluster.run):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for file in (cluster.password_file, cluster.server_log, cluster.home / "endpoint.json"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        wrong = conninfo.make_conninfo(service.url, password="guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


def test_never_runs_as_root_and_changes_no_folder_above_its_own(data_dir: Path) -> None:
    with postgres(data_dir, None, durable=False):
        assert Path(f"/proc/{postmaster(data_dir)}").stat().st_uid != 0
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o711


def test_lives_elsewhere_when_the_unprivileged_server_cannot_reach_the_folder(data_dir: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root runs the server under another user")
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    home = Cluster.below(closed).home
    assert not home.is_relative_to(data_dir)
    try:
        with postgres(closed, None, durable=False) as service:
            assert answers(service.url)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(home)
        if not any(home.parent.iterdir()):
            home.parent.rmdir()


def test_uses_a_loopback_port_where_the_socket_path_would_be_too_long(data_dir: Path) -> None:
    with postgres(data_dir / ("long" * 25), None, durable=False) as service:
        assert execute(service.url, "SHOW listen_addresses") == [("127.0.0.1",)]


def test_processes_that_start_together_share_one_server(data_dir: Path) -> None:
    with user_process(data_dir) as first, user_process(data_dir) as second:
        started = "SELECT pg_postmaster_start_time()"
        assert execute(url_of(first), started) == execute(url := url_of(second), started)
        end(first)
        assert answers(url)
        end(second)
    assert wait_until(lambda: servers(data_dir) == [], GONE_WITHIN_S)


def test_a_killed_user_leaves_no_server(data_dir: Path) -> None:
    with user_process(data_dir) as user:
        assert answers(url_of(user))
        user.kill()
        assert wait_until(lambda: servers(data_dir) == [], GONE_WITHIN_S)


def test_a_killed_keeper_takes_the_server_along_and_the_next_user_finds_the_data(data_dir: Path) -> None:
    with user_process(data_dir) as user:
        execute(url_of(user), "CREATE TABLE kept AS SELECT 1 AS one")
        os.kill(keeper_of(data_dir), signal.SIGKILL)
        assert wait_until(lambda: not has_keeper(data_dir), GONE_WITHIN_S)
        with postgres(data_dir, None, durable=False) as service:
            assert execute(service.url, "SELECT one FROM kept") == [(1,)]
            end(user)
            assert answers(service.url)
    assert servers(data_dir) == []


def test_a_service_manager_that_stops_everything_at_once_leaves_the_server_to_its_users(data_dir: Path) -> None:
    with postgres(data_dir, None, durable=False) as service:
        keeper = keeper_of(data_dir)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(keeper, number)
        execute(service.url, "SELECT pg_sleep(0.2)")
        assert keeper_of(data_dir) == keeper
        assert answers(service.url)


def test_a_folder_of_another_user_is_refused_with_the_fix(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> FileLock:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(importlib.import_module("app.services.postgres"), "FileLock", refuse)
    with (
        pytest.raises(ServiceUnusable, match=rf"{data_dir}.* belongs to another user.*DATA_DIR"),
        postgres(data_dir, None),
    ):
        pass


def test_a_killed_server_comes_back_for_those_who_use_it(data_dir: Path) -> None:
    with postgres(data_dir, None, durable=False) as service:
        execute(service.url, "CREATE TABLE kept AS SELECT 1 AS one")
        killed = postmaster(data_dir)
        os.kill(killed, signal.SIGKILL)
        assert wait_until(lambda: answers(service.url), GONE_WITHIN_S)
        assert execute(service.url, "SELECT one FROM kept") == [(1,)]
        assert postmaster(data_dir) != killed


def test_stale_lock_files_with_the_number_of_a_living_stranger_are_no_obstacle(data_dir: Path) -> None:
    cluster = Cluster.below(data_dir)
    locks = (cluster.data / "postmaster.pid", cluster.run / ".s.PGSQL.5432.lock")
    with postgres(data_dir, None, durable=False):
        contents = [lock.read_text(encoding="ascii") for lock in locks]
    with subprocess.Popen(["sleep", "600"], user=cluster.uid) as stranger:
        for lock, content in zip(locks, contents, strict=True):
            _, rest = content.split("\n", maxsplit=1)
            lock.write_text(f"{stranger.pid}\n{rest}", encoding="ascii")
        with postgres(data_dir, None, durable=False) as service:
            assert answers(service.url)
        assert stranger.poll() is None
        stranger.kill()


def test_an_interrupted_creation_is_done_again(data_dir: Path) -> None:
    half_made = data_dir / "postgres" / "cluster.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("1", encoding="ascii")
    Cluster.below(data_dir).home.chmod(0o711)
    with postgres(data_dir, None, durable=False) as service:
        assert answers(service.url)


def test_data_of_an_older_major_version_is_refused_with_the_fix(data_dir: Path) -> None:
    with postgres(data_dir, None, durable=False):
        pass
    (Cluster.below(data_dir).data / "PG_VERSION").write_text("16\n", encoding="ascii")
    with (
        pytest.raises(ServiceUnusable, match=r"written by PostgreSQL 16.*pg_dump.*move the folder away"),
        postgres(data_dir, None),
    ):
        pass


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    with postgres(data_dir, None, durable=False):
        pass
    (Cluster.below(data_dir).data / "postgresql.conf").write_text("no_such_setting = 1\n", encoding="ascii")
    with pytest.raises(ServiceUnusable, match="no_such_setting"), postgres(data_dir, None, durable=False):
        pass
    assert servers(data_dir) == []


def test_a_long_recovery_is_waited_for_and_told(data_dir: Path) -> None:
    cluster = Cluster.below(data_dir)
    with postgres(data_dir, None, durable=False):
        endpoint = (cluster.home / "endpoint.json").read_text(encoding="utf-8")
    told: list[str] = []

    def recovered(message: str) -> None:
        told.append(message)
        (cluster.home / "endpoint.json").write_text(endpoint, encoding="utf-8")

    with FileLock(cluster.home / "keeper.lock") as busy_keeper:
        assert busy_keeper.try_exclusive()
        os.truncate(busy_keeper.fd, 0)
        cluster.server_log.write_text("LOG:  redo in progress, elapsed time: 3600.00 s\n", encoding="utf-8")
        with postgres(data_dir, None, durable=False, on_wait=recovered):
            (cluster.home / "endpoint.json").unlink()
    assert told == ["waiting for the embedded PostgreSQL: LOG:  redo in progress, elapsed time: 3600.00 s"]


def test_a_server_out_of_reach_is_copied_below_the_home(data_dir: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root runs the server under another user")
    out_of_reach = tmp_path / "install"
    shutil.copytree(installed_server(), out_of_reach, symlinks=True)
    tmp_path.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.services.pg_binaries.installed_server", lambda: out_of_reach)
        copy = reachable_server(data_dir, 65_534)
        assert copy.parent == data_dir
        assert reachable_server(data_dir, 65_534) == copy
    said = subprocess.run([copy / "bin" / "postgres", "--version"], user=65_534, capture_output=True, check=True)
    assert version_of(installed_server()).encode() in said.stdout


def test_a_given_database_is_named_without_its_password(postgres_server: object, database_url: str) -> None:
    with postgres(Path("/nowhere"), database_url) as service:
        assert service.url == database_url
        version = execute(database_url, "SHOW server_version")[0][0]
        assert service.label == f"PostgreSQL {str(version).split()[0]} at DATABASE_URL"


def test_a_given_database_that_does_not_answer_is_refused(closed_port: int) -> None:
    url = f"postgresql://someone:secret@127.0.0.1:{closed_port}/books"
    with (
        pytest.raises(ServiceUnusable, match=r"No database at DATABASE_URL.*embedded") as refusal,
        postgres(Path("/nowhere"), url),
    ):
        pass
    assert "secret" not in str(refusal.value)
