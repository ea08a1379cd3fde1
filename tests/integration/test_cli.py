"""The command line over a ledger: what it prints, what it refuses, what it changes."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from app.cli.root import root
from db import requests, waits
from db.vault import Vault
from schemas.kinds import Kind, Purpose
from tests.integration.ledgers import API_KEY, PASSWORD, SECRET_KEY, Filled

DOCUMENT_FIELDS = [
    "kind",
    "scoro_id",
    "number",
    "state",
    "reason",
    "intacct_object",
    "intacct_recordno",
    "amount",
    "currency",
]
FAILURE_FIELDS = ["id", "class", "code", "cause", "fix", "state", "count", "documents", "money"]
QUOTA_FIELDS = ["site", "month", "limit", "used", "left", "unconfirmed", "by_purpose", "resumes_at"]
CONNECTION_FIELDS = [
    "id",
    "name",
    "site",
    "scoro_entity",
    "company",
    "entity",
    "state",
    "webhook_url",
    "intacct_webhook_url",
    "next_run",
    "tax_solution",
    "requests_used",
    "unresolved",
]


@pytest.fixture
def ledger(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Filled]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEYS", SECRET_KEY)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("getpass.getuser", lambda: "olga")
    handlers, level = list(logging.root.handlers), logging.root.level
    filled = Filled(database_url)
    yield filled
    filled.db.close()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def cli(*words: object, given: str | None = None) -> Any:
    shown: Any = CliRunner().invoke(root, [str(word) for word in words], input=given)
    if shown.exception is not None and not isinstance(shown.exception, SystemExit):
        raise shown.exception
    for secret in (API_KEY, PASSWORD):
        assert secret not in shown.output
    return shown


def said(*words: object, given: str | None = None) -> str:
    shown = cli(*words, given=given)
    assert shown.exit_code == 0, shown.output
    return str(shown.stdout)


def told(*words: object) -> Any:
    return json.loads(said(*words, "--json"))


def refused(*words: object, code: int = 1, given: str | None = None) -> str:
    shown = cli(*words, given=given)
    assert shown.exit_code == code, shown.output
    assert shown.stdout == ""
    return " ".join(str(shown.stderr).replace("│", " ").split())


# ------------------------------------------------------------------------------------------------- sites


def test_a_site_is_added_with_its_keys_sealed_and_listed_without_them(ledger: Filled) -> None:
    said("site", "add", "acme", "--url", "https://acme.scoro.com/", "--api-key-file", "-", given=f" {API_KEY}\n")
    (row,) = ledger.rows("SELECT * FROM site")
    assert (row["url"], row["request_limit"], row["time_zone"]) == ("https://acme.scoro.com", 4000, "UTC")
    assert Vault([SECRET_KEY]).open(row["api_key"]) == API_KEY
    (shown,) = told("site", "list")
    assert (shown["name"], shown["has_user_token"], shown["connections"]) == ("acme", False, [])
    (line,) = ledger.rows("SELECT actor, to_state FROM journal WHERE subject = 'site'")
    assert line == {"actor": "cli:olga", "to_state": "added"}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--url", "https://acme.scoro.com"], "a site with this name already"),
        (["--url", "http://acme.scoro.com"], "does not use https"),
        (["--url", "https://127.0.0.1"], "is local"),
        (["--url", "https://b.scoro.com", "--time-zone", "Mars/Olympus"], "'Mars/Olympus' is no time zone"),
    ],
)
def test_a_site_that_cannot_be_is_refused_in_words(ledger: Filled, more: list[str], reason: str) -> None:
    ledger.site()
    assert reason in refused("site", "add", "acme", *more, "--api-key-file", "-", given=API_KEY)
    assert len(ledger.rows("SELECT FROM site")) == 1


def test_site_settings_change_together_or_not_at_all(ledger: Filled, tmp_path: Path) -> None:
    ledger.site()
    ledger.site("beta")
    assert "nosuch: there is no such setting" in refused("site", "set", "acme", "request-limit=5", "nosuch=1")
    taken = cli("site", "set", "acme", "request-limit=5", "url=https://beta.scoro.com")
    assert (taken.exit_code, "Another site has the address" in taken.stderr) == (1, True)
    assert [row["request_limit"] for row in ledger.rows("SELECT request_limit FROM site ORDER BY name")] == [4000, 4000]
    (tmp_path / "key").write_text("another secret")
    shown = said("site", "set", "acme", "request-limit=5", f"api-key-file={tmp_path / 'key'}", "time-zone=Asia/Tokyo")
    assert "request-limit: 4000 -> 5" in shown
    assert "another secret" not in shown
    (row,) = ledger.rows("SELECT request_limit, time_zone, api_key FROM site WHERE name = 'acme'")
    assert (row["request_limit"], row["time_zone"]) == (5, "Asia/Tokyo")
    assert Vault([SECRET_KEY]).open(row["api_key"]) == "another secret"


# ------------------------------------------------------------------------------------------------- connections


def test_the_connection_list_has_the_agreed_names(ledger: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_BIND", "127.0.0.1:8099")
    site = ledger.site()
    uk = ledger.connection(site)
    ledger.db.run(lambda session: requests.charge(session, site, uk, Purpose.BULK, functions=1, deadline_s=1))
    ledger.fail(uk, ledger.document(uk, 1))
    (row,) = told("connection", "list")
    assert list(row) == CONNECTION_FIELDS
    intacct_url = row.pop("intacct_webhook_url")
    assert re.fullmatch(rf"http://127\.0\.0\.1:8099/hooks/intacct/{uk}-[0-9a-f]{{64}}", intacct_url)
    token = Vault([SECRET_KEY]).open(ledger.rows("SELECT hook_token FROM site")[0]["hook_token"])
    assert row == {
        "id": uk,
        "name": "uk",
        "site": "acme",
        "scoro_entity": "uk",
        "company": "ACME",
        "entity": "UK",
        "state": "active",
        "webhook_url": f"http://127.0.0.1:8099/hooks/scoro/{token}",
        "next_run": None,
        "tax_solution": "UK - VAT",
        "requests_used": 1,
        "unresolved": 1,
    }
    monkeypatch.setenv("PUBLIC_URL", "https://sync.example.com/")
    assert told("connection", "list")[0]["webhook_url"] == f"https://sync.example.com/hooks/scoro/{token}"
    monkeypatch.setenv("COLUMNS", "80")
    assert all(len(line) <= 80 for line in said("connection", "list").splitlines())


def test_a_connection_is_left_out_where_there_is_one_and_named_where_there_are_several(ledger: Filled) -> None:
    assert "There is no connection yet" in refused("connection", "set", "location=UK")
    site = ledger.site()
    uk = ledger.connection(site)
    said("connection", "set", "location=UK")
    ledger.connection(site, "old", "disconnected")
    said("connection", "set", "location=GB")
    ledger.connection(site, "ee")
    assert "there are several connections, name one of: ee, uk" in refused("connection", "set", "location=X", code=2)
    assert "There is no connection fr: there are ee, old, uk." in refused("connection", "set", "fr", "location=X")
    said("connection", "set", "ee", "location=EE")
    said("connection", "set", uk, "location=London")
    rows = ledger.rows("SELECT name, settings -> 'location' AS location FROM connection ORDER BY name")
    assert [(row["name"], row["location"]) for row in rows] == [("ee", "EE"), ("old", None), ("uk", "London")]


def test_settings_are_printed_journaled_and_changed_together(ledger: Filled) -> None:
    uk = ledger.connection(ledger.site())
    shown = said("connection", "set", "uk", "accounts.map.17=4000", "delivery.linger_ms=500", "location=")
    assert shown.splitlines() == [
        "uk:",
        "  accounts.map.17: (not set) -> 4000",
        "    Documents are translated with it from their next edit or send on.",
        "  delivery.linger_ms: 2000 -> 500",
        "    Holds from the next request on.",
        "  location: (not set) -> (not set)",
        "    Documents are translated with it from their next edit or send on.",
    ]
    lines = ledger.rows("SELECT * FROM journal WHERE subject = 'connection' AND to_state = 'settings' ORDER BY id")
    assert {(line["actor"], line["subject_id"]) for line in lines} == {("cli:olga", str(uk))}
    assert lines[0]["detail"] == "accounts.map.17: (not set) -> 4000"
    fault = refused("connection", "set", "uk", "delivery.linger_ms=7", "delivery.linger=9")
    assert "delivery.linger" in fault
    assert "delivery.linger_ms" in fault
    (row,) = ledger.rows("SELECT settings FROM connection")
    assert row["settings"] == {"accounts": {"map": {"17": "4000"}}, "delivery": {"linger_ms": 500}}


def test_going_live_names_its_price_and_wants_a_yes(ledger: Filled) -> None:
    uk = ledger.connection(ledger.site(), state="rehearsal")
    for number in (1, 2):
        ledger.operation(uk, ledger.document(uk, number))
    shown = cli("connection", "go-live")
    assert (shown.exit_code, "2 documents were not looked up" in shown.stdout) == (2, True), shown.output
    assert (
        "at most about 2 requests, 1 of them to look up older documents, of the 3,960 left for documents"
        in " ".join(shown.stderr.split())
    )
    assert ledger.rows("SELECT state FROM connection") == [{"state": "rehearsal"}]
    said("connection", "go-live", "--yes")
    assert ledger.rows("SELECT state FROM connection") == [{"state": "active"}]
    assert "uk is active" in refused("connection", "go-live", "--yes")
    (line,) = ledger.rows("SELECT actor FROM journal WHERE subject = 'connection' AND to_state = 'active'")
    assert line["actor"] == "cli:olga"


def test_connections_pause_and_resume_one_by_one_and_all_together(ledger: Filled) -> None:
    site = ledger.site()
    for name, state in {"uk": "active", "ee": "active", "fr": "rehearsal"}.items():
        ledger.connection(site, name, state)

    def states() -> dict[str, str]:
        return {row["name"]: row["state"] for row in ledger.rows("SELECT name, state FROM connection")}

    said("connection", "pause", "uk")
    assert states() == {"uk": "paused", "ee": "active", "fr": "rehearsal"}
    said("connection", "pause", "--all")
    assert states() == {"uk": "paused", "ee": "paused", "fr": "rehearsal"}
    said("connection", "resume", "--all")
    assert states() == {"uk": "active", "ee": "active", "fr": "rehearsal"}
    assert "there is nothing to resume" in refused("connection", "resume", "ee")


def test_connect_names_the_site_that_is_missing(ledger: Filled) -> None:
    names = [
        "--site",
        "acme",
        "--scoro-entity",
        "uk",
        "--company",
        "ACME",
        "--entity",
        "UK",
        "--user",
        "sync",
        "--password-file",
        "-",
    ]
    assert "There is no site acme" in refused("connect", *names, given=PASSWORD)


def test_reference_lists_both_sides(ledger: Filled) -> None:
    from db import reference
    from db.reference import Item

    uk = ledger.connection(ledger.site())
    held = {
        ("intacct", "account"): Item("4000", {"title": "Sales"}),
        ("scoro", "account"): Item("17", {"symbol": "4000", "name": "Müük"}),
        ("intacct", "tax_detail"): Item("UK Std", {"rate": "20", "type": "Sale", "solution": "UK - VAT"}),
        ("scoro", "vat_code"): Item("3", {"code": "S", "percent": "20", "name": "Standard"}),
        ("intacct", "dimension:DEPARTMENT"): Item("10", {"name": "Design"}, active=False),
        ("intacct", "customer"): Item("C1", {"name": "Acme", "tax_id": ""}),
    }
    for (source, topic), item in held.items():
        ledger.db.run(lambda session, s=source, t=topic, i=item: reference.add(session, uk, s, t, [i]))  # type: ignore[misc]
    rows = told("reference", "list", "accounts")
    assert [(r["source"], r["id"], r["number"], r["name"], r["counterpart"], r["active"]) for r in rows] == [
        ("intacct", "4000", "4000", "Sales", "4000", True),
        ("scoro", "17", "4000", "Müük", "4000", True),
    ]
    assert all(row["read_at"] for row in rows)
    rows = told("reference", "list", "taxes")
    assert [(row["id"], row["name"], row["rate"], row["counterpart"]) for row in rows] == [
        ("UK Std", None, "20", "S"),
        ("3", "Standard", "20", "UK Std"),
    ]
    said("connection", "set", "dimensions.fields.DEPARTMENT=c_department")
    (row,) = told("reference", "list", "dimensions")
    assert (row["dimension"], row["id"], row["name"]) == ("DEPARTMENT", "10", "Design")
    assert (row["counterpart"], row["active"]) == ("c_department", False)
    said("connection", "set", "accounts.map.17=4999", "taxes.3=None of these")
    assert [row["counterpart"] for row in told("reference", "list", "accounts")] == [None, None]
    assert [row["counterpart"] for row in told("reference", "list", "taxes")] == [None, None]
    assert "Müük" in said("reference", "list", "accounts")


# ------------------------------------------------------------------------------------------------- documents


def test_documents_are_listed_with_the_agreed_names_the_newest_first(ledger: Filled) -> None:
    site = ledger.site()
    uk, ee = ledger.connection(site), ledger.connection(site, "ee")
    ledger.settle(ledger.operation(uk, ledger.document(uk, 1)), "refused", reason="Intacct said no")
    posted = ledger.operation(uk, ledger.document(uk, 2, amount="1000.10", currency="EUR"))
    ledger.move(posted, "sending")
    ledger.settle(posted, "posted", record_no="77")
    ledger.document(uk, 9, kind=Kind.CUSTOMER)
    ledger.document(ee, 3, kind=Kind.CREDIT_INVOICE, amount=None, currency=None)
    rows = told("documents", "list")
    assert all(list(row) == DOCUMENT_FIELDS for row in rows)
    assert [list(row.values()) for row in rows] == [
        ["credit_invoice", 3, "INV-3", "waiting", "", None, None, None, None],
        ["invoice", 2, "INV-2", "posted", "", "ARINVOICE", "77", "1000.10", "EUR"],
        ["invoice", 1, "INV-1", "failed", "Intacct said no", None, None, "120.00", "GBP"],
    ]

    def ids(*filters: object) -> list[int]:
        return [row["scoro_id"] for row in told("documents", "list", *filters)]

    assert ids("--state", "failed") == [1]
    assert ids("--kind", "invoice") == [2, 1]
    assert ids("--connection", "ee") == [3]
    assert ids("--connection", uk, "--number", "INV-2") == [2]
    assert ids("--number", "INV-3", "--kind", "invoice") == []
    assert "There is no connection xx" in refused("documents", "list", "--connection", "xx", "--json")


def test_people_see_the_newest_fifty_and_how_many_more_there_are(ledger: Filled) -> None:
    uk = ledger.connection(ledger.site())
    ledger.execute(
        """INSERT INTO document (connection_id, module, kind, scoro_id)
           SELECT %s, 'invoices', 'invoice', i FROM generate_series(1, 2053) AS i""",
        [uk],
    )
    shown = said("documents", "list")
    assert "invoice 2053" in shown
    assert "invoice 2004" in shown
    assert "invoice 2003" not in shown
    assert "... and 2,003 more" in shown
    assert [row["scoro_id"] for row in told("documents", "list")] == list(range(2053, 0, -1))
    assert "more" not in said("documents", "list", "--state", "failed")


def test_a_document_shows_all_that_happened_to_it(ledger: Filled) -> None:
    site = ledger.site()
    uk = ledger.connection(site)
    ledger.capture(uk, 5)
    document = ledger.document(uk, 5)
    operation = ledger.operation(uk, document)
    charge = ledger.db.run(lambda session: requests.charge(session, site, uk, Purpose.BULK, functions=1, deadline_s=1))
    assert charge is not None
    ledger.db.run(lambda session: mark(session, charge.request_id, operation))
    ledger.settle(operation, "posted", record_no="77", record_state="Posted")
    failure = ledger.fail(uk, document)
    shown = told("documents", "show", "invoice", 5)
    assert list(shown)[: len(DOCUMENT_FIELDS)] == ["connection", *DOCUMENT_FIELDS[:-1]]
    assert {name: shown["link"][name] for name in ("object", "recordno", "natural_key", "state")} == {
        "object": "ARINVOICE",
        "recordno": "77",
        "natural_key": f"INV-{document}",
        "state": "Posted",
    }
    assert shown["revisions"][0]["source"] == {"id": document, "sum": "100.1", "no": "INV"}
    assert [change["actor"] for change in shown["changes"]] == ["scoro"]
    assert [(o["id"], o["state"], o["total"]) for o in shown["operations"]] == [(str(operation), "posted", "120.00")]
    assert [(r["id"], r["purpose"]) for r in shown["operations"][0]["requests"]] == [(charge.request_id, "bulk")]
    assert [note["text"] for note in shown["notes"]] == ["The due date is the invoice date."]
    assert [f["id"] for f in shown["failures"]] == [failure]
    moves = [(row["subject"], row["to"]) for row in shown["timeline"]]
    assert moves[:3] == [("document", "waiting"), ("change", "waiting"), ("operation", "ready")]
    assert ("operation", "posted") in moves
    for text in ("INV-5", "ARINVOICE 77", "The due date is the invoice date.", "It has no account.", "120.00 GBP"):
        assert text in said("documents", "show", "invoice", 5)
    assert told("documents", "show", "credit_invoice", 5)["kind"] == "invoice"


def mark(session: Any, request_id: int, operation: Any) -> None:
    from db import operations

    operations.mark_sending(session, request_id, [operation])


def test_a_document_that_was_never_seen_and_one_that_is_seen_twice(ledger: Filled) -> None:
    site = ledger.site()
    uk, ee = ledger.connection(site), ledger.connection(site, "ee")
    assert refused("documents", "show", "invoice", 5) == "Invoice 5 was never seen."
    ledger.document(uk, 5)
    ledger.document(ee, 5)
    assert "name one with --connection: ee, uk" in refused("documents", "show", "invoice", 5, code=2)
    assert told("documents", "show", "invoice", 5, "--connection", "ee")["connection"] == "ee"


# ------------------------------------------------------------------------------------------------- failures


def test_failures_gather_documents_and_money_by_cause(ledger: Filled) -> None:
    uk = ledger.connection(ledger.site())
    for number, amount, currency in [(1, "100.00", "GBP"), (2, "0.10", "GBP"), (3, "7.00", "EUR")]:
        failure = ledger.fail(uk, ledger.document(uk, number, amount=amount, currency=currency))
    gone = ledger.fail(uk, ledger.document(uk, 4), "It has no date.", "no_date")
    ledger.execute("UPDATE failure SET state = 'resolved' WHERE id = %s", [gone])
    ledger.execute("UPDATE failure_document SET cleared_at = now() WHERE failure_id = %s", [gone])
    rows = told("failures", "list")
    assert all(list(row) == FAILURE_FIELDS for row in rows)
    assert rows[0] == {
        "id": failure,
        "class": "data",
        "code": "no_account",
        "cause": "It has no account.",
        "fix": "Choose an account in Scoro.",
        "state": "open",
        "count": 3,
        "documents": ["invoice:1", "invoice:2", "invoice:3"],
        "money": {"EUR": "7.00", "GBP": "100.10"},
    }
    assert (rows[1]["state"], rows[1]["count"], rows[1]["documents"], rows[1]["money"]) == ("resolved", 0, [], {})
    assert [row["id"] for row in told("failures", "list", "--state", "resolved")] == [gone]
    assert told("failures", "list", "--kind", "bill") == []
    assert [row["id"] for row in told("failures", "list", "--kind", "invoice")] == [failure]
    shown = said("failures", "list")
    assert "no date" not in shown
    assert "7.00 EUR, 100.10 GBP" in shown
    detail = told("failures", "show", failure)
    assert list(detail)[: len(FAILURE_FIELDS)] == FAILURE_FIELDS
    assert [letter["document"] for letter in detail["letters"]] == ["invoice:1", "invoice:2", "invoice:3"]
    assert detail["letters"][0]["field"] == "finance_account_id"
    assert "Choose an account in Scoro." in said("failures", "show", failure)
    assert "There is no failure 999" in refused("failures", "show", 999)


def test_a_failed_customer_holds_up_the_documents_that_need_it(ledger: Filled) -> None:
    uk = ledger.connection(ledger.site())
    customer = ledger.document(uk, 9, kind=Kind.CUSTOMER, amount=None, currency=None)
    for number in (1, 2):
        waiting = ledger.operation(uk, ledger.document(uk, number), needs=[customer])
        ledger.move(waiting, "waiting_prerequisite")
    ledger.fail(uk, customer)
    (row,) = told("failures", "list")
    assert (row["count"], row["documents"], row["money"]) == (
        3,
        ["invoice:1", "invoice:2", "customer:9"],
        {"GBP": "240.00"},
    )


# ------------------------------------------------------------------------------------------------- quota


def test_quota_shows_the_month_by_purpose(ledger: Filled) -> None:
    site = ledger.site(limit=4)
    uk = ledger.connection(site)
    charges = [
        ledger.db.run(lambda session, p=purpose: requests.charge(session, site, uk, p, functions=1, deadline_s=1))  # type: ignore[misc]
        for purpose in (Purpose.BULK, Purpose.BULK, Purpose.INTERACTIVE)
    ]
    ended = [charge.request_id for charge in charges if charge]
    ledger.db.run(lambda session: requests.leave(session, ended[0]))
    ledger.db.run(lambda session: requests.end(session, ended[0], "unanswered", "cut"))
    ledger.db.run(lambda session: requests.end(session, ended[1], "withdrawn", "never left"))
    (row,) = told("quota", "show")
    assert list(row) == QUOTA_FIELDS
    (now,) = ledger.rows("SELECT to_char(site_month('Europe/London'), 'YYYY-MM') AS month")
    assert row == {
        "site": "acme",
        "month": now["month"],
        "limit": 4,
        "used": 2,
        "left": 2,
        "unconfirmed": 1,
        "by_purpose": {"interactive": 1, "bulk": 1, "look_up": 0, "pull": 0, "background": 0, "reconcile": 0},
        "resumes_at": None,
    }
    assert "2 of 4 requests used, 2 left" in said("quota", "show")
    (row,) = told("quota", "show", "--forecast")
    assert row["burn_per_day"]["bulk"] > 0
    assert row["waiting"] == {}


def test_used_up_requests_say_when_they_come_back_and_a_raised_limit_lets_go_what_waited(ledger: Filled) -> None:
    site = ledger.site(limit=1)
    uk = ledger.connection(site)
    ledger.db.run(lambda session: requests.charge(session, site, uk, Purpose.BULK, functions=1, deadline_s=1))
    back = ledger.db.run(lambda session: requests.resumes_at(session, site))
    waiting = ledger.operation(uk, ledger.document(uk, 1))
    ledger.execute("UPDATE operation SET state = 'waiting_quota', due_at = %s WHERE id = %s", [back, waiting])
    ledger.clear_bells()
    (row,) = told("quota", "show", "--forecast")
    assert row["waiting"] == {"quota": {"count": 1, "until": row["resumes_at"]}}
    shown = said("quota", "show")
    assert "1 for requests, until " in shown
    assert "resumes " in shown
    assert (row["left"], row["resumes_at"]) == (0, back.isoformat().replace("+00:00", "Z"))
    assert "acme: 1 -> 10 requests per month." in said("quota", "limit", "acme", 10)
    assert ledger.rows("SELECT state FROM operation") == [{"state": "ready"}]
    assert ledger.rows("SELECT queue, key FROM outbox") == [{"queue": "delivery", "key": uk}]
    assert told("quota", "show")[0]["resumes_at"] is None
    (line,) = ledger.rows("SELECT actor, detail FROM journal WHERE subject = 'site'")
    assert line == {"actor": "cli:olga", "detail": "request-limit: 10"}
    assert "There is no site beta" in refused("quota", "limit", "beta", 10)


# ------------------------------------------------------------------------------------------------- wait


def test_wait_ends_at_once_when_nothing_is_on_its_way(ledger: Filled) -> None:
    assert said("wait", "--timeout", 0) == ""


@pytest.mark.parametrize("state", ["ready", "sending", "uncertain"])
def test_what_is_on_its_way_is_waited_for(ledger: Filled, state: str) -> None:
    uk = ledger.connection(ledger.site())
    operation = ledger.operation(uk, ledger.document(uk, 1))
    ledger.move(operation, *{"ready": [], "sending": ["sending"], "uncertain": ["sending", "uncertain"]}[state])
    ledger.execute("UPDATE operation SET due_at = now() + interval '1 hour'")
    assert refused("wait", "--timeout", 0.2) == "Still on their way after 0.2 s: 1 operation."


def test_changes_bells_requests_and_dead_letters_are_waited_for(ledger: Filled) -> None:
    site = ledger.site()
    uk = ledger.connection(site)
    ledger.capture(uk, 1)
    ledger.db.run(lambda session: requests.charge(session, site, uk, Purpose.PULL, functions=1, deadline_s=1))
    ledger.fail(uk, ledger.document(uk, 2))
    ledger.execute("UPDATE dead_letter SET handled_at = NULL")
    fault = refused("wait", "--timeout", 0)
    assert fault == "Still on their way after 0 s: 2 bells, 1 change, 1 dead letter, 1 request."


def test_waits_that_do_not_end_by_themselves_are_printed_and_do_not_count(ledger: Filled) -> None:
    site = ledger.site()
    uk, paused = ledger.connection(site), ledger.connection(site, "ee", "paused")
    quota, person, blocked, idle = (
        ledger.operation(uk, ledger.document(uk, 1)),
        ledger.operation(uk, ledger.document(uk, 2)),
        ledger.operation(uk, ledger.document(uk, 3), needs=[ledger.document(uk, 9, kind=Kind.CUSTOMER)]),
        ledger.operation(paused, ledger.document(paused, 1)),
    )
    ledger.execute(
        "UPDATE operation SET state = 'waiting_quota', due_at = timestamptz '2100-01-01 00:00Z' WHERE id = %s", [quota]
    )
    ledger.move(person, "waiting_person")
    ledger.move(blocked, "waiting_prerequisite")
    assert ledger.rows("SELECT state FROM operation WHERE id = %s", [idle]) == [{"state": "ready"}]
    doubted = ledger.operation(uk, ledger.document(uk, 4))
    ledger.move(doubted, "sending", "uncertain")
    ledger.execute(
        "UPDATE operation SET reason = 'waits for requests: used up', due_at = timestamptz '2100-01-01 00:00Z'"
        " WHERE id = %s",
        [doubted],
    )
    ledger.capture(uk, 4)
    ledger.clear_bells()
    assert sorted(said("wait", "--timeout", 0).splitlines()) == [
        "ee: 1 operation waits, as the connection is paused.",
        "uk: 1 change waits for requests, until " + due_of(ledger, 4) + ".",
        "uk: 1 operation waits for a person: see `scoro-intacct documents list --state held`.",
        "uk: 1 operation waits for a record that failed: see `scoro-intacct failures list`.",
        "uk: 2 operations wait for requests, until 2100-01-01 00:00:00Z.",
    ]


def due_of(ledger: Filled, scoro_id: int) -> str:
    (row,) = ledger.rows(
        "SELECT to_char(due_at, 'YYYY-MM-DD HH24:MI:SSZ') AS due FROM change c JOIN document d ON d.id = c.document_id"
        " WHERE d.scoro_id = %s",
        [scoro_id],
    )
    return str(row["due"])


def test_a_prerequisite_that_is_on_its_way_is_waited_for(ledger: Filled) -> None:
    uk = ledger.connection(ledger.site())
    customer = ledger.document(uk, 9, kind=Kind.CUSTOMER)
    needed = ledger.operation(uk, customer)
    ledger.move(ledger.operation(uk, ledger.document(uk, 3), needs=[customer]), "waiting_prerequisite")
    assert "2 operations" in refused("wait", "--timeout", 0)
    ledger.move(needed, "waiting_person")
    assert "waits for a record that failed" in said("wait", "--timeout", 0)


def test_a_quota_wait_whose_month_has_come_is_on_its_way(ledger: Filled) -> None:
    uk = ledger.connection(ledger.site())
    ledger.move(ledger.operation(uk, ledger.document(uk, 1)), "waiting_quota")
    assert "1 operation" in refused("wait", "--timeout", 0)


# ------------------------------------------------------------------------------------------------- send, errors


def test_send_captures_in_the_name_of_who_asked(ledger: Filled) -> None:
    uk = ledger.connection(ledger.site())
    assert "Invoice 7 is on its way." in said("send", "invoice", 7, "--as", "Anna", "--no-wait")
    (row,) = ledger.rows("SELECT origin, actor, interactive, connection_id FROM change")
    assert row == {"origin": "manual", "actor": "cli:olga as Anna", "interactive": True, "connection_id": uk}
    assert refused("send", "receipt", 7).startswith("Receipts are not synced by this version: it syncs invoices, ")


def test_a_posted_document_of_a_paused_connection_waits_for_nothing(ledger: Filled) -> None:
    uk = ledger.connection(ledger.site(), state="paused")
    document = ledger.document(uk, 7)
    operation = ledger.operation(uk, document)
    ledger.capture(uk, 7)
    _, change = ledger.db.run(lambda session: waits.newest_change(session, uk, "invoices", 7))

    def waits_for() -> str:
        found = ledger.db.run(lambda session: waits.outcome(session, document, change))
        return str(found["waits_for"])

    assert waits_for() == "connection"
    ledger.move(operation, "sending")
    ledger.settle(operation, "posted", record_no="77")
    assert waits_for() == ""


def test_send_says_that_nobody_works(ledger: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.sending.SEND_TIMEOUT_S", 0.3)
    ledger.connection(ledger.site())
    assert "no worker has taken it" in refused("send", "invoice", 7)


def test_a_ledger_without_its_schema_and_one_that_is_away(
    ledger: Filled, empty_database_url: str, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    assert "scoro-intacct migrate" in refused("site", "list")
    assert "applied 0001_ledger.sql" in said("migrate")
    assert "this version's schema already" in said("migrate")
    assert "No sites." in said("site", "list")
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{closed_port}/none")
    fault = refused("site", "list")
    assert fault.startswith("No database at DATABASE_URL (127.0.0.1)")


def test_a_ledger_sealed_with_other_keys_is_refused(ledger: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.connection(ledger.site())
    monkeypatch.setenv("SECRET_KEYS", "b3RoZXItaW50YWNjdC10ZXN0LWtleS0zMi1ieXRlczE=")
    assert "None of SECRET_KEYS opens a stored secret" in refused("connection", "list", "--json")


# ------------------------------------------------------------------------------------------------- decisions


def test_documents_that_were_never_seen_are_not_decided_about(ledger: Filled) -> None:
    ledger.connection(ledger.site())
    for words in (("keep", "invoice", 99, "ours"), ("next-open", "invoice", 99), ("unlink", "invoice", 99)):
        assert "Invoice 99 was never seen." in refused("documents", *words)


def test_a_document_is_ignored_from_the_command_line_and_who_did_it_is_kept(ledger: Filled) -> None:
    connection = ledger.connection(ledger.site())
    ledger.document(connection, 17)
    assert "Invoice 17 is ignored" in said("documents", "ignore", "invoice", 17)
    assert "ignored already" in refused("documents", "ignore", "invoice", 17)
    (row,) = ledger.rows("SELECT state, reason FROM document")
    assert row == {"state": "ignored", "reason": "ignored by cli:olga"}
    (line,) = ledger.rows(
        "SELECT actor FROM journal WHERE subject = 'document' AND to_state = 'ignored' AND detail <> ''"
    )
    assert line["actor"] == "cli:olga"


def test_what_is_typed_wrongly_is_bad_usage(ledger: Filled) -> None:
    ledger.connection(ledger.site())
    assert "RECORDNO is a number" in refused("documents", "link", "invoice", 17, "INV-1", code=2)
    assert "theirs" in refused("documents", "keep", "invoice", 17, "mine", code=2)
