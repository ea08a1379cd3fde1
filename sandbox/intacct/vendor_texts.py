"""What the vendor's gateway is known to say, word for word: one row for each error, to be raised by name.

Sources: the vendor's pages, captured answers and outside integrators, as far as they give numbers and sentences, and
Scoro's help page on its own integration, which repeats the vendor's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

GENERAL = "BL01001973"
"""The number that most errors of documents carry."""


@dataclass(frozen=True)
class VendorText:
    """One error: number, sentence, remedy, and at which level the gateway says it."""

    errorno: str
    description2: str
    correction: str = ""
    level: Literal["function", "authentication", "control"] = "function"


def _of_data(name: str) -> VendorText:
    return VendorText(GENERAL, f"Invalid {name} 'X-1' specified.", f"Select an active {name}.")


VENDOR_TEXTS: Mapping[str, VendorText] = {
    # the whole request
    "rate_limit": VendorText("GW-0010", "API rate limit exceeded", level="control"),
    "rate_limit_429": VendorText("429", "API rate limit exceeded", level="control"),
    "tenant": VendorText("GW-0011", "Invalid Request: tenant not found", level="control"),
    "tenant_inactive": VendorText("GW-0011", "Invalid Request: tenant inactive", level="control"),
    "sender_bad": VendorText("GW-0011", "Invalid Request: sender id bad or inactive", level="control"),
    **{
        f"gateway_{digit}": VendorText(f"GW-000{digit}", "Unable to process request", level="control")
        for digit in range(1, 10)
    },
    "schema_unexpected": VendorText(
        "XL03000003",
        "XML Parse schema error: Error 1871: Element 'value': This element is not expected.",
        level="control",
    ),
    "schema_mismatch": VendorText("XL03000003", "Fatal Error 76: Opening and ending tag mismatch", level="control"),
    "partner_id": VendorText("XL03000006", "Incorrect Intacct XML Partner ID or password.", level="control"),
    "transport_policy": VendorText("XL03000006", "x is not a valid transport policy.", level="control"),
    # the sign-in
    "sign_in": VendorText("XL03000006", "Sign-in information is incorrect", level="authentication"),
    "sender_not_authorised": VendorText(
        "XL03000006",
        "Invalid Web Services Authorization: The sender ID 'x' is not authorized to make Web Services requests to"
        " company ID 'y'.",
        level="authentication",
    ),
    "session": VendorText("XL03000006", "Invalid session abc", level="authentication"),
    "demo_expired": VendorText("PL04000055", "This company is a demo company and has expired.", level="authentication"),
    "login_unknown": VendorText("BL03000025", "Login ID x does not exist.", level="authentication"),
    # one function, by its number
    "rolled_back": VendorText(
        "XL03000009", "The entire transaction in this operation has been rolled back due to an error."
    ),
    "function_failed": VendorText("XL03000009", "There was an error processing the function"),
    "object_unknown": VendorText("XL03000009", "Object definition X not found"),
    "number_missing": VendorText("PL01000127", "Document Number is missing"),
    "bill_number_missing": VendorText("BL03002128", "Enter a Bill number, and try again."),
    "exists": VendorText(
        "BL34000061",
        "Another Project with the given value(s) P-1 already exists",
        "Use a unique value instead.",
    ),
    "party_exists": VendorText("PL05000104", "The employee or vendor already exists"),
    "number_exists": VendorText("BL03002185", "A transaction with that number already exists"),
    "not_created": VendorText(GENERAL, "Could not create ARINVOICE record."),
    "account_exists": VendorText(GENERAL, "Duplicate account number 4000"),
    "wrapper": VendorText(
        GENERAL,
        "Currently, we can't create the transaction 'X-1'.",
        "Check the transaction for errors or inconsistencies, then try again.",
    ),
    "not_found": VendorText(GENERAL, "Cannot find customer with key '12' to delete"),
    "tax_details": VendorText(GENERAL, "Tax details are either missing or don't belong to the tax solution"),
    "entity_only": VendorText(GENERAL, "This is an entity-only definition, which cannot be used at the top level."),
    "email": VendorText("BL03000018", "Illegal format for Contactversion: Primary Email, not-an-address"),
    "unit": VendorText("BL03000018", "Missing unit"),
    "location_required": VendorText("BL03000018", "GL account requires Location dimension"),
    "processing": VendorText("DL02000001", "There was an error processing the request."),
    "query_object": VendorText("Query Failed", "Object definition BADOBJECT not found"),
    "query_fields": VendorText("Query Failed", "Invalid fields list x"),
    "api_session": VendorText("Get API Session Failed", "Get API Session Failed"),
    # one function, by its sentence
    "permission": VendorText(
        GENERAL, "You do not have permission for API operation CREATE on objects of type ARINVOICE"
    ),
    "failure_for_control_id": VendorText(GENERAL, "Result status: Failure for Control ID 4711"),
    "off_line": VendorText(GENERAL, "The Service is Temporarily Off-line", "Please Try Again Later"),
    "period_closed": VendorText(GENERAL, "The period Month Ended January 2026 is closed."),
    "date_on_or_after": VendorText(GENERAL, "Date must be on or after 02/01/2026"),
    "paid": VendorText(GENERAL, "Transaction 'X-1' is already paid and can't be deleted"),
    "paid_lines": VendorText(GENERAL, "Remove the extra line item in the request, then reclassify the bill."),
    "foreign_currency": VendorText(GENERAL, "Enable foreign-currency transactions, and try again"),
    "bank_account": VendorText(GENERAL, "The account number 1000 is associated to the Bank account BOA"),
    "project_customer": VendorText(
        GENERAL,
        "The project dimension you selected --P-9-- is not related to your header-level Customer ID value C2.",
    ),
    "line_without_account": VendorText(
        GENERAL, "Enter an account number on line item 1, in transaction 'X-1,' and try again"
    ),
    "tax_account": VendorText(GENERAL, "Default finance account for invoice tax row/line is missing or inactive"),
    **{
        f"invalid_{name.lower()}": _of_data(name)
        for name in ("Employee", "Vendor", "Customer", "Job", "Department", "Project", "Location")
    },
    "requires": VendorText(GENERAL, "This line requires a Department"),
    "missing_dimension": VendorText(
        GENERAL, "This transaction is missing the Department dimension for the Account 4000."
    ),
    "restricted": VendorText(GENERAL, "P-100 is restricted by GL account"),
    "auto_filled": VendorText(GENERAL, "The Department is auto-filled from the Project"),
    "replayed": VendorText(GENERAL, "The function with control id 'x' has already been executed and completed."),
    "inactive_account": VendorText(GENERAL, "Account 4000 is inactive."),
    "deleted_account": VendorText(GENERAL, "Account 4000 is deleted."),
    # what integrations of the same kind are told
    "forbidden": VendorText(GENERAL, "Error 403: Forbidden"),
    "paid_or_allocated": VendorText(GENERAL, "A paid or allocated invoice cannot be modified"),
    "tax_type": VendorText(GENERAL, "The tax type does not match the account 4000"),
    "sums_differ": VendorText(GENERAL, "The total sums between Scoro and Intacct don't match for the current document"),
    "number_of_void": VendorText(GENERAL, "The invoice number is already used by a VOIDED document"),
    "negative_quantity": VendorText(GENERAL, "Negative quantity is not allowed"),
    "approved": VendorText(GENERAL, "An approved invoice cannot be voided"),
    # numbers whose meaning nobody wrote down
    "unknown_1": VendorText("BL01001978", "Something about item 7"),
    "unknown_2": VendorText("BL03002028", "A sentence of another release"),
    "unknown_3": VendorText("UJPP0002", "Unexpected"),
    "unknown_4": VendorText("UJPP0007", ""),
}
"""Name -> what the gateway says."""
