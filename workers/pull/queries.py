"""What a pull asks of Intacct, and how rows are kept. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from db.connections import Connection
from db.pulled import Seen
from db.pulls import Mark
from schemas.intacct.dates import moment_of
from schemas.intacct.functions import MAX_PAGE_SIZE, at_least, in_
from workers.pull.paging import Paged
from workers.pull.payments import DETAIL_FIELDS, HEADER_FIELDS, PAYMENTS, Row

MODIFIED = "WHENMODIFIED"

OVERLAP = timedelta(minutes=5)
"""A look begins so long before the newest record of the last one: WHENMODIFIED has seconds only, and a record may show
a moment after it was changed. A look that took longer overlaps by as long as it took."""

FIRST_LOOK_BACK = timedelta(days=31)
"""The first look begins so long before the first day that is synced: a payment may be booked before its date."""

PAGE_SIZE = MAX_PAGE_SIZE
"""Rows of a page."""

KEYS_PER_QUERY = 250
"""Records whose lines or details are read by one query."""

BILL = "APBILL"
BILL_FIELDS = (
    "RECORDNO",
    "RECORDID",
    "STATE",
    "VENDORID",
    "VENDORNAME",
    "DOCNUMBER",
    "DESCRIPTION",
    "WHENCREATED",
    "WHENDUE",
    "BASECURR",
    "CURRENCY",
    "EXCHANGE_RATE",
    "TRX_TOTALENTERED",
)
BILL_LINE_FIELDS = (
    "RECORDNO",
    "RECORDKEY",
    "LINE_NO",
    "PARENTENTRY",
    "ACCOUNTNO",
    "TRX_AMOUNT",
    "ENTRYDESCRIPTION",
    "DEPARTMENTID",
    "LOCATIONID",
    "PROJECTID",
    "CUSTOMERID",
    "EMPLOYEEID",
    "ITEMID",
    "CLASSID",
)


@dataclass(frozen=True, slots=True)
class Read:
    """How rows of an object are kept: the fields that hold numbers of other records."""

    object: str
    fields: tuple[str, ...]
    parent: str = ""
    targets: tuple[str, ...] = ()
    credit: str = ""


READS: dict[str, Read] = {
    **{name: Read(name, (*HEADER_FIELDS[name], MODIFIED)) for name in PAYMENTS},
    **{
        f"{name}DETAIL": Read(
            f"{name}DETAIL",
            (*DETAIL_FIELDS, MODIFIED),
            "PAYMENTKEY",
            ("RECORDKEY", "POSADJKEY"),
            "ADJUSTMENTKEY",
        )
        for name in PAYMENTS
    },
    BILL: Read(BILL, (*BILL_FIELDS, MODIFIED)),
}
"""What is read of each object."""


def pulled_objects(connection: Connection, *, asked: bool = False) -> list[str]:
    """The objects that the settings of a connection want: by themselves, or because a person `asked`."""
    data = connection.settings.data
    wanted: list[str] = []
    if data.receipts.enabled and (asked or data.receipts.updates == "auto"):
        wanted += [name for payment in PAYMENTS for name in (payment, f"{payment}DETAIL")]
    if data.bills.enabled and data.bills.direction == "to_scoro":
        wanted.append(BILL)
    return wanted


def changed_since(connection: Connection, marks: Mapping[str, Mark], *, asked: bool) -> dict[str, Paged]:
    """What has changed since the last look, by object; `asked`: a person wants to know."""
    return {
        name: Paged(name, READS[name].fields, at_least(MODIFIED, _begins(connection, name, marks.get(name))), PAGE_SIZE)
        for name in pulled_objects(connection, asked=asked)
    }


def _begins(connection: Connection, object_name: str, mark: Mark | None) -> datetime:
    if mark is not None:
        return mark.seen - max(OVERLAP, timedelta(seconds=mark.took_s))
    data = connection.settings.data
    chosen = data.bills if object_name == BILL else data.receipts
    return _midnight(chosen.starts_on(connection.connected_on)) - FIRST_LOOK_BACK


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def by_keys(
    object_name: str, field: str, keys: Collection[int] | Collection[str], *, fields: Sequence[str] = ()
) -> dict[str, Paged]:
    """Rows of an object whose field is one of the keys, by names of the queries."""
    wanted = tuple(fields) or READS[object_name].fields
    ordered = [str(key) for key in sorted(keys)]
    return {
        f"{object_name} by {field} from {ordered[start]}": Paged(
            object_name, wanted, in_(field, ordered[start : start + KEYS_PER_QUERY]), PAGE_SIZE
        )
        for start in range(0, len(ordered), KEYS_PER_QUERY)
    }


def seen(object_name: str, rows: Sequence[Row]) -> list[Seen]:
    """Rows as the ledger keeps them; those without a time of change count as changed at the beginning of time."""
    read = READS[object_name]
    return [
        Seen(
            object_name,
            int(row["RECORDNO"]),
            moment_of(row.get(MODIFIED, "")) or datetime(1970, 1, 1, tzinfo=UTC),
            {name: text for name, text in row.items() if name in read.fields},
            parent_no=_number(row, read.parent),
            target_no=next((found for name in read.targets if (found := _number(row, name)) is not None), None),
            credit_no=_number(row, read.credit),
        )
        for row in rows
    ]


def newest(rows: Sequence[Row]) -> datetime | None:
    """The largest WHENMODIFIED that was seen."""
    return max((at for row in rows if (at := moment_of(row.get(MODIFIED, ""))) is not None), default=None)


def _number(row: Row, name: str) -> int | None:
    text = row.get(name, "") if name else ""
    return int(text) if text.isdecimal() else None
