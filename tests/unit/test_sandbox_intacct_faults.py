"""The stand-in under load and with faults: cut connections, late commits, throttling, counters, a restart."""

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from fastapi import HTTPException, Request
from lxml import etree

from sandbox.intacct import create_app
from sandbox.intacct.control import only_loopback
from sandbox.serve import running
from tests.unit.sandbox_intacct import Caller, customer, first_error, invoice, line, query

DEADLINE_S = 20.0


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with running(create_app()) as url:
        yield url


@pytest.fixture
def gateway(base_url: str) -> Caller:
    caller = Caller(base_url)
    caller.control("POST", "reset")
    caller.do(customer())
    return caller


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.01)


def invoices(gateway: Caller) -> list[str]:
    return [record["RECORDID"] for record in gateway.records("ARINVOICE")]


def cut(gateway: Caller, *functions: str) -> None:
    with pytest.raises(requests.ConnectionError):
        gateway.send(*functions)


def test_answer_lost_after_commit(gateway: Caller) -> None:
    gateway.fault("lost_after_commit")
    cut(gateway, invoice("A"))
    assert invoices(gateway) == ["A"]
    gateway.do(invoice("B"))


def test_request_lost_before_it_ran(gateway: Caller) -> None:
    gateway.fault("lost_before", count=2)
    cut(gateway, invoice("A"))
    cut(gateway, invoice("A"))
    assert invoices(gateway) == []
    assert gateway.counters()["requests"] == 3


def test_late_commit_runs_after_the_caller_was_cut_off(gateway: Caller) -> None:
    gateway.fault("late_commit", ms=300)
    cut(gateway, invoice("A"))
    assert invoices(gateway) == []
    assert gateway.counters()["late_commits_pending"] == 1
    eventually(lambda: gateway.counters()["late_commits_pending"] == 0)
    assert invoices(gateway) == ["A"]


@pytest.mark.parametrize(
    ("name", "options", "status", "marker"),
    [
        ("status_5xx", {}, 503, "GW-0001"),
        ("status_5xx", {"status": 502}, 502, "GW-0001"),
        ("html", {}, 200, "cf-error-details"),
        ("empty", {}, 200, ""),
        ("empty", {"status": 500}, 500, ""),
        ("throttled", {}, 429, "GW-0010"),
    ],
)
def test_answers_that_are_none(gateway: Caller, name: str, options: dict[str, int], status: int, marker: str) -> None:
    gateway.fault(name, **options)
    answer = gateway.post(gateway.envelope(invoice("A")))
    assert (answer.status_code, marker in answer.text, bool(answer.text)) == (status, True, bool(marker))
    assert invoices(gateway) == []


@pytest.mark.parametrize("name", ["status_5xx", "html", "empty"])
def test_such_an_answer_may_hide_a_commit(gateway: Caller, name: str) -> None:
    gateway.fault(name, when="after")
    gateway.post(gateway.envelope(invoice("A")))
    assert invoices(gateway) == ["A"]


def test_slow_request_still_runs(gateway: Caller) -> None:
    gateway.fault("slow", ms=200)
    began = time.monotonic()
    gateway.do(invoice("A"))
    assert time.monotonic() - began >= 0.2


def test_schema_fault_strikes_only_requests_with_a_text(gateway: Caller) -> None:
    gateway.fault("schema", contains="INV-7", count=None)
    gateway.do(invoice("INV-6"))
    root = gateway.send(invoice("INV-7"), invoice("INV-8"))
    assert first_error(root)[0] == "XL03000003"
    assert invoices(gateway) == ["INV-6"]
    gateway.control("DELETE", "faults")
    gateway.do(invoice("INV-7"))


@pytest.mark.parametrize(("when", "expected"), [("after", ["A", "B"]), ("before", ["B"])])
def test_one_result_missing(gateway: Caller, when: str, expected: list[str]) -> None:
    gateway.fault("missing_result", contains="<invoiceno>A<", when=when)
    results = gateway.results(("a", invoice("A")), ("b", invoice("B")))
    assert [result.findtext("controlid") for result in results] == ["b"]
    assert invoices(gateway) == expected


