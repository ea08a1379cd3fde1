import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer import BadParameter
from typer.testing import CliRunner

from app.cli import common, output
from app.cli.root import root
from app.cli.sending import judge
from app.cli.waiting import describe, summary
from db.waits import Wait

DESIGNED = {
    (): "demo up serve work schedule migrate connect send preview wait sandbox site connection reference sync documents"
    " failures quota",
    ("site",): "add list set",
    ("connection",): "list set go-live pause resume disconnect",
    ("reference",): "list",
    ("sync",): "now",
    ("documents",): "list show",
    ("failures",): "list show",
    ("quota",): "show limit",
}


@pytest.mark.parametrize("path", DESIGNED)
def test_every_command_is_there_and_explains_itself(path: tuple[str, ...]) -> None:
    for name in DESIGNED[path].split():
        shown = CliRunner().invoke(root, [*path, name, "--help"])
        assert shown.exit_code == 0, shown.output
        assert "Usage:" in shown.output


@pytest.mark.parametrize(
    "words",
    [
        ["bogus"],
        ["send", "invoice"],
        ["send", "invoice", "x"],
        ["send", "invoice", "0"],
        ["send", "unicorn", "1"],
        ["documents", "list", "--state", "lost"],
        ["documents", "list", "--kind", "customer"],
        ["quota", "limit", "acme", "-1"],
        ["wait", "--timeout", "-1"],
        ["wait", "--timeout", "soon"],
        ["work", "--queues", "changes,gossip"],
        ["sandbox", "xero", "--port", "1"],
        ["sandbox", "scoro"],
        ["connect", "--site", "acme"],
        ["connection", "set", "acme"],
        ["connection", "set", "acme", "location"],
        ["connection", "pause", "acme", "--all"],
        ["site", "add", "acme", "--url", "https://acme.scoro.com", "--api-key-file", "/nowhere/key"],
    ],
)
def test_bad_usage_ends_with_2_before_anything_is_opened(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nowhere")
    shown = CliRunner().invoke(root, words)
    assert shown.exit_code == 2, shown.output
    assert shown.stdout == ""
    assert shown.stderr


@pytest.mark.parametrize("command", ["serve", "work", "schedule"])
def test_a_single_process_refuses_to_run_without_shared_services(command: str) -> None:
    shown = CliRunner().invoke(root, [command])
    assert shown.exit_code == 1
    assert shown.stderr.startswith("DATABASE_URL and AMQP_URL must be set:")
    assert "scoro-intacct up" in shown.stderr


def test_an_environment_that_makes_no_sense_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_BIND", "somewhere")
    shown = CliRunner().invoke(root, ["up"])
    assert shown.exit_code == 1
    assert shown.stderr == "HTTP_BIND: 'somewhere' is no host:port\n"


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("app.settings.load_settings", broken)
    shown = CliRunner().invoke(root, ["site", "list"])
    assert isinstance(shown.exception, ZeroDivisionError)


def test_json_has_money_as_strings_and_times_in_utc() -> None:
    value = {
        "money": Decimal("1234.50"),
        "small": Decimal("1E-7"),
        "at": datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))),
        "on": date(2026, 3, 1),
        "id": UUID(int=7),
        "name": "Ünïcode 漢",
    }
    assert json.loads(output.as_json(value)) == {
        "money": "1234.50",
        "small": "0.0000001",
        "at": "2026-02-28T23:30:00Z",
        "on": "2026-03-01",
        "id": "00000000-0000-0000-0000-000000000007",
        "name": "Ünïcode 漢",
    }


