"""What decisions about changes are made of, and what they come to. Pure."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from clients.intacct.render import size
from db.changes import Taken
from db.connections import Connection
from db.intake import DocumentFacts, KnownRecord, NewOperation, Standing
from schemas.errors import DocumentError, Problem
from schemas.intacct.functions import Function
from schemas.kinds import Kind, Purpose, RecordRef
from schemas.reference import ReferenceData
from schemas.scoro import Record
from workers.bookmarks import Bookmarked
from workers.files import FilesPlan
from workers.translation import RecordPlan, Translation


class Outcome(StrEnum):
    """What a change comes to."""

    OPERATION = "operation"
    UNCHANGED = "unchanged"
    PASSED_ON = "passed_on"
    """It goes with other documents: those are read."""
    LINKED = "linked"
    """Intacct has it already: linked as it stands, nothing is sent."""
    REVERTED = "reverted"
    """Back to what Intacct holds before anything left: nothing is sent."""
    SKIPPED = "skipped"
    HELD = "held"
    """What waits for a person waits for another reason from now on."""
    LINES_UNKNOWN = "lines_unknown"
    """Its record stood in Intacct before us: its lines are read first."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Facts:
    """What decisions need beside the document."""

    connection: Connection
    reference: ReferenceData
    standing: Mapping[int, Standing]
    known: Mapping[RecordRef, KnownRecord]
    """Records that documents need and that the ledger knows."""
    sources: dict[RecordRef, Record | DocumentError]
    """What Scoro says of those that it does not know."""
    unreadable_products: Mapping[int, DocumentError] = field(default_factory=dict)
    files: Mapping[int, FilesPlan] = field(default_factory=dict)
    """What becomes of the files of documents, by the ledger's ids of those."""
    bookmarked: Bookmarked = field(default_factory=Bookmarked)
    taken: dict[str, RecordRef] = field(default_factory=dict)
    """Projects of Intacct, by PROJECTID, that stand for one of Scoro; grows with the decisions."""
    today: date = date.min
    """The site's own."""


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
    carriers: Sequence[RecordRef] = ()
    """The documents to be read instead."""
    files: FilesPlan | None = None
    """What becomes of the document's files; None where it has none."""
    match: RecordPlan | None = None
    """What of Intacct the document stands for, where it is linked."""
    verb: str = ""
    leaves: Function | None = None
    """What the record holds once the operation ran, where its function does not say all of it."""
    remark: str = ""
    """A note on a document that gets no operation."""

    @property
    def plans(self) -> Sequence[RecordPlan]:
        """The records that must be linked or made first."""
        if self.match is not None:
            return (self.match,)
        return self.translation.plans if self.translation else ()

    @property
    def needs(self) -> Sequence[RecordRef]:
        """All records that must stand in Intacct first."""
        if self.translation is None:
            return ()
        own = (self.attachment,) if self.files and self.files.named else ()
        return (*own, *self.translation.needs)

    @property
    def attachment(self) -> RecordRef:
        """The record that holds the document's files, where it has any."""
        return RecordRef(Kind.ATTACHMENT, self.change.document_id)

    @property
    def credits(self) -> Sequence[RecordRef]:
        """The invoices that it is to be applied to once it and they are posted."""
        credited = self.translation.credits if self.translation else ()
        return [RecordRef(Kind.INVOICE, scoro_id) for scoro_id in credited]

    @property
    def notes(self) -> Sequence[str]:
        """Decisions that were made silently."""
        of_files = self.files.notes if self.files else ()
        return (*self.translation.notes, *of_files) if self.translation else ()

    def operation(self, revision_id: int, needs: Sequence[int], credits: Sequence[int] = ()) -> NewOperation:
        """The operation of a decision whose outcome is one; `needs` and `credits` are the ledger's documents."""
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
            party=translation.party,
            total=translation.gross,
            function=function.model_dump(mode="json"),
            payload_fingerprint=function.fingerprint(),
            line_numbers=translation.line_numbers,
            bytes=size(function),
            purpose=Purpose.INTERACTIVE if self.change.interactive else Purpose.BULK,
            needs=needs,
            credits=credits,
            leaves=self.leaves.model_dump(mode="json") if self.leaves else None,
        )


def record_operation(
    plan: RecordPlan, document_id: int, needs: Sequence[int] = (), *, interactive: bool
) -> NewOperation | None:
    """The operation that makes a needed record; None for one that Intacct has."""
    if plan.function is None:
        return None
    fingerprint = plan.function.fingerprint()
    return NewOperation(
        id=uuid.uuid4(),
        document_id=document_id,
        revision_id=None,
        source_fingerprint=plan.source_fingerprint or fingerprint,
        verb="create",
        object=plan.function.object,
        natural_key=plan.key,
        party=plan.party,
        total=None,
        function=plan.function.model_dump(mode="json"),
        payload_fingerprint=fingerprint,
        line_numbers={},
        bytes=size(plan.function),
        purpose=Purpose.INTERACTIVE if interactive else Purpose.BULK,
        needs=needs,
    )
