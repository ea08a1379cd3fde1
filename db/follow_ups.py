"""What refusals tell of documents: states of records, differences, closed days; and what is planned anew for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from db import changes
from db.database import Ledger, one
from db.operations import FollowUp
from schemas.errors import Problem
from schemas.kinds import Kind


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of one document."""

    document_id: int
    kind: Kind
    scoro_id: int
    problem: Problem
    follow_up: FollowUp


@dataclass(frozen=True, slots=True)
class Known:
    """What a connection knows of days: the last one known to be closed, and the site's own today."""

    closed_until: date | None
    today: date


def known(ledger: Ledger, connection_id: int) -> Known:
    """What refusals over dates are judged by."""
    row = one(
        ledger,
        """SELECT c.closed_until, (ledger_now() AT TIME ZONE s.time_zone)::date AS today
           FROM connection c JOIN site s ON s.id = c.site_id WHERE c.id = %s""",
        [connection_id],
    )
    return Known(row["closed_until"], row["today"])


def apply(ledger: Ledger, connection_id: int, told: Sequence[Told]) -> None:
    """Keep what was told, and capture what is planned anew."""
    if not told:
        return
    _keep_states(ledger, told)
    _keep_days(ledger, connection_id, told)
    anew = [item for item in told if item.follow_up.anew]
    for kind in sorted({item.kind for item in anew}):
        ids = [item.scoro_id for item in anew if item.kind is kind]
        changes.capture(ledger, connection_id, kind, ids, origin="intacct", actor="intacct", anew=True, settle_ms=0)


def _keep_states(ledger: Ledger, told: Sequence[Told]) -> None:
    ledger.execute(
        """UPDATE link l SET record_state = coalesce(nullif(g.state, ''), l.record_state),
               differs = CASE WHEN g.differs THEN jsonb_build_object('code', g.code, 'reason', g.reason)
                              ELSE l.differs END
           FROM unnest(%s::bigint[], %s::text[], %s::boolean[], %s::text[], %s::text[])
               AS g (document_id, state, differs, code, reason)
           WHERE l.document_id = g.document_id""",
        [
            [item.document_id for item in told],
            [item.follow_up.record_state for item in told],
            [item.follow_up.differs for item in told],
            [item.problem.code for item in told],
            [item.problem.cause for item in told],
        ],
    )


def _keep_days(ledger: Ledger, connection_id: int, told: Sequence[Told]) -> None:
    closed = [item.follow_up.closed_on for item in told if item.follow_up.closed_on]
    if closed:
        ledger.execute(
            "UPDATE connection SET closed_until = greatest(closed_until, %s) WHERE id = %s",
            [max(closed), connection_id],
        )
    moved = [(t.document_id, t.follow_up.post_on, t.follow_up.dated) for t in told if t.follow_up.post_on]
    if moved:
        post(ledger, moved)


def post(ledger: Ledger, moved: Sequence[tuple[int, date, bool]]) -> None:
    """Have documents posted on another day than their own, for as long as Scoro dates them as it does now.

    Each is a document, the day, and whether its date moves too.
    """
    ledger.execute(
        """UPDATE document d SET posting_date = g.day, posting_dated = g.dated, posting_for = d.document_date
           FROM unnest(%s::bigint[], %s::date[], %s::boolean[]) AS g (document_id, day, dated)
           WHERE d.id = g.document_id""",
        [[item[0] for item in moved], [item[1] for item in moved], [item[2] for item in moved]],
    )
