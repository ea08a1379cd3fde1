"""Which fields of Scoro go where in Intacct: the tables behind the documentation and the source fingerprint.

A row names what is read (`sources`, by the names of Scoro's API), where it goes in a document and in the credit
document of the same module, and by what rule. Rows that only check (`counts=False`) are not part of the fingerprint:
a change in them alone changes nothing in Intacct.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

NO_PLACE = "-"


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One rule of the mapping; `credit_target` is `target` where it is not given."""

    part: Literal["header", "line", "party"]
    sources: tuple[str, ...]
    target: str
    rule: str
    counts: bool = True
    credit_target: str | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """How lines name things in Intacct."""

    account: str
    amount: str
    memo: str
    location: str
    project: str
    dimensions: str
    taxes: str
    tax: str
    number: str


_LEGACY = _Line(
    "glaccountno",
    "amount",
    "memo",
    "locationid",
    "projectid",
    "departmentid, classid, ...; customfields GLDIM...",
    "taxentries",
    "trx_tax",
    "line_num (update)",
)
_GENERIC = _Line(
    "ACCOUNTNO",
    "TRX_AMOUNT",
    "ENTRYDESCRIPTION",
    "LOCATIONID",
    "PROJECTID",
    "DEPARTMENTID, CLASSID, ...; GLDIM...",
    "TAXENTRIES",
    "TRX_TAX",
    "LINE_NO (update)",
)


def _lines(names: _Line, *, discounts: bool, toggle: str, kept: str) -> tuple[MappingRow, ...]:
    """The rows that lines of all documents share; their credit documents are legacy functions."""
    credit = _LEGACY
    rows = [
        MappingRow("line", ("id",), names.number, kept, credit_target=credit.number),
        MappingRow(
            "line",
            ("finance_account_id", "finance_account_symbol", "finance_account_name"),
            names.account,
            "`accounts.map.{id}`; else the account of equal number; else the only one with that title",
            credit_target=credit.account,
        ),
        MappingRow(
            "line",
            ("sum",),
            names.amount,
            "two decimals, without VAT, before header discounts; negative in credits, for AP adjustments with the sign "
            "of `accounts.ap_credit_sign`",
            credit_target=credit.amount,
        ),
        MappingRow(
            "line",
            ("project_id",),
            names.project,
            "the project of the line, else of the header: the linked one, else one found by number or by its only "
            "name, else made; that of an invoice must belong to the payer. Left out with a note where `data.projects` "
            "leaves it out or it is cancelled",
            credit_target=credit.project,
        ),
        MappingRow(
            "header",
            ("project_id",),
            names.project,
            "for lines without one; -1: each line has its own",
            credit_target=credit.project,
        ),
        MappingRow(
            "line",
            (),
            names.location,
            "`location`; else the entity, where the company has several",
            credit_target=credit.location,
        ),
        MappingRow(
            "line",
            ("custom_fields",),
            names.dimensions,
            "as for the header, and before it; unknown and inactive values are refused",
            credit_target=credit.dimensions,
        ),
    ]
    if discounts:
        rows.append(
            MappingRow(
                "header",
                ("discount", "discount2", "discount3"),
                "a line",
                "one after the other, or as their sum if that explains the total, on every line but those of products "
                "without discounts; one negative line per tax rate on `accounts.discount`, else on the account of the "
                "largest discounted line with a note; in AP adjustments spread over the lines, as those must have one "
                "sign",
            )
        )
    rows.append(
        MappingRow(
            "header",
            ("custom_fields",),
            names.dimensions,
            f"the fields of `dimensions.fields` that `dimensions.{toggle}` sends, for lines without a value of their "
            "own, by id or name",
            credit_target=credit.dimensions,
        )
    )
    return tuple(rows)


