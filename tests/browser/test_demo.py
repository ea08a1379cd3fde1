"""Somebody watches a run of the demo on its pages, from the link that it prints."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from playwright.sync_api import expect

from tests.browser.conftest import Window
from tests.documents import ROOT
from tests.worlds.browsing import PASSWORD

DOCUMENTS = 400
NOTE_CHANGES = """tile => {
    window.seen = [tile.textContent];
    const part = document.querySelector('[data-live]');
    new MutationObserver(() => {
        const now = part.querySelector('.tile-number').textContent;
        if (now !== window.seen.at(-1)) window.seen.push(now);
    }).observe(part, {childList: true});
}"""


@pytest.fixture
def demo(empty_database_url: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`scoro-intacct demo --serve`, over a database of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "INTACCT_XSD"}}
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "app.cli", "demo", "--serve", "--documents", str(DOCUMENTS)],
        env={
            **kept,
            "DATABASE_URL": empty_database_url,
            "DATA_DIR": str(tmp_path),
            "SECRET_KEYS": Fernet.generate_key().decode(),
            "HTTP_BIND": f"127.0.0.1:{port}",
            "PYTHONPATH": str(ROOT),
        },
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_a_demo_run_is_watched_live(demo: subprocess.Popen[str], window: Window) -> None:
    assert demo.stdout
    told = iter(demo.stdout.readline, "")
    before = []
    for line in told:
        before.append(line)
        if "/welcome/" in line:
            break
    link = before[-1].strip()
    base_url = re.match(r"http://[^/]+", link)
    assert base_url, f"no link was printed: {before}"
    page = window(base_url[0])
    page.goto(link)
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.get_by_role("button", name="Choose it and go on").click()
    arrived = page.locator(".tile", has_text="In Intacct").locator(".tile-number")
    arrived.evaluate(NOTE_CHANGES)
    report = next(line for line in told if "sound documents" in line)
    posted = re.search(r"(\d+) of (\d+) sound documents", report)
    assert posted
    assert posted[1] == posted[2]
    expect(page.locator(".tile", has_text="Waiting or under way").locator(".tile-number")).to_have_text("0")
    seen = [int(text.replace(",", "")) for text in page.evaluate("window.seen")]
    assert len(seen) > 2, f"it was seen to grow: {seen}"
    assert seen == sorted(seen)
    assert seen[-1] >= int(posted[1])
    page.reload()
    expect(arrived).to_have_text(f"{seen[-1]:,}")
