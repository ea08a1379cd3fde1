"""The Scoro stand-in as an API: transport, keys, envelopes, lists, filters, limits, faults."""

import datetime as dt
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi import HTTPException, Request

from sandbox import fixtures
from sandbox.scoro.control import from_loopback
from tests.unit.sandbox_scoro import KEYED, Client, line, stand_in, wait_for


@pytest.fixture(scope="module")
def server() -> Iterator[Client]:
    with stand_in() as client:
        yield client


@pytest.fixture
def scoro(server: Client) -> Client:
    server.control("reset", {})
    server.set(window_limit=1_000_000)
    return server


def refused(response: requests.Response, status: int) -> Any:
    assert response.status_code == status, response.text
    body = response.json()
    assert body["status"] == "ERROR"
    assert int(body["statusCode"]) == status
    return body["messages"]["error"]


# -- transport ---------------------------------------------------------------------------------------


def test_only_post_and_json_are_understood(scoro: Client) -> None:
    url = f"{scoro.base_url}/api/v2/vatCodes/list"
    refused(scoro.session.get(url), 400)
    refused(scoro.session.post(url, data="apiKey=x"), 400)
    refused(scoro.session.post(url, json=["a", "list"]), 400)


def test_a_missing_action_means_list(scoro: Client) -> None:
    assert scoro.data("vatCodes") == scoro.data("vatCodes/list")


def test_other_addresses_and_unknown_sites_answer_html(scoro: Client) -> None:
    page = scoro.session.get(f"{scoro.base_url}/somewhere")
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (404, "text/html")
    scoro.set(site_hosts=["acme.scoro.test"])
    page = scoro.call("vatCodes/list")
    assert page.headers["content-type"].startswith("text/html")
    right = scoro.raw("vatCodes/list", KEYED, headers={"Host": "acme.scoro.test"})
    assert right.json()["status"] == "OK"


def test_the_default_user_agent_of_urllib_is_blocked(scoro: Client) -> None:
    answer = scoro.raw("vatCodes/list", KEYED, headers={"User-Agent": "Python-urllib/3.11"})
    assert (answer.status_code, answer.text) == (403, "error code: 1010")


def test_unknown_modules_actions_and_ids_are_refused(scoro: Client) -> None:
    refused(scoro.call("creditInvoices/list"), 400)
    refused(scoro.call("receipts/view/1"), 400)
    refused(scoro.call("invoices/view"), 400)
    refused(scoro.call("invoices/view/x1"), 400)
    refused(scoro.call("invoices/view/999"), 404)
    scoro.set(not_found_status=400)
    refused(scoro.call("invoices/view/999"), 400)


def test_ids_beyond_all_bounds_are_not_found(scoro: Client) -> None:
    refused(scoro.call(f"invoices/view/{10**30}"), 404)
    refused(scoro.call("invoices/modify", {"company_id": 10**30}), 400)
    assert scoro.data("invoices/list", filter={"id": [10**30]}) == []


# -- keys --------------------------------------------------------------------------------------------


def test_key_and_entity_are_checked(scoro: Client) -> None:
    entity = {"company_account_id": fixtures.SCORO_ENTITY}
    refused(scoro.raw("invoices/list", entity), 401)
    refused(scoro.raw("invoices/list", entity | {"apiKey": "ScoroAPI_other"}), 403)
    refused(scoro.raw("invoices/list", entity | {"user_token": "no such token"}), 403)
    refused(scoro.raw("invoices/list", {"apiKey": fixtures.SCORO_API_KEY}), 400)
    refused(scoro.call("invoices/list", company_account_id="other"), 403)


def token_of(scoro: Client) -> str:
    user, password = fixtures.SCORO_USER
    device = {"device_type": "server", "device_name": "test", "device_id": "1"}
    sign_in = {"username": user, "password": password} | device
    body = {"company_account_id": fixtures.SCORO_ENTITY, "lang": "eng"}
    refused(scoro.raw("userAuth/modify", body | {"request": sign_in | {"password": "wrong"}}), 403)
    answer = scoro.raw("userAuth/modify", body | {"request": sign_in}).json()
    return str(answer["data"]["token"])


def test_bookmarks_need_a_user_token(scoro: Client) -> None:
    refused(scoro.call("bookmarks/list"), 403)
    by_token = {"company_account_id": fixtures.SCORO_ENTITY, "user_token": token_of(scoro)}
    (bookmark,) = scoro.raw("bookmarks/list", by_token).json()["data"]
    sent = scoro.invoice(is_sent=1)
    scoro.invoice()
    asked = by_token | {"bookmark": {"bookmark_id": bookmark["bookmark_id"]}}
    assert [row["id"] for row in scoro.raw("invoices/list", asked).json()["data"]] == [sent["id"]]
    marked = {"bookmark": {"bookmark_id": "111"}}
    assert len(scoro.data("invoices/list", **marked)) == 2
    scoro.set(bookmark_with_api_key="apply")
    assert len(scoro.data("invoices/list", **marked)) == 1
    scoro.set(bookmark_with_api_key="reject")
    refused(scoro.call("invoices/list", **marked), 403)


