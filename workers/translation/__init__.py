"""From documents of Scoro to functions of Intacct: pure, no input or output.

`translate_invoice` is the way in; `matches_create` and `matches_update` tell whether a function has happened.
"""

from workers.translation.context import CustomerPlan, CustomerRef, DocumentLink, InvoiceContext, Translation
from workers.translation.customers import match_or_create
from workers.translation.invoices import is_credit, translate_invoice
from workers.translation.posted import matches_create, matches_update, posted_lines, total_of

__all__ = [
    "CustomerPlan",
    "CustomerRef",
    "DocumentLink",
    "InvoiceContext",
    "Translation",
    "is_credit",
    "match_or_create",
    "matches_create",
    "matches_update",
    "posted_lines",
    "total_of",
    "translate_invoice",
]
