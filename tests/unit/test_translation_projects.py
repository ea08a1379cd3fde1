"""Projects of Scoro as projects of Intacct: cases from JSON to the exact function, and what is matched instead."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.errors import DocumentError
from schemas.intacct.functions import create, update
from schemas.intacct.orders import check
from schemas.reference import ProjectRecord
from schemas.scoro import read_project
from tests.unit.translation_books import REFERENCE, settings
from workers.translation.projects import (
    ProjectContext,
    ProjectLink,
    ProjectPlan,
    excluded_project,
    translate_project,
)

CONTEXT = ProjectContext(settings(), REFERENCE, customer_id="C-1")


def project(**fields: Any) -> dict[str, Any]:
    """A project of Scoro as it comes on the wire."""
    return {
        "project_id": 2660,
        "no": "17",
        "project_name": "Website relaunch",
        "description": "",
        "company_id": 342,
        "is_personal": 0,
        "is_private": "0",
        "status": "inprogress",
        "date": "2026-01-15",
        "deadline": "0000-00-00",
        "account_id": "sandbox",
        "project_accounts": [],
        "is_deleted": 0,
    } | fields


def plan(payload: dict[str, Any], context: ProjectContext = CONTEXT) -> ProjectPlan:
    found = translate_project(read_project(payload), context)
    if found.function is not None:
        check(found.function)
    return found


CREATED = {
    "PROJECTID": "SCORO-P-2660",
    "PROJECTCATEGORY": "Contract",
    "NAME": "Website relaunch",
    "STATUS": "active",
    "CUSTOMERID": "C-1",
    "BEGINDATE": "2026-01-15",
    "LOCATIONID": "UK",
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, CREATED),
        ({"deadline": "2026-06-30"}, CREATED | {"ENDDATE": "2026-06-30"}),
        ({"description": " Two\n lines "}, CREATED | {"DESCRIPTION": "Two lines"}),
        ({"status": "cancelled"}, CREATED | {"STATUS": "inactive"}),
        ({"status": "completed"}, CREATED),
        ({"project_name": "x" * 101}, CREATED | {"NAME": "x" * 99 + "…"}),
        ({"date": "2026-06-30", "deadline": "2026-01-15"}, CREATED | {"BEGINDATE": "2026-06-30"}),
    ],
)
def test_a_new_project_is_made(fields: dict[str, Any], expected: dict[str, str]) -> None:
    assert plan(project(**fields)).function == create("PROJECT", expected)


def test_a_project_of_nobody_has_no_customer() -> None:
    made = plan(project(company_id=0), replace(CONTEXT, customer_id=None))
    assert made.function == create("PROJECT", {k: v for k, v in CREATED.items() if k != "CUSTOMERID"})


def test_a_company_without_entities_has_no_location() -> None:
    single = replace(REFERENCE, multi_entity=False, entity_id=None)
    assert plan(project(), replace(CONTEXT, reference=single)).function == create(
        "PROJECT", {k: v for k, v in CREATED.items() if k != "LOCATIONID"}
    )


def test_an_edit_changes_what_it_names_and_empties_what_is_gone() -> None:
    before = create("PROJECT", CREATED | {"ENDDATE": "2026-06-30", "DESCRIPTION": "x"})
    link = ProjectLink("77", "P-17", before)
    changed = plan(project(project_name="New name", company_id=0), replace(CONTEXT, customer_id=None, link=link))
    assert changed.project_id == "P-17"
    assert changed.function == update(
        "PROJECT",
        {
            "RECORDNO": "77",
            "NAME": "New name",
            "STATUS": "active",
            "BEGINDATE": "2026-01-15",
            "LOCATIONID": "UK",
            "CUSTOMERID": "",
            "ENDDATE": "",
            "DESCRIPTION": "",
        },
    )


@pytest.mark.parametrize("over", [{"status": "cancelled"}, {"is_deleted": 1}])
def test_a_project_that_is_over_becomes_inactive(over: dict[str, Any]) -> None:
    changed = plan(project(**over), replace(CONTEXT, link=ProjectLink("77", "P-17")))
    assert changed.function is not None
    fields = changed.function.body["PROJECT"]
    assert isinstance(fields, dict)
    assert fields["STATUS"] == "inactive"


OURS = ProjectRecord("SCORO-P-2660", "Anything", "C-9", record_no="1")
NUMBERED = ProjectRecord("17", "Other name", "C-1", record_no="2")
FOREIGN_NUMBER = ProjectRecord("17", "Other name", "C-9", record_no="3")
NAMED = ProjectRecord("P-1", "website relaunch", "", record_no="4")
NAMED_TOO = ProjectRecord("P-2", "Website relaunch", "C-1", record_no="5")
NAMED_FOREIGN = ProjectRecord("P-3", "Website relaunch", "C-9", record_no="6")
NAMED_INACTIVE = ProjectRecord("P-4", "Website relaunch", "", active=False, record_no="7")


@pytest.mark.parametrize(
    ("known", "matched"),
    [
        ((OURS, NUMBERED), OURS),
        ((NUMBERED, NAMED), NUMBERED),
        ((NAMED,), NAMED),
        ((FOREIGN_NUMBER, NAMED), NAMED),
        ((NAMED, NAMED_FOREIGN, NAMED_INACTIVE), NAMED),
        ((NAMED, NAMED_TOO), None),
        ((FOREIGN_NUMBER,), None),
        ((NAMED_FOREIGN,), None),
        ((NAMED_INACTIVE,), None),
    ],
)
def test_a_project_is_matched_by_id_number_or_only_name(
    known: tuple[ProjectRecord, ...], matched: ProjectRecord | None
) -> None:
    found = plan(project(), replace(CONTEXT, reference=replace(REFERENCE, projects=known)))
    assert found.matched == matched
    assert (found.function is None) == (matched is not None)
    if matched is not None:
        assert found.project_id == matched.id
        assert found.notes


def test_why_a_number_or_a_name_did_not_match_is_noted() -> None:
    for known, word in (((FOREIGN_NUMBER,), "C-9"), ((NAMED, NAMED_TOO), "2 projects")):
        found = plan(project(), replace(CONTEXT, reference=replace(REFERENCE, projects=known)))
        assert any(word in note for note in found.notes)


def test_a_project_without_a_name_is_refused() -> None:
    with pytest.raises(DocumentError) as refused:
        plan(project(project_name=" "))
    assert "2660" in refused.value.problem.cause
    assert refused.value.problem.field == "project_name"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, None),
        ({"account_id": "other", "project_accounts": [{"id": "sandbox"}]}, None),
        ({"account_id": "other"}, "other"),
        ({"is_personal": 1}, "personal"),
        ({"is_private": "1"}, "private"),
    ],
)
def test_personal_private_and_foreign_projects_are_left_alone(fields: dict[str, Any], word: str | None) -> None:
    reason = excluded_project(read_project(project(**fields)), "sandbox")
    assert reason is None if word is None else word in str(reason)