def test_documents_of_another_entity_are_not_seen(scoro: Client) -> None:
    scoro.set(entities=[fixtures.SCORO_ENTITY, "second"])
    ours = scoro.invoice()
    assert scoro.data("invoices/list", company_account_id="second") == []
    refused(scoro.call(f"invoices/view/{ours['id']}", company_account_id="second"), 404)
    refused(scoro.call(f"invoices/modify/{ours['id']}", {}, company_account_id="second"), 404)
    assert scoro.data("contacts/list", company_account_id="second")[0]["name"] == "Acme Ltd"
    (company,) = scoro.data("companyAccount/list", company_account_id="second")
    assert [entity["entity_id"] for entity in company["active_entities"]] == [fixtures.SCORO_ENTITY, "second"]


# -- envelope ----------------------------------------------------------------------------------------


def test_status_code_comes_as_string_or_int(scoro: Client) -> None:
    mixed = {type(scoro.call(path).json()["statusCode"]) for path in ("vatCodes/list", "vatCodes/view/1")}
    assert mixed == {str, int}
    scoro.set(status_code="int")
    assert scoro.call("vatCodes/list").json()["statusCode"] == 200


@pytest.mark.parametrize(("shape", "kind"), [("list", list), ("string", str), ("map", dict)])
def test_messages_come_as_list_string_or_map(scoro: Client, shape: str, kind: type) -> None:
    scoro.set(error_messages=shape)
    assert isinstance(refused(scoro.call("invoices/view/999"), 404), kind)


def test_errors_can_come_with_http_200(scoro: Client) -> None:
    scoro.set(errors_with_status_200=True)
    answer = scoro.call("invoices/view/999")
    assert (answer.status_code, answer.json()["status"], answer.json()["statusCode"]) == (200, "ERROR", "404")


# -- lists -------------------------------------------------------------------------------------------


def test_pages_are_capped_and_tell_no_total(scoro: Client) -> None:
    payer = scoro.save("contacts/modify", {"name": "Acme"})["contact_id"]
    for _ in range(103):
        scoro.control("create/invoices", {"company_id": payer, "lines": [line()]})
    plain = scoro.call("invoices/list", per_page=500).json()
    assert set(plain) == {"status", "statusCode", "messages", "data"}
    assert len(plain["data"]) == 100
    assert len(scoro.data("invoices/list", per_page=500, page=2)) == 3
    assert len(scoro.data("invoices/list", per_page=500, page=3)) == 0
    assert len(scoro.data("invoices/list")) == 50
    detailed = [scoro.data("invoices/list", per_page=100, page=n, detailed_response=True) for n in range(1, 6)]
    assert [len(page) for page in detailed] == [25, 25, 25, 25, 3]
    assert len({row["id"] for page in detailed for row in page}) == 103


def test_plain_lists_have_no_lines_and_no_custom_fields(scoro: Client) -> None:
    invoice = scoro.invoice(lines=[line()], custom_fields=[{"id": "c_class", "value": "Retainer"}])
    (plain,) = scoro.data("invoices/list")
    assert plain["lines"] is None
    assert plain["custom_fields"] is None
    assert "company_name" not in plain
    (detailed,) = scoro.data("invoices/list", detailed_response=True)
    assert detailed == scoro.data(f"invoices/view/{invoice['id']}")
    assert detailed["company_name"] == "Acme Ltd"
    assert len(detailed["lines"]) == 1


def test_filters_work_at_the_top_level_only(scoro: Client) -> None:
    first = scoro.invoice(no="INV-1", custom_fields=[{"id": "c_ponumber", "value": "PO-7"}])
    second = scoro.invoice(no="INV-2")
    scoro.invoice(no="CR-1")

    def found(**filters: Any) -> list[str]:
        return [row["no"] for row in scoro.data("invoices/list", filter=filters)]

    assert found(company_id=first["company_id"]) == ["INV-1"]
    assert found(company_id=str(first["company_id"])) == ["INV-1"]
    assert found(no="inv%") == ["INV-1", "INV-2"]
    assert found(id=[first["id"], second["id"]]) == ["INV-1", "INV-2"]
    assert found(id=second["id"]) == ["INV-2"]
    assert found(status="paid") == []
    assert found(custom_fields={"c_ponumber": ""}) == ["INV-2", "CR-1"]
    assert found(custom_fields={"c_ponumber": "PO-7"}) == ["INV-1"]
    assert len(found(no_such_field="x")) == 3
    assert len(scoro.data("invoices/list", {"filter": {"no": "CR-1"}})) == 3


