"""`site add|list|set`: Scoro installations and their monthly request limit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.common import AsJson, Opened, opened, pairs, read_secret, read_secrets
from app.cli.errors import Refusal
from app.cli.output import plain, print_json, print_table

if TYPE_CHECKING:
    from db.database import Ledger as Session

group = typer.Typer(no_args_is_help=True, help="Scoro installations.")

MAX_LIMIT = 1_000_000_000


@group.command()
def add(
    name: Annotated[str, typer.Argument(help="What you call it.")],
    *,
    url: Annotated[str, typer.Option(help="Its address, such as https://acme.scoro.com.")],
    api_key_file: Annotated[str, typer.Option(metavar="F", help="File with the company's API key; - is stdin.")],
    user_token_file: Annotated[
        str | None, typer.Option(metavar="F", help="File with a user's token, for bookmarks; - is stdin.")
    ] = None,
    request_limit: Annotated[int, typer.Option(min=0, max=MAX_LIMIT, help="Requests to Intacct per month.")] = 4000,
    time_zone: Annotated[str, typer.Option(metavar="TZ", help="Whose months are counted.")] = "UTC",
) -> None:
    """Add a site; its keys are kept encrypted."""
    from app.wiring import using
    from console.actions import sites

    if not name.strip():
        raise typer.BadParameter("a site needs a name")
    api_key, user_token = read_secrets([("--api-key-file", api_key_file), ("--user-token-file", user_token_file)])
    with opened() as use, using(use.settings, use.ledger) as runtime:
        address = sites.add(
            runtime,
            name=name,
            url=url,
            api_key=api_key or "",
            user_token=user_token,
            request_limit=request_limit,
            time_zone=time_zone,
        )
    typer.echo(f"Added {plain(name.strip())}: {address}, {request_limit} requests per month, {time_zone}.")


@group.command("list")
def list_sites(as_json: AsJson = False) -> None:
    """List all sites."""
    from db import reports

    with opened() as use:
        rows = use.ledger.db.run(reports.sites)
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo("No sites.")
    print_table(
        ("Name", "Address", "Requests/month", "Scoro today", "Time zone", "Connections"),
        [
            (
                *(r["name"], r["url"], r["request_limit"]),
                "" if r["scoro_day_limit"] is None else f"{r['scoro_day_left']:,} of {r['scoro_day_limit']:,} left",
                *(r["time_zone"], ", ".join(r["connections"])),
            )
            for r in rows
        ],
        right=("Requests/month",),
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """One column of a site as it is to be; `shown` names the value for people, never a secret."""

    key: str
    column: str
    value: object
    shown: str


@group.command("set")
def set_site(
    name: str,
    changes: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="url, api-key-file, ...")],
) -> None:
    """Change a site: url, api-key-file, user-token-file, request-limit, time-zone."""
    from db import sites

    wanted = pairs(changes)
    if sum(value == "-" for _, value in wanted) > 1:
        raise typer.BadParameter("only one file can be standard input")
    with opened() as use:
        found = [_change(use, key, value) for key, value in wanted]
        site = use.ledger.db.run(lambda session: sites.find(session, use.ledger.vault, name))
        if site is None:
            raise Refusal(f"There is no site {name}: see `scoro-intacct site list`.")
        for change in found:
            was = "kept secret" if change.key.endswith("-file") else str(getattr(site, change.column))
            typer.echo(f"{change.key}: {was} -> {change.shown}")
        use.ledger.db.run(lambda session: _apply(session, site.id, found))


def _change(use: Opened, key: str, value: str) -> _Change:
    """One validated change; raises Refusal, SiteError or BadParameter."""
    from console.actions.sites import checked_address, checked_zone, limit_from

    key = key.replace("_", "-")
    if key == "url":
        address = checked_address(value, allow_local=use.settings.allow_local_endpoints)
        return _Change(key, "url", address, address)
    if key in {"api-key-file", "user-token-file"}:
        secret = use.ledger.vault.seal(read_secret(key, value))
        return _Change(key, key.removesuffix("-file").replace("-", "_"), secret, f"what {value} holds")
    if key == "request-limit":
        return _Change(key, "request_limit", limit_from(value), value)
    if key == "time-zone":
        return _Change(key, "time_zone", checked_zone(value), value)
    known = "url, api-key-file, user-token-file, request-limit, time-zone"
    raise Refusal(f"{key}: there is no such setting of a site; there are {known}.")


def _apply(session: "Session", site_id: int, changes: list[_Change]) -> None:
    from psycopg.errors import UniqueViolation

    from console.actions.sites import known_zone, set_limit
    from db import journal, sites

    for change in changes:
        if change.column == "request_limit":
            set_limit(session, site_id, int(str(change.value)))
            continue
        if change.column == "time_zone":
            known_zone(session, str(change.value))
        try:
            sites.change(session, site_id, change.column, change.value)
        except UniqueViolation:
            raise Refusal(f"Another site has the address {change.shown} already.") from None
        journal.write(session, "site", site_id, "changed", f"{change.key}: {change.shown}")
