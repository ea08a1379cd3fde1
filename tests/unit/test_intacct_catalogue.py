"""What the gateway's errors mean."""

import re

import pytest

from clients.intacct.catalogue import classify
from clients.intacct.known_errors import KNOWN_ERRORS
from schemas.errors import ErrorClass
from schemas.intacct.results import GatewayErrorEntry

WRAPPER = GatewayErrorEntry("BL01001973", "Could not create ARInvoice record. [Support ID: abc%7E1]")
ROLLED_BACK = GatewayErrorEntry(
    "XL03000009", "The entire transaction in this operation has been rolled back due to an error."
)


@pytest.mark.parametrize(
    ("number", "text", "error_class", "code", "culprit"),
    [
        ("GW-0010", "API rate limit exceeded", ErrorClass.THROTTLED, "throttled", ()),
        ("X", "The Service is Temporarily Off-line", ErrorClass.UNAVAILABLE, "out_of_service", ()),
        ("X", "You do not have permission for API operation CREATE", ErrorClass.BROKEN, "no_permission", ()),
        ("PL04000055", "This company is a demo company and has expired.", ErrorClass.BROKEN, "company_expired", ()),
        ("XL03000003", "Error 1871: Element 'x'", ErrorClass.BUG, "unreadable", ()),
        ("Query Failed", "Object definition BADOBJECT not found", ErrorClass.BUG, "unknown_object", ("BADOBJECT",)),
        ("BL03002185", "A transaction with that number already exists", ErrorClass.DUPLICATE, "number_exists", ()),
        (
            "BL34000061",
            "Another Project with the given value(s) P-1 already exists",
            ErrorClass.DUPLICATE,
            "record_exists",
            ("P-1",),
        ),
        ("PL05000104", "It is there", ErrorClass.DUPLICATE, "record_exists", ()),
        (
            "BL01001973",
            "Enable foreign-currency transactions, and try again",
            ErrorClass.REFUSED,
            "foreign_currency_off",
            (),
        ),
        (
            "BL01001973",
            "The project dimension you selected --P-7-- is not related to your header-level Customer ID value C1.",
            ErrorClass.REFUSED,
            "project_of_other_customer",
            ("P-7",),
        ),
        (
            "BL01001973",
            "Enter an account number on line item 2, in transaction 'INV-1,' and try again",
            ErrorClass.DATA,
            "line_without_account",
            (),
        ),
        (
            "BL01001973",
            "The account number 1010 is associated to the Bank account BOA. Choose another.",
            ErrorClass.REFUSED,
            "bank_account_on_line",
            ("1010",),
        ),
        (
            "BL01001973",
            "Tax details are either missing or don't belong to the tax solution",
            ErrorClass.DATA,
            "tax_detail",
            (),
        ),
        ("BL1", "The period Month Ended March 2026 is closed", ErrorClass.REFUSED, "closed_period", ()),
        ("BL1", "Date must be on or after 04/01/2026", ErrorClass.REFUSED, "closed_period", ("04/01/2026",)),
        ("BL1", "Transaction 'INV-1' is already paid and can't be deleted", ErrorClass.REFUSED, "already_paid", ()),
        (
            "BL1",
            "This transaction is missing the Department dimension for the Account 4000",
            ErrorClass.DATA,
            "dimension_missing",
            ("4000", "Department"),
        ),
        (
            "BL03000018",
            "GL account requires Location dimension",
            ErrorClass.DATA,
            "dimension_missing",
            ("Location",),
        ),
        ("BL1", "Invalid Customer 'C9' specified.", ErrorClass.DATA, "invalid_reference", ("Customer", "C9")),
        (
            "BL01001973",
            "Cannot find customer with key '7' to delete",
            ErrorClass.DATA,
            "not_found_in_intacct",
            ("customer", "7"),
        ),
        (
            "BL03000018",
            "Illegal format for Contactversion: Primary Email Address",
            ErrorClass.DATA,
            "email",
            (),
        ),
        ("PL01000127", "Document Number is missing", ErrorClass.DATA, "number_missing", ()),
        ("DL02000001", "There was an error processing the request.", ErrorClass.UNKNOWN, "processing_error", ()),
    ],
)
def test_known_errors(number: str, text: str, error_class: ErrorClass, code: str, culprit: tuple[str, ...]) -> None:
    got = classify([GatewayErrorEntry(number, text)])
    assert (got.error_class, got.code, got.culprit) == (error_class, code, culprit)
    assert "{" not in got.cause
    assert got.text == f"{number} {text}"


def test_the_first_error_is_the_cause_the_wrapper_and_the_rollback_are_not() -> None:
    cause = GatewayErrorEntry("BL03002185", "A transaction with that number already exists")
    for errors in ([cause, WRAPPER], [cause, WRAPPER, ROLLED_BACK], [WRAPPER, cause], [cause]):
        assert classify(errors).code == "number_exists"


def test_a_rollback_alone_is_nobodys_fault() -> None:
    got = classify([ROLLED_BACK])
    assert (got.error_class, got.code) == (ErrorClass.UNAVAILABLE, "rolled_back")


def test_the_generic_text_of_the_rollback_number_is_not_taken_for_a_rollback() -> None:
    got = classify([GatewayErrorEntry("XL03000009", "There was an error processing the function")])
    assert got.error_class is ErrorClass.UNKNOWN


def test_unknown_text_is_unknown_and_told_as_it_is() -> None:
    got = classify([GatewayErrorEntry("BL99", "The moon is wrong for 'INV-1' [Support ID: Zz~1]", "Wait.")])
    assert got.error_class is ErrorClass.UNKNOWN
    assert got.code == "BL99"
    assert got.cause == "The moon is wrong for 'INV-1'"
    assert got.fix == "Wait."


def test_equal_unknown_errors_of_different_documents_meet_in_one_failure() -> None:
    one, other, third = (
        classify([GatewayErrorEntry("BL99", text)])
        for text in (
            "We can't see the moon for 'INV-A' of 12.50 [Support ID: a]",
            "We can't see the moon for 'INV-B' of 7 [Support ID: b]",
            "We can't see the sun for 'INV-B' of 7",
        )
    )
    assert one.culprit == other.culprit != third.culprit


def test_nothing_said_is_unknown() -> None:
    assert classify([]).error_class is ErrorClass.UNKNOWN
    assert "BL5" in classify([GatewayErrorEntry("BL5", "")]).cause


def test_what_the_caller_knows_fills_the_words() -> None:
    entry = GatewayErrorEntry("BL03002185", "A transaction with that number already exists")
    assert classify([entry]).cause == "Intacct has a transaction with the number of this document already."
    known = classify([entry], {"number": "invoice INV-7 {x}"})
    assert known.cause == "Intacct has a transaction with the number of invoice INV-7 {x} already."


def test_every_entry_can_be_told_apart_and_filled() -> None:
    plain = {"number", "customer"}
    for entry in KNOWN_ERRORS:
        named = set(entry.text.groupindex) if entry.text else set()
        assert entry.numbers or entry.text, f"{entry.code} fits every error"
        assert set(entry.culprits) <= named
        for template in (entry.cause, entry.fix):
            assert set(re.findall(r"(?<!\{)\{(\w+)\}", template)) <= plain | named, entry.code
            assert template.endswith("."), entry.code
