"""Changes: "this document may have changed". One waits per document, one is read per document."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from db import locks, outbox
from db.database import Ledger
from schemas.kinds import Kind, RecordRef

CAPTURE_TRIES = 3
"""A document row that another capture is inserting at this moment becomes visible to the next try."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A change that an intake reads, with its document's identity."""

    id: int
    document_id: int
    module: str
    kind: Kind
    scoro_id: int
    interactive: bool
    actor: str
    attempts: int
    deaths: int
    again: bool = False
    """Of a replay: translated even where nothing differs from what was refused."""
    anew: bool = False
    """Something else than Scoro's document has changed: what waits or was refused is planned anew."""

    @property
    def insists(self) -> bool:
        """Whether it is to be tried although nothing changed in Scoro."""
        return self.interactive or self.again or self.anew


DOCUMENTS = """INSERT INTO document (connection_id, module, kind, scoro_id)
    SELECT %(connection)s, %(module)s, %(kind)s, i FROM unnest(%(ids)s::bigint[]) AS i
    ON CONFLICT (connection_id, module, scoro_id) DO NOTHING"""

CAPTURE = """INSERT INTO change (document_id, connection_id, origin, actor, interactive, anew, scheduled, due_at)
    SELECT d.id, d.connection_id, %(origin)s::change_origin, %(actor)s, %(interactive)s, %(anew)s,
        %(origin)s::change_origin IN ('webhook', 'poll') AND NOT %(anew)s
            AND coalesce(n.settings #>> '{schedule,frequency}', 'continuous') <> 'continuous',
        CASE WHEN %(interactive)s THEN ledger_now()
             ELSE greatest(ledger_now(), d.taken_at + make_interval(secs => %(settle_s)s)) END
    FROM document d JOIN connection n ON n.id = d.connection_id
    WHERE d.connection_id = %(connection)s AND d.module = %(module)s AND d.scoro_id = ANY(%(ids)s::bigint[])
    ORDER BY d.id FOR KEY SHARE OF d -- one that gives way to its twin meanwhile is not taken
    ON CONFLICT (document_id) WHERE state = 'waiting' DO UPDATE SET
        hints = change.hints + 1,
        actor = CASE WHEN excluded.interactive THEN excluded.actor ELSE change.actor END,
        interactive = change.interactive OR excluded.interactive,
        anew = change.anew OR excluded.anew,
        scheduled = change.scheduled AND excluded.scheduled,
        due_at = least(change.due_at, excluded.due_at)
    RETURNING document_id, NOT scheduled AND due_at <= ledger_now() AS due"""


def ensure_documents(ledger: Ledger, connection_id: int, kind: Kind, scoro_ids: Collection[int]) -> dict[int, int]:
    """The ledger's document of each Scoro id, made where it is new."""
    ids = sorted(set(scoro_ids))
    values = {"connection": connection_id, "module": kind.module, "kind": kind, "ids": ids}
    for _ in range(CAPTURE_TRIES):
        ledger.execute(DOCUMENTS, values)
        rows = ledger.execute(
            "SELECT id, scoro_id FROM document WHERE connection_id = %(connection)s AND module = %(module)s"
            " AND scoro_id = ANY(%(ids)s::bigint[])",
            values,
        ).fetchall()
        if len(rows) == len(ids):
            break
    return {row["scoro_id"]: row["id"] for row in rows}


def known_document(ledger: Ledger, connection_id: int, kind: Kind, scoro_id: int) -> int | None:
    """The ledger's document of that id; None for one that was never seen."""
    row = ledger.execute(
        "SELECT id FROM document WHERE connection_id = %s AND module = %s AND scoro_id = %s",
        [connection_id, kind.module, scoro_id],
    ).fetchone()
    return int(row["id"]) if row else None


def unseen(ledger: Ledger, connection_id: int, kind: Kind, scoro_ids: Collection[int]) -> list[int]:
    """Of these ids in Scoro those that the ledger has no document of."""
    rows = ledger.execute(
        """SELECT i FROM unnest(%s::bigint[]) AS i WHERE NOT EXISTS (
               SELECT FROM document d WHERE d.connection_id = %s AND d.module = %s AND d.scoro_id = i)""",
        [sorted(set(scoro_ids)), connection_id, kind.module],
    ).fetchall()
    return [row["i"] for row in rows]


