"""The gateway's answers as values."""

import pytest

from clients.intacct.parse import UnparsableError, parse
from schemas.intacct.results import Response

CONTROL = (
    "<control><status>success</status><senderid>s</senderid><controlid>r</controlid><uniqueid>true</uniqueid></control>"
)
SIGNED_IN = (
    "<authentication><status>success</status><userid>u</userid><companyid>c</companyid>"
    "<locationid>UK</locationid></authentication>"
)


def answer(*results: str) -> Response:
    operation = f"<operation>{SIGNED_IN}{''.join(results)}</operation>"
    xml = f'<?xml version="1.0" encoding="UTF-8"?>\n<response>{CONTROL}{operation}</response>'
    return parse(xml.encode())


def result(function: str, rest: str, status: str = "success", controlid: str = "c1") -> str:
    head = f"<status>{status}</status><function>{function}</function><controlid>{controlid}</controlid>"
    return f"<result>{head}{rest}</result>"


def test_the_key_of_a_legacy_function() -> None:
    got = answer(result("create_invoice", "<key> 2091 </key>")).results["c1"]
    assert (got.succeeded, got.key, got.natural_id, got.rows) == (True, "2091", None, ())


def test_the_key_of_a_generic_function() -> None:
    data = (
        '<data listtype="objects" count="1"><project><RECORDNO>12</RECORDNO><PROJECTID>P-1</PROJECTID></project></data>'
    )
    got = answer(result("create", data)).results["c1"]
    assert (got.key, got.natural_id) == ("12", "P-1")
    bare = '<data listtype="objects" count="1"><apbill><RECORDNO>7</RECORDNO></apbill></data>'
    assert answer(result("update", bare)).results["c1"].key == "7"


def test_the_rows_of_a_query_one_or_many() -> None:
    data = '<data listtype="APBILL" totalcount="{0}" offset="0" count="{0}" numremaining="3">{1}</data>'
    row = "<APBILL><RECORDNO>1</RECORDNO><VENDOR.NAME>A &amp; B</VENDOR.NAME><WHENPAID/></APBILL>"
    one = answer(result("query", data.format(1, row))).results["c1"]
    assert one.rows == ({"RECORDNO": "1", "VENDOR.NAME": "A & B", "WHENPAID": ""},)
    assert (one.totalcount, one.numremaining, one.key) == (1, 3, None)
    assert len(answer(result("query", data.format(2, row * 2))).results["c1"].rows) == 2
    none = '<data listtype="APBILL" totalcount="0" offset="0" count="0" numremaining="0"/>'
    assert answer(result("query", none)).results["c1"].rows == ()


def test_nested_rows_are_named_by_path_and_place() -> None:
    supdoc = (
        '<listtype start="0" end="0" total="1">supdoc</listtype><data><supdoc><supdocid>A</supdocid><attachments>'
        "<attachment><attachmentname>one</attachmentname></attachment>"
        "<attachment><attachmentname>two</attachmentname></attachment></attachments></supdoc></data>"
    )
    got = answer(result("get_list", supdoc)).results["c1"]
    assert got.rows == (
        {
            "supdocid": "A",
            "attachments.attachment.attachmentname": "one",
            "attachments.attachment[2].attachmentname": "two",
        },
    )


def test_a_wrapper_around_records_is_looked_through() -> None:
    dimension = "<dimension><objectName>{}</objectName><termLabel>x</termLabel></dimension>"
    data = f"<data><dimensions>{dimension.format('PROJECT')}{dimension.format('CLASS')}</dimensions></data>"
    assert [row["objectName"] for row in answer(result("getDimensions", data)).results["c1"].rows] == [
        "PROJECT",
        "CLASS",
    ]


def test_anything_but_success_is_a_rejection_and_has_no_key() -> None:
    error = (
        "<errormessage><error><errorno>BL34000061</errorno><description></description><description2>Another Project "
        "exists [Support ID: x%7Ey]</description2><correction>Use a unique value.</correction></error></errormessage>"
    )
    data = '<data listtype="objects" count="1"><project><RECORDNO>12</RECORDNO></project></data>'
    got = answer(result("create", data + error, status="failure")).results["c1"]
    assert (got.succeeded, got.key, got.rolled_back) == (False, None, False)
    assert got.errors[0].errorno == "BL34000061"
    assert got.errors[0].correction == "Use a unique value."
    assert not answer(result("create", "", status="aborted")).results["c1"].succeeded
    assert not answer(result("create", "", status="")).results["c1"].succeeded


def test_a_rolled_back_function_is_not_at_fault() -> None:
    mark = (
        "<error><errorno>XL03000009</errorno><description2>The entire transaction in this operation has been rolled "
        "back due to an error.</description2></error>"
    )
    own = "<error><errorno>BL1</errorno><description2>No.</description2></error>"
    aborted = answer(result("create", f"<errormessage>{mark}</errormessage>", status="aborted")).results["c1"]
    failed = answer(result("create", f"<errormessage>{own}{mark}</errormessage>", status="failure")).results["c1"]
    assert aborted.rolled_back
    assert not failed.rolled_back


def test_additional_info_is_read_in_either_shape() -> None:
    error = (
        "<errormessage><error><errorno>BL01001973</errorno><description>Old</description><description2/><correction/>"
        "<additionalinfo><errorid>GL-0493</errorid><messages><placeholders><placeholder><name>ACCOUNT_NO</name>"
        "<value>4000</value></placeholder><TITLE>Sales</TITLE></placeholders></messages></additionalinfo>"
        "</error></errormessage>"
    )
    entry = answer(result("create", error, status="failure")).results["c1"].errors[0]
    assert (entry.description2, entry.errorid) == ("Old", "GL-0493")
    assert entry.placeholders == {"ACCOUNT_NO": "4000", "TITLE": "Sales"}


def test_results_are_found_by_controlid_not_by_place() -> None:
    got = answer(result("query", "", controlid="b"), result("query", "", controlid="a"))
    assert set(got.results) == {"a", "b"}


def test_failures_of_control_and_sign_in_are_told_apart() -> None:
    error = "<errormessage><error><errorno>XL03000006</errorno><description2>No.</description2></error></errormessage>"
    control = parse(f"<response><control><status>failure</status></control>{error}</response>".encode())
    assert (control.control_status, control.authentication_status) == ("failure", "")
    sign_in = parse(
        f"<response>{CONTROL}<operation><authentication><status>failure</status></authentication>{error}"
        "</operation></response>".encode()
    )
    assert (sign_in.control_status, sign_in.authentication_status) == ("success", "failure")
    assert control.errors == sign_in.errors
    assert control.errors[0].errorno == "XL03000006"


BOMB = (
    b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    b"<response><control><status>&b;</status></control></response>"
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"<html><body>502</body></html>",
        b"<!DOCTYPE html><html><head><meta charset=utf-8></head></html>",
        b'{"error": "GW-0001"}',
        b"<response><control><status>success</status></control><operation><result>",
        b"<response><operation/></response>",
        b"\xff\xfe\x00",
        BOMB,
        b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><response><control/></response>',
    ],
)
def test_what_is_no_answer_is_unparsable(body: bytes) -> None:
    with pytest.raises(UnparsableError):
        parse(body)


def test_two_results_for_one_controlid_are_not_believed() -> None:
    with pytest.raises(UnparsableError, match="two results"):
        answer(result("create", ""), result("create", "", status="failure"))
