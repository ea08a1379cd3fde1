"""Every function of the table, as we render it, is one that the vendor's schema takes."""

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from clients.intacct.login import Login, Sender
from clients.intacct.render import envelope
from schemas.intacct.functions import Function
from schemas.intacct.orders import FUNCTIONS, ORDERS, check, orders_below
from tests.contract.samples import full_samples, functions
from tests.contract.vendor_schema import XSD_VARIABLE, assert_valid, available, vendor_schema

needs_schema = pytest.mark.skipif(not available(), reason=f"{XSD_VARIABLE} does not name the vendor's api.xsd")

SENDER = Sender("sender", "secret")
LOGIN = Login("acme", "user", "secret", "UK")


def request(function: Function) -> bytes:
    return envelope(SENDER, LOGIN, [("id-1", function)], unique=True, controlid="request-1")


SAMPLES = list(full_samples())


def test_there_is_a_sample_of_every_function() -> None:
    assert {function.name for function in SAMPLES} == set(FUNCTIONS)


@needs_schema
@pytest.mark.parametrize("function", SAMPLES, ids=lambda function: function.name)
def test_every_function_is_valid(function: Function) -> None:
    check(function)
    assert_valid(request(function))


@needs_schema
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(functions())
def test_whatever_passes_our_check_passes_the_vendors(function: Function) -> None:
    check(function)
    assert_valid(request(function))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(functions())
def test_elements_come_in_the_order_of_the_table(function: Function) -> None:
    rendered = etree.fromstring(request(function)).find(f"operation/content/function/{function.name}")
    assert rendered is not None
    pending = [(rendered, ORDERS)]
    while pending:
        element, orders = pending.pop()
        name = str(element.tag)
        if name in orders:
            places = [orders[name].names.index(str(child.tag)) for child in element]
            assert places == sorted(places)
            below = orders_below(name, orders)
            pending += [(child, below) for child in element if str(child.tag) in below]


@needs_schema
@pytest.mark.parametrize(
    "xml",
    [
        b"<create_invoice><datecreated><year>1</year><month>1</month><day>1</day></datecreated></create_invoice>",
        b"<query><object>X</object></query>",
        b"<query><object>X</object><select><field>A</field></select><filter><and/></filter></query>",
        b"<create_supdoc><supdocname>n</supdocname><supdocid>i</supdocid></create_supdoc>",
    ],
)
def test_the_judge_can_say_no(xml: bytes) -> None:
    good = request(Function(name="getDimensions"))
    bad = good.replace(b"<getDimensions></getDimensions>", xml)
    assert bad != good
    assert vendor_schema().validate(etree.fromstring(good))
    with pytest.raises(AssertionError):
        assert_valid(bad)
