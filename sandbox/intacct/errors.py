"""The errors that the gateway answers with, as one catalogue.

GatewayError
  ControlError         the whole request is turned away; nothing ran
  AuthenticationError  nobody is signed in; no function ran
  FunctionError        one function failed; the others are answered on their own

Numbers and sentences are those of the vendor where they are known; where only the situation is known the
sentence is the stand-in's own. `ErrorKind.text` is a template over the placeholders.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class ErrorLine:
    """One `<error>`: number, sentence (`description2`), remedy, and what `<additionalinfo>` tells a machine."""

    errorno: str
    description2: str
    correction: str = ""
    description: str = ""
    errorid: str = ""
    category: str = ""
    messageid: str = ""
    placeholders: Mapping[str, str] = field(default_factory=dict)


class GatewayError(Exception):
    """Base of all; carries the error lines of the answer, the cause first."""

    def __init__(self, *lines: ErrorLine) -> None:
        super().__init__("; ".join(f"{line.errorno} {line.description2}" for line in lines))
        self.lines = lines


class ControlError(GatewayError):
    """Answered in place of all operations."""


class AuthenticationError(GatewayError):
    """Answered in place of the results of one operation."""


class FunctionError(GatewayError):
    """Answered inside the result of one function."""


@dataclass(frozen=True)
class ErrorKind:
    """A row of the catalogue."""

    errorno: str
    text: str
    correction: str = ""
    errorid: str = ""
    category: str = "Invalid Request"
    description: str = ""


_DATA = "BL01001973"
_FORMAT = "BL03000018"
_USE_ANOTHER = "Use a unique value instead."

CATALOGUE: Mapping[str, ErrorKind] = {
    # the whole request
    "schema": ErrorKind("XL03000003", "XML Parse schema error: {detail}"),
    "partner_id": ErrorKind("XL03000006", "Incorrect Intacct XML Partner ID or password."),
    "transport_policy": ErrorKind("XL03000006", "{policy} is not a valid transport policy."),
    "rate_limit": ErrorKind("GW-0010", "", description="API rate limit exceeded"),
    "gateway": ErrorKind("GW-0001", "", description="Unable to process request"),
    # sign-in
    "sign_in": ErrorKind("XL03000006", "Sign-in information is incorrect"),
    "session": ErrorKind("XL03000006", "Invalid session {detail}"),
    "sender_not_authorized": ErrorKind(
        "XL03000006",
        "The sender ID '{sender}' is not authorized to make Web Services requests to company ID '{company}'.",
        "Contact the company administrator to grant Web Services authorization to this sender ID.",
        description="Invalid Web Services Authorization",
    ),
    "company_expired": ErrorKind("PL04000055", "This company is a demo company and has expired."),
    "login_unknown": ErrorKind("BL03000025", "Login ID {login} does not exist."),
    # any function
    "rollback": ErrorKind(
        "XL03000009", "The entire transaction in this operation has been rolled back due to an error."
    ),
    "permission": ErrorKind(
        _DATA,
        "You do not have permission for API operation {operation} on objects of type {object}.",
        "Ask an administrator to grant the permission.",
        category="Permission",
    ),
    "session_alone": ErrorKind("Get API Session Failed", "getAPISession must be the only function of a request."),
    "unknown_entity": ErrorKind(
        "Get API Session Failed", "The entity {entity} does not exist or is not open to this user."
    ),
    "unknown_object": ErrorKind("Query Failed", "Object definition {object} not found"),
    "unknown_fields": ErrorKind("Query Failed", "Invalid fields list {fields}"),
    "bad_query": ErrorKind("DL02000001", "There was an error processing the request. {detail}"),
    "read_failed": ErrorKind("Query Failed", "There is no {object} with key {key}."),
    "too_many": ErrorKind(_DATA, "At most {limit} records can be given in one call."),
    "not_supported": ErrorKind(_DATA, "{operation} is not supported for objects of type {object}."),
    "unknown_field": ErrorKind(_DATA, "Invalid field {field} for an object of type {object}."),
    "missing_field": ErrorKind(_DATA, "The required field {field} is missing."),
    # documents
    "wrapper": ErrorKind(
        _DATA,
        "Currently, we can't create the transaction '{number}'. Check the transaction for errors or inconsistencies, "
        "then try again.",
    ),
    "wrapper_record": ErrorKind(_DATA, "Could not create {object} record."),
    "number_missing": ErrorKind("PL01000127", "Document Number is missing"),
    "bill_number_missing": ErrorKind("BL03002128", "Enter a Bill number, and try again."),
    "number_characters": ErrorKind(
        _FORMAT, "Illegal format for the document number '{number}'.", "Leave out \" ' & < > # ?"
    ),
    "number_exists": ErrorKind(
        "BL03002185",
        "A transaction with that number already exists. Number: {number}.",
        "Enter another number.",
        category="Duplication Prevention",
    ),
    "unknown_reference": ErrorKind(_DATA, "Invalid {label} '{value}' specified."),
    "inactive_reference": ErrorKind(_DATA, "{label} {value} is inactive.", "Use an active {label}."),
    "bank_account": ErrorKind(
        _DATA,
        "The account number {account} is associated to the Bank account {bank}.",
        "Use an account that is not associated to a bank account.",
    ),
    "missing_location": ErrorKind(_FORMAT, "GL account requires Location dimension"),
    "missing_dimension": ErrorKind(
        _DATA, "This transaction is missing the {dimension} dimension for the Account {account}."
    ),
    "foreign_location": ErrorKind(
        _DATA, "The location {location} does not belong to the entity {entity} of this session."
    ),
    "project_customer": ErrorKind(
        _DATA,
        "The project dimension you selected {project} is not related to your header-level Customer ID {customer}.",
    ),
    "tax_details": ErrorKind(
        _DATA,
        "Tax details are either missing or don't belong to the tax solution {solution}.",
        "Add tax details of the tax solution to each line.",
    ),
    "tax_solution": ErrorKind(_DATA, "A tax solution is required for a transaction at the top level."),
    "foreign_currency": ErrorKind(_DATA, "Enable foreign-currency transactions, and try again."),
    "period_closed": ErrorKind(
        _DATA,
        "The period of the date {date} is closed. Date must be on or after {first_open}.",
        "Enter a date in an open period.",
    ),
    "due_missing": ErrorKind(_DATA, "The required field {field} or a term is missing."),
    "bad_date": ErrorKind(_FORMAT, "Illegal format for {field}: '{value}' is not a date."),
    "bad_amount": ErrorKind(_FORMAT, "Illegal format for {field}: '{value}' is not an amount."),
    "bad_value": ErrorKind(_FORMAT, "Illegal format for {field}: '{value}'."),
    "mixed_signs": ErrorKind(_DATA, "The amounts of all lines must have the same sign."),
    "negative_total": ErrorKind(_DATA, "The total of the transaction {number} cannot be negative."),
    "already_paid": ErrorKind(
        _DATA,
        "Transaction '{number}' is already paid and can't be {verb}.",
    ),
    "paid_lines": ErrorKind(_DATA, "Remove the extra line item in the request, then reclassify the bill."),
    "state": ErrorKind(_DATA, "The transaction '{number}' is {state} and can't be {verb}."),
    "not_found": ErrorKind(_DATA, "Cannot find {object} with key '{key}' to {verb}."),
    "line_not_found": ErrorKind(_DATA, "Cannot find line {line} of the transaction '{number}'."),
    # payments
    "overpaid": ErrorKind(_DATA, "The amount {amount} is more than the amount due {due} of '{number}'."),
    "not_draft_payment": ErrorKind(_DATA, "Only a draft payment can be {verb}. Reverse the payment {key} instead."),
    # master data
    "exists": ErrorKind(
        "BL34000061",
        "Another {object} with the given value(s) {value} already exists",
        _USE_ANOTHER,
        category="Duplication Prevention",
    ),
    "party_exists": ErrorKind(
        "PL05000104",
        "Another {object} with the given value(s) {value} already exists",
        _USE_ANOTHER,
        category="Duplication Prevention",
    ),
    "account_exists": ErrorKind(
        _DATA,
        "Duplicate account number {value}",
        _USE_ANOTHER,
        errorid="GL-0493",
        category="Duplication Prevention",
    ),
    "bad_email": ErrorKind(_FORMAT, "Illegal format for Contactversion: Primary Email: {value}."),
    "read_only": ErrorKind(_DATA, "The top-level {object} {value} cannot be changed from within an entity."),
    # attachments
    "file_exists": ErrorKind(_DATA, "An attachment named {name} exists already in {record}."),
}


def line(kind: str, **placeholders: object) -> ErrorLine:
    """Make the error line of a catalogue row."""
    row = CATALOGUE[kind]
    values = {name: str(value) for name, value in placeholders.items()}
    return ErrorLine(
        errorno=row.errorno,
        description2=row.text.format(**values),
        correction=row.correction.format(**values),
        description=row.description,
        errorid=row.errorid or f"SB-{list(CATALOGUE).index(kind):04d}",
        category=row.category,
        messageid=f"IA.{kind.upper()}",
        placeholders=values,
    )


def refuse(kind: str, **placeholders: object) -> FunctionError:
    """Make the failure of one function."""
    return FunctionError(line(kind, **placeholders))


def with_support_id(lines: Iterable[ErrorLine], support_id: str) -> tuple[ErrorLine, ...]:
    """Append the vendor's `[Support ID: …]` to each sentence; errors of the outer gateway have a request id."""
    return tuple(
        replace(each, description2=f"{each.description2} [Support ID: {support_id}]")
        if each.description2
        else replace(each, description=f"{each.description} [Request ID: {support_id}]")
        for each in lines
    )
