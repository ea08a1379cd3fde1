"""The stand-in's element orders: against requests typed by hand, and against the vendor's own schema."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from sandbox.intacct.envelope import parse
from sandbox.intacct.errors import ControlError
from sandbox.intacct.grammar import compile_model
from sandbox.intacct.orders import ATTRIBUTES, FREE, MODELS, UNORDERED
from sandbox.intacct.schema import SchemaError, check
from tests.unit.sandbox_intacct import Caller, condition, customer, day, invoice, line, query, select, tag, tags, taxes

CALLER = Caller("http://nowhere.invalid")

FULL_LINE = tag(
    "lineitem",
    tags(glaccountno="4000", offsetglaccountno="", amount="1", allocationid="", memo="m", locationid="UK"),
    tags(departmentid="10", item1099="", form1099type="", form1099box="", key="", totalpaid="", totaldue=""),
    tag("customfields", tag("customfield", tags(customfieldname="GLDIMPRACTICE", customfieldvalue="1"))),
    tags(revrectemplate="", defrevaccount="", projectid="P", taskid="", costtypeid="", customerid="", vendorid=""),
    tags(employeeid="", itemid="", classid="", contractid="", warehouseid="", billable="false"),
    taxes(("UK Sale Goods Standard Rate", "0.20")),
)
FULL_INVOICE = tag(
    "create_invoice",
    tags(customerid="C1"),
    day("datecreated"),
    day("dateposted"),
    day("datedue", 4),
    tags(termname="N30", batchkey="", action="Draft", invoiceno="INV-1", ponumber="PO", description="d", externalid=""),
    tag("billto", tags(contactname="A")),
    tag("shipto", tags(contactname="B")),
    tags(basecurr="GBP", currency="EUR"),
    day("exchratedate"),
    tags(exchratetype="", nogl="false", supdocid="S", taxsolutionid="United Kingdom - VAT"),
    tag("customfields", tag("customfield", tags(customfieldname="A", customfieldvalue="1"))),
    tag("invoiceitems", FULL_LINE, FULL_LINE),
)
VALID = {
    "create_invoice": FULL_INVOICE,
    "update_invoice": tag(
        "update_invoice",
        tags(customerid="C1", action="Submit", invoiceno="INV-1", description="d"),
        tag("payto", tags(contactname="A")),
        tags(currency="EUR", exchrate="1.1"),
        tag("updateinvoiceitems", line(element="updatelineitem", line_num="1"), line()),
        key="1",
    ),
    "reverse_invoice": tag("reverse_invoice", day("datereversed"), tags(description="d"), key="1"),
    "delete_invoice": tag("delete_invoice", key="1"),
    "create_bill": tag(
        "create_bill",
        tags(vendorid="V1"),
        day("datecreated"),
        day("datedue"),
        tags(termname="N30", action="Submit", billno="B", currency="EUR", exchratetype=""),
        tag("billitems", line(account="6000")),
    ),
    "create_bill by term": tag(
        "create_bill", tags(vendorid="V1"), day("datecreated"), tags(termname="N30"), tag("billitems", line())
    ),
    "create_aradjustment": tag(
        "create_aradjustment",
        tags(customerid="C1"),
        day("datecreated"),
        tags(adjustmentno="CR-1", invoiceno="INV-1", description="d"),
        tag("aradjustmentitems", line("-5")),
    ),
    "apply_arpayment": tag(
        "apply_arpayment",
        tags(arpaymentkey="1"),
        day("paymentdate"),
        tag("arpaymentitems", tag("arpaymentitem", tags(invoicekey="1", amount="5"))),
    ),
    "create_supdoc": tag(
        "create_supdoc",
        tags(supdocid="S", supdocname="n", supdocfoldername="Scoro"),
        tag(
            "attachments",
            tag("attachment", tags(attachmentname="a", attachmenttype="pdf", attachmentdata="QQ==")),
        ),
    ),
    "get_list": tag(
        "get_list",
        tag("filter", tag("expression", tags(field="supdocid", operator="=", value="S"))),
        tag("fields", tag("field", "supdocid")),
        object="supdoc",
        maxitems="1",
    ),
    "create": customer(),
    "query": query(
        "APBILL",
        "RECORDNO",
        where=tag("and", condition("in", "STATE", "Posted", "Selected"), tag("isnull", tag("field", "RECORDID"))),
        more=tag("orderby", tag("order", tag("field", "RECORDNO"), "<ascending/>"))
        + tag("options", tags(caseinsensitive="true", showprivate="true", returnformat="xml"))
        + tags(pagesize="2000", offset="0"),
    ),
    "getAPISession": "<getAPISession><locationid/></getAPISession>",
    "readEntityDetails": "<readEntityDetails/>",
}

BROKEN = {
    "an element out of order": (invoice(more="<customerid>C2</customerid>"), "customerid"),
    "billto before the number": (
        invoice().replace("<invoiceno>", "<billto><contactname>A</contactname></billto><invoiceno>"),
        "invoiceno",
    ),
    "taxes before the location": (
        invoice("A", line().replace("<locationid>", "<billable/><locationid>")),
        "locationid",
    ),
    "a currency without a rate": (invoice(currency="<currency>EUR</currency>"), "invoiceitems"),
    "two rates": (
        invoice(currency="<currency>EUR</currency><exchratetype/><exchrate>1</exchrate>"),
        "exchrate",
    ),
    "an unknown element": (invoice(more="<colour>red</colour>"), "colour"),
    "an unknown function": ("<create_unicorn/>", "create_unicorn"),
    "two functions in one": ("<readEntityDetails/><readEntityDetails/>", "readEntityDetails"),
    "a second top operator": (
        query("APBILL", "A", where=condition("equalto", "A", "1") + condition("equalto", "B", "1")),
        "equalto",
    ),
    "an unknown operator": (query("APBILL", "A", where=condition("equals", "A", "1")), "equals"),
    "options out of order": (
        query("APBILL", "A", more=tag("options", tags(showprivate="true", caseinsensitive="true"))),
        "caseinsensitive",
    ),
    "too many values": (query("APBILL", "A", where=condition("in", "A", *map(str, range(1001)))), "value"),
    "an inclusive invoice": (invoice(more="<inclusivetax>true</inclusivetax>"), "inclusivetax"),
}
INCOMPLETE = {
    "a date without a year": (invoice().replace("<year>2026</year>", ""), "month"),
    "an invoice without lines": (invoice().replace(line(), ""), "invoiceitems"),
    "a line without amount": (invoice("A", line().replace("<amount>100.00</amount>", "")), "locationid"),
    "a lonely and": (query("APBILL", "A", where=tag("and", condition("equalto", "A", "1"))), "and"),
    "a query without select": (tag("query", tags(object="APBILL")), "query"),
    "an empty create": ("<create/>", "create"),
}


def rejected(xml: str) -> str:
    """Parse a request that must be turned away and return the sentence."""
    with pytest.raises(ControlError) as caught:
        parse(xml.encode())
    (error,) = caught.value.lines
    assert error.errorno == "XL03000003"
    return error.description2


@pytest.mark.parametrize("name", VALID)
def test_accepts_requests_of_the_reference(name: str) -> None:
    (function,) = parse(CALLER.envelope(VALID[name]).encode()).functions
    assert function.name == name.split(" ", maxsplit=1)[0]


@pytest.mark.parametrize("name", BROKEN)
def test_names_the_element_that_is_not_expected(name: str) -> None:
    xml, element = BROKEN[name]
    text = rejected(CALLER.envelope(xml))
    assert text.startswith(f"XML Parse schema error: Error 1871: Element '{element}': This element is not expected.")


@pytest.mark.parametrize("name", INCOMPLETE)
def test_rejects_what_is_incomplete(name: str) -> None:
    xml, element = INCOMPLETE[name]
    assert f"Error 1871: Element '{element}':" in rejected(CALLER.envelope(xml))


def test_every_swap_of_two_neighbours_is_rejected() -> None:
    for path in (".", "invoiceitems/lineitem"):
        count = len(_found(etree.fromstring(FULL_INVOICE), path))
        for position in range(count - 1):
            function = etree.fromstring(FULL_INVOICE)
            element = _found(function, path)
            element.insert(position, element[position + 1])
            with pytest.raises(SchemaError, match="This element is not expected"):
                check(function)


@pytest.mark.parametrize("controlid", ["", "x" * 257])
def test_controlid_has_1_to_256_characters(controlid: str) -> None:
    assert "controlid" in rejected(CALLER.envelope((controlid, "<readEntityDetails/>")))


def test_a_function_needs_a_controlid() -> None:
    xml = CALLER.envelope(("gone", "<readEntityDetails/>")).replace(' controlid="gone"', "")
    assert "Error 1868: Element 'function': The attribute 'controlid' is required but missing." in rejected(xml)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<uniqueid>false</uniqueid>", "<uniqueid>maybe</uniqueid>"),
        ("<dtdversion>3.0</dtdversion>", "<dtdversion>2.1</dtdversion>"),
        ("<controlid>test</controlid>", ""),
        ('transaction="false"', 'transaction="no"'),
        ('transaction="false"', 'colour="red"'),
        ("<content>", "text<content>"),
        ("<request>", "<demand>"),
    ],
)
def test_envelope_is_checked(old: str, new: str) -> None:
    xml = CALLER.envelope("<readEntityDetails/>")
    assert old in xml
    rejected(xml.replace(old, new))


def test_malformed_xml_is_the_parsers_fatal_error() -> None:
    assert "Fatal Error 76: Opening and ending tag mismatch" in rejected("<request><control></request>")


def test_entities_and_document_types_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    doctype = f'<!DOCTYPE request [<!ENTITY x SYSTEM "file://{secret}">]>'
    assert "secret" not in rejected(f"{doctype}<request>&x;</request>")


def test_uniqueid_is_true_where_the_element_is_missing() -> None:
    assert parse(CALLER.envelope("<readEntityDetails/>", unique=None).encode()).control.unique


# -- the vendor's schema -----------------------------------------------------------------------------

NEWER = frozenset(
    ["taxentries", "taxsolutionid", "inclusivetax", "totaltrxamount", "taskid", "costtypeid", "showadditionalerrorinfo"]
)
"""Elements that the vendor's published schema has not got yet."""
NEWER_FUNCTIONS = frozenset({"query", "lookup"})
NARROWER = frozenset({"operation", "function", "billto", "shipto", "payto", "returnto"})
"""Elements of which the stand-in knows fewer children than the vendor."""


