"""The payer of an invoice: linked, matched by the key of the settings, or made."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.intacct.functions import create
from schemas.kinds import Kind
from schemas.reference import Party
from tests.unit.translation_books import CONTEXT, PAYER, REFERENCE, invoice, settings, translate, unknown
from workers.translation import RecordPlan, Translation

CONTACT: dict[str, Any] = {
    "contact_id": 12,
    "name": "Acme & Söhne Ltd",
    "contact_type": "company",
    "id_code": "999",
    "vatno": "",
    "reference_no": "",
    "means_of_contact": {"email": ["books@acme.example"]},
    "addresses": [
        {"street": "1 High St\nFloor 2", "city": "Leeds", "county": "", "zipcode": "LS1 1AA", "country": "GBR"}
    ],
}


def payer(contact: dict[str, Any], **keys: str) -> Translation:
    return translate(
        invoice(),
        unknown(CONTACT | contact, replace(CONTEXT, settings=settings(**keys))),
    )


def plan(contact: dict[str, Any], **keys: str) -> RecordPlan:
    translation = payer(contact, **keys)
    (found,) = translation.plans
    assert translation.function.body["customerid"] == translation.party == found.key
    assert translation.needs == (found.ref,) == (PAYER,)
    return found


def test_an_unknown_customer_is_exactly_this() -> None:
    found = plan({})
    assert found.function == create(
        "CUSTOMER",
        {
            "CUSTOMERID": "SCORO-12",
            "NAME": "Acme & Söhne Ltd",
            "DISPLAYCONTACT": {
                "CONTACTNAME": "Acme & Söhne Ltd (SCORO-12)",
                "PRINTAS": "Acme & Söhne Ltd",
                "COMPANYNAME": "Acme & Söhne Ltd",
                "EMAIL1": "books@acme.example",
                "MAILADDRESS": {"ADDRESS1": "1 High St Floor 2", "CITY": "Leeds", "ZIP": "LS1 1AA"},
            },
            "TAXID": "999",
        },
    )
    assert (found.key, found.matched, found.notes) == ("SCORO-12", False, ())


def test_a_bare_contact_makes_a_bare_customer() -> None:
    found = plan({"id_code": "", "means_of_contact": [], "addresses": [], "lastname": "Jr"})
    assert found.function == create(
        "CUSTOMER",
        {
            "CUSTOMERID": "SCORO-12",
            "NAME": "Acme & Söhne Ltd Jr",
            "DISPLAYCONTACT": {
                "CONTACTNAME": "Acme & Söhne Ltd Jr (SCORO-12)",
                "PRINTAS": "Acme & Söhne Ltd Jr",
                "COMPANYNAME": "Acme & Söhne Ltd Jr",
            },
        },
    )


@pytest.mark.parametrize(
    ("contact", "key", "expected"),
    [
        ({"id_code": "gb111"}, "id_code", "C-1"),
        ({"vatno": "GB.111"}, "vatno", "C-1"),
        ({"reference_no": "c-2"}, "reference_no", "C-2"),
        ({"custom_fields": [{"id": "c_erp", "value": "C-3"}]}, "c_erp", "C-3"),
        ({"name": "known  ltd"}, "name", "C-1"),
        ({"name": "Twin Ltd"}, "name", None),
        ({"vatno": ""}, "vatno", None),
        ({"vatno": "-"}, "vatno", None),
        ({}, "reference_no", None),
        ({}, "c_erp", None),
    ],
)
def test_a_customer_is_matched_by_the_key_of_the_settings(
    contact: dict[str, Any], key: str, expected: str | None
) -> None:
    found = plan(contact, matching__customer_key=key)
    assert found.matched is (expected is not None)
    assert found.key == (expected or "SCORO-12")
    if expected:
        assert expected in found.notes[0]


def test_the_number_that_is_compared_is_the_one_that_new_customers_get() -> None:
    contact = {"id_code": "1", "vatno": "GB2"}
    for key, tax_id in (("id_code", "1"), ("vatno", "GB2"), ("name", "1")):
        function = plan(contact, matching__customer_key=key).function
        assert function is not None
        assert function.model_dump()["body"]["CUSTOMER"]["TAXID"] == tax_id


def test_a_customer_made_before_is_found_by_its_id() -> None:
    reference = replace(REFERENCE, parties={Kind.CUSTOMER: (Party("SCORO-12", "Old name"),)})
    (found,) = translate(invoice(), unknown(CONTACT, replace(CONTEXT, reference=reference))).plans
    assert found.matched
    assert found.key == "SCORO-12"


def test_long_names_are_cut_and_stay_unique_as_contacts() -> None:
    found = plan({"name": "x" * 150})
    assert found.function is not None
    customer = found.function.model_dump()["body"]["CUSTOMER"]
    assert len(customer["NAME"]) == len(customer["DISPLAYCONTACT"]["CONTACTNAME"]) == 100
    assert customer["DISPLAYCONTACT"]["CONTACTNAME"].endswith("… (SCORO-12)")
    assert found.notes == ("The name of SCORO-12 was cut at 100 characters.",)


def test_what_is_no_address_is_not_sent_as_one() -> None:
    found = plan({"means_of_contact": {"email": ["ask Ann"]}})
    assert found.function is not None
    assert "EMAIL1" not in found.function.model_dump()["body"]["CUSTOMER"]["DISPLAYCONTACT"]
    assert found.notes == ("'ask Ann' is no e-mail address and was not sent for SCORO-12.",)


def test_a_link_counts_before_everything() -> None:
    context = replace(unknown(CONTACT | {"name": ""}), known=CONTEXT.known)
    translation = translate(invoice(), context)
    assert translation.function.body["customerid"] == "C-1"
    assert translation.plans == ()


@pytest.mark.parametrize(
    ("contact", "key", "expected"),
    [
        ({"name": "Known Ltd", "id_code": ""}, "id_code", "C-1"),
        ({"name": " known  LTD "}, "reference_no", "C-1"),
        ({"name": "Known Ltd", "id_code": "other"}, "id_code", None),
        ({"name": "Known Ltd", "reference_no": "C-77"}, "reference_no", None),
        ({"name": "Twin Ltd", "id_code": ""}, "id_code", None),
    ],
    ids=["no key in Scoro", "blanks and case", "another registry code", "another id", "several of that name"],
)
def test_the_only_namesake_is_the_customer_unless_the_key_tells_them_apart(
    contact: dict[str, Any], key: str, expected: str | None
) -> None:
    found = plan(contact, matching__customer_key=key)
    assert found.key == (expected or "SCORO-12")
    assert found.matched is (expected is not None)
