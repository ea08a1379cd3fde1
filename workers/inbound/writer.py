"""What a kind of document must know to be written to Scoro, and to be found there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from clients.scoro.client import Record, ScoroClient
from db.connections import Connection
from db.database import Database
from db.scoro_writes import End, Write
from schemas.errors import Problem


@dataclass(frozen=True, slots=True)
class Work:
    """A batch of writes of one kind, with what is needed to prepare and to look up."""

    db: Database
    connection: Connection
    scoro: ScoroClient
    writes: Sequence[Write]


@dataclass(frozen=True, slots=True)
class Call:
    """The call that a write makes: `scoro_id` None creates; an empty `body` with an id deletes."""

    module: str
    body: Mapping[str, Any]
    scoro_id: int | None = None
    deletes: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What the answer to a write says: the record's id (None: it does not say), and what is wrong with it."""

    scoro_id: int | None
    problem: Problem | None = None
    line_ids: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up says: it happened (with the record's id), it did not, or None: a person must look."""

    happened: bool | None
    scoro_id: int | None = None
    reason: str = ""


class KindWriter(Protocol):
    """One kind of document."""

    def prepare(self, work: Work) -> Mapping[int, Call | End]:
        """The call of each write by its id, or how it ends without one; may read Scoro (raises ScoroError)."""

    def answered(self, write: Write, call: Call, record: Record) -> Answered:
        """Read the answer to a create or update."""

    def look_up(self, work: Work) -> Mapping[int, Found]:
        """What became of writes in doubt; those that are missing are asked about again. Raises ScoroError."""
