"""Background data: what both sides know beside documents, read whole and kept as reference data.

All queries of Intacct ride in one request; only what does not fit into a page of 2,000 rows takes a second one.
"""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from clients.scoro.client import ScoroClient
from db.reference import Item
from schemas.intacct.functions import (
    MAX_PAGE_SIZE,
    Function,
    get_dimensions,
    query,
    read_entity_details,
)
from schemas.intacct.results import FunctionResult
from schemas.redaction import redact
from schemas.scoro import CompanyAccount, read_company_account, read_finance_account, read_vat_code
from workers.carrier import Send
from workers.reference import DIMENSION

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Topic:
    """How one topic is read: its object, its fields, and the item that a row becomes, if it has the `key`.

    `optional`: what cannot be read is done without, and nobody is told.
    """

    object: str
    fields: tuple[str, ...]
    item: Callable[[Row], Item]
    key: str
    order_by: str = "RECORDNO"
    optional: bool = False


def _is_active(row: Row) -> bool:
    return row.get("STATUS", "active").casefold() not in {"inactive", "f", "false"}


def _named(key: str, name: str) -> Callable[[Row], Item]:
    return lambda row: Item(row[key], {"name": row.get(name, "")}, _is_active(row))


def _party(object_name: str) -> Topic:
    key = f"{object_name}ID"
    return Topic(
        object_name,
        ("RECORDNO", key, "NAME", "TAXID", "STATUS"),
        lambda row: Item(
            row[key],
            {"name": row.get("NAME", ""), "tax_id": row.get("TAXID", ""), "record_no": row["RECORDNO"]},
            _is_active(row),
        ),
        key,
    )


REQUIRED_DIMENSIONS = {"REQUIREDEPT": "DEPARTMENT", "REQUIREPROJECT": "PROJECT", "REQUIRECLASS": "CLASS"}
"""Field of an account -> the dimension that each of its lines must carry. The location is sent anyway, customer and
vendor come from the header."""

TOPICS: dict[str, Topic] = {
    "account": Topic(
        "GLACCOUNT",
        ("RECORDNO", "ACCOUNTNO", "TITLE", "STATUS"),
        lambda row: Item(row["ACCOUNTNO"], {"title": row.get("TITLE", "")}, _is_active(row)),
        "ACCOUNTNO",
    ),
    # by itself, as companies have different fields of this kind, and one unknown field refuses the whole query
    "account_dimensions": Topic(
        "GLACCOUNT",
        ("RECORDNO", "ACCOUNTNO", *REQUIRED_DIMENSIONS),
        lambda row: Item(
            row["ACCOUNTNO"],
            {"requires": [name for field, name in REQUIRED_DIMENSIONS.items() if row.get(field) == "true"]},
        ),
        "ACCOUNTNO",
        optional=True,
    ),
    "tax_detail": Topic(
        "TAXDETAIL",
        ("RECORDNO", "DETAILID", "DESCRIPTION", "TAXTYPE", "VALUE", "TAXSOLUTIONID", "REVERSECHARGE", "STATUS"),
        lambda row: Item(
            row["DETAILID"],
            {
                "rate": row.get("VALUE") or "0",
                "type": {"S": "Sale", "P": "Purchase"}.get(row.get("TAXTYPE", ""), row.get("TAXTYPE", "")),
                "solution": row.get("TAXSOLUTIONID") or None,
                "description": row.get("DESCRIPTION", ""),
                "reverse_charge": row.get("REVERSECHARGE", "").casefold() in {"true", "t"},
            },
            _is_active(row),
        ),
        "DETAILID",
    ),
    "tax_solution": Topic(
        "TAXSOLUTION",
        ("RECORDNO", "SOLUTIONID", "TAXMETHOD"),
        lambda row: Item(row["SOLUTIONID"], {"method": row.get("TAXMETHOD", "")}),
        "SOLUTIONID",
    ),
    "customer": _party("CUSTOMER"),
    "vendor": _party("VENDOR"),
    "contact": Topic(
        "CONTACT", ("RECORDNO", "CONTACTNAME", "STATUS"), _named("CONTACTNAME", "CONTACTNAME"), "CONTACTNAME"
    ),
    f"{DIMENSION}LOCATION": Topic(
        "LOCATION", ("RECORDNO", "LOCATIONID", "NAME", "STATUS"), _named("LOCATIONID", "NAME"), "LOCATIONID"
    ),
    f"{DIMENSION}DEPARTMENT": Topic(
        "DEPARTMENT", ("RECORDNO", "DEPARTMENTID", "TITLE", "STATUS"), _named("DEPARTMENTID", "TITLE"), "DEPARTMENTID"
    ),
    f"{DIMENSION}CLASS": Topic(
        "CLASS", ("RECORDNO", "CLASSID", "NAME", "STATUS"), _named("CLASSID", "NAME"), "CLASSID"
    ),
    f"{DIMENSION}PROJECT": Topic(
        "PROJECT",
        ("RECORDNO", "PROJECTID", "NAME", "CUSTOMERID", "STATUS"),
        lambda row: Item(
            row["PROJECTID"],
            {"name": row.get("NAME", ""), "customer": row.get("CUSTOMERID", ""), "record_no": row["RECORDNO"]},
            _is_active(row),
        ),
        "PROJECTID",
    ),
    f"{DIMENSION}ITEM": Topic("ITEM", ("RECORDNO", "ITEMID", "NAME", "STATUS"), _named("ITEMID", "NAME"), "ITEMID"),
    f"{DIMENSION}EMPLOYEE": Topic(
        "EMPLOYEE",
        ("RECORDNO", "EMPLOYEEID", "PERSONALINFO.PRINTAS", "STATUS"),
        _named("EMPLOYEEID", "PERSONALINFO.PRINTAS"),
        "EMPLOYEEID",
        optional=True,
    ),
}
"""Topic of the reference data -> how it is read from Intacct."""


