"""Functions as values."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from pydantic import ValidationError

from schemas.intacct.functions import (
    Function,
    and_,
    at_least,
    create,
    delete,
    equal,
    expression,
    get_dimensions,
    get_list,
    in_,
    legal_text,
    like,
    lookup,
    or_,
    query,
    read_entity_details,
    update,
)
from schemas.intacct.orders import check

INVOICE = Function(
    name="create_invoice",
    body={
        "customerid": "C1",
        "datecreated": "2026-03-01",
        "invoiceitems": {"lineitem": [{"glaccountno": "4000", "amount": "10.00"}]},
    },
)


def test_a_function_survives_the_ledger() -> None:
    stored = json.loads(json.dumps(INVOICE.model_dump(mode="json"), sort_keys=True))
    assert Function.model_validate(stored) == INVOICE


def test_the_fingerprint_ignores_the_order_of_keys_and_nothing_else() -> None:
    turned = Function(name="create_invoice", body=dict(reversed(list(INVOICE.body.items()))))
    other = Function(name="create_invoice", body={**INVOICE.body, "customerid": "C2"})
    assert turned.fingerprint() == INVOICE.fingerprint()
    assert other.fingerprint() != INVOICE.fingerprint()
    assert (
        Function(name="delete_invoice", attributes={"key": "1"}).fingerprint()
        != Function(name="delete_invoice", attributes={"key": "2"}).fingerprint()
    )


@pytest.mark.parametrize("leaf", [None, 1, Decimal("1.00"), True, date(2026, 1, 1), b"x"])
def test_leaves_are_text(leaf: object) -> None:
    with pytest.raises(ValidationError, match=r"body\.customerid"):
        Function.model_validate({"name": "create_invoice", "body": {"customerid": leaf}})


def test_a_function_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        INVOICE.name = "update_invoice"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("function", "touched"),
    [
        (INVOICE, "ARINVOICE"),
        (Function(name="update_bill"), "APBILL"),
        (Function(name="create_aradjustment"), "ARADJUSTMENT"),
        (Function(name="apply_arpayment"), "ARPYMT"),
        (Function(name="create_supdocfolder"), "SUPDOCFOLDER"),
        (create("CUSTOMER", {"CUSTOMERID": "C1"}), "CUSTOMER"),
        (update("PROJECT", {"PROJECTID": "P1"}), "PROJECT"),
        (delete("ARPYMT", "12"), "ARPYMT"),
        (query("ARINVOICEITEM", ["RECORDNO"]), "ARINVOICEITEM"),
        (get_list("supdoc", expression("supdocid", "=", "A")), "SUPDOC"),
        (get_dimensions(), ""),
    ],
)
def test_a_function_knows_the_object_it_touches(function: Function, touched: str) -> None:
    assert function.object == touched


def test_reads_are_told_from_writes() -> None:
    assert query("VENDOR", ["RECORDNO"]).is_read
    assert lookup("ARINVOICE").is_read
    assert not create("VENDOR", {"VENDORID": "V"}).is_read
    assert not INVOICE.is_read


def test_text_that_xml_has_no_place_for_is_stripped_on_the_way_in() -> None:
    function = create("CUSTOMER", {"NAME": "A\x00\x0b\ud800\ufffe\t\n\r😀 é"})
    assert function.body == {"CUSTOMER": {"NAME": "A\t\n\r😀 é"}}
    assert legal_text("\x1f\x7f") == "\x7f"


def test_all_constructors_fit_the_table() -> None:
    condition = and_(
        in_("RECORDID", ["A", "B"]),
        or_(equal("STATE", "Posted"), like("RECORDID", "INV%"), equal("STATE", "Paid")),
        at_least("WHENMODIFIED", datetime(2026, 3, 1, tzinfo=UTC)),
    )
    for function in (
        query("ARINVOICE", ["RECORDNO", "RECORDID"], condition, order_by=("-WHENMODIFIED", "RECORDNO")),
        query("ARINVOICE", ["RECORDNO"], order_by=()),
        read_entity_details(),
        get_dimensions(),
        lookup("ARINVOICE"),
        get_list("supdoc", expression("supdocid", "=", "A"), ["supdocid"]),
        create("CUSTOMER", {"CUSTOMERID": "C1"}),
        update("CUSTOMER", {"RECORDNO": "1"}),
        delete("CUSTOMER", "1"),
    ):
        check(function)


def test_moments_are_told_in_utc_and_days_as_days() -> None:
    west = timezone(timedelta(hours=-5))
    assert at_least("WHENMODIFIED", datetime(2026, 3, 1, 22, 30, 5, tzinfo=west)) == {
        "greaterthanorequalto": {"field": "WHENMODIFIED", "value": "03/02/2026 03:30:05"}
    }
    assert equal("WHENCREATED", date(2026, 3, 1)) == {"equalto": {"field": "WHENCREATED", "value": "03/01/2026"}}
    with pytest.raises(ValueError, match="time zone"):
        at_least("WHENMODIFIED", datetime(2026, 3, 1))  # noqa: DTZ001  what is refused


def test_in_takes_one_to_a_thousand_values() -> None:
    in_("RECORDID", ["x"] * 1000)
    for values in ([], ["x"] * 1001):
        with pytest.raises(ValueError, match="1000"):
            in_("RECORDID", values)


def test_and_of_one_condition_is_that_condition() -> None:
    assert and_(equal("A", "1")) == equal("A", "1")
    with pytest.raises(ValueError, match="no conditions"):
        and_()
