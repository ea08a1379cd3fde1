"""The books that both stand-ins are born with: credentials, accounts, tax rates, currencies, dimensions.

One company of the sandbox exists twice, once in Scoro and once in Intacct. What both must agree on
(symbols of accounts, VAT percentages, names of dimension values) stands here once; each stand-in turns
it into records of its own shape. Money rates are Decimal, percentages too.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

# -- Scoro -----------------------------------------------------------------------------------------
SCORO_API_KEY = "ScoroAPI_sandbox"
SCORO_ENTITY = "sandbox"
SCORO_USER = ("admin", "sandbox")

# -- Intacct ---------------------------------------------------------------------------------------
SENDER_ID = "sandbox-sender"
SENDER_PASSWORD = "sandbox-sender-password"  # noqa: S105 (printed for everybody)
COMPANY_ID = "SANDBOX"
USER_ID = "scoro_sync"
USER_PASSWORD = "sandbox-password"  # noqa: S105
ENTITIES = {"UK": "GBP", "EE": "EUR"}
"""Entity id -> its base currency."""
ENTITY_ID = "UK"
TAX_SOLUTION = "United Kingdom - VAT"

# -- Both ------------------------------------------------------------------------------------------
BASE_CURRENCY = "GBP"
CURRENCIES = {"GBP": Decimal(1), "EUR": Decimal("0.857200"), "USD": Decimal("0.789500")}
"""Currency -> how many GBP one unit of it is."""

AccountKind = Literal["sales", "purchases", "tax", "bank"]


@dataclass(frozen=True)
class Account:
    """One account of the chart: `symbol` in Scoro is `ACCOUNTNO` in Intacct; `inactive` there only."""

    symbol: str
    title: str
    kind: AccountKind
    active: bool = True


ACCOUNTS = (
    Account("4000", "Consulting", "sales"),
    Account("4010", "Design", "sales"),
    Account("4020", "Support", "sales"),
    Account("4030", "Licences", "sales"),
    Account("4100", "Travel recharged", "sales"),
    Account("4910", "Rounding", "sales"),
    Account("4920", "Discounts given", "sales"),
    Account("2200", "VAT on sales", "tax"),
    Account("2210", "VAT on purchases", "tax"),
    Account("1000", "Bank current account", "bank"),
    Account("6000", "Subcontractors", "purchases"),
    Account("6010", "Software and hosting", "purchases"),
    Account("6020", "Travel", "purchases"),
    Account("6030", "Office costs", "purchases"),
    Account("9999", "Old suspense account", "sales", active=False),
)


@dataclass(frozen=True)
class TaxDetail:
    """A tax detail of Intacct; `rate` in per cent."""

    detail_id: str
    rate: Decimal
    type: Literal["Sale", "Purchase"]


TAX_DETAILS = (
    TaxDetail("UK Sale Goods Standard Rate", Decimal(20), "Sale"),
    TaxDetail("UK Sale Goods Reduced Rate", Decimal(5), "Sale"),
    TaxDetail("UK Sale Goods Zero Rate", Decimal(0), "Sale"),
    TaxDetail("UK Purchase Goods Standard Rate", Decimal(20), "Purchase"),
    TaxDetail("UK Purchase Goods Reduced Rate", Decimal(5), "Purchase"),
    TaxDetail("UK Purchase Goods Zero Rate", Decimal(0), "Purchase"),
)


@dataclass(frozen=True)
class VatCode:
    """A VAT code of Scoro; `percent` in per cent."""

    vat_code_id: int
    vat_code: str
    percent: Decimal
    vat_name: str


VAT_CODES = (
    VatCode(1, "S20", Decimal(20), "Standard rate 20%"),
    VatCode(2, "S5", Decimal(5), "Reduced rate 5%"),
    VatCode(3, "S0", Decimal(0), "Zero rate 0%"),
    VatCode(4, "X17.5", Decimal("17.5"), "Old standard rate 17.5%"),
)
UNKNOWN_VAT_CODE_ID = 4
"""Has no counterpart among the tax details."""


@dataclass(frozen=True)
class Product:
    """What an invoice line sells; header discounts pass an exempt one by."""

    product_id: int
    code: str
    name: str
    unit: str
    vat_code_id: int
    account_symbol: str
    exempt_from_discounts: bool = False


PRODUCTS = (
    Product(1, "CONS", "Consulting day", "day", 1, "4000"),
    Product(2, "DSGN", "Design hour", "h", 1, "4010"),
    Product(3, "SUPP", "Support hour", "h", 1, "4020"),
    Product(4, "LICN", "Licence, resold", "pc", 1, "4030", exempt_from_discounts=True),
    Product(5, "TRVL", "Travel at cost", "pc", 3, "4100", exempt_from_discounts=True),
    Product(6, "WORK", "Workshop, reduced rate", "pc", 2, "4000"),
)
SCORO_ACCOUNT_IDS = {account.symbol: number for number, account in enumerate(ACCOUNTS, start=1)}
"""Symbol of an account -> its id in Scoro."""


@dataclass(frozen=True)
class DimensionValue:
    """A value of a dimension: its id in Intacct, the name that Scoro shows, and whether Intacct takes it."""

    id: str
    name: str
    active: bool = True


DEPARTMENTS = (
    DimensionValue("10", "Strategy"),
    DimensionValue("20", "Delivery"),
    DimensionValue("30", "Managed services"),
    DimensionValue("90", "Closed office", active=False),
)
CLASSES = (
    DimensionValue("RET", "Retainer"),
    DimensionValue("TM", "Time and materials"),
    DimensionValue("FIX", "Fixed price"),
    DimensionValue("OLD", "Old business", active=False),
)
PROJECTS = (
    DimensionValue("P-1001", "Website relaunch"),
    DimensionValue("P-1002", "Data platform"),
    DimensionValue("P-1003", "Service desk"),
    DimensionValue("P-1099", "Abandoned pilot", active=False),
)
SCORO_PROJECT_IDS = {project.id: number for number, project in enumerate(PROJECTS, start=1)}
"""Id of a project -> its id in Scoro."""
DIMENSION_FIELDS = {"DEPARTMENT": "c_department", "CLASS": "c_class"}
"""Dimension of Intacct -> the custom field of Scoro that holds it."""
