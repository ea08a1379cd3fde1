"""`connect` and `connection …`: one Scoro entity joined to one Intacct entity."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.common import (
    AsJson,
    Opened,
    Yes,
    agree,
    busy,
    connection_id,
    load_connection,
    opened,
    pairs,
    read_secret,
    tell,
)
from app.cli.errors import Refusal
from app.cli.output import plain, print_json, print_table
from schemas.words import count

if TYPE_CHECKING:
    from console.actions.going_live import Rehearsal
    from db.connections import Connection
    from db.database import Ledger as Session
    from workers.runtime import Runtime

group = typer.Typer(no_args_is_help=True, help="Connections between Scoro and Intacct.")

Chosen = Annotated[
    str | None, typer.Argument(metavar="C", help="Id or name; may be left out where there is one.", show_default=False)
]
Everyone = Annotated[bool, typer.Option("--all", help="All connections to which it applies.")]

MAX_ALLOWED = 1_000_000


def connect(
    *,
    site: Annotated[str, typer.Option(help="Name of the Scoro site.")],
    scoro_entity: Annotated[str, typer.Option(metavar="ID", help="Scoro's company_account_id.")],
    company: Annotated[str, typer.Option(metavar="ID", help="Intacct's company id.")],
    entity: Annotated[str, typer.Option(metavar="ID", help="Intacct's entity; '' where there are none.")],
    user: Annotated[str, typer.Option(metavar="ID", help="Web Services user of Intacct.")],
    password_file: Annotated[str, typer.Option(metavar="F", help="File with the user's password; - is stdin.")],
    name: Annotated[str | None, typer.Option(help="What to call it; like the Scoro entity unless named.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Go live at once.")] = False,
) -> None:
    """Join a Scoro entity to an Intacct entity, in rehearsal: everything happens but the sending."""
    from app.wiring import using
    from console.actions import connecting, going_live
    from db import connections

    password = read_secret("--password-file", password_file)
    with opened() as use, using(use.settings, use.ledger) as runtime:
        with busy("asking Scoro and Intacct"):
            made = connecting.connect(
                runtime,
                site_name=site,
                scoro_entity=scoro_entity,
                company_id=company,
                entity=entity,
                user_id=user,
                password=password,
                name=name,
            )
        tell(made.lines)
        connection = use.ledger.db.run(lambda session: connections.load(session, use.ledger.vault, made.connection_id))
        if connection is None:
            raise Refusal("The connection was removed meanwhile.")
        bring_in_step(runtime, connection, yes=yes)
        if yes:
            tell(going_live.go_live(use.ledger.db, connection))
            return
        tell(
            [
                f"{connection.name} is in rehearsal: documents are read and translated, nothing is sent.",
                f"Going live sends what waits by then: `scoro-intacct connection go-live {connection.name}`.",
            ]
        )


@group.command("list")
def list_connections(as_json: AsJson = False) -> None:
    """List all connections."""
    from db import reports

    with opened() as use:
        rows = use.ledger.db.run(reports.connections)
        if as_json:
            print_json([_json_row(use, row) for row in rows])
            return
    if not rows:
        typer.echo("No connections.")
    print_table(
        ("Id", "Name", "Site", "Scoro", "Intacct", "State", "Requests", "Failures"),
        [
            (
                *(row["id"], row["name"], row["site"], row["scoro_entity"]),
                f"{row['company']}/{row['entity']}" if row["entity"] else row["company"],
                *(row["state"], row["requests_used"], row["unresolved"]),
            )
            for row in rows
        ],
        right=("Id", "Requests", "Failures"),
    )
    for row in rows:
        if row["next_run"]:
            typer.echo(f"{plain(row['name'])}: {row['schedule']}; the next run is at {plain(row['next_run'])}")
        elif row["schedule"] != "continuous" and row["state"] != "disconnected":
            typer.echo(f"{plain(row['name'])}: {row['schedule']}; sent by `sync now` and `send` alone")
        if row["resumes_at"]:
            typer.echo(
                f"{plain(row['name'])}: this month's requests are used up; it goes on at {plain(row['resumes_at'])}"
            )
        if row["webhooks_problem"] and row["state"] != "disconnected":
            typer.echo(f"{plain(row['name'])}: webhooks do not come: {plain(row['webhooks_problem'])}")
        if row["reason"]:
            typer.echo(f"{plain(row['name'])} is {row['state']}: {plain(row['reason'])}")


def _json_row(use: Opened, row: dict[str, Any]) -> dict[str, Any]:
    from producers.intacct_events import token_of

    base = use.settings.public_url or f"http://{use.settings.http_bind}"
    token = use.ledger.vault.open(row["hook_token"])
    return {
        "id": row["id"],
        "name": row["name"],
        "site": row["site"],
        "scoro_entity": row["scoro_entity"],
        "company": row["company"],
        "entity": row["entity"],
        "state": row["state"],
        "webhook_url": f"{base}/hooks/scoro/{token}",
        "intacct_webhook_url": f"{base}/hooks/intacct/{token_of(token, row['id'])}",
        "next_run": row["next_run"],
        "tax_solution": row["tax_solution"],
        "requests_used": row["requests_used"],
        "unresolved": row["unresolved"],
    }


# ------------------------------------------------------------------------------------------------- settings


@group.command("set")
def set_settings(
    words: Annotated[
        list[str],
        typer.Argument(metavar="C KEY=VALUE...", help="C may be left out where there is one connection."),
    ],
) -> None:
    """Change settings: all of them or none; an empty value unsets one."""
    named = None if "=" in words[0] else words[0]
    wanted = pairs(words if named is None else words[1:])
    if not wanted:
        raise typer.BadParameter(f"name at least one KEY=VALUE; the keys are {', '.join(_known_keys())}")
    with opened() as use:
        tell(use.ledger.db.run(lambda session: _set(session, named, wanted)))


def _known_keys() -> list[str]:
    from schemas.settings import ConnectionSettings, describe

    return [row.key for row in describe(ConnectionSettings())]


def _set(session: "Session", named: str | None, wanted: Sequence[tuple[str, str]]) -> list[str]:
    from console.actions import settings
    from db.database import one

    chosen = connection_id(session, named)
    name = one(session, "SELECT name FROM connection WHERE id = %s", [chosen])["name"]
    return [f"{name}:", *(f"  {line}" for line in settings.change(session, chosen, wanted))]


# ------------------------------------------------------------------------------------------------- states


@group.command("go-live")
def go_live(connection: Chosen = None, yes: Yes = False) -> None:
    """Start sending what was rehearsed; older documents are looked up in Intacct first, and linked or held."""
    from app.wiring import using
    from console.actions import going_live

    with opened() as use, using(use.settings, use.ledger) as runtime:
        chosen = load_connection(use, connection)
        if chosen.state == "rehearsal" and not yes:
            with busy("asking Intacct about older documents"):
                rehearsal = going_live.rehearse(runtime, chosen)
            _print_rehearsal(use, chosen, rehearsal)
            agree(f"{plain(chosen.name)} goes live: {plain(rehearsal.price)}", yes=False)
        tell(going_live.go_live(use.ledger.db, chosen))


@group.command()
def allow(
    words: Annotated[list[str], typer.Argument(metavar="C N", help="C may be left out where there is one connection.")],
) -> None:
    """Agree to N new documents beyond limits.creates_per_hour; those that wait for it go."""
    from console.actions import going_live

    *named, number = words
    if len(named) > 1 or not number.isdecimal() or not 0 < int(number) <= MAX_ALLOWED:
        raise typer.BadParameter(f"name a connection and a number of documents from 1 to {MAX_ALLOWED:,}")
    with opened() as use:
        chosen = load_connection(use, named[0] if named else None)
        tell(going_live.allow(use.ledger.db, chosen, int(number)))


OUTCOMES = {
    "create": "would be created",
    "link": "stand in Intacct already, with equal amount, currency and party, and would be linked",
    "hold": "would be held for you",
    "update": "would be updated",
    "unknown": "were not looked up in Intacct yet",
    "skip": "are skipped",
    "fail": "cannot be translated",
    "read": "are still to be read from Scoro",
}
SHOWN = 20
"""Documents that are listed of an outcome that wants a person's eyes."""


