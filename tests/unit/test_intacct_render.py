"""Functions and requests as XML."""

from lxml import etree

from clients.intacct.login import Login, Sender
from clients.intacct.render import envelope, render, size
from schemas.intacct.functions import Function, create, query

LOGIN = Login("acme", "ws-user", 'p<a&"ss', "UK")
SENDER = Sender("sender", "s&cret")


def test_elements_come_in_the_order_of_the_table_whatever_the_order_of_keys() -> None:
    function = Function(
        name="create_invoice",
        body={
            "invoiceitems": {
                "lineitem": [
                    {
                        "taxentries": {"taxentry": [{"trx_tax": "2.00", "detailid": "Std"}]},
                        "memo": "a & b",
                        "amount": "10.00",
                        "glaccountno": "4000",
                    }
                ]
            },
            "exchratetype": "",
            "currency": "EUR",
            "datecreated": "2026-03-01",
            "customerid": "C1",
        },
    )
    assert render("id-1", function) == (
        b'<function controlid="id-1"><create_invoice><customerid>C1</customerid>'
        b"<datecreated><year>2026</year><month>03</month><day>01</day></datecreated>"
        b"<currency>EUR</currency><exchratetype></exchratetype><invoiceitems><lineitem><glaccountno>4000</glaccountno>"
        b"<amount>10.00</amount><memo>a &amp; b</memo>"
        b"<taxentries><taxentry><detailid>Std</detailid><trx_tax>2.00</trx_tax></taxentry></taxentries>"
        b"</lineitem></invoiceitems></create_invoice></function>"
    )


def test_attributes_of_functions_and_lines() -> None:
    function = Function(
        name="update_invoice",
        attributes={"key": "12", "set_nulls": "true"},
        body={"updateinvoiceitems": {"lineitem": [{"amount": "1.00"}], "updatelineitem": {"@line_num": "2"}}},
    )
    assert render("c", function) == (
        b'<function controlid="c"><update_invoice key="12" set_nulls="true"><updateinvoiceitems>'
        b'<updatelineitem line_num="2"></updatelineitem><lineitem><amount>1.00</amount></lineitem>'
        b"</updateinvoiceitems></update_invoice></function>"
    )


def test_generic_functions_have_american_dates_and_one_order() -> None:
    fields = {"RECEIPTDATE": "2026-03-05", "CUSTOMERID": "C1", "WHENPAID": "", "NAME": "2026-03-05"}
    expected = (
        b'<function controlid="c"><create><ARPYMT><CUSTOMERID>C1</CUSTOMERID><NAME>2026-03-05</NAME>'
        b"<RECEIPTDATE>03/05/2026</RECEIPTDATE><WHENPAID></WHENPAID></ARPYMT></create></function>"
    )
    assert render("c", create("ARPYMT", fields)) == expected
    assert render("c", create("ARPYMT", dict(reversed(fields.items())))) == expected


def test_odd_text_arrives_as_it_left() -> None:
    odd = 'Müller & <Söhne> "שלום" 😀\ttab\nline\r\nend]]>'
    function = Function(
        name="create_supdocfolder", body={"supdocfoldername": odd, "supdocfolderdescription": "a\x00b\x1b\udc80c"}
    )
    parsed = etree.fromstring(render('"<&>\n', function))
    assert parsed.findtext(".//supdocfoldername") == odd
    assert parsed.findtext(".//supdocfolderdescription") == "abc"


def test_the_envelope_signs_in_at_the_entity_and_keeps_the_order_of_calls() -> None:
    calls = [("b", query("CUSTOMER", ["RECORDNO"])), ("a", query("VENDOR", ["RECORDNO"]))]
    root = etree.fromstring(envelope(SENDER, LOGIN, calls, unique=True, controlid="request-1"))
    assert {child.tag: child.text for child in root.iterfind("control/*")} == {
        "senderid": "sender",
        "password": "s&cret",
        "controlid": "request-1",
        "uniqueid": "true",
        "dtdversion": "3.0",
        "includewhitespace": "false",
    }
    assert [(child.tag, child.text) for child in root.iterfind("operation/authentication/login/*")] == [
        ("userid", "ws-user"),
        ("companyid", "acme"),
        ("password", 'p<a&"ss'),
        ("locationid", "UK"),
    ]
    assert [function.get("controlid") for function in root.iterfind("operation/content/function")] == ["b", "a"]
    single = envelope(SENDER, Login("acme", "u", "p"), calls, unique=False, controlid="r")
    assert b"locationid" not in single
    assert b"<uniqueid>false</uniqueid>" in single


def test_size_bounds_what_a_function_adds_to_a_request() -> None:
    function = create("CUSTOMER", {"NAME": "é" * 1000})
    empty = len(envelope(SENDER, LOGIN, [], unique=True, controlid="r"))
    controlid = "12345678-1234-1234-1234-123456789012"
    added = len(envelope(SENDER, LOGIN, [(controlid, function)], unique=True, controlid="r")) - empty
    assert added <= size(function) <= added + 64


def test_passwords_stay_out_of_the_representation() -> None:
    assert "p<a" not in repr(LOGIN)
    assert "s&cret" not in repr(SENDER)
