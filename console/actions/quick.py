"""Quick actions: single documents that named people send, or fetch what Intacct has of them, ahead of everything else.

They come from the command line (`--as USER`), from pages, and from addresses that act in one person's name, which
Scoro's trigger button posts to.

NotAllowedError      the person may not; the message says who may
NotPossibleError     the connection or the document does not allow it; one sentence with the fix
"""

from dataclasses import dataclass

from console.actions import fetching
from db import action_addresses, journal
from db.connections import Connection
from db.database import Database, Ledger
from db.vault import Vault, VaultError
from producers import manual
from schemas.document_types import document_type
from schemas.kinds import Kind
from schemas.settings import ConnectionSettings

MAX_USER = 100
SIGNED = "action:"
"""What the signed part of an address begins with: nothing else that the ledger seals can be taken for one."""


class NotAllowedError(Exception):
    """The person may not act on single documents of the connection."""


class NotPossibleError(Exception):
    """The quick action makes no sense here."""


def check_user(connection: str, settings: ConnectionSettings, user: str) -> None:
    """Let a person pass who may use quick actions (`quick_actions.users`, in any case); raises NotAllowedError."""
    named = settings.quick_actions.users
    if named and user.strip().casefold() not in {name.casefold() for name in named}:
        raise NotAllowedError(
            f"{user} may not send or fetch single documents of {connection}: {', '.join(named)} may"
            " (quick_actions.users)."
        )


def send(db: Database, connection: Connection, kind: Kind, scoro_id: int, *, user: str, actor: str) -> None:
    """Send one document ahead of everything else, in the name of a person who may; `actor` stands in the journal."""
    check_user(connection.name, connection.settings, user)
    if connection.state == "disconnected":
        raise NotPossibleError(f"{connection.name} is disconnected: connect it again first.")
    if document_type(kind) is None:
        raise NotPossibleError(f"{kind.noun.capitalize()}s are not sent from Scoro to Intacct.")
    manual.send(db, connection, kind, scoro_id, actor)


def fetch(db: Database, connection: Connection, kind: Kind, scoro_id: int, *, user: str, actor: str) -> int:
    """Read at once what Intacct has of one document (its payments), in the name of a person who may; the fetch."""
    check_user(connection.name, connection.settings, user)
    try:
        return fetching.fetch(db, connection, kind, scoro_id, actor)
    except fetching.FetchError as error:
        raise NotPossibleError(str(error)) from None


# ------------------------------------------------------------------------------------------------- addresses


@dataclass(frozen=True, slots=True)
class Made:
    """An address that was made: its id, and the signed part of it."""

    id: int
    signed: str


def make_address(
    db: Database,
    vault: Vault,
    connection: Connection,
    *,
    user: str,
    action: str,
    kind: Kind | None,
    days: int | None,
    actor: str,
) -> Made:
    """Make an address that acts in a person's name; raises NotAllowedError, NotPossibleError."""
    name = user.strip()
    if not name or len(name) > MAX_USER or not name.isprintable():
        raise NotPossibleError(f"A user's name has 1 to {MAX_USER} characters.")
    check_user(connection.name, connection.settings, name)
    if action == "send" and kind is not None and document_type(kind) is None:
        raise NotPossibleError(f"{kind.noun.capitalize()}s are not sent from Scoro to Intacct.")

    def add(ledger: Ledger) -> int:
        added = action_addresses.add(
            ledger, connection.id, username=name, action=action, kind=kind, days=days, made_by=actor
        )
        detail = f"{action} {kind.noun if kind else 'any document'} as {name} at address {added}"
        journal.write(ledger, "connection", connection.id, "quick action allowed", detail)
        return added

    made = db.run(add, actor=actor)
    return Made(made, signed(vault, made))


def revoke_address(db: Database, address_id: int, *, actor: str) -> str:
    """End an address; returns whose it was."""

    def end(ledger: Ledger) -> str:
        row = action_addresses.revoke(ledger, address_id)
        if row is None:
            raise NotPossibleError(
                f"There is no address {address_id} that still acts: see `scoro-intacct action list`."
            )
        detail = f"{row['username']} at address {address_id}"
        journal.write(ledger, "connection", row["connection_id"], "quick action revoked", detail)
        return str(row["username"])

    return db.run(end, actor=actor)


def signed(vault: Vault, address_id: int) -> str:
    """The signed part of an address: only a key of SECRET_KEYS makes or opens one."""
    return vault.seal(f"{SIGNED}{address_id}").decode()


def address_id(vault: Vault, signed_part: str) -> int | None:
    """Whose address a signed part is; None for one that none of SECRET_KEYS has made."""
    try:
        opened = vault.open(signed_part.encode())
    except (VaultError, ValueError):
        return None
    number = opened.removeprefix(SIGNED)
    return int(number) if opened.startswith(SIGNED) and number.isdecimal() else None
