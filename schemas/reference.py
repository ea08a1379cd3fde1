"""What both sides know beside documents: accounts, tax rates, dimension values, parties, currencies.

Read by background pulls and kept in the ledger; the caller builds a `ReferenceData` from it, and translation looks
things up in it. Lookups ignore case and outer blanks, and answer None or () where nothing is found.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from schemas.kinds import Kind

_Item = TypeVar("_Item")

PARTY_KINDS = (Kind.CUSTOMER, Kind.VENDOR)
"""Our roles of a Scoro contact."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of Intacct's chart (GLACCOUNT)."""

    number: str
    title: str
    active: bool = True
    requires: tuple[str, ...] = ()
    """Dimensions that each of its lines must carry."""


@dataclass(frozen=True, slots=True)
class ScoroAccount:
    """A finance account of Scoro."""

    id: int
    symbol: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class TaxDetail:
    """A tax detail of Intacct; `rate` in per cent, `type` is `Sale` or `Purchase`."""

    detail_id: str
    rate: Decimal
    type: str
    active: bool = True
    solution: str | None = None
    reverse_charge: bool = False


@dataclass(frozen=True, slots=True)
class ScoroVatCode:
    """A VAT code of Scoro; `percent` in per cent."""

    id: int
    code: str
    percent: Decimal
    name: str = ""
    active: bool = True
    for_purchases: bool = True


