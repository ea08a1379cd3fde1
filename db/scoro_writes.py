"""Writes to Scoro: who makes them, and how each one ends.

Every transition names the state that it starts from; `scoro_write_transition` in the database refuses all others. A
writer holds the lock of the document on its session; its intent (`sending`) is committed right before the first byte of
the call leaves.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from db import locks, outbox
from db.database import Ledger
from schemas.kinds import Kind


@dataclass(frozen=True, slots=True)
class Write:
    """A write that a writer has taken, with the document that it is of."""

    id: int
    document_id: int
    kind: Kind
    scoro_id: int | None
    number: str
    verb: str
    intent: Mapping[str, Any]
    fingerprint: str
    state: str
    attempts: int
    doubted: bool
    sent: Mapping[str, Any] | None
    problem: Mapping[str, Any] | None
    """What Scoro refused it with, where it is looked up before that is believed."""
    first_left_at: datetime | None
    agreed: bool
    """Whether a person asked for just this one: what they were to look at is looked at."""
    certain_in_s: float
    """How long an absent record may still appear; 0: it is believed absent."""


@dataclass(frozen=True, slots=True)
class End:
    """How a write ends or goes on."""

    id: int
    state: str
    reason: str = ""
    scoro_id: int | None = None
    delay_s: float = 0.0
    problem: Mapping[str, Any] | None = None
    line_ids: Mapping[str, int] | None = None
    """Lines of a bill: RECORDNO in Intacct -> id in Scoro."""


CLAIM = """WITH busy AS MATERIALIZED (
        -- lanes of other writers, so that several find different work
        SELECT l.objid::bigint AS lane FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = %(lock)s::oid
          AND l.objsubid = 2 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ), next AS MATERIALIZED (
        SELECT w.id, w.lane_id, d.kind, w.state,
            row_number() OVER (ORDER BY w.interactive DESC, w.due_at, w.id) AS place
        FROM scoro_write w JOIN document d ON d.id = w.document_id
        JOIN connection n ON n.id = w.connection_id AND n.state = 'active'
        JOIN site s ON s.id = n.site_id AND s.held_until <= ledger_now()
        WHERE w.id IN (SELECT c.id FROM scoro_write c WHERE c.connection_id = %(connection)s
                AND c.state IN ('ready', 'uncertain') AND c.due_at <= ledger_now()
                AND (c.lane_id & 2147483647) NOT IN (SELECT lane FROM busy)
                AND (c.need_id IS NULL OR EXISTS (SELECT FROM document n WHERE n.id = c.need_id
                    AND n.scoro_id IS NOT NULL))
                AND (c.state = 'uncertain' OR NOT EXISTS (SELECT FROM scoro_write u
                    WHERE u.lane_id = c.lane_id AND u.state IN ('sending', 'uncertain')))
                ORDER BY c.interactive DESC, c.due_at, c.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    ), batch AS MATERIALIZED (
        SELECT DISTINCT ON (n.lane_id) n.id, n.lane_id FROM next n
        JOIN next first ON first.place = 1 AND n.kind = first.kind AND n.state = first.state
        ORDER BY n.lane_id, n.place)
    SELECT id FROM batch WHERE pg_try_advisory_lock(%(lock)s, (lane_id & 2147483647)::int)"""

DETAIL = """SELECT w.id, w.document_id, d.kind, d.scoro_id, d.number, w.verb, w.intent, w.fingerprint, w.state,
        w.attempts, w.doubted, w.sent, w.problem, w.first_left_at, w.interactive AS agreed,
        greatest(0, extract(epoch FROM w.certain_at - ledger_now()))::float AS certain_in_s
    FROM scoro_write w JOIN document d ON d.id = w.document_id WHERE w.id = ANY(%s) ORDER BY w.id"""


def claim(session: Ledger, connection_id: int, limit: int) -> list[Write]:
    """Take due writes of one kind, all ready or all uncertain, with the locks of their documents on `session`."""
    with session.transaction():
        rows = session.execute(
            CLAIM, {"connection": connection_id, "limit": limit, "lock": locks.SCORO_WRITE}
        ).fetchall()
    found = session.execute(DETAIL, [[row["id"] for row in rows]]).fetchall() if rows else []
    return [Write(**{**row, "kind": Kind(row["kind"]), "certain_in_s": row["certain_in_s"] or 0.0}) for row in found]


def leave(session: Ledger, write_id: int, sent: Mapping[str, Any]) -> bool:
    """Commit the intent, right before the first byte leaves; False where the write is no longer ours to make."""
    row = session.execute(
        """UPDATE scoro_write SET state = 'sending', reason = '', problem = NULL, attempts = attempts + 1, sent = %s,
               left_at = ledger_now(), first_left_at = coalesce(first_left_at, ledger_now())
           WHERE id = %s AND state = 'ready' RETURNING id""",
        [Jsonb(dict(sent)), write_id],
    ).fetchone()
    return row is not None


def hold_kind(ledger: Ledger, connection_id: int, kind: Kind, wait_s: float, reason: str) -> None:
    """Scoro takes nothing of a kind now: all that is ready of it waits."""
    ledger.execute(
        """UPDATE scoro_write w SET due_at = greatest(w.due_at, ledger_now() + make_interval(secs => %s)), reason = %s
           FROM document d WHERE d.id = w.document_id AND d.kind = %s AND w.connection_id = %s AND w.state = 'ready'""",
        [wait_s, reason, kind, connection_id],
    )


def looking_up(session: Ledger, write_ids: Collection[int], *, again_s: float, again_at_most_s: float) -> None:
    """A look-up begins; due again later in case it is not answered, ever later."""
    session.execute(
        """UPDATE scoro_write SET look_ups = look_ups + 1,
               due_at = ledger_now() + make_interval(secs => least(%s * 2 ^ least(look_ups, 20), %s))
           WHERE id = ANY(%s) AND state = 'uncertain'""",
        [again_s, again_at_most_s, list(write_ids)],
    )


END = """UPDATE scoro_write w SET
        state = g.state, reason = g.reason, problem = g.problem,
        due_at = CASE WHEN g.state IN ('ready', 'uncertain') THEN ledger_now() + make_interval(secs => g.delay_s)
                      ELSE w.due_at END,
        doubted = w.doubted OR g.state = 'uncertain',
        certain_at = CASE WHEN g.state = 'uncertain'
                          THEN coalesce(w.certain_at, ledger_now() + make_interval(secs => %(certain_s)s)) END,
        settled_at = CASE WHEN g.state IN ('done', 'refused') THEN ledger_now() END
    FROM jsonb_to_recordset(%(rows)s) AS g (id bigint, state scoro_write_state, reason text, problem jsonb,
        delay_s float)
    WHERE w.id = g.id AND w.state IN ('ready', 'sending', 'uncertain')
      AND (g.state <> 'ready' OR w.state <> 'ready')
    RETURNING w.id, w.document_id, w.connection_id, w.verb, w.state, w.fingerprint, w.attempts, w.think_again"""

SHIFT = """UPDATE scoro_write SET due_at = ledger_now() + make_interval(secs => g.delay_s), reason = g.reason
    FROM unnest(%s::bigint[], %s::float[], %s::text[]) AS g (id, delay_s, reason)
    WHERE scoro_write.id = g.id AND scoro_write.state = 'ready'"""


def end(ledger: Ledger, ends: Sequence[End], *, certain_s: float) -> list[dict[str, Any]]:
    """Apply how writes ended to those that are still open; returns the rows that moved.

    What is done stands in Scoro: its id goes to the document, its fingerprint to the link. A webhook of ours may have
    made a document of that id meanwhile: it is the same one, and gives way.
    """
    rows = [
        {"id": e.id, "state": e.state, "reason": e.reason, "problem": e.problem, "delay_s": e.delay_s} for e in ends
    ]
    moved = ledger.execute(END, {"rows": Jsonb(rows), "certain_s": certain_s}).fetchall()
    stays = [e for e in ends if e.state == "ready"]
    ledger.execute(SHIFT, [[e.id for e in stays], [e.delay_s for e in stays], [e.reason for e in stays]])
    said = {e.id: e for e in ends}
    won = [row for row in moved if row["state"] == "done"]
    made = {
        row["document_id"]: found
        for row in won
        if row["verb"] != "delete" and (found := said[row["id"]].scoro_id) is not None
    }
    _give_ids(ledger, made)
    lines = [said[row["id"]].line_ids for row in won]
    ledger.execute(
        """UPDATE link l SET source_fingerprint = g.fingerprint, linked_at = ledger_now(),
               line_numbers = coalesce(g.line_ids, l.line_numbers)
           FROM unnest(%s::bigint[], %s::text[], %s::jsonb[]) AS g (document_id, fingerprint, line_ids)
           WHERE l.document_id = g.document_id""",
        [
            [row["document_id"] for row in won],
            [row["fingerprint"] for row in won],
            [None if held is None else Jsonb(dict(held)) for held in lines],
        ],
    )
    again = [row for row in moved if row["think_again"] and row["state"] in {"done", "refused"}]
    ledger.execute(
        """UPDATE pulled p SET state = 'new' FROM link l
           WHERE l.document_id = ANY(%s) AND p.connection_id = l.connection_id AND p.object = l.object
             AND p.record_no = l.record_no::bigint""",
        [[row["document_id"] for row in again]],
    )
    needed = ledger.execute(
        "SELECT DISTINCT connection_id FROM scoro_write WHERE need_id = ANY(%s) AND state = 'ready'", [list(made)]
    ).fetchall()
    outbox.ring(ledger, "pull", *{row["connection_id"] for row in [*again, *needed]})
    return moved


def _give_ids(ledger: Ledger, made: Mapping[int, int]) -> None:
    if not made:
        return
    values = {"ids": list(made), "scoro_ids": list(made.values())}
    twins = ledger.execute(
        """SELECT d.id AS mine, t.id AS twin
           FROM unnest(%(ids)s::bigint[], %(scoro_ids)s::bigint[]) AS g (id, scoro_id)
           JOIN document d ON d.id = g.id JOIN document t ON t.connection_id = d.connection_id
               AND t.module = d.module AND t.scoro_id = g.scoro_id AND t.id <> d.id
           ORDER BY t.id FOR UPDATE OF t""",  # nobody captures a change of them any more
        values,
    ).fetchall()
    stand_alone = _standing_alone(ledger, [row["twin"] for row in twins])
    for row in twins:  # seldom: a webhook came before the answer that it follows from
        if row["twin"] not in stand_alone:
            _merge(ledger, row["mine"], row["twin"])
    alone = [row["mine"] for row in twins if row["twin"] in stand_alone]
    ledger.execute(
        """UPDATE document d SET scoro_id = g.scoro_id
           FROM unnest(%(ids)s::bigint[], %(scoro_ids)s::bigint[]) AS g (id, scoro_id)
           WHERE d.id = g.id AND d.id <> ALL(%(alone)s)""",
        {**values, "alone": alone},
    )


def _standing_alone(ledger: Ledger, document_ids: Collection[int]) -> set[int]:
    """Of these documents those that Intacct has heard of."""
    rows = ledger.execute(
        """SELECT i AS id FROM unnest(%s::bigint[]) AS i
           WHERE EXISTS (SELECT FROM operation o WHERE o.document_id = i)
              OR EXISTS (SELECT FROM link l WHERE l.document_id = i)""",
        [list(document_ids)],
    ).fetchall()
    return {row["id"] for row in rows}


def _merge(ledger: Ledger, mine: int, twin: int) -> None:
    """Let a document that a webhook made give way to ours; what was captured of it stays with ours."""
    ledger.execute(
        """UPDATE change SET document_id = %s WHERE document_id = %s AND NOT EXISTS (
               SELECT FROM change c WHERE c.document_id = %s AND c.state IN ('waiting', 'reading'))""",
        [mine, twin, mine],
    )
    for table in ("change", "note", "revision", "dead_letter", "failure_document"):
        ledger.execute(f"DELETE FROM {table} WHERE document_id = %s".encode(), [twin])
    ledger.execute("DELETE FROM document WHERE id = %s", [twin])


def standing_in_scoro(ledger: Ledger, document_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Of documents: id in Scoro, ids of their lines there, and the id of the record that their write needs."""
    rows = ledger.execute(
        """SELECT d.id, d.scoro_id, l.line_numbers, l.record_no, need.scoro_id AS needed_id
           FROM document d LEFT JOIN link l ON l.document_id = d.id
           LEFT JOIN LATERAL (SELECT w.need_id FROM scoro_write w WHERE w.document_id = d.id AND w.need_id IS NOT NULL
               ORDER BY w.id DESC LIMIT 1) w ON true LEFT JOIN document need ON need.id = w.need_id
           WHERE d.id = ANY(%s)""",
        [list(document_ids)],
    ).fetchall()
    return {row["id"]: row for row in rows}


DEAD = f"""UPDATE scoro_write w SET state = 'uncertain', doubted = true, due_at = ledger_now(),
        reason = 'its writer died while Scoro may have been working on it',
        certain_at = coalesce(w.certain_at, greatest(w.left_at + make_interval(secs => %(deadline_s)s), ledger_now())
            + make_interval(secs => coalesce((c.settings #>> '{{delivery,uncertain_wait_s}}')::float, %(wait_s)s)))
    FROM connection c
    WHERE c.id = w.connection_id AND w.state = 'sending' AND NOT {locks.held(locks.SCORO_WRITE, "w.lane_id")}
    RETURNING w.connection_id"""


def recover(ledger: Ledger, wait_s: float, deadline_s: float) -> list[int]:
    """Writes whose writer died are in doubt; `deadline_s` is how long a call may take. Returns their connections."""
    return [
        row["connection_id"]
        for row in ledger.execute(DEAD.encode(), {"wait_s": wait_s, "deadline_s": deadline_s}).fetchall()
    ]


def linked_ids(ledger: Ledger, connection_id: int, module: str, scoro_ids: Collection[int]) -> set[int]:
    """Of these records of Scoro those that a linked document of ours is."""
    rows = ledger.execute(
        """SELECT d.scoro_id FROM document d JOIN link l ON l.document_id = d.id
           WHERE d.connection_id = %s AND d.module = %s AND d.scoro_id = ANY(%s)""",
        [connection_id, module, list(scoro_ids)],
    ).fetchall()
    return {row["scoro_id"] for row in rows}