@pytest.fixture(scope="module")
def vendor_schema() -> etree.XMLSchema:
    path = os.environ.get("INTACCT_XSD", "")
    if not Path(path).is_file():
        pytest.skip("INTACCT_XSD does not name the vendor's api.xsd")
    return etree.XMLSchema(etree.parse(path))


@pytest.mark.parametrize("name", sorted(set(VALID) - {"query"}))
def test_requests_of_the_reference_fit_the_vendors_schema(name: str, vendor_schema: etree.XMLSchema) -> None:
    function = etree.fromstring(VALID[name])
    for element in list(function.iter()):
        parent = element.getparent()
        if element.tag in NEWER and parent is not None:
            parent.remove(element)
    assert vendor_schema.validate(function), vendor_schema.error_log


def test_orders_agree_with_the_vendors_schema(vendor_schema: etree.XMLSchema) -> None:
    """Walk every model at random, right and wrong, and compare the two verdicts."""
    dice = random.Random(2026)
    verdicts = {True: 0, False: 0}
    for name in sorted(set(MODELS) - NARROWER - NEWER - NEWER_FUNCTIONS - {"taxentry", "request", "content"}):
        for children in _walks(name, dice):
            element = etree.Element(name, _attributes(name))
            element.extend(_smallest(child) for child in children)
            ours = _accepts(element)
            assert ours == vendor_schema.validate(element), (etree.tostring(element), vendor_schema.error_log)
            verdicts[ours] += 1
    assert min(verdicts.values()) > 500


