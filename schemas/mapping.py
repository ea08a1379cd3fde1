"""Which fields of Scoro go where in Intacct: the tables behind the documentation and the source fingerprint.

A row names what is read (`sources`, by the names of `schemas.scoro`), where it goes, and by what rule. Rows that
only check (`counts=False`) are not part of the fingerprint: a change in them alone changes nothing in Intacct.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One rule of the mapping."""

    part: Literal["header", "line", "customer"]
    sources: tuple[str, ...]
    target: str
    rule: str
    counts: bool = True


INVOICE_MAPPING: tuple[MappingRow, ...] = (
    MappingRow("header", ("no",), "invoiceno", "as it is; refused when empty or with one of \" ' & < > # ?"),
    MappingRow("header", ("date",), "datecreated", "as it is"),
    MappingRow("header", ("deadline",), "datedue", "the invoice date when empty, with a note"),
    MappingRow(
        "header",
        ("company_id",),
        "customerid",
        "the linked customer; else one found by `matching.customer_key`; else made with an id from "
        "`matching.id_template`, where `matching.create_customers` is on",
    ),
    MappingRow("header", ("description",), "description", "on one line, cut at 1,000 characters with a note"),
    MappingRow("header", ("reference_no",), "ponumber", "as it is"),
    MappingRow(
        "header",
        ("person_id", "person_name"),
        "billto (create), payto (update)",
        "only if Intacct knows a contact of that name; else left out with a note",
    ),
    MappingRow(
        "header",
        ("currency", "currency_rate"),
        "currency, exchrate",
        "only when it is not the base currency; the currency must be active in Scoro, the rate above 0",
    ),
    MappingRow(
        "header",
        ("discount", "discount2", "discount3"),
        "lineitem",
        "one after the other, on every line but those of products without discounts; one negative line per tax "
        "rate on `accounts.discount`, else on the account of the largest discounted line with a note",
    ),
    MappingRow(
        "header",
        ("sum",),
        "lineitem",
        "what lines and discounts leave unexplained goes on a rounding line on `accounts.rounding` (else the "
        "largest line's account, with a note) if it is at most 0.01 per line; else the invoice is refused",
    ),
    MappingRow(
        "header",
        ("vat_sum",),
        "trx_tax of all lines",
        "shared out by rate, then by line, so that it adds up; refused where the lines explain another sum by more "
        "than 0.01 per line",
    ),
    MappingRow(
        "header",
        ("vat", "vat_code_id", "vat_code"),
        "taxentries",
        "the rate of all lines, where no line has one of its own",
    ),
    MappingRow("header", ("credited_invoices",), "-", "credit invoices are another document of Intacct"),
    MappingRow("header", ("project_name",), "memo", "placeholder {project} where the line has no project"),
    MappingRow(
        "header",
        ("custom_fields",),
        "departmentid, classid, projectid, ... or customfields GLDIM...",
        "the fields of `dimensions.fields` that `dimensions.invoices` sends, for lines without a value of their own",
    ),
    MappingRow("header", (), "action", "`defaults.invoice_status` for new invoices; an edit keeps draft or posted"),
    MappingRow("line", ("id",), "line_num (update)", "a line keeps its number; one removed in Scoro becomes 0.00"),
    MappingRow(
        "line",
        ("finance_account_id", "finance_account_symbol", "finance_account_name"),
        "glaccountno",
        "`accounts.map.{id}`; else the account of equal number; else the only one with that title",
    ),
    MappingRow("line", ("sum",), "amount", "two decimals, without VAT, before header discounts"),
    MappingRow(
        "line",
        ("price", "amount", "amount2", "discount"),
        "-",
        "checked: a note says so where they do not explain the line's sum",
        counts=False,
    ),
    MappingRow(
        "line",
        ("product_id", "product_name", "comment", "project_name"),
        "memo",
        "`memo.template`; a sub-heading is no line, its text opens the memos below it; a last one closes the last "
        "memo; cut at 1,000 characters with a note",
    ),
    MappingRow(
        "line",
        ("vat", "vat_code_id", "vat_code"),
        "taxentries",
        "`taxes.{id}`; else the tax detail of that rate with equal code or name; else the only active one for sales at "
        "that rate. Where Intacct has no tax solution: one line per rate on `accounts.tax_line`",
    ),
    MappingRow(
        "line",
        ("custom_fields",),
        "departmentid, classid, projectid, ... or customfields GLDIM...",
        "as for the header, and before it; unknown and inactive values are refused",
    ),
    MappingRow("line", (), "locationid", "`location`; else the entity, where the company has several"),
)
"""The mapping of invoices."""

CUSTOMER_MAPPING: tuple[MappingRow, ...] = (
    MappingRow("customer", ("contact_id",), "CUSTOMERID", "`matching.id_template`, at most 20 characters"),
    MappingRow("customer", ("name", "lastname"), "NAME, PRINTAS, COMPANYNAME", "cut at 100 characters with a note"),
    MappingRow("customer", ("name", "lastname", "contact_id"), "CONTACTNAME", "name and CUSTOMERID, so it is unique"),
    MappingRow("customer", ("id_code", "vatno"), "TAXID", "the one that `matching.customer_key` names first"),
    MappingRow("customer", ("emails",), "EMAIL1", "the first one, if it is an address; else left out with a note"),
    MappingRow(
        "customer",
        ("addresses",),
        "ADDRESS1, CITY, STATE, ZIP",
        "the first address: street, city, county, zip code; the country is not sent, as Scoro and Intacct spell it "
        "differently",
    ),
)
"""The mapping of the customers made for them."""


def fingerprint_fields(mapping: Sequence[MappingRow], part: Literal["header", "line"]) -> tuple[str, ...]:
    """Return the fields of a document's header or lines whose change is a change of the document in Intacct."""
    names = (name for row in mapping if row.part == part and row.counts for name in row.sources)
    return tuple(dict.fromkeys(names))


def mapping_document(sections: Mapping[str, Sequence[MappingRow]]) -> str:
    """Return the mapping as Markdown, for the documentation; `sections` holds the rows below each title."""
    lines = [
        "# Mapping\n",
        "What is read in Scoro, where it goes in Intacct, and by what rule. Generated from `schemas/mapping.py` by",
        "`scripts/mapping`; names in code type are fields of Scoro's API, elements of Intacct's, or settings.",
        "",
    ]
    for title, rows in sections.items():
        lines += [f"\n## {title}\n", "| Scoro | Intacct | Rule |", "| --- | --- | --- |"]
        for row in rows:
            sources = ", ".join(f"`{name}`" for name in row.sources) or "-"
            lines.append(f"| {sources} | {row.target} | {row.rule} |")
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"
