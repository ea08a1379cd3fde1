"""What we changed among Scoro's finance accounts and VAT codes: kept before each call, so that it can be undone."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from db.database import Ledger, one

Change = Literal["deactivated", "activated", "created"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A change that was intended or made."""

    id: int
    module: str
    scoro_id: int | None
    change: Change
    symbol: str
    name: str
    state: str


def intend(
    ledger: Ledger,
    connection_id: int,
    module: str,
    change: Change,
    *,
    scoro_id: int | None,
    symbol: str,
    name: str,
) -> int:
    """Keep a change before it is made; returns its id."""
    row = one(
        ledger,
        """INSERT INTO scoro_background (connection_id, module, scoro_id, change, symbol, name)
           VALUES (%s, %s, %s, %s, %s, %s) RETURNING id""",
        [connection_id, module, scoro_id, change, symbol, name],
    )
    return int(row["id"])


def settle(ledger: Ledger, change_id: int, state: str, *, scoro_id: int | None = None, reason: str = "") -> None:
    """What became of a change."""
    ledger.execute(
        """UPDATE scoro_background SET state = %s::background_state, scoro_id = coalesce(%s, scoro_id), reason = %s
           WHERE id = %s""",
        [state, scoro_id, reason, change_id],
    )


def kept(ledger: Ledger, connection_id: int, states: Collection[str]) -> list[Kept]:
    """Changes in these states, the oldest first."""
    rows = ledger.execute(
        """SELECT id, module, scoro_id, change, symbol, name, state FROM scoro_background
           WHERE connection_id = %s AND state = ANY(%s::background_state[]) ORDER BY id""",
        [connection_id, list(states)],
    ).fetchall()
    return [Kept(**row) for row in rows]
