from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from db.people import Role
from tests.browser.conftest import Window
from tests.browser.scene import furnish, invited, look, office, pages
from tests.worlds.browsing import PASSWORD, person
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
            for name, path in {**PUBLIC, "welcome": invited(where)}.items():
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


def by_keyboard(page: Page, wanted: Locator) -> None:
    """Go to something with the tabulator alone."""
    for _ in range(200):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the tabulator does not lead to {wanted}")


def test_failures_are_tried_again_by_keyboard_and_without_scripts(
    both: StandIns, database_url: str, tmp_path: Path, window: Window, _workers_stop_fast: None
) -> None:
    with office(both, database_url, tmp_path) as where:
        furnish(where)
        page = window(where.url, java_script_enabled=False)
        page.goto("/login")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Name")).to_be_focused()
        page.keyboard.type("ann")
        by_keyboard(page, page.get_by_label("Password"))
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        by_keyboard(page, page.get_by_role("link", name="Failures", exact=True))
        page.keyboard.press("Enter")
        by_keyboard(page, page.get_by_role("button", name="Try everything shown again"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Try again?")).to_be_visible()
        by_keyboard(page, page.get_by_role("button", name="Try again"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Replays")).to_be_visible()
        expect(page.get_by_role("table")).to_contain_text("console:ann")


def test_times_and_numbers_are_written_as_the_readers_browser_wants_them(
    both: StandIns, database_url: str, tmp_path: Path, window: Window, _workers_stop_fast: None
) -> None:
    with office(both, database_url, tmp_path) as where:
        person(where.ledger.db, "ann", Role.ADMIN)
        page = window(where.url, locale="de-DE", timezone_id="Asia/Tokyo")
        page.goto("/login")
        page.get_by_label("Name").fill("ann")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("contentinfo")).to_contain_text("Asia/Tokyo")
        page.goto("/people")
        seen = page.get_by_role("region", name="Accounts").locator("time")
        at = datetime.fromisoformat(str(seen.get_attribute("datetime"))).astimezone(ZoneInfo("Asia/Tokyo"))
        expect(seen).to_have_text(f"{at:%d.%m.%Y, %H:%M:%S}")


@pytest.mark.parametrize("path", ["/login", "/welcome/none"])
def test_pages_work_without_scripts(
    path: str, both: StandIns, database_url: str, tmp_path: Path, window: Window, _workers_stop_fast: None
) -> None:
    with office(both, database_url, tmp_path) as where:
        page = window(where.url, java_script_enabled=False)
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
