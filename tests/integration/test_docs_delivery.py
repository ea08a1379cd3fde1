import re
from collections.abc import Iterator

import psycopg
import pytest

from tests.documents import ROOT, section, table, words_in_code

STATES = section(ROOT / "docs" / "delivery.md", "States of an operation")


@pytest.fixture
def ledger(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url) as ledger:
        yield ledger


def enum(ledger: psycopg.Connection, name: str) -> list[str]:
    rows = ledger.execute("SELECT unnest(enum_range(NULL::" + name + "))::text").fetchall()
    return [value for (value,) in rows]


def test_the_transitions_in_the_page_are_those_of_the_ledger(ledger: psycopg.Connection) -> None:
    rows = ledger.execute("SELECT from_state, to_state, meaning FROM operation_transition ORDER BY 1, 2").fetchall()
    states = enum(ledger, "operation_state")
    final = [state for state in states if state not in {row[0] for row in rows}]
    diagram = "".join(
        f"    {line}\n"
        for line in (
            "[*] --> ready",
            *(f"{start} --> {end}" for start, end, _ in rows),
            *(f"{state} --> [*]" for state in final),
        )
    )
    assert f"```mermaid\nstateDiagram-v2\n{diagram}```\n" in STATES
    assert table(STATES, "from") == [[f"`{start}`", f"`{end}`", meaning] for start, end, meaning in rows]


def test_the_page_says_of_every_state_what_the_document_shows(ledger: psycopg.Connection) -> None:
    shown = {state: words_in_code(row[1]) for row in table(STATES, "operation") for state in words_in_code(row[0])}
    assert shown.keys() == set(enum(ledger, "operation_state"))
    connection = ledger.execute(
        """WITH s AS (INSERT INTO site (name, url, api_key, hook_token, hook_token_hash)
               VALUES ('acme', 'https://acme.example', '', '', '') RETURNING id),
           c AS (INSERT INTO company (company_id) VALUES ('ACME') RETURNING id)
           INSERT INTO connection (name, site_id, scoro_entity, company, entity, user_id, base_currency, multi_entity,
               connected_on)
           SELECT 'acme', s.id, 'acme', c.id, '', 'user', 'GBP', false, '2026-01-01' FROM s, c RETURNING id"""
    ).fetchone()
    assert connection
    for number, (state, words) in enumerate(shown.items(), start=1):
        row = ledger.execute(
            """WITH d AS (INSERT INTO document (connection_id, module, kind, scoro_id)
                   VALUES (%s, 'invoices', 'invoice', %s) RETURNING id, connection_id)
               SELECT id FROM d""",
            [connection[0], number],
        ).fetchone()
        assert row
        ledger.execute(
            """INSERT INTO operation (connection_id, document_id, source_fingerprint, verb, object, natural_key,
                   function, payload_fingerprint, bytes, purpose, state, controlid)
               VALUES (%s, %s, '', 'create', 'ARINVOICE', '', '{}', '', 1, 'bulk', %s, %s)""",
            [connection[0], row[0], state, str(number)],
        )
        found = ledger.execute("SELECT state FROM document WHERE id = %s", [row[0]]).fetchone()
        assert found
        assert found[0] == (words[0] if words else "waiting"), state


def test_the_page_describes_every_state_of_a_request(ledger: psycopg.Connection) -> None:
    text = section(ROOT / "docs" / "delivery.md", "One request, commit by commit")
    assert [words_in_code(row[0])[0] for row in table(text, "state")] == enum(ledger, "request_state")


def test_the_architecture_names_every_table_of_the_ledger(ledger: psycopg.Connection) -> None:
    listed = section(ROOT / "docs" / "architecture.md", "The ledger")
    named = [word for row in table(listed, "table") for word in words_in_code(row[0])]
    rows = ledger.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'").fetchall()
    assert sorted(named) == sorted(name for (name,) in rows)


def test_the_page_names_every_table_whose_states_are_journalled(ledger: psycopg.Connection) -> None:
    rows = ledger.execute(
        "SELECT DISTINCT event_object_table FROM information_schema.triggers WHERE trigger_name = 'journal_moves'"
    ).fetchall()
    numbers = {5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten", 11: "eleven"}
    listed = section(ROOT / "docs" / "architecture.md", "The ledger")
    said = re.search(r"triggers on (\w+) tables", listed)
    assert said
    assert said[1] == numbers[len(rows)]


def test_the_page_of_what_comes_back_lists_the_transitions_of_a_write_to_scoro(ledger: psycopg.Connection) -> None:
    rows = ledger.execute("SELECT from_state, to_state, meaning FROM scoro_write_transition ORDER BY 1, 2").fetchall()
    listed = table(section(ROOT / "docs" / "inbound.md", "A write to Scoro"), "from")
    assert sorted(listed) == sorted([f"`{start}`", f"`{end}`", meaning] for start, end, meaning in rows)
