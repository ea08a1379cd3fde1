"""Pacing: what bulk may take of a month, for any month and any demand."""

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from schemas.pacing import (
    CLOSE_S,
    DAY_S,
    LOOK_AGAIN_S,
    PACED_FROM,
    PULL_SHARE,
    SHORTEST_S,
    Gathered,
    Month,
    Pace,
    pace,
    pull_gap_s,
)

FULL_PACK = Gathered(50, 0.0, True)
LONELY = Gathered(1, 0.0, False)


@st.composite
def months(draw: st.DrawFn, lowest_limit: int = PACED_FROM) -> Month:
    limit = draw(st.integers(lowest_limit, 20_000))
    length_s = draw(st.integers(28, 31)) * DAY_S
    elapsed_s = draw(st.floats(0, length_s))
    used = draw(st.integers(0, limit))
    return Month(
        limit=limit,
        kept_for_look_ups=limit // 100,
        used=used,
        others=draw(st.integers(0, used)),
        elapsed_s=elapsed_s,
        remaining_s=length_s - elapsed_s,
        tokens=draw(st.none() | st.floats(0, 20_000)),
        tokens_age_s=draw(st.floats(0, 31 * DAY_S)),
    )


def packs() -> st.SearchStrategy[Gathered]:
    return st.builds(Gathered, st.integers(1, 50), st.floats(0, 1e7), st.booleans())


