"""`failures log|purge`: every single failure, for people, spreadsheets and scripts; forgetting those of long ago."""

import re
import sys
from typing import Annotated, Any

import typer

from app.cli import failures as listing
from app.cli.common import AsJson, ConnectionOption, DocumentKind, Yes, agree, chosen_id, opened
from app.cli.output import plain, print_json_rows, print_table
from app.cli.replaying import since_option

group = listing.group

NEWEST = 50
LEAST_DAYS = 30
"""Nothing younger is forgotten."""

Moment = Annotated[str | None, typer.Option(metavar="T", help="2026-03-01T09:00, 2026-03-01 or 36h ago.")]


@group.command("log")
def show_log(  # noqa: PLR0917  (options, each named by people)
    connection: ConnectionOption = None,
    unresolved: Annotated[bool | None, typer.Option("--unresolved/--settled", help="Only those.")] = None,
    kind: Annotated[DocumentKind | None, typer.Option(help="Only documents of this kind.")] = None,
    since: Moment = None,
    until: Moment = None,
    search: Annotated[str | None, typer.Option(metavar="TEXT", help="In number, cause, code and fix.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False,
    as_json: AsJson = False,
) -> None:
    """List every single failure, the newest first: with --csv or --json all of them, else 50."""
    from console.spreadsheet import write_csv
    from db import failure_log
    from db.database import Ledger
    from db.failure_log import Filter

    def show(session: Ledger) -> None:
        wanted = Filter(
            connection_id=chosen_id(session, connection),
            kind=kind,
            since=since_option(since),
            until=since_option(until),
            unresolved=unresolved,
            search=search,
        )
        if as_json:
            print_json_rows(failure_log.lines(session, wanted))
        elif as_csv:
            write_csv(sys.stdout, failure_log.COLUMNS, failure_log.lines(session, wanted))
        else:
            _print(list(failure_log.lines(session, wanted, NEWEST)))

    with opened() as use:
        use.ledger.db.run(show)


def _print(rows: list[dict[str, Any]]) -> None:
    if not rows:
        typer.echo("Nothing failed.")
    print_table(
        ("At", "Document", "Number", "State", "Cause", "Fix"),
        [(r["at"], r["document"], r["number"], r["state"], r["cause"], r["fix"]) for r in rows],
    )


@group.command()
def purge(
    older_than: Annotated[str, typer.Option("--older-than", metavar="AGE", help="7y, 18m (months) or 400d.")],
    yes: Yes = False,
) -> None:
    """Forget settled failures and stored XML of long ago; documents, links and the journal stay."""
    found = re.fullmatch(r"(\d{1,5})([ymd])", older_than.strip())
    if found is None:
        raise typer.BadParameter("an age such as 7y, 18m or 400d", param_hint="--older-than")
    days = int(found[1]) * {"y": 365, "m": 30, "d": 1}[found[2]]
    if days < LEAST_DAYS:
        raise typer.BadParameter(f"at least {LEAST_DAYS} days", param_hint="--older-than")
    from db import retention

    with opened() as use:
        before = use.ledger.db.run(lambda session: retention.before_it(session, days))
        agree(f"Everything that failed and was settled before {plain(before)} is forgotten for good.", yes=yes)
        gone = retention.purge(use.ledger.db, before)
    typer.echo(", ".join(f"{count:,} {what}" for what, count in gone.items()) + " gone.")
