"""Pacing: how fast bulk requests may leave, so that a month's requests last until the month is over. Pure.

A token bucket whose rate is what is left for bulk, spread over the rest of the month. While requests are ample the bucket
is full and bulk leaves at once; when they run short a request waits for its token, and its pack fills meanwhile. What a
person waits for takes no token: its share is set aside from what other purposes have used so far.
"""

from dataclasses import dataclass

BURST_SHARE = 0.05
"""Of what is left for bulk, so much may leave at once."""
PACED_FROM = 400
"""Limits below this are not paced: so few requests are a trial, used as they come."""
OTHERS_FLOOR = 0.10
"""Share of the limit that is set aside for other purposes over a whole month, before any use is known."""
OTHERS_MARGIN = 1.25
"""Other purposes may grow by so much on what they have used so far."""
KNOWN_AFTER_S = 3 * 86_400.0
"""The use of other purposes in a shorter time says little: it is taken as if spread over this long."""


@dataclass(frozen=True, slots=True)
class Month:
    """A site's month so far. `others` counts requests of all purposes but bulk; `tokens` None: nothing was paced yet."""

    limit: int
    kept_for_look_ups: int
    used: int
    others: int
    elapsed_s: float
    remaining_s: float
    tokens: float | None
    tokens_age_s: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How many bulk requests may leave at once, and how many more with each second."""

    tokens: float
    rate: float

    @property
    def wait_s(self) -> float:
        """How long until the next bulk request may leave."""
        if self.tokens >= 1:
            return 0.0
        return (1 - self.tokens) / self.rate if self.rate > 0 else float("inf")


def pace(month: Month) -> Pace:
    """Fill the bucket up to now."""
    if month.limit < PACED_FROM:
        return Pace(float(month.limit), 0.0)
    length_s = month.elapsed_s + month.remaining_s
    floor = OTHERS_FLOOR * month.limit / length_s
    seen = OTHERS_MARGIN * month.others / max(month.elapsed_s, KNOWN_AFTER_S)
    for_others = max(floor, seen) * month.remaining_s
    left = max(0.0, month.limit - month.kept_for_look_ups - month.used - for_others)
    rate = left / max(month.remaining_s, 1.0)
    full = max(1.0, BURST_SHARE * left) if left >= 1 else 0.0
    held = full if month.tokens is None else month.tokens + rate * month.tokens_age_s
    return Pace(min(full, held), rate)
