"""Asking Intacct for what is new: everything of a connection, or what belongs to one document.

FetchError           it cannot be asked for; the message is one sentence with the fix
"""

from dataclasses import dataclass

from db import changes, links, pulls, receipts, scoro_intents
from db.connections import Connection
from db.database import Database
from db.database import Ledger as Session
from schemas.kinds import Kind


class FetchError(Exception):
    """Nothing can be fetched; the message is one sentence with the fix."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a fetch so far; `final` where waiting longer changes nothing."""

    text: str
    done: bool = False
    final: bool = True


def is_inbound(connection: Connection, kind: Kind) -> bool:
    """Whether a kind comes from Intacct, by the settings of a connection."""
    return kind is Kind.RECEIPT or (
        kind in {Kind.BILL, Kind.CREDIT_BILL} and connection.settings.data.bills.direction == "to_scoro"
    )


def check_can_pull(connection: Connection, kind: Kind) -> None:
    """Raise FetchError where nothing comes from Intacct: by state, or by the settings of a kind."""
    if connection.state != "active":
        then = "connection go-live" if connection.state == "rehearsal" else "connection resume"
        raise FetchError(f"{connection.name} is {connection.state}: nothing is fetched until `scoro-intacct {then}`.")
    data = connection.settings.data
    if kind in {Kind.BILL, Kind.CREDIT_BILL} and is_inbound(connection, kind):
        if not data.bills.enabled:
            raise FetchError("Bills are switched off: set data.bills.enabled=true first.")
    elif not data.receipts.enabled:
        raise FetchError("Receipts are switched off: set data.receipts.enabled=true first.")


def pull_now(db: Database, connection: Connection, kind: Kind, actor: str) -> None:
    """Look at once at what is new in Intacct; raises FetchError."""
    check_can_pull(connection, kind)
    db.run(lambda session: pulls.ask(session, connection.id), actor=actor)


def fetch(db: Database, connection: Connection, kind: Kind, scoro_id: int, actor: str) -> int:
    """Fetch a document's payments, a receipt's payment, or a bill that came from Intacct; returns the fetch."""
    check_can_pull(connection, kind)
    title = f"{kind.noun.capitalize()} {scoro_id}"

    def ask(session: Session) -> int:
        document_id = changes.known_document(session, connection.id, kind, scoro_id)
        if document_id is None:
            raise FetchError(f"{title} was never seen: check the kind and the id.")
        if links.standing_of(session, document_id).link is None:
            raise FetchError(f"{title} has no record in Intacct yet: send it first, or link it.")
        scoro_intents.retry(session, receipts.of_document(session, document_id), interactive=True)
        asked = pulls.fetch(session, connection.id, document_id, actor)
        if asked is None:
            raise FetchError(f"{connection.name} has never gone live: nothing is fetched before.")
        return asked

    return db.run(ask, actor=actor)


def judge(session: Session, fetch_id: int) -> Fetched:
    """Where a fetch stands."""
    row = pulls.fetch_outcome(session, fetch_id)
    if not row["read"]:
        reason = row["pull_reason"]
        waits = reason.startswith("waits for requests")
        return Fetched(f"is not fetched yet: {reason or 'no worker has taken it'}", final=waits)
    if row["thinking"] or row["open"]:
        return Fetched(f"is not in Scoro yet: {row['reason'] or 'it is being written'}", final=False)
    if row["failed"] or row["held"]:
        return Fetched(f"is not in Scoro: {row['reason']}")
    if row["written"]:
        return Fetched("is fetched: what is new in Intacct stands in Scoro.", done=True)
    return Fetched("is fetched: there is nothing new in Intacct.", done=True)
