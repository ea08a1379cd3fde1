"""`doctor`: every outside party, setting and clock is looked at; each finding with its fix."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.common import MAX_DATABASE_SESSIONS, AsJson, actor, tell_wait
from app.cli.output import plain, print_json
from schemas.words import count

if TYPE_CHECKING:
    from app.settings import Settings
    from console.actions.findings import Finding

MARKS = {"ok": "✓", "note": "·", "warning": "!", "broken": "✗"}


def doctor(
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask Intacct too, which takes one request of each connection.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check every outside party, setting and clock, and print each finding with its fix; 1 if something is broken."""
    found = []
    for finding in _findings(yes=yes, may_ask=not as_json and sys.stdin.isatty()):
        found.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        print_json([{"about": f.about, "level": f.level, "says": f.says, "fix": f.fix} for f in found])
    wrong = sum(finding.level == "broken" for finding in found)
    if not as_json:
        warnings = sum(finding.level == "warning" for finding in found)
        typer.echo(f"{count(wrong, 'thing')} broken, {count(warnings, 'warning')}.")
    if wrong:
        raise typer.Exit(1)


def _print(finding: "Finding") -> None:
    typer.echo(f"{MARKS[finding.level]} {plain(finding.about)}: {plain(finding.says)}")
    if finding.fix:
        typer.echo(f"    {plain(finding.fix)}")


def _findings(*, yes: bool, may_ask: bool) -> Iterator["Finding"]:
    import logging

    from app import checkup, logs
    from app.settings import EnvironmentFault, load_settings
    from console.actions.findings import broken

    try:
        settings = load_settings()
    except EnvironmentFault as error:
        yield broken("environment", str(error), "Correct it in .env or in the environment; .env.example explains it.")
        return
    logs.configure(settings.log_format, "ERROR")
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    yield from checkup.environment(settings)
    yield from _ledger(settings, yes=yes, may_ask=may_ask)


def _ledger(settings: "Settings", *, yes: bool, may_ask: bool) -> Iterator["Finding"]:
    """The database, and all that stands in it."""
    from app import checkup
    from app.services.errors import ServiceError
    from app.settings import EnvironmentFault
    from app.wiring import open_ledger, using
    from console.actions import doctor
    from console.actions.findings import broken
    from db import reports
    from db.vault import VaultError

    if settings.database_url:
        found = list(checkup.database(settings, settings.database_url, "the server at DATABASE_URL"))
        yield from found
        if any(finding.level == "broken" for finding in found):
            return
    try:
        with open_ledger(settings, actor=actor(), on_wait=tell_wait, pool_size=MAX_DATABASE_SESSIONS) as ledger:
            yield from checkup.opened(settings, ledger)
            with using(settings, ledger) as runtime:
                live = [row for row in ledger.db.run(reports.connection_names) if row["state"] != "disconnected"]
                yield from doctor.check(runtime, ask_intacct=yes or (may_ask and _agrees(len(live))))
    except (EnvironmentFault, ServiceError, VaultError) as error:
        yield broken("ledger", str(error), "As the sentence says.")


def _agrees(connections: int) -> bool:
    if not connections:
        return False
    price = f"Asking Intacct takes {count(connections, 'request')}."
    return typer.confirm(f"{price} Ask it?", default=False, err=True)
