"""From documents of Scoro to functions of Intacct: pure, no input or output.

`translate` is the way in; `posted_lines` reads back what a function leaves in Intacct.
"""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.kinds import Kind
from schemas.scoro import Synced
from workers.translation.context import Context, DocumentLink, RecordPlan, Translation
from workers.translation.documents import (
    translate_bill,
    translate_credit_bill,
    translate_credit_invoice,
    translate_expense,
    translate_invoice,
)
from workers.translation.posted import posted_lines
from workers.translation.projects import matched_project, translate_project

__all__ = [
    "MATCHERS",
    "TRANSLATORS",
    "Context",
    "DocumentLink",
    "RecordPlan",
    "Translation",
    "match",
    "posted_lines",
    "translate",
]

TRANSLATORS: Mapping[Kind, Callable[[Any, Context], Translation]] = {
    Kind.INVOICE: translate_invoice,
    Kind.CREDIT_INVOICE: translate_credit_invoice,
    Kind.BILL: translate_bill,
    Kind.CREDIT_BILL: translate_credit_bill,
    Kind.EXPENSE: translate_expense,
    Kind.PROJECT: translate_project,
}
"""Kind -> how a document of that kind, as its reader gives it (`schemas.document_types`), becomes a function."""

MATCHERS: Mapping[Kind, Callable[[Any, Context], RecordPlan | None]] = {
    Kind.PROJECT: matched_project,
}
"""Kind -> how one that is not linked is found among what Intacct has; for kinds that are not always made new."""


def match(document: Synced, context: Context) -> RecordPlan | None:
    """Return how a document that is not linked stands for what Intacct has; None where it is to be made."""
    matcher = MATCHERS.get(document.kind)
    return matcher(document, context) if matcher and context.link is None else None


def translate(document: Synced, context: Context) -> Translation:
    """Return what to send for a document; raises DocumentError that names document, field and fix."""
    return TRANSLATORS[document.kind](document, context)
