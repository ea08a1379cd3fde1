"""The retry policy has a row for every class, and the page for people is written from it."""

from pathlib import Path

import pytest

from schemas.errors import ErrorClass
from workers.delivery.policy import RETRIES, Then, delay_s
from workers.errors_document import errors_document


def test_every_class_has_a_row() -> None:
    assert set(RETRIES) == set(ErrorClass)


@pytest.mark.parametrize("error_class", list(ErrorClass))
def test_delays_grow_and_end(error_class: ErrorClass) -> None:
    retry = RETRIES[error_class]
    assert bool(retry.delays_s) == (retry.limit > 0)
    delays = [delay_s(error_class, attempts) for attempts in range(1, retry.limit)]
    assert delays == sorted(delay for delay in delays if delay is not None)
    assert delay_s(error_class, retry.limit) is None
    assert delay_s(error_class, retry.limit + 7) is None


@pytest.mark.parametrize(
    ("error_class", "attempts", "expected"),
    [
        (ErrorClass.UNAVAILABLE, 0, 2),
        (ErrorClass.UNAVAILABLE, 1, 2),
        (ErrorClass.UNAVAILABLE, 3, 15),
        (ErrorClass.UNAVAILABLE, 99, 900),
        (ErrorClass.UNAVAILABLE, 100, None),
        (ErrorClass.THROTTLED, 2, 20),
        (ErrorClass.THROTTLED, 49, 120),
        (ErrorClass.THROTTLED, 50, None),
        (ErrorClass.DATA, 0, None),
        (ErrorClass.UNKNOWN, 1, None),
    ],
)
def test_the_wait_after_so_many_tries(error_class: ErrorClass, attempts: int, expected: float | None) -> None:
    assert delay_s(error_class, attempts) == expected


def test_what_may_have_run_is_looked_up_and_never_tried_again_by_itself() -> None:
    for error_class in (ErrorClass.UNCERTAIN, ErrorClass.DUPLICATE):
        assert RETRIES[error_class].then is Then.LOOK_UP
        assert RETRIES[error_class].limit == 0


def test_only_a_broken_connection_is_paused() -> None:
    assert [c for c, retry in RETRIES.items() if retry.then is Then.PAUSE] == [ErrorClass.BROKEN]


def test_the_page_of_errors_is_the_one_that_runs() -> None:
    written = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
    assert written == errors_document(), "docs/errors.md is out of date: run scripts/errors"
