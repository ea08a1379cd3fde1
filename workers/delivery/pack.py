"""Choosing what goes into one request. Pure: nothing is lost, overtakes its prerequisite or passes a bound."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from db.operations import Candidate
from schemas.kinds import DOCUMENT_KINDS, Purpose
from schemas.settings import DeliverySettings

ENVELOPE_BYTES = 2_000
"""What the request holds beside its functions, at the most."""


@dataclass(slots=True)
class Pack:
    """The operations of one request, in the order in which they run."""

    operations: list[Candidate] = field(default_factory=list)
    documents: int = 0
    attachments: int = 0
    bytes: int = ENVELOPE_BYTES
    full: bool = False
    waits: dict[UUID, int] = field(default_factory=dict)
    """Operations that cannot go yet, and the document that each one waits for."""

    @property
    def interactive(self) -> bool:
        """Whether a person waits for one of them."""
        return any(operation.purpose is Purpose.INTERACTIVE for operation in self.operations)

    @property
    def purpose(self) -> Purpose:
        """What the request is charged to."""
        return Purpose.INTERACTIVE if self.interactive else Purpose.BULK

    @property
    def oldest_s(self) -> float:
        """How long its oldest operation has been due, in seconds."""
        return max((operation.age_s for operation in self.operations), default=0.0)


def choose(candidates: Sequence[Candidate], limits: DeliverySettings) -> Pack:
    """Take candidates in their order, each behind the prerequisites it still needs, until a bound is reached.

    `max_documents` counts documents; customers and other prerequisites ride along up to `max_functions` and
    `max_bytes`, those with files up to `max_attachments`: whoever finds no room for files lets others pass. One
    operation alone always fits: the gateway decides about it; of one that does not fit together with what it needs,
    that goes first. Halves of a rejected pack (`pack_group`) go by themselves, and so does what is one transaction
    (`is_alone`), once all that it needs stands.
    """
    by_document = {candidate.document_id: candidate for candidate in candidates}
    waits: dict[UUID, int] = {}
    for group in dict.fromkeys(candidate.pack_group for candidate in candidates):
        pack = Pack(waits=waits)
        chosen: set[UUID] = set()
        for candidate in candidates:
            if candidate.pack_group != group or candidate.id in chosen:
                continue
            behind = _with_prerequisites(candidate, by_document, waits)
            if behind is None or any(item.pack_group != group for item in behind):
                continue
            new = [item for item in behind if item.id not in chosen]
            if new[-1].is_alone and len(new) == 1:
                if pack.operations:
                    continue  # its turn comes when the others have left
                _take(pack, new)
                pack.full = True
                return pack
            new = [item for item in new if not item.is_alone]
            if pack.operations and _attachments(pack, new) > limits.max_attachments:
                continue
            if not pack.operations:
                fitting = _as_far_as_it_fits(new, limits)
                pack.full = len(fitting) < len(new)
                new = fitting
            elif not _fits(pack, new, limits):
                pack.full = True
                break
            _take(pack, new)
            chosen.update(item.id for item in new)
            if pack.full:
                break
        if pack.operations:
            return pack
    return Pack(waits=waits)


def _with_prerequisites(
    candidate: Candidate, by_document: dict[int, Candidate], waits: dict[UUID, int]
) -> list[Candidate] | None:
    """The candidate behind everything that it needs; None (and a wait) where something of that is not ready."""
    order: list[Candidate] = []
    for need in candidate.needs:
        needed = None if candidate.is_alone else by_document.get(need)
        before = _with_prerequisites(needed, by_document, waits) if needed else None
        if before is None:
            waits[candidate.id] = need
            return None
        order += [item for item in before if item not in order]
    return [*order, candidate]


def _as_far_as_it_fits(new: Sequence[Candidate], limits: DeliverySettings) -> list[Candidate]:
    """The beginning of what goes together that fits into an empty pack; one operation at the least."""
    fitting = 1
    while fitting < len(new) and _fits(Pack(), new[: fitting + 1], limits):
        fitting += 1
    return list(new[:fitting])


def _fits(pack: Pack, new: Sequence[Candidate], limits: DeliverySettings) -> bool:
    documents = pack.documents + sum(item.kind in DOCUMENT_KINDS for item in new)
    size = pack.bytes + sum(item.bytes for item in new)
    functions = len(pack.operations) + len(new)
    return (
        documents <= limits.max_documents
        and functions <= limits.max_functions
        and size <= limits.max_bytes
        and _attachments(pack, new) <= limits.max_attachments
    )


def _attachments(pack: Pack, new: Sequence[Candidate]) -> int:
    return pack.attachments + sum(item.carries_files for item in new)


def _take(pack: Pack, new: Sequence[Candidate]) -> None:
    pack.operations += new
    pack.documents += sum(item.kind in DOCUMENT_KINDS for item in new)
    pack.attachments = _attachments(pack, new)
    pack.bytes += sum(item.bytes for item in new)


def linger_s(pack: Pack, limits: DeliverySettings, at_least_s: float = 0.0) -> float:
    """How long the pack may wait for more documents: not at all when a person waits or it is full."""
    if pack.interactive or pack.full:
        return 0.0
    return max(0.0, max(limits.linger_ms / 1000, at_least_s) - pack.oldest_s)
