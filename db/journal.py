"""Lines of the journal that no change of state writes: settings and limits that a person changed."""

from db.database import Ledger


def write(ledger: Ledger, subject: str, subject_id: int, event: str, detail: str) -> None:
    """Note what was done to `subject` (the table) with that id, by the transaction's actor."""
    ledger.execute(
        "INSERT INTO journal (actor, subject, subject_id, to_state, detail) VALUES (ledger_actor(), %s, %s, %s, %s)",
        [subject, str(subject_id), event, detail],
    )
