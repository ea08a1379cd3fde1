import csv
import io
import re
from collections.abc import Iterator

import pytest

from console.actions import people
from db import backlog
from db.people import Role
from tests.worlds.browsing import Somebody, hidden_fields, person
from tests.worlds.waiting import until
from tests.worlds.world import World


@pytest.fixture
def anna(embedded_world: World) -> Iterator[Somebody]:
    """An operator at a console whose product runs."""
    person(embedded_world.ledger.db, "anna", Role.OPERATOR)
    with embedded_world.running() as hook:
        somebody = Somebody(hook.split("/hooks/")[0])
        somebody.sign_in("anna")
        yield somebody


def three_invoices(world: World) -> list[int]:
    customer = world.scoro.customer("Acme & Sons <Ltd>")
    ids = [world.scoro.invoice(f"INV-{n}", customer, comment="R&D") for n in (1, 2, 3)]
    world.settle()
    return ids


def test_a_document_is_found_by_number_id_and_record_and_tells_its_story(embedded_world: World, anna: Somebody) -> None:
    first, *_ = three_invoices(embedded_world)
    embedded_world.scoro.edit(first, description="Thank you")
    embedded_world.settle()
    row = embedded_world.document(first)
    record = embedded_world.row("SELECT record_no FROM link WHERE document_id = %s", [row["id"]])["record_no"]
    for text in ("inv-1", f"invoice:{first}", record):
        assert anna.get("/documents", params={"q": text}).url.endswith(f"/documents/{row['id']}"), text
    assert anna.get(f"/documents/invoice/{first}").url.endswith(f"/documents/{row['id']}")
    page = anna.get(f"/documents/{row['id']}").text
    for told in ("Captured by webhook", "Request", "Operation posted", "create_invoice", "update_invoice", "<ins>"):
        assert told in page, told
    assert "sandbox-password" not in page


