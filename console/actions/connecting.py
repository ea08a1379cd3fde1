"""Joining a Scoro entity to an Intacct entity, and parting them.

Everything is checked on both sides before anything is kept: sign-in, entity, base currency; then the connection stands
in rehearsal with its reference data, or nothing of it stands.

ConnectError         one sentence with the fix
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from psycopg.errors import UniqueViolation

from clients.intacct.errors import ConnectionBroken, GatewayError
from clients.intacct.gateway import Login
from clients.scoro.client import ScoroClient
from clients.scoro.errors import ScoroError
from console.actions import fitness, refusals
from console.actions.fitness import UnfitError
from db import connections, failures, outbox, reference, sites
from db.breakers import INTACCT
from db.connections import Connection
from db.database import Database
from db.database import Ledger as Session
from db.sites import Site
from producers.subscriptions import hook_url, subscribe_missing, unsubscribe_all
from schemas.errors import DocumentError
from schemas.intacct.functions import read_entity_details
from schemas.kinds import Purpose
from workers.carrier import QuotaUsedUpError, asking
from workers.pull.background import (
    IntacctBackground,
    ScoroBackground,
    known_user_dimensions,
    read_intacct,
    read_scoro,
)
from workers.pull.rights import probes
from workers.reference import DIMENSION
from workers.runtime import Runtime, login_of


class ConnectError(Exception):
    """The two sides cannot be joined (or parted); the message is one sentence with the fix."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection that stands in rehearsal, and what was found on the way."""

    connection_id: int
    lines: list[str]


def connect(
    runtime: Runtime,
    *,
    site_name: str,
    scoro_entity: str,
    company_id: str,
    entity: str,
    user_id: str,
    password: str,
    name: str | None = None,
) -> Connected:
    """Check both sides, read their reference data and keep the connection, in rehearsal; raises ConnectError."""
    site = runtime.db.run(lambda session: sites.find(session, runtime.vault, site_name))
    if site is None:
        raise ConnectError(f"There is no site {site_name}: add it with `scoro-intacct site add {site_name} …`.")
    _refuse_taken(runtime, site, scoro_entity, company_id=company_id, entity=entity, name=name)
    if not runtime.gateway.sender.sender_id or not runtime.gateway.sender.password:
        raise ConnectError(
            "INTACCT_SENDER_ID or INTACCT_SENDER_PASSWORD is not set: take both from your Web Services licence."
        )
    scoro_client = _scoro_client(runtime, site, scoro_entity)
    scoro = _read_scoro(site, scoro_client, scoro_entity)
    login = Login(company_id, user_id, password, entity or None)
    intacct = _read_intacct(runtime, site, login, with_rights=True)
    try:
        base = fitness.check_base_currency(login, fitness.check_entity(login, intacct), scoro, scoro_entity)
        lines = fitness.check_rights(login, intacct)
        clocks = {"Scoro": scoro_client.clock_ahead_s, "Intacct": runtime.gateway.clock_ahead_s}
        about_clocks = fitness.check_clocks(clocks)
    except UnfitError as error:
        raise ConnectError(str(error)) from None
    if (problem := intacct.unreadable.get("GLACCOUNT")) is not None:
        raise ConnectError(f"Intacct does not show its accounts ({problem}): try again, or ask Sage about it.")
    solution, about_taxes = fitness.tax_solution(intacct)
    lines += [*filter(None, [base.note]), *about_taxes, *fitness.scoro_lines(scoro_client, scoro)]
    lines += about_clocks

    def keep(session: Session) -> int:
        connection_id = connections.add(
            session,
            runtime.vault,
            name=name or connections.free_name(session, scoro_entity),
            site_id=site.id,
            scoro_entity=scoro_entity,
            company_id=company_id,
            entity=entity,
            user_id=user_id,
            password=password,
            base_currency=base.code,
            multi_entity=bool(entity),
            tax_solution=solution,
            time_zone=site.time_zone,
        )
        _keep_reference(session, connection_id, intacct, scoro)
        return connection_id

    try:
        connection_id = runtime.db.run(keep)
    except UniqueViolation:  # somebody was quicker
        _refuse_taken(runtime, site, scoro_entity, company_id=company_id, entity=entity, name=name)
        raise
    lines += _read_lines(intacct)
    lines += _subscribe(runtime, site, scoro_client)
    return Connected(connection_id, lines)


