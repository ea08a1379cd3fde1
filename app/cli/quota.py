"""`quota show|limit`: the requests of the month, by site."""

from typing import Annotated, Any

import typer

from app.cli.common import AsJson, opened
from app.cli.errors import Refusal
from app.cli.output import plain, print_json
from app.cli.sites import MAX_LIMIT

group = typer.Typer(no_args_is_help=True, help="Requests to Intacct per month.")


@group.command()
def show(
    forecast: Annotated[
        bool,
        typer.Option(
            "--forecast",
            help="With --json: also kept_for_look_ups, burn_per_day, runs_out_at, paced_until and waiting.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what the month's requests went on, how far they reach, and what waits until when."""
    from console.actions.quota import FORECAST, months

    with opened() as use:
        rows = months(use.ledger.db)
    if as_json:
        print_json([{name: row[name] for name in row if forecast or name not in FORECAST} for row in rows])
        return
    if not rows:
        typer.echo("No sites.")
    for row in rows:
        _print(row)


WAITS = {
    "ready": "on their way",
    "sending": "out",
    "look-up": "looked up, as an answer is missing",
    "backoff": "tried again",
    "throttled": "held up by Intacct",
    "pace": "paced, so that the month's requests last",
    "quota": "for requests",
    "person": "for a person",
    "prerequisite": "for a record that they need",
    "connection": "for their connection, which is not active",
}
"""What operations wait for, in the order in which people ask."""


def _print(row: dict[str, Any]) -> None:
    typer.echo(
        f"{plain(row['site'])}, {row['month']}: {row['used']:,} of {row['limit']:,} requests used, {row['left']:,} left"
    )
    if kept := row["kept_for_look_ups"]:
        typer.echo(f"  kept         {kept:,} of those left, for look-ups of what is in doubt")
    if spent := ", ".join(f"{purpose} {n:,}" for purpose, n in row["by_purpose"].items() if n):
        typer.echo(f"  by purpose   {spent}")
    if row["unconfirmed"]:
        typer.echo(f"  unconfirmed  {row['unconfirmed']:,}: they left and no answer came")
    if burn := ", ".join(f"{purpose} {n:.1f}" for purpose, n in row["burn_per_day"].items() if n):
        typer.echo(f"  a day        {burn}")
    if row["resumes_at"]:
        typer.echo(f"  resumes      {plain(row['resumes_at'])}; until then only look-ups leave")
    elif row["runs_out_at"]:
        typer.echo(f"  runs out     {plain(row['runs_out_at'])} if it goes on like this")
    else:
        typer.echo("  reaches      beyond the end of the month if it goes on like this")
    if row["paced_until"]:
        typer.echo(f"  paced until  {plain(row['paced_until'])}")
    for wait, words in WAITS.items():
        if number := row["waiting"].get(wait, {}).get("count"):
            until = row["waiting"][wait]["until"]
            typer.echo(f"  waiting      {number:,} {words}{f', until {plain(until)}' if until else ''}")


@group.command()
def limit(
    site: Annotated[str, typer.Argument(metavar="SITE")],
    requests: Annotated[int, typer.Argument(metavar="N", min=0, max=MAX_LIMIT)],
) -> None:
    """Set a site's requests per month; what waited for requests goes on."""
    from console.actions.sites import set_limit
    from db import sites

    with opened() as use:
        found = use.ledger.db.run(lambda session: sites.find(session, use.ledger.vault, site))
        if found is None:
            raise Refusal(f"There is no site {site}: see `scoro-intacct site list`.")
        released = use.ledger.db.run(lambda session: set_limit(session, found.id, requests))
    typer.echo(f"{site}: {found.request_limit} -> {requests} requests per month.")
    if released and requests > found.request_limit:
        typer.echo("What waited for requests goes on.")
