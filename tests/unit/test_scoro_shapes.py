import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.document_types import mapping_page
from schemas.errors import DocumentError, ErrorClass
from schemas.events import MAX_BODY_BYTES, HintError, WebhookHint
from schemas.kinds import Kind
from schemas.mapping import INVOICE_MAPPING
from schemas.scoro import (
    read_company_account,
    read_contact,
    read_finance_account,
    read_invoice,
    read_product,
    read_vat_code,
    source_fingerprint,
)
from tests.unit.translation_books import invoice, line


def test_the_same_invoice_in_every_spelling_of_the_wire_is_the_same() -> None:
    plain = read_invoice(invoice(description="Fish & chips", deadline=None))
    spelt = read_invoice(
        invoice(
            id="3998",
            no=20260220,
            description=" Fish & chips\x0b ",
            deadline="0000-00-00",
            sum=100.00000000000001,
            vat_sum=Decimal("19.999999999999996447"),
            credited_invoices=[],
            discount=0,
            vat="",
            vat_code_id=0,
            lines=[line(price=50, amount="2", vat_code_id=1, custom_fields=[], vat=20)],
            custom_fields=[{"id": "c_note", "name": "Note", "value": None, "type": "text"}],
            unknown_key={"a": 1},
        )
    )
    assert spelt == plain
    assert spelt.deadline is None


def test_entities_are_left_to_the_client_that_resolved_them() -> None:
    assert read_invoice(invoice(description="how to write &lt;")).description == "how to write &lt;"


def test_missing_values_of_a_deleted_invoice_are_absent() -> None:
    deleted = read_invoice({"id": 5, "lines": None, "vat": None, "vat_code_id": None, "is_deleted": 1})
    assert (deleted.is_deleted, deleted.lines, deleted.vat, deleted.no, deleted.sum) == (True, (), None, "", Decimal(0))


def test_zero_per_cent_is_a_rate_and_no_rate_is_none() -> None:
    assert read_invoice(invoice(vat="0.000")).vat == Decimal(0)
    assert read_invoice(invoice(vat=None)).vat is None


@pytest.mark.parametrize(
    "written", ["2026-03-29T15:39:30+03:00", "2026-03-29 13:39:30", "2026-03-29T12:39:30Z", "2026-03-29T13:39:30"]
)
def test_instants_are_utc_and_without_an_offset_in_the_zone_of_the_site(written: str) -> None:
    read = read_invoice(invoice(modified_date=written), zone=ZoneInfo("Europe/London"))
    assert read.modified_date == datetime(2026, 3, 29, 12, 39, 30, tzinfo=UTC)


def test_a_date_is_the_day_that_is_written() -> None:
    assert read_invoice(invoice(date="2026-03-01T00:30:00+03:00")).date == date(2026, 3, 1)


def test_custom_fields_are_read_from_lists_and_from_old_maps() -> None:
    listed = [{"id": "c_a", "value": " x "}, {"id": "c_b", "value": ["1", "2"]}, {"id": "c_c", "value": ""}]
    assert read_invoice(invoice(custom_fields=listed)).custom_fields == {"c_a": "x", "c_b": "1, 2"}
    assert read_invoice(invoice(custom_fields={"c_a": 7})).custom_fields == {"c_a": "7"}


def test_a_contact_without_means_of_contact_has_an_empty_list_for_them() -> None:
    bare = read_contact({"contact_id": "5", "name": {"eng": "Acme", "est": "Akme"}, "means_of_contact": []})
    assert (bare.full_name, bare.emails, bare.addresses) == ("Acme", (), ())
    full = read_contact(
        {
            "contact_id": 6,
            "name": "Ann",
            "lastname": "Lee",
            "means_of_contact": {"email": ["a@example.com", ""], "phone": ["1"]},
            "addresses": [{"city": "London", "country": "GBR"}],
        }
    )
    assert (full.full_name, full.emails, full.addresses[0].city) == ("Ann Lee", ("a@example.com",), "London")


