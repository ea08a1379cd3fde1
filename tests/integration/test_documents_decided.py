"""What people decide about single documents: link, unlink, ignore."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.wiring import using
from console.actions import documents
from console.actions.documents import NotDoneError
from schemas.kinds import Kind
from tests.worlds import books
from tests.worlds.stand_ins import line
from tests.worlds.world import World

WHO = "cli:olga"


@pytest.fixture
def desk(embedded_world: World) -> Iterator["Desk"]:
    yield Desk(embedded_world)


class Desk:
    """Takes decisions in a world in which nothing runs unless it is told to."""

    def __init__(self, world: World) -> None:
        self.world = world

    def decide(self, name: str, scoro_id: int, *more: str, **options: Any) -> str:
        with using(self.world.settings, self.world.ledger) as runtime:
            decision = getattr(documents, name)
            (said,) = decision(runtime, self.world.connection, Kind.INVOICE, scoro_id, *more, actor=WHO, **options)
        return str(said)

    def work(self) -> None:
        """Let workers do what is due."""
        with self.world.running(scheduler=False):
            self.world.settle()

    def notes(self, scoro_id: int) -> list[str]:
        return [
            row["text"]
            for row in self.world.rows(
                "SELECT text FROM note n JOIN document d ON d.id = n.document_id WHERE scoro_id = %s", [scoro_id]
            )
        ]


def booked(desk: Desk, *, customer: str = "Acme Ltd", net: str = "100.00", number: str = "OLD-1") -> str:
    """An invoice that stands in Intacct, made there by hand."""
    books.customer(desk.world, "C1", customer)
    return books.invoice(desk.world, number, "C1", net)


def written(desk: Desk, number: str = "INV-1", **fields: Any) -> int:
    """An invoice of 120.00 in Scoro."""
    return desk.world.scoro.invoice(number, desk.world.scoro.customer("Acme Ltd"), line("100.00"), **fields)


# ------------------------------------------------------------------------------------------------- link


def test_a_document_is_linked_after_amount_currency_and_party_were_compared(desk: Desk) -> None:
    record_no, invoice = booked(desk), written(desk)
    before, used = desk.world.intacct.last_request(), desk.world.requests_used()
    said = desk.decide("link", invoice, record_no)
    assert "agree" in said
    assert desk.world.document(invoice)["state"] == "linked"
    links = desk.world.rows("SELECT object, record_no, natural_key FROM link ORDER BY object")
    assert [(row["object"], row["natural_key"]) for row in links] == [("ARINVOICE", "OLD-1"), ("CUSTOMER", "C1")]
    assert links[0]["record_no"] == record_no
    assert desk.world.intacct.functions(before) == ["query", "query"]
    assert desk.world.requests_used() == used + 1
    assert desk.notes(invoice) == [said]
    assert {"actor": WHO, "to_state": "linked"} in desk.world.rows(
        "SELECT actor, to_state FROM journal WHERE subject = 'document' AND detail LIKE 'ARINVOICE %%'"
    )


@pytest.mark.parametrize(
    ("record", "difference"),
    [
        ({"net": "90.00"}, "its total is 108.00, Scoro's is 120.00"),
        ({"customer": "Beta Ltd"}, "it belongs to C1 (Beta Ltd), Scoro's to Acme Ltd"),
    ],
)
def test_a_record_that_differs_is_linked_for_a_reason_only(desk: Desk, record: dict[str, str], difference: str) -> None:
    record_no, invoice = booked(desk, **record), written(desk)
    with pytest.raises(NotDoneError, match="not the same") as refused:
        desk.decide("link", invoice, record_no)
    assert difference in str(refused.value)
    assert desk.world.rows("SELECT FROM link WHERE object = 'ARINVOICE'") == []
    desk.decide("link", invoice, record_no, anyway="an old discount")
    (note,) = desk.notes(invoice)
    assert difference in note
    assert "an old discount" in note


def test_a_record_of_another_currency_differs(desk: Desk) -> None:
    record_no, invoice = booked(desk), written(desk, currency="EUR", currency_rate="1.2")
    with pytest.raises(NotDoneError, match="its currency is GBP, Scoro's is EUR"):
        desk.decide("link", invoice, record_no)


def test_a_record_that_intacct_does_not_show_cannot_be_linked(desk: Desk) -> None:
    with pytest.raises(NotDoneError, match="no ARINVOICE with RECORDNO 4711"):
        desk.decide("link", written(desk), "4711")


def test_one_record_belongs_to_one_document(desk: Desk) -> None:
    record_no, first, second = booked(desk), written(desk), written(desk, "INV-2")
    desk.decide("link", first, record_no)
    with pytest.raises(NotDoneError, match=f"is linked to invoice {first} already"):
        desk.decide("link", second, record_no)
    other = books.invoice(desk.world, "OLD-2", "C1", "100.00")
    with pytest.raises(NotDoneError, match="unlink it first"):
        desk.decide("link", first, other)


def test_a_linked_document_is_not_sent_until_it_is_edited(desk: Desk) -> None:
    record_no, invoice = booked(desk), written(desk)
    desk.decide("link", invoice, record_no)
    desk.world.send(invoice)
    desk.work()
    assert len(desk.world.intacct.invoices()) == 1
    assert desk.world.document(invoice)["state"] == "linked"


# ------------------------------------------------------------------------------------------------- unlink, ignore


def test_an_unlinked_document_is_left_alone_until_somebody_sends_it(desk: Desk) -> None:
    record_no, invoice = booked(desk), written(desk)
    desk.decide("link", invoice, record_no)
    assert "still stands in Intacct" in desk.decide("unlink", invoice)
    desk.world.scoro.edit(invoice, description="Edited")
    sync(desk, invoice)
    assert desk.world.document(invoice)["state"] == "held"
    assert desk.world.rows("SELECT FROM operation WHERE object = 'ARINVOICE'") == []
    desk.world.send(invoice)
    desk.work()
    assert desk.world.document(invoice)["state"] == "posted"
    assert {row["RECORDID"] for row in desk.world.intacct.invoices()} == {"OLD-1", "INV-1"}


def sync(desk: Desk, scoro_id: int) -> None:
    """Let a document have changed, and workers see to it."""
    from db import changes

    desk.world.ledger.db.run(
        lambda ledger: changes.capture(
            ledger, desk.world.connection_id, Kind.INVOICE, [scoro_id], origin="poll", actor="poll", settle_ms=0
        )
    )
    desk.work()


def test_an_ignored_document_is_left_alone_until_somebody_sends_it(desk: Desk) -> None:
    invoice = written(desk)
    desk.decide("ignore", invoice)
    sync(desk, invoice)
    assert desk.world.document(invoice)["state"] == "ignored"
    assert desk.world.intacct.invoices() == []
    with pytest.raises(NotDoneError, match="ignored already"):
        desk.decide("ignore", invoice)
    desk.world.send(invoice)
    desk.work()
    assert desk.world.document(invoice)["state"] == "posted"
    desk.world.scoro.edit(invoice, description="Edited")
    sync(desk, invoice)
    assert desk.world.intacct.invoice("INV-1")["DESCRIPTION"] == "Edited"


def test_what_waited_of_an_ignored_document_is_given_up_and_its_link_stays(desk: Desk) -> None:
    record_no, invoice = booked(desk), written(desk)
    desk.decide("link", invoice, record_no)
    said = desk.decide("ignore", invoice)
    assert f"its record {record_no} stays" in said
    desk.decide("unlink", invoice)
    assert desk.world.document(invoice)["left_alone"] == "unlinked"


def test_a_document_that_was_ignored_without_a_record_is_noticed_again_by_unlinking(desk: Desk) -> None:
    invoice = written(desk)
    desk.decide("ignore", invoice)
    assert "read again" in desk.decide("unlink", invoice)
    desk.work()
    assert desk.world.document(invoice)["state"] == "posted"
    with pytest.raises(NotDoneError, match="never seen"):
        desk.decide("unlink", invoice + 1)


def test_a_document_whose_write_is_in_doubt_is_not_decided_about(desk: Desk) -> None:
    invoice = written(desk)
    desk.world.send(invoice)
    desk.work()
    desk.world.execute("UPDATE document SET state = 'posted'")
    made = desk.world.row("SELECT id FROM operation WHERE object = 'ARINVOICE'")["id"]
    with desk.world.ledger.db.session() as session, session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute("UPDATE operation SET state = 'uncertain' WHERE id = %s", [made])
    for name, more in (("ignore", ()), ("unlink", ()), ("link", ("17",))):
        with pytest.raises(NotDoneError, match="not answered yet"):
            desk.decide(name, invoice, *more)
