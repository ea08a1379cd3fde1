"""The known errors of the Intacct gateway: one table, from what it says to what a person reads.

The gateway's numbers are often generic, so an entry may match the number, the text or both. Sources: intacct-xml-api,
sections 4, 8, 9.1 and 10; scoro-api, sections 12.5 and 13. Causes and fixes may name `{number}`, `{customer}` and
what the text of the entry names; a part in brackets is left out where something that it names is unknown; `{{` is a
brace. Those of the classes throttled and broken also stand for a whole request, where nothing can be named, so they
name nothing.
"""

from clients.intacct.error_entry import Entry, entry, sentence, strip_support_id
from schemas.errors import ErrorClass, Who

__all__ = ["CATALOGUE_VERSION", "KNOWN_ERRORS", "Entry", "sentence", "strip_support_id"]

CATALOGUE_VERSION = 4
"""Counts up with every change of the table."""

_BY_ITSELF = "Nothing to do: sent again by itself."
_RIGHTS = "In Intacct give the Web Services user List, View, Add and Edit for this kind of record, then resume."
_SIGN_IN = "Check user, password and company of the connection, then resume it."
_LINKED = "Nothing to do if it is the same: it is looked up and linked; else change {what} in Scoro."
_NUMBER_LINKED = _LINKED.replace("{what}", "the number")
_ID_LINKED = _LINKED.replace("{what}", "the id")

_OUTSIDE: tuple[Entry, ...] = (
    entry(
        ErrorClass.THROTTLED,
        "throttled",
        "API rate limit exceeded",
        Who.NOBODY,
        "Intacct takes no more requests for a while.",
        _BY_ITSELF,
        numbers=("429", "GW-0010"),
    ),
    entry(
        ErrorClass.THROTTLED,
        "throttled",
        "API rate limit exceeded",
        Who.NOBODY,
        "Intacct takes no more requests for a while.",
        _BY_ITSELF,
        text=r"rate limit exceeded|too many requests",
    ),
    entry(
        ErrorClass.BROKEN,
        "company_or_sender",
        "Invalid Request",
        Who.INTACCT_ADMIN,
        "Intacct does not know the company or the sender, or one of them is inactive.",
        "Check company id and sender id of the connection; have the sender authorised in Intacct, then resume.",
        numbers=("GW-0011",),
    ),
    entry(
        ErrorClass.UNCERTAIN,
        "gateway_failed",
        "Unable to process request",
        Who.NOBODY,
        "Intacct's gateway failed and does not say whether this ran.",
        "Nothing to do: it is looked up before it is sent again.",
        numbers=tuple(f"GW-000{digit}" for digit in range(1, 10)),
    ),
    entry(
        ErrorClass.UNAVAILABLE,
        "out_of_service",
        "The Service is Temporarily Off-line. Please Try Again Later",
        Who.NOBODY,
        "Intacct is out of service for the moment.",
        _BY_ITSELF,
        text=r"temporarily off-?line|try again later",
    ),
    entry(
        ErrorClass.UNAVAILABLE,
        "session_lost",
        "Invalid session",
        Who.NOBODY,
        "The session with Intacct has ended.",
        _BY_ITSELF,
        numbers=("XL03000006",),
        text=r"invalid session",
    ),
    entry(
        ErrorClass.BROKEN,
        "sender_not_authorised",
        "Invalid Web Services Authorization: The sender ID 'x' is not authorized to make Web Services requests.",
        Who.INTACCT_ADMIN,
        "The Intacct company has not authorised our sender id.",
        "In Intacct add the sender id under Company > Security > Web Services authorizations, then resume.",
        numbers=("XL03000006",),
        text=r"invalid web services authorization|sender id\b.*\bnot authorized",
    ),
    entry(
        ErrorClass.BROKEN,
        "sender",
        "Incorrect Intacct XML Partner ID or password.",
        Who.OPERATOR,
        "Intacct does not accept the sender id or its password.",
        "Correct `INTACCT_SENDER_ID` and `INTACCT_SENDER_PASSWORD`, then resume the connection.",
        numbers=("XL03000006",),
        text=r"partner id or password",
    ),
    entry(
        ErrorClass.BROKEN,
        "transport_policy",
        "x is not a valid transport policy.",
        Who.US,
        "Intacct does not know the transport policy of the request.",
        "Report it: requests should name no policy.",
        numbers=("XL03000006",),
        text=r"not a valid transport policy",
    ),
    entry(
        ErrorClass.BROKEN,
        "sign_in",
        "Sign-in information is incorrect",
        Who.OPERATOR,
        "Intacct does not accept the sign-in.",
        _SIGN_IN,
        numbers=("XL03000006",),
    ),
    entry(
        ErrorClass.BROKEN,
        "login_unknown",
        "Login ID x does not exist.",
        Who.OPERATOR,
        "Intacct does not know the user of the connection.",
        _SIGN_IN,
        numbers=("BL03000025",),
    ),
    entry(
        ErrorClass.BROKEN,
        "company_expired",
        "This company is a demo company and has expired.",
        Who.INTACCT_ADMIN,
        "The Intacct company has expired.",
        "Renew the company with Sage, then resume the connection.",
        numbers=("PL04000055",),
    ),
    entry(
        ErrorClass.BROKEN,
        "entity_closed",
        "Get API Session Failed",
        Who.OPERATOR,
        "The Intacct entity does not exist or is not open to the Web Services user.",
        "Check the entity of the connection and the entities of the user, then resume.",
        numbers=("Get API Session Failed",),
    ),
    entry(
        ErrorClass.BROKEN,
        "entity_closed",
        "Get API Session Failed",
        Who.OPERATOR,
        "The Intacct entity does not exist or is not open to the Web Services user.",
        "Check the entity of the connection and the entities of the user, then resume.",
        text=r"get api session failed",
    ),
    entry(
        ErrorClass.BROKEN,
        "no_permission",
        "You do not have permission for API operation CREATE; Result status: Failure for Control ID",
        Who.INTACCT_ADMIN,
        "The Web Services user is not allowed to do this in Intacct.",
        _RIGHTS,
        text=(
            r"you (?:do not|don't) have permission|not authorized to|insufficient (?:rights|permission)"
            r"|result status: failure for control id|error 403\b"
        ),
    ),
)
"""Not the document's fault, whatever the document."""

