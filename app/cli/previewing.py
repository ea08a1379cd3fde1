"""`preview`: a document as it would be sent now, without sending or keeping anything."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from app.cli.common import (
    AsJson,
    ConnectionOption,
    IdArgument,
    KindArgument,
    Opened,
    busy,
    load_connection,
    opened,
    synced,
)
from app.cli.errors import Refusal
from app.cli.output import plain, print_json
from schemas.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Collection

    from clients.scoro.client import ScoroClient
    from db.changes import Taken
    from db.connections import Connection
    from db.database import Ledger as Session
    from db.intake import KnownRecord, Standing
    from schemas.kinds import RecordRef
    from schemas.scoro import Synced
    from workers.decide import Facts
    from workers.files import FilesPlan
    from workers.runtime import Runtime

CONTROLID = "preview"


@dataclass(frozen=True, slots=True)
class Preview:
    """The functions that would be sent, in their order, as XML, and what was decided silently."""

    verb: str
    functions: tuple[str, ...]
    notes: tuple[str, ...]


def preview(kind: KindArgument, id: IdArgument, connection: ConnectionOption = None, as_json: AsJson = False) -> None:
    """Translate a document now and print the exact XML; nothing is sent, no request is used."""
    from app.wiring import using

    wanted = synced(kind)
    with opened() as use, using(use.settings, use.ledger) as runtime:
        chosen = load_connection(use, connection)
        with busy(f"reading {wanted} {id}"):
            made = translate(use, runtime, chosen, wanted, id)
    if as_json:
        print_json(
            {"kind": wanted, "scoro_id": id, "verb": made.verb, "functions": made.functions, "notes": made.notes}
        )
        return
    for function in made.functions:
        typer.echo(function)
    for note in made.notes:
        typer.echo(f"note: {plain(note)}", err=True)


def translate(use: Opened, runtime: "Runtime", connection: "Connection", kind: Kind, scoro_id: int) -> Preview:
    """Read and translate one document as intake would; raises Refusal with the cause and the fix."""
    from clients.intacct.render import render
    from db.changes import Taken
    from workers.decide import Decision, decide, read

    scoro = runtime.scoro(connection, urgent=True)
    standing = use.ledger.db.run(lambda session: _standing(session, connection, kind, scoro_id))
    change = Taken(0, standing.document_id, kind.module, kind, scoro_id, True, "preview", 1, 0)
    reading = read(change, scoro.read_many(kind.module, [scoro_id]).get(scoro_id), connection)
    if not isinstance(reading, Decision):
        facts = _facts(use, connection, scoro, change, reading)
        facts = replace(facts, standing={standing.document_id: standing})
        facts = replace(facts, files=_files(runtime, connection, facts, change, reading))
        reading = decide(change, reading, facts)
    if reading.problem is not None:
        raise Refusal(f"{reading.problem.cause} {reading.problem.fix}")
    if reading.translation is None:
        raise Refusal(f"{kind.capitalize()} {scoro_id} would not be sent: {reading.reason}")
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
    )


def _files(
    runtime: "Runtime", connection: "Connection", facts: "Facts", change: "Taken", document: "Synced"
) -> "dict[int, FilesPlan]":
    """What would become of the document's files; none of them is read."""
    from schemas.scoro import Document
    from workers.decide import may_have_files
    from workers.files import Read, plan_files

    if not isinstance(document, Document) or not may_have_files(change, document, facts):
        return {}
    link = facts.standing[change.document_id].link
    read = Read(change, document, bool(link), bool(link and link["function"] is None))
    return plan_files(runtime.db, runtime.scoro_files(connection), connection, [read], reads_contents=False)


def _standing(session: "Session", connection: "Connection", kind: Kind, scoro_id: int) -> "Standing":
    """What the ledger knows of the document, without what would make intake leave it alone.

    Nothing waits, and what was posted counts as different.
    """
    from db import intake, reports

    found = reports.find_documents(session, kind, scoro_id, connection.id)
    if not found:
        return intake.Standing(
            document_id=0, state="waiting", link=None, intent_fingerprint=None, refused_fingerprint=None
        )
    known = intake.standing(session, [found[0]["id"]])[found[0]["id"]]
    link = {**known.link, "source_fingerprint": ""} if known.link else None
    return replace(known, link=link, intent_fingerprint=None, refused_fingerprint=None)


def _facts(
    use: Opened,
    connection: "Connection",
    scoro: "ScoroClient",
    change: "Taken",
    document: "Synced",
) -> "Facts":
    """What the decision needs beside the document, read without keeping any of it."""
    from db import intake
    from schemas.document_types import DOCUMENT_TYPES
    from schemas.scoro import Document, read_product
    from workers.bookmarks import bookmarked
    from workers.decide import Facts
    from workers.needed import read_sources
    from workers.reference import References

    db = use.ledger.db
    reference = References(db).of(connection)
    if isinstance(document, Document) and document.discounts:
        products = {line.product_id for line in document.lines if line.product_id and line.product_id > 0}
        read = scoro.read_many("products", sorted(products))
        exempt = {number for number, record in read.items() if read_product(record).no_discounts}
        reference = replace(reference, no_discount_products=frozenset(exempt))

    def known_of(refs: "Collection[RecordRef]") -> "dict[RecordRef, KnownRecord]":
        return db.run(lambda session: intake.known_records(session, connection.id, refs))

    needs = DOCUMENT_TYPES[change.module].refers_to(document, connection.settings)
    known = known_of(needs)
    sources, known_too = read_sources(scoro, [ref for ref in needs if ref not in known], known_of)
    marked = bookmarked(scoro, connection, change.module, [change.scoro_id])
    return Facts(connection, reference, {}, known | known_too, sources, bookmarked=marked)
