"""The lines of a document as they will stand in Intacct: positions, discounts, rounding, and tax."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from schemas.money import CENT, HUNDRED, ZERO, largest_remainder
from schemas.reference import ReferenceData, TaxDetail
from schemas.scoro import Document, DocumentLine
from schemas.settings import ConnectionSettings
from workers.translation.accounts import line_account, line_name, set_account
from workers.translation.amounts import Part, Rate, discount_lines, rate_keys, share_tax
from workers.translation.context import Context
from workers.translation.dimensions import LOCATION, PROJECT, check_required, line_dimensions
from workers.translation.faults import refused, setting_command
from workers.translation.memos import MAX_TEXT_CHARACTERS, cut, memos
from workers.translation.projects import NO_PROJECTS, LineProjects
from workers.translation.taxes import line_rate, tax_detail


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of Intacct. `key` names it for ever; `detail_id` is the tax detail that takes its VAT."""

    key: str
    account: str
    amount: Decimal
    memo: str
    rate: Rate
    dimensions: Mapping[str, str] = field(default_factory=dict)
    """Dimension (objectName) -> id of its value."""
    tax: Decimal | None = ZERO
    """Its VAT; None where Intacct works it out itself (reverse charge)."""
    detail_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Books:
    document: Document
    settings: ConnectionSettings
    reference: ReferenceData
    notes: list[str]
    projects: LineProjects


@dataclass(frozen=True, slots=True)
class _Position:
    line: DocumentLine
    posting: Posting
    part: Part


def postings(
    document: Document,
    context: Context,
    notes: list[str],
    projects: LineProjects = NO_PROJECTS,
    *,
    one_sign: bool = False,
) -> list[Posting]:
    """Return the lines of a document, adding up to its header; decisions made silently are added to `notes`.

    With `one_sign` discounts and rounding are spread over the positions, so that no line of theirs has another sign.
    Raises DocumentError that names line, field and fix.
    """
    books = _Books(document, context.settings, context.reference, notes, projects)
    positions = _positions(books)
    discounts, rest = discount_lines(document, [position.part for position in positions])
    lines = [position.posting for position in positions]
    if one_sign:
        lines = _spread(books, positions, discounts, rest)
    else:
        lines += _discounts(books, discounts, positions)
        if rest:
            lines.append(_rounding(books, rest, positions))
    check_required(document, [(line.account, line.dimensions) for line in lines], context)
    taxes = share_tax(document, [Part(line.amount, line.rate) for line in lines], len(positions))
    if context.reference.tax_solution is None:
        return lines + _tax_lines(books, lines, taxes)
    details = {rate: _detail(books, rate) for rate in dict.fromkeys(line.rate for line in lines)}
    return [
        replace(line, tax=None if details[line.rate].reverse_charge else tax, detail_id=details[line.rate].detail_id)
        for line, tax in zip(lines, taxes, strict=True)
    ]


def _positions(books: _Books) -> list[_Position]:
    document, notes = books.document, books.notes
    found: list[_Position] = []
    for line, memo in memos(document, books.settings.memo.template):
        if line.sum == 0 and not line.finance_account_id and not line.finance_account_symbol:
            notes.append(f"The line {line_name(line)} has no sum and no finance account and was left out.")
            continue
        if not _explains_itself(line):
            notes.append(f"The line {line_name(line)} has the sum {line.sum}, which price and quantity do not make.")
        if len(memo) > MAX_TEXT_CHARACTERS:
            notes.append(f"The memo of the line {line_name(line)} was cut at {MAX_TEXT_CHARACTERS} characters.")
        posting = Posting(
            f"line:{line.id}",
            line_account(document, line, books.settings, books.reference),
            line.sum,
            cut(memo, MAX_TEXT_CHARACTERS),
            line_rate(document, line, books.reference),
            _dimensions(books, line),
        )
        exempt = line.product_id in books.reference.no_discount_products
        found.append(_Position(line, posting, Part(line.sum, posting.rate, discountable=not exempt)))
    _check_positions(document, found)
    return found


def _dimensions(books: _Books, line: DocumentLine) -> dict[str, str]:
    """The dimensions of a line; a project that a custom field names goes before the line's own."""
    project_id = books.projects.of(books.document, line)
    own = {PROJECT: project_id} if project_id else {}
    return own | line_dimensions(books.document, line.custom_fields, books.settings, books.reference)


def _check_positions(document: Document, positions: Sequence[_Position]) -> None:
    if not positions:
        raise refused(
            "no_lines",
            f"{document.label} has no line with an amount, so there is nothing to post.",
            f"Add a line with a finance account in Scoro, or delete the {document.noun} there.",
            field="lines",
        )
    ids = [position.line.id for position in positions]
    if None in ids or len(set(ids)) < len(ids):
        raise refused(
            "line_ids",
            f"{document.label}: its lines have no ids of their own (lines.id), so edits could not be followed.",
            f"Open the {document.noun} in Scoro and save it, so that Scoro numbers its lines.",
            field="lines.id",
        )


