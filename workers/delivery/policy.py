"""The retry policy: one table a person can read. What is not in it is not tried again by itself."""

from dataclasses import dataclass

from schemas.errors import ErrorClass


@dataclass(frozen=True, slots=True)
class Retry:
    """Wait this long before the next try, by how many tries there have been; after the last one a person looks."""

    delays_s: tuple[float, ...]
    limit: int


RETRIES: dict[ErrorClass, Retry] = {
    ErrorClass.THROTTLED: Retry((10, 20, 40, 60, 120), 50),
    ErrorClass.UNAVAILABLE: Retry((2, 5, 15, 60, 300, 900), 100),
}
"""Class -> delays -> limit. Everything else ends (DATA, REFUSED, BUG, UNKNOWN), is looked up (DUPLICATE, UNCERTAIN)
or stops the connection (BROKEN)."""


def delay_s(error_class: ErrorClass, attempts: int) -> float | None:
    """How long to wait after `attempts` tries; None when it is not tried again by itself."""
    retry = RETRIES.get(error_class)
    if retry is None or attempts >= retry.limit:
        return None
    return retry.delays_s[min(attempts, len(retry.delays_s)) - 1]
