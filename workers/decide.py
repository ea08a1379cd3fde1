"""What is to be done about a change, once its document has been read. Pure.

The settings exclude first (with the reason), then the source fingerprint is compared with the newest intent, and only
what really changed is translated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from db.changes import Taken
from db.connections import Connection
from db.intake import NUMBERED, DocumentFacts, KnownRecord, Standing
from schemas.document_types import DOCUMENT_TYPES, RECORD_SOURCES, DocumentType
from schemas.errors import DocumentError, ErrorClass, Problem
from schemas.intacct.functions import Function
from schemas.kinds import Kind, RecordRef
from schemas.scoro import Document, Record, Synced
from schemas.settings import BillSettings
from workers.decisions import Decision, Facts, Outcome
from workers.lifecycle.fitting import LinesUnknownError, PaidError, fit, plain_link
from workers.lifecycle.periods import PostingDay, posted_on
from workers.lifecycle.removals import REMOVED, plan_removal
from workers.measure import fingerprint
from workers.translation import TRANSLATORS, Context, DocumentLink, Translation, match, translate
from workers.translation.attachments import ATTACH, attach_function, with_attachment
from workers.translation.said import differences

log = structlog.get_logger(__name__)

STANDS = frozenset({"posted", "linked"})
"""States of documents that stand in Intacct as Scoro had them."""
TOTALS_DIFFER = "totals_differ"
"""The difference that an edit in Scoro may mend; any other waits until a person chooses."""


def read(change: Taken, record: Mapping[str, Any] | None, connection: Connection) -> Synced | Decision:
    """The document that Scoro gave, or a decision where there is none that can be read."""
    if record is None:
        name = change.kind.noun
        problem = Problem(
            ErrorClass.NOT_FOUND,
            "not_found_in_scoro",
            f"Scoro has no {name} with id {change.scoro_id} (field id) in entity {connection.scoro_entity}.",
            f"Check in Scoro whether the {name} was deleted for good or belongs to another entity;"
            " if it exists, check what the API key may read, then send it again.",
            "id",
        )
        return _failed(change, problem)
    try:
        return _type(change).reader(record, zone=ZoneInfo(connection.site.time_zone))
    except DocumentError as error:
        return _failed(change, error.problem)


def unknown_needs(change: Taken, document: Synced, facts: Facts) -> list[RecordRef]:
    """The records that must be read in Scoro: the document is going to be sent, and the ledger does not know them."""
    refs = _type(change).refers_to(document, facts.connection.settings)
    missing = [ref for ref in refs if ref not in facts.known]
    return missing if missing and _before_translation(change, document, facts) is None else []


def decide(change: Taken, reading: Synced | Decision, facts: Facts) -> Decision:
    """Decide about one change."""
    standing = facts.standing[change.document_id]
    if standing.inbound or (standing.left_alone and not change.interactive):
        return Decision(change, Outcome.UNCHANGED, version=standing.version)
    if isinstance(reading, Decision):
        return replace(reading, version=standing.version)
    if (carriers := _type(change).carriers) is not None:
        return replace(_pass_on(change, reading, carriers(reading), facts), version=standing.version)
    decision = _before_translation(change, reading, facts) or _translate(change, reading, facts)
    return replace(
        decision,
        version=standing.version,
        facts=document_facts(change.document_id, reading),
        files=facts.files.get(change.document_id),
    )


def _pass_on(change: Taken, document: Synced, carriers: Sequence[RecordRef], facts: Facts) -> Decision:
    """Have the documents read that carry this one; those that are not synced say so themselves."""
    settings = facts.connection.settings.data
    seen = document_facts(change.document_id, document)
    if not settings.of(document.kind).enabled:
        reason = f"{change.module} are switched off (data.{change.module}.enabled)"
    elif document.is_deleted:
        reason = "it was deleted in Scoro"
    elif document.left_out:
        reason = document.left_out
    elif not carriers:
        reason = "it is attached to no invoice, bill or expense"
    else:
        reason = f"it goes with {', '.join(f'{ref.kind.noun} {ref.scoro_id}' for ref in carriers)}"
        return Decision(change, Outcome.PASSED_ON, reason, facts=seen, carriers=carriers)
    standing = facts.standing[change.document_id]
    state = standing.state if standing.state in {"posted", "held", "sending", "uncertain"} else "skipped"
    if document.is_deleted and state in {"posted", "held"}:
        # Intacct's API takes no single file away, whatever data.files.on_delete says
        state, reason = "held", f"{reason}; Intacct still holds it: delete or keep it there"
    return Decision(change, Outcome.SKIPPED, reason, state, facts=seen)


def may_have_files(change: Taken, reading: Synced | Decision, facts: Facts) -> bool:
    """Whether the files of a document must be looked for: it is one that is sent, or has been."""
    standing = facts.standing[change.document_id]
    if not isinstance(reading, Document) or (standing.left_alone and not change.interactive):
        return False
    return not reading.is_deleted and _excluded(reading, facts.connection) is None


def translated(change: Taken, document: Synced, facts: Facts) -> Decision:
    """What a document would become today, whatever became of it before."""
    return _translate(change, document, facts)


def _before_translation(change: Taken, document: Synced, facts: Facts) -> Decision | None:
    standing = facts.standing[change.document_id]
    if (left_out := _left_out(change, document, facts)) is not None:
        return left_out
    if document.is_over and not _is_made_inactive(change, document, facts):
        return _deleted(change, document, facts)
    source = fingerprint(change.module, document, facts.connection)
    lacks = _lacks(standing.intent_attachment, change, facts)
    if standing.intent_fingerprint == source and lacks and not standing.stuck:
        return None
    if standing.intent_fingerprint == source and not (change.insists and standing.stuck):
        return Decision(change, Outcome.UNCHANGED)
    record, waits = standing.record, standing.intent_fingerprint is not None
    equal = record is not None and record["source_fingerprint"] == source
    sends_again = equal and change.insists and not waits
    if standing.differs and (standing.differs["code"] != TOTALS_DIFFER or (equal and not sends_again)):
        return _differs(change, standing, equal=equal)
    if record is not None and equal and not standing.differs:
        stands = standing.state in STANDS and not waits
        again = change.insists or standing.refused_fingerprint != source
        if stands and again and record["function"] and _lacks(record["attachment"], change, facts):
            return _attach(change, document, record, facts)
        if stands and change.interactive and _comes_out_differently(change, document, facts):
            return None
        state = standing.state if facts.bookmarked.is_set else ""  # inside: a reason of earlier goes
        unchanged = Decision(change, Outcome.UNCHANGED, document_state=state)
        return unchanged if stands else Decision(change, Outcome.REVERTED, "", "posted")
    if waits:
        return None
    if standing.refused_fingerprint == source and not change.insists:
        return Decision(change, Outcome.UNCHANGED)
    if record and not change.insists and facts.connection.settings.data.of(document.kind).updates == "on_demand":
        key = f"data.{change.module}.updates"
        reason = f"it was edited in Scoro; edits are sent when somebody sends the document ({key} is on_demand)"
        return Decision(change, Outcome.UNCHANGED, reason, standing.state if standing.state in STANDS else "posted")
    return None


def _is_made_inactive(change: Taken, document: Synced, facts: Facts) -> bool:
    """Whether what is over in Scoro becomes inactive in Intacct; what is deleted there, only as the settings say."""
    if facts.standing[change.document_id].record is None or not _type(change).deactivates:
        return False
    return not document.is_deleted or facts.connection.settings.data.of(document.kind).on_delete != "hold"


def _differs(change: Taken, standing: Standing, *, equal: bool) -> Decision:
    """Intacct holds something else: the document stays as it is until a person chooses or, for totals, edits it."""
    differs = standing.differs or {}
    if standing.intent_fingerprint is None or not equal:
        return Decision(change, Outcome.UNCHANGED, differs["reason"])
    state = "failed" if differs["code"] == TOTALS_DIFFER else "held"
    return Decision(change, Outcome.REVERTED, differs["reason"], state)


def _comes_out_differently(change: Taken, document: Synced, facts: Facts) -> bool:
    """Whether settings or a release would have a document that a person sends hold something else than it does."""
    link = facts.standing[change.document_id].link
    if not link or not link["function"] or link["object"] not in NUMBERED:
        return False
    now = _translate(change, document, facts)
    leaves = now.leaves or (now.translation.function if now.translation else None)
    return leaves is not None and bool(differences(Function.model_validate(link["function"]), leaves))


def _lacks(attachment: str, change: Taken, facts: Facts) -> bool:
    """Whether a document has files, and what was sent of it names no record that holds them."""
    plan = facts.files.get(change.document_id)
    return plan is not None and plan.named and not attachment


def _attach(change: Taken, document: Synced, link: Mapping[str, Any], facts: Facts) -> Decision:
    """Have a posted document name the record that holds its files, and change nothing else of it."""
    record_id = facts.files[change.document_id].record_id
    function = attach_function(link["object"], link["record_no"], record_id, draft=link["record_state"] == "Draft")
    return Decision(
        change,
        Outcome.OPERATION,
        source_fingerprint=fingerprint(change.module, document, facts.connection),
        translation=Translation(
            function=function, number=link["natural_key"], line_numbers=link["line_numbers"], total=document.amount
        ),
        verb=ATTACH,
        leaves=with_attachment(Function.model_validate(link["function"]), record_id),
    )


def _excluded(document: Synced, connection: Connection, *, needed: bool = False) -> str | None:
    """Why the settings leave a document alone; None where they do not.

    One that is `needed` by a synced document is not too old for it, unless a person chose the day.
    """
    module, chosen = document.kind.module, connection.settings.data.of(document.kind)
    if not document.belongs_to(connection.scoro_entity):
        return f"it belongs to the Scoro entity {document.account_id}, not to {connection.scoro_entity}"
    if document.kind not in TRANSLATORS:
        return f"{document.noun}s are not synced"
    if not chosen.enabled:
        return f"{module} are switched off (data.{module}.enabled)"
    if document.left_out:
        return document.left_out
    if isinstance(chosen, BillSettings) and chosen.direction == "to_scoro":
        return "bills come from Intacct (data.bills.direction)"
    starts_on = chosen.start_date if needed else chosen.starts_on(connection.connected_on)
    if starts_on is None:
        return None
    if document.day is not None and document.day < starts_on:
        return f"it is dated {document.day}, before {starts_on} (data.{module}.start_date)"
    return None


def _left_out(change: Taken, document: Synced, facts: Facts) -> Decision | None:
    """The settings leave a document alone, or its bookmark does: not sent, and no longer updated if it was."""
    standing, marked = facts.standing[change.document_id], facts.bookmarked
    reason = _excluded(document, facts.connection)
    if reason is not None:
        return Decision(change, Outcome.SKIPPED, reason, "posted" if standing.link else "skipped")
    if not marked.is_set or document.is_deleted:
        return None
    if marked.problem is not None:
        return _failed(change, marked.problem)
    if (reason := marked.outside.get(change.scoro_id)) is None:
        return None
    if standing.record is None:
        return Decision(change, Outcome.SKIPPED, reason, "skipped")
    remark = f"{reason[0].upper()}{reason[1:]}: it is no longer updated, and Intacct keeps what it holds."
    return Decision(change, Outcome.SKIPPED, reason, "posted", remark=remark)


def _deleted(change: Taken, document: Synced, facts: Facts) -> Decision:
    standing, again = facts.standing[change.document_id], change.insists
    record = standing.record
    if record is None:
        if standing.link is not None and standing.intent_fingerprint is None:
            return Decision(change, Outcome.UNCHANGED)
        what, state = ("deleted", "deleted") if document.is_deleted else ("cancelled", "skipped")
        return Decision(change, Outcome.SKIPPED, f"it was {what} in Scoro before it was sent", state)
    chosen = facts.connection.settings.data.of(document.kind).on_delete
    day = max(facts.today, document.day or facts.today)
    planned = plan_removal(record, chosen, day, f"data.{change.module}.on_delete")
    if isinstance(planned, str):
        return Decision(change, Outcome.SKIPPED, planned, "held")
    if standing.intent_fingerprint == REMOVED and not (again and standing.stuck):
        return Decision(change, Outcome.UNCHANGED)
    if standing.intent_fingerprint is None and standing.refused_fingerprint == REMOVED and not again:
        return Decision(change, Outcome.UNCHANGED)
    function = planned.function
    if planned.verb == "reverse" and standing.posting and standing.posting.day > day:
        function = posted_on(function, PostingDay(standing.posting.day))
    translation = Translation(function, record["natural_key"], notes=(planned.note,))
    return Decision(change, Outcome.OPERATION, source_fingerprint=REMOVED, translation=translation, verb=planned.verb)


def _type(change: Taken) -> DocumentType:
    return DOCUMENT_TYPES[change.module]


def _translate(change: Taken, document: Synced, facts: Facts) -> Decision:
    standing, source = facts.standing[change.document_id], fingerprint(change.module, document, facts.connection)

    def translated(link: DocumentLink | None) -> Translation:
        return translate(document, _context(change, document, facts, link))

    try:
        if (found := match(document, _context(change, document, facts, plain_link(standing)))) is not None:
            facts.taken[found.key] = found.ref
            return Decision(change, Outcome.LINKED, f"it stands in Intacct already as {found.key}", match=found)
        fitted = fit(document, standing, facts.reference, translated, just_refused=change.anew)
        facts.taken.update({plan.key: plan.ref for plan in fitted.translation.plans if plan.matched})
    except DocumentError as error:
        return _failed(change, error.problem)
    except LinesUnknownError:
        return Decision(change, Outcome.LINES_UNKNOWN, "the lines of its record in Intacct are read first")
    except PaidError as error:
        waits = standing.stuck and standing.intent_fingerprint == source
        held = Decision(change, Outcome.HELD, error.problem.cause, problem=error.problem)
        return held if waits else _failed(change, error.problem, "held")
    except Exception as error:  # a fault of ours in one document must not stop its batch
        log.exception("intake.translation_fault", document=document.label)
        problem = Problem(
            ErrorClass.BUG,
            "translation_fault",
            f"{document.label}: scoro-intacct failed to translate it ({type(error).__name__}: {error}).",
            "This is a fault of scoro-intacct: report it with the document; sending it again tries once more.",
            culprit=(type(error).__name__,),
        )
        return _failed(change, problem)
    return Decision(
        change,
        Outcome.OPERATION,
        source_fingerprint=source,
        translation=fitted.translation,
        verb=fitted.verb,
        leaves=fitted.leaves,
    )


def _context(change: Taken, document: Synced, facts: Facts, link: DocumentLink | None) -> Context:
    if isinstance(document, Document) and document.discounts:
        for line in document.lines:
            if (unreadable := facts.unreadable_products.get(line.product_id or 0)) is not None:
                raise unreadable
    type_, settings = _type(change), facts.connection.settings
    needed = type_.needed(document, settings)
    known: dict[RecordRef, KnownRecord] = {}
    sources: dict[RecordRef, Record] = {}
    pending = type_.refers_to(document, settings)
    while pending:
        ref = pending.pop()
        if ref in facts.known:
            known[ref] = facts.known[ref]
            continue
        source = facts.sources.get(ref)
        if isinstance(source, DocumentError):
            if ref in needed or ref.kind is not Kind.INVOICE:
                raise source
            continue
        if source is not None and ref not in sources:
            sources[ref] = source
            pending += RECORD_SOURCES[ref.kind].needs(source)
    left_out = {
        ref: _excluded(source, facts.connection, needed=True)
        for ref, source in sources.items()
        if isinstance(source, Synced)
    }
    return Context(
        settings=facts.connection.settings,
        reference=facts.reference,
        known={ref: record.natural_key for ref, record in known.items()},
        sources=sources,
        owners={ref: record.party for ref, record in known.items() if record.party},
        inactive=frozenset(ref for ref, record in known.items() if not record.active),
        left_out={ref: reason for ref, reason in left_out.items() if reason},
        taken=facts.taken,
        attachment=plan.record_id if (plan := facts.files.get(change.document_id)) and plan.named else "",
        link=link,
    )


def _failed(change: Taken, problem: Problem, state: str = "failed") -> Decision:
    return Decision(change, Outcome.FAILED, problem.cause, state, problem=problem)


def document_facts(document_id: int, document: Synced) -> DocumentFacts:
    """What people see of a document that was read."""
    total = document.amount
    return DocumentFacts(
        document_id,
        document.kind,
        document.number,
        total.amount if total else None,
        (total.currency or None) if total else None,
        document.day,
        document.created_date,
    )
