"""One person's first day: from the link that the process printed to an invoice that was refused, mended and settled."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from console.actions.people import first_link
from db.database import one
from db.people import Role
from sandbox import fixtures
from tests.browser.conftest import Window
from tests.browser.scene import Office, office, settle
from tests.worlds.browsing import PASSWORD, person
from tests.worlds.stand_ins import StandIns


@pytest.fixture
def new_office(both: StandIns, database_url: str, tmp_path: Path, _workers_stop_fast: None) -> Iterator[Office]:
    with office(both, database_url, tmp_path) as made:
        yield made


def sign_in(page: Page, name: str) -> None:
    page.goto("/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_first_day(new_office: Office, window: Window) -> None:
    page = window(new_office.url)
    first_login(new_office, page)
    connect(new_office, page)
    set_up(page)
    go_live(page)
    watch_documents_arrive(new_office, page)
    mend_what_was_refused(new_office, page)
    choose_another_memo(page)
    roles(new_office, window)


def first_login(where: Office, page: Page) -> None:
    *_, link = first_link(where.ledger.db, where.url)
    page.goto(link.strip())
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.get_by_role("button", name="Choose it and go on").click()
    expect(page.get_by_role("heading", name="No connection yet")).to_be_visible()


def connect(where: Office, page: Page) -> None:
    page.get_by_role("link", name="Connect Scoro and Intacct").click()
    scoro, intacct = page.get_by_role("region", name="Scoro"), page.get_by_role("region", name="Sage Intacct")
    scoro.get_by_label("Name").fill("acme")
    scoro.get_by_label("Address").fill(where.both.scoro.base_url)
    scoro.get_by_label("API key of the company").fill(fixtures.SCORO_API_KEY)
    scoro.get_by_label("Time zone").fill("Europe/London")
    scoro.get_by_label("Entity").fill(fixtures.SCORO_ENTITY)
    intacct.get_by_label("Company id").fill(fixtures.COMPANY_ID)
    intacct.get_by_label("Entity").fill(fixtures.ENTITY_ID)
    intacct.get_by_label("Web Services user").fill(fixtures.USER_ID)
    intacct.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Check both sides and connect").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(intacct.get_by_label("Company id")).to_have_value(fixtures.COMPANY_ID)
    intacct.get_by_label("Password").fill(fixtures.USER_PASSWORD)
    page.get_by_role("button", name="Check both sides and connect").click()
    expect(page.get_by_text("It rehearses now")).to_be_visible()


def change(page: Page, section: str, key: str, value: str) -> None:
    """Change one setting on the page of the connection."""
    page.locator(f"#section-{section} > summary").click()
    field = page.locator(f'[name="set:{key}"]')
    if field.evaluate("e => e.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(value)
    page.locator(f"#section-{section}").get_by_role("button").click()
    expect(page.locator(".said")).to_contain_text(key)


def set_up(page: Page) -> None:
    change(page, "data", "data.invoices.start_date", "2020-01-01")
    change(page, "accounts", "accounts.discount", "4920")
    change(page, "accounts", "accounts.rounding", "4910")


def go_live(page: Page) -> None:
    page.get_by_role("button", name="What would going live do?").click()
    expect(page.get_by_text("Nothing waits yet")).to_be_visible()
    page.get_by_role("button", name="Go live").click()
    expect(page.locator(".state-active")).to_be_visible()


SOUND, FOREIGN = 30, "INV-1"


def watch_documents_arrive(where: Office, page: Page) -> None:
    """A run of the demo's invoices shows on an overview that stays open, and so does what Intacct refuses of it."""
    page.get_by_role("link", name="Overview").click()
    arrived = page.locator(".tile", has_text="In Intacct").locator(".tile-number")
    expect(arrived).to_have_text("0")
    page.evaluate("window.openedOnce = true")
    where.both.intacct.set(multi_currency=False)
    where.both.scoro.generate(SOUND)
    where.both.scoro.invoice(FOREIGN, where.both.scoro.customer("Acme Ltd"), currency="EUR")
    foreign = sum(row["currency"] != fixtures.BASE_CURRENCY for row in where.both.scoro.records("invoices"))
    assert 0 < foreign < SOUND
    settle(where)
    stands = "SELECT count(*) AS n FROM document WHERE state IN ('posted', 'linked') AND kind IN ('invoice', 'project')"
    count = where.ledger.db.run(lambda ledger: one(ledger, stands))["n"]
    assert len(where.both.intacct.invoices()) == SOUND + 1 - foreign
    expect(arrived).to_have_text(str(count))
    failed = page.locator(".tile", has_text="Failed")
    expect(failed.locator(".tile-number")).to_have_text(str(foreign))
    expect(page.get_by_role("region", name="Open failures")).to_contain_text("refused")
    expect(page.get_by_role("region", name="Requests of acme")).to_contain_text("used")
    assert page.evaluate("window.openedOnce"), "nobody has opened it again"


