"""The log of what failed, for people and spreadsheets, and forgetting what is long ago."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.root import root
from db import failure_log, failures, retention
from db.failure_log import Filter
from tests.integration.ledgers import SECRET_KEY, Filled


@pytest.fixture
def ledger(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Filled]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEYS", SECRET_KEY)
    filled = Filled(database_url)
    yield filled
    filled.db.close()


def said(*words: str) -> str:
    result = CliRunner().invoke(root, [*words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def log(ledger: Filled, **wanted: Any) -> list[dict[str, Any]]:
    return ledger.db.run(lambda session: list(failure_log.lines(session, Filter(**wanted))))


def test_the_log_is_filtered_and_searched(ledger: Filled) -> None:
    uk, de = (ledger.connection(ledger.site(name), name) for name in ("uk", "de"))
    ledger.fail(uk, ledger.document(uk, 1, number="INV-77"))
    ledger.fail(de, ledger.document(de, 2), "It has no date.", "no_date")
    settled = ledger.document(uk, 3)
    ledger.fail(uk, settled)
    ledger.db.run(lambda session: failures.clear(session, [settled]))
    assert [row["number"] for row in log(ledger)] == ["INV-3", "INV-2", "INV-77"]
    assert [row["state"] for row in log(ledger)] == ["settled", "unresolved", "unresolved"]
    assert [row["number"] for row in log(ledger, connection_id=de)] == ["INV-2"]
    assert [row["number"] for row in log(ledger, unresolved=False)] == ["INV-3"]
    assert [row["number"] for row in log(ledger, search="inv-77")] == ["INV-77"]
    assert [row["number"] for row in log(ledger, search="NO DATE")] == ["INV-2"]
    assert [row["number"] for row in log(ledger, before=log(ledger)[0]["id"])] == ["INV-2", "INV-77"]
    assert log(ledger, until=log(ledger)[-1]["at"]) == []
    assert log(ledger, kind="bill") == []
    assert len(json.loads(said("failures", "log", "--json", "--unresolved"))) == 2
    assert "INV-77" in said("failures", "log", "--search", "77")


def test_the_log_is_csv_that_no_spreadsheet_runs(ledger: Filled) -> None:
    uk = ledger.connection(ledger.site())
    ledger.fail(uk, ledger.document(uk, 1, number='=HYPERLINK("http://evil")', amount="-5.00"), 'It, "so"\nto say.')
    (heading, row) = csv.reader(io.StringIO(said("failures", "log", "--csv")))
    line = dict(zip(heading, row, strict=True))
    assert tuple(heading) == failure_log.COLUMNS
    assert line["number"] == '\'=HYPERLINK("http://evil")'
    assert line["amount"] == "-5.00"
    assert line["cause"] == 'It, "so" to say.'
    assert line["at"].endswith("Z")


def test_what_was_settled_long_ago_is_forgotten_in_batches_and_what_is_open_stays(
    ledger: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.retention.BATCH", 2)
    uk = ledger.connection(ledger.site())
    ledger.execute("""UPDATE connection SET settings = '{"notify": {"emails": ["anna@acme.example"]}}'""")
    settled = [ledger.document(uk, number) for number in range(1, 6)]
    for document in settled:
        ledger.fail(uk, document)
    ledger.db.run(lambda session: failures.clear(session, settled))
    ledger.execute("UPDATE mail SET state = 'sent'")
    still_open = ledger.fail(uk, ledger.document(uk, 9), "It has no date.", "no_date")
    ledger.execute("UPDATE clock SET shift = '400 days'")
    ledger.fail(uk, young := ledger.document(uk, 10), "It has no tax.", "no_tax")
    ledger.db.run(lambda session: failures.clear(session, [young]))

    batches: list[tuple[str, int]] = []
    before = ledger.db.run(lambda session: retention.before_it(session, 365))
    gone = retention.purge(ledger.db, before, lambda what, count: batches.append((what, count)))
    assert gone["dead letters"] == 5
    assert gone["failures"] == 1
    assert gone["mails"] == 2
    assert [count for what, count in batches if what == "dead letters"] == [2, 2, 1]
    assert {row["code"] for row in log(ledger)} == {"no_date", "no_tax"}
    assert [row["id"] for row in ledger.rows("SELECT id FROM failure WHERE state = 'open'")] == [still_open]
    assert retention.purge(ledger.db, before - timedelta(days=1)) == dict.fromkeys(gone, 0)


def test_nothing_young_is_forgotten(ledger: Filled) -> None:
    result = CliRunner().invoke(root, ["failures", "purge", "--older-than", "7d", "--yes"])
    assert result.exit_code == 2
    assert "0 dead letters" in said("failures", "purge", "--older-than", "7y", "--yes")
