"""Projects from Scoro to Intacct, by themselves and for the documents whose lines name them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.worlds.stand_ins import line, lines_of
from tests.worlds.waiting import until
from tests.worlds.world import World


@pytest.fixture
def at_work(embedded_world: World) -> Iterator[World]:
    """The product running on the world."""
    with embedded_world.running():
        yield embedded_world


def project(world: World, company_id: int = 0, **fields: Any) -> int:
    made = world.scoro.create("projects", **({"project_name": "New website", "company_id": company_id} | fields))
    return int(made["project_id"])


def of_scoro(world: World, scoro_id: int) -> dict[str, Any]:
    rows = world.rows("SELECT * FROM document WHERE module = 'projects' AND scoro_id = %s", [scoro_id])
    return rows[0] if rows else {"state": "", "reason": ""}


def in_intacct(world: World, scoro_id: int) -> dict[str, Any]:
    own_id = f"SCORO-P-{scoro_id}"
    return next((row for row in world.intacct.records("PROJECT") if row["PROJECTID"] == own_id), {})


def is_so(world: World, scoro_id: int, **fields: str) -> bool:
    held = in_intacct(world, scoro_id)
    return bool(held) and all(held[name] == value for name, value in fields.items())


def test_a_deleted_project_is_held_unless_it_is_to_be_made_inactive(at_work: World) -> None:
    scoro_id = project(at_work, at_work.scoro.customer())
    until(lambda: bool(in_intacct(at_work, scoro_id)), "the project stands in Intacct")
    at_work.settle()
    at_work.scoro.delete("projects", scoro_id)
    until(lambda: of_scoro(at_work, scoro_id)["state"] == "held", "a person decides")
    assert of_scoro(at_work, scoro_id)["reason"] == (
        f"it was deleted in Scoro; Intacct still holds SCORO-P-{scoro_id}: delete or keep it there"
    )
    assert is_so(at_work, scoro_id, STATUS="active")


def test_a_project_is_made_followed_and_made_inactive(at_work: World) -> None:
    acme = at_work.scoro.customer()
    scoro_id = project(at_work, acme, date="2099-01-15")
    until(
        lambda: is_so(at_work, scoro_id, NAME="New website", CUSTOMERID=f"SCORO-{acme}", BEGINDATE="01/15/2099"),
        "the project stands in Intacct with its customer",
    )
    at_work.settle()
    at_work.scoro.change("projects", scoro_id, project_name="Renamed", deadline="2099-06-30")
    until(lambda: is_so(at_work, scoro_id, NAME="Renamed", ENDDATE="06/30/2099"), "the edit stands in Intacct")
    at_work.settle()
    at_work.scoro.change("projects", scoro_id, status="completed")
    at_work.settle()
    at_work.set(data__projects__on_delete="reverse")
    at_work.scoro.delete("projects", scoro_id)
    until(lambda: is_so(at_work, scoro_id, STATUS="inactive"), "the deletion made it inactive")
    at_work.settle()
    assert of_scoro(at_work, scoro_id)["state"] == "posted"
    done = at_work.rows("SELECT verb FROM operation WHERE object = 'PROJECT' ORDER BY created_at")
    assert [row["verb"] for row in done] == ["create", "update", "update"]


def test_an_invoice_takes_its_new_project_and_customer_along_in_one_request(at_work: World) -> None:
    acme = at_work.scoro.customer()
    at_work.scoro.set(webhooks_off=True)
    scoro_id = project(at_work, acme, date="2020-01-01")
    at_work.scoro.set(webhooks_off=False)
    before = at_work.intacct.last_request()
    invoice = at_work.scoro.invoice("INV-1", acme, line("100.00"), line("50.00", project_id=scoro_id))
    until(lambda: at_work.document_is(invoice, "posted"), "the invoice is posted")
    assert [row["PROJECTID"] for row in lines_of(at_work.intacct.invoice("INV-1"))] == ["", f"SCORO-P-{scoro_id}"]
    (request,) = at_work.intacct.requests(before)
    assert [name for name in request["functions"] if name != "query"] == ["create", "create", "create_invoice"]
    assert of_scoro(at_work, scoro_id)["state"] == "posted"
    # what is heard of the project itself changes nothing
    at_work.scoro.change("projects", scoro_id, status="completed")
    at_work.settle()
    assert at_work.rows("SELECT FROM operation WHERE object = 'PROJECT' AND verb = 'update'") == []


def test_a_project_that_intacct_has_is_linked_and_left_as_it_is(at_work: World) -> None:
    at_work.scoro.change("projects", 2, date="2099-01-01")  # `Data platform`, P-1002 in Intacct
    until(lambda: of_scoro(at_work, 2)["state"] == "linked", "the project is linked")
    at_work.settle()
    assert at_work.rows("SELECT FROM operation WHERE object = 'PROJECT'") == []
    acme = at_work.scoro.customer()
    invoice = at_work.scoro.invoice("INV-1", acme, line(), project_id=2)
    until(lambda: at_work.document_is(invoice, "posted"), "the invoice is posted")
    assert [row["PROJECTID"] for row in lines_of(at_work.intacct.invoice("INV-1"))] == ["P-1002"]


def test_two_projects_of_one_name_do_not_share_the_one_in_intacct(at_work: World) -> None:
    first = project(at_work, project_name="Service desk", date="2099-01-01")
    second = project(at_work, project_name="Service desk", date="2099-01-01")
    at_work.settle()
    states = sorted(of_scoro(at_work, each)["state"] for each in (first, second))
    assert states == ["linked", "posted"]
    assert sum(bool(in_intacct(at_work, each)) for each in (first, second)) == 1


def test_a_project_of_another_customer_fails_the_invoice_before_it_is_sent(at_work: World) -> None:
    acme, other = at_work.scoro.customer(), at_work.scoro.customer("Other Ltd")
    scoro_id = project(at_work, other, date="2099-01-01")
    until(lambda: is_so(at_work, scoro_id, CUSTOMERID=f"SCORO-{other}"), "the project stands in Intacct")
    at_work.settle()
    before = at_work.intacct.last_request()
    invoice = at_work.scoro.invoice("INV-1", acme, line(project_id=scoro_id))
    until(lambda: at_work.document_is(invoice, "failed"), "the invoice failed")
    at_work.settle()
    assert at_work.intacct.last_request() == before
    assert f"SCORO-{other}" in at_work.document(invoice)["reason"]
    (failure,) = at_work.failures()
    assert failure["code"] == "project_customer"


def test_private_and_early_projects_are_skipped_with_the_reason(at_work: World) -> None:
    private, early = project(at_work, is_private=1), project(at_work, date="2001-01-01")
    at_work.settle()
    assert of_scoro(at_work, private)["state"] == of_scoro(at_work, early)["state"] == "skipped"
    assert "is_private" in of_scoro(at_work, private)["reason"]
    assert "data.projects.start_date" in of_scoro(at_work, early)["reason"]


def test_an_unanswered_project_is_looked_up_and_its_invoice_goes_once(at_work: World) -> None:
    acme = at_work.scoro.customer()
    at_work.scoro.set(webhooks_off=True)
    scoro_id = project(at_work, acme)
    at_work.scoro.set(webhooks_off=False)
    at_work.intacct.fault("lost_after_commit")
    invoice = at_work.scoro.invoice("INV-1", acme, line(project_id=scoro_id))
    until(lambda: at_work.document_is(invoice, "posted"), "the invoice is posted")
    at_work.settle()
    assert len(at_work.intacct.invoices("INV-1")) == 1
    assert of_scoro(at_work, scoro_id)["state"] == "posted"
