"""Pacing: how fast bulk requests may leave, so that a month's requests last until the month is over. Pure.

What is left for bulk, spread over the rest of the month, is the rate at which tokens come; a bulk request takes one.
Time is weighed: books are closed at a month's end, so its last days are given more. Tokens that nobody takes are kept
for up to a day, so that nights serve the next morning; what is not kept is spread over the rest of the month.

How long a pack gathers follows from the tokens at hand. At least half of the bucket: it leaves at once. Fewer: it
leaves when its documents together have waited as long as `price_s` says; the price rises as tokens become fewer, so
that whoever has waited longest in all comes first. A full pack waits for nothing but a token.

What a person waits for takes no token: requests for it are set aside from what other purposes have used so far.

Looks at what is new in Intacct that nobody asked for have a share of the month. Where their interval would take more,
as of many connections that share a site's requests, what is left of the share is spread over the rest of the month.
"""

import math
from dataclasses import dataclass

DAY_S = 86_400.0
PACED_FROM = 400
"""Limits below this are not paced: so few requests are a trial, used as they come."""
CLOSE_S = 5 * DAY_S
"""The end of a month, in which books are closed."""
CLOSE_WEIGHT = 3.0
"""What a day of it counts for, in ordinary days."""
KEPT_S = DAY_S
"""Tokens are kept for so long; at the end of a month, where they come faster, no more of them."""
FREE_SHARE = 0.5
"""While the bucket is at least so full, bulk leaves at once."""
PRICE_S = 3_600.0
"""The wait of a pack's documents in all, at half of that."""
OTHERS_FLOOR = 0.10
"""Share of the limit that is set aside for other purposes over a whole month, before any use is known."""
OTHERS_MARGIN = 1.25
"""Other purposes may grow by so much on what they have used so far."""
KNOWN_AFTER_S = 3 * DAY_S
"""The use of other purposes in a shorter time says little: it is taken as if spread over this long."""
OTHERS_MOST = 0.5
"""Of what is left, other purposes are never set aside more: bulk is what the month is for."""
PEOPLE_SHARE = 0.02
"""Of the limit, so much stays for people until the last day, and shrinks to nothing over that day."""
PULL_SHARE = 0.20
"""Of the limit, so much is for looks at Intacct that nobody asked for; what rides in other requests costs nothing."""
PULLS_AT_ONCE = 64
"""Looks that events of Intacct may bring about beyond what the share has come to so far."""
LOOK_AGAIN_S = 900.0
"""Whoever waits asks again after this long at the most: limits and use change."""
SHORTEST_S = 1.0
"""And after this long at the least."""


@dataclass(frozen=True, slots=True)
class Month:
    """A site's month so far. `others` counts requests that were not bulk; `tokens` None: nothing was paced yet."""

    limit: int
    kept_for_look_ups: int
    used: int
    others: int
    elapsed_s: float
    remaining_s: float
    tokens: float | None
    tokens_age_s: float
    pulls: int = 0
    """Requests of looks at what is new; they are among `others`."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a connection's next pack holds, and how long its documents have waited in all."""

    documents: int
    waited_s: float
    full: bool


@dataclass(frozen=True, slots=True)
class Pace:
    """How many bulk requests may leave now, how many may be kept at most, and how many more come with each second."""

    tokens: float
    bound: float
    rate: float

    def after(self, seconds: float) -> "Pace":
        """The pace so much later, if nothing leaves meanwhile."""
        return Pace(min(self.bound, self.tokens + self.rate * seconds), self.bound, self.rate)

    @property
    def next_token_s(self) -> float:
        """How long until there is a token, for a pack that waits for nothing else."""
        if self.tokens >= 1:
            return 0.0
        return (1 - self.tokens) / self.rate if self.rate > 0 and self.bound >= 1 else math.inf

    @property
    def price_s(self) -> float:
        """How long the documents of a pack that is not full must have waited in all before it leaves."""
        if self.tokens < 1:
            return math.inf
        free_from = FREE_SHARE * self.bound
        return max(0.0, PRICE_S * (free_from / self.tokens - 1))

    def admits(self, gathered: Gathered) -> bool:
        """Whether a pack may leave now."""
        return self.tokens >= 1 and (gathered.full or gathered.waited_s >= self.price_s)

    def wait_s(self, gathered: Gathered) -> float:
        """How long until a pack may leave, if nothing else does and nothing joins it; asked again by LOOK_AGAIN_S."""
        if self.admits(gathered):
            return 0.0
        too_early, in_time = 0.0, LOOK_AGAIN_S
        while in_time - too_early > SHORTEST_S:
            middle = (too_early + in_time) / 2
            waited_s = gathered.waited_s + gathered.documents * middle
            if self.after(middle).admits(Gathered(gathered.documents, waited_s, gathered.full)):
                in_time = middle
            else:
                too_early = middle
        return in_time


def pace(month: Month) -> Pace:
    """Fill the bucket up to now."""
    left = float(max(0, month.limit - month.kept_for_look_ups - month.used))
    if month.limit < PACED_FROM:
        return Pace(left, left, 0.0)
    left -= min(OTHERS_MOST * left, _for_others(month))
    weight = CLOSE_WEIGHT if month.remaining_s <= CLOSE_S else 1.0
    rate = weight * left / max(_weighed_to_end(month.remaining_s), 1.0)
    bound = min(left, max(1.0, rate * KEPT_S / weight))
    tokens = bound if month.tokens is None else min(bound, month.tokens + rate * month.tokens_age_s)
    return Pace(tokens, bound, rate)


def pull_gap_s(month: Month, connections: int) -> float:
    """How far apart the looks of each of a site's connections are at the least, so that their share lasts."""
    if month.limit < PACED_FROM:
        return 0.0
    left = max(1.0, PULL_SHARE * month.limit - month.pulls)
    return min(month.remaining_s, connections * month.remaining_s / left)


def pulls_are_ahead(month: Month) -> bool:
    """Whether looks have used more than their share has come to so far, and then some."""
    so_far = PULL_SHARE * month.limit * month.elapsed_s / (month.elapsed_s + month.remaining_s)
    return month.limit >= PACED_FROM and month.pulls >= so_far + PULLS_AT_ONCE


def _for_others(month: Month) -> float:
    """Requests that the other purposes will want until the month is over."""
    ahead_s = _weighed_to_end(month.remaining_s)
    whole_s = _weighed_to_end(month.elapsed_s + month.remaining_s)
    seen = OTHERS_MARGIN * month.others / max(whole_s - ahead_s, KNOWN_AFTER_S)
    for_people = PEOPLE_SHARE * month.limit * min(1.0, month.remaining_s / DAY_S)
    return max(OTHERS_FLOOR * month.limit / whole_s, seen) * ahead_s + for_people


def _weighed_to_end(remaining_s: float) -> float:
    return remaining_s + (CLOSE_WEIGHT - 1) * min(remaining_s, CLOSE_S)