def _walks(name: str, dice: random.Random) -> Iterator[list[str]]:
    """Yield child sequences that follow a model, each also with two children swapped, one gone and one doubled."""
    for _ in range(12):
        state, children = compile_model(MODELS[name]), list[str]()
        while True:
            choices = [
                child for child in state.expected() if child not in NEWER and child not in ("oauth", "preferences")
            ]
            if not choices or len(children) > 40 or (state.may_end and dice.random() < 0.04):
                break
            child = dice.choice(choices[:4])
            after = state.after(child)
            assert after is not None
            children, state = [*children, child], after
        yield children
        if len(children) > 1:
            one, two = dice.sample(range(len(children)), 2)
            swapped = list(children)
            swapped[one], swapped[two] = swapped[two], swapped[one]
            yield swapped
            yield children[:one] + children[one + 1 :]
            yield children[: one + 1] + children[one:]


def _attributes(name: str) -> dict[str, str]:
    values = {"object": "supdoc", "logical_operator": "and", "order": "asc"}
    required = ATTRIBUTES[name].required if name in ATTRIBUTES else ()
    return {attribute: values.get(attribute, "1") for attribute in required}


def _smallest(name: str) -> etree._Element:
    """Build the smallest element that the stand-in accepts."""
    element = etree.Element(name, _attributes(name))
    if name in FREE:
        element.append(etree.Element("CUSTOMER"))
    elif name in UNORDERED:
        element.extend(etree.Element(child) for child in sorted(UNORDERED[name][0]))
    elif name in MODELS:
        state = compile_model(MODELS[name])
        while not state.may_end:
            child = next(each for each in state.expected() if each != name)
            element.append(_smallest(child))
            after = state.after(child)
            assert after is not None
            state = after
    return element


def _accepts(element: etree._Element) -> bool:
    try:
        check(element)
    except SchemaError:
        return False
    return True


def _found(element: etree._Element, path: str) -> etree._Element:
    found = element.find(path)
    assert found is not None
    return found


def test_select_is_written_once() -> None:
    assert "select" in rejected(CALLER.envelope(query("APBILL", "A", more=select("B"))))