def _print_rehearsal(use: Opened, connection: "Connection", rehearsal: "Rehearsal") -> None:
    """Counts and money of each outcome, and the documents of those that a person should look at."""
    from console.actions import going_live

    for outcome, words in OUTCOMES.items():
        if (portion := rehearsal.portions.get(outcome)) is None:
            continue
        money = ", ".join(f"{amount:,} {currency}".strip() for currency, amount in sorted(portion.money.items()))
        typer.echo(f"{count(portion.count, 'document')} {words}{f': {plain(money)}' if money else ''}")
        if outcome not in {"hold", "fail", "skip"}:
            continue
        rows = going_live.documents(use.ledger.db, connection, outcome, SHOWN)
        print_table(
            ("Document", "Number", "Date", "Amount", "Reason"),
            [(f"{r['kind']} {r['scoro_id']}", r["number"], r["document_date"], r["amount"], r["reason"]) for r in rows],
            right=("Amount",),
        )
        if portion.count > len(rows):
            typer.echo(f"... and {portion.count - len(rows):,} more")
    if rehearsal.not_looked_up:
        typer.echo(f"Intacct could not be asked about older documents: {plain(rehearsal.not_looked_up)}")


@group.command()
def pause(connection: Chosen = None, everyone: Everyone = False) -> None:
    """Send nothing until resumed; changes are still captured."""
    from console.actions import connecting

    def work(use: Opened, one: "Connection") -> list[str]:
        return connecting.pause(use.ledger.db, one, "paused by a person")

    _move(connection, everyone, {"active"}, work)


