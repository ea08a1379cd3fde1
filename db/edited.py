"""A person's version of a refused function: a new operation in the place of the old one, which is kept."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from db.database import Ledger, one


@dataclass(frozen=True, slots=True)
class Refused:
    """An operation that was refused, as far as its edited version must agree with it."""

    id: uuid.UUID
    document_id: int
    controlid: str
    function: dict[str, Any]
    natural_key: str
    party: str
    total: Decimal | None


def refused(ledger: Ledger, operation_id: uuid.UUID) -> Refused | None:
    """The operation, locked; None where it is no longer refused."""
    row = ledger.execute(
        """SELECT id, document_id, controlid, function, natural_key, party, total FROM operation
           WHERE id = %s AND state = 'refused' FOR UPDATE""",
        [operation_id],
    ).fetchone()
    return Refused(**row) if row else None


FRESH: dict[str, Any] = {
    "state": "ready",
    "reason": "",
    "purpose": "interactive",
    "attempts": 0,
    "fresh_controlids": 0,
    "pack_group": None,
    "bisect_root": None,
    "look_ups": 0,
    "doubted": False,
    "first_left_at": None,
    "certain_at": None,
    "request_id": None,
    "problem": None,
    "record_no": None,
    "settled_at": None,
}
"""What an operation holds that was never sent."""


def replace(ledger: Ledger, old: Refused, changes: dict[str, Any]) -> uuid.UUID:
    """Add a version of a refused operation that differs by `changes` (columns), and supersede the old one."""
    made = uuid.uuid4()
    ledger.execute(
        """UPDATE operation SET state = 'superseded', reason = 'a person''s version took its place' WHERE id = %s""",
        [old.id],
    )
    now = one(ledger, "SELECT ledger_now()::text AS at")["at"]
    columns = FRESH | {"id": str(made), "controlid": str(made), "edited_from": str(old.id)}
    columns |= {"created_at": now, "due_at": now} | changes
    ledger.execute(
        """INSERT INTO operation SELECT (jsonb_populate_record(o, %s)).* FROM operation o WHERE o.id = %s""",
        [Jsonb(columns), old.id],
    )
    ledger.execute(
        """INSERT INTO operation_need (operation_id, document_id)
           SELECT %s, document_id FROM operation_need WHERE operation_id = %s""",
        [made, old.id],
    )
    return made
