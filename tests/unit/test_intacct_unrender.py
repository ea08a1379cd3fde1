"""A function is read back from its XML as it was, and what is no function is refused with the reason."""

import pytest
from hypothesis import given, settings

from clients.intacct.render import render
from clients.intacct.unrender import UnreadableFunctionError, read_function
from schemas.intacct.functions import Function, create, update
from tests.contract.samples import full_samples, functions


@pytest.mark.parametrize("function", list(full_samples()), ids=lambda function: function.name)
def test_what_is_rendered_is_read_back(function: Function) -> None:
    xml = render("op-1", function).decode()
    controlid, read = read_function(f"\n<!-- mine -->{xml}\n")
    assert controlid == "op-1"
    assert render("op-1", read).decode() == xml


@settings(max_examples=200, deadline=None)
@given(functions())
def test_whatever_is_rendered_is_read_back(function: Function) -> None:
    xml = render("op-1", function).decode()
    assert render("op-1", read_function(xml)[1]).decode() == xml


def test_special_characters_and_dates_survive() -> None:
    function = create("CUSTOMER", {"CUSTOMERID": "R&D <1>", "NAME": 'Ä "quoted"', "DISPLAYCONTACT": {"PRINTAS": "é"}})
    assert read_function(render("x", function).decode())[1] == function
    dated = update("APBILL", {"RECORDNO": "5", "WHENCREATED": "2026-03-31"})
    assert read_function(render("x", dated).decode())[1] == dated


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("", "no XML"),
        ("<function controlid='1'/>", "holds 0 elements"),
        ("<drop_table/>", "no function"),
        ("<function controlid='1'><delete_invoice/></function>", "key"),
        (
            "<!DOCTYPE a [<!ENTITY x 'y'>]><create><CUSTOMER><NAME>&x;</NAME></CUSTOMER></create>",
            "document type|no XML",
        ),
        ("<create_invoice><customerid><b>1</b></customerid></create_invoice>", "holds text"),
        ("<create>" + "x" * 2_000_001 + "</create>", "at most"),
    ],
)
def test_what_is_no_function_is_refused(xml: str, words: str) -> None:
    with pytest.raises(UnreadableFunctionError, match=words):
        read_function(xml)
