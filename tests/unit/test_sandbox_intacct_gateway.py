"""The stand-in's envelope, sign-in, sessions, replay, transactions and rights."""

from collections.abc import Iterator

import pytest
from lxml import etree

from sandbox import fixtures
from sandbox.intacct import create_app
from sandbox.serve import running
from tests.unit.sandbox_intacct import (
    Caller,
    Element,
    condition,
    customer,
    day,
    error_numbers,
    first_error,
    invoice,
    login,
    query,
    tag,
    tags,
)


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with running(create_app()) as url:
        yield url


@pytest.fixture
def gateway(base_url: str) -> Caller:
    caller = Caller(base_url)
    caller.control("POST", "reset")
    return caller


def rejected(root: Element) -> tuple[str, str]:
    assert root.findtext("control/status") == "failure"
    assert root.find("operation") is None
    return first_error(root)


def not_signed_in(root: Element) -> tuple[str, str]:
    assert root.findtext("control/status") == "success"
    assert root.findtext("operation/authentication/status") == "failure"
    assert root.find("operation/result") is None
    return first_error(root)


def session(gateway: Caller, inside: str = "<getAPISession/>", **options: str) -> Element:
    api = gateway.do(inside, **options).find("data/api")
    assert api is not None
    return api


def by_session(api: Element) -> str:
    return tag("sessionid", api.findtext("sessionid") or "")


def test_answer_repeats_the_control_block_and_the_level(gateway: Caller) -> None:
    root = gateway.send("<readEntityDetails/>")
    control = {child.tag: child.text for child in root[0]}
    assert control == {
        "status": "success",
        "senderid": fixtures.SENDER_ID,
        "controlid": "test",
        "uniqueid": "false",
        "dtdversion": "3.0",
    }
    authentication = root.find("operation/authentication")
    assert authentication is not None
    assert [child.tag for child in authentication] == [
        "status",
        "userid",
        "companyid",
        "locationid",
        "sessiontimestamp",
        "sessiontimeout",
    ]
    assert authentication.findtext("locationid") == "UK"


def test_a_broken_request_runs_nothing(gateway: Caller) -> None:
    number, text = rejected(gateway.send(customer(), "<create_unicorn/>"))
    assert (number, "create_unicorn" in text) == ("XL03000003", True)
    assert gateway.records("CUSTOMER") == []


def test_a_broken_request_is_answered_with_its_control_block_where_it_can_be_read(gateway: Caller) -> None:
    xml = gateway.envelope("<readEntityDetails/>")
    for broken in (xml.replace("</operation>", ""), xml.replace("<content>", "<contents>")):
        root = etree.fromstring(gateway.post(broken).content)
        assert rejected(root)[0] == "XL03000003"
        assert root.findtext("control/controlid") == "test"
    assert rejected(etree.fromstring(gateway.post("no XML").content))[0] == "XL03000003"
    assert rejected(etree.fromstring(gateway.post("").content))[0] == "XL03000003"


def test_white_space_unless_the_request_does_without(gateway: Caller) -> None:
    spaced = gateway.post(gateway.envelope("<readEntityDetails/>")).text
    dense = gateway.post(gateway.envelope("<readEntityDetails/>", control=tags(includewhitespace="false"))).text
    assert spaced.count("\n") > 20
    assert "> <" not in dense
    assert dense.count("\n") <= 1


def test_wrong_sender_password_is_a_control_failure(gateway: Caller) -> None:
    root = gateway.send("<readEntityDetails/>", sender_password="wrong")
    assert rejected(root) == ("XL03000006", "Incorrect Intacct XML Partner ID or password.")


def test_transport_policy_is_unknown(gateway: Caller) -> None:
    root = gateway.send("<readEntityDetails/>", control=tags(policyid="async"))
    assert rejected(root) == ("XL03000006", "async is not a valid transport policy.")


