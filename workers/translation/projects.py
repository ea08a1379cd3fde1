"""A project of Scoro as a project of Intacct: matched by number or name, else made; changed where it is linked.

Projects are synced by themselves, and as records that the lines of documents need.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from schemas.intacct.functions import Value, create, update
from schemas.kinds import Kind, RecordRef
from schemas.mapping import PROJECT_MAPPING
from schemas.reference import ProjectRecord, ReferenceData
from schemas.scoro import Contact, Document, DocumentLine, Project, source_fingerprint
from workers.translation.context import Context, DocumentLink, RecordPlan, Translation
from workers.translation.faults import refused
from workers.translation.memos import MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS, cut, one_line
from workers.translation.parties import match_or_create

PROJECT_ID_TEMPLATE = "SCORO-P-{project_id}"
"""PROJECTID of projects that we make, at most 20 characters."""
PROJECT_CATEGORY = "Contract"
"""The category of new projects: one that every company has (intacct-xml-api, section 8.9)."""
_MAY_BE_EMPTY = ("DESCRIPTION", "CUSTOMERID", "BEGINDATE", "ENDDATE")


@dataclass(frozen=True, slots=True)
class _Owner:
    """The customer of a project in Intacct, and how it comes to be if it is new; no id: nobody's."""

    customer_id: str = ""
    needs: tuple[RecordRef, ...] = ()
    plans: tuple[RecordPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class LineProjects:
    """The projects of a document's lines: PROJECTID by Scoro's id, and what must stand in Intacct for them."""

    ids: Mapping[int, str] = field(default_factory=dict)
    needs: tuple[RecordRef, ...] = ()
    plans: tuple[RecordPlan, ...] = ()

    def of(self, document: Document, line: DocumentLine) -> str | None:
        """The PROJECTID of a line."""
        return self.ids.get(document.project_of(line) or 0)


NO_PROJECTS = LineProjects()


def translate_project(project: Project, context: Context) -> Translation:
    """Return what to send for a project; raises DocumentError that names project, field and fix."""
    notes: list[str] = []
    owner = _owner(project, context)
    fields = _fields(project, owner.customer_id, context, notes)
    if context.link is None:
        project_id = own_id(project)
        made = {"PROJECTID": project_id, "PROJECTCATEGORY": PROJECT_CATEGORY, **fields}
        function = create("PROJECT", made)
    else:
        project_id = context.link.number
        function = update("PROJECT", {"RECORDNO": context.link.recordno, **fields, **_emptied(fields, context.link)})
    return Translation(
        function=function,
        number=project_id,
        party=owner.customer_id,
        needs=owner.needs,
        plans=owner.plans,
        notes=tuple(notes),
    )


def matched_project(project: Project, context: Context) -> RecordPlan | None:
    """How a project that is not linked comes to stand for one that Intacct has; None where it has none."""
    found, note = match_project(project, context.reference, _owner(project, context).customer_id, context.taken)
    if found is None:
        return None
    return RecordPlan(
        RecordRef(Kind.PROJECT, project.project_id),
        found.id,
        None,
        (note,),
        party=found.customer_id,
        source_fingerprint=source_fingerprint(project, PROJECT_MAPPING),
    )


def line_projects(document: Document, customer_id: str | None, context: Context, notes: list[str]) -> LineProjects:
    """Return the projects of a document's lines; `customer_id` is whose they must be, None where nobody asks.

    Lines go without a project that the settings leave out, with a note. Raises DocumentError for a project of another
    customer or one that is inactive in Intacct.
    """
    if not context.settings.data.projects.enabled:
        return NO_PROJECTS
    ids: dict[int, str] = {}
    needs: dict[RecordRef, None] = {}
    plans: dict[RecordRef, RecordPlan] = {}
    for scoro_id in document.project_ids:
        ref = RecordRef(Kind.PROJECT, scoro_id)
        source = context.sources.get(ref)
        if ref in context.known:
            project_id, name = context.known[ref], context.known[ref]
            _check_active(document, project_id, ref, context)
            owner_id = _known_owner(ref, context)
        elif isinstance(source, Project):
            reason = context.left_out.get(ref) or ("it is cancelled or deleted in Scoro" if source.is_over else "")
            if reason:
                notes.append(f"Its lines go without {_in_sentence(source)}: {reason}.")
                continue
            plan, owner = _plan(source, context)
            if plan.matched:
                _check_active(document, plan.key, ref, context)
                context = replace(context, taken={**context.taken, plan.key: ref})
            plans |= {each.ref: each for each in (*owner.plans, plan)}
            needs |= dict.fromkeys(owner.needs)
            project_id, name, owner_id = plan.key, source.project_name, plan.party
        else:
            notes.append(f"Its lines go without the project {scoro_id}, which Scoro does not tell.")
            continue
        if customer_id and owner_id and owner_id.casefold() != customer_id.casefold():
            raise _foreign(document, name, project_id, owner_id, customer_id)
        ids[scoro_id] = project_id
        needs[ref] = None
    return LineProjects(ids, tuple(needs), tuple(plans.values()))


def own_id(project: Project) -> str:
    """The PROJECTID of ours."""
    return PROJECT_ID_TEMPLATE.format(project_id=project.project_id)


def match_project(
    project: Project, reference: ReferenceData, customer_id: str, taken: Mapping[str, RecordRef]
) -> tuple[ProjectRecord | None, str]:
    """The project of Intacct with our id or its number, else the only active one with its name; and a note.

    One of another customer is not taken, as documents of this one could not be booked on it, nor one that stands for
    another project of Scoro (`taken`).
    """
    ref = RecordRef(Kind.PROJECT, project.project_id)

    def fits(found: ProjectRecord) -> bool:
        is_theirs = found.customer_id and customer_id and found.customer_id.casefold() != customer_id.casefold()
        return not is_theirs and taken.get(found.id, ref) == ref

    ours = reference.project(own_id(project))
    if ours is not None:
        return ours, f"{project.label} stands in Intacct already as {ours.id}."
    numbered = reference.project(project.no) if project.no else None
    if numbered is not None and fits(numbered):
        return numbered, f"{project.label} was matched to the project {numbered.id} by its number."
    named = [found for found in reference.projects_named(one_line(project.project_name)) if found.active]
    fitting = [found for found in named if fits(found)]
    if len(fitting) == 1:
        return fitting[0], f"{project.label} was matched to the project {fitting[0].id} by its name."
    return None, ""


def _plan(project: Project, context: Context) -> tuple[RecordPlan, _Owner]:
    """How a project comes to be that a document needs."""
    owner = _owner(project, context)
    if (matched := matched_project(project, context)) is not None:
        return matched, _Owner()
    translation = translate_project(project, replace(context, link=None))
    plan = RecordPlan(
        RecordRef(Kind.PROJECT, project.project_id),
        translation.number,
        translation.function,
        translation.notes,
        owner.needs,
        owner.customer_id,
        source_fingerprint(project, PROJECT_MAPPING),
    )
    return plan, owner


def _owner(project: Project, context: Context) -> _Owner:
    """The customer of a project's client; nobody's where it has none that Scoro knows."""
    if not project.company_id:
        return _Owner()
    ref = RecordRef(Kind.CUSTOMER, project.company_id)
    if ref in context.known:
        return _Owner(context.known[ref], (ref,))
    contact = context.sources.get(ref)
    if not isinstance(contact, Contact):
        return _Owner()
    plan = match_or_create(contact, ref, context, project)
    return _Owner(plan.key, (ref,), (plan,))


def _known_owner(ref: RecordRef, context: Context) -> str:
    """Whose a known project is: as we sent it, else as Intacct told."""
    told = context.reference.project(context.known[ref])
    return context.owners.get(ref) or (told.customer_id if told else "")


def _check_active(document: Document, project_id: str, ref: RecordRef, context: Context) -> None:
    told = context.reference.project(project_id)
    if ref not in context.inactive and (told is None or told.active):
        return
    raise refused(
        "project_inactive",
        f"{document.label}: the project {project_id} of its lines (project_id {ref.scoro_id}) is inactive in Intacct.",
        f"Take it off the {document.noun}, or set the project going again in Scoro; one that was made inactive in"
        " Intacct is made active there, then run `scoro-intacct sync background`.",
        field="project_id",
        culprit=(project_id,),
    )


def _foreign(document: Document, name: str, project_id: str, owner_id: str, customer_id: str) -> Exception:
    shown = project_id if name == project_id else f"'{name}' ({project_id} in Intacct)"
    return refused(
        "project_customer",
        f"{document.label}: the project {shown} of its lines belongs to the customer {owner_id}, the {document.noun}"
        f" to {customer_id}.",
        f"Choose a project of the payer on the {document.noun} in Scoro, or correct the project's client there.",
        field="project_id",
        culprit=(project_id, owner_id),
    )


def _in_sentence(project: Project) -> str:
    return project.label[0].lower() + project.label[1:]


def _fields(project: Project, customer_id: str, context: Context, notes: list[str]) -> dict[str, Value]:
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
        "CUSTOMERID": customer_id,
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


def _emptied(fields: Mapping[str, Value], link: DocumentLink) -> dict[str, Value]:
    """Fields, empty, that the last function had and that are no longer there: left out, they would stay."""
    before = link.previous.body.get("PROJECT", {}) if link.previous else {}
    held = before if isinstance(before, Mapping) else {}
    return {field: "" for field in _MAY_BE_EMPTY if held.get(field) and field not in fields}
