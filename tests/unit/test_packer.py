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
ROOMY = DeliverySettings()


@st.composite
def candidate_lists(draw: st.DrawFn) -> list[Candidate]:
    """Customers without needs, and invoices that need a customer or something that is not there, in any order."""
    customers = draw(st.integers(0, 3))
    parties = [_candidate(draw, document, Kind.CUSTOMER) for document in range(customers)]
    invoices = []
    for document in range(100, 100 + draw(st.integers(0, 10))):
        needs = draw(st.sets(st.sampled_from([*range(customers), ABSENT_DOCUMENT]), max_size=2))
        invoices.append(_candidate(draw, document, Kind.INVOICE, tuple(sorted(needs))))
    return draw(st.permutations([*parties, *invoices]))


def _candidate(draw: st.DrawFn, document: int, kind: Kind, needs: tuple[int, ...] = ()) -> Candidate:
    return Candidate(
        uuid.UUID(int=1_000_000 + document),
        document,
        kind,
        draw(st.sampled_from([Purpose.BULK, Purpose.INTERACTIVE])),
        draw(st.integers(200, 6_000)),
        draw(st.sampled_from(GROUPS)),
        draw(st.floats(0, 10)),
        needs,
    )


limits = st.builds(
    DeliverySettings,
    max_documents=st.integers(1, 6),
    max_functions=st.integers(1, 9),
    max_bytes=st.integers(10_000, 25_000),
)


def within(pack: Pack, bounds: DeliverySettings) -> bool:
    documents = sum(operation.kind in DOCUMENT_KINDS for operation in pack.operations)
    size = ENVELOPE_BYTES + sum(operation.bytes for operation in pack.operations)
    return (
        documents <= bounds.max_documents and len(pack.operations) <= bounds.max_functions and size <= bounds.max_bytes
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
def test_no_bound_is_passed_but_by_one_operation_with_what_it_needs(
    candidates: list[Candidate], bounds: DeliverySettings
) -> None:
    pack = choose(candidates, bounds)
    if not within(pack, bounds):
        *before, last = pack.operations
        assert all(operation.document_id in last.needs for operation in before)


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

    def can_go(candidate: Candidate) -> bool:
        needed = [by_document.get(need) for need in candidate.needs]
        return all(item is not None and item.pack_group == group for item in needed)

    could = {candidate.id for candidate in candidates if candidate.pack_group == group and can_go(candidate)}
    assert could == {operation.id for operation in pack.operations}


@given(candidate_lists(), limits)
def test_nobody_waits_while_a_person_does_or_the_pack_is_full(
    candidates: list[Candidate], bounds: DeliverySettings
) -> None:
    pack = choose(candidates, bounds)
    wait_s = linger_s(pack, bounds)
    assert 0 <= wait_s <= bounds.linger_ms / 1000
    if pack.interactive or pack.full:
        assert wait_s == 0