HIDDEN = frozenset({"account_dimensions"})
"""Topics that are another look at what is counted already."""


def _counted(topic: str, count: int) -> str:
    if topic.startswith(DIMENSION):
        return f"{count} of {topic.removeprefix(DIMENSION)}"
    return f"{count} {topic.replace('_', ' ')}{'' if count == 1 else 's'}"


def _scoro_client(runtime: Runtime, site: Site, entity: str) -> ScoroClient:
    try:
        return runtime.scoro_of(site, entity, urgent=True)
    except ScoroError as error:
        raise ConnectError(f"{error}: set another one with `scoro-intacct site set {site.name} url=...`.") from None


def _read_scoro(site: Site, client: ScoroClient, entity: str) -> ScoroBackground:
    try:
        return read_scoro(client)
    except (ScoroError, DocumentError) as error:
        raise ConnectError(refusals.of_scoro(site, entity, error)) from None


def _read_intacct(
    runtime: Runtime, site: Site, login: Login, connection_id: int | None = None, *, with_rights: bool = False
) -> IntacctBackground:
    """Read everything in one request, and if wanted try what the user may read."""
    send = asking(
        runtime.db,
        runtime.gateway,
        login,
        site_id=site.id,
        connection_id=connection_id,
        purpose=Purpose.BACKGROUND,
        slots=runtime.slots,
    )
    try:
        known = known_user_dimensions(_topics(runtime, connection_id))
        return read_intacct(send, known, probes() if with_rights else None)
    except GatewayError as error:
        entities = _entities_without(runtime, site, login) if isinstance(error, ConnectionBroken) else None
        if entities is not None:
            raise ConnectError(refusals.of_entity(login, entities)) from None
        raise ConnectError(refusals.of_intacct(login, runtime.gateway.sender.sender_id, error)) from None
    except QuotaUsedUpError:
        raise ConnectError(
            f"This month's requests of {site.name} are used up: wait for the next month, or raise the limit with"
            f" `scoro-intacct quota limit {site.name} N`."
        ) from None


def _entities_without(runtime: Runtime, site: Site, login: Login) -> list[str] | None:
    """The entities that the user may enter, if the sign-in works without the one that was named; else None.

    A refused sign-in does not say which part of it is wrong: one more request, at the top level, tells.
    """
    if not login.entity_id:
        return None
    send = asking(
        runtime.db,
        runtime.gateway,
        replace(login, entity_id=None),
        site_id=site.id,
        connection_id=None,
        purpose=Purpose.BACKGROUND,
        slots=runtime.slots,
    )
    try:
        answer = send([("entities", read_entity_details())]).results.get("entities")
    except (GatewayError, QuotaUsedUpError):
        return None
    rows = [{name.casefold(): value for name, value in row.items()} for row in answer.rows] if answer else []
    ids = sorted(filter(None, (row.get("id") or row.get("locationid") or row.get("entityid") for row in rows)))
    return None if login.entity_id in ids else ids


def _topics(runtime: Runtime, connection_id: int | None) -> set[str]:
    """The topics of Intacct that were read before."""
    if connection_id is None:
        return set()
    kept = runtime.db.run(lambda session: reference.every(session, connection_id))
    return {topic for source, topic in kept if source == "intacct"}


def _keep_reference(session: Session, connection_id: int, intacct: IntacctBackground, scoro: ScoroBackground) -> None:
    for topic, items in intacct.topics.items():
        reference.replace(session, connection_id, "intacct", topic, items)
    for topic, items in scoro.topics.items():
        reference.replace(session, connection_id, "scoro", topic, items)


def read_background(runtime: Runtime, connection: Connection) -> list[str]:
    """Read accounts, tax rates, dimensions and the like again, from both sides; raises ConnectError."""
    if connection.state == "disconnected":
        raise ConnectError(f"{connection.name} is disconnected: connect it again first.")
    client = _scoro_client(runtime, connection.site, connection.scoro_entity)
    scoro = _read_scoro(connection.site, client, connection.scoro_entity)
    intacct = _read_intacct(runtime, connection.site, login_of(connection), connection.id)
    runtime.db.run(lambda session: _keep_reference(session, connection.id, intacct, scoro))
    return _read_lines(intacct)


