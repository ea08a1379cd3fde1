"""Background data: what both sides know beside documents, read whole and kept as reference data.

All queries of Intacct ride in one request; only what does not fit into a page of 2,000 rows takes a second one.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
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
    """How one topic is read: its object, its fields, and the item that a row becomes."""

    object: str
    fields: tuple[str, ...]
    item: Callable[[Row], Item]


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
    )


TOPICS: dict[str, Topic] = {
    "account": Topic(
        "GLACCOUNT",
        ("RECORDNO", "ACCOUNTNO", "TITLE", "STATUS"),
        lambda row: Item(row["ACCOUNTNO"], {"title": row.get("TITLE", "")}, _is_active(row)),
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
    ),
    "tax_solution": Topic(
        "TAXSOLUTION",
        ("RECORDNO", "SOLUTIONID", "TAXMETHOD"),
        lambda row: Item(row["SOLUTIONID"], {"method": row.get("TAXMETHOD", "")}),
    ),
    "customer": _party("CUSTOMER"),
    "vendor": _party("VENDOR"),
    "contact": Topic("CONTACT", ("RECORDNO", "CONTACTNAME", "STATUS"), _named("CONTACTNAME", "CONTACTNAME")),
    f"{DIMENSION}LOCATION": Topic(
        "LOCATION", ("RECORDNO", "LOCATIONID", "NAME", "STATUS"), _named("LOCATIONID", "NAME")
    ),
    f"{DIMENSION}DEPARTMENT": Topic(
        "DEPARTMENT", ("RECORDNO", "DEPARTMENTID", "TITLE", "STATUS"), _named("DEPARTMENTID", "TITLE")
    ),
    f"{DIMENSION}CLASS": Topic("CLASS", ("RECORDNO", "CLASSID", "NAME", "STATUS"), _named("CLASSID", "NAME")),
    f"{DIMENSION}PROJECT": Topic(
        "PROJECT",
        ("RECORDNO", "PROJECTID", "NAME", "CUSTOMERID", "STATUS"),
        lambda row: Item(
            row["PROJECTID"],
            {"name": row.get("NAME", ""), "customer": row.get("CUSTOMERID", ""), "record_no": row["RECORDNO"]},
            _is_active(row),
        ),
    ),
    f"{DIMENSION}ITEM": Topic("ITEM", ("RECORDNO", "ITEMID", "NAME", "STATUS"), _named("ITEMID", "NAME")),
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


def read_intacct(send: Send, probes: Mapping[str, Function] | None = None) -> IntacctBackground:
    """Read everything in one request, and what did not fit into a page in a second one; `probes` ride in the first."""
    found = IntacctBackground()
    first = {name: query(topic.object, topic.fields) for name, topic in TOPICS.items()}
    extra = {f"probe {name}": function for name, function in (probes or {}).items()}
    asked = {"entities": read_entity_details(), "dimensions": get_dimensions(), **first, **extra}
    answers = _ask(send, asked)
    found.probed = {name: answers[f"probe {name}"] for name in probes or {}}
    found.entities = answers["entities"].rows if answers["entities"] else ()
    found.dimensions = answers["dimensions"].rows if answers["dimensions"] else ()
    more: dict[str, Function] = {}
    rows: dict[str, list[Row]] = {}
    for name, topic in TOPICS.items():
        answer = answers[name]
        if answer is None or not answer.succeeded:
            found.unreadable[topic.object] = (
                redact(answer.errors[0].description2) if answer and answer.errors else "no answer"
            )
            continue
        rows[name] = list(answer.rows)
        total = answer.totalcount or 0
        for offset in range(MAX_PAGE_SIZE, total, MAX_PAGE_SIZE):
            more[f"{name} {offset}"] = query(topic.object, topic.fields, offset=offset)
    if more:
        for key, answer in _ask(send, more).items():
            rows[key.split(" ")[0]] += answer.rows if answer else ()
    found.topics = {name: _items(TOPICS[name], held) for name, held in rows.items()}
    return found


def _items(topic: Topic, rows: Sequence[Row]) -> list[Item]:
    key = topic.fields[1]
    return [topic.item(row) for row in rows if row.get(key)]


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
                    {"code": code.vat_code, "percent": str(code.percent), "name": code.vat_name},
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
