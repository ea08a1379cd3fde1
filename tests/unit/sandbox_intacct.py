"""A caller of the Intacct stand-in for its own tests: requests written by hand, answers as lxml elements."""

import itertools
import re
from typing import Any

import requests
from lxml import etree

from sandbox import fixtures
from sandbox.intacct import GATEWAY_PATH

Element = etree._Element

STANDARD = "UK Sale Goods Standard Rate"
ZERO = "UK Sale Goods Zero Rate"
PURCHASE = "UK Purchase Goods Standard Rate"

_controlids = itertools.count(1)


def tag(name: str, *content: str, **attributes: str) -> str:
    """Write an element."""
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{written}>{''.join(content)}</{name}>"


def tags(**texts: str) -> str:
    """Write one element per keyword, in their order."""
    return "".join(tag(name, text) for name, text in texts.items())


def day(name: str, month: int = 3, date: int = 1) -> str:
    """Write a date of 2026 as year, month, day."""
    return tag(name, tags(year="2026", month=str(month), day=str(date)))


def login(entity: str = fixtures.ENTITY_ID, **changes: str) -> str:
    """Write a `<login>`; keywords replace texts."""
    texts = {
        "userid": fixtures.USER_ID,
        "companyid": fixtures.COMPANY_ID,
        "password": fixtures.USER_PASSWORD,
        **changes,
    }
    if entity:
        texts["locationid"] = entity
    return tag("login", tags(**texts))


def taxes(*entries: tuple[str, str | None]) -> str:
    """Write `<taxentries>`; a tax of None leaves trx_tax out."""
    return tag(
        "taxentries",
        *(tag("taxentry", tags(detailid=detail), "" if tax is None else tags(trx_tax=tax)) for detail, tax in entries),
    )


def line(
    amount: str = "100.00",
    *,
    account: str = "4000",
    tax: str | None = "20.00",
    detail: str = STANDARD,
    before: str = "",
    after: str = "",
    location: str = "UK",
    element: str = "lineitem",
    **attributes: str,
) -> str:
    """Write a line; `before` stands after the location, `after` behind `customfields`."""
    return tag(
        element,
        tags(glaccountno=account, amount=amount),
        tags(locationid=location) if location else "",
        before,
        after,
        taxes((detail, tax)) if detail else "",
        **attributes,
    )


def invoice(
    number: str = "INV-1",
    *lines: str,
    customer: str = "C1",
    date: str = "",
    due: str = "<termname>N30</termname>",
    action: str = "",
    more: str = "",
    currency: str = "",
) -> str:
    """Write a `create_invoice`; `more` stands behind the number, `currency` holds all elements of FX."""
    return tag(
        "create_invoice",
        tags(customerid=customer),
        date or day("datecreated"),
        due,
        tags(action=action) if action else "",
        tags(invoiceno=number) if number else "",
        more,
        currency,
        tag("invoiceitems", *(lines or (line(),))),
    )


def customer(identity: str = "C1", name: str = "Acme & Sons", **fields: str) -> str:
    """Write a generic create of a customer."""
    contact = tag("DISPLAYCONTACT", tags(PRINTAS=name.replace("&", "&amp;")))
    texts = tags(CUSTOMERID=identity, NAME=name.replace("&", "&amp;"), **fields)
    return tag("create", tag("CUSTOMER", texts, contact))


def vendor(identity: str = "V1", name: str = "Supplies Ltd") -> str:
    """Write a generic create of a vendor."""
    contact = tag("DISPLAYCONTACT", tags(PRINTAS=name))
    return tag("create", tag("VENDOR", tags(VENDORID=identity, NAME=name), contact))


def select(*fields: str) -> str:
    """Write a `<select>`."""
    return tag("select", *(tag("field", field) for field in fields))


def query(object_name: str, *fields: str, where: str = "", more: str = "") -> str:
    """Write a `query`; `where` is one operator."""
    return tag("query", tag("object", object_name), select(*fields), tag("filter", where) if where else "", more)


def condition(operator: str, field: str, *values: str) -> str:
    """Write one operator of a filter."""
    return tag(operator, tag("field", field), *(tag("value", value) for value in values))


