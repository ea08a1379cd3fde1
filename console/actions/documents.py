"""What people decide about a single document: which record it is, that it is none, that it is left alone.

NotDoneError         it was not done; the message is one sentence with the fix
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.errors import UniqueViolation

from clients.intacct.errors import GatewayError
from db import changes, intake, links, older
from db.connections import Connection
from db.database import Ledger as Session
from db.links import Record, Standing
from schemas.document_types import document_type
from schemas.errors import DocumentError
from schemas.kinds import Kind, Purpose, RecordRef
from schemas.money import ZERO, Money
from schemas.reference import PARTY_KINDS
from schemas.scoro import Document
from workers.carrier import QuotaUsedUpError, asking
from workers.decide import document_facts
from workers.delivery.look_ups.contents import DOCUMENTS
from workers.measure import fingerprint
from workers.records import Expected, RecordMissingError, UnreadableRecordError, differences, read_record
from workers.runtime import Runtime, login_of

OBJECTS: dict[Kind, str] = {
    Kind.INVOICE: "ARINVOICE",
    Kind.CREDIT_INVOICE: "ARADJUSTMENT",
    Kind.BILL: "APBILL",
    Kind.CREDIT_BILL: "APADJUSTMENT",
    Kind.EXPENSE: "APBILL",
}
"""The object of Intacct that a kind of document is a record of."""


class NotDoneError(Exception):
    """What a person asked for was not done; the message is one sentence with the fix."""


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document as Scoro holds it now."""

    kind: Kind
    expected: Expected
    fingerprint: str
    source: Mapping[str, Any]
    facts: intake.DocumentFacts
    is_deleted: bool
    party: RecordRef | None
    """Its customer or vendor."""


def link(
    runtime: Runtime,
    connection: Connection,
    kind: Kind,
    scoro_id: int,
    record_no: str,
    *,
    actor: str,
    anyway: str | None = None,
) -> list[str]:
    """Say which record of Intacct a document is: nothing is sent, edits in Scoro follow from now on.

    Amount, currency and party are compared with the record, which is read by one charged request; where they differ it
    takes a reason (`anyway`). A record belongs to one document. Raises NotDoneError.
    """
    check_connected(connection)
    document_id = _document_id(runtime, connection, kind, scoro_id)
    read = read_scoro(runtime, connection, kind, scoro_id, document_id)
    standing = runtime.db.run(lambda session: links.standing_of(session, document_id))
    _check_free(standing, record_no, OBJECTS[read.kind])
    try:
        record = read_intacct(runtime, connection, OBJECTS[read.kind], record_no)
    except RecordMissingError as error:
        raise NotDoneError(str(error)) from None
    found = differences(record, read.expected, connection.base_currency)
    named = f"{title_of(kind, scoro_id)} and {record.object} {record.natural_key or record_no}"
    if found and not (anyway or "").strip():
        raise NotDoneError(
            f"{named} are not the same: {'; '.join(found)}. Correct one of them, or link them with --anyway REASON."
        )
    note = f"Linked to {record.object} {record_no} by {actor}" + (
        f" although {'; '.join(found)}: {(anyway or '').strip()}." if found else "; amount, currency and party agree."
    )

    def keep(session: Session) -> None:
        now = links.standing_of(session, document_id)
        _check_free(now, record_no, record.object)
        taken = links.owner(session, connection.id, record.object, record_no)
        if taken is not None and now.link is None:
            raise NotDoneError(
                f"{record.object} {record_no} is linked to {taken} already: take that away with"
                f" `scoro-intacct documents unlink {taken}` first."
            )
        intake.update_facts(session, [read.facts])
        links.link(session, connection.id, document_id, record, read.fingerprint)
        intake.add_revisions(session, [(document_id, read.fingerprint, read.source)])
        intake.add_notes(session, [(document_id, None, note)])
        if read.party is not None and not read.expected.party_id and not found:
            _link_party(session, connection, read.party, record)

    try:
        runtime.db.run(keep, actor=actor)
    except UniqueViolation:
        raise NotDoneError(f"{record.object} {record_no} was just linked to another document.") from None
    return [note]


