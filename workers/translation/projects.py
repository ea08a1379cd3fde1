"""A project of Scoro as a project of Intacct: matched by number or name, else made; changed where it is linked."""

from dataclasses import dataclass

from schemas.intacct.functions import Function, Value, create, update
from schemas.reference import ProjectRecord, ReferenceData
from schemas.scoro import Project
from schemas.settings import ConnectionSettings
from workers.translation.faults import refused
from workers.translation.memos import MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS, cut, one_line

PROJECT_ID_TEMPLATE = "SCORO-P-{project_id}"
"""PROJECTID of projects that we make, at most 20 characters."""
PROJECT_CATEGORY = "Contract"
"""The category of new projects: one that every company has (intacct-xml-api, section 8.9)."""
_MAY_BE_EMPTY = ("DESCRIPTION", "CUSTOMERID", "BEGINDATE", "ENDDATE")


@dataclass(frozen=True, slots=True)
class ProjectLink:
    """The project in Intacct that this one stands in already; `previous` is the function posted last, if known."""

    record_no: str
    project_id: str
    previous: Function | None = None


@dataclass(frozen=True, slots=True)
class ProjectContext:
    """What the translation of a project reads beside it. `customer_id`: of its company, where it has one."""

    settings: ConnectionSettings
    reference: ReferenceData
    customer_id: str | None = None
    link: ProjectLink | None = None


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """How a project comes to stand in Intacct: by a function, or as the one that it was matched with."""

    project_id: str
    function: Function | None
    matched: ProjectRecord | None = None
    notes: tuple[str, ...] = ()


def excluded_project(project: Project, entity: str) -> str | None:
    """Why a project is left alone whatever the settings; None where it is not."""
    if not project.belongs_to(entity):
        return f"it belongs to the Scoro entity {project.account_id}, not to {entity}"
    if project.is_personal:
        return "it is a personal project of its manager (is_personal)"
    if project.is_private:
        return "it is a private project (is_private)"
    return None


def translate_project(project: Project, context: ProjectContext) -> ProjectPlan:
    """Return what to send for a project, if anything; raises DocumentError that names project, field and fix."""
    notes: list[str] = []
    if context.link is not None:
        fields = _fields(project, context, notes)
        body: dict[str, Value] = {"RECORDNO": context.link.record_no, **fields, **_emptied(fields, context.link)}
        return ProjectPlan(context.link.project_id, update("PROJECT", body), notes=tuple(notes))
    matched, note = match_project(project, context.reference, context.customer_id)
    if matched is not None:
        return ProjectPlan(matched.id, None, matched, (note,))
    if note:
        notes.append(note)
    project_id = PROJECT_ID_TEMPLATE.format(project_id=project.project_id)
    fields = {"PROJECTID": project_id, "PROJECTCATEGORY": PROJECT_CATEGORY, **_fields(project, context, notes)}
    return ProjectPlan(project_id, create("PROJECT", fields), notes=tuple(notes))


def match_project(
    project: Project, reference: ReferenceData, customer_id: str | None
) -> tuple[ProjectRecord | None, str]:
    """The project of Intacct with our id or its number, else the only active one with its name; and a note.

    One of another customer is not taken, as documents of this one could not be booked on it.
    """
    ours = reference.project(PROJECT_ID_TEMPLATE.format(project_id=project.project_id))
    if ours is not None:
        return ours, f"{project.label} stands in Intacct already as {ours.id}."
    numbered = reference.project(project.no) if project.no else None
    if numbered is not None and _fits(numbered, customer_id):
        return numbered, f"{project.label} was matched to the project {numbered.id} by its number."
    named = [found for found in reference.projects_named(one_line(project.project_name)) if found.active]
    fitting = [found for found in named if _fits(found, customer_id)]
    if len(fitting) == 1:
        return fitting[0], f"{project.label} was matched to the project {fitting[0].id} by its name."
    if numbered is not None:
        owner = numbered.customer_id
        return None, f"{project.label} was not matched to {numbered.id} of equal number, as that is of {owner}."
    if len(fitting) > 1:
        return None, f"{project.label} was not matched by its name, as {len(fitting)} projects in Intacct have it."
    return None, ""


def _fits(found: ProjectRecord, customer_id: str | None) -> bool:
    return not found.customer_id or not customer_id or found.customer_id.casefold() == customer_id.casefold()


def _fields(project: Project, context: ProjectContext, notes: list[str]) -> dict[str, Value]:
    full_name = one_line(project.project_name)
    if not full_name:
        raise refused(
            "project_without_name",
            f"{project.label} has no name (project_name).",
            "Give the project a name in Scoro and save it.",
            field="project_name",
            culprit=(str(project.project_id),),
        )
    name = cut(full_name, MAX_NAME_CHARACTERS)
    if name != full_name:
        notes.append(f"The name of the project was cut at {MAX_NAME_CHARACTERS} characters.")
    fields: dict[str, Value] = {"NAME": name, "STATUS": "inactive" if project.is_over else "active"}
    description = one_line(project.description)
    if len(description) > MAX_TEXT_CHARACTERS:
        notes.append(f"The description was cut at {MAX_TEXT_CHARACTERS} characters.")
    location = context.settings.location or (context.reference.entity_id if context.reference.multi_entity else None)
    texts = {
        "DESCRIPTION": cut(description, MAX_TEXT_CHARACTERS),
        "CUSTOMERID": context.customer_id or "",
        "BEGINDATE": project.date.isoformat() if project.date else "",
        "ENDDATE": _end(project, notes),
        "LOCATIONID": location or "",
    }
    return fields | {field: text for field, text in texts.items() if text}


def _end(project: Project, notes: list[str]) -> str:
    if project.deadline is None:
        return ""
    if project.date is not None and project.deadline < project.date:
        notes.append(f"The project's end {project.deadline} lies before its start and was left out.")
        return ""
    return project.deadline.isoformat()


def _emptied(fields: dict[str, Value], link: ProjectLink) -> dict[str, Value]:
    """Fields, empty, that the last function had and that are no longer there: left out, they would stay."""
    before = link.previous.body.get("PROJECT", {}) if link.previous else {}
    if not isinstance(before, dict):
        return {}
    return {field: "" for field in _MAY_BE_EMPTY if before.get(field) and field not in fields}
