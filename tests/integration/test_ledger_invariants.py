"""What the database itself refuses, whatever the code does: migrations, the journal, transitions, one-to-one."""

import itertools
import threading
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege, UniqueViolation

import db.migrate
from db import connections
from db.migrate import MigrationError, is_current, migrate, scripts
from db.vault import Vault
from sandbox import fixtures
from tests.worlds.world import SECRET_KEY

Session = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def ledger(database_url: str) -> Iterator[Session]:
    """A session on a ledger with one site, one company, one connection and one document."""
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute(
            """INSERT INTO site (name, url, api_key, hook_token, hook_token_hash)
               VALUES ('Acme', 'https://acme.example', '', '', '')"""
        )
        session.execute("INSERT INTO company (company_id) VALUES ('ACME')")
        connect(session, "main", "acme", "UK")
        session.execute(
            "INSERT INTO document (connection_id, module, kind, scoro_id) VALUES (1, 'invoices', 'invoice', 17)"
        )
        yield session


def connect(session: Session, name: str, scoro_entity: str, entity: str) -> None:
    session.execute(
        """INSERT INTO connection (name, site_id, scoro_entity, company, entity, user_id, base_currency, multi_entity,
               connected_on) VALUES (%s, 1, %s, 1, %s, 'user', 'GBP', true, '2026-01-01')""",
        [name, scoro_entity, entity],
    )


def operate(session: Session, state: str, document: int = 1) -> uuid.UUID:
    made = uuid.uuid4()
    session.execute(
        """INSERT INTO operation (id, connection_id, document_id, source_fingerprint, verb, object, natural_key,
               function, payload_fingerprint, bytes, purpose, state, controlid)
           VALUES (%s, 1, %s, 'f', 'create', 'ARINVOICE', 'INV-1', '{}', 'p', 1, 'bulk', %s, %s)""",
        [made, document, state, str(made)],
    )
    return made


def test_six_at_once_migrate_once(empty_database_url: str) -> None:
    start = threading.Barrier(6)
    applied: list[list[str]] = []

    def run() -> None:
        start.wait()
        applied.append(migrate(empty_database_url))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [[]] * 5 + [[name for name, _ in scripts()]]
    assert is_current(empty_database_url)


def test_a_migration_that_changed_after_it_was_applied_is_refused(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name, text), *rest = scripts()
    monkeypatch.setattr(db.migrate, "scripts", lambda: [(name, text + "\n-- changed"), *rest])
    with pytest.raises(MigrationError, match=name):
        migrate(database_url)


def test_a_database_ahead_of_this_version_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db.migrate, "scripts", lambda: scripts()[:-1])
    with pytest.raises(MigrationError, match="ahead"):
        migrate(database_url)


