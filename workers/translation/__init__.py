"""From documents of Scoro to functions of Intacct: pure, no input or output.

`translate` is the way in; `posted_lines` reads back what a function leaves in Intacct.
"""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.kinds import Kind
from schemas.scoro import Synced
from workers.translation.context import Context, DocumentLink, RecordPlan, Translation
from workers.translation.invoices import translate_invoice
from workers.translation.posted import posted_lines

__all__ = [
    "TRANSLATORS",
    "Context",
    "DocumentLink",
    "RecordPlan",
    "Translation",
    "posted_lines",
    "translate",
]

TRANSLATORS: Mapping[Kind, Callable[[Any, Context], Translation]] = {
    Kind.INVOICE: translate_invoice,
}
"""Kind -> how a document of that kind, as its reader gives it (`schemas.document_types`), becomes a function."""


def translate(document: Synced, context: Context) -> Translation:
    """Return what to send for a document; raises DocumentError that names document, field and fix."""
    return TRANSLATORS[document.kind](document, context)
