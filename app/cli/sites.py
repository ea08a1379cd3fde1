"""`site add|list|set`: Scoro installations and their monthly request limit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
    from psycopg.errors import UniqueViolation

    from db import journal, sites

    if not name.strip():
        raise typer.BadParameter("a site needs a name")
    api_key, user_token = read_secrets([("--api-key-file", api_key_file), ("--user-token-file", user_token_file)])
    with opened() as use:
        address = _address(use, url)
        zone = _zone(time_zone)

        def keep(session: "Session") -> None:
            site_id = sites.add(
                session,
                use.ledger.vault,
                name=name.strip(),
                url=address,
                api_key=api_key or "",
                user_token=user_token,
                request_limit=request_limit,
                time_zone=_known_zone(session, zone),
            )
            journal.write(session, "site", site_id, "added", f"{address}, {request_limit} requests per month, {zone}")

        try:
            use.ledger.db.run(keep)
        except UniqueViolation as error:
            taken = "address" if "url" in (error.diag.constraint_name or "") else "name"
            raise Refusal(f"There is a site with this {taken} already: see `scoro-intacct site list`.") from None
    typer.echo(f"Added {plain(name.strip())}: {address}, {request_limit} requests per month, {zone}.")


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
        ("Name", "Address", "Requests/month", "Time zone", "Connections"),
        [(r["name"], r["url"], r["request_limit"], r["time_zone"], ", ".join(r["connections"])) for r in rows],
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
    """One validated change; raises Refusal or BadParameter."""
    key = key.replace("_", "-")
    if key == "url":
        address = _address(use, value)
        return _Change(key, "url", address, address)
    if key in {"api-key-file", "user-token-file"}:
        secret = use.ledger.vault.seal(read_secret(key, value))
        return _Change(key, key.removesuffix("-file").replace("-", "_"), secret, f"what {value} holds")
    if key == "request-limit":
        if not value.isascii() or not value.isdigit() or int(value) > MAX_LIMIT:
            raise Refusal(f"request-limit: {value!r} is no number of requests.")
        return _Change(key, "request_limit", int(value), value)
    if key == "time-zone":
        return _Change(key, "time_zone", _zone(value), value)
    known = "url, api-key-file, user-token-file, request-limit, time-zone"
    raise Refusal(f"{key}: there is no such setting of a site; there are {known}.")


def _apply(session: "Session", site_id: int, changes: list[_Change]) -> None:
    from psycopg.errors import UniqueViolation

    from db import journal, sites

    for change in changes:
        if change.column == "request_limit":
            set_limit(session, site_id, int(str(change.value)))
            continue
        if change.column == "time_zone":
            _known_zone(session, str(change.value))
        try:
            sites.change(session, site_id, change.column, change.value)
        except UniqueViolation:
            raise Refusal(f"Another site has the address {change.shown} already.") from None
        journal.write(session, "site", site_id, "changed", f"{change.key}: {change.shown}")


def set_limit(session: "Session", site_id: int, limit: int) -> list[int]:
    """Set a site's requests per month and let go what waited for them; returns the connections that go on."""
    from db import journal, operations, outbox, pacing, sites

    sites.change(session, site_id, "request_limit", limit)
    journal.write(session, "site", site_id, "changed", f"request-limit: {limit}")
    pacing.refill(session, site_id)
    released = operations.release_quota_waits(session, site_id)
    outbox.ring(session, "delivery", *released)
    return released


def _address(use: Opened, url: str) -> str:
    from clients.hosts import host_of

    address = url.strip().rstrip("/").removesuffix("/api/v2")
    try:
        host_of(address, allow_local=use.settings.allow_local_endpoints)
    except ValueError as error:
        raise Refusal(f"url: {error}; an example is https://acme.scoro.com.") from None
    return address


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refusal(f"time-zone: {name!r} is no time zone; an example is Europe/London.") from None
    return name


def _known_zone(session: "Session", zone: str) -> str:
    """The zone, if the database knows it too: it is what counts the months."""
    row = session.execute("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = %s) AS known", [zone]).fetchone()
    if not row or not row["known"]:
        raise Refusal(f"time-zone: the database does not know {zone!r}; an example is Europe/London.")
    return zone
