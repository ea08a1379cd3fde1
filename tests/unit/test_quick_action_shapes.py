"""What may be posted to the address of a quick action, and which document is understood."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.kinds import Kind
from schemas.quick_action import Meant, QuickActionError, read

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def meant(body: Any, *, kind: Kind | None = None, content_type: str = JSON, **query: str) -> Meant | None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(kind, query, content_type, raw)


@pytest.mark.parametrize(
    "body",
    [
        {"entityType": "invoice", "entityId": 17, "entity": {"id": 17, "account_id": "acme"}},
        {"module": "invoices", "id": 17, "account_id": "acme"},
        {"kind": "invoice", "object_id": "17", "company_account_id": "acme"},
        {"type": "Invoice", "document_id": 17, "account_id": "acme"},
        {"invoice_id": 17, "account_id": "acme"},
        {"invoice": {"id": 17, "account_id": "acme"}},
        {"data": {"module": "invoices", "id": 17, "account_id": "acme"}},
        [{"module": "invoices", "id": 17, "account_id": "acme"}],
        b"module=invoices&id=17&account_id=acme",
    ],
)
def test_documented_shapes_are_understood(body: Any) -> None:
    content_type = FORM if isinstance(body, bytes) else JSON
    assert meant(body, content_type=content_type) == Meant(Kind.INVOICE, 17, "acme")


def test_the_address_may_say_everything() -> None:
    assert read(None, {"kind": "bill", "id": "5"}, JSON, b"") == Meant(Kind.BILL, 5, None)


def test_the_query_is_read_before_the_body() -> None:
    assert read(None, {"kind": "bill", "id": "5"}, JSON, b'{"module": "invoices", "id": 17}') == Meant(
        Kind.BILL, 5, None
    )


def test_an_address_for_one_kind_needs_an_id_alone() -> None:
    assert meant({"id": 17}, kind=Kind.INVOICE) == Meant(Kind.INVOICE, 17, None)
    assert meant({"entityType": "invoice", "entityId": 17}, kind=Kind.CREDIT_INVOICE) == Meant(
        Kind.CREDIT_INVOICE, 17, None
    )


def test_an_address_for_one_kind_takes_no_other() -> None:
    with pytest.raises(QuickActionError, match="made for invoices, and a bill"):
        meant({"module": "bills", "id": 17}, kind=Kind.INVOICE)


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_an_empty_post_is_a_probe(body: bytes) -> None:
    assert meant(body, kind=Kind.INVOICE) is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"no json", "neither JSON nor a form"),
        (b"[1, 2]", "no object"),
        (b'"invoice"', "no object"),
        (b"[" * 100_000, "neither JSON nor a form"),
        ({"id": 17}, "what kind"),
        ({"module": "tasks", "id": 17}, "what kind"),
        ({"module": "invoices"}, "no document"),
        ({"module": "invoices", "id": 0}, "no document"),
        ({"module": "invoices", "id": -1}, "no document"),
        ({"module": "invoices", "id": True}, "no document"),
        ({"module": "invoices", "id": 1.5}, "no document"),
        ({"module": "invoices", "id": 2**63}, "no document"),
        ({"module": "invoices", "id": "17; DROP TABLE change"}, "no document"),
        ({"module": "invoices", "id": "9" * 5000}, "no document"),
    ],
)
def test_what_names_no_document_is_refused_with_what_was_expected(body: Any, says: str) -> None:
    with pytest.raises(QuickActionError, match=says):
        meant(body)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from(["id", "kind", "entity"]), inner)
    ),
    max_leaves=10,
)


@given(
    body=anything | st.binary(), kind=st.none() | st.sampled_from(Kind), content_type=st.sampled_from([JSON, FORM, ""])
)
def test_whatever_is_posted_is_a_document_a_probe_or_refused(body: Any, kind: Kind | None, content_type: str) -> None:
    try:
        found = meant(body, kind=kind, content_type=content_type)
    except QuickActionError:
        return
    assert found is None or found.scoro_id > 0
