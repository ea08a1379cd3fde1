"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, timeout_s: float = 30.0, pause_s: float = 0.02) -> T:
    """Return the first truthy value of `condition`; fail with `what` and the last value after `timeout_s`."""
    give_up_at = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < give_up_at, f"not within {timeout_s} s: {what} (last: {value!r})"
        time.sleep(pause_s)
    return value