def test_a_migration_that_fails_leaves_nothing_behind(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ("9999_broken.sql", "CREATE TABLE half_made (); SELECT 1 / 0;")
    real = scripts()
    monkeypatch.setattr(db.migrate, "scripts", lambda: [*real, broken])
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(database_url)
    assert not is_current(database_url)
    with psycopg.connect(database_url) as session:
        assert session.execute("SELECT to_regclass('half_made')").fetchone() == (None,)


@pytest.mark.parametrize(
    "statement", ["UPDATE journal SET actor = 'nobody'", "DELETE FROM journal", "TRUNCATE journal"]
)
def test_the_journal_is_append_only(ledger: Session, statement: str) -> None:
    assert ledger.execute("SELECT count(*) > 0 FROM journal").fetchone() == (True,)
    with pytest.raises(InsufficientPrivilege):
        ledger.execute(statement.encode())


def test_every_move_stands_in_the_journal_with_its_actor(ledger: Session) -> None:
    operation = operate(ledger, "ready")
    with ledger.transaction():
        ledger.execute("SELECT set_config('scoro_intacct.actor', 'cli:grace', true)")
        ledger.execute("UPDATE operation SET state = 'waiting_person', reason = 'held' WHERE id = %s", [operation])
    moves = ledger.execute(
        """SELECT actor, from_state, to_state, detail FROM journal
           WHERE subject = 'operation' AND subject_id = %s ORDER BY id""",
        [str(operation)],
    ).fetchall()
    assert [move[1:] for move in moves] == [("", "ready", ""), ("ready", "waiting_person", "held")]
    assert moves[1][0] == "cli:grace"


def test_no_operation_moves_but_as_the_table_says(ledger: Session) -> None:
    states = [
        str(label) for (label,) in ledger.execute("SELECT unnest(enum_range(NULL::operation_state))::text").fetchall()
    ]
    legal = set(ledger.execute("SELECT from_state::text, to_state::text FROM operation_transition").fetchall())
    assert ("posted", "ready") not in legal
    assert ("refused", "posted") not in legal
    move = "UPDATE operation SET state = %s::operation_state WHERE id = %s"
    for before, after in itertools.permutations(states, 2):
        with ledger.transaction(force_rollback=True):
            operation = operate(ledger, before)
            if (before, after) in legal:
                ledger.execute(move, [after, operation])
            else:
                with pytest.raises(CheckViolation), ledger.transaction():
                    ledger.execute(move, [after, operation])


@pytest.mark.parametrize(
    ("first", "second"),
    [("sending", "sending"), ("sending", "uncertain"), ("ready", "waiting_quota"), ("ready", "waiting_person")],
)
def test_at_most_one_write_of_a_document_is_in_doubt_and_one_waits(ledger: Session, first: str, second: str) -> None:
    operate(ledger, first)
    with pytest.raises(UniqueViolation):
        operate(ledger, second)


def test_one_may_wait_behind_one_in_doubt(ledger: Session) -> None:
    operate(ledger, "uncertain")
    operate(ledger, "ready")


def test_one_scoro_entity_joins_one_intacct_entity(ledger: Session) -> None:
    with pytest.raises(UniqueViolation, match="one_connection_per_scoro_entity"):
        connect(ledger, "again", "acme", "EE")
    with pytest.raises(UniqueViolation, match="one_connection_per_intacct_entity"):
        connect(ledger, "again", "other", "UK")
    ledger.execute("UPDATE connection SET state = 'disconnected'")
    connect(ledger, "again", "acme", "UK")


def test_one_record_links_to_one_document(ledger: Session) -> None:
    ledger.execute("INSERT INTO document (connection_id, module, kind, scoro_id) VALUES (1, 'invoices', 'invoice', 18)")
    link = """INSERT INTO link (document_id, connection_id, object, record_no, natural_key)
              VALUES (%s, 1, 'ARINVOICE', '500', 'INV-1')"""
    ledger.execute(link, [1])
    with pytest.raises(UniqueViolation):
        ledger.execute(link, [2])


@pytest.mark.parametrize("state", ["waiting", "reading"])
def test_one_change_of_a_document_waits_and_one_is_read(ledger: Session, state: str) -> None:
    change = """INSERT INTO change (document_id, connection_id, origin, actor, state)
                VALUES (1, 1, 'webhook', 'scoro', %s::change_state)"""
    ledger.execute(change, [state])
    with pytest.raises(UniqueViolation):
        ledger.execute(change, [state])


def test_a_document_shows_the_state_of_its_newest_operation(ledger: Session) -> None:
    operation = operate(ledger, "ready")
    shown = []
    for state in ("sending", "uncertain", "waiting_person", "refused"):
        ledger.execute("UPDATE operation SET state = %s::operation_state WHERE id = %s", [state, operation])
        row = ledger.execute("SELECT state::text FROM document WHERE id = 1").fetchone()
        assert row is not None
        shown.append(row[0])
    assert shown == ["sending", "uncertain", "held", "failed"]


def test_a_password_is_forgotten_and_never_stored_in_clear(ledger: Session, database_url: str) -> None:
    sealed = Vault([SECRET_KEY]).seal(fixtures.USER_PASSWORD)
    assert fixtures.USER_PASSWORD.encode() not in sealed
    with psycopg.connect(database_url, row_factory=psycopg.rows.dict_row) as session:
        session.execute("UPDATE connection SET password = %s WHERE id = 1", [sealed])
        connections.disconnect(session, 1)
        assert session.execute("SELECT state, password FROM connection").fetchall() == [
            {"state": "disconnected", "password": None}
        ]
