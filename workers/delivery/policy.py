"""The retry policy: one table a person can read, with a row for every class of error."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.errors import ErrorClass


class Then(StrEnum):
    """What follows when nothing is tried again by itself, or not any more."""

    DEAD_LETTER = "dead letter"
    """A failure in the list: a person changes something and replays."""
    LOOK_UP = "look-up"
    """Intacct or Scoro is asked whether it happened; only what is not there goes again."""
    PAUSE = "pause of the connection"
    """Nothing of the connection is sent until a probe goes through or a person resumes it; what waited goes on then."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Wait this long before the next try, by how many tries there have been; after `limit` tries comes `then`."""

    delays_s: tuple[float, ...]
    limit: int
    then: Then


_AT_ONCE_TO_A_PERSON = Retry((), 0, Then.DEAD_LETTER)

RETRIES: dict[ErrorClass, Retry] = {
    ErrorClass.DATA: _AT_ONCE_TO_A_PERSON,
    ErrorClass.REFUSED: _AT_ONCE_TO_A_PERSON,
    ErrorClass.DUPLICATE: Retry((), 0, Then.LOOK_UP),
    ErrorClass.NOT_FOUND: _AT_ONCE_TO_A_PERSON,
    ErrorClass.THROTTLED: Retry((10, 20, 40, 60, 120), 50, Then.DEAD_LETTER),
    ErrorClass.UNAVAILABLE: Retry((2, 5, 15, 60, 300, 900), 100, Then.DEAD_LETTER),
    ErrorClass.UNCERTAIN: Retry((), 0, Then.LOOK_UP),
    ErrorClass.BROKEN: Retry((), 0, Then.PAUSE),
    ErrorClass.HELD: _AT_ONCE_TO_A_PERSON,
    ErrorClass.BUG: _AT_ONCE_TO_A_PERSON,
    ErrorClass.POISON: _AT_ONCE_TO_A_PERSON,
    ErrorClass.UNKNOWN: _AT_ONCE_TO_A_PERSON,
}
"""Class -> delays -> limit -> then."""


def delay_s(error_class: ErrorClass, attempts: int) -> float | None:
    """How long to wait after `attempts` tries; None when it is not tried again by itself."""
    retry = RETRIES[error_class]
    if attempts >= retry.limit:
        return None
    return retry.delays_s[min(max(attempts, 1), len(retry.delays_s)) - 1]
