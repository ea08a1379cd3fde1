"""The records of Scoro that are read, in the shape that the rest of the product works with.

Unknown fields are ignored, missing ones are absent. `read_invoice` and its siblings turn an answer of Scoro into a
record or raise a DocumentError that names the document, the field and its value.
"""

import datetime as dt
from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from schemas.errors import DocumentError, ErrorClass, Problem
from schemas.kinds import Kind
from schemas.money import Money
from schemas.scoro import values
from schemas.scoro.values import (
    CustomFields,
    Day,
    Emails,
    Flag,
    Id,
    Ids,
    Instant,
    Number,
    Quantity,
    Sum,
    Text,
    Total,
    Words,
)

HEADING_PRODUCT_ID = -1
"""The product id of sub-heading lines, which hold text only (scoro-api, section 8)."""
MAX_SHOWN_CHARACTERS = 80


class Record(BaseModel):
    """Any record of Scoro: frozen, and deaf to fields that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @classmethod
    def scoro_name(cls, attribute: str) -> str:
        """What Scoro calls a field that may have another name here."""
        alias = cls.model_fields[attribute].validation_alias
        return alias if isinstance(alias, str) else attribute


class DocumentLine(Record):
    """A line of a document; `sum` is without VAT, after the line's discount and before the header's."""

    id: Id = None
    product_id: Id = None
    product_name: Text = ""
    comment: Text = ""
    price: Quantity = Decimal(0)
    amount: Quantity = Decimal(0)
    amount2: Quantity = Decimal(0)
    discount: Quantity = Decimal(0)
    sum: Sum = Decimal(0)
    vat: Number = None
    vat_code_id: Id = None
    vat_code: Text = ""
    finance_account_id: Id = None
    finance_account_symbol: Text = ""
    finance_account_name: Text = ""
    project_id: Id = None
    project_name: Text = ""
    custom_fields: CustomFields = {}

    @property
    def is_heading(self) -> bool:
        """Whether the line is a sub-heading or comment, no position."""
        return self.product_id == HEADING_PRODUCT_ID and self.sum == 0


class Synced(Record):
    """What any record shares that is synced as a document of its own; `kind` may depend on what it says."""

    account_id: Text = ""
    custom_fields: CustomFields = {}
    created_date: Instant = None
    modified_date: Instant = None
    is_deleted: Flag = False

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """What it is in the ledger."""

    @property
    @abstractmethod
    def scoro_id(self) -> int:
        """Its id in Scoro's module."""

    @property
    @abstractmethod
    def number(self) -> str:
        """What people call it by."""

    @property
    def amount(self) -> Money | None:
        """Its total with VAT; None for what has none."""
        return None

    @property
    def day(self) -> dt.date | None:
        """The day that `start_date` is compared with."""
        return None

    @property
    def party_id(self) -> int | None:
        """The contact whose customer or vendor it is booked to."""
        return None

    @property
    def is_over(self) -> bool:
        """Whether nothing is to be booked on it any more."""
        return self.is_deleted

    @property
    def left_out(self) -> str:
        """Why it is never synced, whatever the settings; "" where it may be."""
        return ""

    def belongs_to(self, entity: str) -> bool:
        """Whether it is one of a Scoro entity."""
        return not self.account_id or self.account_id == entity

    @property
    def noun(self) -> str:
        """What messages call its kind."""
        return self.kind.noun

    @property
    def label(self) -> str:
        """How messages name it."""
        if self.number:
            return f"{self.noun.capitalize()} {self.number} (id {self.scoro_id} in Scoro)"
        return f"The {self.noun} with id {self.scoro_id} in Scoro"