@pytest.mark.parametrize(
    "signed",
    [login(userid="nobody"), login(password="wrong"), login(companyid="OTHER"), login(entity="FR")],
    ids=["user", "password", "company", "entity"],
)
def test_wrong_sign_in_is_an_authentication_failure(gateway: Caller, signed: str) -> None:
    root = gateway.send("<readEntityDetails/>", signed=signed)
    assert not_signed_in(root) == ("XL03000006", "Sign-in information is incorrect")


def test_unauthorised_sender_and_expired_company(gateway: Caller) -> None:
    gateway.settings(sender_authorised=False)
    number, text = not_signed_in(gateway.send("<readEntityDetails/>"))
    assert number == "XL03000006"
    assert text.startswith("The sender ID 'sandbox-sender' is not authorized")
    gateway.settings(sender_authorised=True, company_expired=True)
    assert not_signed_in(gateway.send("<readEntityDetails/>"))[0] == "PL04000055"


def test_session_keeps_the_level_of_its_login_or_takes_an_entity(gateway: Caller) -> None:
    api = session(gateway)
    assert api.findtext("locationid") == "UK"
    assert api.findtext("endpoint", "").endswith("/ia/xml/xmlgw.phtml")
    other = session(gateway, "<getAPISession><locationid>EE</locationid></getAPISession>", signed=by_session(api))
    root = gateway.send("<readEntityDetails/>", signed=by_session(other))
    assert root.findtext("operation/authentication/locationid") == "EE"
    top = session(gateway, "<getAPISession><locationid/></getAPISession>")
    assert top.findtext("locationid") == ""


def test_session_for_an_unknown_entity_or_beside_other_functions_fails(gateway: Caller) -> None:
    number, _ = gateway.refusal("<getAPISession><locationid>FR</locationid></getAPISession>")
    assert number == "Get API Session Failed"
    results = gateway.results("<getAPISession/>", "<readEntityDetails/>")
    assert [result.findtext("status") for result in results] == ["failure", "success"]


def test_session_slides_with_every_call_and_ends(gateway: Caller) -> None:
    gateway.settings(session_minutes=10)
    signed = by_session(session(gateway))
    for minutes in (8, 16, 24):
        gateway.settings(clock_offset_s=minutes * 60)
        assert gateway.do("<readEntityDetails/>", signed=signed) is not None
    gateway.settings(clock_offset_s=35 * 60)
    number, text = not_signed_in(gateway.send("<readEntityDetails/>", signed=signed))
    assert (number, text.startswith("Invalid session")) == ("XL03000006", True)
    assert not_signed_in(gateway.send("<readEntityDetails/>", signed="<sessionid>x</sessionid>"))[1].startswith(
        "Invalid session"
    )


def test_entity_sees_its_own_and_the_top_level_only(gateway: Caller) -> None:
    gateway.do(customer("C-UK"))
    gateway.do(customer("C-EE", "Eesti"), signed=login("EE"))
    find = query("CUSTOMER", "CUSTOMERID")
    assert [row["CUSTOMERID"] for row in gateway.rows(find)] == ["C-UK"]
    assert gateway.rows(find, signed=login("")) == []
    everything = query("CUSTOMER", "CUSTOMERID", more=tag("options", tags(showprivate="true")))
    assert len(gateway.rows(everything, signed=login(""))) == 2
    assert gateway.refusal(customer("C-EE", "Other"))[0] == "BL34000061"


def test_functions_are_answered_each_on_its_own_in_document_order(gateway: Caller) -> None:
    results = gateway.results(
        ("one", customer("C1")),
        ("two", customer("C1", "Again")),
        ("three", invoice()),
        ("four", "<readEntityDetails/>"),
    )
    assert [(each.findtext("controlid"), each.findtext("status"), each.findtext("function")) for each in results] == [
        ("one", "success", "create"),
        ("two", "failure", "create"),
        ("three", "success", "create_invoice"),
        ("four", "success", "readEntityDetails"),
    ]