@dataclass(slots=True)
class IntacctBackground:
    """What Intacct told: its entities, its dimensions, and the items of every topic that the user may read."""

    entities: tuple[Row, ...] = ()
    dimensions: tuple[Row, ...] = ()
    topics: dict[str, list[Item]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    """Object -> why it could not be read."""
    probed: dict[str, FunctionResult | None] = field(default_factory=dict)
    """What else was asked for, by name."""


@dataclass(frozen=True, slots=True)
class ScoroBackground:
    """What Scoro told."""

    company: CompanyAccount
    topics: dict[str, list[Item]]


def user_defined(dimension: str) -> Topic:
    """How the values of a user-defined dimension are read: records of its own object, by id and name."""
    return Topic(
        dimension, ("id", "name"), lambda row: Item(row["id"], {"name": row.get("name", "")}), key="id", order_by="id"
    )


def read_intacct(
    send: Send, user_dimensions: Collection[str] = (), probes: Mapping[str, Function] | None = None
) -> IntacctBackground:
    """Read everything in one request; what does not fit into a page, or was not known before, takes a second one.

    `user_dimensions` are the user-defined dimensions that are known; Intacct tells of new ones. `probes` ride in the
    first request.
    """
    reading = _Reading(send, TOPICS | {f"{DIMENSION}{name}": user_defined(name) for name in user_dimensions})
    reading.run(probes or {})
    return reading.found


class _Reading:
    """What was read of each topic so far."""

    def __init__(self, send: Send, topics: Mapping[str, Topic]) -> None:
        self.found = IntacctBackground()
        self._send = send
        self._topics = dict(topics)
        self._rows: dict[str, list[Row]] = {}

    def run(self, probes: Mapping[str, Function]) -> None:
        """Ask for the first pages of all topics, then for whatever that showed to be missing."""
        calls = {"entities": read_entity_details(), "dimensions": get_dimensions()}
        calls |= {f"probe {name}": function for name, function in probes.items()}
        answers = _ask(self._send, calls | self._pages({name: [0] for name in self._topics}))
        self.found.entities = _rows_of(answers["entities"])
        self.found.dimensions = _rows_of(answers["dimensions"])
        self.found.probed = {name: answers[f"probe {name}"] for name in probes}
        wanted = self._hear(answers)
        for name in self._new_dimensions():
            self._topics[f"{DIMENSION}{name}"] = user_defined(name)
            wanted[f"{DIMENSION}{name}"] = [0]
        while any(wanted.values()):
            wanted = self._hear(_ask(self._send, self._pages(wanted)))
        for name, rows in self._rows.items():
            topic = self._topics[name]
            self.found.topics[name] = [topic.item(row) for row in rows if row.get(topic.key)]

    def _new_dimensions(self) -> list[str]:
        told = [row for row in self.found.dimensions if row.get("userDefinedDimension", "").casefold() == "true"]
        names = [row.get("objectName", "") for row in told]
        return [name for name in names if name and f"{DIMENSION}{name}" not in self._topics]

    def _pages(self, wanted: Mapping[str, Sequence[int]]) -> dict[str, Function]:
        """The questions for these pages, named by topic and offset."""
        questions: dict[str, Function] = {}
        for name, offsets in wanted.items():
            topic = self._topics[name]
            for offset in offsets:
                order = (topic.order_by,)
                questions[f"{name} {offset}"] = query(topic.object, topic.fields, order_by=order, offset=offset)
        return questions

    def _hear(self, answers: Mapping[str, FunctionResult | None]) -> dict[str, list[int]]:
        """Keep rows and refusals; returns the pages that are still missing."""
        missing: dict[str, list[int]] = {}
        for question, answer in answers.items():
            name, _, offset = question.rpartition(" ")
            topic = self._topics.get(name)
            if topic is None:
                continue
            if answer is None or not answer.succeeded:
                if not topic.optional:
                    told = redact(answer.errors[0].description2) if answer and answer.errors else "no answer"
                    self.found.unreadable[topic.object] = told
                continue
            self._rows.setdefault(name, []).extend(answer.rows)
            if offset == "0":
                missing[name] = list(range(MAX_PAGE_SIZE, answer.totalcount or 0, MAX_PAGE_SIZE))
        return missing


def known_user_dimensions(topics: Collection[str]) -> list[str]:
    """The user-defined dimensions among topics of the reference data."""
    return sorted(
        topic.removeprefix(DIMENSION) for topic in topics if topic.startswith(DIMENSION) and topic not in TOPICS
    )


def _rows_of(answer: FunctionResult | None) -> tuple[Row, ...]:
    return answer.rows if answer else ()


def _ask(send: Send, asked: Mapping[str, Function]) -> dict[str, FunctionResult | None]:
    calls = {name: (str(uuid.uuid4()), function) for name, function in asked.items()}
    response = send(list(calls.values()))
    return {name: response.results.get(controlid) for name, (controlid, _) in calls.items()}


def read_scoro(scoro: ScoroClient) -> ScoroBackground:
    """Read the entity itself, VAT codes and finance accounts."""
    told = scoro.call("companyAccount", "list")  # one object or a list of one: the reference does not say
    company = read_company_account((told[0] if told else {}) if isinstance(told, list) else told or {})
    vat_codes = [read_vat_code(row) for page in scoro.pages("vatCodes") for row in page]
    accounts = [read_finance_account(row) for page in scoro.pages("financeAccounts") for row in page]
    return ScoroBackground(
        company,
        {
            "currency": [Item(code, {}) for code in {*company.active_currencies, company.base_currency} if code],
            "vat_code": [
                Item(
                    str(code.vat_code_id),
                    {
                        "code": code.vat_code,
                        "percent": str(code.percent),
                        "name": code.vat_name,
                        "purchases": code.is_purchases,
                    },
                    code.is_active,
                )
                for code in vat_codes
            ],
            "account": [
                Item(str(account.id), {"symbol": account.account_symbol, "name": account.name}, account.is_active)
                for account in accounts
            ],
        },
    )
