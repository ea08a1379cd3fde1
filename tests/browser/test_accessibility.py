from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Window
from tests.browser.scene import furnish, look, office, pages
from tests.worlds.browsing import PASSWORD
from tests.worlds.stand_ins import StandIns

PUBLIC = {"login": "/login", "void-link": "/welcome/none"}
PHONE = {"width": 390, "height": 800}


def faults(page: Page, name: str, scheme: str) -> list[str]:
    """What axe finds that is serious; in the dark only colours differ."""
    options = {"resultTypes": ["violations"], **({"runOnly": ["color-contrast"]} if scheme == "dark" else {})}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{name}: {fault['id']} ({fault['impact']}): {fault['help']}: {fault['nodes'][0]['html'][:200]}"
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    ]


def test_no_page_has_a_serious_fault_in_light_or_dark_or_is_wider_than_a_phone(
    both: StandIns, database_url: str, tmp_path: Path, window: Window, _workers_stop_fast: None
) -> None:
    found: list[str] = []
    with office(both, database_url, tmp_path) as where:
        furnish(where)
        for scheme in ("light", "dark"):
            page = window(where.url, scheme)
            for name, path in PUBLIC.items():
                page.goto(path)
                found += faults(page, f"{name}, {scheme}", scheme)
            page.goto("/login")
            page.get_by_label("Name").fill("ann")
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("heading", name="Overview")).to_be_visible()
            for name, path in pages(where).items():
                look(page, name, path)
                page.evaluate("document.querySelectorAll('details').forEach((one) => one.setAttribute('open', ''))")
                found += faults(page, f"{name}, {scheme}", scheme)
                if scheme == "light":
                    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
                    width = page.evaluate("document.documentElement.scrollWidth")
                    found += [f"{name}: {width} pixels wide on a phone"] if width > PHONE["width"] else []
                    page.set_viewport_size({"width": 1280, "height": 900})
    assert found == []


def test_the_menu_and_the_content_are_reached_by_keyboard(
    both: StandIns, database_url: str, tmp_path: Path, window: Window, _workers_stop_fast: None
) -> None:
    with office(both, database_url, tmp_path) as where:
        page = window(where.url)
        page.goto("/login")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Name")).to_be_focused()


@pytest.mark.parametrize("path", ["/login", "/welcome/none"])
def test_pages_work_without_scripts(
    path: str, both: StandIns, database_url: str, tmp_path: Path, window: Window, _workers_stop_fast: None
) -> None:
    with office(both, database_url, tmp_path) as where:
        page = window(where.url, java_script_enabled=False)
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
