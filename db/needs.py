"""Records that documents need, such as customers: made along with the first document that goes, never without one.

What only held documents need waits with them, and comes back with the first of them that goes. What nothing needs any
more is superseded; whoever needs it later has it planned anew.
"""

from collections.abc import Collection

from db.database import Ledger
from db.operations import FOR_OTHERS, NEEDED, OPEN

WITH_HELD = "only held documents need it"
"""Why a record waits for a person; it is found again by these words."""

ON_ITS_WAY = "('ready', 'waiting_quota', 'waiting_prerequisite', 'sending', 'uncertain')"
RESTING = f"{FOR_OTHERS} AND NOT {NEEDED.format(states=ON_ITS_WAY)}"
"""SQL: nobody who may be sent needs the record that the operation `o` makes for the document `d`."""


def rest(ledger: Ledger, connection_id: int) -> None:
    """Put aside what is due and that nobody who may be sent needs: with the held ones, or for good.

    The documents of the records are locked first; intake locks them too before it relies on one.
    """
    rows = ledger.execute(
        f"""SELECT d.id FROM operation o JOIN document d ON d.id = o.document_id
            WHERE o.connection_id = %s AND o.state IN ('ready', 'waiting_quota') AND o.due_at <= ledger_now()
              AND {RESTING} ORDER BY d.id FOR UPDATE OF d""".encode(),
        [connection_id],
    ).fetchall()
    if not rows:
        return
    ledger.execute(
        f"""UPDATE operation o SET
                state = CASE WHEN g.held THEN 'waiting_person' ELSE 'superseded' END::operation_state,
                reason = CASE WHEN g.held THEN '{WITH_HELD}' ELSE 'nothing needs it any more' END,
                settled_at = CASE WHEN NOT g.held THEN ledger_now() END
            FROM (SELECT o.id, {NEEDED.format(states=OPEN)} AS held
                  FROM operation o JOIN document d ON d.id = o.document_id
                  WHERE d.id = ANY(%s) AND o.state IN ('ready', 'waiting_quota') AND {RESTING}) g
            WHERE o.id = g.id""".encode(),
        [[row["id"] for row in rows]],
    )


def wake(ledger: Ledger, document_ids: Collection[int]) -> bool:
    """Let go what was put aside of these records: somebody who may be sent needs it; whether there was any."""
    rows = ledger.execute(
        """UPDATE operation SET state = 'ready', reason = '', due_at = ledger_now()
           WHERE document_id = ANY(%s) AND state = 'waiting_person' AND reason = %s RETURNING id""",
        [list(document_ids), WITH_HELD],
    ).fetchall()
    return bool(rows)