def test_contacts_are_found_by_means_of_contact_and_kind(scoro: Client) -> None:
    scoro.save("contacts/modify", {"name": "Acme", "means_of_contact": {"website": ["acme.example"]}})
    scoro.save("persons/modify", {"name": "Grace", "lastname": "Okafor"})
    wanted = {"means_of_contact": {"website": "acme.example"}}
    assert [row["name"] for row in scoro.data("contacts/list", filter=wanted)] == ["Acme"]
    assert [row["name"] for row in scoro.data("contacts/list", filter={"contact_type": "person"})] == ["Grace"]
    assert [row["name"] for row in scoro.data("companies/list")] == ["Acme"]
    assert [row["search_name"] for row in scoro.data("persons/list")] == ["Grace Okafor"]


def test_a_filter_that_the_module_ignores_finds_everything(scoro: Client) -> None:
    scoro.control("create/projectPhases", {"project_id": 1, "title": "One"})
    scoro.control("create/projectPhases", {"project_id": 2, "title": "Two"})
    assert len(scoro.data("projectPhases/list", filter={"project_id": 1})) == 2


def test_modified_date_means_the_first_second_of_a_day(scoro: Client) -> None:
    scoro.invoice()
    today = dt.datetime.fromisoformat(scoro.data("invoices/list")[0]["modified_date"]).date()
    tomorrow, yesterday = today + dt.timedelta(days=1), today - dt.timedelta(days=1)

    def found(first: object, last: object) -> int:
        span = {"from_date": str(first), "to_date": str(last)}
        return len(scoro.data("invoices/list", filter={"modified_date": span}))

    assert found(yesterday, today) == 0
    assert found(today, tomorrow) == 1
    assert found(tomorrow, tomorrow) == 0
    assert found(f"{today} 23:59:59", tomorrow) == 1
    scoro.set(filter_time_of_day=True)
    assert found(f"{tomorrow} 00:00:00", tomorrow) == 0
    refused(scoro.call("invoices/list", filter={"modified_date": {"from_date": "soon"}}), 400)


def test_deleted_records_are_listed_for_thirty_days(scoro: Client) -> None:
    invoice = scoro.invoice(lines=[line()])
    scoro.data(f"invoices/delete/{invoice['id']}")
    assert scoro.data("invoices/list") == []
    (row,) = scoro.data("invoices/list", include_deleted=1, detailed_response=True)
    assert (row["is_deleted"], row["lines"], row["vat"]) == (1, [], None)
    assert row["deleted_date"] == row["modified_date"]
    assert len(scoro.data("invoices/list", {"include_deleted": 1})) == 1
    scoro.set(include_deleted_placement="top")
    assert scoro.data("invoices/list", {"include_deleted": 1}) == []
    scoro.set(clock_offset_s=31 * 86_400)
    assert scoro.data("invoices/list", include_deleted=1) == []
    refused(scoro.call(f"invoices/modify/{invoice['id']}", {"description": "x"}), 404)
    refused(scoro.call(f"invoices/delete/{invoice['id']}"), 404)


# -- limits ------------------------------------------------------------------------------------------


def test_every_answer_carries_the_rate_headers(scoro: Client) -> None:
    scoro.set(window_limit=5, window_s=600, daily_limit=1000)
    first, second = scoro.call("vatCodes/list"), scoro.call("invoices/view/999")
    assert first.headers["x-ratelimit-limit"] == "5"
    assert int(second.headers["x-ratelimit-remaining"]) == int(first.headers["x-ratelimit-remaining"]) - 1
    daily = [int(answer.headers["x-daily-requests-remaining"]) for answer in (first, second)]
    assert daily[1] == daily[0] - 1
    assert 0 < int(first.headers["x-daily-requests-reset"]) <= 86_400


def test_too_many_requests_in_a_window(scoro: Client) -> None:
    scoro.set(window_limit=3, window_s=600, retry_after=True)
    answers = [scoro.call("vatCodes/list") for _ in range(4)]
    assert answers[-1].status_code == 429
    too_many = {"status": "ERROR", "statusCode": "429", "messages": {"error": ["Too many requests"]}}
    assert answers[-1].json() == too_many
    assert answers[-1].headers["x-ratelimit-remaining"] == "0"
    assert int(answers[-1].headers["retry-after"]) == int(answers[-1].headers["x-ratelimit-reset"])
    scoro.set(clock_offset_s=601)
    assert scoro.call("vatCodes/list").status_code == 200