class Document(Synced):
    """What invoices, bills and expenses share, in one shape; `sum` is the total without VAT, after all discounts.

    Rates and discounts in per cent. Fields of expenses that have other names in Scoro are known by the names here.
    """

    id: int = Field(gt=0)
    no: Text = ""
    company_id: Id = None
    company_name: Text = ""
    person_id: Id = None
    person_name: Text = ""
    project_id: Id = None
    project_name: Text = ""
    date: Day = None
    deadline: Day = None
    description: Text = ""
    reference_no: Text = ""
    currency: Text = ""
    currency_rate: Number = None
    discount: Quantity = Decimal(0)
    discount2: Quantity = Decimal(0)
    discount3: Quantity = Decimal(0)
    sum: Total
    vat_sum: Sum = Decimal(0)
    vat: Number = None
    vat_code_id: Id = None
    vat_code: Text = ""
    lines: Annotated[tuple[DocumentLine, ...], BeforeValidator(values.records)] = ()

    @property
    def scoro_id(self) -> int:
        """Its id in Scoro's module."""
        return self.id

    @property
    def number(self) -> str:
        """The document's number."""
        return self.no

    @property
    def day(self) -> dt.date | None:
        """The document's date."""
        return self.date

    @property
    def gross(self) -> Decimal:
        """The total with VAT."""
        return self.sum + self.vat_sum

    @property
    def amount(self) -> Money | None:
        """The total with VAT in the document's currency, which may be absent."""
        return Money(self.gross, self.currency)

    @property
    def discounts(self) -> tuple[Decimal, ...]:
        """The header discounts that are set, in the order in which they apply."""
        return tuple(percent for percent in (self.discount, self.discount2, self.discount3) if percent != 0)

    @property
    def party_id(self) -> int | None:
        """The contact whose customer or vendor the document is booked to: the company, else the person."""
        return self.company_id or self.person_id

    def project_of(self, line: DocumentLine) -> int | None:
        """The project of a line, else that of the header, which may say that each line has its own (-1)."""
        project_id = line.project_id or self.project_id
        return project_id if project_id and project_id > 0 else None

    @property
    def project_ids(self) -> tuple[int, ...]:
        """The projects of its lines, each once."""
        found = (self.project_of(line) for line in self.lines if not line.is_heading)
        return tuple(dict.fromkeys(project_id for project_id in found if project_id))


class Invoice(Document):
    """An invoice, or a credit invoice: Scoro keeps both in one module."""

    credited_invoices: Ids = ()
    prepayment_id: Ids = ()
    prepayment_sum: Sum = Decimal(0)
    payment_fee: Sum = Decimal(0)

    @property
    def kind(self) -> Kind:
        """A credit invoice names the invoices that it credits, or its total is negative (scoro-api, A1)."""
        return Kind.CREDIT_INVOICE if self.credited_invoices or self.sum < 0 else Kind.INVOICE


class Bill(Document):
    """A bill, or a credit bill; `recognition_date` is the day on which it counts in the books."""

    recognition_date: Day = None

    @property
    def kind(self) -> Kind:
        """Scoro has no marker of credit bills: their total is negative (scoro-api, A1)."""
        return Kind.CREDIT_BILL if self.sum < 0 else Kind.BILL


class ExpenseLine(DocumentLine):
    """A line of an expense, under the names of the other documents."""

    comment: Text = Field("", validation_alias="description")
    amount: Quantity = Field(Decimal(0), validation_alias="quantity")
    amount2: Quantity = Field(Decimal(0), validation_alias="additional_quantity")
    vat: Number = Field(None, validation_alias="tax_percentage")
    vat_code_id: Id = Field(None, validation_alias="tax_code_id")
    vat_code: Text = Field("", validation_alias="tax_code")


class Expense(Document):
    """An expense, under the names of the other documents."""

    deadline: Day = Field(None, validation_alias="due_date")
    recognition_date: Day = None
    description: Text = Field("", validation_alias="comment")
    vat_sum: Sum = Field(Decimal(0), validation_alias="tax_sum")
    vat: Number = Field(None, validation_alias="tax_percentage")
    vat_code_id: Id = Field(None, validation_alias="tax_code_id")
    vat_code: Text = Field("", validation_alias="tax_code")
    lines: Annotated[tuple[ExpenseLine, ...], BeforeValidator(values.records)] = ()

    @property
    def kind(self) -> Kind:
        """An expense, whatever its sign."""
        return Kind.EXPENSE


class Address(Record):
    """An address of a contact."""

    street: Text = ""
    city: Text = ""
    county: Text = ""
    municipality: Text = ""
    zipcode: Text = ""
    country: Text = ""


def _addresses(value: Any) -> list[Any]:
    return [item for item in values.records(value) if isinstance(item, Mapping)]


