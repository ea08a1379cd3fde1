"""Checks of what was connected: sites, connections, their settings, and what waits; each finding with its fix.

Scoro is asked a few small questions per site. Intacct is asked only where the caller agrees, as that costs a request
of each connection.
"""

from collections.abc import Iterator

from clients.intacct.errors import GatewayError
from clients.scoro.client import ScoroClient
from clients.scoro.errors import ScoroError
from console.actions import fitness, refusals, settings_check
from console.actions.findings import Finding, broken, note, ok, warning
from console.actions.fitness import UnfitError
from db import connections, creates, forecast, reports, sites
from db.connections import Connection
from db.database import Database
from db.database import Ledger as Session
from db.sites import Site
from db.vault import VaultError
from producers.subscriptions import MODULES, hook_url
from schemas.errors import DocumentError
from schemas.intacct.functions import read_entity_details
from schemas.kinds import Purpose
from workers.carrier import QuotaUsedUpError, Send, asking
from workers.pull.background import IntacctBackground, read_scoro
from workers.pull.rights import RIGHTS, probes
from workers.runtime import Runtime, login_of

STALE_DAYS = 35
"""Reference data older than this is worth reading again."""
STUCK_S = 60.0
"""Bells and due work older than this show that no process takes them."""


def check(runtime: Runtime, *, ask_intacct: bool) -> Iterator[Finding]:
    """All findings, site by site and connection by connection."""
    try:
        all_sites = runtime.db.run(lambda session: sites.every(session, runtime.vault))
        all_connections = runtime.db.run(lambda session: connections.every(session, runtime.vault))
    except VaultError as error:
        yield broken("secrets", str(error), "Put the missing key at the end of SECRET_KEYS.")
        return
    yield ok("secrets", "SECRET_KEYS opens every key and password of the ledger")
    yield from _processes(runtime.db)
    if not all_sites:
        yield note("sites", "no site was added yet", "scoro-intacct site add NAME --url https://acme.scoro.com ...")
    for site in all_sites:
        mine = [one for one in all_connections if one.site.id == site.id and one.state != "disconnected"]
        yield from _site(runtime, site, mine)
        for connection in mine:
            yield from _connection(runtime, connection, ask_intacct=ask_intacct)


def _processes(db: Database) -> Iterator[Finding]:
    """Whether anybody takes what is due: nobody says so directly."""
    row = db.run(
        lambda session: session.execute(
            """SELECT (SELECT count(*) FROM outbox)::int AS bells,
                   (SELECT coalesce(max(extract(epoch FROM ledger_now() - c.due_at)), 0) FROM change c
                    JOIN connection n ON n.id = c.connection_id JOIN site s ON s.id = n.site_id
                    WHERE c.state = 'waiting' AND n.state <> 'disconnected' AND s.held_until <= ledger_now()
                   )::float AS change_s"""
        ).fetchone()
    )
    late_s = row["change_s"] if row else 0.0
    if late_s > STUCK_S:
        yield broken(
            "workers",
            f"a change has been due for {late_s:,.0f} s and nobody took it",
            "Start `scoro-intacct up`, or `work` and `schedule` where DATABASE_URL is set.",
        )
    else:
        yield ok("workers", "nothing that is due is left lying")


# ------------------------------------------------------------------------------------------------- a site


def _site(runtime: Runtime, site: Site, mine: list[Connection]) -> Iterator[Finding]:
    about = f"site {site.name}"
    month = runtime.db.run(lambda session: forecast.forecast(session, site.id))
    if month.used_up:
        yield broken(
            about,
            f"this month's {month.limit:,} requests are used up; it goes on at {month.resumes_at:%Y-%m-%d %H:%M} UTC",
            f"Wait, or raise the limit: scoro-intacct quota limit {site.name} N",
        )
    elif month.runs_out_at is not None:
        yield warning(
            about,
            f"{month.left:,} of {month.limit:,} requests are left, which last until {month.runs_out_at:%Y-%m-%d}",
            f"See scoro-intacct quota show; scoro-intacct quota limit {site.name} N raises the limit.",
        )
    else:
        yield ok(about, f"{month.left:,} of {month.limit:,} requests are left this month")
    if not mine:
        yield note(about, "it has no connection", f"scoro-intacct connect --site {site.name} ...")
        return
    yield from _scoro(runtime, site, mine[0], about)


def _scoro(runtime: Runtime, site: Site, first: Connection, about: str) -> Iterator[Finding]:
    try:
        client = runtime.scoro(first, urgent=True)
        client.call("companyAccount", "list")
    except ScoroError as error:
        yield broken(about, refusals.of_scoro(site, first.scoro_entity, error), "As the sentence says.")
        return
    yield ok(about, f"Scoro at {site.url} takes the key")
    yield from (warning(about, line, "Mend this machine's clock.") for line in _clocks("Scoro", client.clock_ahead_s))
    yield from _user_token(client, site, about)
    yield from _webhooks(runtime, client, site, about)


def _clocks(side: str, ahead_s: float | None) -> list[str]:
    return fitness.clock_lines({side: ahead_s})


def _user_token(client: ScoroClient, site: Site, about: str) -> Iterator[Finding]:
    if not site.user_token:
        return
    try:
        client.list_page("bookmarks", filter={"module": "invoices"})
        yield ok(about, "Scoro takes the user token")
    except ScoroError as error:
        yield broken(
            about,
            f"Scoro does not take the user token, so bookmarks cannot be read ({error})",
            f"Make a new one and set it: scoro-intacct site set {site.name} user-token-file=FILE",
        )


