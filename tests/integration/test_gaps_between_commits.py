"""Where two right things meet: shared customers, refused ones that were mended, races of failures and of changes."""

import threading
from datetime import UTC, datetime

from app.wiring import using
from console.actions.connecting import read_background
from db import changes, failures, operations
from db.changes import Taken
from schemas.kinds import Kind
from tests.integration.ledgers import Filled
from tests.worlds.stand_ins import line
from tests.worlds.waiting import until
from tests.worlds.world import World


def test_two_contacts_that_are_one_customer_both_get_their_invoices(embedded_world: World) -> None:
    world = embedded_world
    first = world.scoro.customer("Acme Ltd", id_code="GB-77")
    with world.running():
        world.scoro.invoice("INV-1", first, line())
        world.settle()
        with using(world.settings, world.ledger) as runtime:
            read_background(runtime, world.connection)
        again = world.scoro.customer("ACME Limited", id_code="GB 77")
        invoices = [world.scoro.invoice(f"INV-{number}", again, line()) for number in (2, 3)]
        until(lambda: all(world.document_is(one, "posted") for one in invoices), "both contacts' invoices are posted")
    assert len(world.intacct.customers()) == 1
    assert {invoice["CUSTOMERID"] for invoice in world.intacct.invoices()} == {f"SCORO-{first}"}


def test_an_invoice_sent_again_takes_its_mended_customer_along(embedded_world: World) -> None:
    world = embedded_world
    world.intacct.fault(
        "error", count=1, function="create", errorno="BL03000018", description2="Illegal format for Contactversion: X"
    )
    with world.running():
        invoice = world.scoro.invoice("INV-1", world.scoro.customer("Acme Ltd"), line())
        waits = "SELECT count(*) AS n FROM operation WHERE state = 'waiting_prerequisite'"
        until(lambda: world.row(waits)["n"] == 1, "the invoice waits for its refused customer")
        world.send(invoice)
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted with its customer")
    until(lambda: world.failures() == [], "the customer's failure is resolved")


def test_look_ups_do_not_wait_for_the_month_while_their_share_lasts(database_url: str) -> None:
    ledger = Filled(database_url)
    connection = ledger.connection(ledger.site())
    ready = ledger.operation(connection, ledger.document(connection, 1))
    doubted = ledger.operation(connection, ledger.document(connection, 2))
    ledger.move(doubted, "sending", "uncertain")
    until_then = datetime(2099, 1, 1, tzinfo=UTC)
    for look_ups, waiting in ((False, {ready}), (True, {ready, doubted})):
        ledger.db.run(
            lambda session, look_ups=look_ups: operations.wait_for_quota(  # type: ignore[misc]
                session, connection, until_then, "waits for requests: used up", look_ups=look_ups
            )
        )
        rows = ledger.rows("SELECT id FROM operation WHERE due_at = %s", [until_then])
        assert {row["id"] for row in rows} == waiting
    ledger.db.close()


def test_the_last_two_documents_that_leave_a_failure_at_once_resolve_it(database_url: str) -> None:
    ledger = Filled(database_url)
    connection = ledger.connection(ledger.site())
    documents = [ledger.document(connection, number) for number in (1, 2)]
    (failure,) = {ledger.fail(connection, document) for document in documents}
    with ledger.db.session() as session, session.transaction():
        failures.clear(session, [documents[0]])
        other = threading.Thread(
            target=lambda: ledger.db.run(lambda later: failures.clear(later, [documents[1]])), daemon=True
        )
        other.start()
        blocked = (
            "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        until(lambda: ledger.rows(blocked)[0]["n"] == 1, "the other one waits for the failure")
    other.join(10)
    assert ledger.rows("SELECT state FROM failure WHERE id = %s", [failure]) == [{"state": "resolved"}]
    ledger.db.close()


def test_a_change_put_back_meets_a_webhook_that_commits_at_that_moment(database_url: str) -> None:
    ledger = Filled(database_url)
    connection = ledger.connection(ledger.site())
    ledger.capture(connection, 7)
    with ledger.db.session() as reader:
        (taken,) = changes.claim(reader, connection, 25)
        assert isinstance(taken, Taken)
        with ledger.db.session() as webhook, webhook.transaction():
            changes.capture(webhook, connection, Kind.INVOICE, [7], origin="webhook", actor="scoro", settle_ms=0)
            back = threading.Thread(
                target=lambda: ledger.db.run(lambda later: changes.put_back(later, [taken.id], "read again")),
                daemon=True,
            )
            back.start()
            blocked = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
            until(lambda: ledger.rows(blocked)[0]["n"] == 1, "the change that is put back waits for the webhook")
        back.join(10)
    assert [row["state"] for row in ledger.rows("SELECT state FROM change ORDER BY id")] == ["done", "waiting"]
    ledger.db.close()
