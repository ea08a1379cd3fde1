"""`people …`: who may open the pages; passwords are chosen by their owners, with a link that works once."""

from enum import StrEnum
from typing import Annotated

import typer

from app.cli.common import AsJson, Opened, actor, opened
from app.cli.output import print_json, print_table

group = typer.Typer(no_args_is_help=True, help="Accounts for the pages.")

Name = Annotated[str, typer.Argument(help="The account's name.")]


class RoleName(StrEnum):
    """What somebody may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


def link(use: Opened, token: str) -> str:
    """Where somebody chooses a password."""
    base = use.settings.public_url or f"http://{use.settings.http_bind}"
    return f"{base}/welcome/{token}"


def _tell_link(use: Opened, name: str, token: str) -> None:
    typer.echo(f"{name} chooses a password here, within 3 days:\n{link(use, token)}")


@group.command()
def add(
    name: Name,
    role: Annotated[RoleName, typer.Option(help="viewer looks, operator acts, admin sets.")] = RoleName.VIEWER,
) -> None:
    """Add an account and print the link with which its owner chooses a password."""
    from console.actions import people
    from db.people import Role

    with opened() as use:
        _tell_link(use, name, people.invite(use.ledger.db, name, Role(role), actor=actor()))


@group.command()
def reset(name: Name) -> None:
    """End an account's sessions and print a link for another password."""
    from console.actions import people

    with opened() as use:
        _tell_link(use, name, people.reset(use.ledger.db, name, actor=actor()))


@group.command("list")
def list_people(as_json: AsJson = False) -> None:
    """List all accounts."""
    from db import people

    with opened() as use:
        rows = use.ledger.db.run(people.every)
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo("Nobody has an account: `scoro-intacct people add NAME --role admin` makes the first.")
    print_table(
        ("Name", "Role", "State", "Last seen"),
        [
            (
                row["name"],
                row["role"],
                "locked out" if row["disabled"] else "" if row["has_password"] else "invited",
                row["seen_at"],
            )
            for row in rows
        ],
    )


@group.command()
def role(
    name: Name, role: Annotated[RoleName, typer.Argument(metavar="ROLE", help="viewer, operator or admin")]
) -> None:
    """Give an account another role, at once."""
    from console.actions import people
    from db.people import Role

    with opened() as use:
        people.change_role(use.ledger.db, name, Role(role), actor=actor())
    typer.echo(f"{name} is {role} now.")


@group.command()
def lock(name: Name, undo: Annotated[bool, typer.Option("--undo", help="Let it in again.")] = False) -> None:
    """Lock an account out at once."""
    from console.actions import people

    with opened() as use:
        people.disable(use.ledger.db, name, not undo, actor=actor())
    typer.echo(f"{name} is {'let in again' if undo else 'locked out'}.")
