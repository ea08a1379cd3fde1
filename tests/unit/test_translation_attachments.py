"""Files of Scoro as attachment records of Intacct: exact functions, names, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import DocumentError, Problem
from schemas.intacct.functions import Function
from schemas.intacct.orders import check
from schemas.scoro import File, read_file
from schemas.settings import ConnectionSettings, FileSettings, set_key
from workers.translation.attachments import (
    MAX_FILE_NAME_CHARACTERS,
    MAX_SUPDOC_ID_CHARACTERS,
    PlannedFile,
    attachment_function,
    base64_bytes,
    check_file,
    folder_function,
    planned,
    supdoc_id,
    takes_files,
    with_unique_names,
)

A = PlannedFile(1, "Contract", "pdf", 10, "aa")
B = PlannedFile(2, "Photo", "png", 20, "bb")


def file(name: str = "Contract.pdf", size: int | None = 10) -> File:
    return read_file({"file_id": 7, "file_name": name, "file_size": "" if size is None else str(size)})


def settings(**keys: str) -> FileSettings:
    found = ConnectionSettings()
    for key, value in keys.items():
        found = set_key(found, f"data.files.{key}", value)
    return found.data.files


def refusal(file: File, chosen: FileSettings) -> Problem:
    with pytest.raises(DocumentError) as refused:
        check_file(file, chosen, "Invoice INV-1")
    return refused.value.problem


def test_a_new_record_holds_the_files_of_its_document() -> None:
    function = attachment_function("SCORO-I-3998", "Invoice  INV-1", [A, B], exists=False)
    check(function)
    assert function == Function(
        name="create_supdoc",
        body={
            "supdocid": "SCORO-I-3998",
            "supdocname": "Invoice INV-1",
            "supdocfoldername": "Scoro",
            "attachments": {
                "attachment": [
                    {"attachmentname": "Contract", "attachmenttype": "pdf", "attachmentdata": "sha256:aa"},
                    {"attachmentname": "Photo", "attachmenttype": "png", "attachmentdata": "sha256:bb"},
                ]
            },
        },
    )


def test_later_files_are_added_to_it() -> None:
    function = attachment_function("SCORO-I-3998", "Invoice INV-1", [B], exists=True)
    check(function)
    assert function == Function(
        name="update_supdoc",
        body={
            "supdocid": "SCORO-I-3998",
            "attachments": {
                "attachment": [{"attachmentname": "Photo", "attachmenttype": "png", "attachmentdata": "sha256:bb"}]
            },
        },
    )


def test_the_folder_is_ours() -> None:
    check(folder_function())
    assert folder_function().body["supdocfoldername"] == "Scoro"


@pytest.mark.parametrize("module", ["invoices", "bills", "expenses"])
def test_ids_tell_the_module_and_fit(module: str) -> None:
    assert len(supdoc_id(module, 10**11)) <= MAX_SUPDOC_ID_CHARACTERS
    assert len({supdoc_id(each, 1) for each in ("invoices", "bills", "expenses")}) == 3


def test_adjustments_take_no_files() -> None:
    assert takes_files("invoices", is_credit=False)
    assert not takes_files("invoices", is_credit=True)
    assert not takes_files("bills", is_credit=True)
    assert not takes_files("projects", is_credit=False)


def test_a_type_that_is_not_sent_is_refused_with_the_setting() -> None:
    problem = refusal(file("tool.EXE"), settings(types="pdf,png"))
    assert "exe" in problem.cause
    assert "Invoice INV-1" in problem.cause
    assert "data.files.types=pdf,png,exe" in problem.fix
    check_file(file("Contract.PDF"), settings(types="pdf,png"), "Invoice INV-1")
    check_file(file("tool.exe"), settings(), "Invoice INV-1")


def test_a_file_too_large_or_empty_is_refused_before_it_is_read() -> None:
    problem = refusal(file(size=2_000_001), settings(max_bytes="2000000"))
    assert "2,000,001" in problem.cause
    assert "data.files.max_bytes" in problem.fix
    assert refusal(file(size=0), settings()).code == "file_empty"
    check_file(file(size=None), settings(max_bytes="1"), "Invoice INV-1")


@pytest.mark.parametrize(
    ("name", "start", "stem", "kind"),
    [
        ("Contract.pdf", b"", "Contract", "pdf"),
        ("v1.2 final.PDF", b"", "v1.2 final", "pdf"),
        ("scan", b"%PDF-1.7", "scan", "pdf"),
        (".png", b"\x89PNG\r\n", "png", "png"),
        ("report.final version", b"\xff\xd8\xff\xe0", "report.final version", "jpg"),
        ("a/b\\c:d.tar.gz", b"", "a b c d.tar", "gz"),
        ("  .pdf", b"%PDF", "pdf", "pdf"),
    ],
)
def test_name_and_type_of_a_file(name: str, start: bytes, stem: str, kind: str) -> None:
    found = planned(file(name), start, 10, "aa", "Invoice INV-1")
    assert (found.name, found.type) == (stem, kind)


def test_a_file_of_no_type_is_refused() -> None:
    with pytest.raises(DocumentError) as refused:
        planned(file("README"), b"hello", 5, "aa", "Invoice INV-1")
    assert "README" in refused.value.problem.cause


@given(
    st.lists(st.tuples(st.text("ab.", min_size=1, max_size=3), st.sampled_from(["pdf", "png"])), max_size=8),
    st.sets(st.text("aAb", min_size=1, max_size=3), max_size=4),
)
def test_names_are_unique_in_their_record_and_files_keep_theirs(files: list[tuple[str, str]], taken: set[str]) -> None:
    given_files = [PlannedFile(place, name, kind, 1, "aa") for place, (name, kind) in enumerate(files)]
    named = with_unique_names(given_files, taken)
    names = [each.name.casefold() for each in named]
    assert len(set(names)) == len(names)
    assert not set(names) & {name.casefold() for name in taken}
    for before, after in zip(given_files, named, strict=True):
        assert after.name == before.name or after.name.startswith(f"{before.name} (")


def test_long_names_stay_within_bounds_when_numbered() -> None:
    long = PlannedFile(1, "x" * MAX_FILE_NAME_CHARACTERS, "pdf", 1, "aa")
    names = [each.name for each in with_unique_names([long, long], ())]
    assert len(set(names)) == 2
    assert all(len(name) <= MAX_FILE_NAME_CHARACTERS for name in names)


@pytest.mark.parametrize(("size", "length"), [(0, 0), (1, 4), (3, 4), (4, 8), (300_000, 400_000)])
def test_base64_is_a_third_longer(size: int, length: int) -> None:
    assert base64_bytes(size) == length