def _money(names: _Line, *, vat: tuple[str, str, str], vat_sum: str, type_: str) -> tuple[MappingRow, ...]:
    """The rows of totals and VAT that all documents share."""
    credit = _LEGACY
    percent, code_id, code = vat
    return (
        MappingRow(
            "header",
            ("currency", "currency_rate"),
            "CURRENCY, EXCHANGE_RATE" if names is _GENERIC else "currency, exchrate",
            "only when it is not the base currency; the currency must be active in Scoro, have two decimals, and the "
            "rate be above 0",
            credit_target="currency, exchrate",
        ),
        MappingRow(
            "header",
            ("sum",),
            "a line",
            "what lines and discounts leave unexplained goes on a rounding line on `accounts.rounding` (else the "
            "largest line's account, with a note) if it is at most 0.01 per line; else the document is refused",
        ),
        MappingRow(
            "header",
            (vat_sum,),
            f"{names.tax} of all lines",
            "shared out by rate, then by line, so that it adds up; refused where the lines explain another sum by more "
            "than 0.01 per line",
            credit_target=f"{credit.tax} of all lines",
        ),
        MappingRow(
            "header",
            (percent, code_id, code),
            names.taxes,
            "the rate of all lines, where no line has one of its own",
            credit_target=credit.taxes,
        ),
        MappingRow(
            "line",
            (percent, code_id, code),
            names.taxes,
            "`taxes.{id}`; else the tax detail of that rate with equal code or name; else the only active one for "
            f"{type_} at that rate; of a reverse-charged one Intacct works out the tax itself. Where Intacct has no "
            "tax solution: one line per rate on `accounts.tax_line`",
            credit_target=credit.taxes,
        ),
    )


_NUMBER_RULE = "as it is; refused when empty or with one of \" ' & < > # ?"
_TEXT_RULE = "on one line, cut at 1,000 characters with a note"
_MEMO_RULE = (
    "`memo.template`; a sub-heading is no line, its text opens the memos below it; a last one closes the last memo; "
    "cut at 1,000 characters with a note"
)
_ZEROED = "a line keeps its number; one removed in Scoro becomes 0.00"


def _party_rule(role: str) -> str:
    return (
        f"the linked {role}; else one found by `matching.{role}_key`; else the only one of its name, unless the key"
        " tells the two apart; else made with an id from `matching.id_template`, where"
        f" `matching.create_{role}s` is on; the company, or the person where there is none"
    )


INVOICE_MAPPING: tuple[MappingRow, ...] = (
    MappingRow("header", ("no",), "invoiceno", _NUMBER_RULE, credit_target="adjustmentno"),
    MappingRow("header", ("date",), "datecreated", "as it is"),
    MappingRow("header", ("deadline",), "datedue", "the date of issue when empty", credit_target=NO_PLACE),
    MappingRow("header", ("company_id",), "customerid", _party_rule("customer")),
    MappingRow("header", ("description",), "description", _TEXT_RULE),
    MappingRow(
        "header",
        ("reference_no",),
        "ponumber",
        "as it is; a credit invoice has no place for it, a note says so",
        credit_target=NO_PLACE,
    ),
    MappingRow(
        "header",
        ("person_id", "person_name"),
        "billto (create), payto (update)",
        "only if Intacct knows a contact of that name; else left out with a note, and emptied where it was another one",
        credit_target=NO_PLACE,
    ),
    MappingRow(
        "header",
        ("credited_invoices",),
        NO_PLACE,
        "makes it a credit invoice, as does a negative total; the first one's number is named, and the credit is "
        "applied to what is open of them once it and they stand in Intacct",
        credit_target="invoiceno; `apply_arpayment`",
    ),
    *_money(_LEGACY, vat=("vat", "vat_code_id", "vat_code"), vat_sum="vat_sum", type_="sales"),
    MappingRow("header", ("project_name",), "memo", "placeholder {project} where the line has no project"),
    MappingRow("header", (), "action", "`defaults.invoice_status` for new ones; an edit keeps draft or posted"),
    *_lines(_LEGACY, discounts=True, toggle="invoices", kept=_ZEROED),
    MappingRow(
        "line",
        ("price", "amount", "amount2", "discount"),
        NO_PLACE,
        "checked: a note says so where they do not explain the line's sum",
        counts=False,
    ),
    MappingRow("line", ("product_id", "product_name", "comment", "project_name"), "memo", _MEMO_RULE),
    MappingRow(
        "header",
        ("prepayment_id", "prepayment_sum", "payment_fee"),
        NO_PLACE,
        "no part of the total: a prepayment and a payment fee are named in a note, to be booked in Intacct by hand",
        counts=False,
    ),
)
"""The mapping of invoices and credit invoices."""

