"""What a translation must become before it can be sent: another day, a reclassification, a draft made again. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from db.intake import Posting, Standing
from schemas.errors import ErrorClass, Problem
from schemas.intacct.functions import Function
from schemas.reference import ReferenceData
from schemas.scoro import Synced
from workers.delivery.look_ups.contents import DOCUMENTS
from workers.lifecycle.adopting import as_written, match_lines
from workers.lifecycle.periods import PostingDay, posted_on, states_posting_day
from workers.lifecycle.reclassify import PAID_STATES, reclassification
from workers.lifecycle.replacing import as_draft, loses_lines
from workers.translation import DocumentLink, Translation

Translate = Callable[[DocumentLink | None], Translation]
"""Translates the document as if this was its link."""


class LinesUnknownError(Exception):
    """The record's lines must be read before an edit can be translated."""


class PaidError(Exception):
    """The record is paid, and what has changed can no longer be changed; `problem` says what."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.cause)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Fitted:
    """A translation as it is sent. `leaves` is what the record holds then, where the function does not say it all."""

    translation: Translation
    verb: str
    leaves: Function | None = None


def fit(
    document: Synced, standing: Standing, reference: ReferenceData, translate: Translate, *, just_refused: bool
) -> Fitted:
    """Translate a document for what stands in Intacct; `just_refused` where Intacct said just now that it is paid.

    Raises DocumentError, LinesUnknownError and PaidError.
    """
    link = _link(standing, reference, translate)
    fitted = (
        _changed(document, link, translate, just_refused=just_refused) if link else Fitted(translate(None), "create")
    )
    posting = standing.posting
    if posting is None or fitted.translation.function.object not in DOCUMENTS or fitted.verb == "reclassify":
        return fitted
    return _moved(fitted, posting) if posting.document_date == document.day else _moved_back(fitted, document)


def _changed(document: Synced, link: DocumentLink, translate: Translate, *, just_refused: bool) -> Fitted:
    translation = translate(link)
    update = translation.function
    if update.object not in DOCUMENTS:
        return Fitted(translation, "update")
    if link.state == "Draft" and loses_lines(update, link.previous):
        made = translate(None)
        note = "A line was removed in Scoro, so the draft is deleted in Intacct and made again."
        draft = replace(made, function=as_draft(made.function), notes=(*made.notes, note))
        return Fitted(draft, "replace")
    if link.state in PAID_STATES:
        plan = (
            reclassification(update, link.previous, link.recordno)
            if link.previous is not None
            else "what stood there before is not known, so perhaps amounts or taxes"
        )
        if isinstance(plan, Function):
            note = f"{link.number} is {link.state} in Intacct: its accounts and dimensions are reclassified."
            return Fitted(
                replace(translation, function=plan, notes=(*translation.notes, note)), "reclassify", leaves=update
            )
        if just_refused:
            raise PaidError(_paid(document, link, plan))
    return Fitted(translation, "update")


def _paid(document: Synced, link: DocumentLink, changed: str) -> Problem:
    return Problem(
        ErrorClass.REFUSED,
        "paid_document",
        f"{document.label} is paid in Intacct ({link.number}), and what has changed in Scoro can no longer be changed"
        f" there: {changed}.",
        "Reverse the payment in Intacct and send it again, or undo the edit in Scoro.",
    )


def _moved(fitted: Fitted, posting: Posting) -> Fitted:
    day = PostingDay(posting.day, posting.dated)
    translation = fitted.translation
    note = (
        f"The period of {posting.document_date} is closed in Intacct: it is"
        f" {'dated and ' if posting.dated else ''}posted on {posting.day} (closed_period)."
    )
    moved = replace(translation, function=posted_on(translation.function, day), notes=(*translation.notes, note))
    return replace(fitted, translation=moved)


def _moved_back(fitted: Fitted, document: Synced) -> Fitted:
    """Scoro dates it otherwise now: it is posted on its own day again, which an update must say."""
    translation = fitted.translation
    if fitted.verb != "update" or document.day is None or states_posting_day(translation.function):
        return fitted
    own = posted_on(translation.function, PostingDay(document.day))
    return replace(fitted, translation=replace(translation, function=own))


def plain_link(standing: Standing) -> DocumentLink | None:
    """The record of a document as the ledger knows it."""
    held = standing.record
    if held is None:
        return None
    return DocumentLink(
        recordno=held["record_no"],
        object=held["object"],
        number=held["natural_key"],
        lines=held["line_numbers"],
        state=held["record_state"] or "Posted",
        previous=Function.model_validate(held["function"]) if held["function"] else None,
    )


def _link(standing: Standing, reference: ReferenceData, translate: Translate) -> DocumentLink | None:
    held, link = standing.record, plain_link(standing)
    if held is None or link is None:
        return None
    if link.lines or link.previous is not None or held["object"] not in DOCUMENTS:
        return link
    return _adopted(standing, link, reference, translate)


def _adopted(standing: Standing, link: DocumentLink, reference: ReferenceData, translate: Translate) -> DocumentLink:
    """The link of a record that stood there before us, with its lines matched to ours."""
    held = standing.record
    if held is None:
        raise TypeError("a document without a record has no lines to adopt")
    made = translate(None)
    if made.function.object != held["object"]:
        return link  # it became another kind: the translator says what to do
    if held["seen_lines"] is None:
        raise LinesUnknownError
    lines = match_lines(made.function, made.line_numbers, held["seen_lines"])
    previous = as_written(made.function, link.recordno, held["seen"] or {}, held["seen_lines"], reference.base_currency)
    return replace(link, lines=lines, previous=previous)
