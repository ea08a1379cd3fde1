"""What can go wrong, sorted by what the caller does next.

Every boundary raises errors of its own (`clients.scoro.errors`, `clients.intacct.errors`); what stays of an error
once a document cannot go on is a `Problem`: a cause and a fix in words that a person can act on.

DocumentError        this one document cannot be translated; the Problem says which field and what to do
"""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from schemas.redaction import redact


class ErrorClass(StrEnum):
    """What the caller does with an error."""

    DATA = "data"
    """The document or a setting is wrong; a person changes it."""
    REFUSED = "refused"
    """Intacct's business rules said no; a person changes the document or Intacct."""
    DUPLICATE = "duplicate"
    """It is there already: looked up and linked."""
    NOT_FOUND = "not_found"
    """Scoro does not know the document."""
    THROTTLED = "throttled"
    """Wait for the whole company."""
    UNAVAILABLE = "unavailable"
    """Nothing ran; due again by the policy table."""
    UNCERTAIN = "uncertain"
    """It may have run; looked up before anything else."""
    BROKEN = "broken"
    """Credentials or rights: the connection is at fault, not the document."""
    HELD = "held"
    """A limit was reached beyond which a person is asked first."""
    BUG = "bug"
    """Ours: the far side could not read what we sent, or our code failed."""
    POISON = "poison"
    """A message that no actor can handle."""
    UNKNOWN = "unknown"
    """A text that the catalogue does not know."""


class Who(StrEnum):
    """Who can put an error right."""

    FINANCE = "finance person"
    INTACCT_ADMIN = "Intacct administrator"
    SCORO_ADMIN = "Scoro administrator"
    OPERATOR = "operator"
    US = "scoro-intacct"
    NOBODY = "nobody: it passes"


RESPONSIBLE = {
    ErrorClass.DATA: Who.FINANCE,
    ErrorClass.REFUSED: Who.FINANCE,
    ErrorClass.DUPLICATE: Who.FINANCE,
    ErrorClass.NOT_FOUND: Who.FINANCE,
    ErrorClass.THROTTLED: Who.NOBODY,
    ErrorClass.UNAVAILABLE: Who.OPERATOR,
    ErrorClass.UNCERTAIN: Who.NOBODY,
    ErrorClass.BROKEN: Who.OPERATOR,
    ErrorClass.BUG: Who.US,
    ErrorClass.POISON: Who.OPERATOR,
    ErrorClass.HELD: Who.FINANCE,
    ErrorClass.UNKNOWN: Who.FINANCE,
}
"""Who can put right what a class of errors says, where nothing finer is known."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a document cannot go on, for the failure list.

    `code` is stable (ours, such as `line_without_account`, or the far side's number); `cause` and `fix` are sentences
    that name the document and the field; `culprit` names the values that cause it (the account, the tax rate, never the
    document), so that equal causes meet in one failure. `holds` are those of them that no other document can get
    through with either, until somebody puts it right: what holds one of them waits. `who` can put it right.
    """

    error_class: ErrorClass
    code: str
    cause: str
    fix: str
    field: str = ""
    culprit: tuple[str, ...] = dataclasses.field(default=())
    holds: tuple[str, ...] = dataclasses.field(default=())
    who: Who | None = None

    def __post_init__(self) -> None:
        """Mask secrets: a far side may have quoted what we sent."""
        object.__setattr__(self, "cause", redact(self.cause))
        object.__setattr__(self, "fix", redact(self.fix))
        object.__setattr__(self, "culprit", tuple(redact(value) for value in self.culprit))

    @property
    def responsible(self) -> Who:
        """Who can put it right."""
        return self.who or RESPONSIBLE[self.error_class]


class DocumentError(Exception):
    """Raised for a document that cannot be translated; `problem` says which field and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.cause)
        self.problem = problem
