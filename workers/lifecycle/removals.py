"""What happens in Intacct when a document is deleted in Scoro: nothing, its draft is deleted, or it is reversed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from schemas.intacct.functions import Function, delete
from workers.delivery.look_ups.contents import DOCUMENTS

OnDelete = Literal["hold", "delete_draft", "reverse"]

REVERSIBLE = frozenset({"ARINVOICE", "APBILL"})
"""Objects with a function that reverses them; adjustments have none (intacct-xml-api, section 8.3)."""
DELETED, REVERSED = "Deleted", "Reversed"
REMOVED_STATES = frozenset({DELETED, REVERSED})
"""States of a link whose record stands for nothing any more: the document has no record in Intacct."""
REMOVED = "removed"
"""Fingerprint of "it is not there" in place of what a document says."""


@dataclass(frozen=True, slots=True)
class Removal:
    """How the record of a deleted document goes. `note` says it, for people."""

    verb: Literal["delete", "reverse"]
    function: Function
    note: str


def plan_removal(link: Mapping[str, Any], chosen: OnDelete, day: date, key: str) -> Removal | str:
    """What to send for a document that was deleted in Scoro, or why Intacct keeps its record.

    `link` is the ledger's row, `day` when it was deleted, `key` names the setting.
    """
    object_name, record_no, number = link["object"], link["record_no"], link["natural_key"]
    is_draft = link["record_state"] == "Draft"
    if object_name not in DOCUMENTS:
        return f"it was deleted in Scoro; Intacct still holds {number}: delete or keep it there"
    if chosen == "hold" or (chosen == "delete_draft" and not is_draft):
        why = "" if chosen == "hold" else f", which is no draft ({key} is {chosen})"
        return f"it was deleted in Scoro; Intacct still holds {number}{why}: delete or keep it there"
    if is_draft or object_name not in REVERSIBLE:
        what = "the draft" if is_draft else "the adjustment"
        note = f"It was deleted in Scoro, so {what} {number} is deleted in Intacct ({key} is {chosen})."
        return Removal("delete", delete(object_name, record_no), note)
    function = Function(
        name=f"reverse_{DOCUMENTS[object_name].noun}",
        attributes={"key": record_no},
        body={"datereversed": day.isoformat(), "description": "Deleted in Scoro"},
    )
    note = f"It was deleted in Scoro, so {number} is reversed in Intacct on {day} ({key} is {chosen})."
    return Removal("reverse", function, note)
