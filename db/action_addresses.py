"""Addresses of quick actions: each acts in one person's name, until it is revoked or expires."""

from dataclasses import dataclass
from typing import Any

from db.database import Ledger, one

USES_A_MINUTE = 60
"""More posts to one address in a minute are turned away."""


@dataclass(frozen=True, slots=True)
class ActionAddress:
    """An address that was posted to or looked at; `busy`: too often in this minute."""

    id: int
    connection_id: int
    username: str
    action: str
    kind: str | None
    revoked: bool
    expired: bool
    busy: bool


def add(
    ledger: Ledger,
    connection_id: int,
    *,
    username: str,
    action: str,
    kind: str | None,
    days: int | None,
    made_by: str,
) -> int:
    """Add an address and return its id; without `days` it does not expire."""
    row = one(
        ledger,
        """INSERT INTO action_address (connection_id, username, action, kind, made_by, expires_at)
           VALUES (%s, %s, %s, %s, %s, ledger_now() + make_interval(days => %s)) RETURNING id""",
        [connection_id, username, action, kind, made_by, days],
    )
    return int(row["id"])


def look(ledger: Ledger, address_id: int) -> ActionAddress | None:
    """The address, without using it."""
    row = ledger.execute(
        """SELECT id, connection_id, username, action, kind, revoked_at IS NOT NULL AS revoked,
               coalesce(expires_at <= ledger_now(), false) AS expired, false AS busy
           FROM action_address WHERE id = %s""",
        [address_id],
    ).fetchone()
    return ActionAddress(**row) if row else None


def use(ledger: Ledger, address_id: int) -> ActionAddress | None:
    """The address, posted to once more in this minute."""
    row = ledger.execute(
        """UPDATE action_address SET minute = date_trunc('minute', ledger_now()),
               minute_uses = CASE WHEN minute = date_trunc('minute', ledger_now()) THEN minute_uses + 1 ELSE 1 END
           WHERE id = %(id)s
           RETURNING id, connection_id, username, action, kind, revoked_at IS NOT NULL AS revoked,
               coalesce(expires_at <= ledger_now(), false) AS expired, minute_uses > %(most)s AS busy""",
        {"id": address_id, "most": USES_A_MINUTE},
    ).fetchone()
    return ActionAddress(**row) if row else None


def acted(ledger: Ledger, address_id: int) -> None:
    """Count what the address did."""
    ledger.execute("UPDATE action_address SET uses = uses + 1, last_used_at = ledger_now() WHERE id = %s", [address_id])


def revoke(ledger: Ledger, address_id: int) -> dict[str, Any] | None:
    """End an address; its user and connection, None where there is none that still acts."""
    return ledger.execute(
        """UPDATE action_address SET revoked_at = ledger_now() WHERE id = %s AND revoked_at IS NULL
           RETURNING username, connection_id""",
        [address_id],
    ).fetchone()


def every(ledger: Ledger, connection_id: int | None = None) -> list[dict[str, Any]]:
    """All addresses, without what is secret about them."""
    return ledger.execute(
        """SELECT a.id, c.name AS connection, a.username AS "user", a.action, a.kind, a.made_by, a.made_at,
               a.expires_at, a.revoked_at, a.uses, a.last_used_at, CASE WHEN a.revoked_at IS NOT NULL THEN 'revoked'
                   WHEN a.expires_at <= ledger_now() THEN 'expired' ELSE 'valid' END AS state
           FROM action_address a JOIN connection c ON c.id = a.connection_id
           WHERE %(connection)s::bigint IS NULL OR a.connection_id = %(connection)s ORDER BY a.id""",
        {"connection": connection_id},
    ).fetchall()
