"""What is to be done about a change, once its document has been read. Pure.

The settings exclude first (with the reason), then the source fingerprint is compared with the newest intent, and only
what really changed is translated.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import structlog

from clients.intacct.render import size
from db.changes import Taken
from db.connections import Connection
from db.intake import DocumentFacts, NewOperation, Party, Standing
from schemas.errors import DocumentError, ErrorClass, Problem
from schemas.intacct.functions import Function
from schemas.kinds import Kind, Purpose
from schemas.reference import ReferenceData
from schemas.scoro import Contact, Invoice, read_invoice, source_fingerprint
from workers.translation import (
    CustomerPlan,
    CustomerRef,
    DocumentLink,
    InvoiceContext,
    Translation,
    is_credit,
    translate_invoice,
)

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What a change comes to."""

    OPERATION = "operation"
    UNCHANGED = "unchanged"
    REVERTED = "reverted"
    """Back to what Intacct holds before anything left: nothing is sent."""
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Facts:
    """What decisions need beside the document."""

    connection: Connection
    reference: ReferenceData
    standing: Mapping[int, Standing]
    parties: Mapping[int, Party]
    contacts: dict[int, Contact | DocumentError]
    unreadable_products: Mapping[int, DocumentError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What one change comes to, ready to commit."""

    change: Taken
    outcome: Outcome
    reason: str = ""
    document_state: str = ""
    """Set where no operation shows the document's state."""
    version: str = ""
    """Of the document, as it was decided about."""
    facts: DocumentFacts | None = None
    problem: Problem | None = None
    source_fingerprint: str = ""
    translation: Translation | None = None
    contact_id: int = 0
    verb: str = ""

    @property
    def customer(self) -> CustomerPlan | None:
        """The customer that must be linked or made first."""
        return self.translation.customer if self.translation else None

    @property
    def notes(self) -> Sequence[str]:
        """Decisions that were made silently."""
        return self.translation.notes if self.translation else ()

    def operation(self, revision_id: int, needs: Sequence[int]) -> NewOperation:
        """The operation of a decision whose outcome is one."""
        translation = self.translation
        if translation is None:
            raise ValueError(f"{self.outcome} is no operation")
        function = translation.function
        return NewOperation(
            id=uuid.uuid4(),
            document_id=self.change.document_id,
            revision_id=revision_id,
            source_fingerprint=self.source_fingerprint,
            verb=self.verb,
            object=function.object,
            natural_key=translation.number,
            party=str(function.body.get("customerid", "")),
            total=translation.gross,
            function=function.model_dump(mode="json"),
            payload_fingerprint=function.fingerprint(),
            line_numbers=translation.line_numbers,
            bytes=size(function),
            purpose=Purpose.INTERACTIVE if self.change.interactive else Purpose.BULK,
            needs=needs,
        )


def customer_operation(plan: CustomerPlan, document_id: int, *, interactive: bool) -> NewOperation | None:
    """The operation that makes a customer; None for one that Intacct has."""
    if plan.function is None:
        return None
    fingerprint = plan.function.fingerprint()
    return NewOperation(
        id=uuid.uuid4(),
        document_id=document_id,
        revision_id=None,
        source_fingerprint=fingerprint,
        verb="create",
        object=plan.function.object,
        natural_key=plan.customer_id,
        party="",
        total=None,
        function=plan.function.model_dump(mode="json"),
        payload_fingerprint=fingerprint,
        line_numbers={},
        bytes=size(plan.function),
        purpose=Purpose.INTERACTIVE if interactive else Purpose.BULK,
    )


def read(change: Taken, record: Mapping[str, Any] | None, connection: Connection) -> Invoice | Decision:
    """The document that Scoro gave, or a decision where there is none that can be read."""
    if record is None:
        name = change.kind.replace("_", " ")
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
        return read_invoice(record)
    except DocumentError as error:
        return _failed(change, error.problem)


def needs_contact(change: Taken, invoice: Invoice, facts: Facts) -> bool:
    """Whether the payer must be read: the invoice is going to be sent, and no link names its customer."""
    if invoice.company_id in facts.parties:
        return False
    return _before_translation(change, invoice, facts) is None


def decide(change: Taken, reading: Invoice | Decision, facts: Facts) -> Decision:
    """Decide about one change."""
    standing = facts.standing[change.document_id]
    if standing.left_alone and not change.interactive:
        return Decision(change, Outcome.UNCHANGED, version=standing.version)
    if isinstance(reading, Decision):
        return replace(reading, version=standing.version)
    decision = _before_translation(change, reading, facts) or _translate(change, reading, facts)
    return replace(decision, version=standing.version, facts=_document_facts(change, reading))


def _before_translation(change: Taken, invoice: Invoice, facts: Facts) -> Decision | None:
    standing = facts.standing[change.document_id]
    reason = _excluded(change, invoice, facts)
    if reason is not None:
        return Decision(change, Outcome.SKIPPED, reason, "posted" if standing.link else "skipped")
    if invoice.is_deleted:
        return _deleted(change, standing)
    source = _fingerprint(invoice, facts)
    if standing.intent_fingerprint == source and not (change.interactive and standing.stuck):
        return Decision(change, Outcome.UNCHANGED)
    if standing.link and standing.link["source_fingerprint"] == source:
        stands = standing.state in {"posted", "linked"} and standing.intent_fingerprint is None
        return Decision(change, Outcome.UNCHANGED) if stands else Decision(change, Outcome.REVERTED, "", "posted")
    if standing.intent_fingerprint is not None:
        return None
    if standing.refused_fingerprint == source and not change.interactive:
        return Decision(change, Outcome.UNCHANGED)
    if standing.link and not change.interactive and facts.connection.settings.data.invoices.updates == "on_demand":
        return Decision(change, Outcome.UNCHANGED, "", "posted")
    return None


def _excluded(change: Taken, invoice: Invoice, facts: Facts) -> str | None:
    """Why the settings leave a document alone; None where they do not."""
    connection = facts.connection
    chosen = connection.settings.data.invoices
    if invoice.account_id and invoice.account_id != connection.scoro_entity:
        return f"it belongs to the Scoro entity {invoice.account_id}, not to {connection.scoro_entity}"
    if is_credit(invoice):
        return "credit invoices are not synced"
    if not chosen.enabled:
        return "invoices are switched off (data.invoices.enabled)"
    starts_on = chosen.starts_on(connection.connected_on)
    if invoice.date is not None and invoice.date < starts_on:
        return f"it is dated {invoice.date}, before {starts_on} (data.invoices.start_date)"
    return None


def _deleted(change: Taken, standing: Standing) -> Decision:
    if standing.link is None:
        return Decision(change, Outcome.SKIPPED, "it was deleted in Scoro before it was sent", "deleted")
    return Decision(
        change,
        Outcome.SKIPPED,
        f"it was deleted in Scoro; Intacct still holds {standing.link['natural_key']}: delete or keep it there",
        "held",
    )


def _fingerprint(invoice: Invoice, facts: Facts) -> str:
    return source_fingerprint(invoice, facts.connection.settings.dimensions.sent_with("invoices").values())


def _translate(change: Taken, invoice: Invoice, facts: Facts) -> Decision:
    link = _link(facts.standing[change.document_id])
    try:
        translation = translate_invoice(invoice, _context(invoice, facts, link))
    except DocumentError as error:
        return _failed(change, error.problem)
    except Exception as error:  # a fault of ours in one document must not stop its batch
        log.exception("intake.translation_fault", document=invoice.label)
        problem = Problem(
            ErrorClass.BUG,
            "translation_fault",
            f"{invoice.label}: scoro-intacct failed to translate it ({type(error).__name__}: {error}).",
            "This is a fault of scoro-intacct: report it with the document; sending it again tries once more.",
            culprit=(type(error).__name__,),
        )
        return _failed(change, problem)
    return Decision(
        change,
        Outcome.OPERATION,
        source_fingerprint=_fingerprint(invoice, facts),
        translation=translation,
        contact_id=invoice.company_id or 0,
        verb="update" if link else "create",
    )


def _context(invoice: Invoice, facts: Facts, link: DocumentLink | None) -> InvoiceContext:
    for line in invoice.lines if invoice.discounts else ():
        if (unreadable := facts.unreadable_products.get(line.product_id or 0)) is not None:
            raise unreadable
    party = facts.parties.get(invoice.company_id or 0)
    contact = facts.contacts.get(invoice.company_id or 0)
    if isinstance(contact, DocumentError):
        raise contact
    return InvoiceContext(
        settings=facts.connection.settings,
        reference=facts.reference,
        customer=CustomerRef(party.natural_key) if party else None,
        contact=contact,
        link=link,
    )


def _link(standing: Standing) -> DocumentLink | None:
    if standing.link is None:
        return None
    held = standing.link
    return DocumentLink(
        recordno=held["record_no"],
        number=held["natural_key"],
        lines=held["line_numbers"],
        state=held["record_state"] or "Posted",
        previous=Function.model_validate(held["function"]) if held["function"] else None,
    )


def _failed(change: Taken, problem: Problem) -> Decision:
    return Decision(change, Outcome.FAILED, problem.cause, "failed", problem=problem)


def _document_facts(change: Taken, invoice: Invoice) -> DocumentFacts:
    kind = Kind.CREDIT_INVOICE if is_credit(invoice) else Kind.INVOICE
    return DocumentFacts(change.document_id, kind, invoice.no, invoice.gross, invoice.currency or None, invoice.date)
