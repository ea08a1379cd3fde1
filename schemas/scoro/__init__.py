"""What is read from Scoro: records, the quirks of their values, the fingerprint of a document."""

from schemas.scoro.files import File, read_file
from schemas.scoro.projects import Project, read_project
from schemas.scoro.records import (
    Address,
    CompanyAccount,
    Contact,
    Document,
    DocumentLine,
    FinanceAccount,
    Invoice,
    Product,
    Reader,
    Record,
    Synced,
    VatCode,
    read_company_account,
    read_contact,
    read_finance_account,
    read_invoice,
    read_product,
    read_vat_code,
)
from schemas.scoro.source import source_fingerprint

__all__ = [
    "Address",
    "CompanyAccount",
    "Contact",
    "Document",
    "DocumentLine",
    "File",
    "FinanceAccount",
    "Invoice",
    "Product",
    "Project",
    "Reader",
    "Record",
    "Synced",
    "VatCode",
    "read_company_account",
    "read_contact",
    "read_file",
    "read_finance_account",
    "read_invoice",
    "read_product",
    "read_project",
    "read_vat_code",
    "source_fingerprint",
]