class Caller:
    """Sends requests to a running stand-in."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = requests.Session()
        self.http.trust_env = False

    def post(self, xml: str) -> requests.Response:
        """Send a body as it is."""
        return self.http.post(
            f"{self.base_url}{GATEWAY_PATH}",
            data=xml.encode(),
            headers={"Content-Type": "application/xml"},
            timeout=30,
        )

    def envelope(
        self,
        *functions: str | tuple[str, str],
        unique: bool | None = False,
        transaction: bool = False,
        signed: str = "",
        sender: str = fixtures.SENDER_ID,
        sender_password: str = fixtures.SENDER_PASSWORD,
        control: str = "",
    ) -> str:
        """Write a whole request; a function is its XML, or (controlid, XML)."""
        named = [each if isinstance(each, tuple) else (f"f{next(_controlids)}", each) for each in functions]
        unique_element = "" if unique is None else tag("uniqueid", str(unique).lower())
        return tag(
            "request",
            tag(
                "control",
                tags(senderid=sender, password=sender_password, controlid="test"),
                unique_element,
                tags(dtdversion="3.0"),
                control,
            ),
            tag(
                "operation",
                tag("authentication", signed or login()),
                tag("content", *(tag("function", xml, controlid=name) for name, xml in named)),
                transaction=str(transaction).lower(),
            ),
        )

    def send(self, *functions: str | tuple[str, str], **options: Any) -> Element:
        """Send functions and return the answer."""
        return etree.fromstring(self.post(self.envelope(*functions, **options)).content)

    def results(self, *functions: str | tuple[str, str], **options: Any) -> list[Element]:
        """Send functions and return their results."""
        return self.send(*functions, **options).findall("operation/result")

    def do(self, function: str, **options: Any) -> Element:
        """Send one function that must succeed and return its result."""
        (result,) = self.results(function, **options)
        assert result.findtext("status") == "success", etree.tostring(result).decode()
        return result

    def key(self, function: str, **options: Any) -> str:
        """Send one function that must succeed and return the RECORDNO, or id, it answers."""
        result = self.do(function, **options)
        return result.findtext("key") or result.findtext("data/*/RECORDNO") or ""

    def refusal(self, function: str, **options: Any) -> tuple[str, str]:
        """Send one function that must fail and return number and sentence of its first error."""
        (result,) = self.results(function, **options)
        assert result.findtext("status") == "failure"
        return first_error(result)

    def rows(self, function: str, **options: Any) -> list[dict[str, str]]:
        """Send one query and return its rows."""
        data = self.do(function, **options).find("data")
        assert data is not None
        return [{field.tag: field.text or "" for field in row} for row in data]

    def control(self, method: str, path: str, **options: Any) -> Any:
        """Call the control surface and return its JSON."""
        answer = self.http.request(method, f"{self.base_url}/_sandbox/{path}", timeout=30, **options)
        assert answer.ok, answer.text
        return answer.json()

    def settings(self, **changes: Any) -> None:
        """Change settings."""
        self.control("POST", "settings", json=changes)

    def fault(self, name: str, **options: Any) -> None:
        """Switch a fault on."""
        self.control("POST", "faults", json={"fault": name, **options})

    def counters(self) -> Any:
        """Read the counters."""
        return self.control("GET", "counters")

    def records(self, object_name: str) -> Any:
        """Read all records of an object."""
        return self.control("GET", f"records/{object_name}")


def first_error(element: Element) -> tuple[str, str]:
    """Return number and sentence of the first error below an element, without the support id."""
    error = element.find(".//errormessage/error")
    assert error is not None, etree.tostring(element).decode()
    sentence = error.findtext("description2") or error.findtext("description") or ""
    return error.findtext("errorno") or "", re.sub(r" \[(Support|Request) ID: .*\]$", "", sentence)


def error_numbers(element: Element) -> list[str]:
    """Return the numbers of all errors below an element."""
    return [error.findtext("errorno") or "" for error in element.iterfind(".//errormessage/error")]