def known_ids(ledger: Ledger, connection_id: int, kind: Kind, scoro_ids: Collection[int]) -> list[int]:
    """Those of these ids that the ledger has a document of."""
    rows = ledger.execute(
        "SELECT scoro_id FROM document WHERE connection_id = %s AND module = %s AND scoro_id = ANY(%s) ORDER BY 1",
        [connection_id, kind.module, list(scoro_ids)],
    ).fetchall()
    return [int(row["scoro_id"]) for row in rows]


def ensure_records(ledger: Ledger, connection_id: int, refs: Collection[RecordRef]) -> dict[RecordRef, int]:
    """The ledger's document of each record, made where it is new."""
    found: dict[RecordRef, int] = {}
    for kind in sorted({ref.kind for ref in refs}):  # always in one order, so that no two wait for each other
        ids = {ref.scoro_id for ref in refs if ref.kind is kind}
        documents = ensure_documents(ledger, connection_id, kind, ids)
        found |= {RecordRef(kind, scoro_id): documents[scoro_id] for scoro_id in ids}
    return found


def capture(
    ledger: Ledger,
    connection_id: int,
    kind: Kind,
    scoro_ids: Collection[int],
    *,
    origin: str,
    actor: str,
    interactive: bool = False,
    anew: bool = False,
    settle_ms: int,
) -> int:
    """Commit that these documents may have changed, and the bell; returns how many documents wait now.

    The first change of a quiet document is due at once, further ones within `settle_ms` of its being taken go as one.
    A person's own request (`interactive`) is always due at once. `anew`: what waits or was refused is planned anew
    though Scoro's document is the same. Where the connection has a schedule, what happened in Scoro (`origin` is
    `webhook` or `poll`) waits for its next run (`db.schedules`); what a person asks for and what follows from a run
    does not.
    """
    if not scoro_ids:
        return 0
    values = {
        "connection": connection_id,
        "module": kind.module,
        "kind": kind,
        "ids": sorted(set(scoro_ids)),
        "origin": origin,
        "actor": actor,
        "interactive": interactive,
        "anew": anew,
        "settle_s": settle_ms / 1000,
    }
    for _ in range(CAPTURE_TRIES):
        rows = ledger.execute(CAPTURE, values).fetchall()
        if len(rows) == len(values["ids"]):  # type: ignore[arg-type]
            break
        ledger.execute(DOCUMENTS, values)
    if any(row["due"] for row in rows):
        outbox.ring(ledger, "changes", connection_id)
    return len(rows)


CLAIM = """WITH next AS MATERIALIZED (
        SELECT c.id, c.document_id, c.deaths, d.module, d.kind, d.scoro_id
        FROM change c JOIN document d ON d.id = c.document_id JOIN connection n ON n.id = c.connection_id
        JOIN site s ON s.id = n.site_id AND s.held_until <= ledger_now()
        WHERE c.connection_id = %(connection)s AND c.state = 'waiting' AND NOT c.scheduled
          AND c.due_at <= ledger_now() AND (c.interactive OR s.bulk_held_until <= ledger_now())
          AND NOT EXISTS (SELECT FROM operation o WHERE o.document_id = c.document_id
                          AND o.state IN ('sending', 'uncertain'))
          AND NOT EXISTS (SELECT FROM change r WHERE r.document_id = c.document_id AND r.state = 'reading')
        ORDER BY c.interactive DESC, c.due_at, c.id LIMIT %(limit)s FOR UPDATE OF c SKIP LOCKED
    ), batch AS MATERIALIZED (
        -- what killed a reader before is read alone, so that it takes nobody along
        SELECT n.* FROM next n, (SELECT id, module, deaths FROM next LIMIT 1) first
        WHERE n.module = first.module AND (n.id = first.id OR (n.deaths = 0 AND first.deaths = 0))
    ), mine AS MATERIALIZED (
        SELECT * FROM batch WHERE pg_try_advisory_lock(%(lock)s, (document_id & 2147483647)::int)
    ), seen AS (
        UPDATE document d SET taken_at = ledger_now() FROM mine WHERE d.id = mine.document_id
    )
    UPDATE change c SET state = 'reading', attempts = c.attempts + 1 FROM mine WHERE c.id = mine.id
    RETURNING c.id, c.document_id, mine.module, mine.kind, mine.scoro_id, c.interactive, c.anew, c.actor, c.attempts,
        c.deaths, c.again"""