class Contact(Record):
    """A company or person; persons have a `lastname`."""

    contact_id: int = Field(gt=0)
    name: Text = ""
    lastname: Text = ""
    contact_type: Text = ""
    id_code: Text = ""
    vatno: Text = ""
    reference_no: Text = ""
    emails: Emails = Field((), validation_alias="means_of_contact")
    addresses: Annotated[tuple[Address, ...], BeforeValidator(_addresses)] = ()
    custom_fields: CustomFields = {}
    modified_date: Instant = None
    is_deleted: Flag = False

    @property
    def full_name(self) -> str:
        """The name as people write it."""
        return f"{self.name} {self.lastname}".strip()


class Product(Record):
    """A product; header discounts pass by those with `no_discounts`."""

    product_id: int = Field(gt=0)
    name: Text = ""
    no_discounts: Flag = False


class VatCode(Record):
    """A VAT code; `percent` in per cent."""

    vat_code_id: int = Field(gt=0)
    vat_code: Text = ""
    percent: Quantity = Decimal(0)
    vat_name: Text = ""
    is_sales: Flag = True
    is_purchases: Flag = True
    is_active: Flag = True


class FinanceAccount(Record):
    """A finance account."""

    id: int = Field(gt=0)
    account_symbol: Text = ""
    name: Text = ""
    is_active: Flag = True


class CompanyAccount(Record):
    """The business entity itself, with its currencies (ISO 4217)."""

    company_name: Text = ""
    base_currency: Text = ""
    active_currencies: Words = ()


R_co = TypeVar("R_co", bound=Record, covariant=True)


class Reader(Generic[R_co]):
    """Reads one kind of record; `word` and `number_field` are how messages name it."""

    def __init__(self, model: type[R_co], word: str, id_field: str, number_field: str) -> None:
        self._model, self._word, self._id_field, self._number_field = model, word, id_field, number_field

    def __call__(self, payload: Mapping[str, Any], *, zone: tzinfo = UTC) -> R_co:
        """Read a record; `zone` is the site's, for instants without an offset. Raises DocumentError."""
        try:
            return self._model.model_validate(payload, context={"zone": zone})
        except ValidationError as error:
            raise DocumentError(self._problem(payload, error)) from error

    def _problem(self, payload: Any, error: ValidationError) -> Problem:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or self._word
        value = repr(first["input"])
        shown = value if len(value) <= MAX_SHOWN_CHARACTERS else f"{value[:MAX_SHOWN_CHARACTERS]}..."
        empty = first["type"] == "missing" or first["input"] is None
        reason = "is empty" if empty else f"holds {shown}, which {_reason(first)}"
        return Problem(
            ErrorClass.DATA,
            "unreadable_field",
            f"{self._name(payload)} cannot be read: its field {place} {reason}.",
            f"Correct {place} in Scoro and save the {self._word}, which sends it again.",
            place,
            (place, shown),
        )

    def _name(self, payload: Any) -> str:
        held = payload if isinstance(payload, Mapping) else {}
        known = [str(held[name]) for name in (self._number_field, self._id_field) if held.get(name)]
        return f"The {self._word} {' / '.join(known)}".strip()


def _reason(error: Any) -> str:
    if error["type"] in {"value_error", "assertion_error"}:
        return str(error["msg"]).removeprefix("Value error, ")
    known = {"greater_than": "is not an id", "int_parsing": "is not an id", "int_type": "is not an id"}
    known |= {"model_type": "is not a record", "model_attributes_type": "is not a record"}
    return known.get(str(error["type"]), f"is not understood ({error['msg']})")


read_invoice = Reader(Invoice, "invoice", "id", "no")
read_bill = Reader(Bill, "bill", "id", "no")
read_expense = Reader(Expense, "expense", "id", "no")
read_contact = Reader(Contact, "contact", "contact_id", "name")
read_product = Reader(Product, "product", "product_id", "name")
read_vat_code = Reader(VatCode, "VAT code", "vat_code_id", "vat_code")
read_finance_account = Reader(FinanceAccount, "finance account", "id", "account_symbol")
read_company_account = Reader(CompanyAccount, "company account", "company_name", "company_name")
