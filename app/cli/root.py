"""All commands under one root."""

from typing import Annotated

import typer

from app.cli import (
    acting,
    connecting,
    doctor,
    documents,
    failure_log,
    people,
    previewing,
    processes,
    quota,
    reference,
    sending,
    sites,
    waiting,
)
from app.cli.errors import Commands

root = typer.Typer(
    name="scoro-intacct",
    cls=Commands,
    help="Keep the books in Sage Intacct in step with Scoro.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if not wanted:
        return
    from app.version import version

    typer.echo(f"scoro-intacct {version() or 'run from its sources without being installed'}")
    raise typer.Exit


@root.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keep the books in Sage Intacct in step with Scoro."""


for command in (
    processes.demo,
    processes.up,
    processes.serve,
    processes.work,
    processes.schedule,
    processes.migrate,
    doctor.doctor,
    connecting.connect,
    sending.send,
    sending.fetch,
    previewing.preview,
    waiting.wait,
    processes.sandbox,
):
    root.command()(command)
for name, group in {
    "site": sites.group,
    "connection": connecting.group,
    "reference": reference.group,
    "sync": sending.group,
    "documents": documents.group,
    "failures": failure_log.group,
    "quota": quota.group,
    "people": people.group,
    "action": acting.group,
}.items():
    root.add_typer(group, name=name)
