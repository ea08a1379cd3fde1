"""Reading back what was written: the totals that Intacct holds, compared with those of Scoro.

The headers of what a pack writes are read behind its writes, in the same request; what found no room there, or was
found by a look-up, rides in the next request of the connection that leaves anyway. So a comparison costs no request.
A record that Intacct holds otherwise than it was written is a failure with both sums.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from db import failures, intake, read_backs
from db.database import Ledger
from db.operations import Sending
from db.read_backs import Owed
from schemas.errors import ErrorClass, Problem
from schemas.intacct.functions import Function, in_, query
from schemas.money import cents
from workers.delivery.look_ups.contents import DOCUMENTS, equal_money, header_fields, money_of
from workers.delivery.look_ups.evidence import Row
from workers.delivery.riders import Leaving, Results, Rider
from workers.translation.posted import TOTAL_FIELD

OWED = 200
"""Records of earlier requests that are read back in one."""
WRITTEN = frozenset({"create", "update", "replace", "reclassify"})
"""Verbs after which a record is read back."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """The records of one object that a request reads back."""

    numbers: tuple[str, ...]
    """Of those whose RECORDNO the same request makes."""
    record_nos: tuple[str, ...]


def source(ledger: Ledger, leaving: Leaving) -> Sequence[Rider]:
    """The headers of what leaves now and of what is owed, a rider for each object."""
    owed = read_backs.owed(ledger, leaving.connection.id, tuple(DOCUMENTS), OWED)
    riders = []
    for name in DOCUMENTS:
        keys = _keys(name, leaving.sending, owed)
        functions = dict(_functions(name, keys))
        if functions:
            after = [o.id for o in leaving.sending] + [item.operation_id for item in owed]
            riders.append(Rider(f"read-back {name}", functions, _listener(leaving.connection.id, name, after)))
    return riders


def _keys(object_name: str, sending: Sequence[Sending], owed: Sequence[Owed]) -> _Keys:
    written = [o for o in sending if o.object == object_name and o.verb in WRITTEN]
    numbers = [o.natural_key for o in written if o.verb in {"create", "replace"}]
    record_nos = [str(o.link["record_no"]) for o in written if o.link and o.verb not in {"create", "replace"}]
    record_nos += [item.record_no for item in owed if item.object == object_name]
    return _Keys(tuple(dict.fromkeys(numbers)), tuple(dict.fromkeys(record_nos)))


def _functions(object_name: str, keys: _Keys) -> Iterator[tuple[str, Function]]:
    fields = header_fields(DOCUMENTS[object_name])
    for field, values in (("RECORDID", keys.numbers), ("RECORDNO", keys.record_nos)):
        if values:
            yield field, query(object_name, fields, in_(field, values))


def _listener(connection_id: int, object_name: str, after: Sequence[UUID]) -> Callable[[Ledger, Results], None]:
    def heard(ledger: Ledger, results: Results) -> None:
        rows = {row["RECORDNO"]: row for r in results.values() if r.succeeded for row in r.rows if row.get("RECORDNO")}
        keep(ledger, connection_id, object_name, rows, after)

    return heard


def keep(ledger: Ledger, connection_id: int, object_name: str, rows: Mapping[str, Row], after: Sequence[UUID]) -> None:
    """Keep headers as they were read (by RECORDNO) after these writes; each total that is not ours is a failure."""
    for_failures = []
    for read in read_backs.keep(ledger, object_name, rows, after):
        problem = difference(read, rows[read.record_no])
        if problem is not None:
            for_failures.append((read, problem))
    if not for_failures:
        return
    read_backs.note_differences(ledger, {read.document_id: problem for read, problem in for_failures})
    failures.bury(
        ledger,
        [
            failures.DeadLetter(connection_id, read.document_id, problem, operation_id=read.operation_id)
            for read, problem in for_failures
        ],
    )
    intake.set_document_states(ledger, {read.document_id: ("failed", p.cause) for read, p in for_failures})


def difference(read: Owed, row: Row) -> Problem | None:
    """What is wrong with the total that Intacct holds; None where it is ours."""
    kind = DOCUMENTS[read.object]
    held = money_of(row.get(TOTAL_FIELD))
    if read.total is None or held is None or equal_money(row[TOTAL_FIELD], read.total, unsigned=kind.is_credit):
        return None
    title = f"{read.kind.replace('_', ' ').capitalize()} {read.natural_key}"
    return Problem(
        ErrorClass.REFUSED,
        "totals_differ",
        f"{title}: Intacct holds a total of {cents(held)}, Scoro's is {cents(read.total)}.",
        "Compare lines and taxes of both; then edit or send it again, or keep what Intacct holds:"
        f" `scoro-intacct documents keep {read.kind} {read.scoro_id} theirs`.",
        "sum",
    )