_BILL_HEADER: tuple[MappingRow, ...] = (
    MappingRow(
        "header",
        ("no",),
        "RECORDID",
        f"the supplier's number {_NUMBER_RULE}; equal numbers of two suppliers are two bills",
        credit_target="adjustmentno",
    ),
    MappingRow("header", ("date",), "WHENCREATED", "as it is", credit_target="datecreated"),
    MappingRow(
        "header",
        ("recognition_date",),
        "WHENPOSTED",
        "the day of the general ledger, where it is another than the date; the date again once it is not",
        credit_target="dateposted",
    ),
    MappingRow("header", ("company_id", "person_id"), "VENDORID", _party_rule("vendor"), credit_target="vendorid"),
    MappingRow(
        "header",
        (),
        "ACTION",
        "`defaults.bill_status` for new ones; an edit keeps draft or posted",
        credit_target="action",
    ),
)
_FULL_SET = (
    "a line keeps its number; where one is removed in Scoro all are written anew (in adjustments it becomes 0.00)"
)

BILL_MAPPING: tuple[MappingRow, ...] = (
    *_BILL_HEADER,
    MappingRow("header", ("deadline",), "WHENDUE", "the date of issue when empty", credit_target=NO_PLACE),
    MappingRow("header", ("description",), "DESCRIPTION", _TEXT_RULE, credit_target="description"),
    MappingRow(
        "header",
        ("reference_no",),
        "DOCNUMBER",
        "as it is; a credit bill has no place for it, a note says so",
        credit_target=NO_PLACE,
    ),
    *_money(_GENERIC, vat=("vat", "vat_code_id", "vat_code"), vat_sum="vat_sum", type_="purchases"),
    MappingRow(
        "header", ("project_name",), "ENTRYDESCRIPTION", "placeholder {project} of lines without", credit_target="memo"
    ),
    *_lines(_GENERIC, discounts=True, toggle="bills", kept=_FULL_SET),
    MappingRow(
        "line",
        ("price", "amount", "discount"),
        NO_PLACE,
        "checked: a note says so where they do not explain the line's sum",
        counts=False,
    ),
    MappingRow(
        "line",
        ("product_id", "product_name", "comment", "project_name"),
        "ENTRYDESCRIPTION",
        _MEMO_RULE,
        credit_target="memo",
    ),
)
"""The mapping of bills and credit bills; a credit bill is one with a negative total."""

EXPENSE_MAPPING: tuple[MappingRow, ...] = (
    *_BILL_HEADER,
    MappingRow("header", ("due_date",), "WHENDUE", "the date when empty", credit_target=NO_PLACE),
    MappingRow("header", ("comment",), "DESCRIPTION", _TEXT_RULE, credit_target="description"),
    *_money(_GENERIC, vat=("tax_percentage", "tax_code_id", "tax_code"), vat_sum="tax_sum", type_="purchases"),
    MappingRow(
        "header", ("project_name",), "ENTRYDESCRIPTION", "placeholder {project} of lines without", credit_target="memo"
    ),
    *_lines(_GENERIC, discounts=False, toggle="bills", kept=_FULL_SET),
    MappingRow(
        "line",
        ("price", "quantity", "additional_quantity"),
        NO_PLACE,
        "checked: a note says so where they do not explain the line's sum",
        counts=False,
    ),
    MappingRow(
        "line",
        ("product_id", "product_name", "description", "project_name"),
        "ENTRYDESCRIPTION",
        _MEMO_RULE,
        credit_target="memo",
    ),
)
"""The mapping of expenses; one with a negative total becomes an AP adjustment."""

