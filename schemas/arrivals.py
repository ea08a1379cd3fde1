"""Which fields of Scoro what comes from Intacct is written to: the table behind the documentation.

`workers.translation.arriving` and `workers.inbound` map them; a test holds what they write against these rows.
"""

from schemas.mapping import MappingRow, MappingSection

BILL_ARRIVAL: tuple[MappingRow, ...] = (
    MappingRow("header", ("no",), "RECORDID", "DOCNUMBER or RECORDNO where it is empty"),
    MappingRow(
        "header",
        ("company_id",),
        "VENDORID",
        "the linked contact; else the one found by `matching.vendor_key`, or the only one of its name; else made",
    ),
    MappingRow("header", ("date",), "WHENCREATED", "as it is; refused where it is missing"),
    MappingRow("header", ("deadline",), "WHENDUE", "the date, with a note, where it is missing"),
    MappingRow("header", ("reference_no",), "DOCNUMBER", "as it is"),
    MappingRow("header", ("description",), "DESCRIPTION", "as it is"),
    MappingRow(
        "header", ("currency",), "CURRENCY", "the base currency where it is empty; refused where it has no two decimals"
    ),
    MappingRow("header", ("currency_rate",), "EXCHANGE_RATE", "only when it is not the base currency"),
    MappingRow(
        "header",
        ("lines",),
        "TRX_TOTALENTERED",
        "what Scoro makes of lines and VAT must be this total: a residue of at most a cent per line becomes a line on "
        "`accounts.rounding` (else the account of the largest line), a larger one refuses the bill",
    ),
    MappingRow("line", ("id",), "RECORDNO", "a line that stands in Scoro keeps its id"),
    MappingRow("line", ("comment",), "ENTRYDESCRIPTION", "as it is"),
    MappingRow("line", ("price", "amount"), "TRX_AMOUNT", "the amount without tax, times 1"),
    MappingRow(
        "line",
        ("finance_account_id",),
        "ACCOUNTNO",
        "the account that `accounts.map` maps to it; else that of equal symbol; else the only one of equal name",
    ),
    MappingRow(
        "line",
        ("vat_code_id", "vat"),
        "tax rows",
        "the VAT code that makes this tax: of several at that rate the one that `taxes` maps to a detail for "
        "purchases, else the one called like such a detail, else the only one; none where nothing is taxed and no "
        "single code says so",
    ),
    MappingRow(
        "line",
        ("custom_fields",),
        "DEPARTMENTID, CLASSID, ...",
        "the fields of `dimensions.fields` that `dimensions.bills` names; the value's name",
    ),
)
"""A bill of Intacct in Scoro."""

RECEIPT_ARRIVAL: tuple[MappingRow, ...] = (
    MappingRow("header", ("date",), "RECEIPTDATE", "WHENCREATED, else the detail's PAYMENTDATE"),
    MappingRow("header", ("contact_id",), "-", "the contact of the document that is paid"),
    MappingRow(
        "header",
        ("currency",),
        "CURRENCY",
        "of the detail; refused where the document has another one, or it has no two decimals",
    ),
    MappingRow("header", ("sales_doc_type",), "RECORDKEY", "invoices, bills or expenses, by the document that is paid"),
    MappingRow(
        "header",
        ("receipt_account_id",),
        "FINANCIALENTITY",
        "`accounts.payment_bank`; else the account of that name or id; else the only one",
    ),
    MappingRow("line", ("invoice_id",), "RECORDKEY, POSADJKEY, ADJUSTMENTKEY", "the linked document"),
    MappingRow("line", ("date",), "RECEIPTDATE", "as the group's"),
    MappingRow(
        "line",
        ("sum",),
        "TRX_PAYMENTAMOUNT, TRX_ADJUSTMENTAMOUNT",
        "what all details of the payment pay of the document, in money and by credits; of a credit what is used of it, "
        "negative",
    ),
)
"""A payment of Intacct as a receipt group of Scoro."""

SUPPLIER_ARRIVAL: tuple[MappingRow, ...] = (
    MappingRow("header", ("name",), "NAME", "VENDORNAME of the bill, else VENDORID, where the vendor is not known"),
    MappingRow("header", ("id_code", "vatno"), "TAXID", "`vatno` where `matching.vendor_key` says so, else `id_code`"),
    MappingRow("header", ("reference_no",), "VENDORID", "where `matching.vendor_key` is `reference_no`"),
    MappingRow("header", ("contact_type", "is_supplier"), "-", "a company that is a supplier"),
)
"""A vendor of Intacct that Scoro does not know."""


def _section(title: str, rows: tuple[MappingRow, ...], part: str) -> MappingSection:
    return MappingSection(title, ("Intacct",), [row for row in rows if row.part == part])


ARRIVALS: tuple[MappingSection, ...] = (
    _section("Bills of Intacct: header", BILL_ARRIVAL, "header"),
    _section("Bills of Intacct: lines", BILL_ARRIVAL, "line"),
    _section("Suppliers from Intacct", SUPPLIER_ARRIVAL, "header"),
    _section("Payments of Intacct: receipt group", RECEIPT_ARRIVAL, "header"),
    _section("Payments of Intacct: receipts", RECEIPT_ARRIVAL, "line"),
)
"""The sections of the page."""


def written_fields(rows: tuple[MappingRow, ...], part: str) -> frozenset[str]:
    """The fields of Scoro that rows name."""
    return frozenset(name for row in rows if row.part == part for name in row.sources)