def test_lists_narrow_and_page_in_both_directions(
    embedded_world: World, anna: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_invoices(embedded_world)
    monkeypatch.setattr("db.console_documents.documents.__kwdefaults__", {"before": None, "after": None, "size": 2})
    first = anna.get("/documents", params={"state": "posted", "kind": "invoice"})
    assert "3 match" in first.text
    older = first.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = anna.get(older)
    shown = [re.findall(r"/documents/(\d+)\"", page.text) for page in (first, second)]
    newest = sorted(row["id"] for row in embedded_world.rows("SELECT id FROM document WHERE kind = 'invoice'"))[::-1]
    assert [int(number) for page in shown for number in page] == newest
    newer = second.text.split('rel="prev" href="')[1].split('"')[0].replace("&amp;", "&")
    assert re.findall(r"/documents/(\d+)\"", anna.get(newer).text) == shown[0]
    assert "Nothing matches" in anna.get("/documents", params={"state": "failed"}).text


def test_what_scoro_calls_things_is_text_and_never_markup(embedded_world: World, anna: Somebody) -> None:
    customer = embedded_world.scoro.customer("<script>alert(1)</script>")
    invoice = embedded_world.scoro.invoice("<b>&1", customer, description='"><img src=x onerror=alert(1)>')
    embedded_world.settle()
    for path in ("/documents", f"/documents/{embedded_world.document(invoice)['id']}", "/journal", "/requests/1"):
        page = anna.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text


def test_what_would_be_sent_now_is_shown_with_what_differs_and_sends_nothing(
    embedded_world: World, anna: Somebody
) -> None:
    first, *_ = three_invoices(embedded_world)
    page = f"/documents/{embedded_world.document(first)['id']}"
    assert "Nothing would differ" in anna.post(f"{page}/preview", page=page).text
    embedded_world.execute("UPDATE connection SET state = 'paused'")
    embedded_world.scoro.edit(first, description="Thank you")
    before = embedded_world.intacct.last_request()
    shown = anna.post(f"{page}/preview", page=page).text
    assert "header description: nothing -&gt; Thank you" in shown
    assert "&lt;description&gt;Thank you&lt;/description&gt;" in shown
    assert embedded_world.intacct.last_request() == before
    embedded_world.scoro.delete("invoices", first)
    gone = anna.post(f"{page}/preview", page=page)
    assert gone.status_code == 422


def test_a_person_sends_a_document_again_and_reads_it_in_the_journal(embedded_world: World, anna: Somebody) -> None:
    first, *_ = three_invoices(embedded_world)
    document = embedded_world.document(first)["id"]
    answer = anna.post(f"/documents/{document}/send")
    assert "is read again from Scoro now" in answer.text
    journal = anna.get("/journal", params={"who": "people"}).text
    assert "console:anna" in journal


def test_the_tally_counts_what_the_table_holds(embedded_world: World, anna: Somebody) -> None:
    three_invoices(embedded_world)
    db = embedded_world.ledger.db
    counted = "SELECT connection_id, kind, state, count(*) FROM document GROUP BY 1, 2, 3"
    expected = {tuple(row.values()) for row in embedded_world.rows(counted)}
    assert {tuple(row.values()) for row in db.run(backlog.tally)} == expected
    embedded_world.execute(
        "INSERT INTO document_tally SELECT 1, 'invoice', 'held', mod(n, 2) * 2 - 1 FROM generate_series(1, 400) n"
    )
    assert db.run(backlog.fold_tally)
    assert {tuple(row.values()) for row in db.run(backlog.tally)} == expected
    assert embedded_world.row("SELECT count(*) AS n FROM document_tally")["n"] == len(expected)


def test_every_list_says_what_to_do_when_it_is_empty(embedded_world: World, anna: Somebody) -> None:
    assert "No documents yet" in anna.get("/documents").text
    assert "Show all requests" in anna.get("/requests", params={"result": "withdrawn"}).text
    assert "Show all of it" in anna.get("/journal", params={"subject": "failure", "id": "77"}).text
    for path in ("/documents/77", "/documents/invoice/77", "/requests/77", "/nowhere", "/documents/x"):
        assert anna.get(path).status_code == 404, path


def test_figures_are_written_once_a_minute_and_drawn(embedded_world: World, anna: Somebody) -> None:
    three_invoices(embedded_world)
    until(lambda: bool(embedded_world.rows("SELECT FROM pulse WHERE series = 'posted'")), "the first figures")
    page = anna.get("/").text
    assert page.count('role="img"') >= 3
    assert 'aria-label="Posted per minute, last 24 hours.' in page


def test_numbers_and_times_follow_the_readers_language_and_zone(embedded_world: World, anna: Somebody) -> None:
    first, *_ = three_invoices(embedded_world)
    embedded_world.execute("UPDATE document SET amount = 1234.5 WHERE scoro_id = %s AND kind = 'invoice'", [first])
    anna.session.cookies.set("zone", "Asia%2FTokyo")
    page = anna.get("/documents", headers={"Accept-Language": "de-DE,de;q=0.9,en;q=0.5"}).text
    assert "1.234,50\xa0£" in page
    assert "Times are in Asia/Tokyo" in page
    for odd in ("", "x" * 500, "xx-YY;q=2,*", "de;q=x"):
        assert anna.get("/documents", headers={"Accept-Language": odd}).status_code == 200


def test_an_admin_changes_a_setting_and_whoever_errs_keeps_what_they_typed(
    embedded_world: World, anna: Somebody
) -> None:
    page = f"/connections/{embedded_world.connection_id}"
    form = {"was:delivery.linger_ms": "500", "set:delivery.linger_ms": "700"}
    assert anna.post(f"{page}/settings", form).status_code == 403
    people.change_role(embedded_world.ledger.db, "anna", Role.ADMIN, actor="cli:test")
    answer = anna.post(f"{page}/settings", form)
    assert "delivery.linger_ms: 500 -&gt; 700" in answer.text
    assert embedded_world.connection.settings.delivery.linger_ms == 700
    wrong = anna.post(f"{page}/settings", {"was:delivery.linger_ms": "700", "set:delivery.linger_ms": "seven"})
    assert (wrong.status_code, 'value="seven"' in wrong.text) == (422, True)
    assert embedded_world.connection.settings.delivery.linger_ms == 700
    actors = embedded_world.rows("SELECT actor FROM journal WHERE to_state = 'settings'")
    assert actors == [{"actor": "console:anna"}]


def test_the_page_of_a_connection_names_the_mappings_of_both_sides(embedded_world: World, anna: Somebody) -> None:
    page = anna.get(f"/connections/{embedded_world.connection_id}").text
    for shown in (
        'name="set:taxes.',
        'name="set:accounts.map.',
        'name="set:dimensions.fields.DEPARTMENT"',
        "<datalist",
    ):
        assert shown in page, shown
    assert embedded_world.connection.site.hook_token not in page  # an operator needs no address to post to


def test_a_connection_is_paused_and_resumed_by_an_operator_and_parted_by_an_admin(
    embedded_world: World, anna: Somebody
) -> None:
    page = f"/connections/{embedded_world.connection_id}"
    assert "paused by anna" in anna.post(f"{page}/pause").text
    assert "is active again" in anna.post(f"{page}/resume").text
    assert "there is nothing to resume" in anna.post(f"{page}/resume").text
    assert anna.post(f"{page}/disconnect").status_code == 403
    moves = "SELECT actor FROM journal WHERE subject = 'connection' AND from_state = 'active'"
    assert embedded_world.rows(moves) == [{"actor": "console:anna"}]


def test_failures_are_cards_by_cause_with_their_money_and_their_documents(
    embedded_world: World, anna: Somebody
) -> None:
    assert "Nothing failed" in anna.get("/failures").text
    customer = embedded_world.scoro.customer()
    invoice = embedded_world.scoro.invoice("INV-9", customer, currency="XXX")
    embedded_world.settle()
    card = anna.get("/failures", params={"class": "data", "kind": "invoice"})
    assert "currency XXX" in card.text
    assert "1 document" in card.text
    assert "Nothing matches" in anna.get("/failures", params={"kind": "bill"}).text
    assert "Nothing matches" in anna.get("/failures", params={"state": "resolved"}).text
    number = re.findall(r'href="/failures/(\d+)"', card.text)[0]
    assert f"/documents/{embedded_world.document(invoice)['id']}" in anna.get(f"/failures/{number}").text
    assert anna.get("/failures/777").status_code == 404


def test_the_log_of_failures_is_filtered_searched_and_taken_along_as_csv(
    embedded_world: World, anna: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Nothing failed" in anna.get("/failures/log").text
    customer = embedded_world.scoro.customer()
    for number in (1, 2):
        embedded_world.scoro.invoice(f"INV-{number}", customer, currency="XXX")
    embedded_world.settle()
    page = anna.get("/failures/log", params={"state": "unresolved", "kind": "invoice", "q": "inv-2"}).text
    assert "invoice INV-2" in page
    assert "invoice INV-1" not in page
    for nothing in ({"state": "settled"}, {"kind": "bill"}, {"class": "refused"}, {"until": "2020-01-01"}):
        assert "Nothing matches" in anna.get("/failures/log", params=nothing).text
    monkeypatch.setattr("console.pages.failure_log.PAGE", 1)
    first = anna.get("/failures/log", params={"q": "currency"}).text
    older = anna.get(first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")).text
    assert ["invoice INV-1" in first, "invoice INV-2" in first] == ["invoice INV-2" in older, "invoice INV-1" in older]
    file = anna.get("/failures/log.csv", params={"since": "2020-01-01", "q": "XXX"})
    assert file.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert sorted(row["number"] for row in rows) == ["INV-1", "INV-2"]
    assert {row["state"] for row in rows} == {"unresolved"}


def refused_invoice(world: World) -> str:
    """An invoice that Intacct refuses; returns the page of its failure."""
    world.intacct.set(multi_currency=False)
    world.scoro.invoice("INV-9", world.scoro.customer(), currency="EUR")
    world.settle()
    world.intacct.set(multi_currency=True)
    return f"/failures/{world.row('SELECT id FROM failure')['id']}"


def test_a_failure_is_tried_again_after_its_price_was_shown(embedded_world: World, anna: Somebody) -> None:
    page = refused_invoice(embedded_world)
    asked = anna.post(f"{page}/read", page=page)
    assert "1 document in 1 request at the most" in asked.text
    assert embedded_world.row("SELECT state FROM failure")["state"] == "open"
    agreed = anna.session.post(
        f"{anna.base_url}/failures/replay", data={**hidden_fields(asked.text), "why": "mended"}, timeout=30
    )
    assert "Replay 1" in agreed.text
    embedded_world.settle()
    until(lambda: embedded_world.row("SELECT state FROM failure")["state"] == "resolved", "the failure is resolved")
    history = anna.get(page).text
    assert "console:anna" in history
    assert "mended" in history


def test_everything_that_the_filters_show_is_tried_again_at_once(embedded_world: World, anna: Somebody) -> None:
    refused_invoice(embedded_world)
    nothing = anna.post("/failures/replay", {"kind": "bill"}, page="/failures")
    assert (nothing.status_code, "No failure matches" in nothing.text) == (422, True)
    asked = anna.post("/failures/replay", {"kind": "invoice"}, page="/failures")
    assert "1 document in 1 request at the most" in asked.text


def test_failures_are_talked_about_and_settled_by_hand(embedded_world: World, anna: Somebody) -> None:
    page = refused_invoice(embedded_world)
    assert anna.post(f"{page}/comment", {"why": ""}, page=page).status_code == 422
    assert "Noted" in anna.post(f"{page}/comment", {"why": "asked <b>Ben</b>"}, page=page).text
    shown = anna.get(page).text
    assert "asked &lt;b&gt;Ben&lt;/b&gt;" in shown
    edited = anna.post(f"{page}/edited", {"xml": "<function"}, page=page)
    assert (edited.status_code, "cannot be sent" in edited.text) == (422, True)
    assert "is discarded" in anna.post(f"{page}/discard", {"why": "not ours"}, page=page).text
