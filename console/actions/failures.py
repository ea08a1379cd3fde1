"""What people do about failures: try again, let be, call them over, say something about them.

NotDoneError         it was not done; the message is one sentence with the fix
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from clients.intacct.render import render, size
from clients.intacct.unrender import UnreadableFunctionError, read_function
from console.actions.documents import NotDoneError
from db import edited, failures, forecast, intake, journal, outbox, replays
from db.database import Database
from db.database import Ledger as Session
from db.edited import Refused
from db.forecast import Price
from db.mails import Text
from db.replays import Item
from producers import mail_texts
from schemas.intacct.functions import Function
from schemas.kinds import Kind
from schemas.redaction import MASK
from schemas.words import count

MAX_WORDS = 2_000
"""Characters of a comment or a reason."""

NUMBERS = {"ARINVOICE": "invoiceno", "APBILL": "billno", "ARADJUSTMENT": "adjustmentno", "APADJUSTMENT": "adjustmentno"}
"""The element that holds a document's number, by the object."""

SUMMED = frozenset({"amount", "trx_tax"})
"""The elements whose sum is a document's total."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Documents that would be tried again, and what that costs. `skipped` says why others would not."""

    items: Sequence[Item]
    how: str
    prices: Mapping[int, Price]
    """By connection."""
    skipped: Sequence[str] = ()
    function: Function | None = None

    @property
    def requests(self) -> int:
        """Requests to Intacct, at the most."""
        return sum(price.requests for price in self.prices.values())

    @property
    def text(self) -> str:
        """The price, as people agree to it."""
        documents, requests = count(len(self.items), "document"), count(self.requests, "request")
        left = min(price.left for price in self.prices.values())
        late = "" if all(price.affordable for price in self.prices.values()) else " The rest goes in the next month."
        return f"{documents} in {requests} at the most, of the {left:,} left for documents this month.{late}"


def plan(
    db: Database,
    *,
    failure_ids: Collection[int] | None = None,
    cause: str | None = None,
    kind: Kind | None = None,
    since: datetime | None = None,
    connection_id: int | None = None,
    document_ids: Collection[int] | None = None,
    stored: bool = False,
) -> Plan:
    """What a replay of these would try again and cost; raises NotDoneError where there is nothing.

    By default each document is read again in Scoro and translated anew; `stored` sends what was refused once more.
    """

    def make(session: Session) -> Plan:
        _check_known(session, failure_ids)
        items = replays.choose(
            session,
            failure_ids=failure_ids,
            cause=cause,
            kind=kind,
            since=since,
            connection_id=connection_id,
            document_ids=document_ids,
        )
        chosen = [item for item in items if not stored or item.refused_id is not None]
        skipped = [
            f"{i.kind}:{i.scoro_id}: nothing was made of it that could be sent" for i in items if i not in chosen
        ]
        if not chosen:
            raise NotDoneError(_nothing(skipped))
        return Plan(chosen, "stored" if stored else "read", _prices(session, chosen), skipped)

    return db.run(make)


def plan_edited(db: Database, failure_id: int, xml: str, *, document_ids: Collection[int] | None = None) -> Plan:
    """What sending a person's version of a refused function would do; raises NotDoneError.

    The function is the XML that the failure, `documents show` or `preview` prints, with other values. Its control id
    says which document of the failure it belongs to; where there is but one document it need not.
    """
    try:
        controlid, function = read_function(xml)
    except UnreadableFunctionError as error:
        raise NotDoneError(f"The edited function cannot be sent: {error}") from None

    def make(session: Session) -> Plan:
        _check_known(session, [failure_id])
        items = replays.choose(session, failure_ids=[failure_id], document_ids=document_ids)
        with_payload = [item for item in items if item.refused_id is not None]
        refused = {i.document_id: old for i in with_payload if (old := edited.refused(session, i.refused_id))}
        meant = [i for i in with_payload if i.document_id in refused and refused[i.document_id].controlid == controlid]
        if not meant and len(with_payload) == 1:
            meant = with_payload
        if len(meant) != 1:
            raise NotDoneError(
                _nothing([])
                if not with_payload
                else f"Failure {failure_id} holds {count(len(with_payload), 'document')}: keep the controlid of the"
                " function that you edit, or name the document."
            )
        _changes(refused[meant[0].document_id], function)
        return Plan(meant, "edited", _prices(session, meant), function=function)

    return db.run(make)


