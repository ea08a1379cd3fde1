"""Fingerprints by today's measure: what a document said is compared with what it says, whatever the settings are now.

Which fields of a document count follows from the mapping and from the dimensions that are sent, and both may change: a
setting, a release. So a fingerprint that was kept and differs is taken anew, of the source as it was kept with it. Only
a source that changed is a change; a setting or a release alone sends nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from db.connections import Connection
from db.intake import Standing
from schemas.document_types import DOCUMENT_TYPES
from schemas.errors import DocumentError
from schemas.scoro import Synced, source_fingerprint
from workers.lifecycle.removals import REMOVED

Kept = tuple[int, str]
"""A document of the ledger, and a fingerprint that was kept of it."""


def fingerprint(module: str, document: Synced, connection: Connection) -> str:
    """The fingerprint of a document by what counts today."""
    type_ = DOCUMENT_TYPES[module]
    fields = connection.settings.dimensions.sent_with(type_.dimensions).values()
    return source_fingerprint(document, type_.mapping, fields)


def differing(standing: Standing, now: str) -> list[Kept]:
    """Fingerprints that were kept of what a document said and are not the one it has now."""
    link = standing.link["source_fingerprint"] if standing.link else ""
    kept = dict.fromkeys((standing.intent_fingerprint or "", link, standing.refused_fingerprint or ""))
    return [(standing.document_id, text) for text in kept if text not in {"", REMOVED, now}]


def same_today(
    kept: Iterable[tuple[str, Kept, str]], sources: Mapping[Kept, Mapping[str, Any]], connection: Connection
) -> set[Kept]:
    """Of (module, kept, fingerprint now) those whose source, as it was kept, has it too by today's measure."""
    zone = ZoneInfo(connection.site.time_zone)
    found: set[Kept] = set()
    for module, key, now in kept:
        source = sources.get(key)
        if source is None:
            continue
        try:
            document = DOCUMENT_TYPES[module].reader(source, zone=zone)
        except DocumentError:
            continue
        if fingerprint(module, document, connection) == now:
            found.add(key)
    return found


def restated(standing: Standing, now: str, same: set[Kept]) -> Standing:
    """The standing with fingerprints that mean the same (`same`) replaced by the one of now."""

    def today(text: str | None) -> str | None:
        return now if text and (standing.document_id, text) in same else text

    link = standing.link
    if link is not None:
        link = {**link, "source_fingerprint": today(link["source_fingerprint"])}
    return replace(
        standing,
        link=link,
        intent_fingerprint=today(standing.intent_fingerprint),
        refused_fingerprint=today(standing.refused_fingerprint),
    )
