"""Mails about failures: one when an incident opens, a digest while any lasts, one when it clears; never per document.

A mail is a row, made in the transaction of its event and unique by (event, incident, recipient). Its Message-ID and its
texts are made at its first try and stay: a repeat after a crash is the same mail.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from db.database import Ledger

GATHER_S = 3.0
"""A mail that opens an incident waits this long, so that it can tell how many documents are held up."""
DIGEST_EVERY_S = 24 * 3600.0
"""While anything is open a recipient gets one digest in this time."""
LEASE_S = 120.0
"""So long a sender has a mail; longer than any call to the mail server may take."""

RECIPIENTS = """SELECT DISTINCT f.id AS failure_id, f.incident, e.address
    FROM failure f JOIN connection c ON c.state <> 'disconnected' AND c.id = coalesce(f.connection_id, c.id)
    CROSS JOIN LATERAL jsonb_array_elements_text(c.settings #> '{notify,emails}') AS e (address)"""
"""SQL: who is told of a failure; of one that belongs to no connection, everybody."""


def announce(ledger: Ledger, event: str, failure_ids: Collection[int]) -> None:
    """Have everybody who is to know of these failures told of an event, once per incident.

    Only who was told that an incident opened is told that it cleared.
    """
    if not failure_ids:
        return
    ledger.execute(
        f"""INSERT INTO mail (event, failure_id, incident, recipient, due_at)
            SELECT %(event)s::mail_event, r.failure_id, r.incident, r.address,
                ledger_now() + make_interval(secs => %(gather_s)s)
            FROM ({RECIPIENTS} WHERE f.id = ANY(%(failures)s)) r
            WHERE %(event)s <> 'cleared' OR EXISTS (SELECT FROM mail o WHERE o.event = 'opened'
                AND (o.failure_id, o.incident, o.recipient) = (r.failure_id, r.incident, r.address))
            ON CONFLICT DO NOTHING""".encode(),
        {"event": event, "failures": list(failure_ids), "gather_s": GATHER_S if event == "opened" else 0.0},
    )


def digest(ledger: Ledger) -> None:
    """Have a digest sent to everybody who was told, a day ago or longer, of something that is still open."""
    ledger.execute(
        f"""INSERT INTO mail (event, day, recipient)
            SELECT 'digest', ledger_now()::date, r.address
            FROM ({RECIPIENTS} WHERE f.state IN ('open', 'waiting')) r JOIN failure f ON f.id = r.failure_id
            GROUP BY r.address
            HAVING min(f.opened_at) <= ledger_now() - make_interval(secs => %(every_s)s)
               AND NOT EXISTS (SELECT FROM mail m WHERE m.event = 'digest' AND m.recipient = r.address
                   AND m.made_at > ledger_now() - make_interval(secs => %(every_s)s))
            ON CONFLICT DO NOTHING""".encode(),
        {"every_s": DIGEST_EVERY_S},
    )


def recipients(ledger: Ledger, failure_id: int) -> list[str]:
    """Who is told of a failure."""
    rows = ledger.execute(f"{RECIPIENTS} WHERE f.id = %s".encode(), [failure_id]).fetchall()
    return sorted(row["address"] for row in rows)


def open_for(ledger: Ledger, recipient: str) -> set[int]:
    """The failures that are open and that this recipient is told of."""
    rows = ledger.execute(
        f"{RECIPIENTS} WHERE f.state IN ('open', 'waiting') AND e.address = %s".encode(), [recipient]
    ).fetchall()
    return {row["failure_id"] for row in rows}


@dataclass(frozen=True, slots=True)
class Text:
    """What a mail says, for readers of either kind; no secret and no payload."""

    subject: str
    plain: str
    html: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that a sender has; what it says is made at its first try."""

    id: int
    event: str
    failure_id: int | None
    incident: int | None
    day: Any
    recipient: str
    attempts: int
    made_at: Any
    message_id: str | None
    subject: str | None
    plain: str | None
    html: str | None


CLAIM = """UPDATE mail m SET state = 'sending', attempts = attempts + 1, reason = '',
        due_at = ledger_now() + make_interval(secs => %s)
    WHERE id = (SELECT n.id FROM mail n WHERE n.state IN ('waiting', 'sending') AND n.due_at <= ledger_now()
        -- what is told of an incident is told in its order
        AND NOT EXISTS (SELECT FROM mail b WHERE b.failure_id = n.failure_id AND b.recipient = n.recipient
                        AND b.id < n.id AND b.state IN ('waiting', 'sending'))
        ORDER BY n.due_at, n.id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, event, failure_id, incident, day, recipient, attempts, made_at, message_id, subject, plain, html"""


def claim(ledger: Ledger) -> Mail | None:
    """Take one mail that is due, for `LEASE_S`; None where none is."""
    row = ledger.execute(CLAIM, [LEASE_S]).fetchone()
    return Mail(**row) if row else None


def keep_text(ledger: Ledger, mail_id: int, message_id: str, text: Text) -> None:
    """Keep what a mail says, before it leaves for the first time."""
    ledger.execute(
        """UPDATE mail SET message_id = %s, subject = %s, plain = %s, html = %s WHERE id = %s AND message_id IS NULL""",
        [message_id, text.subject, text.plain, text.html, mail_id],
    )


def settle(ledger: Ledger, mail: Mail, state: str, reason: str = "", *, again_in_s: float = 0.0) -> None:
    """Sending -> sent, given up, or waiting again; once another sender has taken it over, only sent counts."""
    ledger.execute(
        """UPDATE mail SET state = %(state)s::mail_state, reason = %(reason)s,
               due_at = CASE WHEN %(state)s = 'waiting' THEN ledger_now() + make_interval(secs => %(again_s)s)
                             ELSE due_at END,
               sent_at = CASE WHEN %(state)s = 'sent' THEN ledger_now() END
           WHERE id = %(id)s AND state IN ('waiting', 'sending') AND (%(state)s = 'sent' OR attempts = %(attempts)s)""",
        {"state": state, "reason": reason, "again_s": again_in_s, "id": mail.id, "attempts": mail.attempts},
    )


def age_s(ledger: Ledger, mail: Mail) -> float:
    """How long a mail has been on its way."""
    row = ledger.execute(
        "SELECT extract(epoch FROM ledger_now() - %s::timestamptz)::float AS s", [mail.made_at]
    ).fetchone()
    return float(row["s"]) if row else 0.0


def installation(ledger: Ledger) -> str:
    """What makes this ledger's ids unlike those of any other."""
    row = ledger.execute("SELECT id::text AS id FROM installation").fetchone()
    return str(row["id"]) if row else ""