@group.command()
def resume(connection: Chosen = None, everyone: Everyone = False) -> None:
    """Go on after a pause or a break."""
    from console.actions import connecting

    def work(use: Opened, one: "Connection") -> list[str]:
        return connecting.resume(use.ledger.db, one)

    _move(connection, everyone, {"paused", "broken"}, work)


def _move(
    named: str | None, everyone: bool, states: set[str], work: Callable[[Opened, "Connection"], list[str]]
) -> None:
    """Do something to one connection, or to all that are in one of these states."""
    from db import connections

    if named is not None and everyone:
        raise typer.BadParameter("name a connection or --all, not both")
    with opened() as use:
        if not everyone:
            tell(work(use, load_connection(use, named)))
            return
        all_of_them = use.ledger.db.run(lambda session: connections.every(session, use.ledger.vault))
        chosen = [connection for connection in all_of_them if connection.state in states]
        for connection in chosen:
            tell(work(use, connection))
        if not chosen:
            typer.echo(f"No connection is {' or '.join(sorted(states))}.")


@group.command()
def disconnect(
    connection: Chosen = None,
    restore: Annotated[
        bool, typer.Option("--restore", help="Undo what was changed among Scoro's accounts and VAT codes.")
    ] = False,
) -> None:
    """Part the two entities: webhooks and password go, the ledger stays."""
    from app.wiring import using
    from console.actions import background, connecting

    with opened() as use, using(use.settings, use.ledger) as runtime:
        chosen = load_connection(use, connection)
        if restore:
            tell(background.restore(runtime, chosen))
        tell(connecting.disconnect(runtime, chosen))


def bring_in_step(runtime: "Runtime", connection: "Connection", *, yes: bool) -> None:
    """Bring Scoro's accounts and VAT codes in step with Intacct's, once a person agrees to the list."""
    from console.actions import background

    background.settle_doubts(runtime, connection)
    found = background.plan(runtime, connection)
    steps = [*found.new, *found.inactive]
    if not steps:
        return
    tell(found.lines)
    if not yes and not sys.stdin.isatty():
        tell(["nothing is changed in Scoro; `scoro-intacct sync background --yes` does it"])
        return
    if yes or typer.confirm("Change Scoro's accounts and VAT codes like this?", err=True):
        tell(background.apply(runtime, connection, steps))
    else:
        tell(["Scoro's accounts and VAT codes stay as they are"])