@pytest.mark.parametrize("rows", [[], [1], [1, 2, 3]])
def test_rows_are_one_json_array(rows: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json_rows({"n": row} for row in rows)
    assert json.loads(capsys.readouterr().out) == [{"n": row} for row in rows]


def test_texts_from_elsewhere_cannot_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    name = "Evil\x1b[31m \u202egnp.exe\nLtd [red]"
    output.print_table(("Name",), [(name,)])
    shown = capsys.readouterr().out
    assert "\x1b[31m" not in shown
    assert "\u202e" not in shown
    assert "Evil�[31m �gnp.exe Ltd [red]" in shown


def test_instants_and_money_read_well() -> None:
    assert output.plain(datetime(2026, 3, 1, 10, 0, 5, tzinfo=UTC)) == "2026-03-01 10:00:05Z"
    assert output.plain(Decimal("1234567.80")) == "1,234,567.80"
    assert output.plain(None) == ""


def test_a_secret_file_is_stripped_and_bounded(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("  secret \n")
    assert common.read_secret("--key", str(file)) == "secret"
    for content, fault in [(b"", "empty"), (b" \n", "empty"), (b"x" * 70_000, "larger"), (b"\xff\xfe", "UTF-8")]:
        file.write_bytes(content)
        with pytest.raises(BadParameter, match=fault):
            common.read_secret("--key", str(file))


def test_only_one_file_can_be_standard_input() -> None:
    with pytest.raises(BadParameter, match="only one of --a and --b"):
        common.read_secrets([("--a", "-"), ("--b", "-")])


def test_pairs_split_at_the_first_equals_sign() -> None:
    assert common.pairs(["memo.template={number}=x", "location="]) == [
        ("memo.template", "{number}=x"),
        ("location", ""),
    ]
    for word in ("location", "=UK"):
        with pytest.raises(BadParameter, match="KEY=VALUE"):
            common.pairs([word])


def test_the_actor_holds_nothing_that_an_option_of_the_database_would_split_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "Jo Ann\\x -c evil")
    assert common.actor() == "cli:Jo_Ann_x_-c_evil"


# ------------------------------------------------------------------------------------------------- what send says


def standing(**known: Any) -> dict[str, Any]:
    return {
        "state": "waiting",
        "reason": "",
        "number": "INV-1",
        "connection": "acme",
        "connection_state": "active",
        "pending": None,
        "pending_reason": "",
        "pending_attempts": None,
        "ended": "done",
        "operation_state": None,
        "operation_reason": None,
        "waits_for": None,
        "settled_since": None,
        "object": None,
        "record_no": None,
        "cause": None,
        "fix": None,
        "needed": None,
        "needed_reason": None,
        **known,
    }


@pytest.mark.parametrize(
    ("known", "posted", "final", "says"),
    [
        ({"state": "posted", "settled_since": True, "object": "ARINVOICE", "record_no": "7"}, True, True, "is posted"),
        ({"state": "posted", "settled_since": False, "object": "ARINVOICE"}, True, True, "nothing had to change"),
        ({"state": "linked", "object": "ARINVOICE"}, True, True, "nothing had to change"),
        ({"state": "failed", "cause": "Too small.", "fix": "Grow."}, False, True, "is refused: Too small. Grow."),
        ({"state": "skipped", "reason": "too old"}, False, True, "it is skipped: too old"),
        ({"pending": "waiting", "pending_attempts": 0}, False, False, "no worker has taken it"),
        (
            {"pending": "waiting", "pending_attempts": 2, "pending_reason": "Scoro is down"},
            False,
            False,
            "Scoro is down",
        ),
        ({"pending": "reading", "pending_attempts": 1}, False, False, "being read"),
        (
            {
                "state": "posted",
                "pending": "waiting",
                "pending_attempts": 0,
                "operation_state": "posted",
                "waits_for": "",
            },
            False,
            False,
            "no worker",
        ),
        (
            {
                "pending": "waiting",
                "pending_attempts": 0,
                "operation_state": "uncertain",
                "operation_reason": "no answer",
            },
            False,
            False,
            "no answer",
        ),
        (
            {"operation_state": "waiting_quota", "waits_for": "quota", "operation_reason": "waits for requests"},
            False,
            True,
            "waits for requests",
        ),
        ({"operation_state": "ready", "waits_for": "", "operation_reason": "throttled"}, False, False, "throttled"),
        (
            {"operation_state": "ready", "waits_for": "connection", "connection_state": "rehearsal"},
            False,
            True,
            "acme is in rehearsal",
        ),
        (
            {
                "operation_state": "waiting_prerequisite",
                "waits_for": "",
                "needed": "customer:3",
                "needed_reason": "No name.",
            },
            False,
            True,
            "it needs customer:3, which failed: No name.",
        ),
        ({"connection_state": "disconnected", "state": "waiting"}, False, True, "acme is disconnected"),
    ],
)
def test_send_knows_when_to_stop_waiting(known: dict[str, Any], posted: bool, final: bool, says: str) -> None:
    verdict = judge(standing(**known))
    assert (verdict.posted, verdict.final) == (posted, final)
    assert says in verdict.text


def test_waits_are_described_by_what_ends_them() -> None:
    at = datetime(2026, 4, 1, tzinfo=UTC)
    assert describe(Wait("operation", "quota", "acme", "active", 2, at)) == (
        "acme: 2 operations wait for requests, until 2026-04-01 00:00:00Z."
    )
    assert describe(Wait("operation", "connection", "acme", "paused", 1, at)) == (
        "acme: 1 operation waits, as the connection is paused."
    )
    assert summary([Wait("change", "", "a", "active", 1, at), Wait("change", "", "b", "active", 2, at)]) == "3 changes"
