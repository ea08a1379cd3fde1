"""Every error text of the reference, typed from it, and what the catalogue makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.intacct.catalogue import classify
from clients.intacct.known_errors import CATALOGUE_VERSION, KNOWN_ERRORS
from clients.remedies import digest
from schemas.errors import ErrorClass
from schemas.intacct.results import GatewayErrorEntry

DATA, REFUSED, DUPLICATE = ErrorClass.DATA, ErrorClass.REFUSED, ErrorClass.DUPLICATE
BROKEN, BUG, UNKNOWN = ErrorClass.BROKEN, ErrorClass.BUG, ErrorClass.UNKNOWN
THROTTLED, UNAVAILABLE, UNCERTAIN = ErrorClass.THROTTLED, ErrorClass.UNAVAILABLE, ErrorClass.UNCERTAIN

FAILURE_OF_API = "Result status: Failure for Control ID 4711"
NOT_AUTHORISED = (
    "Invalid Web Services Authorization The sender ID 'scoro' is not authorized to make Web Services requests to"
    " company ID 'acme'."
)
PROJECT = "The project dimension you selected --P-9-- is not related to your header-level Customer ID value C2."

NUMBERED: list[tuple[str, str, ErrorClass, str, tuple[str, ...]]] = [
    ("429", "API rate limit exceeded", THROTTLED, "throttled", ()),
    ("GW-0010", "API rate limit exceeded", THROTTLED, "throttled", ()),
    ("GW-0011", "Invalid Request: tenant not found", BROKEN, "company_or_sender", ()),
    ("GW-0011", "Invalid Request: sender id bad", BROKEN, "company_or_sender", ()),
    ("GW-0001", "Unable to process request", UNCERTAIN, "gateway_failed", ()),
    ("GW-0009", "Unable to process request", UNCERTAIN, "gateway_failed", ()),
    (
        "XL03000003",
        "XML Parse schema error: Error 1871: Element 'value': This element is not expected.",
        BUG,
        "unreadable",
        (),
    ),
    ("XL03000003", "Fatal Error 76: Opening and ending tag mismatch", BUG, "unreadable", ()),
    ("XL03000006", "Incorrect Intacct XML Partner ID or password.", BROKEN, "sender", ()),
    ("XL03000006", "Sign-in information is incorrect", BROKEN, "sign_in", ()),
    ("XL03000006", NOT_AUTHORISED, BROKEN, "sender_not_authorised", ()),
    ("XL03000006", "Invalid session abc", UNAVAILABLE, "session_lost", ()),
    ("XL03000006", "foo is not a valid transport policy.", BROKEN, "transport_policy", ()),
    ("XL03000009", "There was an error processing the function", UNKNOWN, "processing_error", ()),
    ("XL03000009", "Object definition GLWIDGET not found", BUG, "unknown_object", ("GLWIDGET",)),
    ("PL04000055", "This company is a demo company and has expired.", BROKEN, "company_expired", ()),
    ("BL03000025", "Login ID jane does not exist.", BROKEN, "login_unknown", ()),
    ("PL01000127", "Document Number is missing", DATA, "number_missing", ()),
    ("BL03002128", "Enter a Bill number, and try again.", DATA, "number_missing", ()),
    (
        "BL34000061",
        "Another Project with the given value(s) P-1 already exists Use a unique value instead.",
        DUPLICATE,
        "record_exists",
        ("P-1",),
    ),
    ("PL05000104", "Another Vendor with the given value(s) V-1 already exists", DUPLICATE, "record_exists", ("V-1",)),
    ("PL05000104", "Vendor already exists", DUPLICATE, "record_exists", ()),
    ("BL03002185", "A transaction with that number already exists", DUPLICATE, "number_exists", ()),
    ("BL01001973", "Could not create Project record.", DATA, "not_created", ()),
    ("BL01001973", "Duplicate account number 4000", REFUSED, "account_number_exists", ("4000",)),
    (
        "BL01001973",
        "Currently, we can't create the transaction 'INV-1'. Check the transaction for errors or inconsistencies",
        DATA,
        "not_created",
        (),
    ),
    ("BL01001973", "Cannot find customer with key '12' to delete", DATA, "not_found_in_intacct", ("customer", "12")),
    ("BL01001973", "Tax details are either missing or don't belong to the tax solution", DATA, "tax_detail", ()),
    ("BL03000018", "Illegal format for Contactversion: Primary Email, not-an-address", DATA, "email", ()),
    ("BL03000018", "Missing unit", DATA, "unit_missing", ()),
    ("BL03000018", "GL account requires Location dimension", DATA, "dimension_missing", ("Location",)),
    ("DL02000001", "There was an error processing the request.", UNKNOWN, "processing_error", ()),
    ("Query Failed", "Object definition BADOBJECT not found", BUG, "unknown_object", ("BADOBJECT",)),
    ("Query Failed", "Invalid fields list FOO", BUG, "unknown_object", ("FOO",)),
    ("Get API Session Failed", "", BROKEN, "entity_closed", ()),
]
"""Section 9.1 of the reference of Intacct: number, text, class, code, culprits."""

BY_TEXT: list[tuple[str, ErrorClass, str, tuple[str, ...]]] = [
    ("You do not have permission for API operation CREATE on objects of type ARINVOICE", BROKEN, "no_permission", ()),
    ("The Service is Temporarily Off-line", UNAVAILABLE, "out_of_service", ()),
    ("Please Try Again Later", UNAVAILABLE, "out_of_service", ()),
    ("The period Month Ended March 2026 is closed.", REFUSED, "closed_period", ()),
    ("Date must be on or after 04/01/2026", REFUSED, "closed_period", ("04/01/2026",)),
    ("Transaction 'INV-7' is already paid and can't be deleted", REFUSED, "already_paid", ()),
    ("Remove the extra line item in the request, then reclassify the bill.", REFUSED, "already_paid", ()),
    ("Enable foreign-currency transactions, and try again", REFUSED, "foreign_currency_off", ()),
    ("The account number 1010 is associated to the Bank account BOA", REFUSED, "bank_account_on_line", ("1010",)),
    (PROJECT, REFUSED, "project_of_other_customer", ("P-9",)),
    ("Invalid Employee 'E1' specified.", DATA, "invalid_reference", ("Employee", "E1")),
    ("Invalid Vendor 'V1' specified.", DATA, "invalid_reference", ("Vendor", "V1")),
    ("Invalid Customer", DATA, "invalid_reference", ("Customer",)),
    ("Invalid Job 'J1'", DATA, "invalid_reference", ("Job", "J1")),
    ("Invalid Department '77' specified.", DATA, "invalid_reference", ("Department", "77")),
    ("Invalid Project 'P' specified.", DATA, "invalid_reference", ("Project", "P")),
    ("Invalid Location 'UK' specified.", DATA, "invalid_reference", ("Location", "UK")),
    ("This line requires a Department", DATA, "dimension_missing", ("Department",)),
    (
        "This transaction is missing the Cost Center dimension for the Account 6220.",
        DATA,
        "dimension_missing",
        ("6220", "Cost Center"),
    ),
    ("P-100 is restricted by GL account", REFUSED, "restricted", ("P-100",)),
    ("The Department is auto-filled from the Project", REFUSED, "auto_filled", ()),
    # section 10
    ("This definition is Entity only", DATA, "entity_only", ()),
    # the errors that Scoro's help knows (scoro-api, 12.5)
    (FAILURE_OF_API, BROKEN, "no_permission", ()),
    ("Enter an account number on line item 1, in transaction 'x,' and try again", DATA, "line_without_account", ()),
    ("Default finance account for invoice tax row/line is missing or inactive", DATA, "tax_account_missing", ()),
    # what its sibling integrations know (scoro-api, 13)
    ("Error 403: Forbidden", BROKEN, "no_permission", ()),
    ("A paid or allocated invoice cannot be modified", REFUSED, "already_paid", ()),
    ("The tax type does not match the account 4000", REFUSED, "tax_against_account", ()),
    (
        "The total sums between Scoro and Intacct don't match for the current document",
        DATA,
        "totals_differ",
        (),
    ),
    ("The invoice number is already used by a VOIDED document", REFUSED, "number_of_void", ()),
    ("Negative quantity is not allowed", REFUSED, "negative_amount", ()),
    ("An approved invoice cannot be voided", REFUSED, "wrong_state", ()),
    ("Account 4000 is inactive.", DATA, "inactive_reference", ("Account", "4000")),
    ("Account 4000 is deleted.", DATA, "inactive_reference", ("Account", "4000")),
]
"""Texts that come under any number, mostly the general one."""

TEXTS = [*NUMBERED, *(("BL01001973", *row) for row in BY_TEXT)]

WRAPPER = GatewayErrorEntry(
    "BL01001973",
    "Currently, we can't create the transaction 'INV-1'. Check the transaction for errors or inconsistencies, then try"
    " again. [Support ID: OEC1W%7EaX]",
)
ROLLED_BACK = GatewayErrorEntry(
    "XL03000009", "The entire transaction in this operation has been rolled back due to an error."
)
EVERY_TEXT = pytest.mark.parametrize(("number", "text", "error_class", "code", "culprit"), TEXTS)

gateway_errors = st.lists(
    st.builds(
        GatewayErrorEntry,
        st.one_of(st.sampled_from(sorted({number for number, *_ in TEXTS})), st.text(max_size=12)),
        st.one_of(st.sampled_from([text for _, text, *_ in TEXTS]), st.text()),
        st.text(max_size=40),
        st.text(max_size=8),
        st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=2),
    ),
    max_size=4,
)


@EVERY_TEXT
def test_a_text_of_the_reference_is_known(
    number: str, text: str, error_class: ErrorClass, code: str, culprit: tuple[str, ...]
) -> None:
    got = classify([GatewayErrorEntry(number, text)])
    assert (got.error_class, got.code, got.culprit) == (error_class, code, culprit)


@EVERY_TEXT
def test_what_causes_a_failure_is_named_to_the_person_who_reads_of_it(
    number: str, text: str, error_class: ErrorClass, code: str, culprit: tuple[str, ...]
) -> None:
    got = classify([GatewayErrorEntry(number, text)], {"number": "INV-1"})
    told = f"{got.cause} {got.fix}"
    assert [value for value in culprit if value not in told] == []
    assert not set("{}[]") & set(told.replace("{vat_code_id}", "")), told


@EVERY_TEXT
def test_support_ids_wrappers_and_rollbacks_change_nothing(
    number: str, text: str, error_class: ErrorClass, code: str, culprit: tuple[str, ...]
) -> None:
    told = GatewayErrorEntry(number, f"{text} [Support ID: Zz9%7EQq1] ")
    for errors in ([told], [told, WRAPPER], [told, ROLLED_BACK], [told, WRAPPER, ROLLED_BACK]):
        got = classify(errors)
        assert (got.error_class, got.code, got.culprit) == (error_class, code, culprit)
        assert "Support ID" not in f"{got.cause} {got.fix} {got.text} {got.culprit}"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("BL01001978", "Something about item 7"),
        ("BL03002028", "A sentence of next year's release"),
        ("UJPP0002", "Unexpected"),
        ("UJPP0007", ""),
        ("", "Payments are required by law"),
        ("BL03000018", "The moon is full"),
        ("XL03000009", "A reason that nobody wrote down"),
    ],
)
def test_an_unknown_text_is_unknown_also_beside_a_wrapper(number: str, text: str) -> None:
    told = GatewayErrorEntry(number, text)
    for errors in ([told], [told, WRAPPER], [told, WRAPPER, ROLLED_BACK]):
        got = classify(errors)
        assert got.error_class is UNKNOWN
        assert got.code == (number or "unknown")
        assert text in got.cause


@given(errors=gateway_errors)
def test_no_text_makes_it_raise(errors: list[GatewayErrorEntry]) -> None:
    got = classify(errors, {"number": "INV-1"})
    assert got.code
    assert got.cause
    assert got.fix


def test_every_entry_knows_what_it_says_itself() -> None:
    for entry in KNOWN_ERRORS:
        if entry.says.startswith("("):
            continue
        number = min(entry.numbers, default="BL01001973")
        for text in entry.says.split("; "):
            assert entry.match(GatewayErrorEntry(number, text)) is not None, (entry.code, text)


def test_what_may_concern_a_whole_request_names_no_document() -> None:
    for entry in KNOWN_ERRORS:
        if entry.error_class in {THROTTLED, BROKEN, UNAVAILABLE}:
            assert "{" not in entry.cause + entry.fix, entry.code


def test_a_change_of_the_catalogue_counts_its_version_up() -> None:
    entries = (
        (e.error_class, e.code, e.says, e.who, e.cause, e.fix, e.numbers, e.text, e.culprits, e.vague)
        for e in KNOWN_ERRORS
    )
    versions = {
        1: "8862176dc25aa033c51799da666568140efc89d8ff2f2b1587d92b60089b3afa",
        2: "2e49f52708245c4487461202db9aeb033eb549d7668b7a25e6c413bca8693be7",
        3: "1c5edb8ee0d006c03217e08b2b25c1f3ace1b0115222027c4e79809039cc2727",
        4: "240e12ba62583f7c433e68ec481f222107a7e24e6b6bd9c0e1e3d62c8092e10f",
    }
    assert versions.get(CATALOGUE_VERSION) == digest(entries), (
        "the catalogue has changed: count CATALOGUE_VERSION up and add the digest of the new version here"
    )