def unlink(runtime: Runtime, connection: Connection, kind: Kind, scoro_id: int, *, actor: str) -> list[str]:
    """Part a document from its record, or notice it again where it was ignored without one; raises NotDoneError.

    An unlinked document is left alone until a person sends or links it: its record still stands in Intacct.
    """
    check_connected(connection)
    document_id = known_document(runtime, connection, kind, scoro_id)
    title = title_of(kind, scoro_id)

    def work(session: Session) -> str:
        standing = links.standing_of(session, document_id)
        check_settled(standing, "unlinked")
        if standing.link is None:
            if standing.left_alone != "ignored":
                raise NotDoneError(f"{title} is not linked to a record: there is nothing to take away.")
            links.notice_again(session, standing)
            capture(session, connection, kind, scoro_id, actor)
            return f"{title} is no longer ignored: it is read again."
        held = f"{standing.link['object']} {standing.link['record_no']}"
        reason = (
            f"unlinked from {held} by {actor}: nothing is sent until somebody sends it, which creates it again, or"
            " links it"
        )
        links.unlink(session, standing, reason)
        intake.add_notes(session, [(document_id, None, f"Unlinked from {held} by {actor}.")])
        return f"{title} is {reason}; {held} still stands in Intacct."

    return [runtime.db.run(work, actor=actor)]


def ignore(runtime: Runtime, connection: Connection, kind: Kind, scoro_id: int, *, actor: str) -> list[str]:
    """Leave a document alone, whatever happens to it in Scoro, until a person sends or unlinks it.

    Raises NotDoneError.
    """
    check_connected(connection)
    document_id = _document_id(runtime, connection, kind, scoro_id)
    title = title_of(kind, scoro_id)

    def work(session: Session) -> str:
        standing = links.standing_of(session, document_id)
        check_settled(standing, "ignored")
        if standing.left_alone == "ignored":
            raise NotDoneError(f"{title} is ignored already: `scoro-intacct send {kind} {scoro_id}` notices it again.")
        links.ignore(session, standing, f"ignored by {actor}")
        stands = f"; its record {standing.link['record_no']} stays as it is" if standing.link else ""
        return f"{title} is ignored{stands}."

    return [runtime.db.run(work, actor=actor)]


# ------------------------------------------------------------------------------------------------- inner parts


def title_of(kind: Kind, scoro_id: int) -> str:
    """How sentences name a document by its id in Scoro."""
    return f"{kind.replace('_', ' ').capitalize()} {scoro_id}"


def check_connected(connection: Connection) -> None:
    """Raise NotDoneError for a connection that was parted."""
    if connection.state == "disconnected":
        raise NotDoneError(f"{connection.name} is disconnected: connect it again first.")


def check_settled(standing: Standing, done: str) -> None:
    """Raise NotDoneError while a write of the document is under way or in doubt."""
    if standing.in_doubt:
        raise NotDoneError(
            f"It cannot be {done} now, as its last write is not answered yet: wait with `scoro-intacct wait`, then try"
            " again."
        )


def _check_free(standing: Standing, record_no: str, object_name: str) -> None:
    check_settled(standing, "linked")
    if standing.inbound:
        raise NotDoneError("It came from Intacct, and is never sent back: there is nothing to link.")
    if standing.link and (standing.link["object"], standing.link["record_no"]) != (object_name, record_no):
        raise NotDoneError(
            f"It is linked to {standing.link['object']} {standing.link['record_no']} already: unlink it first."
        )


def _document_id(runtime: Runtime, connection: Connection, kind: Kind, scoro_id: int) -> int:
    return runtime.db.run(lambda session: changes.ensure_documents(session, connection.id, kind, [scoro_id]))[scoro_id]


