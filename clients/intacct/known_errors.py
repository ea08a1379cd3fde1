"""The known errors of Intacct functions: one table, from what the gateway says to what a person reads.

The gateway's numbers are often generic, so an entry may match the number, the text or both. Sources: intacct-xml-api,
section 9.1; scoro-api, section 12.5. Causes and fixes may name `{number}`, `{customer}` and `{account}`; `{{` is a
brace.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.errors import ErrorClass
from schemas.intacct.results import GatewayErrorEntry

_SUPPORT_ID = re.compile(r"\s*\[\s*Support ID:[^\]]*\]", re.IGNORECASE)


def sentence(error: GatewayErrorEntry) -> str:
    """What an error says, with its remedy, without the support id."""
    return strip_support_id(f"{error.description2} {error.correction}".strip())


def strip_support_id(text: str) -> str:
    """A text without Intacct's `[Support ID: …]`, which differs each time."""
    return _SUPPORT_ID.sub("", text).strip()


@dataclass(frozen=True, slots=True)
class Entry:
    """One known error: `numbers` and `text` say which, the rest what to do; without one of them it does not matter.

    `culprits` are the names of the placeholders that cause it; equal culprits and codes are one failure.
    """

    error_class: ErrorClass
    code: str
    cause: str
    fix: str
    numbers: frozenset[str] = frozenset()
    text: re.Pattern[str] | None = None
    culprits: tuple[str, ...] = ()

    def match(self, error: GatewayErrorEntry) -> Mapping[str, str] | None:
        """The placeholders of an error that this entry knows, None for another error."""
        if self.numbers and error.errorno not in self.numbers:
            return None
        if self.text is None:
            return dict(error.placeholders)
        found = self.text.search(sentence(error))
        if found is None:
            return None
        return {**error.placeholders, **{name: text for name, text in found.groupdict().items() if text}}


def _entry(
    error_class: ErrorClass, code: str, cause: str, fix: str, *culprits: str, numbers: str = "", text: str = ""
) -> Entry:
    pattern = re.compile(text, re.IGNORECASE) if text else None
    return Entry(error_class, code, cause, fix, frozenset(numbers.split()), pattern, culprits)


_RIGHTS = "In Intacct give the Web Services user List, View, Add and Edit for this kind of record, then replay."
_SIGN_IN = "Check the user, password, company and sender of the connection, then resume it."

