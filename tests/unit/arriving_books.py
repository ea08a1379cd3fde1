"""What both sides hold in the tests of what comes from Intacct."""

from decimal import Decimal

from schemas.reference import Account, DimensionValue, ReferenceData, ScoroAccount, ScoroVatCode, TaxDetail

REFERENCE = ReferenceData(
    base_currency="GBP",
    accounts=(Account("6000", "Subcontractors"), Account("6010", "Software"), Account("4910", "Rounding")),
    scoro_accounts=(
        ScoroAccount(11, "6000", "Subcontractors"),
        ScoroAccount(12, "", "Software"),
        ScoroAccount(13, "4910", "Rounding"),
        ScoroAccount(9, "6000", "Old subcontractors", active=False),
    ),
    tax_details=(TaxDetail("Standard", Decimal(20), "Purchase"), TaxDetail("Reduced", Decimal(5), "Purchase")),
    vat_codes=(
        ScoroVatCode(1, "S20", Decimal(20)),
        ScoroVatCode(2, "S5", Decimal(5)),
        ScoroVatCode(3, "S0", Decimal(0)),
        ScoroVatCode(4, "OLD", Decimal(20), active=False),
    ),
    dimensions={"DEPARTMENT": (DimensionValue("20", "Delivery"),), "CLASS": (DimensionValue("7", "Own use"),)},
)
