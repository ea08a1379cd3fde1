"""Which account of Intacct a line goes to."""

from schemas.reference import Account, ReferenceData
from schemas.scoro import Document, DocumentLine
from schemas.settings import ConnectionSettings
from workers.translation.faults import refused, setting_command


def line_account(document: Document, line: DocumentLine, settings: ConnectionSettings, reference: ReferenceData) -> str:
    """Return the ACCOUNTNO of a line: by `accounts.map`, equal number, or the only equal title.

    Raises DocumentError where the line has no finance account, or it has no active counterpart.
    """
    account_id = line.finance_account_id
    known = reference.scoro_account(account_id) if account_id else None
    symbol = line.finance_account_symbol or (known.symbol if known else "")
    name = line.finance_account_name or (known.name if known else "")
    if not account_id and not symbol:
        raise refused(
            "line_without_account",
            f"{document.label}: the line {line_name(line)} has no finance account (finance_account_id).",
            f"Choose a finance account on that line in Scoro and save the {document.noun}.",
            field="finance_account_id",
        )
    mapped = settings.accounts.map.get(str(account_id)) if account_id else None
    key = f"accounts.map.{account_id}" if account_id else "accounts.map.{finance_account_id}"
    if mapped:
        return _usable(document, reference.account(mapped), mapped, key)
    if symbol and (account := reference.account(symbol)):
        return _usable(document, account, symbol, key)
    titled = reference.accounts_titled(name) if name else ()
    if len(titled) == 1:
        return titled[0].number
    shown = f"{symbol} {name}".strip() or str(account_id)
    raise refused(
        "account_without_counterpart",
        f"{document.label}: the finance account {shown} of the line {line_name(line)} has no counterpart in Intacct.",
        "Make the account in Intacct and run `scoro-intacct sync background`, or map it:"
        f" {setting_command(key, 'ACCOUNTNO')}",
        field="finance_account_id",
        culprit=(shown,),
    )


def set_account(document: Document, key: str, number: str, reference: ReferenceData) -> str:
    """Return the ACCOUNTNO that a setting names; raises DocumentError where it is missing or inactive in Intacct."""
    return _usable(document, reference.account(number), number, key)


def line_name(line: DocumentLine) -> str:
    """Return how messages name a line: what it sells, else its id."""
    words = " ".join(f"{line.product_name} {line.comment}".split())
    return f"'{words[:60]}'" if words else f"with id {line.id}"


def _usable(document: Document, account: Account | None, number: str, key: str) -> str:
    if account is not None and account.active:
        return account.number
    state = "is not known in Intacct" if account is None else "is inactive in Intacct"
    raise refused(
        "account_not_usable",
        f"{document.label}: the account {number} {state}.",
        "Activate it in Intacct and run `scoro-intacct sync background`, or choose another:"
        f" {setting_command(key, 'ACCOUNTNO')}",
        field=key,
        culprit=(number,),
    )
