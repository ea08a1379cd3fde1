"""The command line against the running product: typed in another process than the one that works."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from sandbox import fixtures
from tests.conftest import service_missing
from tests.worlds.stand_ins import StandIns
from tests.worlds.world import SECRET_KEY

SCRIPT = Path(sys.executable).parent / "scoro-intacct"
TIMEOUT_S = 90


class Terminal:
    """Types commands as a person would, in processes of their own."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = {**os.environ, **environment}
        self.command = [sys.executable, "-m", "app.cli"]

    def type(self, *words: object, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*self.command, *(str(word) for word in words)],
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def done(self, *words: object, given: str = "") -> str:
        """Run a command that must succeed; returns what it printed."""
        shown = self.type(*words, given=given)
        assert shown.returncode == 0, shown
        return shown.stdout

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a process that runs until it is told to stop."""
        return subprocess.Popen(
            [*self.command, *words], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )


@pytest.fixture
def terminal(both: StandIns, database_url: str, tmp_path: Path) -> Terminal:
    return Terminal(
        {
            "DATABASE_URL": database_url,
            "SECRET_KEYS": SECRET_KEY,
            "DATA_DIR": str(tmp_path),
            "HTTP_BIND": "127.0.0.1:0",
            "ALLOW_LOCAL_ENDPOINTS": "true",
            "INTACCT_GATEWAY_URL": both.intacct.gateway_url,
            "INTACCT_SENDER_ID": fixtures.SENDER_ID,
            "INTACCT_SENDER_PASSWORD": fixtures.SENDER_PASSWORD,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
    )


@pytest.fixture
def connected(terminal: Terminal, both: StandIns) -> Terminal:
    """A connection in rehearsal, made by typing."""
    terminal.done(
        *("site", "add", "acme", "--url", both.scoro.base_url, "--api-key-file", "-"), given=fixtures.SCORO_API_KEY
    )
    shown = terminal.done(
        *("connect", "--site", "acme", "--scoro-entity", fixtures.SCORO_ENTITY, "--company", fixtures.COMPANY_ID),
        *("--entity", fixtures.ENTITY_ID, "--user", fixtures.USER_ID, "--password-file", "-"),
        given=fixtures.USER_PASSWORD + "\n",
    )
    assert "is in rehearsal" in shown
    assert fixtures.USER_PASSWORD not in shown
    return terminal


@pytest.fixture
def up(connected: Terminal) -> Iterator[list[str]]:
    """The product in one process; yields its first lines. It ends cleanly when it is told to."""
    process = connected.start("up")
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(3)]
    yield lines
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT_S) == 0
    process.stdout.close()


def test_up_says_what_it_uses_and_serves(up: list[str]) -> None:
    database, broker, serving = up
    assert database.startswith("Database  PostgreSQL ")
    assert broker == "Broker    in-process broker"
    address = serving.removeprefix("Serving at ").removesuffix(" until Ctrl-C.")
    with urlopen(f"{address}/healthz", timeout=10) as answer:
        assert answer.read() == b"ok\n"


def test_an_invoice_is_rehearsed_sent_and_found_again(connected: Terminal, both: StandIns, up: list[str]) -> None:
    invoice = both.scoro.invoice("INV-1", both.scoro.customer())

    rehearsed = connected.type("send", "invoice", invoice)
    assert (rehearsed.returncode, rehearsed.stdout) == (1, "")
    assert "in rehearsal, nothing is sent until `scoro-intacct connection go-live`" in rehearsed.stderr
    assert both.intacct.invoices() == []

    connected.done("connection", "go-live", "--yes")
    assert connected.done("wait") == ""
    assert "nothing had to change" in connected.done("send", "invoice", invoice)
    record = both.intacct.invoice("INV-1")["RECORDNO"]
    (row,) = json.loads(connected.done("documents", "list", "--json"))
    assert (row["number"], row["state"], row["intacct_recordno"]) == ("INV-1", "posted", record)

    both.scoro.edit(invoice, description="Second words")
    previewed = connected.type("preview", "invoice", invoice)
    preview = previewed.stdout
    assert "differs: header description: " in previewed.stderr
    assert previewed.stderr.count("differs: ") == 1
    assert f'<update_invoice key="{record}">' in preview
    assert "<description>Second words</description>" in preview
    assert "is posted: ARINVOICE" in connected.done("send", "invoice", invoice)
    sent = both.intacct.requests()[-1]["xml"]
    assert inner(preview) in sent

    unknown = connected.type("send", "invoice", 999)
    assert unknown.returncode == 1
    assert "Scoro has no invoice with id 999" in unknown.stderr
    assert "Scoro has no invoice with id 999" in connected.type("preview", "invoice", 999).stderr


def inner(preview: str) -> str:
    """The function of a preview without its control id."""
    return preview.strip().partition(">")[2]


def test_everything_is_read_again_at_a_price(connected: Terminal, both: StandIns, up: list[str]) -> None:
    connected.done("connection", "go-live", "--yes")
    made = both.scoro.generate(30)["ids"]
    connected.done("connection", "set", "data.invoices.start_date=2000-01-01", "accounts.rounding=4910")
    asked = connected.type("sync", "now")
    assert asked.returncode == 2
    assert "Scoro lists 30 documents since 2000-01-01" in asked.stderr
    assert "at most about 1 request of the 3,958 left for documents this month" in asked.stderr
    assert "30 documents" in connected.done("sync", "now", "--yes", "--wait")
    assert connected.done("wait") == ""
    assert len(both.intacct.invoices()) == len(made)
    (quota,) = json.loads(connected.done("quota", "show", "--json"))
    assert quota["used"] == both.intacct.counters()["requests"]


def test_the_console_script_is_installed() -> None:
    if not SCRIPT.exists():
        service_missing(f"{SCRIPT} is not there: install the project with scripts/install")
    shown = subprocess.run([SCRIPT, "--version"], capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    assert shown.stdout.startswith("scoro-intacct ")


def test_a_stand_in_says_how_to_reach_it_and_refuses_a_taken_port(terminal: Terminal, both: StandIns) -> None:
    taken = both.scoro.base_url.rpartition(":")[2]
    shown = terminal.type("sandbox", "scoro", "--port", taken)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr.startswith(f"Port {taken} cannot be listened on")
