"""Records that somebody edited in Intacct, and that an edit of Scoro's is about to replace.

An update cannot be made to depend on what it finds, and looking first would double the requests of edits. So the record
is read in the same request, in front of its update, and compared with the header that was read back after our last
write; where it was modified since, its lines too. What was replaced is kept with the link, word for word, and the
document is held until a person has chosen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID

from db import failures, intake, read_backs
from db.database import Ledger
from db.failures import DeadLetter
from db.operations import Sending
from schemas.errors import ErrorClass, Problem
from schemas.intacct.functions import Function, in_, query
from schemas.intacct.results import FunctionResult
from workers.delivery.look_ups.contents import (
    DOCUMENTS,
    TAX_ROW_FIELD,
    DocumentKind,
    Line,
    content_of,
    header_fields,
    line_fields,
    line_number,
    same_line_field,
)
from workers.delivery.look_ups.evidence import Row
from workers.delivery.problems import title
from workers.delivery.riders import Leaving, Results, Rider
from workers.translation.posted import TOTAL_FIELD

HEADER, LINES = "header", "lines"
SHOWN = 5
"""Differences that are named."""
EDITED = "edited_in_intacct"


def source(_: Ledger, leaving: Leaving) -> Sequence[Rider]:
    """Read in front of the updates what they are about to replace, a rider for each object."""
    riders = []
    for name, kind in DOCUMENTS.items():
        mine = [o for o in leaving.sending if o.object == name and o.verb == "update" and (o.link or {}).get("seen")]
        if mine:
            keys = [str((o.link or {})["record_no"]) for o in mine]
            functions: dict[str, Function] = {
                HEADER: query(name, header_fields(kind), in_("RECORDNO", keys)),
                LINES: query(kind.line_object, line_fields(), in_("RECORDKEY", keys)),
            }
            heard = _listener(leaving.connection.id, mine)
            riders.append(Rider(f"hand edits {name}", functions, heard, first=True))
    return riders


def _listener(connection_id: int, updates: Sequence[Sending]) -> Callable[[Ledger, Results], None]:
    def heard(ledger: Ledger, results: Results) -> None:
        keep(ledger, connection_id, updates, results)

    return heard


def keep(ledger: Ledger, connection_id: int, updates: Sequence[Sending], results: Mapping[str, FunctionResult]) -> None:
    """Hold the documents whose update has replaced what somebody had edited; those that did not run are left."""
    found = {o.id: told for o in updates if (told := list(edits(o, results)))}
    if not found:
        return
    posted = read_backs.standing(ledger, list(found))
    by_id: Mapping[UUID, Sending] = {o.id: o for o in updates}
    problems = {operation_id: _problem(by_id[operation_id], found[operation_id]) for operation_id in posted}
    documents = {by_id[operation_id].document_id: problem for operation_id, problem in problems.items()}
    read_backs.note_differences(ledger, documents)
    failures.bury(
        ledger,
        [
            DeadLetter(connection_id, by_id[operation_id].document_id, problem, operation_id=operation_id)
            for operation_id, problem in problems.items()
        ],
    )
    intake.set_document_states(ledger, {document: ("held", problem.cause) for document, problem in documents.items()})


def edits(update: Sending, results: Mapping[str, FunctionResult]) -> Iterator[str]:
    """What somebody had changed since our last write, a clause each, with what stood there."""
    header, lines = results.get(HEADER), results.get(LINES)
    link = update.link or {}
    if header is None or not header.succeeded:
        return
    row = next((row for row in header.rows if row.get("RECORDNO") == str(link["record_no"])), None)
    seen: Row = link.get("seen") or {}
    if row is None or not seen:
        return
    kind = DOCUMENTS[update.object]
    for field in (TOTAL_FIELD, *kind.header_fields.values()):
        if field in row and field in seen and row[field] != seen[field]:
            yield f"{field} was {row[field] or 'empty'}"
    if row.get("WHENMODIFIED") == seen.get("WHENMODIFIED"):
        return
    if lines is not None and lines.succeeded and not lines.numremaining and update.previous is not None:
        own = [line for line in lines.rows if line.get("RECORDKEY") == row["RECORDNO"] and not line.get(TAX_ROW_FIELD)]
        yield from _line_edits(kind, own, content_of(Function.model_validate(update.previous)).lines or ())


def _line_edits(kind: DocumentKind, rows: Sequence[Row], written: Sequence[Line]) -> Iterator[str]:
    if len(rows) != len(written):
        yield f"it had {len(rows)} lines, {len(written)} were written"
        return
    for row, line in zip(sorted(rows, key=line_number), written, strict=True):
        for field, wanted in line.fields.items():
            if field in row and not same_line_field(field, wanted, row[field], is_credit=kind.is_credit):
                yield f"{field} of line {line_number(row)} was {row[field] or 'empty'}"


def _problem(update: Sending, found: Sequence[str]) -> Problem:
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    keep_it = f"scoro-intacct documents keep {update.kind} {update.scoro_id}"
    return Problem(
        ErrorClass.REFUSED,
        EDITED,
        f"{title(update)} had been edited in Intacct, and the edit in Scoro has replaced that:"
        f" {'; '.join(found[:SHOWN])}{more}.",
        f"Keep Scoro's (`{keep_it} ours`); or enter in Intacct again what should stay there, then `{keep_it} theirs`.",
    )