_OURS: tuple[Entry, ...] = (
    entry(
        ErrorClass.DUPLICATE,
        "controlid_replayed",
        "(the text is not documented)",
        Who.NOBODY,
        "Intacct says that it has run this very function before.",
        "Nothing to do: the document is looked up in Intacct and linked.",
        text=r"control ?id\b.*(?:already|duplicate|unique)|already (?:been )?executed",
    ),
    entry(
        ErrorClass.BUG,
        "unreadable",
        "XML Parse schema error: Error 1871: Element 'x': This element is not expected.",
        Who.US,
        "Intacct could not read the function that we sent.",
        "Report it together with the request that the failure shows.",
        numbers=("XL03000003",),
    ),
    entry(
        ErrorClass.BUG,
        "unknown_object",
        "Object definition X not found; Invalid fields list x",
        Who.US,
        "We asked Intacct for an object or a field that it does not have[: {record}][: {fields}].",
        "Report it; if it is a dimension or custom field of yours, correct its name in the settings.",
        "record",
        "fields",
        text=r"object definition '?(?P<record>[\w.]+)'? not found|invalid fields list:? ?(?P<fields>[\w., ]*)",
    ),
)
"""What we sent."""

_THERE_ALREADY: tuple[Entry, ...] = (
    entry(
        ErrorClass.DUPLICATE,
        "number_exists",
        "A transaction with that number already exists",
        Who.FINANCE,
        "Intacct has a transaction with the number of {number} already.",
        _NUMBER_LINKED,
        numbers=("BL03002185",),
    ),
    entry(
        ErrorClass.DUPLICATE,
        "record_exists",
        "Another X with the given value(s) Y already exists. Use a unique value instead.",
        Who.FINANCE,
        "Intacct has this already: {record} {value}.",
        _ID_LINKED,
        "value",
        numbers=("BL34000061", "PL05000104"),
        text=r"another (?P<record>.+?) with the given value\(?s?\)? '?(?P<value>.+?)'? already exists",
    ),
    entry(
        ErrorClass.DUPLICATE,
        "record_exists",
        "The employee or vendor already exists",
        Who.FINANCE,
        "Intacct has this record already.",
        _ID_LINKED,
        numbers=("BL34000061", "PL05000104"),
    ),
    entry(
        ErrorClass.DUPLICATE,
        "number_exists",
        "A transaction with that number already exists",
        Who.FINANCE,
        "Intacct has a transaction with the number of {number} already.",
        _NUMBER_LINKED,
        text=r"transaction with that (?:document )?number already exists|duplicate (?:invoice|bill|document) number",
    ),
    entry(
        ErrorClass.DUPLICATE,
        "file_exists",
        "(the text is not documented)",
        Who.NOBODY,
        "The attachment in Intacct has a file of that name already.",
        "Nothing to do: the attachment is looked up.",
        text=r"attachment\b.*\b(?:exists already|already exists|must be unique)",
    ),
    entry(
        ErrorClass.REFUSED,
        "number_of_void",
        "The number is already used by a VOIDED document",
        Who.FINANCE,
        "The number of {number} belongs to a voided or reversed transaction in Intacct.",
        "Change the number in Scoro.",
        text=r"already used by an? (?:voided|reversed|deleted)",
    ),
    entry(
        ErrorClass.REFUSED,
        "account_number_exists",
        "Duplicate account number X",
        Who.INTACCT_ADMIN,
        "Intacct has an account with this number already[: {value}].",
        "Use the account that is there, or give the new one another number in Intacct.",
        "value",
        text=r"duplicate account number:? ?'?(?P<value>[\w-]*)",
    ),
)
"""It is there, or its number is taken."""

