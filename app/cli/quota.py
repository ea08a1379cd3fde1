"""`quota show|limit`: the requests of the month, by site."""

from typing import Annotated, Any

import typer

from app.cli.common import AsJson, opened
from app.cli.errors import Refusal
from app.cli.output import plain, print_json
from app.cli.sites import MAX_LIMIT
from schemas.kinds import Purpose

group = typer.Typer(no_args_is_help=True, help="Requests to Intacct per month.")


@group.command()
def show(as_json: AsJson = False) -> None:
    """Show what the month's requests went on, and how far they reach."""
    from db import reports

    with opened() as use:
        rows = use.ledger.db.run(reports.quota)
        elapsed = use.ledger.db.run(reports.month_elapsed)
    every_purpose = dict.fromkeys(Purpose, 0)
    rows = [{**row, "by_purpose": {**every_purpose, **row["by_purpose"]}} for row in rows]
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo("No sites.")
    for row in rows:
        _print(row, round(row["used"] / elapsed[row["site"]]))


def _print(row: dict[str, Any], at_this_pace: int) -> None:
    typer.echo(
        f"{plain(row['site'])}, {row['month']}: {row['used']:,} of {row['limit']:,} requests used, {row['left']:,} left"
    )
    if spent := ", ".join(f"{purpose} {n:,}" for purpose, n in row["by_purpose"].items() if n):
        typer.echo(f"  by purpose   {spent}")
    if row["unconfirmed"]:
        typer.echo(f"  unconfirmed  {row['unconfirmed']:,}: they left and no answer came")
    typer.echo(f"  at this pace {at_this_pace:,} by the end of the month")
    if row["resumes_at"]:
        typer.echo(f"  resumes      {plain(row['resumes_at'])}; until then only look-ups leave")


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