PROJECT_MAPPING: tuple[MappingRow, ...] = (
    MappingRow(
        "header",
        ("no",),
        "PROJECTID",
        "the linked project; else the one with this number as PROJECTID, else the only active one with its name, "
        "unless it is another customer's; else made as SCORO-P-{project_id}",
    ),
    MappingRow("header", ("project_name",), "NAME", "cut at 100 characters with a note"),
    MappingRow("header", ("description",), "DESCRIPTION", _TEXT_RULE),
    MappingRow("header", ("company_id",), "CUSTOMERID", _party_rule("customer")),
    MappingRow("header", ("date",), "BEGINDATE", "as it is"),
    MappingRow("header", ("deadline",), "ENDDATE", "as it is; left out with a note where it lies before the start"),
    MappingRow(
        "header",
        ("status", "is_deleted"),
        "STATUS",
        "inactive when cancelled, and when deleted unless `data.projects.on_delete` is hold; else active",
    ),
    MappingRow("header", (), "PROJECTCATEGORY", "Contract, for new projects"),
    MappingRow("header", (), "LOCATIONID", "`location`; else the entity, where the company has several"),
    MappingRow(
        "header",
        ("account_id", "project_accounts", "is_personal", "is_private"),
        NO_PLACE,
        "personal and private projects, and those of other entities that do not share them, are left alone",
        counts=False,
    ),
)
"""The mapping of projects."""

FILE_MAPPING: tuple[MappingRow, ...] = (
    MappingRow(
        "header",
        ("file_name",),
        "attachmentname, attachmenttype",
        "the name without its ending, numbered where another file of the record has it; the ending, else what the "
        "first bytes say; refused where neither tells a type or `data.files.types` does not list it",
    ),
    MappingRow(
        "header", ("file_size",), NO_PLACE, "refused when 0 or above `data.files.max_bytes`, before a byte is read"
    ),
    MappingRow(
        "header",
        ("relations",),
        "supdocid, supdocname, supdocfoldername",
        "a record `SCORO-I-{id}`, `SCORO-B-{id}` or `SCORO-E-{id}` in the folder Scoro for each invoice, bill or "
        "expense, named by that document; adjustments have no place for it: files of credits are skipped with a note",
    ),
    MappingRow("header", ("is_private",), NO_PLACE, "private files are skipped"),
    MappingRow("header", (), "attachmentdata", "the contents, in Base64"),
)
"""The mapping of files."""

PARTY_MAPPING: tuple[MappingRow, ...] = (
    MappingRow("party", ("contact_id",), "CUSTOMERID, VENDORID", "`matching.id_template`, at most 20 characters"),
    MappingRow("party", ("name", "lastname"), "NAME, PRINTAS, COMPANYNAME", "cut at 100 characters with a note"),
    MappingRow("party", ("name", "lastname", "contact_id"), "CONTACTNAME", "name and id in Intacct, so it is unique"),
    MappingRow(
        "party",
        ("id_code", "vatno"),
        "TAXID",
        "the one that `matching.customer_key` or `matching.vendor_key` names first",
    ),
    MappingRow("party", ("emails",), "EMAIL1", "the first one, if it is an address; else left out with a note"),
    MappingRow(
        "party",
        ("addresses",),
        "ADDRESS1, CITY, STATE, ZIP",
        "the first address: street, city, county, zip code; the country is not sent, as Scoro and Intacct spell it "
        "differently",
    ),
)
"""The mapping of the customers and vendors made for documents."""


def fingerprint_fields(mapping: Sequence[MappingRow], part: Literal["header", "line"]) -> tuple[str, ...]:
    """Return the fields of a document's header or lines whose change is a change of the document in Intacct."""
    names = (name for row in mapping if row.part == part and row.counts for name in row.sources)
    return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class MappingSection:
    """A table of the documentation; `columns` name the documents, one or two."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[MappingRow]


def mapping_document(sections: Sequence[MappingSection]) -> str:
    """Return the mapping as Markdown, for the documentation."""
    lines = [
        "# Mapping\n",
        "What is read in Scoro, where it goes in Intacct, and by what rule. Generated from `schemas/mapping.py` by",
        "`scripts/mapping`; names in code type are fields of Scoro's API, elements of Intacct's, or settings.",
        "",
    ]
    for section in sections:
        header = ("Scoro", *section.columns, "Rule")
        lines += [f"\n## {section.title}\n", f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
        for row in section.rows:
            sources = ", ".join(f"`{name}`" for name in row.sources) or NO_PLACE
            targets = (row.target, row.target if row.credit_target is None else row.credit_target)
            lines.append(f"| {' | '.join((sources, *targets[: len(section.columns)], row.rule))} |")
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"
