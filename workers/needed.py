"""The records that documents need in Intacct, as far as they must be read or found."""

from collections.abc import Collection, Mapping

from clients.scoro.client import ScoroClient
from schemas.document_types import RECORD_SOURCES
from schemas.errors import DocumentError
from schemas.kinds import Kind, RecordRef
from schemas.scoro import Record

REFERENCE_TOPICS: Mapping[Kind, tuple[str, str]] = {
    Kind.CUSTOMER: ("CUSTOMER", "customer"),
    Kind.VENDOR: ("VENDOR", "vendor"),
}
"""Kind -> its object in Intacct, and the topic of the reference data that names the records that Intacct has."""


def read_sources(scoro: ScoroClient, refs: Collection[RecordRef]) -> dict[RecordRef, Record | DocumentError]:
    """What Scoro says of these records, an error for what cannot be read; unknown ones are missing.

    Raises ScoroError.
    """
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
