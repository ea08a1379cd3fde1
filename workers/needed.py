"""The records that documents need in Intacct, as far as they must be read or found."""

from collections.abc import Callable, Collection, Mapping

from clients.scoro.client import ScoroClient
from db.intake import KnownRecord
from schemas.document_types import RECORD_SOURCES
from schemas.errors import DocumentError
from schemas.kinds import Kind, RecordRef
from schemas.scoro import Record
from workers.reference import DIMENSION

REFERENCE_TOPICS: Mapping[Kind, tuple[str, str]] = {
    Kind.CUSTOMER: ("CUSTOMER", "customer"),
    Kind.VENDOR: ("VENDOR", "vendor"),
    Kind.PROJECT: ("PROJECT", f"{DIMENSION}PROJECT"),
}
"""Kind -> its object in Intacct, and the topic of the reference data that names the records that Intacct has."""


Known = Callable[[Collection[RecordRef]], Mapping[RecordRef, KnownRecord]]
"""Tells which of some records the ledger knows."""


def read_sources(
    scoro: ScoroClient, refs: Collection[RecordRef], known: Known
) -> tuple[dict[RecordRef, Record | DocumentError], dict[RecordRef, KnownRecord]]:
    """What Scoro says of these records and of what they need themselves, as far as the ledger does not know that.

    Returns the sources, an error for what cannot be read and nothing for what Scoro does not have, and those needed in
    turn that the ledger knows. Raises ScoroError.
    """
    found: dict[RecordRef, Record | DocumentError] = {}
    known_too: dict[RecordRef, KnownRecord] = {}
    wanted = set(refs)
    while wanted:
        read = _read(scoro, wanted)
        found |= read
        needed = {
            need
            for ref, record in read.items()
            if not isinstance(record, DocumentError)
            for need in RECORD_SOURCES[ref.kind].needs(record)
        }
        needed -= found.keys() | wanted | known_too.keys()
        known_too |= known(needed)
        wanted = needed - known_too.keys()
    return found, known_too


def _read(scoro: ScoroClient, refs: Collection[RecordRef]) -> dict[RecordRef, Record | DocumentError]:
    found: dict[RecordRef, Record | DocumentError] = {}
    for kind in sorted({ref.kind for ref in refs}):
        source = RECORD_SOURCES[kind]
        ids = sorted(ref.scoro_id for ref in refs if ref.kind is kind)
        for scoro_id, record in scoro.read_many(source.module, ids).items():
            try:
                found[RecordRef(kind, scoro_id)] = source.reader(record)
            except DocumentError as error:
                found[RecordRef(kind, scoro_id)] = error
    return found
