"""The packer loses, reorders and exceeds nothing, and no operation goes before what it needs."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from db.operations import Candidate
from schemas.kinds import DOCUMENT_KINDS, Kind, Purpose
from schemas.settings import DeliverySettings
from workers.delivery.pack import ENVELOPE_BYTES, Pack, choose, linger_s

GROUPS = (None, None, None, uuid.UUID(int=1), uuid.UUID(int=2))
ABSENT_DOCUMENT = 10_000
FOLDER, FILES = 500, 600
ROOMY = DeliverySettings()


@st.composite
def candidate_lists(draw: st.DrawFn) -> list[Candidate]:
    """Customers without needs, files that need a folder, and invoices that need some of them or what is not there."""
    customers = draw(st.integers(0, 3))
    records = [_candidate(draw, document, Kind.CUSTOMER) for document in range(customers)]
    files = draw(st.integers(0, 4))
    if files:
        records.append(_candidate(draw, FOLDER, Kind.FOLDER))
        records += [_candidate(draw, FILES + place, Kind.ATTACHMENT, (FOLDER,)) for place in range(files)]
    invoices = []
    for place in range(draw(st.integers(0, 10))):
        needs = draw(st.sets(st.sampled_from([*range(customers), ABSENT_DOCUMENT]), max_size=2))
        own = {FILES + place} if place < files and draw(st.booleans()) else set()
        invoices.append(_candidate(draw, 100 + place, Kind.INVOICE, tuple(sorted(needs | own))))
    return draw(st.permutations([*records, *invoices]))


def _candidate(draw: st.DrawFn, document: int, kind: Kind, needs: tuple[int, ...] = ()) -> Candidate:
    size = st.integers(200, 30_000) if kind is Kind.ATTACHMENT else st.integers(200, 6_000)
    return Candidate(
        uuid.UUID(int=1_000_000 + document),
        document,
        kind,
        draw(st.sampled_from([Purpose.BULK, Purpose.INTERACTIVE])),
        draw(size),
        draw(st.sampled_from(GROUPS)),
        draw(st.floats(0, 10)),
        needs,
        carries_files=kind is Kind.ATTACHMENT,
    )


limits = st.builds(
    DeliverySettings,
    max_documents=st.integers(1, 6),
    max_functions=st.integers(1, 9),
    max_bytes=st.integers(10_000, 25_000),
    max_attachments=st.integers(1, 3),
)


def within(pack: Pack, bounds: DeliverySettings) -> bool:
    documents = sum(operation.kind in DOCUMENT_KINDS for operation in pack.operations)
    size = ENVELOPE_BYTES + sum(operation.bytes for operation in pack.operations)
    files = sum(operation.carries_files for operation in pack.operations)
    return (
        documents <= bounds.max_documents
        and len(pack.operations) <= bounds.max_functions
        and size <= bounds.max_bytes
        and files <= bounds.max_attachments
    )


@given(candidate_lists(), limits)
def test_a_pack_holds_candidates_once_and_of_one_group(candidates: list[Candidate], bounds: DeliverySettings) -> None:
    pack = choose(candidates, bounds)
    ids = [operation.id for operation in pack.operations]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= {candidate.id for candidate in candidates}
    assert len({operation.pack_group for operation in pack.operations}) <= 1
    assert not set(ids) & pack.waits.keys()


@given(candidate_lists(), limits)
def test_a_pack_counts_itself_right(candidates: list[Candidate], bounds: DeliverySettings) -> None:
    pack = choose(candidates, bounds)
    assert pack.documents == sum(operation.kind in DOCUMENT_KINDS for operation in pack.operations)
    assert pack.bytes == ENVELOPE_BYTES + sum(operation.bytes for operation in pack.operations)
    assert pack.interactive == any(operation.purpose is Purpose.INTERACTIVE for operation in pack.operations)


@given(candidate_lists(), limits)
def test_no_bound_is_passed_but_by_one_operation_alone(candidates: list[Candidate], bounds: DeliverySettings) -> None:
    pack = choose(candidates, bounds)
    assert within(pack, bounds) or len(pack.operations) == 1


@given(candidate_lists(), limits)
def test_what_is_needed_runs_before(candidates: list[Candidate], bounds: DeliverySettings) -> None:
    pack = choose(candidates, bounds)
    places = {operation.document_id: place for place, operation in enumerate(pack.operations)}
    for place, operation in enumerate(pack.operations):
        assert all(places[need] < place for need in operation.needs)


@given(candidate_lists(), limits)
def test_documents_keep_their_order(candidates: list[Candidate], bounds: DeliverySettings) -> None:
    pack = choose(candidates, bounds)
    order = {candidate.id: place for place, candidate in enumerate(candidates)}
    places = [order[operation.id] for operation in pack.operations if operation.kind in DOCUMENT_KINDS]
    assert places == sorted(places)


@given(candidate_lists(), limits)
def test_an_operation_waits_exactly_if_what_it_needs_is_not_there(
    candidates: list[Candidate], bounds: DeliverySettings
) -> None:
    waits = choose(candidates, bounds).waits
    here = {candidate.document_id for candidate in candidates}
    for candidate in candidates:
        if candidate.id in waits:
            assert waits[candidate.id] in set(candidate.needs) - here


@given(candidate_lists(), limits)
def test_nothing_is_lost_over_many_packs(candidates: list[Candidate], bounds: DeliverySettings) -> None:
    """Run to the end, every operation that can go has gone once, and the others are told to wait."""
    left: Sequence[Candidate] = candidates
    gone: list[uuid.UUID] = []
    while pack := choose(left, bounds):
        if not pack.operations:
            break
        sent = {operation.document_id for operation in pack.operations}
        gone += [operation.id for operation in pack.operations]
        left = [_without(candidate, sent) for candidate in left if candidate.document_id not in sent]
    assert len(set(gone)) == len(gone)
    can_never_go = {candidate.id for candidate in candidates if ABSENT_DOCUMENT in candidate.needs}
    assert {candidate.id for candidate in left} == can_never_go
    assert choose(left, bounds).waits.keys() == can_never_go


def _without(candidate: Candidate, satisfied: set[int]) -> Candidate:
    return replace(candidate, needs=tuple(need for need in candidate.needs if need not in satisfied))


@given(candidate_lists())
def test_a_pack_that_is_not_full_leaves_nothing_of_its_group_that_could_go(candidates: list[Candidate]) -> None:
    pack = choose(candidates, ROOMY)
    if pack.full or not pack.operations:
        return
    group = pack.operations[0].pack_group
    by_document = {candidate.document_id: candidate for candidate in candidates}

    def behind(candidate: Candidate) -> list[Candidate] | None:
        """All that must go with it; None where something of that is not there or of another group."""
        found = [candidate]
        for need in candidate.needs:
            needed = by_document.get(need)
            before = behind(needed) if needed and needed.pack_group == group else None
            if before is None:
                return None
            found += before
        return found

    chosen = {operation.id for operation in pack.operations}
    for candidate in candidates:
        needed = behind(candidate) if candidate.pack_group == group else None
        if needed is not None and candidate.id not in chosen:
            # only files find no room in a pack that is not full
            left = {item.id for item in needed if item.carries_files} - chosen
            assert pack.attachments + len(left) > ROOMY.max_attachments


@given(candidate_lists(), limits)
def test_nobody_waits_while_a_person_does_or_the_pack_is_full(
    candidates: list[Candidate], bounds: DeliverySettings
) -> None:
    pack = choose(candidates, bounds)
    wait_s = linger_s(pack, bounds)
    assert 0 <= wait_s <= bounds.linger_ms / 1000
    if pack.interactive or pack.full:
        assert wait_s == 0


def test_files_find_room_one_by_one_and_let_other_documents_pass() -> None:
    def made(document: int, kind: Kind, *needs: int) -> Candidate:
        files = kind is Kind.ATTACHMENT
        return Candidate(
            uuid.UUID(int=document), document, kind, Purpose.BULK, 500, None, 0.0, needs, carries_files=files
        )

    candidates = [
        made(1, Kind.INVOICE, 11),
        made(2, Kind.INVOICE, 12),
        made(3, Kind.INVOICE),
        made(11, Kind.ATTACHMENT, 20),
        made(12, Kind.ATTACHMENT, 20),
        made(20, Kind.FOLDER),
    ]
    pack = choose(candidates, ROOMY)
    assert [operation.document_id for operation in pack.operations] == [20, 11, 1, 3]
    assert not pack.full


def test_a_file_larger_than_a_request_goes_alone_and_before_its_document() -> None:
    file = Candidate(
        uuid.UUID(int=1), 1, Kind.ATTACHMENT, Purpose.BULK, ROOMY.max_bytes * 3, None, 0.0, (), carries_files=True
    )
    invoice = Candidate(uuid.UUID(int=2), 2, Kind.INVOICE, Purpose.BULK, 500, None, 0.0, (1,))
    assert choose([invoice, file], ROOMY).operations == [file]
    assert choose([_without(invoice, {1})], ROOMY).operations == [_without(invoice, {1})]
