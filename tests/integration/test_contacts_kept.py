"""Contacts of Scoro that are renamed or merged: their documents stay with the customer that stands for them."""

from collections.abc import Iterator

import pytest

from tests.worlds.hands import Hands, hands_on
from tests.worlds.world import World


@pytest.fixture
def hands(embedded_world: World) -> Iterator[Hands]:
    with hands_on(embedded_world) as made:
        yield made


def customers(world: World) -> list[str]:
    return [row["CUSTOMERID"] for row in world.intacct.customers()]


def test_a_renamed_contact_keeps_its_customer(hands: Hands) -> None:
    world = hands.world
    contact = world.scoro.customer("Acme Ltd", id_code="0101")
    old = world.scoro.invoice("INV-1", contact)
    hands.notice(old)
    made = customers(world)
    world.scoro.change("contacts", contact, name="Beta Ltd", id_code="0202")
    new = world.scoro.invoice("INV-2", contact)
    world.scoro.edit(old, description="Edited")
    hands.notice(old, new)
    assert customers(world) == made == [f"SCORO-{contact}"]
    assert {row["CUSTOMERID"] for row in world.intacct.invoices()} == set(made)
    assert world.intacct.invoice("INV-1")["DESCRIPTION"] == "Edited"


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_documents_of_a_merged_contact_stay_with_the_customer_that_stands_for_it(hands: Hands, known: bool) -> None:
    world = hands.world
    away = world.scoro.customer("Acme Ltd", id_code="0101")
    stays = world.scoro.customer("Acme Limited" if known else "Acme Ltd", id_code="0303" if known else "0101")
    invoice = world.scoro.invoice("INV-1", away)
    hands.notice(invoice)
    if known:
        hands.notice(world.scoro.invoice("INV-2", stays))
    made = customers(world)
    world.scoro.edit(invoice, company_id=stays)
    world.scoro.delete("contacts", away)
    hands.notice(invoice)
    assert hands.state(invoice)[0] == "posted"
    assert customers(world) == made
    assert world.intacct.invoice("INV-1")["CUSTOMERID"] == f"SCORO-{stays if known else away}"
    links = {row["scoro_id"] for row in world.rows("SELECT scoro_id FROM document JOIN link ON id = document_id")}
    assert {away, stays} <= links, "the contact that went keeps its link, the other one has it too"