def test_an_exhausted_day_ends_at_midnight_utc(scoro: Client) -> None:
    scoro.set(daily_limit=0)
    answer = scoro.call("vatCodes/list")
    assert (answer.status_code, answer.headers["x-daily-requests-remaining"]) == (429, "0")
    scoro.set(daily_limit=1, clock_offset_s=int(answer.headers["x-daily-requests-reset"]) + 1)
    assert scoro.call("vatCodes/list").status_code == 200
    assert scoro.call("vatCodes/list").status_code == 429


# -- faults ------------------------------------------------------------------------------------------


def test_an_answer_can_be_lost_before_or_after_the_commit(scoro: Client) -> None:
    for fault, invoices in (("lost_before", 0), ("lost_after_commit", 1)):
        scoro.control("faults", {"fault": fault, "module": "invoices", "action": "modify"})
        with pytest.raises(requests.ConnectionError):
            scoro.call("invoices/modify", {"description": fault})
        assert len(scoro.data("invoices/list")) == invoices
    assert scoro.control("faults") == []


def test_faults_answer_as_they_are_named(scoro: Client) -> None:
    def meet(**fault: Any) -> requests.Response:
        scoro.control("faults", fault)
        return scoro.call("vatCodes/list")

    assert meet(fault="status_5xx", status=503).status_code == 503
    assert meet(fault="html").headers["content-type"].startswith("text/html")
    assert meet(fault="empty").content == b""
    throttled = meet(fault="throttled", reset_s=7)
    assert (throttled.status_code, throttled.headers["x-ratelimit-reset"]) == (429, "7")
    error = meet(fault="error", code=408, message="Maximum execution time reached")
    assert (error.status_code, error.json()["statusCode"]) == (200, "408")
    assert meet(fault="slow", ms=200).elapsed.total_seconds() >= 0.2


def test_faults_are_counted_aimed_and_cleared(scoro: Client) -> None:
    scoro.control("faults", {"fault": "html", "count": 2, "module": "invoices"})
    assert scoro.call("vatCodes/list").status_code == 200
    assert [scoro.call("invoices/list").status_code for _ in range(3)] == [502, 502, 200]
    scoro.control("faults", {"fault": "html", "count": None})
    assert {scoro.call("invoices/list").status_code for _ in range(3)} == {502}
    scoro.control("faults", method="DELETE")
    assert scoro.call("invoices/list").status_code == 200


# -- control -----------------------------------------------------------------------------------------


def test_settings_have_a_meaning_and_reject_what_is_unknown(scoro: Client) -> None:
    assert all(setting["meaning"] for setting in scoro.control("settings").values())
    answer = scoro.session.post(f"{scoro.base_url}/_sandbox/settings", json={"no_such": 1})
    assert answer.status_code == 400


def test_requests_are_counted(scoro: Client) -> None:
    scoro.call("invoices")
    scoro.call("invoices/view/999")
    counters = scoro.control("counters")
    assert counters["requests"] == {"invoices/list": 1, "invoices/view": 1}
    assert counters["statuses"] == {"200": 1, "404": 1}


def test_the_control_surface_answers_loopback_only() -> None:
    def from_host(host: str) -> Request:
        return Request({"type": "http", "client": (host, 1)})

    from_loopback(from_host("127.0.0.1"))
    from_loopback(from_host("::1"))
    for host in ("192.0.2.7", "testclient", ""):
        with pytest.raises(HTTPException):
            from_loopback(from_host(host))


def test_a_killed_stand_in_has_kept_what_it_answered(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    script = f"from pathlib import Path; from sandbox.serve import serve; serve('scoro', '127.0.0.1', {port}, "
    command = [sys.executable, "-c", f"{script} Path({str(tmp_path)!r}))"]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    try:
        client = Client(f"http://127.0.0.1:{port}")
        wait_for(lambda: process.poll() is None and listens(port))
        with client.session:
            made = [client.invoice(lines=[line()]) for _ in range(5)]
    finally:
        process.kill()
        process.wait()
    with stand_in(tmp_path) as again:
        assert [again.data(f"invoices/view/{one['id']}") for one in made] == made


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_second_run_finds_the_books_of_the_first(tmp_path: Path) -> None:
    with stand_in(tmp_path) as first:
        first.set(html_entities=True)
        made = first.invoice(lines=[line()])
    with stand_in(tmp_path) as second:
        assert second.control("settings")["html_entities"]["value"] is True
        assert second.data(f"invoices/view/{made['id']}") == made
        again = second.invoice(lines=[line()])
        assert again["no"] != made["no"]
        assert again["lines"][0]["id"] != made["lines"][0]["id"]
