"""Whether two entities fit together, from what both sides told: what keeps them apart, and what a person should know.

UnfitError           they cannot be joined; the message is one sentence with the fix
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clients.intacct.login import Login
from clients.scoro.client import ScoroClient
from clients.scoro.errors import ScoroError
from console.actions.refusals import ROLES_PAGE, of_entity
from schemas.document_types import DOCUMENT_TYPES
from schemas.errors import DocumentError
from schemas.scoro import Document
from workers.delivery.look_ups.deciders import CLOCK_TOLERANCE
from workers.pull.background import IntacctBackground, ScoroBackground
from workers.pull.rights import Missing, missing

CLOCK_TOLERANCE_S = 60.0
"""Clocks may differ by so much without anybody noticing; beyond what look-ups allow for, nothing can be joined."""
TAX_PAGE = "Settings > Sales and finance > Tax rates"
ACCOUNTS_PAGE = "Settings > Sales and finance > Finance accounts"
NTP = "let this machine take the time from the network (timedatectl set-ntp true)"


class UnfitError(Exception):
    """The two sides do not fit together; the message is one sentence with the fix."""


def check_entity(login: Login, intacct: IntacctBackground) -> Mapping[str, str]:
    """The entity's own row, its names folded; empty where Intacct does not list it. Raises UnfitError."""
    rows = [{name.casefold(): value for name, value in row.items()} for row in intacct.entities]
    by_id = {named: row for row in rows if (named := row.get("id") or row.get("locationid") or row.get("entityid"))}
    if login.entity_id and by_id and login.entity_id not in by_id:
        raise UnfitError(of_entity(login, sorted(by_id)))
    if not login.entity_id and by_id:
        ids = ", ".join(sorted(by_id))
        raise UnfitError(f"The Intacct company {login.company_id} has entities: name one with --entity, of {ids}.")
    return by_id.get(login.entity_id or "", {})


@dataclass(frozen=True, slots=True)
class BaseCurrency:
    """The currency that both sides keep their books in; `note` where one of them does not say."""

    code: str
    note: str = ""


def check_base_currency(
    login: Login, row: Mapping[str, str], scoro: ScoroBackground, scoro_entity: str
) -> BaseCurrency:
    """Compare the base currencies. Raises UnfitError."""
    told = row.get("currency") or row.get("basecurrency") or row.get("basecurr") or ""
    own = scoro.company.base_currency
    if told and own and told != own:
        raise UnfitError(
            f"The base currencies differ: Intacct's {login.entity_id or login.company_id} keeps its books in {told},"
            f" Scoro's {scoro_entity} in {own}; join entities of equal base currency."
        )
    if not told and not own:
        raise UnfitError(
            f"Neither side tells its base currency: set it in Scoro for the entity {scoro_entity}, under Settings >"
            " Sales and finance > Currencies."
        )
    if not told:
        return BaseCurrency(own, f"Intacct does not tell the entity's base currency; Scoro's ({own}) is taken")
    if not own:
        return BaseCurrency(told, f"Scoro does not tell the entity's base currency; Intacct's ({told}) is taken")
    return BaseCurrency(told)


def tax_solution(intacct: IntacctBackground) -> tuple[str | None, list[str]]:
    """The entity's tax solution, the one its tax details belong to; and what to know about it."""
    named = {str(item.data["solution"]) for item in intacct.topics.get("tax_detail", []) if item.data["solution"]}
    solutions = sorted(named or {item.key for item in intacct.topics.get("tax_solution", [])})
    if not solutions:
        return None, ["no tax solution: VAT goes on lines of its own, on the account that accounts.tax_line names"]
    several = f"several tax solutions are visible ({', '.join(solutions)}); {solutions[0]} is taken"
    return solutions[0], [several] if len(solutions) > 1 else []


