"""What would come out differently today: documents whose source is as it was, under settings or a release that are not.

Nothing of it is sent by itself. Worked out when somebody asks, from the sources and functions that the ledger keeps;
neither side is asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from db import intake
from db.changes import Taken
from db.connections import Connection
from db.database import Database
from db.database import Ledger as Session
from schemas.document_types import DOCUMENT_TYPES
from schemas.errors import DocumentError
from schemas.intacct.functions import Function
from schemas.kinds import Kind
from schemas.reference import ReferenceData
from schemas.scoro import Synced
from workers.decide import translated
from workers.decisions import Facts
from workers.reference import References
from workers.translation.said import differences

BATCH = 100
"""Documents that one look goes through: few enough that somebody who waits sees it move."""
SHOWN = 5
"""Places that are named of one document."""

# what holds of a document: what waits of it, else what Intacct was told last
HELD = """SELECT d.id, d.module, d.kind, d.scoro_id, d.number, d.state, d.amount, d.currency,
        coalesce(o.function, l.function) AS function,
        coalesce(o.source_fingerprint, l.source_fingerprint) AS fingerprint
    FROM document d LEFT JOIN link l ON l.document_id = d.id
    LEFT JOIN LATERAL (SELECT o.function, o.source_fingerprint FROM operation o WHERE o.document_id = d.id
        AND o.verb IN ('create', 'update') AND o.state IN
            ('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person', 'sending', 'uncertain')
        ORDER BY o.created_at DESC LIMIT 1) o ON true
    WHERE d.connection_id = %(connection)s AND d.id < %(before)s
      AND coalesce(o.function, l.function) IS NOT NULL
      AND coalesce(l.object, 'ARINVOICE') IN ('ARINVOICE', 'ARADJUSTMENT', 'APBILL', 'APADJUSTMENT')
      AND d.kind IN ('invoice', 'credit_invoice', 'bill', 'credit_bill', 'expense')
    ORDER BY d.id DESC LIMIT %(limit)s"""


@dataclass(frozen=True, slots=True)
class Differing:
    """A document that would come out differently, and where."""

    id: int
    kind: Kind
    scoro_id: int
    number: str
    state: str
    places: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The places for people, the first few."""
        more = len(self.places) - SHOWN
        return "; ".join(self.places[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class Look:
    """What one batch of documents came to: how many they were, and where the next one begins (None: at the end)."""

    looked_at: int
    found: tuple[Differing, ...]
    before: int | None


def looks(db: Database, connection: Connection, before: int | None = None) -> Iterator[Look]:
    """Go through everything that stands or waits, the newest first, or from a document (its id) on, batch by batch."""
    reference, edge = References(db).of(connection), before or 2**62
    while True:
        rows = db.run(
            lambda session, edge=edge: session.execute(  # type: ignore[misc]
                HELD, {"connection": connection.id, "before": edge, "limit": BATCH}
            ).fetchall()
        )
        if not rows:
            return
        edge = rows[-1]["id"]
        facts, documents = db.run(lambda session, rows=rows: _read(session, connection, reference, rows))  # type: ignore[misc]
        compared = (_compared(row, documents[row["id"]], facts) for row in rows if row["id"] in documents)
        more = len(rows) == BATCH
        yield Look(len(rows), tuple(found for found in compared if found), edge if more else None)
        if not more:
            return


def differing(db: Database, connection: Connection) -> Iterator[Differing]:
    """Every document of a connection that would come out differently, the newest first."""
    for look in looks(db, connection):
        yield from look.found


def _read(
    session: Session, connection: Connection, reference: ReferenceData, rows: Sequence[dict[str, object]]
) -> tuple[Facts, dict[int, Synced]]:
    """The documents as their kept sources say, and what translating them needs."""
    kept = [(int(str(row["id"])), str(row["fingerprint"])) for row in rows]
    sources = intake.kept_sources(session, kept)
    zone = ZoneInfo(connection.site.time_zone)
    documents: dict[int, Synced] = {}
    needs = set()
    for row, key in zip(rows, kept, strict=True):
        source = sources.get(key)
        if source is None:
            continue
        type_ = DOCUMENT_TYPES[str(row["module"])]
        try:
            documents[key[0]] = type_.reader(source, zone=zone)
        except DocumentError:
            continue
        needs.update(type_.refers_to(documents[key[0]], connection.settings))
    standing = intake.standing(session, [key[0] for key in kept])
    known = intake.known_records(session, connection.id, needs)
    return Facts(connection, reference, standing, known, {}), documents


def _compared(row: dict[str, object], document: Synced, facts: Facts) -> Differing | None:
    kind, scoro_id = Kind(str(row["kind"])), int(str(row["scoro_id"]))
    type_ = DOCUMENT_TYPES[str(row["module"])]
    if any(ref not in facts.known for ref in type_.needed(document, facts.connection.settings)):
        return None  # its customer or vendor would have to be read from Scoro first
    change = Taken(0, int(str(row["id"])), str(row["module"]), kind, scoro_id, False, "differs", 1, 0)
    decision = translated(change, document, facts)
    if decision.problem is not None:
        places: tuple[str, ...] = (f"it cannot be translated today: {decision.problem.cause}",)
    elif decision.translation is None:
        return None
    else:
        before = Function.model_validate(row["function"])
        places = tuple(map(str, differences(before, decision.translation.function)))
    found = Differing(change.document_id, kind, scoro_id, str(row["number"]), str(row["state"]), places)
    return found if places else None
