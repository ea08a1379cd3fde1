"""Where the product keeps its files."""

import os
import stat
from pathlib import Path

import pytest

from app.services.data_dir import default_data_dir, ensure_data_dir
from app.services.pg_binaries import can_pass


def test_data_dir_wins_over_every_default() -> None:
    assert default_data_dir({"DATA_DIR": "/srv/books"}) == Path("/srv/books")


def test_root_keeps_its_data_in_var_lib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir({"XDG_DATA_HOME": "/ignored"}) == Path("/var/lib/scoro-intacct")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"XDG_DATA_HOME": "/home/ann/data"}, Path("/home/ann/data/scoro-intacct")),
        ({}, Path.home() / ".local" / "share" / "scoro-intacct"),
    ],
)
def test_others_keep_it_where_their_desktop_says(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_data_dir(environ) == expected


@pytest.mark.parametrize(("uid", "mode"), [(0, 0o711), (1000, 0o700)])
def test_a_new_data_folder_cannot_be_listed_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int, mode: int
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert stat.S_IMODE(ensure_data_dir(tmp_path / "new").stat().st_mode) == mode


def test_an_existing_data_folder_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    assert stat.S_IMODE(ensure_data_dir(tmp_path).stat().st_mode) == 0o750


def test_a_closed_folder_on_the_way_stops_a_stranger_and_not_its_owner(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o711)
    tmp_path.chmod(0o700)
    stranger = tmp_path.stat().st_uid + 1
    assert not can_pass(inner, stranger)
    assert can_pass(Path("/usr"), stranger)
