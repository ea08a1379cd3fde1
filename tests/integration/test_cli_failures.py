"""The commands about failures: prices, exit codes, files, and what they print."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.cli.root import root
from clients.intacct.render import render
from schemas.intacct.functions import Function
from tests.integration.ledgers import SECRET_KEY, Filled

BODY = {
    "customerid": "C1",
    "datecreated": {"year": "2026", "month": "03", "day": "01"},
    "invoiceno": "INV-1",
    "invoiceitems": {"lineitem": [{"glaccountno": "4000", "amount": "120.00"}]},
}


@pytest.fixture
def ledger(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Filled]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEYS", SECRET_KEY)
    filled = Filled(database_url)
    yield filled
    filled.db.close()


def run(*words: object) -> Result:
    return CliRunner().invoke(root, ["failures", *map(str, words)], catch_exceptions=False)


def said(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(ledger: Filled) -> tuple[int, Function]:
    """A failure with one document whose function Intacct refused."""
    from db import failures
    from db.failures import DeadLetter
    from schemas.errors import ErrorClass, Problem

    connection = ledger.connection(ledger.site())
    document = ledger.document(connection, 1)
    operation = ledger.operation(connection, document)
    function = Function(name="create_invoice", body=BODY | {"datecreated": "2026-03-01"})
    ledger.execute("UPDATE operation SET function = %s", [json.dumps(function.model_dump(mode="json"))])
    problem = Problem(ErrorClass.REFUSED, "no_moon", "The moon is not full.", "Wait.", culprit=("moon",))
    ledger.settle(operation, "refused", problem=failures.problem_as_json(problem), reason=problem.cause)

    def bury(session: Any) -> None:
        xml = render(str(operation), function).decode()
        failures.bury(
            session, [DeadLetter(connection, document, problem, operation_id=operation, sent=xml, answered="<no/>")]
        )
        failures.join_failure(session, session.execute("SELECT max(id) AS id FROM dead_letter").fetchone()["id"])

    ledger.db.run(bury)
    return int(ledger.rows("SELECT id FROM failure")[0]["id"]), function


def test_a_failure_is_told_in_the_words_of_a_document_that_it_still_holds_up(ledger: Filled) -> None:
    from db import failures
    from db.failures import DeadLetter
    from schemas.errors import ErrorClass, Problem

    connection = ledger.connection(ledger.site())
    first, last = ledger.document(connection, 1), ledger.document(connection, 2)

    def bury(session: Any) -> None:
        for document, name in ((first, "first"), (last, "last")):
            problem = Problem(ErrorClass.DATA, "no_date", f"The {name} one has no date.", f"Date the {name} one.")
            failures.bury(session, [DeadLetter(connection, document, problem)])
            failures.join_failure(session, session.execute("SELECT max(id) AS id FROM dead_letter").fetchone()["id"])

    ledger.db.run(bury)
    (told,) = json.loads(said("list", "--json"))
    assert (told["count"], told["cause"], told["fix"]) == (2, "The last one has no date.", "Date the last one.")
    ledger.db.run(lambda session: failures.clear(session, [last]))
    (told,) = json.loads(said("list", "--json"))
    assert (told["count"], told["cause"], told["fix"]) == (1, "The first one has no date.", "Date the first one.")


def test_a_replay_names_its_price_and_does_nothing_until_it_is_agreed_to(ledger: Filled) -> None:
    failure, _ = refused(ledger)
    asked = run("replay", failure)
    assert asked.exit_code == 2
    assert (
        "1 document in 1 request at the most, of the 3,960 left for documents this month. Add --yes to agree."
        in asked.stderr
    )
    assert ledger.rows("SELECT FROM replay") == []
    assert "Replay 1: 1 document in 1 request" in said("replay", "--cause", "no_moon", "--yes", "--why", "full moon")
    (row,) = json.loads(said("replays", "--json"))
    assert (row["how"], row["why"], row["requests"], row["documents"], row["state"]) == (
        *("read", "full moon", 1, 1),
        "running",
    )
    assert row["actor"].startswith("cli:")
    assert "full moon" in said("replays")
    assert "leaves 1 document as before" in said("cancel", row["id"])
    assert run("cancel", row["id"]).exit_code == 1


def test_an_edited_function_comes_from_a_file_that_the_failure_printed(ledger: Filled, tmp_path: Path) -> None:
    failure, _ = refused(ledger)
    file = tmp_path / "function.xml"
    printed = said("show", failure, "--sent")
    assert printed.startswith("<!-- invoice:1, try 1, ")
    assert "<!-- answered: <no/> -->" in printed
    file.write_text(printed.replace("4000", "4100"), encoding="utf-8")
    assert "Replay 1" in said("replay", failure, "--edited", file, "--yes")
    old, new = ledger.rows("SELECT state, function, edited_from FROM operation ORDER BY edited_from NULLS FIRST")
    assert (old["state"], new["state"]) == ("superseded", "ready")
    assert new["function"]["body"]["invoiceitems"]["lineitem"][0]["glaccountno"] == "4100"

    wrong = run("replay", failure, "--edited", tmp_path / "missing.xml", "--yes")
    assert wrong.exit_code == 2
    file.write_text("<create_bill/>", encoding="utf-8")
    assert run("replay", failure, "--edited", file, "--yes").exit_code == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["replay"], 2),
        (["replay", "--all", "--edited", "x"], 2),
        (["replay", "99", "--yes"], 1),
        (["replay", "--since", "yesterday", "--yes"], 2),
        (["replay", "--since", "36h", "--yes"], 1),
        (["discard", "99"], 1),
        (["mail", "99"], 1),
        (["comment", "99", "x"], 1),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(ledger: Filled, words: list[str], code: int) -> None:
    result = run(*words)
    assert result.exit_code == code
    assert result.stderr.strip()


def test_failures_are_commented_previewed_and_settled(ledger: Filled) -> None:
    failure, _ = refused(ledger)
    ledger.execute("""UPDATE connection SET settings = '{"notify": {"emails": ["anna@acme.example"]}}'""")
    assert "Noted" in said("comment", failure, "Waiting for the moon.")
    mail = said("mail", failure)
    assert mail.startswith("To: anna@acme.example\nSubject: uk: The moon is not full.")
    assert "1 document, 120.00 GBP" in mail
    assert "<html" in said("mail", failure, "--html")
    assert "Still open" in said("mail", failure, "--event", "digest")
    assert "is discarded" in said("discard", failure, "--why", "not this month")
    shown = said("show", failure)
    for words in ("discarded", "Waiting for the moon.", "not this month", "finance person"):
        assert words in shown, words
    assert run("resolve", failure).exit_code == 1