def _explains_itself(line: DocumentLine) -> bool:
    product = line.price * line.amount * (1 - line.discount / HUNDRED)
    return product == 0 or any(
        abs(line.sum - candidate) <= CENT
        for candidate in (product, product * line.amount2 if line.amount2 else product)
    )


def _largest(positions: Sequence[_Position]) -> Posting:
    return max(positions, key=lambda position: abs(position.posting.amount)).posting


def _detail(books: _Books, rate: Rate) -> TaxDetail:
    detail = tax_detail(books.document, rate, books.settings, books.reference)
    if detail.reverse_charge:
        books.notes.append(
            f"The tax of {detail.detail_id} is reverse-charged: Intacct works it out, nobody is owed it."
        )
    elif detail.rate != rate.percent:
        books.notes.append(
            f"The tax rate {rate.percent_text} % went to {detail.detail_id}, of {detail.rate.normalize():f} %, as "
            f"taxes.{rate.vat_code_id} says."
        )
    return detail


def _discounts(books: _Books, discounts: Mapping[Rate, Decimal], positions: Sequence[_Position]) -> list[Posting]:
    memo = "Discount " + ", ".join(f"{percent.normalize():f} %" for percent in books.document.discounts)
    setting = books.settings.accounts.discount
    keys = rate_keys(position.part.rate for position in positions)
    found: list[Posting] = []
    for rate, amount in discounts.items():
        model = _largest([x for x in positions if x.part.discountable and x.part.rate == rate])
        account = model.account
        if setting:
            account = set_account(books.document, "accounts.discount", setting, books.reference)
        else:
            books.notes.append(
                f"The discount at {rate.percent_text} % went to the account {account} of the largest discounted line, "
                "as accounts.discount is not set."
            )
        found.append(replace(model, key=f"discount:{keys[rate]}", account=account, amount=amount, memo=memo))
    return found


def _spread(
    books: _Books, positions: Sequence[_Position], discounts: Mapping[Rate, Decimal], rest: Decimal
) -> list[Posting]:
    """Return the positions with the discount of their rate and the rounding taken into their amounts."""
    lines = [position.posting for position in positions]
    for rate, discount in discounts.items():
        places = [i for i, one in enumerate(positions) if one.part.discountable and one.part.rate == rate]
        shares = largest_remainder(discount, [positions[i].part.amount for i in places])
        for place, share in zip(places, shares, strict=True):
            lines[place] = replace(lines[place], amount=lines[place].amount + share)
    if discounts:
        books.notes.append("The discount was spread over the lines, as all lines must have one sign.")
    if rest:
        largest = max(range(len(lines)), key=lambda place: abs(lines[place].amount))
        lines[largest] = replace(lines[largest], amount=lines[largest].amount + rest)
        books.notes.append(f"Rounding of {rest} went to the largest line, as all lines must have one sign.")
    return lines


def _rounding(books: _Books, rest: Decimal, positions: Sequence[_Position]) -> Posting:
    model = _largest(positions)
    account, reason = model.account, ", as accounts.rounding is not set"
    if setting := books.settings.accounts.rounding:
        account, reason = set_account(books.document, "accounts.rounding", setting, books.reference), ""
    books.notes.append(f"Rounding of {rest} went to the account {account}{reason}.")
    return replace(model, key="rounding", account=account, amount=rest, memo="Rounding")


def _tax_lines(books: _Books, lines: Sequence[Posting], taxes: Sequence[Decimal]) -> list[Posting]:
    totals: dict[Rate, Decimal] = {}
    for line, tax in zip(lines, taxes, strict=True):
        totals[line.rate] = totals.get(line.rate, ZERO) + tax
    owed = {rate: total for rate, total in totals.items() if total != 0}
    if not owed:
        return []
    setting = books.settings.accounts.tax_line
    if not setting:
        raise refused(
            "tax_line_account",
            f"{books.document.label} carries VAT, Intacct has no tax solution, and accounts.tax_line is not set.",
            f"Choose the account that VAT is posted to: {setting_command('accounts.tax_line', 'ACCOUNTNO')}",
            field="accounts.tax_line",
        )
    account = set_account(books.document, "accounts.tax_line", setting, books.reference)
    location = {key: value for key, value in lines[0].dimensions.items() if key == LOCATION}
    keys = rate_keys(totals)
    return [
        Posting(f"tax:{keys[rate]}", account, total, f"VAT {rate.percent_text} %", rate, location)
        for rate, total in owed.items()
    ]
