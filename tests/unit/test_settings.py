from datetime import date
from pathlib import Path

import pytest

from schemas.setting_effects import effect_of, settings_page
from schemas.settings import ConnectionSettings, SettingError, SettingRow, describe, set_key

EXAMPLES = {
    "data.invoices.enabled": "false",
    "data.invoices.start_date": "2026-01-01",
    "data.invoices.updates": "on_demand",
    "data.invoices.on_delete": "reverse",
    **{
        f"data.{documents}.{key}": value
        for documents in ("bills", "expenses", "receipts", "files", "projects")
        for key, value in {
            "enabled": "false",
            "start_date": "2026-01-01",
            "updates": "on_demand",
            "on_delete": "reverse",
            "bookmark": "111",
        }.items()
    },
    "data.invoices.bookmark": "111",
    "data.files.max_bytes": "5000000",
    "data.files.types": "pdf,png",
    "data.bills.direction": "to_scoro",
    "data.bills.status_filter": "submitted",
    "defaults.invoice_status": "draft",
    "defaults.bill_status": "draft",
    "memo.template": "{number}: {project} {product} {comment}",
    "taxes.1": "UK Sale Goods Standard Rate",
    "accounts.map.17": "4000",
    "accounts.tax_line": "2200",
    "accounts.rounding": "4910",
    "accounts.discount": "4920",
    "accounts.payment_bank": "3",
    "accounts.ap_credit_sign": "positive",
    "dimensions.fields.DEPARTMENT": "c_department",
    "dimensions.bills.DEPARTMENT": "false",
    "dimensions.invoices.DEPARTMENT": "true",
    "location": "UK",
    "matching.customer_key": "c_ledger_id",
    "matching.create_customers": "false",
    "matching.vendor_key": "name",
    "matching.create_vendors": "false",
    "matching.id_template": "C{contact_id}",
    "closed_period": "next_open",
    "schedule.frequency": "weekly",
    "schedule.at": "mon 06:30",
    "pull.interval": "15",
    "quick_actions.users": "anna,ben",
    "notify.emails": "books@example.com,cfo@example.com",
    "limits.creates_per_hour": "500",
    "delivery.max_documents": "10",
    "delivery.max_functions": "20",
    "delivery.max_bytes": "100000",
    "delivery.max_attachments": "2",
    "delivery.linger_ms": "0",
    "delivery.settle_ms": "100",
    "delivery.uncertain_wait_s": "5",
}


@pytest.mark.parametrize(("key", "value"), EXAMPLES.items())
def test_every_key_can_be_set_listed_stored_and_unset(key: str, value: str) -> None:
    changed = set_key(ConnectionSettings(), key, value)
    assert next(row.value for row in describe(changed) if row.key == key) == value
    assert ConnectionSettings.from_json(changed.to_json()) == changed
    assert set_key(changed, key, "") == ConnectionSettings()


def test_the_list_names_every_key_with_meaning_and_example() -> None:
    rows = describe(ConnectionSettings())
    described = {row.key.partition(".{")[0] for row in rows}
    assert described == {
        key if key.partition(".")[0] not in {"taxes", "dimensions"} and ".map." not in key else key.rpartition(".")[0]
        for key in EXAMPLES
    }
    assert all(row.meaning and row.example and row.value == row.default for row in rows)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("delivery.linger", "1", "did you mean delivery.linger_ms?"),
        ("data.invoice.enabled", "true", "did you mean data.invoices.enabled?"),
        ("nonsense", "1", "known are data.invoices.enabled"),
        ("accounts.map", "4000", "accounts.map.{finance_account_id}"),
        ("location.code", "UK", "did you mean location?"),
        ("data.invoices.enabled", "maybe", "allowed are true, false"),
        ("defaults.invoice_status", "drafted", "allowed are draft, submitted; did you mean draft?"),
        ("taxes.S20", "x", "taxes.1=UK Sale Goods Standard Rate"),
        ("dimensions.fields.CLASS", "class", "dimensions.fields.DEPARTMENT=c_department"),
        ("delivery.linger_ms", "-1", "greater than or equal to 0"),
        ("delivery.linger_ms", "soon", "valid integer"),
        ("data.invoices.start_date", "2026-13-01", "valid date"),
        ("memo.template", "{price}", "known are {number} {project} {product} {comment}"),
        ("memo.template", "{number", "a bracket is not closed"),
        ("memo.template", "{number!r}", "without ':' or '!'"),
        ("matching.id_template", "CUSTOMER", "would get one id"),
        ("matching.customer_key", "vat", "'vat' is not allowed"),
        ("notify.emails", "a@example.com, b", "'b' is not an e-mail address"),
    ],
)
def test_a_wrong_key_or_value_is_refused_with_what_would_be_right(key: str, value: str, words: str) -> None:
    with pytest.raises(SettingError) as caught:
        set_key(ConnectionSettings(), key, value)
    assert str(caught.value).startswith(f"{key}: ")
    assert words in str(caught.value)


def test_a_value_equal_to_the_default_stays_set() -> None:
    changed = set_key(ConnectionSettings(), "delivery.max_documents", "50")
    assert changed.to_json() == {"delivery": {"max_documents": 50}}


def test_documents_start_on_the_day_of_connecting_unless_set() -> None:
    connected_on = date(2026, 3, 1)
    assert ConnectionSettings().data.invoices.starts_on(connected_on) == connected_on
    earlier = set_key(ConnectionSettings(), "data.invoices.start_date", "2026-01-01")
    assert earlier.data.invoices.starts_on(connected_on) == date(2026, 1, 1)


def test_only_dimensions_that_are_switched_on_are_sent() -> None:
    settings = set_key(ConnectionSettings(), "dimensions.fields.CLASS", "c_class")
    assert settings.dimensions.sent_with("invoices") == {}
    assert set_key(settings, "dimensions.invoices.CLASS", "true").dimensions.sent_with("invoices") == {
        "CLASS": "c_class"
    }


def test_the_page_of_settings_is_the_one_of_the_model() -> None:
    written = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == settings_page(), "docs/settings.md is out of date: run scripts/settings"


@pytest.mark.parametrize("row", describe(ConnectionSettings()), ids=lambda row: row.key)
def test_every_setting_says_what_it_means_with_an_example_and_what_changing_it_does(row: SettingRow) -> None:
    assert row.meaning.endswith(".")
    assert row.example
    assert effect_of(row.key.replace("{", "").replace("}", "")).does