_RULES: tuple[Entry, ...] = (
    entry(
        ErrorClass.REFUSED,
        "foreign_currency_off",
        "Enable foreign-currency transactions, and try again",
        Who.INTACCT_ADMIN,
        "{number} is in a foreign currency, and Intacct does not do foreign currencies yet.",
        "Enable multi-currency in Intacct, then replay.",
        text=r"enable foreign-?currency transactions",
    ),
    entry(
        ErrorClass.REFUSED,
        "project_of_other_customer",
        "The project dimension you selected --X-- is not related to your header-level Customer ID value",
        Who.FINANCE,
        "The project {project} belongs to another customer than {customer} of {number}.",
        "Give the project in Intacct the customer of the document, or correct project or customer in Scoro.",
        "project",
        text=r"project dimension you selected,? (?:--)?(?P<project>.+?)(?:--)?,? is not related to your header-level",
    ),
    entry(
        ErrorClass.DATA,
        "line_without_account",
        "Enter an account number on line item 1, in transaction 'x,' and try again",
        Who.FINANCE,
        "Line {line} of {number} has no finance account.",
        "Choose a finance account on that line in Scoro.",
        text=r"enter an account number on line item (?P<line>\d+)",
    ),
    entry(
        ErrorClass.REFUSED,
        "bank_account_on_line",
        "The account number X is associated to the Bank account Y",
        Who.FINANCE,
        "The account {account} belongs to the bank account {bank}, so no line may use it.",
        "Choose a proper income or expense account on the line in Scoro.",
        "account",
        text=r"account number (?P<account>\S+) is associated (?:to|with) the bank account (?P<bank>[^.;,]+)",
    ),
    entry(
        ErrorClass.DATA,
        "tax_account_missing",
        "Default finance account for invoice tax row/line is missing or inactive",
        Who.OPERATOR,
        "The default account for tax lines is missing or inactive in Intacct.",
        "Set `accounts.tax_line` of the connection to an active account.",
        text=r"default finance account for invoice tax (?:row|line).*(?:missing|inactive)",
    ),
    entry(
        ErrorClass.DATA,
        "tax_detail",
        "Tax details are either missing or don't belong to the tax solution",
        Who.OPERATOR,
        "A line of {number} has no tax detail that belongs to the entity's tax solution.",
        "Map the VAT code of the line to a tax detail of the tax solution (`taxes.{{vat_code_id}}`).",
        text=r"tax details? (?:are|is) either missing|belong to the tax solution",
    ),
    entry(
        ErrorClass.REFUSED,
        "tax_against_account",
        "The tax type does not match the account",
        Who.FINANCE,
        "The tax type of a line of {number} does not go with its account.",
        "Change the account or the VAT code of the line in Scoro, or the tax settings of the account in Intacct.",
        text=r"tax type\b.*\b(?:does not|doesn't|can(?:no|')t)\b.*\baccount|account\b.*\bmismatch\w*\b.*\btax type",
    ),
    entry(
        ErrorClass.DATA,
        "totals_differ",
        "The total sums don't match for the current document",
        Who.FINANCE,
        "The total of {number} in Intacct is not the one in Scoro.",
        "Compare the lines and taxes of both, correct Scoro, then replay.",
        text=r"total sums?\b.*\b(?:don't|do not|doesn't|does not) match",
    ),
    entry(
        ErrorClass.REFUSED,
        "negative_amount",
        "(the text is not documented)",
        Who.FINANCE,
        "{number} is negative, and in Intacct only adjustments are.",
        "Make it a credit document in Scoro, or correct the amounts and quantities.",
        text=r"negative (?:quantit|amount|total)|(?:quantity|amount|total)\b.*\bcan(?:no|')t be negative",
    ),
    entry(
        ErrorClass.REFUSED,
        "closed_period",
        "The period X is closed; Date must be on or after X",
        Who.FINANCE,
        "The period of {number} is closed in Intacct[; its first open day is {first_open}][; its first open day is"
        " {first_day}].",
        "Open the period in Intacct, change the date in Scoro, or set `closed_period` to `next_open`.",
        "first_open",
        "first_day",
        text=(
            r"(?:period\b.*?\b(?:is|are|has been) closed|closed period|books are closed)"
            r"(?:.*?\bon or after (?P<first_open>[\d/-]*\d))?"
            r"|(?<!due )date must be on or after(?: (?P<first_day>[\d/-]*\d))?"
        ),
    ),
    entry(
        ErrorClass.REFUSED,
        "already_paid",
        "Transaction 'X' is already paid and can't be deleted; Remove the extra line item in the request",
        Who.FINANCE,
        "{number} is paid in Intacct, so it can no longer be changed there.",
        "Reverse the payment in Intacct and replay, or leave the document as it is.",
        text=(
            r"already (?:been )?paid|is (?:fully |partially )?paid and can(?:'|no)t be|remove the extra line item"
            r"|(?:paid|allocated)\b.*\bcan(?:no|')t be (?:modified|changed|edited)"
        ),
    ),
    entry(
        ErrorClass.REFUSED,
        "wrong_state",
        "(the text is not documented)",
        Who.FINANCE,
        "{number} is {state} in Intacct, so this cannot be done to it.",
        "Bring it back in Intacct (recall, decline or reverse the approval), then replay.",
        "state",
        text=(
            r"transaction '[^']*' is (?P<state>[\w ]+?) and can(?:no|')t be"
            r"|approved\b.*\bcan(?:no|')t be (?:deleted|voided)"
        ),
    ),
    entry(
        ErrorClass.DATA,
        "dimension_missing",
        "This transaction is missing the X dimension for the Account N",
        Who.FINANCE,
        "The account {account} wants a {dimension} on every line, and a line of {number} has none.",
        "Fill the {dimension} in Scoro, or set a default for it in the settings of the connection.",
        "account",
        "dimension",
        text=r"missing the (?P<dimension>[\w -]+?) dimension for the account (?P<account>\S+?)[.,]?(?:\s|$)",
    ),
    entry(
        ErrorClass.DATA,
        "dimension_missing",
        "GL account requires Location dimension; requires a Department",
        Who.FINANCE,
        "An account of {number} wants a dimension[, {dimension},][, {required},] that a line does not have.",
        "Fill the dimension in Scoro, or set a default for it (for locations: `location`) in the settings.",
        "dimension",
        "required",
        text=(
            r"requires? an? (?P<dimension>location|department|project|customer|vendor|employee|item|class)\b"
            r"|account requires (?P<required>\w+) dimension"
        ),
    ),
    entry(
        ErrorClass.DATA,
        "unit_missing",
        "Missing unit",
        Who.FINANCE,
        "A line of {number} has no unit that Intacct knows.",
        "Choose a unit on the line in Scoro that Intacct has too.",
        text=r"missing units?\b",
    ),
    entry(
        ErrorClass.REFUSED,
        "restricted",
        "X is restricted by GL account",
        Who.FINANCE,
        "The dimension value {value} of {number} is not allowed with the account of its line.",
        "Change the account or the dimension in Scoro, or the restriction in Intacct.",
        "value",
        text=r"(?P<value>\S+) is restricted by GL account",
    ),
    entry(
        ErrorClass.REFUSED,
        "auto_filled",
        "The X dimension is auto-filled",
        Who.FINANCE,
        "Intacct fills in a dimension of {number} by itself, and a line names another value.",
        "Correct the dimension in Scoro, or the relationship of the dimensions in Intacct.",
        text=r"auto-?filled",
    ),
    entry(
        ErrorClass.DATA,
        "entity_only",
        "(the text is not documented)",
        Who.OPERATOR,
        "{number} uses something that exists in an entity only.",
        "Give the connection the entity to which it belongs, then replay.",
        text=r"\bentity[- ]only\b|only (?:available|defined) (?:at|in) (?:the |an )?entity",
    ),
    entry(
        ErrorClass.DATA,
        "invalid_reference",
        "Invalid Customer 'X' specified",
        Who.FINANCE,
        "Intacct does not know the {record}[ {value}] that {number} names, or it is inactive.",
        "Create or activate the {record}[ {value}] in Intacct, or correct it in Scoro.",
        "record",
        "value",
        text=(
            r"invalid (?:gl ?)?"
            r"(?P<record>employee|vendor|customer|job|department|project|location|class|item|account|term)"
            r"(?: ?(?:id|no|number|label))?\b"
            r"(?:[^'\"]*['\"](?P<value>[^'\"]+)['\"])?"
        ),
    ),
    entry(
        ErrorClass.DATA,
        "inactive_reference",
        "(the text is not documented)",
        Who.FINANCE,
        "The {record} {value} of {number} is inactive in Intacct.",
        "Activate it in Intacct, or choose another one in Scoro.",
        "record",
        "value",
        text=r"(?P<record>\w+) '?(?P<value>[^' ]+)'? is (?:inactive|deleted)\b",
    ),
    entry(
        ErrorClass.DATA,
        "not_found_in_intacct",
        "Cannot find customer with key 'n' to delete",
        Who.FINANCE,
        "Intacct no longer has the {record} {value}.",
        "Restore it in Intacct, or unlink the document so that it is created again.",
        "record",
        "value",
        text=r"cannot find (?P<record>\w+) with key '?(?P<value>[^' ]+)",
    ),
    entry(
        ErrorClass.DATA,
        "email",
        "Illegal format for Contactversion: Primary Email…",
        Who.FINANCE,
        "Intacct does not accept the e-mail address of {customer}.",
        "Correct the e-mail address in Scoro.",
        text=r"illegal format for contactversion:.*e-?mail",
    ),
    entry(
        ErrorClass.DATA,
        "illegal_format",
        "Illegal format for X",
        Who.FINANCE,
        "Intacct does not accept what stands in {field} of {number}.",
        "Correct it in Scoro; the number of a document takes none of the characters \" ' & < > # and ? at all.",
        "field",
        text=r"illegal format for (?P<field>[\w. ]+)",
    ),
    entry(
        ErrorClass.DATA,
        "number_missing",
        "Document Number is missing; Enter a Bill number, and try again.",
        Who.FINANCE,
        "{number} has no number, and Intacct does not give one by itself.",
        "Give the document a number in Scoro, or a numbering sequence in Intacct.",
        numbers=("PL01000127", "BL03002128"),
    ),
)
"""Intacct's own rules."""

