"""Projects of Scoro as projects of Intacct: cases from JSON to the exact function, and what is matched instead."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.errors import DocumentError, Problem
from schemas.intacct.functions import Function, create, update
from schemas.intacct.orders import check
from schemas.kinds import Kind, RecordRef
from schemas.mapping import PROJECT_MAPPING
from schemas.reference import ProjectRecord
from schemas.scoro import read_contact, read_project, source_fingerprint
from tests.unit.translation_books import CONTEXT as BOOKS
from tests.unit.translation_books import PAYER, REFERENCE, invoice, line, settings
from tests.unit.translation_books import problem as problem_of
from tests.unit.translation_books import translate as translated
from workers.translation import Context, DocumentLink, RecordPlan, Translation, match, translate

CONTEXT = Context(settings(), REFERENCE, known={PAYER: "C-1"})


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


def plan(payload: dict[str, Any], context: Context = CONTEXT) -> Translation:
    found = translate(read_project(payload), context)
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
    made = plan(project(company_id=0), replace(CONTEXT, known={}))
    assert made.needs == ()
    assert made.function == create("PROJECT", {k: v for k, v in CREATED.items() if k != "CUSTOMERID"})


def test_a_company_without_entities_has_no_location() -> None:
    single = replace(REFERENCE, multi_entity=False, entity_id=None)
    assert plan(project(), replace(CONTEXT, reference=single)).function == create(
        "PROJECT", {k: v for k, v in CREATED.items() if k != "LOCATIONID"}
    )


def linked(previous: Function | None = None) -> Context:
    return replace(CONTEXT, link=DocumentLink("77", "P-17", {}, previous=previous))


def test_an_edit_changes_what_it_names_and_empties_what_is_gone() -> None:
    before = create("PROJECT", CREATED | {"ENDDATE": "2026-06-30", "DESCRIPTION": "x"})
    changed = plan(project(project_name="New name", company_id=0), linked(before))
    assert changed.number == "P-17"
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
    fields = plan(project(**over), linked()).function.body["PROJECT"]
    assert isinstance(fields, dict)
    assert fields["STATUS"] == "inactive"


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({"status": "completed"}, False),
        ({"modified_date": "2026-03-01T10:00:00+00:00"}, False),
        ({"status": "cancelled"}, True),
        ({"is_deleted": 1}, True),
        ({"deadline": "2026-06-30"}, True),
        ({"company_id": 343}, True),
    ],
)
def test_only_what_intacct_hears_of_counts_as_a_change(change: dict[str, Any], counts: bool) -> None:
    before, after = (source_fingerprint(read_project(each), PROJECT_MAPPING) for each in (project(), project(**change)))
    assert (before != after) == counts


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
    found = match(read_project(project()), replace(CONTEXT, reference=replace(REFERENCE, projects=known)))
    if matched is None:
        assert found is None
    else:
        assert found is not None
        assert (found.key, found.function, found.party) == (matched.id, None, matched.customer_id)
        assert found.notes


def test_a_project_that_stands_for_another_one_is_not_matched() -> None:
    theirs = RecordRef(Kind.PROJECT, 1)
    context = replace(CONTEXT, reference=replace(REFERENCE, projects=(NAMED,)), taken={NAMED.id: theirs})
    assert match(read_project(project()), context) is None
    assert match(read_project(project()), replace(context, taken={NAMED.id: RecordRef(Kind.PROJECT, 2660)}))


def test_a_linked_project_is_not_matched_again() -> None:
    assert match(read_project(project()), replace(linked(), reference=replace(REFERENCE, projects=(NAMED,)))) is None


def test_a_project_without_a_name_is_refused() -> None:
    with pytest.raises(DocumentError) as refused:
        plan(project(project_name=" "))
    assert "2660" in refused.value.problem.cause
    assert refused.value.problem.field == "project_name"


@pytest.mark.parametrize(
    ("fields", "word"),
    [({}, ""), ({"is_personal": 1}, "personal"), ({"is_private": "1"}, "private")],
)
def test_personal_and_private_projects_are_left_out(fields: dict[str, Any], word: str) -> None:
    reason = read_project(project(**fields)).left_out
    assert (word in reason) if word else reason == ""


def test_a_shared_project_belongs_to_each_of_its_entities() -> None:
    shared = read_project(project(account_id="other", project_accounts=[{"id": "sandbox"}]))
    assert [shared.belongs_to(entity) for entity in ("other", "sandbox", "third")] == [True, True, False]
    assert not read_project(project(account_id="other")).belongs_to("sandbox")


# ------------------------------------------------------------------------------------------- on lines of documents

PROJECT = RecordRef(Kind.PROJECT, 2660)
INVOICE = replace(BOOKS, sources={PROJECT: read_project(project())})
"""The context of an invoice whose project is not known yet."""


def line_projects(translation: Translation) -> list[str | None]:
    items = translation.function.model_dump()["body"]["invoiceitems"]["lineitem"]
    return [item.get("projectid") for item in items]


def test_a_line_names_its_project_which_is_made_first() -> None:
    made = translated(invoice(lines=[line(project_id=2660)]), INVOICE)
    assert line_projects(made) == ["SCORO-P-2660"]
    assert made.needs == (PAYER, PROJECT)
    assert made.plans == (
        RecordPlan(
            PROJECT,
            "SCORO-P-2660",
            create("PROJECT", CREATED),
            (),
            (PAYER,),
            "C-1",
            source_fingerprint(read_project(project()), PROJECT_MAPPING),
        ),
    )


def test_a_line_goes_before_the_header_and_minus_one_names_none() -> None:
    context = replace(BOOKS, known={**BOOKS.known, PROJECT: "P-17", RecordRef(Kind.PROJECT, 5): "P-5"})
    lines = [line(id=1, project_id=5, sum="50.00"), line(id=2, project_id=0, sum="50.00")]
    assert line_projects(translated(invoice(project_id=2660, lines=lines), context)) == ["P-5", "P-17"]
    assert line_projects(translated(invoice(project_id=-1, lines=lines), context)) == ["P-5", None]


def test_a_new_customer_is_made_before_its_project() -> None:
    contact = read_contact({"contact_id": 342, "name": "New Ltd"})
    context = replace(INVOICE, known={}, sources={**INVOICE.sources, PAYER: contact})
    made = translated(invoice(project_id=2660), context)
    assert made.needs == (PAYER, PROJECT)
    assert [(each.ref, each.key, each.needs) for each in made.plans if each.ref == PROJECT] == [
        (PROJECT, "SCORO-P-2660", (PAYER,))
    ]
    assert made.plans[0].ref == PAYER


def test_a_matched_project_is_linked() -> None:
    context = replace(INVOICE, reference=replace(REFERENCE, projects=(NAMED,)))
    made = translated(invoice(project_id=2660), context)
    assert line_projects(made) == [NAMED.id]
    assert [(each.key, each.matched) for each in made.plans] == [(NAMED.id, True)]


@pytest.mark.parametrize(
    ("context", "word"),
    [
        (replace(INVOICE, left_out={PROJECT: "it is a private project (is_private)"}), "private"),
        (replace(INVOICE, sources={PROJECT: read_project(project(status="cancelled"))}), "cancelled"),
        (replace(INVOICE, sources={}), "2660"),
    ],
)
def test_a_line_goes_without_a_project_that_is_left_out_and_a_note_says_so(context: Context, word: str) -> None:
    made = translated(invoice(project_id=2660), context)
    assert line_projects(made) == [None]
    assert made.needs == (PAYER,)
    assert [note for note in made.notes if word in note]


def test_projects_that_are_switched_off_are_not_spoken_of() -> None:
    made = translated(invoice(project_id=2660), replace(INVOICE, settings=settings(data__projects__enabled="false")))
    assert (line_projects(made), made.notes) == ([None], ())


def refused(context: Context) -> Problem:
    return problem_of(invoice(project_id=2660), context)


@pytest.mark.parametrize(
    "context",
    [
        replace(BOOKS, known={**BOOKS.known, PROJECT: "P-17"}, owners={PROJECT: "C-9"}),
        replace(
            BOOKS,
            known={**BOOKS.known, PROJECT: "P-17"},
            reference=replace(REFERENCE, projects=(ProjectRecord("P-17", "x", "C-9"),)),
        ),
        replace(
            BOOKS,
            known={**BOOKS.known, RecordRef(Kind.CUSTOMER, 9): "C-9"},
            sources={PROJECT: read_project(project(company_id=9))},
        ),
    ],
)
def test_a_project_of_another_customer_is_refused_with_both_names(context: Context) -> None:
    problem = refused(context)
    assert problem.code == "project_customer"
    assert "C-9" in problem.cause
    assert "C-1" in problem.cause


def test_a_project_whose_owner_nobody_knows_is_left_to_intacct() -> None:
    context = replace(BOOKS, known={**BOOKS.known, PROJECT: "P-17"})
    assert line_projects(translated(invoice(project_id=2660), context)) == ["P-17"]


@pytest.mark.parametrize(
    "context",
    [
        replace(BOOKS, known={**BOOKS.known, PROJECT: "P-17"}, inactive=frozenset({PROJECT})),
        replace(
            BOOKS,
            known={**BOOKS.known, PROJECT: "P-17"},
            reference=replace(REFERENCE, projects=(ProjectRecord("P-17", "x", active=False),)),
        ),
    ],
)
def test_an_inactive_project_is_refused_before_posting(context: Context) -> None:
    problem = refused(context)
    assert problem.code == "project_inactive"
    assert "P-17" in problem.cause