def replay(db: Database, agreed: Plan, *, why: str = "", actor: str | None = None) -> int:
    """Do what a plan says; returns the replay's id. A document that has moved on meanwhile is left out."""
    reason = _words(why)

    def start(session: Session) -> int:
        documents = [item.document_id for item in agreed.items]
        failure_ids = {item.failure_id for item in agreed.items}
        now = replays.choose(session, failure_ids=failure_ids, document_ids=documents)
        items = [i for i in now if agreed.how == "read" or i.refused_id is not None]
        if not items:
            raise NotDoneError("Nothing was left to replay: the documents have moved on meanwhile.")
        if agreed.function is not None:
            _send_edited(session, items[0], agreed.function, reason)
        packs = {item.connection_id: agreed.prices[item.connection_id].documents_per_request for item in items}
        replay_id = replays.start(session, items, how=agreed.how, why=reason, requests=agreed.requests, packs=packs)
        for failure_id in sorted(failure_ids):
            journal.write(session, "failure", failure_id, "replayed", f"replay {replay_id}, {agreed.how}: {reason}")
        return replay_id

    return db.run(start, actor=actor)


def cancel(db: Database, replay_id: int, *, actor: str | None = None) -> str:
    """Stop a replay; what is on its way already goes on. Raises NotDoneError."""
    stopped = db.run(lambda session: replays.cancel(session, replay_id), actor=actor)
    if stopped is None:
        raise NotDoneError(f"There is no replay {replay_id} that runs: see `scoro-intacct failures replays`.")
    return f"Replay {replay_id} is cancelled; it leaves {count(stopped, 'document')} as before."


def settle(db: Database, failure_id: int, state: str, *, why: str = "", actor: str | None = None) -> str:
    """Call a failure over (`resolved`), or let its documents be (`discarded`); raises NotDoneError.

    What it held up stays where it is, with a note; the next document with the same cause opens it again.
    """
    reason = _words(why)

    def end(session: Session) -> None:
        _check_known(session, [failure_id])
        documents = [item.document_id for item in replays.choose(session, failure_ids=[failure_id])]
        if not failures.settle(session, [failure_id], state, reason or f"{state} by hand"):
            raise NotDoneError(f"Failure {failure_id} is settled already: there is nothing to do.")
        note = f"Its failure {failure_id} was {state} by hand{f': {reason}' if reason else ''}."
        intake.add_notes(session, [(document_id, None, note) for document_id in documents])

    db.run(end, actor=actor)
    return f"Failure {failure_id} is {state}."


def comment(db: Database, failure_id: int, text: str, *, actor: str | None = None) -> str:
    """Say something about a failure, for whoever looks next; raises NotDoneError."""
    words = _words(text)
    if not words:
        raise NotDoneError("A comment needs words.")

    def write(session: Session) -> None:
        _check_known(session, [failure_id])
        journal.write(session, "failure", failure_id, "comment", words)

    db.run(write, actor=actor)
    return f"Noted at failure {failure_id}."


def preview_mail(db: Database, failure_id: int, event: str, public_url: str | None) -> Text:
    """The mail that would be sent of a failure now (`opened`, `digest`, `cleared`); raises NotDoneError."""

    def write(session: Session) -> Text:
        _check_known(session, [failure_id])
        if event != "digest":
            return mail_texts.of_failure(session, failure_id, event, public_url)
        return mail_texts.of_digest(session, None, public_url)

    return db.run(write)


# ------------------------------------------------------------------------------------------------- edited functions


def _send_edited(session: Session, item: Item, function: Function, why: str) -> None:
    old = edited.refused(session, item.refused_id)
    if old is None:
        raise NotDoneError(f"{item.kind}:{item.scoro_id} has moved on meanwhile: look at it again.")
    edited.replace(session, old, _changes(old, function))
    said = "; ".join(differences(Function.model_validate(old.function), function)) or "nothing"
    note = f"Sent by hand with other values, so that it differs from Scoro until its next edit: {said}."
    intake.add_notes(session, [(item.document_id, None, f"{note} Why: {why}" if why else note)])
    outbox.ring(session, "delivery", item.connection_id)