@pytest.mark.parametrize("level", ["control", "authentication", "function"])
def test_any_error_at_any_level(gateway: Caller, level: str) -> None:
    gateway.fault("error", level=level, errorno="BL99", description2="Out of ink", correction="Refill")
    root = gateway.send(invoice("A"))
    assert first_error(root) == ("BL99", "Out of ink")
    assert root.findtext("control/status") == ("failure" if level == "control" else "success")
    assert invoices(gateway) == []


def test_error_for_one_function_leaves_the_others(gateway: Caller) -> None:
    gateway.fault("error", function="create_invoice", errorno="BL99", description2="Out of ink")
    statuses = [each.findtext("status") for each in gateway.results("<readEntityDetails/>", invoice("A"), invoice("B"))]
    assert statuses == ["success", "failure", "success"]


def test_seeded_probability_strikes_the_same_requests_again(gateway: Caller) -> None:
    def struck() -> list[bool]:
        gateway.control("DELETE", "faults")
        gateway.fault("empty", probability=0.5, seed=7, count=None)
        answers = [gateway.post(gateway.envelope("<readEntityDetails/>")).text for _ in range(20)]
        return [not text for text in answers]

    first = struck()
    assert first == struck()
    assert 0 < sum(first) < 20


def test_unknown_faults_and_settings_are_refused(gateway: Caller) -> None:
    url = f"{gateway.base_url}/_sandbox"
    assert gateway.http.post(f"{url}/faults", json={"fault": "earthquake"}, timeout=30).status_code == 422
    assert gateway.http.post(f"{url}/settings", json={"colour": "red"}, timeout=30).status_code == 422
    assert gateway.http.post(f"{url}/settings", json={"latency_ms": -1}, timeout=30).status_code == 422


def test_settings_are_shown_with_their_meaning(gateway: Caller) -> None:
    shown = gateway.control("GET", "settings")
    assert shown["duplicate_numbers"]["value"] == "reject"
    assert all(each["meaning"] for each in shown.values())


def at_once(gateway: Caller, number: int) -> list[int]:
    barrier = threading.Barrier(number)

    def one(_: int) -> int:
        caller = Caller(gateway.base_url)
        barrier.wait()
        return caller.post(caller.envelope("<readEntityDetails/>")).status_code

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def test_simultaneous_requests_are_real_and_counted(gateway: Caller) -> None:
    gateway.settings(latency_ms=300)
    began = time.monotonic()
    assert at_once(gateway, 6) == [200] * 6
    assert time.monotonic() - began < 6 * 0.3
    assert gateway.counters()["max_simultaneous"] == 6


def test_one_request_after_another_counts_as_one(gateway: Caller) -> None:
    for _ in range(3):
        gateway.do("<readEntityDetails/>")
    assert gateway.counters()["max_simultaneous"] == 1


def test_callers_that_left_count_as_in_flight_but_not_as_simultaneous(gateway: Caller) -> None:
    gateway.settings(latency_ms=700)
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{gateway.base_url}/ia/xml/xmlgw.phtml",
            data=gateway.envelope(invoice("A")).encode(),
            timeout=0.2,
        )
    gateway.settings(latency_ms=0)
    gateway.do("<readEntityDetails/>")
    counters = gateway.counters()
    assert (counters["max_simultaneous"], counters["max_in_flight"]) == (1, 2)
    eventually(lambda: invoices(gateway) == ["A"])


