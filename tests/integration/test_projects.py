"""Projects from Scoro to Intacct, by themselves and for the documents whose lines name them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.sandbox_scoro import line
from tests.worlds.waiting import until
from tests.worlds.world import World


@pytest.fixture
def at_work(world: World) -> Iterator[World]:
    """The product running on the world."""
    with world.running():
        yield world


def project(world: World, company_id: int = 0, name: str = "New website", **fields: Any) -> int:
    made = world.scoro.save("projects/modify", {"project_name": name, "company_id": company_id, **fields})
    return int(made["project_id"])


def company(world: World, name: str = "Acme Ltd") -> int:
    return int(world.scoro.save("contacts/modify", {"name": name})["contact_id"])


def of_scoro(world: World, scoro_id: int) -> dict[str, Any]:
    return world.row("SELECT * FROM document WHERE module = 'projects' AND scoro_id = %s", [scoro_id])


def in_intacct(world: World, project_id: str) -> dict[str, Any] | None:
    return next((row for row in world.intacct.records("PROJECT") if row["PROJECTID"] == project_id), None)


def test_a_project_is_made_followed_and_made_inactive(at_work: World) -> None:
    acme = company(at_work)
    scoro_id = project(at_work, acme, date="2026-01-15")
    own_id = f"SCORO-P-{scoro_id}"
    until(lambda: in_intacct(at_work, own_id), "the project")
    made = in_intacct(at_work, own_id)
    assert made is not None
    assert (made["NAME"], made["CUSTOMERID"], made["STATUS"]) == ("New website", f"SCORO-{acme}", "active")
    at_work.scoro.save(f"projects/modify/{scoro_id}", {"project_name": "Renamed", "deadline": "2026-06-30"})
    until(lambda: (in_intacct(at_work, own_id) or {})["NAME"] == "Renamed", "the edit")
    at_work.scoro.save(f"projects/modify/{scoro_id}", {"status": "completed"})
    at_work.scoro.data(f"projects/delete/{scoro_id}")
    until(lambda: (in_intacct(at_work, own_id) or {})["STATUS"] == "inactive", "the deletion")
    assert of_scoro(at_work, scoro_id)["state"] == "posted"
    verbs = at_work.rows("SELECT verb FROM operation WHERE object = 'PROJECT' AND state = 'posted' ORDER BY created_at")
    assert [row["verb"] for row in verbs] == ["create", "update", "update"]


def test_an_invoice_takes_its_new_project_along_in_its_request(at_work: World) -> None:
    acme = company(at_work)
    at_work.scoro.set(webhooks_off=True)
    scoro_id = project(at_work, acme, date="2020-01-01")
    at_work.scoro.set(webhooks_off=False)
    before = at_work.intacct.requests()
    invoice = at_work.scoro.invoice(company_id=acme, no="INV-1", date="2026-03-01", lines=[line(project_id=scoro_id)])
    until(lambda: at_work.document_is(invoice["id"], "posted"), "the invoice")
    (posted,) = at_work.intacct.lines("ARINVOICE", "INV-1")
    assert posted["PROJECTID"] == f"SCORO-P-{scoro_id}"
    assert at_work.intacct.requests() == before + 1
    assert of_scoro(at_work, scoro_id)["state"] == "posted"
    at_work.scoro.save(f"projects/modify/{scoro_id}", {"status": "inprogress"})  # heard of, and nothing to be said
    until(lambda: not at_work.under_way(), "quiet")
    assert at_work.intacct.requests() == before + 1


def test_a_project_that_intacct_has_is_linked_and_not_changed(at_work: World) -> None:
    at_work.intacct.insert("PROJECT", PROJECTID="HAND-1", NAME="Made by hand", PROJECTCATEGORY="Contract")
    at_work.read_background()
    scoro_id = project(at_work, name="Made by hand")
    until(lambda: of_scoro(at_work, scoro_id)["state"] == "linked", "the link")
    assert at_work.rows("SELECT FROM operation WHERE object = 'PROJECT'") == []


def test_a_project_of_another_customer_fails_the_invoice_before_it_is_sent(at_work: World) -> None:
    acme, other = company(at_work), company(at_work, "Other Ltd")
    scoro_id = project(at_work, other)
    until(lambda: in_intacct(at_work, f"SCORO-P-{scoro_id}"), "the project")
    before = at_work.intacct.requests()
    invoice = at_work.scoro.invoice(company_id=acme, no="INV-2", date="2026-03-01", lines=[line(project_id=scoro_id)])
    until(lambda: at_work.document_is(invoice["id"], "failed"), "the failure")
    assert at_work.intacct.requests() == before
    assert f"SCORO-{other}" in at_work.document(invoice["id"])["reason"]


def test_a_private_project_is_skipped_with_the_reason(at_work: World) -> None:
    scoro_id = project(at_work, is_private=1)
    until(lambda: of_scoro(at_work, scoro_id)["state"] == "skipped", "the decision")
    assert "is_private" in of_scoro(at_work, scoro_id)["reason"]
