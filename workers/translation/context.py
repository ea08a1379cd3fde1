"""What a translation is given and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from schemas.intacct.functions import Function
from schemas.kinds import RecordRef
from schemas.money import Money
from schemas.reference import ReferenceData
from schemas.scoro import Contact, Record
from schemas.settings import ConnectionSettings


@dataclass(frozen=True, slots=True)
class DocumentLink:
    """The record in Intacct that the document stands in already.

    `lines` maps our line keys to the numbers of their lines in Intacct, of removed lines too. `state` is Intacct's
    (`Draft`, `Posted`, ...). `previous` is the create or update posted last; None where it is not known.
    """

    recordno: str
    number: str
    lines: Mapping[str, int]
    state: str = "Posted"
    previous: Function | None = None
    object: str = "ARINVOICE"


@dataclass(frozen=True, slots=True)
class Context:
    """All that a translation reads beside the document.

    `known` are the natural ids (CUSTOMERID, ...) of needed records that Intacct has, or that are on their way;
    `sources` is what Scoro says of the others, from which one is found or made. `owners` are the CUSTOMERIDs of known
    projects, `inactive` known records that we made inactive, `left_out` those that the settings exclude, with the
    reason, and `taken` the natural ids of projects that stand for a project of Scoro already, with that one.
    `attachment` is the id of the record that holds the document's files, "" where it has none. `person` is the contact
    person; without it the document's `person_name` is used.
    """

    settings: ConnectionSettings
    reference: ReferenceData
    known: Mapping[RecordRef, str] = field(default_factory=dict)
    sources: Mapping[RecordRef, Record] = field(default_factory=dict)
    owners: Mapping[RecordRef, str] = field(default_factory=dict)
    inactive: frozenset[RecordRef] = frozenset()
    left_out: Mapping[RecordRef, str] = field(default_factory=dict)
    taken: Mapping[str, RecordRef] = field(default_factory=dict)
    attachment: str = ""
    person: Contact | None = None
    link: DocumentLink | None = None


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """A record that the document needs and the ledger does not know: found in Intacct, or to be made by `function`.

    `key` is its natural id in Intacct; `needs` are the records that it needs itself; `party` is the CUSTOMERID of a
    project. `source_fingerprint` is of what Scoro says of one that is synced by itself too.
    """

    ref: RecordRef
    key: str
    function: Function | None = None
    notes: tuple[str, ...] = ()
    needs: tuple[RecordRef, ...] = ()
    party: str = ""
    source_fingerprint: str = ""

    @property
    def matched(self) -> bool:
        """Whether Intacct has the record already."""
        return self.function is None


@dataclass(frozen=True, slots=True)
class Translation:
    """One function for Intacct, and what the ledger keeps about it.

    `number` is the natural key by which the record is looked up, `party` its CUSTOMERID or VENDORID. `line_numbers`
    are the numbers that our line keys have in Intacct once the function has run. `total` is what the record's total
    must be then. `needs` are the records that must stand before, `plans` say how those come to be that the ledger
    does not know. `notes` are decisions made silently, a sentence each.
    """

    function: Function
    number: str
    party: str = ""
    line_numbers: dict[str, int] = field(default_factory=dict)
    total: Money | None = None
    needs: tuple[RecordRef, ...] = ()
    plans: tuple[RecordPlan, ...] = ()
    notes: tuple[str, ...] = ()
    credits: tuple[int, ...] = ()
    """Scoro's ids of the invoices that it is to be applied to once it and they stand in Intacct."""

    @property
    def gross(self) -> Decimal | None:
        """The total without its currency."""
        return self.total.amount if self.total else None