def test_reference_records_are_read() -> None:
    assert read_product({"product_id": 84, "name": "Book", "no_discounts": "1"}).no_discounts
    assert read_vat_code({"vat_code_id": 1, "vat_code": "S20", "percent": "20.00"}).percent == 20
    assert read_finance_account({"id": 1, "account_symbol": 4000, "is_active": 0}).account_symbol == "4000"
    assert read_company_account({"base_currency": "GBP", "active_currencies": ["GBP", "EUR"]}).active_currencies == (
        "GBP",
        "EUR",
    )


def test_a_document_without_its_total_is_not_taken_for_one_of_nothing() -> None:
    with pytest.raises(DocumentError, match=r"invoice A / 1 cannot be read: its field sum is empty"):
        read_invoice({"id": 1, "no": "A", "lines": [{"id": 2}]})
    with pytest.raises(DocumentError, match=r"its field sum is empty"):
        read_invoice({"id": 1, "no": "A", "sum": None})
    with pytest.raises(DocumentError, match=r"its field lines\.0 is empty"):
        read_invoice({"id": 1, "no": "A", "sum": "1.00", "lines": [None]})
    assert read_invoice({"id": 1, "no": "A", "is_deleted": 1, "lines": []}).sum == 0, "a deleted one needs none"


@pytest.mark.parametrize(
    ("fields", "field", "shown"),
    [
        ({"sum": "abc"}, "sum", "'abc', which is not a number"),
        ({"sum": True}, "sum", "True, which is not a number"),
        ({"vat_sum": "1e400"}, "vat_sum", "'1e400', which is too large a number"),
        ({"sum": "9" * 25}, "sum", "which is too large a number"),
        ({"sum": "NaN"}, "sum", "'NaN', which is not a number"),
        ({"currency_rate": float("inf")}, "currency_rate", "inf, which is not a number"),
        ({"date": "01.03.2026"}, "date", "'01.03.2026', which is not a date"),
        ({"modified_date": "soon"}, "modified_date", "'soon', which is not a date and time"),
        ({"company_id": "x"}, "company_id", "'x', which is not an id"),
        ({"no": [1]}, "no", "[1], which is not a text"),
        ({"is_deleted": "perhaps"}, "is_deleted", "'perhaps', which is not 0 or 1"),
        ({"lines": {"0": {}}}, "lines", "which is not a list"),
        ({"lines": ["x"]}, "lines.0", "'x', which is not a record"),
        ({"lines": [{"id": 1}, {"price": "x"}]}, "lines.1.price", "'x', which is not a number"),
    ],
)
def test_what_cannot_be_read_names_document_field_value_and_fix(fields: dict[str, Any], field: str, shown: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_invoice(invoice(**fields))
    found = caught.value.problem
    assert (found.error_class, found.code, found.field) == (ErrorClass.DATA, "unreadable_field", field)
    assert found.cause.startswith("The invoice ")
    assert "3998" in found.cause
    assert f"its field {field} holds " in found.cause
    assert shown in found.cause
    assert field in found.fix
    assert not any("3998" in word for word in found.culprit)


@pytest.mark.parametrize("payload", [{}, {"id": 0}, {"id": None}, [], None])
def test_what_is_no_record_is_refused(payload: Any) -> None:
    with pytest.raises(DocumentError):
        read_invoice(payload)


@pytest.mark.parametrize(
    "fields",
    [
        {"paid_sum": 5.000000001, "receivable_sum": 115, "status": "paid", "is_sent": 1, "payment_fee": "1.00"},
        {"modified_date": "2026-03-02T10:00:00+00:00", "owner_id": 7, "company_name": "Other", "payment_type": "cash"},
        {"sum": 100, "discount": None, "currency_rate": "1.0000", "credited_invoices": []},
        {"lines": [line(price="100.000000", amount="1.000000", unit="day", cost="7")]},
    ],
)
def test_what_intacct_does_not_hear_of_does_not_change_the_fingerprint(fields: dict[str, Any]) -> None:
    assert source_fingerprint(read_invoice(invoice(**fields)), INVOICE_MAPPING) == source_fingerprint(
        read_invoice(invoice()), INVOICE_MAPPING
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"no": "1"},
        {"date": "2026-03-02"},
        {"deadline": None},
        {"company_id": 1},
        {"person_name": "Ann"},
        {"description": "x"},
        {"reference_no": "x"},
        {"currency": "EUR"},
        {"currency_rate": "1.01"},
        {"discount3": "1"},
        {"sum": "100.01"},
        {"vat_sum": "20.01"},
        {"vat": "20"},
        {"vat_code_id": 1},
        {"project_name": "x"},
        {"credited_invoices": [7]},
        {"custom_fields": [{"id": "c_department", "value": "x"}]},
        {"lines": []},
        {"lines": [line(id=12)]},
        {"lines": [line(sum="100.01")]},
        {"lines": [line(comment="x")]},
        {"lines": [line(product_name="x")]},
        {"lines": [line(product_id=84)]},
        {"lines": [line(vat="5")]},
        {"lines": [line(vat_code_id=2)]},
        {"lines": [line(finance_account_id=2)]},
        {"lines": [line(finance_account_symbol="4010")]},
        {"lines": [line(project_name="x")]},
        {"lines": [line(custom_fields=[{"id": "c_department", "value": "x"}])]},
        {"lines": [line(), line(id=12)]},
    ],
)
def test_what_intacct_hears_of_changes_the_fingerprint(fields: dict[str, Any]) -> None:
    assert source_fingerprint(read_invoice(invoice(**fields)), INVOICE_MAPPING) != source_fingerprint(
        read_invoice(invoice()), INVOICE_MAPPING
    )


