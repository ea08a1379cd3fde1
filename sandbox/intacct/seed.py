"""The records that a new company is born with, made from `sandbox.fixtures`."""

from collections.abc import Iterable

from sandbox import fixtures
from sandbox.intacct.store import Record, Store
from sandbox.intacct.values import timestamp

USER_DEFINED_DIMENSIONS = {"PRACTICE": "GLDIMPRACTICE"}
"""Object of a user-defined dimension -> its field on lines, which holds the value's integer id."""

BANK_ACCOUNT_ID = "BOA"
_PRACTICES = (("1", "Advisory"), ("2", "Engineering"), ("3", "Operations"))


def seed(store: Store, now: float) -> None:
    """Fill an empty company; `now` in seconds since the epoch. Call inside a transaction."""
    for object_name, record in _records():
        full = {
            "STATUS": "active",
            "CREATEDBY": "admin",
            "MODIFIEDBY": "admin",
            "AUWHENCREATED": timestamp(now),
            "WHENMODIFIED": timestamp(now),
            "MEGAENTITYID": "",
            **record,
            "RECORDNO": str(store.next_recordno()),
        }
        store.insert(object_name, full)


def _records() -> Iterable[tuple[str, Record]]:
    for entity, currency in fixtures.ENTITIES.items():
        name = f"Sandbox {entity}"
        yield "LOCATIONENTITY", {"LOCATIONID": entity, "NAME": name, "CURRENCY": currency}
        yield (
            "LOCATION",
            {
                "LOCATIONID": entity,
                "NAME": name,
                "CURRENCY": currency,
                "PARENTID": "",
                "LOCATIONTYPE": "Entity",
            },
        )
    for account in fixtures.ACCOUNTS:
        income = account.kind == "sales"
        yield (
            "GLACCOUNT",
            {
                "ACCOUNTNO": account.symbol,
                "TITLE": account.title,
                "ACCOUNTTYPE": "incomestatement" if account.kind in ("sales", "purchases") else "balancesheet",
                "NORMALBALANCE": "credit" if income or account.kind == "tax" else "debit",
                "CLOSINGTYPE": "closing account" if income else "non-closing account",
                "STATUS": "active" if account.active else "inactive",
                "REQUIRELOC": "true",
                "REQUIREDEPT": "false",
                "REQUIREPROJECT": "false",
            },
        )
        if account.kind == "bank":
            yield (
                "CHECKINGACCOUNT",
                {
                    "BANKACCOUNTID": BANK_ACCOUNT_ID,
                    "BANKNAME": account.title,
                    "GLACCOUNTNO": account.symbol,
                    "CURRENCY": fixtures.BASE_CURRENCY,
                },
            )
    yield "TAXSOLUTION", {"SOLUTIONID": fixtures.TAX_SOLUTION, "TAXMETHOD": "VAT"}
    for detail in fixtures.TAX_DETAILS:
        yield (
            "TAXDETAIL",
            {
                "DETAILID": detail.detail_id,
                "DESCRIPTION": detail.detail_id,
                "TAXTYPE": detail.type,
                "VALUE": str(detail.rate),
                "TAXRATE": str(detail.rate),
                "TAXSOLUTIONID": fixtures.TAX_SOLUTION,
                "REVERSECHARGE": "false",
            },
        )
    yield from _dimensions()


def _dimensions() -> Iterable[tuple[str, Record]]:
    def status(value: fixtures.DimensionValue) -> str:
        return "active" if value.active else "inactive"

    for value in fixtures.DEPARTMENTS:
        yield "DEPARTMENT", {"DEPARTMENTID": value.id, "TITLE": value.name, "STATUS": status(value)}
    for value in fixtures.CLASSES:
        yield "CLASS", {"CLASSID": value.id, "NAME": value.name, "STATUS": status(value)}
    for value in fixtures.PROJECTS:
        yield (
            "PROJECT",
            {
                "PROJECTID": value.id,
                "NAME": value.name,
                "STATUS": status(value),
                "PROJECTCATEGORY": "Contract",
            },
        )
    yield "ITEM", {"ITEMID": "CONSULTING", "NAME": "Consulting day", "ITEMTYPE": "Non-Inventory"}
    yield (
        "EMPLOYEE",
        {
            "EMPLOYEEID": "E-1",
            "PERSONALINFO.CONTACTNAME": "Okafor, Ada",
            "PERSONALINFO.PRINTAS": "Ada Okafor",
        },
    )
    yield "CONTACT", {"CONTACTNAME": "Okafor, Ada", "PRINTAS": "Ada Okafor"}
    for number, name in _PRACTICES:
        yield "PRACTICE", {"id": number, "name": name, "status": "active"}
    yield "SUPDOCFOLDER", {"NAME": "Scoro", "DESCRIPTION": "Files from Scoro", "PARENTFOLDER": ""}