def test_the_three_places_of_a_key(gateway: Caller) -> None:
    created = gateway.do(customer()).find("data")
    assert created is not None
    assert dict(created.attrib.items()) == {"listtype": "objects", "count": "1"}
    assert [child.tag for child in created[0]] == ["RECORDNO", "CUSTOMERID"]
    assert created[0].tag == "customer"
    assert gateway.do(invoice()).findtext("key", "").isdigit()
    found = gateway.do(query("ARINVOICE", "RECORDNO")).find("data")
    assert found is not None
    assert dict(found.attrib.items()) == {
        "listtype": "ARINVOICE",
        "totalcount": "1",
        "offset": "0",
        "count": "1",
        "numremaining": "0",
    }


def test_replayed_controlid_is_rejected_with_uniqueid_and_not_without(gateway: Caller) -> None:
    gateway.do(customer())
    first = ("same", invoice("A"))
    gateway.do(first[1], unique=False)
    (done,) = gateway.results(("same", invoice("B")), unique=True)
    (replay,) = gateway.results(("same", invoice("C")), unique=None)
    assert [done.findtext("status"), replay.findtext("status")] == ["success", "failure"]
    assert "same" in first_error(replay)[1]
    (repeated,) = gateway.results(("same", invoice("D")), unique=False)
    assert repeated.findtext("status") == "success"
    assert gateway.counters()["replays_rejected"] == 1
    assert [record["RECORDID"] for record in gateway.records("ARINVOICE")] == ["A", "B", "D"]


def test_failed_function_may_be_sent_again_unless_a_setting_says_no(gateway: Caller) -> None:
    def send() -> list[Element]:
        return gateway.results(("same", invoice("A")), unique=True)

    assert first_error(send()[0])[1].startswith("Invalid Customer 'C1'")
    gateway.do(customer())
    assert send()[0].findtext("status") == "success"
    gateway.settings(replay_consumed_by="any", replay_errorno="BL-REPLAY", replay_text="{controlid} was here")
    gateway.results(("other", invoice("B", customer="nobody")), unique=True)
    (replay,) = gateway.results(("other", invoice("B")), unique=True)
    assert first_error(replay) == ("BL-REPLAY", "other was here")


def test_replay_scope_and_reach_are_settings(gateway: Caller) -> None:
    details = ("same", "<readEntityDetails/>")
    gateway.settings(replay_scope="entity", replay_rejects="request")
    gateway.results(details, unique=True)
    (elsewhere,) = gateway.results(details, unique=True, signed=login("EE"))
    assert elsewhere.findtext("status") == "success"
    root = gateway.send(("fresh", customer()), details, unique=True)
    rejected(root)
    assert gateway.records("CUSTOMER") == []


def test_failed_transaction_rolls_back_and_says_so(gateway: Caller) -> None:
    gateway.do(customer())
    functions = (invoice("A"), invoice("B", customer="nobody"), invoice("C"))
    done, failing = gateway.results(*functions, transaction=True)
    assert (done.findtext("status"), error_numbers(done)) == ("aborted", ["XL03000009"])
    assert done.find("key") is None
    assert failing.findtext("status") == "failure"
    assert error_numbers(failing)[0] == "BL01001973"
    assert error_numbers(failing)[-1] == "XL03000009"
    assert gateway.records("ARINVOICE") == []
    gateway.settings(results_after_failure="aborted", failing_status="aborted")
    statuses = [each.findtext("status") for each in gateway.results(*functions, transaction=True)]
    assert statuses == ["aborted", "aborted", "aborted"]


def test_rolled_back_function_does_not_use_up_its_controlid(gateway: Caller) -> None:
    gateway.do(customer())
    gateway.results(("a", invoice("A")), ("b", invoice("B", customer="nobody")), transaction=True, unique=True)
    (again,) = gateway.results(("a", invoice("A")), unique=True)
    assert again.findtext("status") == "success"


def test_transaction_that_works_commits(gateway: Caller) -> None:
    results = gateway.results(customer(), invoice("A"), invoice("B"), transaction=True)
    assert {result.findtext("status") for result in results} == {"success"}
    assert len(gateway.records("ARINVOICE")) == 2


