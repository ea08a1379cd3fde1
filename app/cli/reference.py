"""`reference list`: what was read from both sides to translate with."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from app.cli.common import AsJson, ConnectionOption, connection_id, opened
from app.cli.output import print_json, print_table

group = typer.Typer(no_args_is_help=True, help="Accounts, taxes and dimensions of both sides.")

DIMENSION = "dimension:"


class Listed(StrEnum):
    """What can be listed."""

    ACCOUNTS = "accounts"
    TAXES = "taxes"
    DIMENSIONS = "dimensions"


@group.callback()
def about() -> None:
    """Accounts, taxes and dimensions of both sides."""


def _account(row: dict[str, Any]) -> dict[str, Any]:
    data = row["data"]
    return {
        "source": row["source"],
        "id": row["key"],
        "number": data.get("symbol", row["key"]),
        "name": data.get("title") or data.get("name"),
        "active": row["active"],
    }


def _tax(row: dict[str, Any]) -> dict[str, Any]:
    data = row["data"]
    return {
        "source": row["source"],
        "id": row["key"],
        "name": data.get("name") or data.get("code"),
        "rate": data.get("rate") or data.get("percent"),
        "type": data.get("type"),
        "solution": data.get("solution"),
        "active": row["active"],
    }


def _dimension(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "dimension": row["topic"].removeprefix(DIMENSION),
        "id": row["key"],
        "name": row["data"].get("name"),
        "active": row["active"],
    }


@dataclass(frozen=True, slots=True)
class _View:
    """How one list is made: the topics it is read from, its columns for people, its rows."""

    topics: tuple[str, ...]
    columns: tuple[str, ...]
    row: Callable[[dict[str, Any]], dict[str, Any]]


VIEWS = {
    Listed.ACCOUNTS: _View(("account",), ("source", "id", "number", "name", "active"), _account),
    Listed.TAXES: _View(("tax\\_detail", "vat\\_code"), ("source", "id", "name", "rate", "type", "active"), _tax),
    Listed.DIMENSIONS: _View((f"{DIMENSION}%",), ("dimension", "id", "name", "active"), _dimension),
}


@group.command("list")
def list_reference(
    what: Annotated[Listed, typer.Argument(metavar="accounts|taxes|dimensions")],
    connection: ConnectionOption = None,
    as_json: AsJson = False,
) -> None:
    """List what both sides told; the ids are what settings take."""
    from db import reports

    view = VIEWS[what]
    with opened() as use:
        found = use.ledger.db.run(
            lambda session: reports.reference(session, connection_id(session, connection), view.topics)
        )
    rows = [view.row(row) for row in found]
    if as_json:
        print_json(rows)
        return
    print_table(
        [column.capitalize() for column in view.columns],
        [[_cell(row[column]) for column in view.columns] for row in rows],
    )


def _cell(value: object) -> object:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
