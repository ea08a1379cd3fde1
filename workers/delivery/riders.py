"""Reads that ride in a write request that leaves anyway: they cost no request of their own.

A rider adds functions behind the writes of a pack, so it sees what they have just made (or, `first`, in front of them),
and hears the results in the transaction that settles them. Whatever becomes of it, the writes are settled as if it had
not been there: what it raises is undone alone (a savepoint), and a pack that Intacct could not read goes again without
riders before anything of it is suspected.

`uniqueid=true` holds for the whole request, so the functions of riders get control ids of their own, new each time.
They count in `delivery.max_functions` and `delivery.max_bytes`, and in the deadline of the call.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from clients.intacct.render import size
from db.connections import Connection
from db.database import LEDGER_LOST, Ledger
from db.operations import Sending
from schemas.intacct.functions import Function
from schemas.intacct.orders import check
from schemas.intacct.results import FunctionResult, Response
from schemas.kinds import Purpose

log = structlog.get_logger(__name__)

Results = Mapping[str, FunctionResult]


@dataclass(frozen=True, slots=True)
class Rider:
    """Reads with one handler.

    `heard` is called once the request has ended: with the results by the names of `functions`, those that were not
    answered missing (all of them where the request failed). It is not called where the sender dies.
    """

    name: str
    functions: Mapping[str, Function]
    heard: Callable[[Ledger, Results], None]
    first: bool = False
    """Whether its reads come in front of the writes: they see what stood there before."""
    controlids: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "controlids", {name: f"read-{uuid.uuid4()}" for name in self.functions})

    @property
    def calls(self) -> list[tuple[str, Function]]:
        """Its functions as the request holds them."""
        return [(self.controlids[name], function) for name, function in self.functions.items()]

    @property
    def bytes(self) -> int:
        """What it adds to the request."""
        return sum(size(function) for function in self.functions.values())


@dataclass(frozen=True, slots=True)
class Leaving:
    """A pack that is about to leave, as those who would ride along see it."""

    connection: Connection
    purpose: Purpose
    sending: Sequence[Sending]
    request_id: int


Source = Callable[[Ledger, Leaving], Sequence[Rider]]
"""Who wants to ride along; asked in the transaction of the claim, once the pack is chosen and paid for."""


def gather(
    ledger: Ledger, leaving: Leaving, sources: Sequence[Source], *, max_functions: int, max_bytes: int
) -> list[Rider]:
    """The riders that fit behind a pack; nobody rides in one that Intacct could not read before."""
    if any(operation.bisect_root is not None for operation in leaving.sending):
        return []
    chosen: list[Rider] = []
    for source in sources:
        for rider in _asked(ledger, source, leaving):
            if len(rider.functions) <= max_functions and rider.bytes <= max_bytes:
                chosen.append(rider)
                max_functions -= len(rider.functions)
                max_bytes -= rider.bytes
    return chosen


def hear(ledger: Ledger, riders: Sequence[Rider], response: Response | None) -> None:
    """Tell riders what was answered; one that fails is undone alone."""
    results = response.results if response else {}
    for rider in riders:
        mine = {name: results[controlid] for name, controlid in rider.controlids.items() if controlid in results}
        try:
            with ledger.transaction():
                rider.heard(ledger, mine)
        except LEDGER_LOST:
            raise
        except Exception:
            log.exception("rider.failed", rider=rider.name)


def _asked(ledger: Ledger, source: Source, leaving: Leaving) -> Sequence[Rider]:
    try:
        with ledger.transaction():
            made = source(ledger, leaving)
            for rider in made:
                for function in rider.functions.values():
                    check(function)
            return made
    except LEDGER_LOST:
        raise
    except Exception:
        log.exception("rider.not_made", source=source.__qualname__)
        return ()