def claim(session: Ledger, connection_id: int, limit: int) -> list[Taken]:
    """Take due changes of one module, waiting -> reading, with the locks of their documents on `session`.

    Committed before Scoro is read: a webhook from now on makes a new row. Documents with a write in doubt are left.
    """
    with session.transaction():
        rows = session.execute(CLAIM, {"connection": connection_id, "limit": limit, "lock": locks.DOCUMENT}).fetchall()
    return [Taken(**{**row, "kind": Kind(row["kind"])}) for row in sorted(rows, key=lambda row: int(row["id"]))]


def still_mine(ledger: Ledger, taken: Sequence[Taken]) -> set[int]:
    """Of these changes those that nobody took over since: a reader that stood still for long finds none of its own."""
    rows = ledger.execute(
        """SELECT c.id FROM change c JOIN unnest(%s::bigint[], %s::integer[]) AS g (id, attempts) USING (id, attempts)
           WHERE c.state = 'reading' ORDER BY c.id FOR UPDATE OF c""",
        [[change.id for change in taken], [change.attempts for change in taken]],
    ).fetchall()
    return {row["id"] for row in rows}


def end(ledger: Ledger, change_ids: Sequence[int], state: str = "done", reason: str = "") -> None:
    """Reading -> done or failed."""
    ledger.execute(
        """UPDATE change SET state = %s, reason = %s, ended_at = ledger_now()
           WHERE id = ANY(%s) AND state = 'reading'""",
        [state, reason, list(change_ids)],
    )


PUT_BACK = """WITH given AS (
        SELECT r.id, r.document_id, r.interactive, r.again, r.anew FROM change r
        WHERE r.state = 'reading' AND {which} ORDER BY r.id FOR UPDATE
    ), merged AS (
        UPDATE change w SET interactive = w.interactive OR g.interactive, again = w.again OR g.again,
            anew = w.anew OR g.anew, scheduled = false, hints = w.hints + 1
        FROM given g WHERE w.document_id = g.document_id AND w.state = 'waiting' RETURNING w.document_id
    )
    UPDATE change c SET
        state = CASE WHEN m.document_id IS NULL THEN 'waiting' ELSE 'done' END::change_state,
        reason = CASE WHEN m.document_id IS NULL THEN %(reason)s ELSE 'a newer change of the document waits' END,
        due_at = ledger_now() + make_interval(secs => %(delay_s)s + %(deaths)s * least(c.deaths + 1, 20) ^ 2 / 2.0),
        deaths = c.deaths + %(deaths)s,
        ended_at = CASE WHEN m.document_id IS NULL THEN NULL ELSE ledger_now() END
    FROM given g LEFT JOIN merged m USING (document_id) WHERE c.id = g.id
    RETURNING c.id, c.connection_id"""


def put_back(ledger: Ledger, change_ids: Sequence[int], reason: str, delay_s: float = 0) -> None:
    """Reading -> waiting, due again after `delay_s`; where a newer change waits already, that one stands for both."""
    ledger.execute(
        PUT_BACK.format(which="r.id = ANY(%(ids)s)").encode(),
        {"ids": list(change_ids), "reason": reason, "delay_s": delay_s, "deaths": 0},
    )


def revive_dead(ledger: Ledger) -> list[int]:
    """Changes whose reader died (nobody holds the lock) wait again, longer each time; returns their connections."""
    rows = ledger.execute(
        PUT_BACK.format(which=f"NOT {locks.held(locks.DOCUMENT, 'r.document_id')}").encode(),
        {"reason": "its reader died", "delay_s": 0, "deaths": 1},
    ).fetchall()
    return sorted({row["connection_id"] for row in rows})
