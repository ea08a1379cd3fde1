"""The promises that `tests/conftest.py` makes to every other test."""

import os
import socket
from pathlib import Path

import pytest

from tests.conftest import OWN_VARIABLES, at_database, service_missing

ROOT = Path(__file__).parents[2]


def test_a_missing_service_is_a_skip_with_its_reason_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no broker"):
        service_missing("no broker")


def test_a_missing_service_is_a_failure_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no broker"):
        service_missing("no broker")


def test_the_developers_settings_are_out_of_sight() -> None:
    assert not set(OWN_VARIABLES) & set(os.environ)
    assert list(Path.cwd().iterdir()) == []


def test_every_setting_of_the_example_is_hidden_from_tests() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = {line[1:].split("=")[0] for line in example.splitlines() if "=" in line and line[:2] != "# "}
    assert named == set(OWN_VARIABLES)


def test_a_closed_port_refuses(closed_port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", closed_port))


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("postgresql://ann:pw@db:5432/books?sslmode=require", "postgresql://ann:pw@db:5432/own?sslmode=require"),
        ("postgresql://ann:pw@/books?host=%2Frun&port=5432", "postgresql://ann:pw@/own?host=%2Frun&port=5432"),
        ("user=ann dbname=books host=db", "user=ann dbname=own host=db"),
    ],
)
def test_an_address_is_pointed_at_another_database(server: str, expected: str) -> None:
    assert at_database(server, "own") == expected
