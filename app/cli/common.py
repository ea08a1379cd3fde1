"""What commands share: the open ledger, who types, which connection is meant, files, prices."""

import getpass
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from app.cli.errors import Refusal
from app.cli.output import on_terminal, plain
from schemas.kinds import DOCUMENT_KINDS, Kind

if TYPE_CHECKING:
    from app.settings import Settings
    from app.wiring import Ledger
    from db.connections import Connection
    from db.database import Ledger as Session

T = TypeVar("T")

MAX_FILE_BYTES = 64 * 1024
"""More than any key or password."""

MAX_DATABASE_SESSIONS = 2
"""A command does one thing at a time."""

# mypy wants enums to be written out; this one has the kinds that people call documents
DocumentKind = StrEnum("DocumentKind", {kind.name: kind.value for kind in DOCUMENT_KINDS})  # type: ignore[misc]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: money as decimal strings, times in UTC.")]
Yes = Annotated[bool, typer.Option("--yes", help="Agree to the price without being asked.")]
ConnectionOption = Annotated[
    str | None, typer.Option("--connection", help="Id or name; may be left out where there is one.")
]
KindArgument = Annotated[DocumentKind, typer.Argument(metavar="KIND", help=", ".join(DOCUMENT_KINDS))]
IdArgument = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1, help="The document's id in Scoro.")]


@dataclass(frozen=True, slots=True)
class Opened:
    """The ledger as a command uses it."""

    settings: "Settings"
    ledger: "Ledger"


def actor() -> str:
    """Who stands in the journal: the user of the operating system."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in a container
        name = str(os.getuid())
    return f"cli:{re.sub(r'[^A-Za-z0-9._@-]', '_', name)}"


@contextmanager
def opened() -> Iterator[Opened]:
    """Open the ledger for one command; only warnings are logged."""
    import logging

    from app import logs
    from app.settings import load_settings
    from app.wiring import open_ledger

    settings = load_settings()
    logs.configure(settings.log_format, "WARNING")
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    with open_ledger(settings, actor=actor(), on_wait=tell_wait, pool_size=MAX_DATABASE_SESSIONS) as ledger:
        yield Opened(settings, ledger)


def tell_wait(text: str) -> None:
    """Say on a terminal what a start waits for."""
    if on_terminal():
        typer.echo(text, err=True)


# ------------------------------------------------------------------------------------------------- connections


def connection_id(session: "Session", named: str | None) -> int:
    """The connection of that id or name; without one, the only connection there is.

    Raises Refusal, or BadParameter where one must be named.
    """
    from db import reports

    rows = reports.connection_names(session)
    if named is None:
        rows = [row for row in rows if row["state"] != "disconnected"]
        if len(rows) > 1:
            names = ", ".join(plain(row["name"]) for row in rows)
            raise typer.BadParameter(f"there are several connections, name one of: {names}")
        if not rows:
            raise Refusal("There is no connection yet: make one with `scoro-intacct connect`.")
        return int(rows[0]["id"])
    found = [row for row in rows if named in (row["name"], str(row["id"]))]
    if len(found) > 1:
        raise Refusal(f"{named} is the id of one connection and the name of another: use the other one of each.")
    if not found:
        names = ", ".join(plain(row["name"]) for row in rows)
        raise Refusal(f"There is no connection {named}: {f'there are {names}' if names else 'make one with connect'}.")
    return int(found[0]["id"])


def chosen_id(session: "Session", named: str | None) -> int | None:
    """The connection that a list is narrowed to; None for all."""
    return None if named is None else connection_id(session, named)


def load_connection(opened: Opened, named: str | None) -> "Connection":
    """The connection of that id or name, else the only one, with its secrets opened."""
    from db import connections

    def load(session: "Session") -> "Connection | None":
        return connections.load(session, opened.ledger.vault, connection_id(session, named))

    connection = opened.ledger.db.run(load)
    if connection is None:
        raise Refusal("The connection was removed meanwhile.")
    return connection


def synced(kind: DocumentKind) -> Kind:
    """The kind to capture; raises Refusal for one that this version does not sync."""
    from workers.translation import TRANSLATORS

    wanted = Kind(kind)
    if wanted not in TRANSLATORS:
        known = ", ".join(f"{kind.noun}s" for kind in TRANSLATORS)
        raise Refusal(f"{wanted.noun.capitalize()}s are not synced by this version: it syncs {known}.")
    return wanted


# ------------------------------------------------------------------------------------------------- what is typed


def read_secret(option: str, file: str) -> str:
    """What a file holds, without the spaces around it; `-` is standard input. Raises BadParameter."""
    try:
        if file == "-":
            content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            with Path(file).open("rb") as source:
                content = source.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}", param_hint=option) from None
    if len(content) > MAX_FILE_BYTES:
        raise typer.BadParameter(f"{file} is larger than {MAX_FILE_BYTES} bytes", param_hint=option)
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is no text in UTF-8", param_hint=option) from None
    if not text:
        raise typer.BadParameter(f"{file} is empty", param_hint=option)
    return text


def read_secrets(files: Sequence[tuple[str, str | None]]) -> list[str | None]:
    """What the files of several options hold; standard input can be one of them only."""
    if sum(file == "-" for _, file in files) > 1:
        names = " and ".join(option for option, file in files if file == "-")
        raise typer.BadParameter(f"only one of {names} can be standard input")
    return [None if file is None else read_secret(option, file) for option, file in files]


def pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    """KEY=VALUE words; raises BadParameter."""
    split = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise typer.BadParameter(f"{word!r} is not of the form KEY=VALUE")
        split.append((key.strip(), value))
    return split


def agree(price: str, *, yes: bool) -> None:
    """Ask on a terminal whether a price is right; elsewhere it takes `--yes`, or exit code 2 with the price."""
    if yes:
        return
    if sys.stdin.isatty():
        if not typer.confirm(f"{price} Go on?", err=True):
            raise Refusal("Nothing was done.")
        return
    typer.echo(f"{price} Add --yes to agree.", err=True)
    raise typer.Exit(2)


@contextmanager
def busy(text: str) -> Iterator[None]:
    """Show on a terminal that something takes its time."""
    if not on_terminal():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(plain(text)):
        yield


def tell(lines: Sequence[str]) -> None:
    """Print lines, one each."""
    for line in lines:
        typer.echo(plain(line))