def test_more_than_the_limit_at_once_are_throttled(gateway: Caller) -> None:
    gateway.settings(latency_ms=400, concurrency_limit=2, retry_after_s=7)
    statuses = at_once(gateway, 5)
    assert sorted(statuses) == [200, 200, 429, 429, 429]
    gateway.settings(throttle_status=200, concurrency_limit=0)
    gateway.fault("throttled")
    answer = gateway.post(gateway.envelope("<readEntityDetails/>"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (200, "7")
    assert first_error(etree.fromstring(answer.content)) == ("GW-0010", "API rate limit exceeded")


def test_counters_and_requests_word_for_word(gateway: Caller) -> None:
    start = gateway.control("GET", "requests")[-1]["n"]
    xml = gateway.envelope(("a", invoice("A")), ("b", query("ARINVOICE", "RECORDNO")))
    gateway.post(xml)
    gateway.post("<broken")
    kept = gateway.control("GET", f"requests?since={start}")
    assert [(each["functions"], each["status"]) for each in kept] == [
        (["create_invoice", "query"], "answered"),
        ([], "rejected"),
    ]
    assert kept[0]["xml"] == xml
    counters = gateway.counters()
    assert counters["functions_by_name"] == {"create": 1, "create_invoice": 1, "query": 1}
    assert (counters["requests"], counters["requests_rejected"]) == (3, 1)
    assert counters["created"] == {"CUSTOMER": 1, "ARINVOICE": 1}


def test_kept_requests_are_bounded(gateway: Caller) -> None:
    gateway.settings(request_log_size=3)
    for _ in range(5):
        gateway.do("<readEntityDetails/>")
    assert len(gateway.control("GET", "requests")) == 3


def test_size_limits_by_setting(gateway: Caller) -> None:
    gateway.settings(max_functions=1)
    assert first_error(gateway.send("<readEntityDetails/>", "<getDimensions/>"))[0] == "XL03000003"
    gateway.settings(max_functions=0, max_bytes=100)
    assert first_error(gateway.send("<readEntityDetails/>"))[0] == "XL03000003"


def test_kept_requests_are_bounded_in_size(gateway: Caller) -> None:
    gateway.settings(request_log_megabytes=1)
    for number in range(3):
        gateway.do(invoice(f"A{number}", *[line()] * 2500))
    kept = gateway.control("GET", "requests")
    assert len(kept) < 3
    assert "A2" in kept[-1]["xml"]


def test_control_surface_is_for_this_machine_alone() -> None:
    only_loopback(Request({"type": "http", "client": ("127.0.0.1", 1), "headers": []}))
    with pytest.raises(HTTPException):
        only_loopback(Request({"type": "http", "client": ("192.0.2.1", 1), "headers": []}))


def test_control_of_unknown_objects_and_records(gateway: Caller) -> None:
    assert gateway.http.get(f"{gateway.base_url}/_sandbox/records/UNICORN", timeout=30).status_code == 404
    edit = gateway.http.post(f"{gateway.base_url}/_sandbox/edit/CUSTOMER/999", json={}, timeout=30)
    assert edit.status_code == 404


@pytest.mark.alone
def test_a_full_pack_is_answered_quickly(gateway: Caller) -> None:
    """50 invoices of 10 lines: well under 150 ms on an idle machine; three times that on a busy one."""
    packs = [
        gateway.envelope(*(invoice(f"P{pack}-{number}", *[line()] * 10) for number in range(50))) for pack in range(5)
    ]
    took = []
    for xml in packs:
        began = time.perf_counter()
        answer = gateway.post(xml)
        took.append(time.perf_counter() - began)
        assert answer.text.count("<status>success</status>") == 52
    assert min(took) < 0.45


RESTART = textwrap.dedent("""
    import sys
    from pathlib import Path
    from sandbox.intacct import create_app
    from sandbox.serve import running
    with running(create_app(Path(sys.argv[1]))) as url:
        print(url, flush=True)
        sys.stdin.read()
""")


def start(data_dir: Path) -> tuple[subprocess.Popen[str], Caller]:
    process = subprocess.Popen(
        [sys.executable, "-c", RESTART, str(data_dir)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Caller(process.stdout.readline().strip())


def test_killed_stand_in_keeps_all_it_answered(tmp_path: Path) -> None:
    process, gateway = start(tmp_path)
    with process:
        gateway.do(customer())
        gateway.settings(duplicate_numbers="allow")
        gateway.results(("same", invoice("A")), unique=True)
        process.kill()
        gateway.http.close()
    process, gateway = start(tmp_path)
    with process:
        assert invoices(gateway) == ["A"]
        (replay,) = gateway.results(("same", invoice("A")), unique=True)
        assert replay.findtext("status") == "failure"
        gateway.do(invoice("A"))
        assert gateway.counters()["requests"] == 4
        process.kill()
        gateway.http.close()