def known_document(runtime: Runtime, connection: Connection, kind: Kind, scoro_id: int) -> int:
    """The ledger's document of that id; raises NotDoneError for one that was never seen."""
    found = runtime.db.run(lambda session: changes.known_document(session, connection.id, kind, scoro_id))
    if found is None:
        raise NotDoneError(f"{title_of(kind, scoro_id)} was never seen.")
    return found


def capture(
    session: Session, connection: Connection, kind: Kind, scoro_id: int, actor: str, *, interactive: bool = False
) -> None:
    """Have a document read again."""
    changes.capture(
        session,
        connection.id,
        kind,
        [scoro_id],
        origin="manual",
        actor=actor,
        interactive=interactive,
        settle_ms=connection.settings.delivery.settle_ms,
    )


def read_scoro(runtime: Runtime, connection: Connection, kind: Kind, scoro_id: int, document_id: int) -> ReadDocument:
    """A document as Scoro holds it now; raises NotDoneError."""
    type_ = document_type(kind)
    if type_ is None or kind not in OBJECTS:
        raise NotDoneError(f"{kind.noun.capitalize()}s cannot be linked by hand.")
    record = runtime.scoro(connection, urgent=True).read_many(kind.module, [scoro_id]).get(scoro_id)
    if record is None:
        raise NotDoneError(f"Scoro has no {kind.noun} with id {scoro_id}: check the id.")
    try:
        document = type_.reader(record)
    except DocumentError as error:
        raise NotDoneError(f"{error.problem.cause} {error.problem.fix}") from None
    total = document.amount or Money(ZERO, "")
    party_name = document.company_name if isinstance(document, Document) else ""
    expected = Expected(total.amount, total.currency, party_name, _party(runtime, connection, type_.needs(document)))
    return ReadDocument(
        document.kind,
        expected,
        fingerprint(kind.module, document, connection),
        record,
        document_facts(document_id, document),
        document.is_deleted,
        next((ref for ref in type_.needs(document) if ref.kind in PARTY_KINDS), None),
    )


def _party(runtime: Runtime, connection: Connection, needs: Sequence[RecordRef]) -> str:
    """The id of the document's customer or vendor, as far as a link names it."""
    parties = [ref for ref in needs if ref.kind in PARTY_KINDS]
    known = runtime.db.run(lambda session: intake.known_records(session, connection.id, parties))
    return next((record.natural_key for record in known.values() if record.linked), "")


def _link_party(session: Session, connection: Connection, party: RecordRef, record: Record) -> None:
    """The contact of a linked document stands in Intacct as the record's customer or vendor, as their names agree."""
    field = DOCUMENTS[record.object].party_field
    object_name, party_id = field.removesuffix("ID"), record.header[field]
    known = older.known_parties(session, connection.id).get((object_name, party_id))
    document = changes.ensure_records(session, connection.id, [party])[party]
    older.link_parties(session, connection.id, [(document, object_name, party_id, known.record_no if known else "")])


def read_intacct(runtime: Runtime, connection: Connection, object_name: str, record_no: str) -> Record:
    """A record as Intacct holds it now, by one charged request; raises NotDoneError and RecordMissingError."""
    send = asking(
        runtime.db,
        runtime.gateway,
        login_of(connection),
        site_id=connection.site.id,
        connection_id=connection.id,
        purpose=Purpose.INTERACTIVE,
        slots=runtime.slots,
    )
    try:
        return read_record(send, object_name, record_no)
    except RecordMissingError:
        raise
    except UnreadableRecordError as error:
        raise NotDoneError(str(error)) from None
    except GatewayError as error:
        raise NotDoneError(f"Intacct could not be asked ({error}): try again.") from None
    except QuotaUsedUpError:
        raise NotDoneError(
            f"This month's requests of {connection.site.name} are used up: wait for the next month, or raise the limit"
            f" with `scoro-intacct quota limit {connection.site.name} N`."
        ) from None