def fresh(limit: int = 4000) -> Month:
    """The first second of a month of 31 days."""
    return Month(limit, limit // 100, 0, 0, 0.0, 31 * DAY_S, None, 0.0)


@given(months(), st.integers(1, 50), st.data())
def test_looks_that_keep_their_distance_stay_within_their_share(
    month: Month, connections: int, data: st.DataObject
) -> None:
    pulls, at, ends = 0, 0.0, month.elapsed_s + month.remaining_s
    month = replace(month, elapsed_s=0.0, remaining_s=ends)
    if PULL_SHARE * month.limit < connections:
        return
    while at < ends and pulls <= month.limit:
        gap_s = pull_gap_s(replace(month, elapsed_s=at, remaining_s=ends - at, pulls=pulls), connections)
        assert gap_s <= ends - at
        pulls += connections
        at += max(gap_s, data.draw(st.sampled_from([0.0, 3600.0]), "interval"))
    assert pulls <= PULL_SHARE * month.limit + 2 * connections


@given(months(lowest_limit=0))
def test_tokens_never_exceed_the_bound_nor_the_bound_what_is_left(month: Month) -> None:
    now = pace(month)
    assert 0 <= now.tokens <= now.bound <= max(0, month.limit - month.kept_for_look_ups - month.used)
    assert now.rate >= 0


@given(months(), st.integers(0, 5_000))
def test_bulk_may_go_faster_when_others_use_less(month: Month, fewer: int) -> None:
    assert pace(replace(month, others=max(0, month.others - fewer))).rate >= pace(month).rate


@given(months(), st.integers(0, 5_000))
def test_bulk_may_go_faster_when_less_was_used_or_the_limit_is_higher(month: Month, more: int) -> None:
    used = max(month.others, month.used - more)
    assert pace(replace(month, used=used)).rate >= pace(month).rate
    raised = month.limit + more
    assert pace(replace(month, limit=raised, kept_for_look_ups=raised // 100)).rate >= pace(month).rate - 1e-9


@given(months(), st.floats(0, 31 * DAY_S))
def test_tokens_only_grow_while_nothing_leaves(month: Month, seconds: float) -> None:
    now = pace(month)
    assert now.tokens <= now.after(seconds).tokens <= now.bound


@given(months(), packs(), st.integers(0, 50), st.floats(0, 1e6))
def test_whoever_waited_longer_leaves_no_later(month: Month, pack: Gathered, more: int, longer_s: float) -> None:
    now = pace(month)
    older = Gathered(min(50, pack.documents + more), pack.waited_s + longer_s, pack.full)
    assert now.wait_s(older) <= now.wait_s(pack) + SHORTEST_S
    if now.admits(pack):
        assert now.admits(older)


@given(months(), packs())
def test_after_its_wait_a_pack_may_leave(month: Month, pack: Gathered) -> None:
    now = pace(month)
    wait_s = now.wait_s(pack)
    assert 0 <= wait_s <= LOOK_AGAIN_S
    if wait_s < LOOK_AGAIN_S:
        then = Gathered(pack.documents, pack.waited_s + pack.documents * wait_s, pack.full)
        assert now.after(wait_s).admits(then)
    if now.admits(pack):
        assert wait_s == 0


@given(months(), packs())
def test_without_a_token_nothing_leaves_and_a_full_pack_waits_for_nothing_else(month: Month, pack: Gathered) -> None:
    now = pace(month)
    assert now.admits(FULL_PACK) == (now.tokens >= 1)
    if now.tokens < 1:
        assert not now.admits(pack)
        assert now.price_s == math.inf


@given(
    st.integers(PACED_FROM, 6_000),
    st.integers(28, 31),
    st.lists(st.tuples(st.floats(1, 2 * DAY_S), st.integers(0, 400), st.integers(0, 30)), max_size=60),
)
def test_no_pattern_of_bursts_gets_more_than_the_month_has(
    limit: int, days: int, bursts: list[tuple[float, int, int]]
) -> None:
    month = replace(fresh(limit), remaining_s=days * DAY_S)
    ceiling = limit - month.kept_for_look_ups
    for gap_s, full_packs, others in bursts:
        if gap_s >= month.remaining_s:
            break
        month = replace(
            month,
            elapsed_s=month.elapsed_s + gap_s,
            remaining_s=month.remaining_s - gap_s,
            tokens_age_s=month.tokens_age_s + gap_s,
        )
        for _ in range(full_packs):
            now = pace(month)
            if not now.admits(FULL_PACK):
                break
            month = replace(month, used=month.used + 1, tokens=now.tokens - 1, tokens_age_s=0.0)
            assert month.used <= ceiling
        for _ in range(min(others, ceiling - month.used)):
            month = replace(month, used=month.used + 1, others=month.others + 1)


def test_who_always_asks_gets_the_month_used_evenly_and_nearly_whole() -> None:
    month, by_day = fresh(), [0] * 31
    for hour in range(31 * 24):
        now = pace(month)
        while now.admits(FULL_PACK):
            by_day[hour // 24] += 1
            month = replace(month, used=month.used + 1, tokens=now.tokens - 1, tokens_age_s=0.0)
            now = pace(month)
        month = replace(
            month,
            elapsed_s=month.elapsed_s + 3600,
            remaining_s=month.remaining_s - 3600,
            tokens_age_s=month.tokens_age_s + 3600,
        )
    closing = int(CLOSE_S / DAY_S)
    ordinary = by_day[1:-closing]
    assert max(ordinary) <= 1.5 * min(ordinary)
    assert min(by_day[-closing:]) > 2 * max(ordinary)
    assert 0.9 * 3960 < month.used <= 3960


def test_ample_requests_let_everything_go_at_once() -> None:
    month = fresh()
    for document in range(40):
        now = pace(month)
        assert now.admits(LONELY), f"document {document}"
        month = replace(month, used=month.used + 1, tokens=now.tokens - 1, tokens_age_s=0.0)


def test_the_fewer_tokens_the_longer_a_pack_gathers() -> None:
    prices = [Pace(float(tokens), 100.0, 0.001).price_s for tokens in (60, 50, 40, 20, 10, 1)]
    assert prices[:2] == [0, 0]
    assert prices == sorted(prices)
    assert len(set(prices)) == 5


def test_a_pack_that_waits_longest_in_all_comes_first() -> None:
    now = Pace(10.0, 100.0, 0.001)
    assert now.admits(Gathered(40, 40 * 400.0, False))
    assert not now.admits(Gathered(4, 4 * 400.0, False))
    assert now.wait_s(Gathered(40, 12_000.0, False)) < now.wait_s(Gathered(4, 12_000.0, False))


def test_small_limits_are_used_as_they_come() -> None:
    month = Month(PACED_FROM - 1, 3, 0, 0, 0.0, 31 * DAY_S, 0.0, 0.0)
    for _ in range(396):
        assert pace(month).admits(LONELY)
        month = replace(month, used=month.used + 1, tokens=0.0)
    assert not pace(month).admits(LONELY)


def test_other_purposes_never_take_the_month_from_bulk() -> None:
    pulled = Month(400, 4, 100, 100, 4 * DAY_S, 27 * DAY_S, None, 0.0)
    assert pace(pulled).rate * 27 * DAY_S > 80


def test_people_keep_their_share_until_the_last_day() -> None:
    month = Month(4000, 40, 3890, 0, 29 * DAY_S, 2 * DAY_S, None, 0.0)
    assert pace(month).tokens <= 35
    assert pace(replace(month, elapsed_s=31 * DAY_S - 60, remaining_s=60.0)).bound > 60
