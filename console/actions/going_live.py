"""Going live: a rehearsal shows what would be created, linked, held or skipped; then everything is sent.

What stood in Intacct before is found by number: `workers.delivery.older` does it for a live connection, as the first
thing that its deliveries do. A rehearsal asks the same questions and only shows the answers.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from clients.intacct.errors import GatewayError
from console.actions.connecting import ConnectError
from console.actions.prices import price
from db import creates, going_live, journal, older, outbox
from db.connections import Connection
from db.database import Database
from db.database import Ledger as Session
from db.older import Older
from schemas.kinds import Purpose
from workers.carrier import QuotaUsedUpError, asking
from workers.delivery import first_look
from workers.runtime import Runtime, login_of


@dataclass(frozen=True, slots=True)
class Portion:
    """Documents that share an outcome: how many, and their money by currency."""

    count: int
    money: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What going live would do now, by outcome (`db.going_live.OUTCOMES`), and what it costs."""

    portions: Mapping[str, Portion]
    price: str
    not_looked_up: str
    """Why Intacct could not be asked; empty where it was."""


def rehearse(runtime: Runtime, connection: Connection) -> Rehearsal:
    """Say what going live would do; asks Intacct about older documents that it was not asked about before."""
    reason = ""
    if not runtime.gateway.sender.sender_id:
        reason = "INTACCT_SENDER_ID is not set"
        return _rehearsal(runtime.db, connection, reason)
    try:
        _look(runtime, connection)
    except (GatewayError, QuotaUsedUpError) as error:
        reason = str(error) or "this month's requests are used up"
    return _rehearsal(runtime.db, connection, reason)


def _rehearsal(db: Database, connection: Connection, not_looked_up: str) -> Rehearsal:
    portions: dict[str, Portion] = {}
    for row in db.run(lambda session: going_live.summed(session, connection.id)):
        before = portions.get(row["outcome"], Portion(0, {}))
        money = before.money if row["amount"] is None else {**before.money, row["currency"]: row["amount"]}
        portions[row["outcome"]] = Portion(before.count + row["count"], money)
    waiting = db.run(lambda session: going_live.waiting(session, connection.id))
    to_send = sum(portions[name].count for name in ("create", "update", "unknown") if name in portions)
    return Rehearsal(portions, price(db, connection, to_send, older=waiting["older"]), not_looked_up)


def _look(runtime: Runtime, connection: Connection) -> None:
    """Ask about what was never asked; every answer is kept before the next question."""
    send = asking(
        runtime.db,
        runtime.gateway,
        login_of(connection),
        site_id=connection.site.id,
        connection_id=connection.id,
        purpose=Purpose.LOOK_UP,
        slots=runtime.slots,
        from_reserve=False,
    )
    while asked := runtime.db.run(lambda s: older.never_found(s, connection.id, first_look.MAX_OPERATIONS)):
        questions = first_look.questions(asked)
        calls = [(str(uuid.uuid4()), question.function) for question in questions]
        results = send(calls).results
        answers = [results.get(controlid) for controlid, _ in calls]
        if not runtime.db.run(lambda s, q=questions, a=answers, o=asked: _keep(s, connection.id, o, q, a)):  # type: ignore[misc]
            return


def _keep(
    session: Session,
    connection_id: int,
    asked: Sequence[Older],
    questions: Sequence[first_look.Question],
    answers: Sequence[Any],
) -> int:
    parties = older.known_parties(session, connection_id)
    said = first_look.findings(questions, answers, parties)
    _, said = first_look.learned_parties({operation.id: operation for operation in asked}, said, parties)
    older.save(session, said)
    return len(said)


def documents(db: Database, connection: Connection, outcome: str, limit: int = 50) -> list[dict[str, Any]]:
    """Documents of a rehearsal with one outcome: kind, scoro_id, number, amount, currency, reason, record_no."""
    return db.run(lambda session: going_live.rehearsed(session, connection.id, outcome, limit))


def go_live(db: Database, connection: Connection) -> list[str]:
    """Start sending: older documents are looked up, then what was rehearsed leaves. Raises ConnectError."""

    def move(session: Session) -> dict[str, Any] | None:
        found = going_live.go_live(session, connection.id)
        if found is not None:
            outbox.ring(session, "delivery", connection.id)
        return found

    found = db.run(move)
    if found is None:
        raise ConnectError(f"{connection.name} is {connection.state}: only a connection in rehearsal goes live.")
    lines = [f"{connection.name} is live"]
    if found["older"]:
        lines.append(
            f"{found['older']:,} of {found['documents']:,} waiting documents are older: Intacct is asked for their"
            " numbers before anything is created"
        )
    return lines


def allow(db: Database, connection: Connection, documents: int) -> list[str]:
    """Agree to so many new documents beyond `limits.creates_per_hour`; those that wait go, the oldest first."""

    def agree(session: Session) -> tuple[int, int]:
        creates.allow(session, connection.id, documents)
        released = creates.release(session, connection.id, documents)
        journal.write(session, "connection", connection.id, "allowed", f"{documents} new documents beyond the limit")
        outbox.ring(session, "delivery", connection.id)
        return released, creates.held(session, connection.id)

    released, held = db.run(agree)
    lines = [f"{connection.name}: {documents:,} new documents may leave beyond the limit, within a day"]
    if released:
        lines.append(f"{released:,} of them were waiting and go on their way")
    if held:
        lines.append(
            f"{held:,} more wait: agree to them with `scoro-intacct connection allow {connection.name} {held}`"
        )
    return lines