def test_custom_fields_that_hold_no_dimension_can_be_left_out_of_the_fingerprint() -> None:
    noted = invoice(
        custom_fields=[{"id": "c_note", "value": "x"}], lines=[line(custom_fields=[{"id": "c_note", "value": "x"}])]
    )
    fields = ["c_department"]
    assert source_fingerprint(read_invoice(noted), INVOICE_MAPPING, fields) == source_fingerprint(
        read_invoice(invoice()), INVOICE_MAPPING, fields
    )


def test_the_mapping_in_the_documentation_is_the_one_that_runs() -> None:
    written = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")
    assert written == mapping_page(), "docs/mapping.md is out of date: run scripts/mapping"


def hint(**keys: Any) -> bytes:
    return json.dumps(
        {"entityId": 3998, "entityType": "invoice", "entity": {"account_id": "acme", "lines": [None]}} | keys
    ).encode()


def test_a_webhook_names_the_document_and_its_entity() -> None:
    found = WebhookHint.parse(hint(extra=1, entityId="3998"))
    assert found == WebhookHint("invoice", 3998, "acme")
    assert found.kind is Kind.INVOICE
    assert WebhookHint.parse(hint(entityType="task")).kind is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not an object"),
        (b"{}", "entity is not an object"),
        (hint(entity=[]), "entity is not an object"),
        (hint(entity={}), "entity.account_id"),
        (hint(entity={"account_id": 7}), "entity.account_id"),
        (hint(entity={"account_id": "a\x00b"}), "entity.account_id"),
        (hint(entity={"account_id": "\ud800"}), "entity.account_id"),
        (hint(entity={"account_id": "a" * 201}), "entity.account_id"),
        (hint(entityType=None), "entityType"),
        (hint(entityType=" "), "entityType"),
        (hint(entityId=None), "entityId"),
        (hint(entityId=True), "entityId"),
        (hint(entityId=0), "entityId"),
        (hint(entityId=1.5), "entityId"),
        (hint(entityId="²"), "entityId"),
        (hint(entityId=2**63), "entityId"),
        (hint(entityId="9" * 5000), "entityId"),
        (hint(padding="x" * MAX_BODY_BYTES), "longer than"),
    ],
)
def test_a_webhook_of_another_shape_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(HintError, match=words):
        WebhookHint.parse(body)
