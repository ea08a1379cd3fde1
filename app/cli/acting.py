"""`action make|list|revoke`: addresses that act in one person's name, for Scoro's trigger button."""

from enum import StrEnum
from typing import Annotated

import typer

from app.cli.common import AsJson, ConnectionOption, DocumentKind, actor, chosen_id, load_connection, opened
from app.cli.output import plain, print_json, print_table
from schemas.kinds import Kind

group = typer.Typer(no_args_is_help=True, help="Addresses for quick actions out of Scoro.")


class Action(StrEnum):
    """What an address does with a document."""

    SEND = "send"
    FETCH = "fetch"


@group.command()
def make(
    user: Annotated[str, typer.Option(help="In whose name it acts.")],
    action: Annotated[
        Action, typer.Option("--do", help="send to Intacct, or fetch what Intacct has of it.")
    ] = Action.SEND,
    kind: Annotated[DocumentKind | None, typer.Option(help="For documents of this kind alone.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Ends after so many days; else never.")] = None,
    connection: ConnectionOption = None,
) -> None:
    """Make an address and print it: whoever has it acts in the user's name."""
    from console.actions import quick

    with opened() as use:
        chosen = load_connection(use, connection)
        made = quick.make_address(
            use.ledger.db,
            use.ledger.vault,
            chosen,
            user=user,
            action=action.value,
            kind=Kind(kind) if kind else None,
            days=days,
            actor=actor(),
        )
        base = use.settings.public_url or f"http://{use.settings.http_bind}"
        typer.echo(f"{base}/actions/{made.signed}")
        ends = f"ends after {days} days" if days else "does not expire"
        typer.echo(
            f"Address {made.id} of {plain(user)} {ends}; end it with `scoro-intacct action revoke {made.id}`.", err=True
        )
        if not use.settings.public_url:
            typer.echo("PUBLIC_URL is not set: Scoro does not reach this address.", err=True)


@group.command("list")
def list_addresses(connection: ConnectionOption = None, as_json: AsJson = False) -> None:
    """List all addresses; the addresses themselves are secrets and are not shown again."""
    from db import action_addresses

    with opened() as use:
        rows = use.ledger.db.run(lambda session: action_addresses.every(session, chosen_id(session, connection)))
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo("No addresses: `scoro-intacct action make --user NAME` makes one.")
    print_table(
        ("Id", "Connection", "Who", "Does", "Kind", "State", "Expires", "Uses", "Last used"),
        [
            (
                *(row["id"], row["connection"], row["user"], row["action"], row["kind"] or "any", row["state"]),
                *(row["expires_at"], row["uses"], row["last_used_at"]),
            )
            for row in rows
        ],
        right=("Id", "Uses"),
    )


@group.command()
def revoke(id: Annotated[int, typer.Argument(metavar="ID", min=1, help="The address's id.")]) -> None:
    """End an address for good."""
    from console.actions import quick

    with opened() as use:
        user = quick.revoke_address(use.ledger.db, id, actor=actor())
    typer.echo(f"Address {id} of {plain(user)} is revoked.")
