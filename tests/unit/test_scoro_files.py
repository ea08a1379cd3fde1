"""Files of Scoro: which belong to a document, however the site tells it, and their contents in both forms."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.scoro.client import ScoroClient
from clients.scoro.errors import NotFound, Refused, Unavailable
from clients.scoro.files import FEW_CALLS, FileTooLargeError, ScoroFiles
from schemas.scoro.files import File, read_file
from tests.unit.scripted_server import ScriptedServer, answering
from tests.unit.test_scoro_client import asked, bodies, ok, refusal

PDF = b"%PDF-1.7 not really"


class Site:
    """A Scoro that holds files: `hidden`: lists do not tell relations; `filters`: the filter on relations works."""

    def __init__(self, *files: dict[str, Any], filters: bool = False, hidden: bool = False) -> None:
        self.files = list(files)
        self.filters = filters
        self.hidden = hidden

    def __call__(self, path: str, body: dict[str, Any]) -> Any:
        if path.startswith("files/view/"):
            return next(file for file in self.files if file["file_id"] == int(path.rsplit("/", 1)[1]))
        chosen = self.files
        wanted = body.get("filter", {})
        if self.filters and wanted:
            ids = {str(each) for each in wanted["rel_id"]}
            chosen = [f for f in chosen if ids & {str(i) for i in (f["relations"] or {}).get(wanted["rel_type"], [])}]
        page = chosen[(body["page"] - 1) * 25 : body["page"] * 25]
        return [{k: v for k, v in file.items() if k != "relations"} for file in page] if self.hidden else page


def file(number: int, relations: Any, **more: Any) -> dict[str, Any]:
    return {"file_id": number, "file_name": f"{number}.pdf", "file_size": str(len(PDF)), "relations": relations} | more


@contextmanager
def files_of(site: Any) -> Iterator[tuple[ScoroFiles, ScriptedServer]]:
    behaviours = [asked(site)] if isinstance(site, Site) else [site]
    with (
        ScriptedServer(behaviours) as server,
        ScoroClient(server.url, "ScoroAPI_x", None, "acme", allow_local=True) as client,
    ):
        yield ScoroFiles(client), server


def found(files: Mapping[int, list[File]] | None) -> dict[int, list[int]] | None:
    """The ids of files; None: they were not told."""
    return None if files is None else {record: [each.file_id for each in held] for record, held in files.items()}


FILES = (
    file(1, {"invoices": [7]}),
    file(2, {"invoices": ["7", 8], "projects": [3]}),
    file(3, {"bills": [7]}),
    file(4, []),
    file(5, {"invoices": [9]}, is_deleted=1),
)


@pytest.mark.parametrize("filters", [True, False])
@pytest.mark.parametrize("hidden", [True, False])
def test_files_of_documents_are_found_whether_or_not_the_filter_works(filters: bool, hidden: bool) -> None:
    with files_of(Site(*FILES, filters=filters, hidden=hidden)) as (files, _):
        for _ in range(2):
            assert found(files.of("invoices", [7, 8, 9])) == {7: [1, 2], 8: [2]}
            assert found(files.of("bills", [7])) == {7: [3]}
            assert found(files.of("expenses", [7])) == {}


def test_a_filter_that_has_shown_that_it_works_costs_one_call_for_many_documents() -> None:
    with files_of(Site(*FILES, filters=True)) as (files, server):
        files.of("invoices", [7])
        before = len(server.requests)
        assert found(files.of("invoices", range(1, 26))) == {7: [1, 2], 8: [2]}
        (last,) = bodies(server)[before:]
        assert last["filter"] == {"rel_type": "invoices", "rel_id": list(range(1, 26))}


def test_a_filter_is_asked_in_the_words_of_the_site() -> None:
    with files_of(Site(file(1, {"invoice": [7]}), filters=True)) as (files, server):
        assert found(files.of("invoices", [7])) == {7: [1]}
        assert found(files.of("invoices", [7])) == {7: [1]}
        assert bodies(server)[-1]["filter"]["rel_type"] == "invoice"


def test_a_filter_is_not_believed_before_it_has_found_something() -> None:
    site = Site(file(1, {"invoices": [7]}), filters=True)
    with files_of(site) as (files, _):
        assert found(files.of("bills", [5])) == {}
        site.files.append(file(2, {"bill": [5]}))  # what the filter by `bills` would not find
        assert found(files.of("bills", [5])) == {5: [2]}


def test_many_files_without_a_filter_are_read_once_for_a_while() -> None:
    with files_of(Site(*(file(number, {"invoices": [number]}) for number in range(1, 61)))) as (files, server):
        assert found(files.of("invoices", [60])) == {60: [60]}
        calls = len(server.requests)
        assert calls <= 4
        assert found(files.of("invoices", [1])) == {1: [1]}
        assert len(server.requests) == calls


def test_so_many_files_that_a_document_would_wait_for_them_are_told_to_those_who_have_the_time() -> None:
    with files_of(Site(*(file(number, {"invoices": [number]}) for number in range(1, 131)))) as (files, server):
        assert files.of("invoices", [130]) is None
        assert len(server.requests) == FEW_CALLS
        assert files.of("invoices", [1]) is None
        assert len(server.requests) == FEW_CALLS
        assert len(files.every() or ()) == 130
        assert found(files.of("invoices", [130])) == {130: [130]}


@pytest.mark.parametrize("hidden", [True, False])
def test_files_are_read_by_their_ids(hidden: bool) -> None:
    with files_of(Site(*FILES, hidden=hidden)) as (files, _):
        read = files.read([2, 4, 5])
        assert {each.file_id: dict(each.relations) for each in read} == {
            2: {"invoices": (7, 8), "projects": (3,)},
            4: {},
        }


def test_relations_that_lists_hide_are_viewed_once() -> None:
    with files_of(Site(*FILES, hidden=True)) as (files, server):
        files.of("expenses", [1])
        views = sum("files/view" in request.line for request in server.requests)
        assert views == len(FILES)
        files.of("expenses", [1])
        assert sum("files/view" in request.line for request in server.requests) == views


def test_a_file_that_was_attached_to_nothing_is_viewed_again_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("clients.scoro.files.time.monotonic", lambda: now)
    site = Site(file(1, []), hidden=True)
    with files_of(site) as (files, server):
        viewed_at = []
        while now < 1000 + 7200:
            before = len(server.requests)
            assert found(files.of("invoices", [7])) == {}
            if any("files/view" in request.line for request in server.requests[before:]):
                viewed_at.append(now - 1000)
            now += 30
        assert viewed_at == [0, 60, 240, 960, 3840]
        site.files[0]["relations"] = {"invoices": [7]}
        now += 12_000
        assert found(files.of("invoices", [7])) == {7: [1]}


@given(
    st.dictionaries(st.sampled_from(["invoices", "bills", "expenses"]), st.sets(st.integers(1, 99), min_size=1)),
    st.randoms(),
)
def test_relations_mean_the_same_in_every_spelling(relations: dict[str, set[int]], random: Any) -> None:
    plain = {module: tuple(sorted(ids)) for module, ids in relations.items()}
    singular = {"invoices": "invoice", "bills": "Bill", "expenses": "expense"}
    spellings: list[Any] = [
        {module: list(ids) for module, ids in plain.items()},
        {singular[module]: [str(each) for each in ids] for module, ids in plain.items()},
        {module: [{"id": each} for each in ids] for module, ids in plain.items()},
        [{"rel_type": singular[module], "rel_id": each} for module, ids in plain.items() for each in ids],
    ]
    for spelled in spellings:
        assert read_file({"file_id": 1, "relations": spelled}).relations == plain


@pytest.mark.parametrize("nothing", [None, [], {}, ""])
def test_a_file_without_relations_belongs_to_nothing(nothing: Any) -> None:
    assert read_file({"file_id": 1, "relations": nothing}).relations == {}


@pytest.mark.parametrize(("told", "size"), [("12345", 12345), ("12 KB", None), ("", None), (77, 77), (None, None)])
def test_only_a_plain_number_is_a_size(told: Any, size: int | None) -> None:
    assert read_file({"file_id": 1, "file_size": told}).file_size == size


ENCODED = base64.b64encode(PDF).decode()


@pytest.mark.parametrize(
    "data",
    [
        ENCODED,
        {"file_name": "a.pdf", "content": ENCODED},
        {"file_name": "abcd", "hash": "0123456789abcdef", "file": ENCODED},
        [{"data": ENCODED}],
        {"file": {"content": f"data:application/pdf;base64,{ENCODED}"}},
        "\n".join([ENCODED[:8], ENCODED[8:]]),
    ],
)
def test_a_content_in_json_is_found(data: Any) -> None:
    with files_of(ok(data)) as (files, server):
        assert files.content(read_file(file(1, {})), 1000) == PDF
        assert server.requests[0].line.startswith("POST /api/v2/files/download/1 ")


def test_a_content_as_it_is_is_taken_as_it_is() -> None:
    with files_of(answering(PDF)) as (files, _):
        assert files.content(read_file(file(1, {})), 1000) == PDF


def test_a_json_file_of_the_promised_size_is_a_content_not_an_answer() -> None:
    content = json.dumps({"status": "ERROR", "statusCode": 404, "messages": {"error": ["not found"]}}).encode()
    with files_of(answering(content)) as (files, _):
        assert files.content(read_file(file(1, {}, file_size=str(len(content)))), 1000) == content


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(404, {"error": ["file 1 not found"]}), NotFound),
        (refusal(400, "this file is locked"), Refused),
        (refusal(403, {"error": ["no rights"]}), Refused),
        (answering(b"<html>gone</html>", **{"content-type": "text/html"}), Unavailable),
        (answering(b"", "503 Service Unavailable"), Unavailable),
        (ok({"file_name": "§§§"}), Refused),
    ],
)
def test_what_is_no_content_is_an_error_of_this_file_alone(answer: Any, error: type[Exception]) -> None:
    with files_of(answer) as (files, _), pytest.raises(error):
        files.content(read_file(file(1, {})), 1000)


@pytest.mark.parametrize("size", [None, 5000])
def test_a_content_that_is_larger_than_allowed_is_not_kept(size: int | None) -> None:
    content = b"x" * 30_000
    for answer in (answering(content), ok(base64.b64encode(content).decode())):
        with files_of(answer) as (files, _), pytest.raises(FileTooLargeError):
            files.content(read_file(file(1, {}, file_size=size)), 1000)
