"""A document as it would be sent now, without sending or keeping anything: Scoro is read, Intacct is not asked.

NotPossibleError     it would not be sent; the message is the cause with the fix
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from clients.intacct.render import render
from clients.scoro.client import ScoroClient
from console.actions.quick import NotPossibleError
from db import intake, reports
from db.changes import Taken
from db.connections import Connection
from db.database import Ledger as Session
from db.intake import KnownRecord, Standing
from schemas.document_types import DOCUMENT_TYPES, document_type
from schemas.intacct.functions import Function
from schemas.kinds import Kind, RecordRef
from schemas.scoro import Document, Synced, read_product
from workers.bookmarks import bookmarked
from workers.decide import decide, may_have_files, read
from workers.decisions import Decision, Facts
from workers.files import FilesPlan, Read, plan_files
from workers.needed import read_sources
from workers.reference import References
from workers.runtime import Runtime
from workers.translation.said import differences

CONTROLID = "preview"
COMPARED = frozenset({Kind.INVOICE, Kind.CREDIT_INVOICE, Kind.BILL, Kind.CREDIT_BILL, Kind.EXPENSE})
"""Kinds whose functions are compared; others hold nothing that people edit line by line."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The functions that would be sent, in their order, as XML, and what was decided silently."""

    verb: str
    functions: tuple[str, ...]
    notes: tuple[str, ...]
    differences: tuple[str, ...] | None
    """Where the document would differ from what Intacct was told of it last; None where it was told nothing."""


def preview(runtime: Runtime, connection: Connection, kind: Kind, scoro_id: int) -> Preview:
    """Read and translate one document as intake would; raises NotPossibleError with the cause and the fix."""
    if document_type(kind) is None:
        raise NotPossibleError(f"{kind.noun.capitalize()}s are not sent from Scoro to Intacct.")
    scoro = runtime.scoro(connection, urgent=True)
    standing = runtime.db.run(lambda session: _standing(session, connection, kind, scoro_id))
    change = Taken(0, standing.document_id, kind.module, kind, scoro_id, True, "preview", 1, 0)
    reading = read(change, scoro.read_many(kind.module, [scoro_id]).get(scoro_id), connection)
    if not isinstance(reading, Decision):
        facts = _facts(runtime, connection, scoro, change, reading)
        facts = replace(facts, standing={standing.document_id: standing})
        facts = replace(facts, files=_files(runtime, connection, facts, change, reading))
        reading = decide(change, reading, facts)
    if reading.problem is not None:
        raise NotPossibleError(f"{reading.problem.cause} {reading.problem.fix}")
    if reading.translation is None:
        raise NotPossibleError(f"{kind.capitalize()} {scoro_id} would not be sent: {reading.reason}")
    functions = [plan.function for plan in reading.plans if plan.function]
    notes = list(reading.notes)
    if reading.files and reading.files.function:
        functions.append(reading.files.function)
    if reading.files:
        notes += [problem.cause for _, problem in reading.files.failed]
        notes += [f"Its file {file.file_name} is left out: {reason}." for file, reason in reading.files.left_out]
    return Preview(
        reading.verb,
        tuple(render(CONTROLID, function).decode() for function in [*functions, reading.translation.function]),
        (*(note for plan in reading.plans for note in plan.notes), *dict.fromkeys(notes)),
        _differences(standing, reading.translation.function) if kind in COMPARED else None,
    )


def _differences(standing: Standing, function: Function) -> tuple[str, ...] | None:
    told = standing.link["function"] if standing.link else None
    return tuple(map(str, differences(Function.model_validate(told), function))) if told else None


def _files(
    runtime: Runtime, connection: Connection, facts: Facts, change: Taken, document: Synced
) -> dict[int, FilesPlan]:
    """What would become of the document's files; none of them is read."""
    if not isinstance(document, Document) or not may_have_files(change, document, facts):
        return {}
    link = facts.standing[change.document_id].link
    reading = Read(change, document, bool(link), bool(link and link["function"] is None))
    return plan_files(runtime.db, runtime.scoro_files(connection), connection, [reading], reads_contents=False)


def _standing(session: Session, connection: Connection, kind: Kind, scoro_id: int) -> Standing:
    """What the ledger knows of the document, without what would make intake leave it alone.

    Nothing waits, and what was posted counts as different.
    """
    found = reports.find_documents(session, kind, scoro_id, connection.id)
    if not found:
        return intake.Standing(
            document_id=0, state="waiting", link=None, intent_fingerprint=None, refused_fingerprint=None
        )
    known = intake.standing(session, [found[0]["id"]])[found[0]["id"]]
    link = {**known.link, "source_fingerprint": ""} if known.link else None
    return replace(known, link=link, intent_fingerprint=None, refused_fingerprint=None)


def _facts(
    runtime: Runtime,
    connection: Connection,
    scoro: ScoroClient,
    change: Taken,
    document: Synced,
) -> Facts:
    """What the decision needs beside the document, read without keeping any of it."""
    db = runtime.db
    reference = References(db).of(connection)
    if isinstance(document, Document) and document.discounts:
        products = {line.product_id for line in document.lines if line.product_id and line.product_id > 0}
        found = scoro.read_many("products", sorted(products))
        exempt = {number for number, record in found.items() if read_product(record).no_discounts}
        reference = replace(reference, no_discount_products=frozenset(exempt))

    def known_of(refs: Collection[RecordRef]) -> dict[RecordRef, KnownRecord]:
        return db.run(lambda session: intake.known_records(session, connection.id, refs))

    needs = DOCUMENT_TYPES[change.module].refers_to(document, connection.settings)
    known = known_of(needs)
    sources, known_too = read_sources(scoro, [ref for ref in needs if ref not in known], known_of)
    marked = bookmarked(scoro, connection, change.module, [change.scoro_id])
    return Facts(connection, reference, {}, known | known_too, sources, bookmarked=marked)
