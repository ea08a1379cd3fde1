"""What is still on its way, and what waits for somebody: behind `wait` and every progress bar."""

from dataclasses import dataclass

from db.database import Ledger, one


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of work. `moving` goes on by itself; the others wait for quota, a record, a person or a connection."""

    changes: int
    operations: int
    bells: int
    dead_letters: int
    waiting_quota: int
    waiting_prerequisite: int
    waiting_person: int
    waiting_connection: int

    @property
    def moving(self) -> int:
        """Work that goes on by itself: changes, operations (in doubt and backing off too), bells, dead letters."""
        return self.changes + self.operations + self.bells + self.dead_letters


QUOTA_WAIT = "(o.state = 'waiting_quota' OR o.reason LIKE 'waits for requests%%')"

PROGRESS = f"""SELECT
    (SELECT count(*) FROM change WHERE state IN ('waiting', 'reading')
        AND NOT EXISTS (SELECT FROM operation o WHERE o.document_id = change.document_id
                        AND o.state = 'uncertain' AND {QUOTA_WAIT})) AS changes,
    (SELECT count(*) FROM outbox) AS bells,
    (SELECT count(*) FROM dead_letter WHERE handled_at IS NULL) AS dead_letters,
    o.* FROM (SELECT
        count(*) FILTER (WHERE NOT {QUOTA_WAIT} AND (o.state IN ('sending', 'uncertain') OR n.state = 'active')
            AND o.state IN ('ready', 'sending', 'uncertain')) AS operations,
        count(*) FILTER (WHERE {QUOTA_WAIT}) AS waiting_quota,
        count(*) FILTER (WHERE o.state = 'waiting_prerequisite') AS waiting_prerequisite,
        count(*) FILTER (WHERE o.state = 'waiting_person') AS waiting_person,
        count(*) FILTER (WHERE o.state = 'ready' AND n.state <> 'active') AS waiting_connection
    FROM operation o JOIN connection n ON n.id = o.connection_id
    WHERE o.state IN ('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person', 'sending', 'uncertain')) o"""


def progress(ledger: Ledger) -> Progress:
    """Count what is under way right now."""
    return Progress(**one(ledger, PROGRESS, {}))
