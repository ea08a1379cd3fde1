"""`reference list`: what was read from both sides to translate with."""

from typing import Annotated

import typer

from app.cli.common import AsJson, ConnectionOption, load_connection, opened
from app.cli.output import print_json, print_table
from console.actions.reference_kinds import Listed

group = typer.Typer(no_args_is_help=True, help="Accounts, taxes and dimensions of both sides.")

COLUMNS = {
    Listed.ACCOUNTS: ("source", "id", "number", "name", "counterpart", "active", "read_at"),
    Listed.TAXES: ("source", "id", "name", "rate", "type", "counterpart", "active", "read_at"),
    Listed.DIMENSIONS: ("dimension", "id", "name", "counterpart", "active", "read_at"),
}
TITLES = {"read_at": "Last read"}


@group.callback()
def about() -> None:
    """Accounts, taxes and dimensions of both sides."""


@group.command("list")
def list_reference(
    what: Annotated[Listed, typer.Argument(metavar="accounts|taxes|dimensions")],
    connection: ConnectionOption = None,
    as_json: AsJson = False,
) -> None:
    """List what both sides told, each with its counterpart; the ids are what settings take."""
    from console.actions import reference

    with opened() as use:
        rows = reference.rows(use.ledger.db, load_connection(use, connection), what)
    if as_json:
        print_json(rows)
        return
    columns = COLUMNS[what]
    print_table(
        [TITLES.get(column, column.capitalize()) for column in columns],
        [[_cell(row[column]) for column in columns] for row in rows],
    )


def _cell(value: object) -> object:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
