"""Pages of a query are read to their end, whatever enters and leaves the result meanwhile."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.intacct.functions import Function
from schemas.intacct.results import FunctionResult
from workers.pull.paging import Paged, next_request

PAGE = 6


def answer(function: Function, numbers: list[int]) -> FunctionResult:
    """What the gateway says of a query about records with these numbers."""
    condition: Any = function.body.get("filter")
    lowest = int(condition["greaterthan"]["value"]) if condition else -1
    found = sorted(number for number in numbers if number > lowest)
    size, offset = int(str(function.body["pagesize"])), int(str(function.body["offset"]))
    page = found[offset : offset + size]
    return FunctionResult(
        "",
        "query",
        "success",
        rows=tuple({"RECORDNO": str(number)} for number in page),
        totalcount=len(found),
        numremaining=max(0, len(found) - offset - len(page)),
    )


def read(numbers: Callable[[], list[int]], most: int = 10) -> tuple[Paged, int]:
    """Read with pages of six, the result's numbers told anew for each function; returns it and the requests used."""
    paged = Paged("ARPYMT", ("RECORDNO",), page_size=PAGE)
    requests = 0
    while asked := next_request({"it": paged}, most):
        requests += 1
        for (_, name), function in asked.items():
            paged.hear(name, answer(function, numbers()))
        assert requests < 200, "it does not come to an end"
    return paged, requests


def test_a_small_result_takes_one_request_and_a_large_one_two() -> None:
    assert read(lambda: [1, 2, 3])[1] == 1
    assert read(list)[1] == 1
    paged, requests = read(lambda: list(range(1, 25)))
    assert sorted(paged.rows) == list(range(1, 25))
    assert requests == 2


def test_at_most_so_many_pages_ride_in_one_request() -> None:
    paged, requests = read(lambda: list(range(1, 61)), most=7)
    assert len(paged.rows) == 60
    assert requests == 4, "one, then nineteen pages by sevens"


def test_a_page_that_a_shift_pushed_out_is_read_by_number() -> None:
    sights = iter([list(range(100, 112)), list(range(106, 112)), *[list(range(106, 112))] * 9])
    paged, _ = read(lambda: next(sights))
    assert set(range(106, 112)) <= set(paged.rows)


def test_a_result_that_was_not_answered_is_asked_again() -> None:
    paged = Paged("ARPYMT", ("RECORDNO",), page_size=PAGE)
    paged.hear("at 0", None)
    assert list(paged.asks()) == ["at 0"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_stays_in_the_result_is_never_missed(data: st.DataObject) -> None:
    stable = data.draw(st.sets(st.integers(1, 200), max_size=60), label="there all the time")
    others = st.sets(st.integers(1, 220), max_size=25)
    paged, _ = read(lambda: sorted(stable | data.draw(others, label="there just now")))
    assert stable <= set(paged.rows)