def _changes(old: Refused, function: Function) -> dict[str, Any]:
    """The columns of the operation that differ with an edited function; raises NotDoneError for one that is another."""
    before = Function.model_validate(old.function)
    if (function.name, dict(function.attributes)) != (before.name, dict(before.attributes)):
        raise NotDoneError(f"The edited function must stay a {before.name} of the same record: change values only.")
    if function.object != before.object:
        raise NotDoneError(f"The edited function must stay one of {before.object}: change values only.")
    if any(MASK in new or "… (" in new for new in _changed(before, function)):
        raise NotDoneError(
            "The edited function holds a value that was masked or shortened for people: give the real one, or edit the"
            " document in Scoro."
        )
    if _lines(before) != _lines(function):
        raise NotDoneError("Lines cannot be added or taken away in an edited function: change them in Scoro.")
    total = None if old.total is None else old.total + _sum(function) - _sum(before)
    body = function.body[function.object] if function.name in {"create", "update"} else function.body
    number = body.get(NUMBERS.get(function.object, "")) if isinstance(body, Mapping) else None
    party = function.body.get("customerid") or function.body.get("vendorid")
    return {
        "function": function.model_dump(mode="json"),
        "payload_fingerprint": function.fingerprint(),
        "bytes": size(function),
        "natural_key": number if isinstance(number, str) and number else old.natural_key,
        "party": party if isinstance(party, str) and party else old.party,
        "total": None if total is None else str(total),
    }


def differences(before: Function, after: Function) -> list[str]:
    """What differs between two versions of a function, as `element old → new`."""
    old, new = dict(_leaves(before.body)), dict(_leaves(after.body))
    return [
        f"{path} {old.get(path, '(none)')} → {new.get(path, '(none)')}"
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path)
    ]


def _changed(before: Function, after: Function) -> Iterator[str]:
    """The new values."""
    old = dict(_leaves(before.body))
    return (text for path, text in _leaves(after.body) if old.get(path) != text)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, held in value.items():
            yield from _leaves(held, f"{path}.{name}" if path else str(name))
    elif isinstance(value, str):
        yield path, value
    else:
        for place, held in enumerate(value, start=1):
            yield from _leaves(held, f"{path}[{place}]" if len(value) > 1 else path)


def _named(function: Function) -> Iterator[tuple[str, str]]:
    return ((path.rpartition(".")[2].partition("[")[0], text) for path, text in _leaves(function.body))


def _sum(function: Function) -> Decimal:
    return sum((Decimal(text) for name, text in _named(function) if name in SUMMED), Decimal(0))


def _lines(function: Function) -> list[str]:
    """The lines of a document, by their numbers where they have some."""
    xml = render("", function).decode()
    return [part.partition(">")[0] for part in xml.split("<") if part.startswith(("lineitem", "updatelineitem"))]


# ------------------------------------------------------------------------------------------------- what they share


def _check_known(session: Session, failure_ids: Collection[int] | None) -> None:
    for failure_id in failure_ids or ():
        if session.execute("SELECT FROM failure WHERE id = %s", [failure_id]).fetchone() is None:
            raise NotDoneError(f"There is no failure {failure_id}: see `scoro-intacct failures list`.")


def _prices(session: Session, items: Sequence[Item]) -> dict[int, Price]:
    counts: dict[int, int] = {}
    for item in items:
        counts[item.connection_id] = counts.get(item.connection_id, 0) + 1
    return {connection: forecast.price(session, connection, n) for connection, n in counts.items()}


def _nothing(skipped: Sequence[str]) -> str:
    if skipped:
        return "Nothing was made of these documents that could be sent once more: replay them without --stored."
    return "There is nothing to replay: no unresolved failure that fits holds up a document."


def _words(text: str) -> str:
    words = " ".join(text.split())
    if len(words) > MAX_WORDS:
        raise NotDoneError(f"That is too long: at most {MAX_WORDS:,} characters are kept.")
    return words
