"""Lines of records that stood in Intacct before us: read so that edits can follow.

They ride in requests that leave anyway; an edit that waits for them has them looked up at once, all in one request.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from db import outbox, read_backs
from db.database import Ledger
from db.read_backs import Adopted
from schemas.intacct.functions import Function, in_, query
from schemas.intacct.results import FunctionResult
from schemas.kinds import Purpose
from workers.delivery.look_ups.contents import DOCUMENTS, header_fields, line_fields
from workers.delivery.reading import Answers, Read
from workers.delivery.riders import Leaving, Rider

if TYPE_CHECKING:
    from workers.delivery.run import Run

AT_ONCE = 50
"""Records whose lines are read by one request."""
HEADER, LINES = "header", "lines"


def source(ledger: Ledger, leaving: Leaving) -> Sequence[Rider]:
    """Read the lines that are not known along with bulk; an object that does not fit waits for the next pack."""
    if leaving.purpose is not Purpose.BULK:
        return []
    adopted = read_backs.without_lines(ledger, leaving.connection.id, tuple(DOCUMENTS), AT_ONCE)
    riders = []
    for name in dict.fromkeys(item.object for item in adopted):
        mine = [item for item in adopted if item.object == name]

        def heard(inner: Ledger, results: Mapping[str, FunctionResult], mine: Sequence[Adopted] = mine) -> None:
            keep(inner, leaving.connection.id, mine, results)

        riders.append(Rider(f"lines {name}", _functions(name, mine), heard))
    return riders


def plan(run: "Run") -> Read | None:
    """Ask at once for the lines that edits wait for."""
    adopted = [
        item
        for item in read_backs.without_lines(run.session, run.connection.id, tuple(DOCUMENTS), AT_ONCE)
        if item.wanted
    ]
    if not adopted:
        return None
    by_object = {name: [a for a in adopted if a.object == name] for name in dict.fromkeys(a.object for a in adopted)}
    questions = {
        f"{name} {part}": function
        for name, mine in by_object.items()
        for part, function in _functions(name, mine).items()
    }

    def paid(ledger: Ledger, _: int) -> None:
        read_backs.no_longer_wanted(ledger, adopted)

    def heard(ledger: Ledger, answers: Answers, _: int | None) -> bool:
        for name, mine in by_object.items():
            own = {part: answers[f"{name} {part}"] for part in (HEADER, LINES) if f"{name} {part}" in answers}
            keep(ledger, run.connection.id, mine, own)
        return bool(answers)

    return Read(questions, heard, paid)


def keep(ledger: Ledger, connection_id: int, adopted: Sequence[Adopted], results: Mapping[str, FunctionResult]) -> None:
    """Keep what was read of records of one object; what was cut off or not answered is read again.

    Of one that alone outgrows a page no lines are kept: its edits are refused with the reason.
    """
    header, lines = results.get(HEADER), results.get(LINES)
    if header is None or lines is None or not (header.succeeded and lines.succeeded):
        return
    headers = {row["RECORDNO"]: row for row in header.rows if row.get("RECORDNO")}
    found: dict[str, list[Mapping[str, str]]] = {item.record_no: [] for item in adopted}
    for row in lines.rows:
        found.setdefault(row.get("RECORDKEY", ""), []).append(row)
    if lines.numremaining and lines.rows:
        last = lines.rows[-1].get("RECORDKEY", "")
        found = {key: rows for key, rows in found.items() if rows and key != last} or {last: []}
    waiting = read_backs.keep_lines(ledger, adopted, headers, found)
    read_backs.read_again(ledger, waiting)
    if waiting:
        outbox.ring(ledger, "changes", connection_id)


def _functions(object_name: str, adopted: Sequence[Adopted]) -> dict[str, Function]:
    kind, keys = DOCUMENTS[object_name], [item.record_no for item in adopted]
    return {
        HEADER: query(object_name, header_fields(kind), in_("RECORDNO", keys)),
        LINES: query(kind.line_object, line_fields(), in_("RECORDKEY", keys), order_by=("RECORDKEY", "RECORDNO")),
    }