_VAGUE: tuple[Entry, ...] = (
    entry(
        ErrorClass.DATA,
        "not_created",
        "Could not create X record; Check the transaction for errors or inconsistencies, then try again.",
        Who.FINANCE,
        "Intacct could not create {number} and does not say why.",
        "Compare the document with one that went through: accounts, dimensions, taxes, dates; then replay.",
        text=r"could not (?:create|update) .*record|check the transaction for errors or inconsistencies",
        vague=True,
    ),
    entry(
        ErrorClass.UNKNOWN,
        "processing_error",
        "There was an error processing the request.",
        Who.FINANCE,
        "Intacct could not process {number} and does not say why.",
        "Replay it once; if it fails again, look for a field that Intacct does not have.",
        numbers=("DL02000001",),
        vague=True,
    ),
    entry(
        ErrorClass.UNKNOWN,
        "processing_error",
        "There was an error processing the function",
        Who.FINANCE,
        "Intacct could not process {number} and does not say why.",
        "Replay it once; if it fails again, look for a field that Intacct does not have.",
        numbers=("XL03000009",),
        text=r"error processing the function",
        vague=True,
    ),
)
"""They say that something failed: any other error beside them is the cause."""

KNOWN_ERRORS: tuple[Entry, ...] = (*_OUTSIDE, *_OURS, *_THERE_ALREADY, *_RULES, *_VAGUE)
"""The known errors; the first that fits decides."""