def _webhooks(runtime: Runtime, client: ScoroClient, site: Site, about: str) -> Iterator[Finding]:
    if runtime.public_url is None:
        return
    url = hook_url(runtime.public_url, site.hook_token)
    try:
        rows = client.webhooks()
    except ScoroError as error:
        yield warning(about, f"the webhooks cannot be listed ({error})", "Give the API key the right to webhooks.")
        return
    ours = {str(row.get("module")): bool(row.get("status", True)) for row in rows if row.get("url") == url}
    missing = [module for module in MODULES if module not in ours]
    inactive = [module for module, active in ours.items() if not active]
    if missing or inactive:
        names = ", ".join([*missing, *(f"{module} (switched off)" for module in inactive)])
        yield warning(
            about,
            f"Scoro posts no changes of {names} to us; the poller brings them, later",
            "Run a scheduler (`up` or `schedule`), which subscribes what is missing; see that PUBLIC_URL is reachable.",
        )
    else:
        yield ok(about, f"webhooks of {', '.join(MODULES)} are subscribed")


# ------------------------------------------------------------------------------------------------- a connection


def _connection(runtime: Runtime, connection: Connection, *, ask_intacct: bool) -> Iterator[Finding]:
    about = f"connection {connection.name}"
    match connection.state:
        case "broken":
            fix = f"Mend that, then: scoro-intacct connection resume {connection.name}"
            yield broken(about, f"it is broken: {connection.reason}", fix)
        case "paused":
            fix = f"scoro-intacct connection resume {connection.name}"
            yield warning(about, f"it is paused: {connection.reason or 'by a person'}", fix)
        case "rehearsal":
            fix = f"scoro-intacct connection go-live {connection.name}"
            yield note(about, "it is in rehearsal: nothing is sent", fix)
        case _:
            yield ok(about, f"Scoro's {connection.scoro_entity} and Intacct's {_entity(connection)} are live")
    yield from _intacct(runtime, connection, about) if ask_intacct else _not_asked(about)
    yield from settings_check.check(runtime, connection, about)
    yield from runtime.db.run(lambda session: list(_waiting(session, connection, about)))


def _entity(connection: Connection) -> str:
    return f"{connection.company_id}/{connection.entity}" if connection.entity else connection.company_id


def _not_asked(about: str) -> Iterator[Finding]:
    yield note(about, "Intacct was not asked, as that takes a request", "scoro-intacct doctor --yes")


def _intacct(runtime: Runtime, connection: Connection, about: str) -> Iterator[Finding]:
    """Sign-in, entity, base currency, rights and clock, in one request."""
    if not runtime.gateway.sender.sender_id:
        return  # said of the environment
    login = login_of(connection)
    send = asking(
        runtime.db,
        runtime.gateway,
        login,
        site_id=connection.site.id,
        connection_id=connection.id,
        purpose=Purpose.BACKGROUND,
        slots=runtime.slots,
    )
    try:
        told = _first_answer(send)
        scoro = read_scoro(runtime.scoro(connection, urgent=True))
        fitness.check_base_currency(login, fitness.check_entity(login, told), scoro, connection.scoro_entity)
        lines = fitness.check_rights(login, told)
    except QuotaUsedUpError:
        return  # said of the site
    except GatewayError as error:
        said = refusals.of_intacct(login, runtime.gateway.sender.sender_id, error)
        yield broken(about, said, "As the sentence says.")
        return
    except UnfitError as error:
        yield broken(about, str(error), "As the sentence says.")
        return
    except (ScoroError, DocumentError):
        return  # said of the site
    yield ok(about, f"Intacct takes the sign-in of {connection.user_id} at {_entity(connection)}")
    for line in lines:
        yield warning(about, line, "As the sentence says.")
    if not lines:
        yield ok(about, f"{connection.user_id} may read all {len(RIGHTS)} objects that are needed")
    writes = "; ".join(dict.fromkeys(right.words for right in RIGHTS if right.writes))
    yield note(about, f"rights to write cannot be tried without writing; its role must grant {writes}")
    for line in _clocks("Intacct", runtime.gateway.clock_ahead_s):
        yield warning(about, line, "Mend this machine's clock.")


def _first_answer(send: Send) -> IntacctBackground:
    """Who we are, what the entity is, and what may be read: without the lists that background data is made of."""
    asked = {"entities": read_entity_details(), **probes()}
    results = send(list(asked.items())).results
    answers = {name: results.get(name) for name in asked}
    entities = answers.pop("entities")
    return IntacctBackground(entities=entities.rows if entities else (), probed=answers)


def _waiting(session: Session, connection: Connection, about: str) -> Iterator[Finding]:
    """What waits for a person, and how old the reference data is."""
    if count := len(reports.failures(session, states=("open", "waiting"), connection_id=connection.id)):
        yield warning(about, f"{count:,} failures are not resolved", "See scoro-intacct failures list.")
    if held := creates.held(session, connection.id):
        yield warning(
            about,
            f"{held:,} new documents wait, as there were more in an hour than limits.creates_per_hour",
            f"scoro-intacct connection allow {connection.name} {held}",
        )
    row = session.execute(
        "SELECT extract(epoch FROM ledger_now() - max(read_at)) / 86400 AS days FROM reference"
        " WHERE connection_id = %s AND source = 'intacct'",
        [connection.id],
    ).fetchone()
    if row and row["days"] is not None and row["days"] > STALE_DAYS:
        yield note(
            about,
            f"accounts, taxes and dimensions were read {row['days']:,.0f} days ago",
            f"scoro-intacct sync background --connection {connection.name}",
        )