def test_generic_create_keeps_what_came_before_the_failure(gateway: Caller) -> None:
    gateway.do(customer("C1"))
    both = customer("C2", "Second").replace("</create>", "") + customer("C1", "Dup").replace("<create>", "")
    (result,) = gateway.results(both)
    assert result.findtext("status") == "failure"
    assert result.findtext("data/customer/CUSTOMERID") == "C2"
    assert first_error(result) == ("BL34000061", "Another Customer with the given value(s) C1 already exists")
    assert len(gateway.records("CUSTOMER")) == 2


def test_generic_create_takes_at_most_100_records(gateway: Caller) -> None:
    one = tag("DEPARTMENT", tags(DEPARTMENTID="X", TITLE="X"))
    assert "100" in gateway.refusal(tag("create", one * 101))[1]


@pytest.mark.parametrize("denied", ["create_invoice", "ARINVOICE", "create_invoice ARINVOICE"])
def test_missing_right_is_a_failure_of_the_function(gateway: Caller, denied: str) -> None:
    gateway.settings(denied=[denied])
    _, text = gateway.refusal(invoice())
    assert text == "You do not have permission for API operation CREATE_INVOICE on objects of type ARINVOICE."


def test_additional_error_info_on_request(gateway: Caller) -> None:
    plain = gateway.send(invoice())
    assert plain.find(".//additionalinfo") is None
    info = gateway.send(invoice(), control=tags(showadditionalerrorinfo="true")).find(".//additionalinfo")
    assert info is not None
    assert [child.tag for child in info] == ["errorid", "category", "target", "messageid", "placeholders"]
    values = {each.findtext("name"): each.findtext("value") for each in info.iterfind("placeholders/placeholder")}
    assert values == {"label": "Customer", "value": "C1"}


def test_support_id_changes_with_every_answer(gateway: Caller) -> None:
    texts = {gateway.send(invoice()).findtext(".//description2") for _ in range(2)}
    assert len(texts) == 2
    assert all("[Support ID: " in (text or "") and "%7E" in (text or "") for text in texts)
    gateway.settings(support_ids=False)
    assert "Support ID" not in etree.tostring(gateway.send(invoice())).decode()


def test_company_functions(gateway: Caller) -> None:
    entities = gateway.do("<readEntityDetails/>").findall("data/entity")
    assert [(each.findtext("id"), each.findtext("currency")) for each in entities] == [("UK", "GBP"), ("EE", "EUR")]
    dimensions = gateway.do("<getDimensions/>").findall("data/dimensions/dimension")
    custom = [each.findtext("objectName") for each in dimensions if each.findtext("userDefinedDimension") == "true"]
    assert custom == ["PRACTICE"]
    fields = gateway.do(tag("lookup", tags(object="ARINVOICE"))).findall("data/Type/Fields/Field")
    assert {"RECORDNO", "RECORDID", "STATE"} <= {field.findtext("ID") for field in fields}
    assert gateway.refusal(tag("lookup", tags(object="BADOBJECT"))) == (
        "Query Failed",
        "Object definition BADOBJECT not found",
    )


def test_read_and_read_by_name(gateway: Caller) -> None:
    number = gateway.key(customer())
    read = gateway.do(tag("read", tags(object="CUSTOMER", keys=f"{number},999", fields="CUSTOMERID,NAME")))
    assert read.findtext("data/customer/NAME") == "Acme & Sons"
    assert len(read.findall("data/customer")) == 1
    named = gateway.do(tag("readByName", tags(object="CUSTOMER", keys="C1")))
    assert named.findtext("data/customer/DISPLAYCONTACT.PRINTAS") == "Acme & Sons"
    gateway.do(invoice("A"))
    gateway.do(query("ARINVOICE", "RECORDNO", where=condition("equalto", "RECORDID", "A")))
    record = gateway.records("ARINVOICE")[0]["RECORDNO"]
    lines = gateway.do(tag("read", tags(object="ARINVOICE", keys=record))).findall(".//arinvoiceitem")
    assert len(lines) == 2


def test_dates_must_exist(gateway: Caller) -> None:
    gateway.do(customer())
    number, text = gateway.refusal(invoice(date=day("datecreated", 2, 30)))
    assert (number, "is not a date" in text) == ("BL03000018", True)