def _read_lines(intacct: IntacctBackground) -> list[str]:
    counts = [_counted(topic, len(items)) for topic, items in intacct.topics.items() if items and topic not in HIDDEN]
    unreadable = [f"could not be read, so it is not used: {o} ({why})" for o, why in intacct.unreadable.items()]
    return [*unreadable, f"read from Intacct: {', '.join(counts)}"]


def _refuse_taken(
    runtime: Runtime, site: Site, scoro_entity: str, *, company_id: str, entity: str, name: str | None
) -> None:
    """Say what is taken before anything is asked; the constraints decide when the connection is kept."""
    taken = runtime.db.run(
        lambda session: connections.taken(
            session, site.id, scoro_entity, company_id=company_id, entity=entity, name=name
        )
    )
    if taken == "scoro":
        raise ConnectError(
            f"The Scoro entity {scoro_entity} is connected already: disconnect it first, or choose another one."
        )
    if taken == "intacct":
        raise ConnectError(
            f"The Intacct entity {entity or company_id} is connected already: disconnect it first, or choose another."
        )
    if taken == "name":
        raise ConnectError(f"There is a connection called {name} already: choose another name with --name.")


def _subscribe(runtime: Runtime, site: Site, client: ScoroClient) -> list[str]:
    if runtime.public_url is None:
        return ["PUBLIC_URL is not set, so Scoro cannot call us: changes are looked for every five minutes"]
    try:
        url = hook_url(runtime.public_url, site.hook_token)
        modules = subscribe_missing(runtime.db, site.id, client, url)
    except ScoroError as error:
        return [f"webhooks are not subscribed yet ({error}); the scheduler tries again while it runs"]
    return [f"webhooks subscribed: {', '.join(modules) or 'they were already'}"]


def resume(db: Database, connection: Connection) -> list[str]:
    """Go on after a pause or a break."""
    if not _activate(db, connection, ("paused", "broken")):
        raise ConnectError(f"{connection.name} is {connection.state}: there is nothing to resume.")
    return [f"{connection.name} is active again"]


def _activate(db: Database, connection: Connection, from_states: Sequence[str]) -> bool:
    def move(session: Session) -> bool:
        moved = connections.move(session, connection.id, from_states, "active")
        if moved:
            failures.settle_of_connection(session, connection.id, INTACCT, "the connection was resumed")
        outbox.ring(session, "delivery", *([connection.id] if moved else []))
        return moved

    return db.run(move)


def pause(db: Database, connection: Connection, reason: str) -> list[str]:
    """Send nothing until it is resumed; changes are still captured."""
    if not db.run(lambda session: connections.move(session, connection.id, ("active",), "paused", reason)):
        raise ConnectError(f"{connection.name} is {connection.state}: only an active connection can be paused.")
    return [f"{connection.name} is paused; changes are captured and wait"]


def disconnect(runtime: Runtime, connection: Connection) -> list[str]:
    """Unsubscribe, forget the password, keep the ledger."""
    if connection.state == "disconnected":
        raise ConnectError(f"{connection.name} is disconnected already.")
    lines = []
    others = [
        other
        for other in runtime.db.run(lambda session: connections.every(session, runtime.vault))
        if other.site.id == connection.site.id and other.id != connection.id and other.state != "disconnected"
    ]
    if runtime.public_url and not others:
        try:
            client = runtime.scoro(connection, urgent=True)
            ended = unsubscribe_all(client, hook_url(runtime.public_url, connection.site.hook_token))
            lines.append(f"{ended} webhooks unsubscribed")
        except ScoroError as error:
            lines.append(f"webhooks could not be unsubscribed ({error}): remove them in Scoro")
    runtime.db.run(lambda session: connections.disconnect(session, connection.id))
    return [*lines, f"{connection.name} is disconnected; its ledger is kept, its password is forgotten"]
