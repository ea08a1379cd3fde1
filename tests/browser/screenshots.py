"""Writes a picture of every page, light and dark, and a few on a phone, to docs/screenshots (scripts/screenshots)."""

import os
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, ViewportSize, sync_playwright

from app.services.postgres import postgres
from db.migrate import migrate
from tests.browser.conftest import chromium
from tests.browser.scene import furnish, invited, look, office, pages
from tests.documents import ROOT
from tests.worlds.browsing import PASSWORD
from tests.worlds.stand_ins import stand_ins

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
FOLDER = ROOT / "docs" / "screenshots"
DESK: ViewportSize = {"width": 1200, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 780}
ON_A_PHONE = ("overview", "document", "failures")
OPENED = {"connection": "#section-taxes"}
"""Parts that are opened for the picture."""
OPEN = "s => document.querySelector(s).setAttribute('open', '')"
WHOLE = ("overview", "document", "connection")
"""Pages that are shown in their whole length."""


def take(page: Page, url: str, name: str) -> None:
    """Open a page and keep a picture of what stands above the fold."""
    look(page, name.rpartition("-")[0], url)
    what = name.rpartition("-")[0]
    if what in OPENED:
        page.evaluate(OPEN, OPENED[what])
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled", full_page=what in WHOLE and "phone" not in name)


def sign_in(page: Page) -> None:
    """Sign in as the admin of the scene."""
    page.goto("/login")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def main() -> None:
    """Furnish a scene on services of its own and walk through it."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scoro-intacct-screenshots-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        os.chdir(folder)  # no .env of a developer
        walk(folder)


def walk(folder: Path) -> None:
    """Open every page and keep its picture."""
    with stand_ins() as both, postgres(folder, None, durable=False) as service, sync_playwright() as playwright:
        migrate(service.url)
        args = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium(), args=args)
        with office(both, service.url, folder) as where:
            furnish(where)
            for scheme in SCHEMES:
                context = browser.new_context(
                    base_url=where.url,
                    color_scheme=scheme,
                    locale="en-GB",
                    timezone_id="Europe/London",
                    viewport=DESK,
                )
                page = context.new_page()
                take(page, "/login", f"login-{scheme}")
                take(page, invited(where), f"welcome-{scheme}")
                sign_in(page)
                for name, path in pages(where).items():
                    take(page, path, f"{name}-{scheme}")
                if scheme == "light":
                    page.set_viewport_size(PHONE)
                    for name in ON_A_PHONE:
                        take(page, pages(where)[name], f"{name}-phone")
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
