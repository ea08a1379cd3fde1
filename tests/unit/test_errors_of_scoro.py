"""What Scoro's errors mean, from the answers of the reference to cause and fix."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.http import Answer
from clients.remedies import digest
from clients.scoro import errors
from clients.scoro.envelope import data_of
from clients.scoro.errors import ScoroError
from clients.scoro.known_errors import CATALOGUE_VERSION, KNOWN_ERRORS, explain
from schemas.errors import ErrorClass


def envelope(code: int, text: str) -> bytes:
    return json.dumps({"status": "ERROR", "statusCode": code, "messages": {"error": [text]}}).encode()


def error_of(status: int, body: bytes, *, is_write: bool = False, **headers: str) -> ScoroError:
    answer = Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
    with pytest.raises(ScoroError) as raised:
        data_of(answer, "invoices/view/7", is_write=is_write)
    return raised.value


@pytest.mark.parametrize(
    ("status", "body", "is_write", "headers", "error_class", "code"),
    [
        (200, envelope(400, "event_id is required"), False, {}, ErrorClass.REFUSED, "request_refused"),
        (400, envelope(400, "malformed parameter"), True, {}, ErrorClass.REFUSED, "request_refused"),
        (200, envelope(200, "event_id is required"), False, {}, ErrorClass.REFUSED, "request_refused"),
        (401, envelope(401, "no valid key"), False, {}, ErrorClass.BROKEN, "key_refused"),
        (403, envelope(403, "key wrong"), False, {}, ErrorClass.BROKEN, "key_refused"),
        (403, b"error code: 1010", False, {}, ErrorClass.BROKEN, "turned_away"),
        (404, b"<html>no such site</html>", False, {}, ErrorClass.BROKEN, "wrong_address"),
        (302, b"", False, {"location": "https://www.scoro.com"}, ErrorClass.BROKEN, "wrong_address"),
        (404, envelope(404, "Not found"), False, {}, ErrorClass.NOT_FOUND, "not_in_scoro"),
        (408, envelope(408, "maximum execution time reached"), False, {}, ErrorClass.UNAVAILABLE, "out_of_service"),
        (408, envelope(408, "maximum execution time reached"), True, {}, ErrorClass.UNCERTAIN, "no_answer"),
        (429, envelope(429, "Too many requests"), True, {"retry_after": "2"}, ErrorClass.THROTTLED, "throttled"),
        (
            429,
            envelope(429, "Too many requests"),
            False,
            {"x_daily_requests_remaining": "0", "x_daily_requests_reset": "60"},
            ErrorClass.THROTTLED,
            "day_used_up",
        ),
        (500, envelope(500, "Scoro error"), False, {}, ErrorClass.UNAVAILABLE, "out_of_service"),
        (500, envelope(500, "Scoro error"), True, {}, ErrorClass.UNCERTAIN, "no_answer"),
        (503, envelope(503, "API usage temporarily suspended"), True, {}, ErrorClass.UNAVAILABLE, "out_of_service"),
        (200, b"<html>A check of your browser</html>", False, {}, ErrorClass.BROKEN, "wrong_address"),
        (200, b"<html>A check of your browser</html>", True, {}, ErrorClass.UNCERTAIN, "no_answer"),
        (502, b"<html>Bad gateway</html>", True, {}, ErrorClass.UNCERTAIN, "no_answer"),
    ],
)
def test_an_answer_of_the_reference_is_known(
    status: int, body: bytes, is_write: bool, headers: dict[str, str], error_class: ErrorClass, code: str
) -> None:
    problem = explain(error_of(status, body, is_write=is_write, **headers))
    assert (problem.error_class, problem.code) == (error_class, code)
    assert "invoices/view/7" in problem.cause


def test_every_error_of_the_boundary_has_an_entry() -> None:
    classes = {held for held in vars(errors).values() if isinstance(held, type) and issubclass(held, ScoroError)} - {
        ScoroError
    }
    assert classes == {entry.error for entry in KNOWN_ERRORS}


@given(text=st.text())
def test_an_error_of_no_known_class_is_unknown(text: str) -> None:
    problem = explain(ScoroError(text))
    assert (problem.error_class, problem.code) == (ErrorClass.UNKNOWN, "unknown")
    assert text in problem.cause


def test_a_change_of_the_catalogue_counts_its_version_up() -> None:
    entries = ((e.error, e.code, e.says, e.who, e.cause, e.fix, e.text) for e in KNOWN_ERRORS)
    versions = {1: "2b0332bd6d9eeb8482ea4fe2d665e1023883529e4cbe1e9a614dbc9b589b4304"}
    assert versions.get(CATALOGUE_VERSION) == digest(entries), (
        "the catalogue has changed: count CATALOGUE_VERSION up and add the digest of the new version here"
    )
