"""The signs of credits: negative in our postings, whatever Scoro writes; in AP adjustments as a setting names it.

Nobody says which sign Scoro gives to a credit invoice (scoro-api, A1), so both are read.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from schemas.scoro import Document
from workers.translation.faults import refused
from workers.translation.postings import Posting

D = TypeVar("D", bound=Document)


def as_credit(document: D, notes: list[str]) -> D:
    """Return a credit document with a negative total; one that Scoro wrote without its sign is turned around."""
    if document.sum < 0 or (document.sum == 0 and document.vat_sum <= 0):
        return document
    notes.append(f"Scoro wrote the {document.noun} without a sign; it was taken as a credit.")
    lines = tuple(line.model_copy(update={"sum": -line.sum, "amount": -line.amount}) for line in document.lines)
    return document.model_copy(update={"sum": -document.sum, "vat_sum": -document.vat_sum, "lines": lines})


def with_sign(document: Document, lines: Sequence[Posting], sign: Literal["negative", "positive"]) -> list[Posting]:
    """Return the lines of a credit bill with the sign that reduces what is owed; raises DocumentError for a mixture."""
    if any(line.amount > 0 for line in lines):
        raise refused(
            "mixed_signs",
            f"{document.label} has lines that are owed and lines that are credited (sum); an AP adjustment takes lines "
            "of one sign.",
            "Put what is owed on a bill of its own in Scoro, or book it in Intacct by hand.",
            field="sum",
        )
    if sign == "negative":
        return list(lines)
    return [replace(line, amount=-line.amount, tax=None if line.tax is None else -line.tax) for line in lines]