KNOWN_ERRORS: tuple[Entry, ...] = (
    # Not the document's fault.
    _entry(
        ErrorClass.THROTTLED,
        "throttled",
        "Intacct takes no more requests for a while.",
        "Nothing to do: sent again by itself.",
        numbers="429 GW-0010",
    ),
    _entry(
        ErrorClass.THROTTLED,
        "throttled",
        "Intacct takes no more requests for a while.",
        "Nothing to do: sent again by itself.",
        text=r"rate limit exceeded|too many requests",
    ),
    _entry(
        ErrorClass.UNAVAILABLE,
        "out_of_service",
        "Intacct is out of service for the moment.",
        "Nothing to do: sent again by itself.",
        text=r"temporarily off-?line|try again later",
    ),
    _entry(
        ErrorClass.BROKEN,
        "no_permission",
        "The Web Services user is not allowed to do this in Intacct.",
        _RIGHTS,
        text=(
            r"you (?:do not|don't) have permission|not authorized to|insufficient (?:rights|permission)"
            r"|Result status: Failure for Control ID"
        ),
    ),
    _entry(
        ErrorClass.BROKEN,
        "sign_in",
        "Intacct does not accept the sign-in.",
        _SIGN_IN,
        numbers="XL03000006 GW-0011 BL03000025",
    ),
    _entry(
        ErrorClass.BROKEN,
        "company_expired",
        "The Intacct company has expired.",
        "Renew the company with Sage, then resume the connection.",
        numbers="PL04000055",
    ),
    _entry(
        ErrorClass.DUPLICATE,
        "controlid_replayed",
        "Intacct says that it has run this very function before.",
        "Nothing to do: the document is looked up in Intacct and linked.",
        text=r"control ?id\b.*(?:already|duplicate|unique)|already (?:been )?executed",
    ),
    _entry(
        ErrorClass.BUG,
        "unreadable",
        "Intacct could not read the function that we sent.",
        "Report it together with the request that the failure shows.",
        numbers="XL03000003",
    ),
    _entry(
        ErrorClass.BUG,
        "unknown_object",
        "We asked Intacct for an object or a field that it does not have.",
        "Report it; if the field is a dimension or custom field of yours, correct its name in the settings.",
        "record",
        text=r"object definition '?(?P<record>[\w.]+)'? not found|invalid fields list",
    ),
    # It is there already.
    _entry(
        ErrorClass.DUPLICATE,
        "number_exists",
        "Intacct has a transaction with the number of {number} already.",
        "Nothing to do if it is the same document: it is looked up and linked; else change the number in Scoro.",
        numbers="BL03002185",
    ),
    _entry(
        ErrorClass.DUPLICATE,
        "record_exists",
        "Intacct has this already: {record} {value}.",
        "Nothing to do if it is the same: it is looked up and linked; else change the id in Scoro.",
        "value",
        numbers="BL34000061 PL05000104",
        text=r"another (?P<record>.+?) with the given value\(?s?\)? '?(?P<value>.+?)'? already exists",
    ),
    _entry(
        ErrorClass.DUPLICATE,
        "record_exists",
        "Intacct has this record already.",
        "Nothing to do if it is the same: it is looked up and linked; else change the id in Scoro.",
        numbers="BL34000061 PL05000104",
    ),
    _entry(
        ErrorClass.DUPLICATE,
        "number_exists",
        "Intacct has a transaction with the number of {number} already.",
        "Nothing to do if it is the same document: it is looked up and linked; else change the number in Scoro.",
        text=r"transaction with that (?:document )?number already exists|duplicate (?:invoice|bill|document) number",
    ),
    # Intacct's rules, of which Scoro's own help knows the first six (scoro-api, section 12.5).
    _entry(
        ErrorClass.REFUSED,
        "foreign_currency_off",
        "{number} is in a foreign currency, and Intacct does not do foreign currencies yet.",
        "Have an Intacct administrator enable multi-currency, then replay.",
        text=r"enable foreign-?currency transactions",
    ),
    _entry(
        ErrorClass.REFUSED,
        "project_of_other_customer",
        "The project {project} belongs to another customer than {customer} of {number}.",
        "Give the project in Intacct the customer of the document, or correct project or customer in Scoro.",
        "project",
        text=r"project dimension you selected,? (?:--)?(?P<project>.+?)(?:--)?,? is not related to your header-level",
    ),
    _entry(
        ErrorClass.DATA,
        "line_without_account",
        "Line {line} of {number} has no finance account.",
        "Choose a finance account on that line in Scoro.",
        text=r"enter an account number on line item (?P<line>\d+)",
    ),
    _entry(
        ErrorClass.REFUSED,
        "bank_account_on_line",
        "The account {account} belongs to the bank account {bank}, so no line may use it.",
        "Choose a proper income or expense account on the line in Scoro.",
        "account",
        text=r"account number (?P<account>\S+) is associated (?:to|with) the bank account (?P<bank>[^.;,]+)",
    ),
    _entry(
        ErrorClass.DATA,
        "tax_account_missing",
        "The default account for tax lines is missing or inactive in Intacct.",
        "Set `accounts.tax_line` of the connection to an active account.",
        text=r"default finance account for invoice tax (?:row|line).*(?:missing|inactive)",
    ),
    _entry(
        ErrorClass.DATA,
        "tax_detail",
        "A line of {number} has no tax detail that belongs to the entity's tax solution.",
        "Map the VAT code of the line to a tax detail of the tax solution (`taxes.{{vat_code_id}}`).",
        text=r"tax details? (?:are|is) either missing|belong to the tax solution",
    ),
    _entry(
        ErrorClass.REFUSED,
        "closed_period",
        "The period of {number} is closed in Intacct.",
        "Open the period in Intacct, change the date in Scoro, or set `closed_period` to `next_open`.",
        text=r"period\b.*\b(?:is|are|has been) closed|closed period|books are closed|(?<!due )date must be on or after",
    ),
    _entry(
        ErrorClass.REFUSED,
        "already_paid",
        "{number} is paid in Intacct, so it can no longer be changed there.",
        "Reverse the payment in Intacct and replay, or leave the document as it is.",
        text=r"already (?:been )?paid|is (?:fully |partially )?paid and can(?:'|no)t be|remove the extra line item",
    ),
    _entry(
        ErrorClass.DATA,
        "dimension_missing",
        "The account {account} wants a {dimension} on every line, and a line of {number} has none.",
        "Fill the {dimension} in Scoro, or set a default for it in the settings of the connection.",
        "account",
        "dimension",
        text=r"missing the (?P<dimension>[\w -]+?) dimension for the account (?P<account>\S+?)[.,]?(?:\s|$)",
    ),
    _entry(
        ErrorClass.DATA,
        "dimension_missing",
        "An account of {number} wants a dimension that a line does not have.",
        "Fill the dimension in Scoro, or set a default for it (for locations: `location`) in the settings.",
        "dimension",
        "required",
        text=(
            r"requires? an? (?P<dimension>location|department|project|customer|vendor|employee|item|class)\b"
            r"|account requires (?P<required>\w+) dimension"
        ),
    ),
    _entry(
        ErrorClass.REFUSED,
        "restricted",
        "A dimension value of {number} is not allowed with the account of its line.",
        "Change the account or the dimension in Scoro, or the restriction in Intacct.",
        "value",
        text=r"(?P<value>\S+) is restricted by GL account",
    ),
    _entry(
        ErrorClass.DATA,
        "invalid_reference",
        "Intacct does not know the {record} that {number} names, or it is inactive.",
        "Create or activate the {record} in Intacct, or correct it in Scoro.",
        "record",
        "value",
        text=(
            r"invalid (?P<record>employee|vendor|customer|job|department|project|location|class|item|account|term)\b"
            r"(?:[^'\"]*['\"](?P<value>[^'\"]+)['\"])?"
        ),
    ),
    _entry(
        ErrorClass.DATA,
        "not_found_in_intacct",
        "Intacct no longer has the {record} {value}.",
        "Restore it in Intacct, or unlink the document so that it is created again.",
        "record",
        "value",
        text=r"cannot find (?P<record>\w+) with key '?(?P<value>[^' ]+)",
    ),
    _entry(
        ErrorClass.DATA,
        "email",
        "Intacct does not accept the e-mail address of {customer}.",
        "Correct the e-mail address in Scoro.",
        text=r"illegal format for contactversion:.*e-?mail",
    ),
    _entry(
        ErrorClass.DATA,
        "number_missing",
        "{number} has no number, and Intacct does not give one by itself.",
        "Give the document a number in Scoro, or a numbering sequence in Intacct.",
        numbers="PL01000127 BL03002128",
    ),
    _entry(
        ErrorClass.UNAVAILABLE,
        "processing_error",
        "Intacct could not process the request and does not say why.",
        "Nothing to do: sent again by itself.",
        numbers="DL02000001",
    ),
)
"""The known errors; the first that fits decides."""
