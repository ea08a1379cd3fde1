"""Records that were drafts when they were last looked at: somebody may have posted them since.

A write that says `Draft`, or that deletes, must not meet a posted record: it would take it out of the books. So nothing
of that kind leaves unless the record was seen as a draft within `FRESH_S`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from db.database import Ledger
from schemas.kinds import Kind

FRESH_S = 60
"""A draft that was looked at within so many seconds is taken for one."""

STALE = f"""o.verb IN ('update', 'replace', 'delete') AND EXISTS (SELECT FROM link k WHERE k.document_id = o.document_id
    AND k.record_state = 'Draft'
    AND coalesce(k.looked_at, '-infinity') < ledger_now() - make_interval(secs => {FRESH_S}))"""
"""SQL: an operation `o` that relies on a draft which has not been looked at for too long."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An operation that waits until its draft has been looked at."""

    id: UUID
    document_id: int
    kind: Kind
    scoro_id: int
    object: str
    record_no: str
    interactive: bool
    age_s: float


def waiting(ledger: Ledger, connection_id: int, objects: Sequence[str], limit: int) -> list[Waiting]:
    """Due operations whose drafts must be looked at, locked until the transaction ends."""
    rows = ledger.execute(
        f"""SELECT o.id, o.document_id, d.kind, d.scoro_id, l.object, l.record_no,
                o.purpose = 'interactive' AS interactive, extract(epoch FROM ledger_now() - o.due_at)::float AS age_s
            FROM operation o JOIN document d ON d.id = o.document_id JOIN link l ON l.document_id = o.document_id
            WHERE o.connection_id = %s AND o.state IN ('ready', 'waiting_quota') AND o.due_at <= ledger_now()
              AND l.object = ANY(%s) AND {STALE}
            ORDER BY interactive DESC, o.due_at LIMIT %s FOR UPDATE OF o SKIP LOCKED""".encode(),
        [connection_id, list(objects), limit],
    ).fetchall()
    return [Waiting(**{**row, "kind": Kind(row["kind"])}) for row in rows]


def put_off(ledger: Ledger, ids: Sequence[UUID], again_s: float, at_most_s: float) -> None:
    """Look again later, in case this look is not answered, ever later."""
    ledger.execute(
        """UPDATE operation SET look_ups = look_ups + 1,
               due_at = ledger_now() + make_interval(secs => least(%s * 2 ^ least(look_ups, 20), %s))
           WHERE id = ANY(%s) AND state IN ('ready', 'waiting_quota')""",
        [again_s, at_most_s, list(ids)],
    )


def keep(ledger: Ledger, asked: Sequence[Waiting], states: Mapping[UUID, str]) -> list[Waiting]:
    """Keep the states that were read (`''`: the record is gone); returns those that are no draft any more.

    Drafts, and what is gone, go on: Intacct says what is wrong with the latter. The others are superseded.
    """
    known = [item for item in asked if item.id in states]
    ledger.execute(
        """UPDATE link l SET looked_at = ledger_now(), record_state = coalesce(nullif(g.state, ''), l.record_state)
           FROM unnest(%s::bigint[], %s::text[]) AS g (document_id, state)
           WHERE l.document_id = g.document_id AND l.record_state = 'Draft'""",
        [[item.document_id for item in known], [states[item.id] for item in known]],
    )
    moved = [item for item in known if states[item.id] not in {"", "Draft"}]
    ledger.execute(
        """UPDATE operation SET state = 'superseded', settled_at = ledger_now(),
               reason = 'its record is no draft any more: planned anew'
           WHERE id = ANY(%s) AND state IN ('ready', 'waiting_quota')""",
        [[item.id for item in moved]],
    )
    ledger.execute(
        """UPDATE operation SET due_at = ledger_now(), look_ups = 0
           WHERE id = ANY(%s) AND state IN ('ready', 'waiting_quota')""",
        [[item.id for item in known if item not in moved]],
    )
    return moved
