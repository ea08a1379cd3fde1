"""Why is this one not there? One sentence for every document that was ever seen, from where it stands now.

And of a failure: what comes by itself once it is put right.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from db.database import Ledger, one

STANDING = """SELECT d.state::text AS state, d.reason, n.name AS connection, n.state::text AS connection_state,
        n.reason AS connection_reason, n.next_run_at, s.held_until > ledger_now() AS scoro_held, s.held_until,
        c.state::text AS change, c.scheduled, c.attempts AS reads, coalesce(c.reason, '') AS change_reason,
        c.due_at AS change_due_at, c.captured_at < ledger_now() - interval '1 minute' AS unheard,
        o.state::text AS operation, coalesce(o.reason, '') AS operation_reason, o.due_at,
        o.due_at > ledger_now() AS is_later, o.edited_from IS NOT NULL AS by_hand, l.object, l.record_no,
        f.id AS failure,
        letter.cause, letter.fix, letter.who, needed.document AS needed,
        needed.reason AS needed_reason, w.since + interval '24 hours' AS culprit_until
    FROM document d JOIN connection n ON n.id = d.connection_id JOIN site s ON s.id = n.site_id
    LEFT JOIN LATERAL (SELECT * FROM change x WHERE x.document_id = d.id AND x.state IN ('waiting', 'reading')
        ORDER BY x.id LIMIT 1) c ON true
    LEFT JOIN LATERAL (SELECT * FROM operation x WHERE x.document_id = d.id AND x.state <> 'superseded'
        ORDER BY x.created_at DESC LIMIT 1) o ON true
    LEFT JOIN link l ON l.document_id = d.id
    LEFT JOIN LATERAL (SELECT x.* FROM failure_document fd JOIN failure x ON x.id = fd.failure_id
        WHERE fd.document_id = d.id AND fd.cleared_at IS NULL ORDER BY x.id DESC LIMIT 1) f ON true
    LEFT JOIN LATERAL (SELECT x.* FROM dead_letter x WHERE x.document_id = d.id ORDER BY x.id DESC LIMIT 1) letter
        ON true
    LEFT JOIN LATERAL (SELECT document_name(r) AS document, r.reason FROM operation_need x
        JOIN document r ON r.id = x.document_id WHERE x.operation_id = o.id
          AND NOT EXISTS (SELECT FROM link k WHERE k.document_id = r.id) LIMIT 1) needed ON true
    LEFT JOIN LATERAL (SELECT x.since FROM operation_culprit x WHERE x.operation_id = o.id AND x.let_go_at IS NULL
        LIMIT 1) w ON true
    WHERE d.id = %s"""


def why(ledger: Ledger, document_id: int) -> str:
    """Where a document stands and what it waits for, in words that say what comes next or what to do."""
    row = one(ledger, STANDING, [document_id])
    return " ".join(part for part in (_sentence(row), _beside(row)) if part)


def then(failure: Mapping[str, Any]) -> str:
    """What comes once a failure is put right, by its `state`, `class`, `holds` and `count`; empty: nothing."""
    if failure["state"] not in {"open", "waiting"}:
        return ""
    if failure["class"] == "broken":
        return "It is tried again by itself, and all that waits goes once it works."
    if not failure["count"]:
        return ""
    if failure["state"] == "waiting":
        return "Its documents are being tried again."
    if failure["holds"]:
        return (
            "One document tries by itself each hour, and when it goes through the others follow. Trying all of them"
            " again is faster."
        )
    return "Try all of them again; a document that is edited in Scoro goes by itself."


def _sentence(row: dict[str, Any]) -> str:
    state, reason = row["state"], row["reason"]
    if state in {"posted", "linked"}:
        there = f"It is there, as {row['object']} {row['record_no']}" if row["record_no"] else "Nothing is to be sent"
        return _ended(f"{there}{f': {reason}' if reason else ''}")
    if state == "failed":
        told = f"It failed: {row['cause'] or reason} {row['fix'] or ''}".rstrip()
        return _ended(f"{told} Failure {row['failure']}, for the {row['who']}" if row["failure"] else told)
    if state == "waiting":
        return _ended(_waiting(row))
    plain = {
        "skipped": "It is left out",
        "ignored": "A person has it left alone",
        "deleted": "It was deleted",
        "held": "A person decides about it",
        "sending": "It is under way to Intacct right now",
        "uncertain": "It may be there, and is looked up",
    }[state]
    return _ended(f"{plain}{f': {reason}' if reason else ''}")


def _waiting(row: dict[str, Any]) -> str:
    if row["connection_state"] not in {"active", "rehearsal"}:
        said = f": {row['connection_reason']}" if row["connection_reason"] else ""
        return f"It waits, as {row['connection']} is {row['connection_state']}{said}"
    if row["change"] is not None:
        return _to_be_read(row)
    if row["connection_state"] == "rehearsal":
        return f"It waits, as {row['connection']} is in rehearsal: `scoro-intacct connection go-live` sends"
    if row["culprit_until"] is not None:
        return f"It {row['operation_reason']}; it tries by {_at(row['culprit_until'])} at the latest"
    if row["operation"] == "waiting_prerequisite" and row["needed"] is not None:
        said = f" ({row['needed_reason']})" if row["needed_reason"] else ""
        return f"It needs {row['needed']}, which is not in Intacct yet{said}"
    if row["operation"] == "ready" and row["is_later"]:
        return f"It is tried again at {_at(row['due_at'])}: {row['operation_reason'] or 'not now'}"
    if row["operation"] == "ready":
        said = f": {row['operation_reason']}" if row["operation_reason"] else ""
        return f"It goes with the next request{said}"
    return f"It waits: {row['operation_reason'] or row['reason'] or 'it will be read from Scoro'}"


def _to_be_read(row: dict[str, Any]) -> str:
    if row["change"] == "reading":
        return "It is being read from Scoro right now"
    if row["scheduled"]:
        then = f"at {_at(row['next_run_at'])}" if row["next_run_at"] else "when somebody says `scoro-intacct sync now`"
        return f"It waits for its schedule: it is read {then}"
    if row["operation"] in {"sending", "uncertain"}:
        return "It is read again once its last write is no longer in doubt"
    said = f": {row['change_reason']}" if row["change_reason"] else ""
    if row["scoro_held"]:
        return f"Scoro is not asked before {_at(row['held_until'])}{said}"
    if not row["reads"] and row["unheard"]:
        return "It waits to be read from Scoro, and no worker has taken it: is `scoro-intacct up` or `work` running?"
    return f"It is read from Scoro at {_at(row['change_due_at'])}{said}"


def _beside(row: dict[str, Any]) -> str:
    """What is true besides."""
    said = []
    if row["state"] in {"posted", "linked"} and row["by_hand"]:
        said.append("It was sent with other values by hand, and differs from Scoro until its next edit.")
    if row["state"] != "waiting" and row["change"] is not None:
        said.append(f"A newer change of it came. {_ended(_to_be_read(row))}")
    return " ".join(said)


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _at(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