@dataclass(frozen=True, slots=True)
class DimensionValue:
    """A value of a dimension in Intacct (an id and a name, such as department `20`, `Delivery`)."""

    id: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A project that Intacct knows; `customer_id` is empty where it belongs to nobody."""

    id: str
    name: str
    customer_id: str = ""
    active: bool = True
    record_no: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """A customer or vendor that Intacct knows."""

    id: str
    name: str
    tax_id: str = ""


@dataclass(frozen=True)
class ReferenceData:
    """All that translation looks up, for one connection.

    `dimensions` holds the values by the dimension's objectName (`DEPARTMENT`). `currencies` are those active in
    Scoro; `base_currency` is that of the Intacct entity. `tax_solution` is None where the entity has none: tax then
    goes on lines of its own. `contact_names` are the contacts that Intacct knows, for bill-to. `entity_id` is the
    location of every line where the company has several entities. `no_discount_products` are the Scoro products
    that header discounts pass by.
    """

    base_currency: str
    accounts: tuple[Account, ...] = ()
    scoro_accounts: tuple[ScoroAccount, ...] = ()
    tax_details: tuple[TaxDetail, ...] = ()
    vat_codes: tuple[ScoroVatCode, ...] = ()
    dimensions: Mapping[str, tuple[DimensionValue, ...]] = field(default_factory=dict)
    currencies: frozenset[str] = frozenset()
    multi_entity: bool = False
    entity_id: str | None = None
    tax_solution: str | None = None
    parties: Mapping[Kind, tuple[Party, ...]] = field(default_factory=dict)
    contact_names: frozenset[str] = frozenset()
    projects: tuple[ProjectRecord, ...] = ()
    no_discount_products: frozenset[int] = frozenset()

    def account(self, number: str) -> Account | None:
        """Find an account by its number."""
        return next(iter(self._accounts_by_number.get(_key(number), ())), None)

    def accounts_titled(self, title: str) -> tuple[Account, ...]:
        """Find the active accounts with this title."""
        return tuple(account for account in self._accounts_by_title.get(_key(title), ()) if account.active)

    def scoro_account(self, account_id: int) -> ScoroAccount | None:
        """Find a finance account of Scoro by its id."""
        return self._scoro_accounts_by_id.get(account_id)

    def vat_code(self, vat_code_id: int) -> ScoroVatCode | None:
        """Find a VAT code of Scoro by its id."""
        return self._vat_codes_by_id.get(vat_code_id)

    def tax_detail(self, detail_id: str) -> TaxDetail | None:
        """Find a tax detail by its DETAILID, whatever its type."""
        return self._tax_details_by_id.get(_key(detail_id))

    def usable_details(self, type_: str) -> tuple[TaxDetail, ...]:
        """Return the active tax details of the entity's tax solution for `Sale` or `Purchase`."""
        return self._usable_details.get(type_, ())

    def dimension_values(self, dimension: str, text: str) -> tuple[DimensionValue, ...]:
        """Find the values of a dimension by id, or else by name."""
        return self._dimension_values.get(dimension, {}).get(_key(text), ())

    def party(self, kind: Kind, party_id: str) -> Party | None:
        """Find a customer or vendor by its CUSTOMERID or VENDORID."""
        return next(iter(self._parties_by_id[kind].get(_key(party_id), ())), None)

    def parties_with_tax_id(self, kind: Kind, tax_id: str) -> tuple[Party, ...]:
        """Find customers or vendors by TAXID, blanks and dots inside ignored."""
        return self._parties_by_tax_id[kind].get(tax_key(tax_id), ())

    def parties_named(self, kind: Kind, name: str) -> tuple[Party, ...]:
        """Find customers or vendors by NAME."""
        return self._parties_by_name[kind].get(_key(name), ())

    def project(self, project_id: str) -> ProjectRecord | None:
        """Find a project by its PROJECTID."""
        return next(iter(self._projects_by_id.get(_key(project_id), ())), None)

    def projects_named(self, name: str) -> tuple[ProjectRecord, ...]:
        """Find projects by NAME."""
        return self._projects_by_name.get(_key(name), ()) if name else ()

    def knows_contact(self, name: str) -> bool:
        """Whether Intacct has a contact of exactly this name."""
        return name in self.contact_names

    @cached_property
    def _accounts_by_number(self) -> dict[str, tuple[Account, ...]]:
        return _index((_key(account.number), account) for account in self.accounts)

    @cached_property
    def _accounts_by_title(self) -> dict[str, tuple[Account, ...]]:
        return _index((_key(account.title), account) for account in self.accounts)

    @cached_property
    def _scoro_accounts_by_id(self) -> dict[int, ScoroAccount]:
        return {account.id: account for account in self.scoro_accounts}

    @cached_property
    def _vat_codes_by_id(self) -> dict[int, ScoroVatCode]:
        return {code.id: code for code in self.vat_codes}

    @cached_property
    def _tax_details_by_id(self) -> dict[str, TaxDetail]:
        return {_key(detail.detail_id): detail for detail in self.tax_details}

    @cached_property
    def _usable_details(self) -> dict[str, tuple[TaxDetail, ...]]:
        return _index(
            (detail.type, detail)
            for detail in self.tax_details
            if detail.active and (not detail.solution or not self.tax_solution or detail.solution == self.tax_solution)
        )

    @cached_property
    def _dimension_values(self) -> dict[str, dict[str, tuple[DimensionValue, ...]]]:
        return {
            dimension: _index((_key(value.name), value) for value in values)
            | _index((_key(value.id), value) for value in values)
            for dimension, values in self.dimensions.items()
        }

    @cached_property
    def _projects_by_id(self) -> dict[str, tuple[ProjectRecord, ...]]:
        return _index((_key(project.id), project) for project in self.projects)

    @cached_property
    def _projects_by_name(self) -> dict[str, tuple[ProjectRecord, ...]]:
        return _index((_key(project.name), project) for project in self.projects)

    @cached_property
    def _parties_by_id(self) -> dict[Kind, dict[str, tuple[Party, ...]]]:
        return {kind: _index((_key(party.id), party) for party in self.parties.get(kind, ())) for kind in PARTY_KINDS}

    @cached_property
    def _parties_by_tax_id(self) -> dict[Kind, dict[str, tuple[Party, ...]]]:
        return {
            kind: _index((tax_key(party.tax_id), party) for party in self.parties.get(kind, ()) if party.tax_id)
            for kind in PARTY_KINDS
        }

    @cached_property
    def _parties_by_name(self) -> dict[Kind, dict[str, tuple[Party, ...]]]:
        return {kind: _index((_key(party.name), party) for party in self.parties.get(kind, ())) for kind in PARTY_KINDS}


def tax_key(text: str) -> str:
    """Return what of a registry or VAT number is compared: letters and digits (`GB 123.456` is `gb123456`)."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _key(text: str) -> str:
    return text.strip().casefold()


def _index(pairs: Iterable[tuple[str, _Item]]) -> dict[str, tuple[_Item, ...]]:
    found: dict[str, list[_Item]] = {}
    for key, item in pairs:
        found.setdefault(key, []).append(item)
    return {key: tuple(items) for key, items in found.items()}
