"""A real browser at the console: Debian's Chromium, driven by Playwright.

A machine without Chromium skips these tests with the reason; as root where CI wants them, it is installed on the spot.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.conftest import service_missing
from tests.integration.conftest import _workers_stop_fast, both, shared_stand_ins

__all__ = ["_workers_stop_fast", "both", "shared_stand_ins"]

INSTALL = "apt-get install -y --no-install-recommends chromium"
PATIENCE_MS = 20_000


def chromium() -> str:
    """Where Chromium is."""
    if found := shutil.which("chromium"):
        return found
    if os.environ.get("CI") and os.geteuid() == 0:
        print(f"No Chromium found, installing it: {INSTALL}")
        for command in ("apt-get update", INSTALL):
            subprocess.run(
                command.split(),
                check=False,
                capture_output=True,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )
        if found := shutil.which("chromium"):
            return found
    return service_missing(f"there is no Chromium: as root, type {INSTALL}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests; each opens windows of its own."""
    path = chromium()
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield made
        made.close()


Window = Callable[..., Page]


@pytest.fixture
def window(browser: Browser) -> Iterator[Window]:
    """Opens windows that complain: an error on a page's console fails the test, a dialog is agreed to."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []
    expect.set_options(timeout=PATIENCE_MS)

    def open_window(base_url: str, scheme: str = "light", **more: object) -> Page:
        context = browser.new_context(
            base_url=base_url,
            color_scheme=scheme,  # type: ignore[arg-type]
            **{"locale": "en-GB", "timezone_id": "Europe/London", **more},  # type: ignore[arg-type]
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
        page.on("dialog", lambda dialog: dialog.accept())
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert wrong == []
