"""Reading all rows of a query, in as few requests as pages allow, while records come and change. Pure.

`query` gives pages of at most 2,000 rows by offset, and each offset is a new query: a record that enters the result
between two pages pushes others over the border, one that leaves it pulls them back. So the pages behind the first one
are asked for together, each overlapping the one before, in the order of RECORDNO; what was read is complete when the
pages touch one another and the last of them has nothing behind it. Where they do not touch, reading goes on from the
last number that is certain (`RECORDNO >`), which no shift can harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.intacct.functions import MAX_PAGE_SIZE, Condition, Function, above, and_, query
from schemas.intacct.results import FunctionResult

OVERLAP = 50
"""Rows that a page repeats of the one before it: as many records may leave in between."""

Row = Mapping[str, str]
NOWHERE = -1
"""Below every RECORDNO."""


class UnorderedError(Exception):
    """Rows did not come in the order of RECORDNO: nothing can be said of what is missing."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows with numbers above `low` (those from `low` on, where it begins with a row), up to `high`, without a gap."""

    low: int
    high: int
    is_last: bool


@dataclass(slots=True)
class Paged:
    """A query that is read to its end.

    `asks` gives the functions of the next request, by names to `hear` their results with; none: it is complete.
    """

    object: str
    fields: tuple[str, ...]
    condition: Condition | None = None
    page_size: int = MAX_PAGE_SIZE
    rows: dict[int, Row] = field(default_factory=dict)
    failure: FunctionResult | None = None
    _pages: list[Page] = field(default_factory=list)
    _offsets: dict[int, None] = field(default_factory=lambda: {0: None})
    """Pages still to be asked for."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return self.failure is not None or self._reached()[1]

    def asks(self) -> dict[str, Function]:
        """What to ask next."""
        if self.is_complete:
            return {}
        if self._offsets:
            return {f"at {offset}": self._page_at(offset) for offset in self._offsets}
        high, _ = self._reached()
        return {f"above {high}": self._page_above(high)}

    def hear(self, name: str, result: FunctionResult | None) -> None:
        """Take the result of one ask; a missing one is asked again, a refused one ends the reading."""
        if result is None:
            return
        if not result.succeeded:
            self.failure = result
            return
        numbers = [int(row["RECORDNO"]) for row in result.rows]
        if numbers != sorted(numbers):
            raise UnorderedError(self.object)
        is_last = len(numbers) < self.page_size if result.numremaining is None else not result.numremaining
        how, _, value = name.partition(" ")
        if how == "above":
            self._pages.append(Page(int(value), numbers[-1] if numbers else int(value), is_last))
        elif value == "0":
            self._pages.append(Page(NOWHERE, numbers[-1] if numbers else NOWHERE, is_last))
            self._offsets = {} if is_last else self._further(result.totalcount or 0)
        else:
            self._offsets.pop(int(value), None)
            if numbers:
                self._pages.append(Page(numbers[0], numbers[-1], is_last))
        # of a record that was seen twice the later sight counts
        self.rows.update(zip(numbers, result.rows, strict=True))

    def _reached(self) -> tuple[int, bool]:
        """Up to which number all is known, and whether that is the end."""
        high, ended = NOWHERE, False
        for page in sorted(self._pages, key=lambda page: (page.low, page.high)):
            if page.low > high:
                break
            high, ended = max(high, page.high), ended or page.is_last
        return high, ended

    def _further(self, total: int) -> dict[int, None]:
        step = self.page_size - min(OVERLAP, self.page_size // 2)
        return dict.fromkeys(range(step, total, step))

    def _page_at(self, offset: int) -> Function:
        return query(self.object, self.fields, self.condition, page_size=self.page_size, offset=offset)

    def _page_above(self, number: int) -> Function:
        beyond = above("RECORDNO", str(number))
        condition = and_(self.condition, beyond) if self.condition else beyond
        return query(self.object, self.fields, condition, page_size=self.page_size)


def next_request(queries: Mapping[str, Paged], most: int) -> dict[tuple[str, str], Function]:
    """The functions of the next request by (query, ask), at most so many; what is left is asked again later."""
    wanted = {(key, name): function for key, paged in queries.items() for name, function in paged.asks().items()}
    return dict(list(wanted.items())[:most])