def check_rights(login: Login, intacct: IntacctBackground) -> list[str]:
    """What the user may not read, a line each with what to do. Raises UnfitError where nothing goes without it."""
    lacking = missing(intacct.probed)
    if any(not gap.right.needed_by for gap in lacking):
        raise UnfitError(
            f"The Intacct user {login.user_id} lacks rights: give its role {_listed(lacking)} under {ROLES_PAGE}."
        )
    return [
        f"the Intacct user may not read {gap.right.object} ({gap.said}): give its role {gap.right.words} under"
        f" {ROLES_PAGE}, or switch off {' and '.join(gap.right.needed_by)}"
        for gap in lacking
    ]


def _listed(gaps: Sequence[Missing]) -> str:
    return "; ".join(dict.fromkeys(gap.right.words for gap in gaps))


def check_clocks(ahead: Mapping[str, float | None]) -> list[str]:
    """What to say of clocks that differ. Raises UnfitError where moments of the two sides could not be compared."""
    lines = clock_lines(ahead)
    if any(abs(seconds or 0.0) > CLOCK_TOLERANCE.total_seconds() for seconds in ahead.values()):
        told = "; ".join(line.partition(":")[0] for line in lines)
        raise UnfitError(f"{told[0].upper()}{told[1:]}, so that a look-up could be misled: {NTP}, then connect again.")
    return lines


def clock_lines(ahead: Mapping[str, float | None]) -> list[str]:
    """What to say of clocks (by the name of the side) that differ from this machine's."""
    return [
        f"the clock of {side} is {abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine's: {NTP}"
        for side, seconds in ahead.items()
        if seconds is not None and abs(seconds) > CLOCK_TOLERANCE_S
    ]


# ------------------------------------------------------------------------------------------------- Scoro's features


def scoro_lines(client: ScoroClient, scoro: ScoroBackground) -> list[str]:
    """What must be switched on in Scoro: line-based tax rates and finance accounts, inferred from its documents.

    Nothing says directly whether they are on.
    """
    lines = []
    if not any(item.active for item in scoro.topics["vat_code"]):
        lines.append(f"Scoro has no active tax rate: add them under {TAX_PAGE}")
    accounts = [item for item in scoro.topics["account"] if item.active]
    seen = _Seen()
    for document in _newest(client):
        seen.look_at(document)
    if not accounts or (seen.lines and not seen.with_account):
        reason = "Scoro has no active finance account" if not accounts else "no line in Scoro has a finance account"
        lines.append(f"{reason}: switch finance accounts on under {ACCOUNTS_PAGE}, and choose one on each line")
    if seen.taxed_by_document and not seen.taxed_by_line:
        lines.append(
            f"documents in Scoro carry one tax rate for all lines: tick 'Use line based tax rates' under {TAX_PAGE}"
        )
    if not seen.lines:
        lines.append(
            f"Scoro has no document yet to tell by: see that 'Use line based tax rates' is ticked under {TAX_PAGE}, and"
            f" finance accounts are on under {ACCOUNTS_PAGE}"
        )
    return lines


@dataclass(slots=True)
class _Seen:
    lines: int = 0
    with_account: int = 0
    taxed_by_line: int = 0
    taxed_by_document: int = 0

    def look_at(self, document: Document) -> None:
        for line in document.lines:
            if line.is_heading:
                continue
            self.lines += 1
            self.with_account += bool(line.finance_account_id or line.finance_account_symbol)
            self.taxed_by_line += line.vat_code_id is not None or line.vat is not None
        self.taxed_by_document += document.vat_code_id is not None or bool(document.vat)


def _newest(client: ScoroClient) -> Iterator[Document]:
    """A page of invoices in full; what cannot be read tells nothing."""
    try:
        rows = client.list_page("invoices", detailed=True)
    except ScoroError:
        return
    for row in rows:
        try:
            document = DOCUMENT_TYPES["invoices"].reader(row)
        except DocumentError:
            continue
        if isinstance(document, Document) and not document.is_deleted:
            yield document