def mend_what_was_refused(where: Office, page: Page) -> None:
    """From the tile to the document, its XML and its failure; the cause is mended, and everything tried again."""
    page.locator(".tile", has_text="Failed").click()
    page.get_by_role("link", name=f"invoice {FOREIGN}", exact=True).click()
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()
    expect(page.locator("pre.xml").first).to_contain_text("<currency>EUR</currency>")
    document = page.url
    page.get_by_role("link", name="The failure with everything it holds up").click()
    where.both.intacct.set(multi_currency=True)
    page.get_by_role("button", name="Try all of them again").click()
    expect(page.get_by_text("in 1 request at the most")).to_be_visible()
    page.get_by_label("Why").fill("The company takes euros now")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Replays")).to_be_visible()
    expect(page.locator(".state-done").first).to_be_visible()
    expect(page.get_by_role("region", name="Replays")).to_contain_text("settled")
    page.goto("/failures?state=resolved")
    expect(page.get_by_role("article").first).to_contain_text("resolved")
    page.goto(document)
    expect(page.locator(".page-head .state-posted")).to_be_visible()
    expect(page.locator(".timeline-list")).to_contain_text("console:anna")
    assert where.both.intacct.invoice(FOREIGN)["CURRENCY"] == "EUR"


def choose_another_memo(page: Page) -> None:
    """A setting that alters what was sent already: nothing of it leaves, and a page tells what would come out anew."""
    page.get_by_role("link", name="Connections").click()
    page.get_by_role("table").get_by_role("link").first.click()
    change(page, "memo", "memo.template", "{number}: {product} {comment}")
    page.get_by_role("link", name="What would come out differently today").click()
    expect(page.get_by_role("status").last).to_contain_text(f"of {SOUND + 1} documents")
    expect(page.get_by_role("region", name="Documents that differ")).to_contain_text(f"-> {FOREIGN}: ")


def roles(where: Office, window: Window) -> None:
    """A viewer looks, an operator acts, an admin sets."""
    for role in (Role.VIEWER, Role.OPERATOR):
        person(where.ledger.db, f"my-{role}", role)
        page = window(where.url)
        sign_in(page, f"my-{role}")
        acts = role is Role.OPERATOR
        page.goto("/connections/1")
        expect(page.get_by_role("button", name="Pause")).to_have_count(int(acts))
        expect(page.get_by_role("button", name="Disconnect")).to_have_count(0)
        expect(page.locator('[name="set:location"]')).to_be_disabled()
        page.goto("/documents/invoice/1")
        expect(page.get_by_role("button", name="Read and send it now")).to_have_count(int(acts))
        page.goto("/checks")
        expect(page.get_by_role("button", name="Check now")).to_have_count(int(acts))
        page.goto("/connections/1/quick-actions")
        expect(page.get_by_role("button", name="Make it")).to_have_count(0)
        page.goto("/people")
        expect(page.get_by_role("button", name="Invite")).to_have_count(0)
        page.goto("/connections/new")
        expect(page.get_by_role("heading", name=re.compile("Not allowed"))).to_be_visible()
