"""Background data of Intacct: read in one request, with user-defined dimensions and what does not fit into a page."""

from collections.abc import Mapping, Sequence

from schemas.intacct.functions import Function
from schemas.intacct.results import FunctionResult, GatewayErrorEntry, Response
from workers.pull.background import known_user_dimensions, read_intacct

PRACTICE = {"objectName": "PRACTICE", "userDefinedDimension": "true"}
CLASS = {"objectName": "CLASS", "userDefinedDimension": "false"}


class Intacct:
    """A gateway that answers from tables and remembers its requests."""

    def __init__(
        self, tables: Mapping[str, Sequence[Mapping[str, str]]], *, unknown_fields: Sequence[str] = ()
    ) -> None:
        self.tables = dict(tables)
        self.unknown_fields = set(unknown_fields)
        self.requests: list[list[Function]] = []

    def __call__(self, calls: Sequence[tuple[str, Function]]) -> Response:
        self.requests.append([function for _, function in calls])
        return Response("success", "success", {controlid: self.answer(controlid, f) for controlid, f in calls})

    def answer(self, controlid: str, function: Function) -> FunctionResult:
        body = function.model_dump()["body"]
        if function.name != "query":
            rows = self.tables.get(function.name, ())
            return FunctionResult(controlid, function.name, "success", rows=tuple(rows))
        if self.unknown_fields.intersection(body["select"]["field"]):
            error = GatewayErrorEntry("DL02000001", "There was an error processing the request.")
            return FunctionResult(controlid, "query", "failure", errors=(error,))
        rows = self.tables.get(body["object"], ())
        start = int(body["offset"])
        page = tuple(rows[start : start + int(body["pagesize"])])
        return FunctionResult(controlid, "query", "success", rows=page, totalcount=len(rows))


def test_a_new_user_defined_dimension_takes_a_second_request_and_a_known_one_none() -> None:
    intacct = Intacct({"getDimensions": [CLASS, PRACTICE], "PRACTICE": [{"id": "7", "name": "North"}]})
    found = read_intacct(intacct)
    assert [(item.key, item.data["name"]) for item in found.topics["dimension:PRACTICE"]] == [("7", "North")]
    assert len(intacct.requests) == 2
    read_intacct(intacct, known_user_dimensions(found.topics))
    assert len(intacct.requests) == 3


def test_rows_beyond_a_page_come_with_the_second_request() -> None:
    rows = [{"ACCOUNTNO": str(number), "TITLE": "x"} for number in range(4500)]
    intacct = Intacct({"GLACCOUNT": rows})
    assert len(read_intacct(intacct).topics["account"]) == 4500
    assert len(intacct.requests) == 2


def test_dimensions_that_accounts_want_are_known_and_done_without_where_the_company_has_no_such_field() -> None:
    tables = {"GLACCOUNT": [{"ACCOUNTNO": "6000", "REQUIREDEPT": "true", "REQUIREPROJECT": "false"}]}
    (item,) = read_intacct(Intacct(tables)).topics["account_dimensions"]
    assert item.data == {"requires": ["DEPARTMENT"]}
    without = read_intacct(Intacct(tables, unknown_fields=["REQUIRECLASS"]))
    assert "account_dimensions" not in without.topics
    assert without.unreadable == {}
    assert len(without.topics["account"]) == 1


def test_what_cannot_be_read_is_told_by_its_object() -> None:
    refused = read_intacct(Intacct({}, unknown_fields=["CLASSID"]))
    assert list(refused.unreadable) == ["CLASS"]
