"""A bill of Intacct as a bill of Scoro. Pure.

The total of Intacct's header is the truth: what Scoro is going to make of the lines is computed beforehand, by its own
arithmetic, and a residue of at most a cent per line goes on a line of its own; a larger one refuses the bill with both
sums.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.errors import DocumentError
from schemas.intacct.dates import day_of
from schemas.money import CENT, HUNDRED, cents, has_cents
from schemas.reference import ReferenceData, ScoroAccount, ScoroVatCode
from schemas.settings import ConnectionSettings
from workers.translation.faults import refused, setting_command

Row = Mapping[str, str]

DRAFT = frozenset({"draft", "d"})
POSTED = frozenset({"posted", "selected", "partially paid", "paid", "a"})
REMOVED = frozenset({"reversed", "reversal", "voided", "deleted"})
"""States of a bill as `query` shows them, or their codes."""

DIMENSION_FIELDS = {
    "LOCATION": "LOCATIONID",
    "DEPARTMENT": "DEPARTMENTID",
    "PROJECT": "PROJECTID",
    "CUSTOMER": "CUSTOMERID",
    "EMPLOYEE": "EMPLOYEEID",
    "ITEM": "ITEMID",
    "CLASS": "CLASSID",
}
"""Dimension -> field of a line that holds its value."""


@dataclass(frozen=True, slots=True)
class ArrivingBill:
    """A bill as Scoro is to hold it; `lines` by the RECORDNO of Intacct's line, '' for one of our own."""

    vendor_id: str
    vendor_name: str
    number: str
    total: Decimal
    currency: str
    date: date
    head: Mapping[str, Any]
    lines: Sequence[tuple[str, Mapping[str, Any]]]
    notes: Sequence[str] = field(default=())

    @property
    def intent(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {
            "vendor": self.vendor_id,
            "total": str(self.total),
            "head": dict(self.head),
            "lines": [[key, dict(line)] for key, line in self.lines],
        }

    @property
    def fingerprint(self) -> str:
        """SHA-256 over what Scoro is given."""
        return hashlib.sha256(json.dumps(self.intent, sort_keys=True).encode()).hexdigest()


def passes(state: str, status_filter: str) -> bool:
    """Whether a bill in this state comes to Scoro.

    `draft`: all; `submitted`: all but drafts; `posted`: what is posted, selected for payment or paid.
    """
    folded = state.strip().casefold()
    if folded in REMOVED:
        return False
    if status_filter == "draft":
        return True
    return folded not in DRAFT if status_filter == "submitted" else folded in POSTED


def is_removed(state: str) -> bool:
    """Whether a bill in this state is as if it had never been."""
    return state.strip().casefold() in REMOVED


def arrive(header: Row, rows: Sequence[Row], settings: ConnectionSettings, reference: ReferenceData) -> ArrivingBill:
    """Translate a bill of Intacct; raises DocumentError that names the field and the fix."""
    return _Arrival(header, rows, settings, reference).bill()


@dataclass(frozen=True, slots=True)
class _Arrival:
    """One bill on its way."""

    header: Row
    rows: Sequence[Row]
    settings: ConnectionSettings
    reference: ReferenceData
    notes: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"Bill {self.header.get('RECORDID') or '-'} (APBILL {self.header['RECORDNO']} in Intacct)"

    @property
    def number(self) -> str:
        """Its number in Scoro."""
        return self.header.get("RECORDID") or self.header.get("DOCNUMBER") or self.header["RECORDNO"]

    def bill(self) -> ArrivingBill:
        """The bill as Scoro is to hold it."""
        day = day_of(self.header.get("WHENCREATED", ""))
        if day is None:
            raise self._refused(
                "bill_without_date", "it has no date.", "Give the bill a date in Intacct.", "WHENCREATED"
            )
        own = [row for row in self.rows if not row.get("PARENTENTRY")]
        own.sort(key=lambda row: int(row["LINE_NO"]) if row.get("LINE_NO", "").strip().isdecimal() else 0)
        if not own:
            raise self._refused("bill_without_lines", "it has no lines.", "Complete it in Intacct.", "APBILLITEM")
        total = self._money("TRX_TOTALENTERED", self.header)
        codes = self._codes(total, own)
        net: dict[Decimal, Decimal] = defaultdict(Decimal)
        lines: list[tuple[str, dict[str, Any]]] = []
        for row in own:
            code = codes[row["RECORDNO"]]
            net[code.percent if code else Decimal(0)] += self._money("TRX_AMOUNT", row)
            lines.append((row["RECORDNO"], self._line(row, code)))
        if residue := total - _gross(net):
            lines.append(("", self._rounding(total, residue, lines)))
        currency = self._currency()
        head = self._head(day, currency)
        vendor = self.header.get("VENDORID", ""), self.header.get("VENDORNAME", "")
        return ArrivingBill(*vendor, self.number, total, currency, day, head, lines, self.notes)

    def _currency(self) -> str:
        currency = (self.header.get("CURRENCY") or self.reference.base_currency).upper()
        if not has_cents(currency):
            raise self._refused(
                "currency_decimals",
                f"it is in {currency}, which has no two decimals; Scoro and Intacct keep two in every currency, so its"
                " amounts would not be what they seem.",
                "Book it in Scoro by hand, then discard the failure.",
                "CURRENCY",
                currency,
            )
        return currency

    def _head(self, day: date, currency: str) -> dict[str, Any]:
        due = day_of(self.header.get("WHENDUE", ""))
        if due is None:
            self.notes.append("Intacct's bill has no due date: its date is taken.")
        head: dict[str, Any] = {
            "no": self.number,
            "date": day.isoformat(),
            "deadline": (due or day).isoformat(),
            "reference_no": self.header.get("DOCNUMBER", ""),
            "description": self.header.get("DESCRIPTION", ""),
            "currency": currency,
        }
        if currency != self.reference.base_currency and (rate := self.header.get("EXCHANGE_RATE", "").strip()):
            head["currency_rate"] = rate
        return head

    def _line(self, row: Row, code: ScoroVatCode | None) -> dict[str, Any]:
        line: dict[str, Any] = {
            "comment": row.get("ENTRYDESCRIPTION", ""),
            "price": str(self._money("TRX_AMOUNT", row)),
            "amount": "1",
            "finance_account_id": self._account(row.get("ACCOUNTNO", "")).id,
        }
        if code is not None:
            line |= {"vat_code_id": code.id, "vat": str(code.percent)}
        fields = [
            {"id": custom_field, "value": self._named(dimension, value)}
            for dimension, custom_field in sorted(self.settings.dimensions.sent_with("bills").items())
            if (value := row.get(DIMENSION_FIELDS.get(dimension.upper(), ""), ""))
        ]
        return line | ({"custom_fields": fields} if fields else {})

    def _named(self, dimension: str, value: str) -> str:
        """The name of a dimension's value, which is what a custom field of Scoro shows (scoro-api, A11)."""
        found = self.reference.dimension_values(dimension, value)
        return found[0].name or value if len(found) == 1 else value

    def _account(self, number: str) -> ScoroAccount:
        """Scoro's finance account of an ACCOUNTNO: by `accounts.map`, equal symbol, or the only equal name."""
        mapped = sorted(int(key) for key, to in self.settings.accounts.map.items() if to == number)
        for account_id in mapped:
            if (account := self.reference.scoro_account(account_id)) is not None and account.active:
                return account
        active = [account for account in self.reference.scoro_accounts if account.active]
        known = self.reference.account(number)
        for found in (
            [account for account in active if _same(account.symbol, number)],
            [account for account in active if known and _same(account.name, known.title)],
        ):
            if len(found) == 1:
                return found[0]
        raise self._refused(
            "account_not_in_scoro",
            f"the account {number or '(none)'} has no counterpart among Scoro's finance accounts.",
            "Run `scoro-intacct sync background`, which makes it in Scoro, or map it: "
            f"{setting_command('accounts.map.{finance_account_id}', number or 'ACCOUNTNO')}",
            "ACCOUNTNO",
            number,
        )

    def _codes(self, total: Decimal, own: Sequence[Row]) -> dict[str, ScoroVatCode | None]:
        """The VAT code of each line, by its tax rows; where Intacct shows none, by the tax of the whole bill."""
        taxes: dict[str, Decimal] = defaultdict(Decimal)
        for row in self.rows:
            if parent := row.get("PARENTENTRY"):
                taxes[parent] += self._money("TRX_AMOUNT", row)
        amounts = {row["RECORDNO"]: self._money("TRX_AMOUNT", row) for row in own}
        net = sum(amounts.values(), Decimal(0))
        if not taxes and total != net:
            return dict.fromkeys(amounts, self._code(net, total - net))
        return {key: self._code(amount, taxes[key]) for key, amount in amounts.items()}

    def _code(self, amount: Decimal, tax: Decimal) -> ScoroVatCode | None:
        """The active VAT code that makes this tax of this amount; None for no tax where no single one stands for it.

        Of several at that rate the one that `taxes` maps to a tax detail for purchases, else the one called like such
        a detail, else the only one for purchases.
        """
        fitting = _fitting(self.reference.vat_codes, amount, tax)
        details = {detail.detail_id.casefold() for detail in self.reference.usable_details("Purchase")}
        mapped = [code for code in fitting if _names(self.settings.taxes.get(str(code.id), "")) & details]
        called = [code for code in fitting if {code.code.casefold(), code.name.casefold()} & details]
        for found in (mapped, called, [code for code in fitting if code.for_purchases]):
            if len(found) == 1:
                return found[0]
        if not tax:
            return None
        percent = cents(tax / amount * HUNDRED) if amount else Decimal(0)
        codes = ", ".join(f"{code.id} ({code.code or code.name})" for code in fitting) or "none"
        raise self._refused(
            "tax_not_in_scoro",
            f"a tax of {tax} on {amount} ({percent} %) is that of several VAT codes of Scoro, or of none: {codes}.",
            "Run `scoro-intacct sync background`, which makes missing ones in Scoro, or say which one it is: "
            f"{setting_command('taxes.{vat_code_id}', 'DETAILID')}",
            "TAXENTRIES",
            f"{percent} %",
        )

    def _rounding(
        self, total: Decimal, residue: Decimal, lines: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> dict[str, Any]:
        """The line that takes what Scoro's VAT leaves of Intacct's total."""
        if abs(residue) > CENT * len(lines):
            raise self._refused(
                "bill_total_unexplained",
                f"Intacct's total is {total}, its lines and taxes come to {total - residue} in Scoro.",
                "Check the taxes of the bill's lines in Intacct.",
                "TRX_TOTALENTERED",
            )
        largest = max(lines, key=lambda item: abs(Decimal(item[1]["price"])))
        wanted = self.settings.accounts.rounding
        account_id = self._account(wanted).id if wanted else largest[1]["finance_account_id"]
        self.notes.append(f"A rounding of {residue} is a line of its own.")
        return {
            "comment": "Rounding",
            "price": str(residue),
            "amount": "1",
            "finance_account_id": account_id,
            "vat": "0",
        }

    def _money(self, name: str, row: Row) -> Decimal:
        text = row.get(name, "")
        try:
            return cents(Decimal(text.strip() or 0))
        except InvalidOperation:
            words = f"its field {name} holds {text!r}, which is not a number."
            raise self._refused("unreadable_amount", words, "Look at the bill in Intacct.", name) from None

    def _refused(self, code: str, cause: str, fix: str, name: str, culprit: str = "") -> DocumentError:
        return refused(code, f"{self.label}: {cause}", fix, field=name, culprit=(culprit,) if culprit else ())


def _fitting(codes: Sequence[ScoroVatCode], amount: Decimal, tax: Decimal) -> list[ScoroVatCode]:
    """Active VAT codes of the rate that makes this tax of this amount, to the cent; of a small amount the closest."""
    off = {
        code: abs(amount * code.percent / HUNDRED - tax) for code in codes if code.active and (tax or not code.percent)
    }
    near = {code: distance for code, distance in off.items() if distance <= CENT}
    if not near:
        return []
    closest = min(near, key=lambda code: near[code]).percent
    return [code for code in near if code.percent == closest]


def _names(setting: str) -> set[str]:
    """What a setting of `taxes` names: a detail, or several separated by commas."""
    return {name.strip().casefold() for name in (setting, *setting.split(",")) if name.strip()}


def _same(left: str, right: str) -> bool:
    return bool(left) and left.strip().casefold() == right.strip().casefold()


def _gross(net: Mapping[Decimal, Decimal]) -> Decimal:
    """What Scoro makes of nets by rate: VAT is computed per rate and rounded once (scoro-api, section 8)."""
    taxes = (cents(amount * percent / HUNDRED) for percent, amount in net.items())
    return sum(net.values(), Decimal(0)) + sum(taxes, Decimal(0))
