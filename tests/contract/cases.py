"""The table of cases: documents as Scoro tells them, and the exact XML that they become.

Each case is written here; the XML stands in `cases/<name>.xml`, where it is read and compared. After a change that is
meant, `python -m tests.contract.cases` writes the files anew: look at the difference before it is committed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lxml import etree

from clients.intacct.render import render
from schemas.intacct.functions import Function
from schemas.scoro import read_contact, read_project
from schemas.settings import ConnectionSettings, set_key
from tests.unit.translation_books import (
    CONTEXT,
    PAYER,
    REFERENCE,
    SUPPLIER,
    WITHOUT_TAX_SOLUTION,
    bill,
    expense,
    expense_line,
    heading,
    invoice,
    line,
    settings,
    translate,
)
from workers.translation import Context, DocumentLink, Translation
from workers.translation import translate as translate_document
from workers.translation.attachments import PlannedFile, attachment_function, folder_function

FOLDER = Path(__file__).parent / "cases"

Record = dict[str, Any]
DEPARTMENT = {"dimensions.fields.DEPARTMENT": "c_department", "dimensions.invoices.DEPARTMENT": "true"}
FOR_BILLS = {
    "dimensions.fields.DEPARTMENT": "c_department",
    "dimensions.fields.REGION": "c_region",
    "dimensions.bills.DEPARTMENT": "true",
    "dimensions.bills.REGION": "true",
}
NEGATIVE, POSITIVE = {"accounts.ap_credit_sign": "negative"}, {"accounts.ap_credit_sign": "positive"}


@dataclass(frozen=True)
class Case:
    """A document, the settings that matter, and for an edit the document as it was posted before."""

    name: str
    module: str
    document: Record
    keys: dict[str, str] = field(default_factory=dict)
    before: Record | None = None
    without_tax_solution: bool = False
    new_party: Record | None = None
    state: str = "Posted"

    @property
    def path(self) -> Path:
        """Where its XML stands."""
        return FOLDER / f"{self.name}.xml"

    def functions(self) -> list[Function]:
        """What is sent for it: records that are made first, then the document."""
        context = self._context()
        if self.before is not None:
            made = translate(self.before, context, self.module)
            link = DocumentLink("77", made.number, made.line_numbers, self.state, made.function, made.function.object)
            context = replace(context, link=link)
        translation = translate(self.document, context, self.module)
        return [*_made(translation), translation.function]

    def xml(self) -> str:
        """Its functions as XML, indented."""
        return "".join(_pretty(render(str(place), f)) for place, f in enumerate(self.functions(), start=1))

    def _context(self) -> Context:
        chosen: ConnectionSettings = settings()
        for key, text in self.keys.items():
            chosen = set_key(chosen, key, text)
        context = replace(CONTEXT, settings=chosen)
        if self.without_tax_solution:
            context = replace(context, reference=WITHOUT_TAX_SOLUTION)
        if self.new_party is not None:
            contact = read_contact({"contact_id": SUPPLIER.scoro_id} | self.new_party)
            known = {ref: key for ref, key in context.known.items() if ref != SUPPLIER}
            context = replace(context, known=known, sources={SUPPLIER: contact})
        return context


@dataclass(frozen=True)
class ProjectCase(Case):
    """A project; its customer is known."""

    def functions(self) -> list[Function]:
        """What is sent for it."""
        context = Context(settings(), REFERENCE, known={PAYER: "C-1"})
        if self.before is not None:
            made = translate_document(read_project(self.before), context)
            context = replace(context, link=DocumentLink("77", "SCORO-P-2660", {}, previous=made.function))
        return [translate_document(read_project(self.document), context).function]


@dataclass(frozen=True)
class FilesCase(Case):
    """Files of a document (`document["files"]`), the first ones or later ones."""

    def functions(self) -> list[Function]:
        """What is sent for it."""
        files = [PlannedFile(**given) for given in self.document["files"]]
        folder = [] if self.before else [folder_function()]
        sent = attachment_function("SCORO-I-3998", self.document["name"], files, exists=self.before is not None)
        return [*folder, sent]


def _made(translation: Translation) -> Iterator[Function]:
    return (plan.function for plan in translation.plans if plan.function)


def _pretty(xml: bytes) -> str:
    root = etree.fromstring(xml)
    etree.indent(root)
    return etree.tostring(root, encoding="unicode") + "\n"


TWO_RATES = [line(), line(id=12, sum="40.00", price="40.00", amount="1", vat="5.000", vat_code_id="2", vat_code="S5")]
OWED = [line(sum="-100.00", amount="-2.000000")]
TWO_OWED = [*OWED, line(id=12, sum="-40.00", price="40.00", amount="-1", vat="5.000", vat_code_id="2")]

INVOICES = (
    Case("invoice_plain", "invoices", invoice(reference_no="RF18", description="Work in March")),
    Case(
        "invoice_discounts_of_two_rates",
        "invoices",
        invoice(lines=[heading(10, "March"), *TWO_RATES], discount="10", sum="126.00", vat_sum="19.80"),
    ),
    Case(
        "invoice_rounding",
        "invoices",
        invoice(lines=[line(), line(id=12), line(id=13)], sum="300.02", vat_sum="60.00"),
    ),
    Case(
        "invoice_zero_rate",
        "invoices",
        invoice(vat_sum="0.00", lines=[line(vat="0.000", vat_code_id="3", vat_code="S0")]),
    ),
    Case(
        "invoice_vat_of_the_document",
        "invoices",
        invoice(vat="20.000", vat_code_id="1", lines=[line(vat=None, vat_code_id=None, vat_code="")]),
    ),
    Case(
        "invoice_without_tax_solution",
        "invoices",
        invoice(lines=TWO_RATES, sum="140.00", vat_sum="22.00"),
        {"accounts.tax_line": "2200"},
        without_tax_solution=True,
    ),
    Case("invoice_foreign", "invoices", invoice(currency="EUR", currency_rate="0.857200")),
    Case(
        "invoice_dimensions",
        "invoices",
        invoice(
            custom_fields=[{"id": "c_department", "value": "Strategy"}, {"id": "c_region", "value": "North"}],
        ),
        {**DEPARTMENT, "dimensions.fields.REGION": "c_region", "dimensions.invoices.REGION": "true"},
    ),
    Case("invoice_draft", "invoices", invoice(person_name="Ann Lee"), {"defaults.invoice_status": "draft"}),
    Case(
        "invoice_edited",
        "invoices",
        invoice(lines=[line(id=12, sum="50.00"), line(id=13)], sum="150.00", vat_sum="30.00", person_name="Ann Lee"),
        before=invoice(lines=[line(), line(id=12)], sum="200.00", vat_sum="40.00", reference_no="RF18"),
    ),
)
CREDIT_INVOICES = (
    Case(
        "credit_invoice",
        "invoices",
        invoice(lines=OWED, sum="-100.00", vat_sum="-20.00", credited_invoices=[7], description="Too much"),
    ),
    Case("credit_invoice_written_without_a_sign", "invoices", invoice(credited_invoices=[7])),
    Case(
        "credit_invoice_of_nothing_discounted_and_foreign",
        "invoices",
        invoice(lines=TWO_OWED, discount="10", sum="-126.00", vat_sum="-19.80", currency="EUR", currency_rate="0.8572"),
    ),
    Case(
        "credit_invoice_edited",
        "invoices",
        invoice(lines=[OWED[0] | {"sum": "-60.00"}], sum="-60.00", vat_sum="-12.00", credited_invoices=[7]),
        before=invoice(lines=TWO_OWED, sum="-140.00", vat_sum="-22.00", credited_invoices=[7], description="Old"),
    ),
)
BILLS = (
    Case(
        "bill_plain",
        "bills",
        bill(no="B/77", reference_no="PO 12", description="March", recognition_date="2026-02-28"),
    ),
    Case("bill_of_a_new_vendor", "bills", bill(), new_party={"name": "New & Sons", "vatno": "GB 9", "is_supplier": 1}),
    Case("bill_discount", "bills", bill(lines=TWO_RATES, discount="10", sum="126.00", vat_sum="19.80")),
    Case(
        "bill_dimensions",
        "bills",
        bill(
            custom_fields=[{"id": "c_department", "value": "10"}],
            lines=[line(custom_fields=[{"id": "c_region", "value": "North"}])],
        ),
        FOR_BILLS,
    ),
    Case(
        "bill_foreign_draft", "bills", bill(currency="EUR", currency_rate="0.8572"), {"defaults.bill_status": "draft"}
    ),
    Case(
        "bill_reverse_charge",
        "bills",
        bill(vat_sum="0.00", lines=[line(vat="0.000", vat_code_id="3", vat_code="S0")]),
        {"taxes.3": "Input reversed"},
    ),
    Case(
        "bill_without_tax_solution",
        "bills",
        bill(lines=TWO_RATES, sum="140.00", vat_sum="22.00"),
        {"accounts.tax_line": "2200"},
        without_tax_solution=True,
    ),
    Case(
        "bill_edited",
        "bills",
        bill(lines=[line(sum="90.00"), line(id=12)], sum="190.00", vat_sum="38.00"),
        FOR_BILLS,
        before=bill(custom_fields=[{"id": "c_department", "value": "10"}], description="Old", reference_no="PO 12"),
    ),
    Case(
        "bill_edited_with_a_line_less",
        "bills",
        bill(lines=[line(id=12, sum="40.00")], sum="40.00", vat_sum="8.00"),
        before=bill(lines=[line(), line(id=12)], sum="200.00", vat_sum="40.00"),
        state="Draft",
    ),
)
CREDIT_BILLS = (
    Case("credit_bill", "bills", bill(lines=OWED, sum="-100.00", vat_sum="-20.00"), NEGATIVE),
    Case("credit_bill_positive", "bills", bill(lines=OWED, sum="-100.00", vat_sum="-20.00"), POSITIVE),
    Case(
        "credit_bill_discount_is_spread",
        "bills",
        bill(lines=TWO_OWED, discount="10", sum="-126.00", vat_sum="-19.80"),
        NEGATIVE,
    ),
    Case(
        "credit_bill_edited",
        "bills",
        bill(lines=[OWED[0] | {"sum": "-60.00"}], sum="-60.00", vat_sum="-12.00"),
        NEGATIVE,
        before=bill(lines=TWO_OWED, sum="-140.00", vat_sum="-22.00"),
    ),
)
EXPENSES = (
    Case("expense_of_a_company", "expenses", expense(comment="Hosting")),
    Case(
        "expense_of_a_new_person",
        "expenses",
        expense(company_id=0, person_id=SUPPLIER.scoro_id),
        new_party={"name": "Ada", "lastname": "Okafor", "contact_type": "person"},
    ),
    Case(
        "expense_given_back",
        "expenses",
        expense(lines=[expense_line(sum="-100.00", amount="-2")], sum="-100.00", tax_sum="-20.00"),
        NEGATIVE,
    ),
    Case(
        "expense_edited",
        "expenses",
        expense(lines=[expense_line(sum="70.00"), expense_line(id=12)], sum="170.00", tax_sum="34.00"),
        before=expense(),
    ),
)
PROJECT: Record = {
    "project_id": 2660,
    "no": "17",
    "project_name": "Website relaunch",
    "description": "For spring",
    "company_id": 342,
    "status": "inprogress",
    "date": "2026-01-15",
    "deadline": "2026-06-30",
}
PROJECTS = (
    ProjectCase("project", "projects", PROJECT),
    ProjectCase("project_of_nobody_without_an_end", "projects", PROJECT | {"company_id": 0, "deadline": "0000-00-00"}),
    ProjectCase("project_cancelled", "projects", PROJECT | {"status": "cancelled"}, before=PROJECT),
    ProjectCase(
        "project_edited",
        "projects",
        PROJECT | {"project_name": "Shop", "company_id": 0, "description": ""},
        before=PROJECT,
    ),
)
CONTRACT = {"file_id": 1, "name": "Contract", "type": "pdf", "bytes": 10, "digest": "aa"}
PHOTO = {"file_id": 2, "name": "Photo", "type": "png", "bytes": 20, "digest": "bb"}
FILES = (
    FilesCase("files_of_a_document", "files", {"name": "Invoice INV-1", "files": [CONTRACT, PHOTO]}),
    FilesCase("files_added_later", "files", {"name": "Invoice INV-1", "files": [PHOTO]}, before={}),
)
CASES = (*INVOICES, *CREDIT_INVOICES, *BILLS, *CREDIT_BILLS, *EXPENSES, *PROJECTS, *FILES)


def write() -> None:
    """Write the XML of every case anew."""
    for old in FOLDER.glob("*.xml"):
        old.unlink()
    for case in CASES:
        case.path.write_text(case.xml(), encoding="utf-8")


if __name__ == "__main__":
    write()
