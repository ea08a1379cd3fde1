"""From documents of Scoro to functions of Intacct: pure, no input or output.

`translate_invoice` is the way in; `posted_lines` reads back what a function leaves in Intacct.
"""

from workers.translation.context import CustomerPlan, CustomerRef, DocumentLink, InvoiceContext, Translation
from workers.translation.customers import match_or_create
from workers.translation.invoices import is_credit, translate_invoice
from workers.translation.posted import posted_lines

__all__ = [
    "CustomerPlan",
    "CustomerRef",
    "DocumentLink",
    "InvoiceContext",
    "Translation",
    "is_credit",
    "match_or_create",
    "posted_lines",
    "translate_invoice",
]
