from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import Money, apportion, cents, largest_remainder

amounts = st.decimals(-10_000, 10_000, places=4)
totals = st.integers(-1_000_000, 1_000_000).map(lambda pence: Decimal(pence) / 100)


def test_halves_are_rounded_away_from_zero() -> None:
    assert [cents(Decimal(text)) for text in ("0.005", "-0.005", "2.675", "1")] == [
        Decimal("0.01"),
        Decimal("-0.01"),
        Decimal("2.68"),
        Decimal("1.00"),
    ]


def test_a_rounded_nothing_has_no_sign() -> None:
    assert str(cents(Decimal("-0.001"))) == "0.00"


def test_money_prints_with_its_currency() -> None:
    assert str(Money(Decimal("1234.5"), "GBP")) == "1,234.50 GBP"


def test_the_cent_that_is_left_goes_to_the_one_that_lost_most() -> None:
    assert largest_remainder(Decimal("10.00"), [Decimal(1), Decimal(1), Decimal(1)]) == [
        Decimal("3.34"),
        Decimal("3.33"),
        Decimal("3.33"),
    ]
    assert apportion(Decimal("1.00"), [Decimal("0.334"), Decimal("0.338"), Decimal("0.328")]) == [
        Decimal("0.33"),
        Decimal("0.34"),
        Decimal("0.33"),
    ]


def test_nothing_can_be_shared_by_nothing() -> None:
    with pytest.raises(ValueError, match="nothing to share by"):
        largest_remainder(Decimal("1.00"), [Decimal(1), Decimal(-1)])
    with pytest.raises(ValueError, match="nothing to share by"):
        apportion(Decimal("1.00"), [Decimal(0)])
    assert largest_remainder(Decimal(0), [Decimal(0)]) == [Decimal(0)]
    assert apportion(Decimal(0), []) == []


@given(totals, st.lists(amounts.filter(bool), min_size=1, max_size=12))
def test_shares_add_up_to_the_total_and_stay_near_their_targets(total: Decimal, targets: list[Decimal]) -> None:
    shares = apportion(total, targets)
    assert sum(shares) == total
    assert all(share == cents(share) for share in shares)
    missing = abs(total - sum(targets))
    assert all(
        abs(share - target) <= missing / len(targets) + 2 * Decimal("0.01")
        for share, target in zip(shares, targets, strict=True)
    )


@given(totals, st.lists(st.decimals(0, 1000, places=2), min_size=1, max_size=12).filter(any))
def test_proportional_shares_are_within_a_cent_and_leave_zero_weights_alone(
    total: Decimal, weights: list[Decimal]
) -> None:
    shares = largest_remainder(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * weight / sum(weights)) < Decimal("0.01")
        assert share == 0 or weight > 0
