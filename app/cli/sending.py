"""`send` and `sync now`: what a person asks for goes on its way."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import waiting
from app.cli.common import (
    ConnectionOption,
    DocumentKind,
    IdArgument,
    KindArgument,
    Opened,
    Yes,
    actor,
    agree,
    busy,
    load_connection,
    opened,
    synced,
)
from app.cli.errors import Refusal
from app.cli.output import on_terminal
from schemas.document_types import SYNCED_KINDS
from schemas.kinds import Kind
from schemas.words import count

if TYPE_CHECKING:
    from console.actions.syncing import Listing
    from db.connections import Connection
    from workers.runtime import Runtime

SEND_TIMEOUT_S = 30.0
STEP_S = 0.1
SYNC_TIMEOUT_S = 3600.0
NO_WORKER = "is not posted yet: no worker has taken it; is `scoro-intacct up` or `work` running?"
MAX_USER = 100

group = typer.Typer(no_args_is_help=True, help="Read everything again.")


@group.callback()
def about() -> None:
    """Read everything again."""


# ------------------------------------------------------------------------------------------------- one document


def send(
    kind: KindArgument,
    id: IdArgument,
    user: Annotated[str | None, typer.Option("--as", metavar="USER", help="Who asks for it, for the journal.")] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for what becomes of it.")] = False,
    connection: ConnectionOption = None,
) -> None:
    """Send one document now, ahead of everything else; waits up to 30 s for it to be posted."""
    from console.actions import quick
    from db import waits

    wanted = synced(kind)
    who = _acting(user)
    with opened() as use:
        chosen = load_connection(use, connection)
        quick.send(use.ledger.db, chosen, wanted, id, user=_user(user), actor=who)
        if no_wait:
            typer.echo(f"{_title(wanted, id)} is on its way.")
            return
        document_id, change_id = use.ledger.db.run(
            lambda session: waits.newest_change(session, chosen.id, wanted.module, id)
        )
        with busy(f"sending {_title(wanted, id)}"):
            verdict = _follow(use, document_id, change_id)
    if not verdict.posted:
        raise Refusal(f"{_title(wanted, id)} {verdict.text}")
    typer.echo(f"{_title(wanted, id)} {verdict.text}")


def fetch(
    kind: KindArgument,
    id: IdArgument,
    user: Annotated[str | None, typer.Option("--as", metavar="USER", help="Who asks for it, for the journal.")] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for what becomes of it.")] = False,
    connection: ConnectionOption = None,
) -> None:
    """Fetch from Intacct what belongs to one document: its payments, or a bill itself; waits up to 30 s for it."""
    from console.actions import fetching, quick

    wanted, who = Kind(kind), _acting(user)
    with opened() as use:
        chosen = load_connection(use, connection)
        asked = quick.fetch(use.ledger.db, chosen, wanted, id, user=_user(user), actor=who)
        if no_wait:
            typer.echo(f"{_title(wanted, id)} is being fetched.")
            return
        give_up_at = time.monotonic() + SEND_TIMEOUT_S
        with busy(f"fetching {_title(wanted, id)}"):
            while True:
                found = use.ledger.db.run(lambda session: fetching.judge(session, asked))
                if found.final or time.monotonic() > give_up_at:
                    break
                time.sleep(STEP_S)
    if not found.done:
        raise Refusal(f"{_title(wanted, id)} {found.text}")
    typer.echo(f"{_title(wanted, id)} {found.text}")


def _acting(user: str | None) -> str:
    """Who stands in the journal: who types, and in whose name."""
    if user is None:
        return actor()
    if not user.strip() or len(user) > MAX_USER or not user.isprintable():
        raise typer.BadParameter(f"--as takes a user's name of at most {MAX_USER} characters")
    return f"{actor()} as {user.strip()}"


def _user(user: str | None) -> str:
    """Who wants a quick action: the one in whose name it is asked for, else who types."""
    return user or actor().removeprefix("cli:")


def _title(kind: Kind, scoro_id: int) -> str:
    return f"{kind.replace('_', ' ').capitalize()} {scoro_id}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a document that was sent; `final` where waiting longer changes nothing."""

    text: str
    posted: bool = False
    final: bool = True


def _follow(use: Opened, document_id: int, change_id: int) -> Verdict:
    """Wait until the document is posted or refused, or the time is over."""
    from db import waits

    give_up_at = time.monotonic() + SEND_TIMEOUT_S
    while True:
        verdict = judge(use.ledger.db.run(lambda session: waits.outcome(session, document_id, change_id)))
        if verdict.final or time.monotonic() > give_up_at:
            return verdict
        time.sleep(STEP_S)


def judge(row: dict[str, Any]) -> Verdict:
    """Read `db.waits.outcome`."""
    if row["connection_state"] == "disconnected":
        return Verdict(f"is not sent: {row['connection']} is disconnected.")
    if row["pending"] is not None:
        return _judge_pending(row)
    state = row["state"]
    if state in {"posted", "linked"}:
        changed = "is posted" if row["settled_since"] else "is up to date, nothing had to change"
        return Verdict(f"{changed}: {row['object']} {row['record_no']}, number {row['number']}.", posted=True)
    if state == "failed":
        return Verdict(f"is refused: {row['cause'] or row['reason']} {row['fix'] or ''}".rstrip())
    if state not in {"waiting", "sending", "uncertain"}:
        return Verdict(f"is not sent, it is {state}: {row['reason'] or 'see documents show'}")
    if row["operation_state"] == "waiting_prerequisite" and row["needed"] is not None:
        return Verdict(f"is not posted yet: it needs {row['needed']}, which failed: {row['needed_reason']}")
    return Verdict(f"is not posted yet: {_operation_reason(row) or f'it is {state}'}", final=bool(row["waits_for"]))


def _judge_pending(row: dict[str, Any]) -> Verdict:
    """The document is still to be read: at once, or once its last write is no longer in doubt."""
    if row["operation_state"] in {"sending", "uncertain"}:
        reason = _operation_reason(row) or "its last write is not answered yet"
        return Verdict(f"is not posted yet: {reason}", final=bool(row["waits_for"]))
    if not row["pending_attempts"]:
        return Verdict(NO_WORKER, final=False)
    return Verdict(f"is not posted yet: {row['pending_reason'] or 'it is being read'}", final=False)


def _operation_reason(row: dict[str, Any]) -> str:
    if row["waits_for"] == "connection":
        state = "in rehearsal" if row["connection_state"] == "rehearsal" else row["connection_state"]
        then = "connection go-live" if row["connection_state"] == "rehearsal" else "connection resume"
        return f"{row['connection']} is {state}, nothing is sent until `scoro-intacct {then}`."
    return str(row["operation_reason"] or "")


# ------------------------------------------------------------------------------------------------- everything


@group.command()
def now(
    connection: ConnectionOption = None,
    kind: Annotated[DocumentKind | None, typer.Option(help="Only documents of this kind.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until nothing is on its way any more.")] = False,
    yes: Yes = False,
) -> None:
    """Read every document that Scoro lists and send what differs; look at what is new in Intacct."""
    from app.wiring import using
    from console.actions import fetching, syncing

    with opened() as use, using(use.settings, use.ledger) as runtime:
        chosen = load_connection(use, connection)
        if chosen.state == "disconnected":
            raise Refusal(f"{chosen.name} is disconnected: connect it again first.")
        inbound = kind is not None and fetching.is_inbound(chosen, Kind(kind))
        kinds = [] if inbound else [synced(kind)] if kind else list(SYNCED_KINDS)
        kinds = [wanted for wanted in kinds if not fetching.is_inbound(chosen, wanted)]
        if kinds:
            listing = _look(runtime, chosen, kinds)
            agree(syncing.price(use.ledger.db, chosen, listing), yes=yes)
            typer.echo(f"Asked to read {count(_capture(use, chosen, listing), 'document')} again.")
        if inbound or (kind is None and chosen.state == "active"):
            try:
                fetching.pull_now(use.ledger.db, chosen, Kind(kind) if kind else Kind.RECEIPT, actor())
                typer.echo("Intacct is looked at for what is new.")
            except fetching.FetchError as error:
                if inbound:
                    raise Refusal(str(error)) from None
        left = waiting.until_still(use, SYNC_TIMEOUT_S) if wait else []
    for line in (waiting.describe(one) for one in left if one.waits_for):
        typer.echo(line)
    if moving := [one for one in left if not one.waits_for]:
        raise Refusal(f"Still on their way: {waiting.summary(moving)}.")


@group.command()
def background(
    connection: ConnectionOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Agree to what is changed in Scoro.")] = False,
) -> None:
    """Read accounts, tax rates, dimensions and customers again, from both sides, and bring Scoro's in step."""
    from app.cli.connecting import bring_in_step
    from app.wiring import using
    from console.actions.connecting import read_background

    with opened() as use, using(use.settings, use.ledger) as runtime:
        chosen = load_connection(use, connection)
        with busy("reading both sides"):
            lines = read_background(runtime, chosen)
        for line in lines:
            typer.echo(line)
        bring_in_step(runtime, chosen, yes=yes)


def _look(runtime: "Runtime", connection: "Connection", kinds: list[Kind]) -> "Listing":
    """Ask Scoro what there is, with a count on a terminal."""
    from console.actions import syncing

    if not on_terminal():
        return syncing.look(runtime, connection, kinds)
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("Scoro lists {task.completed} documents"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("", total=None)
        return syncing.look(runtime, connection, kinds, lambda seen: bars.update(bar, completed=seen))


def _capture(use: Opened, connection: "Connection", listing: "Listing") -> int:
    """Capture what Scoro lists, with a bar on a terminal; returns how many documents."""
    from console.actions import syncing

    if not on_terminal():
        return syncing.capture(use.ledger.db, connection, listing, actor=actor())
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("asked to read again"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("", total=listing.count)
        return syncing.capture(
            use.ledger.db, connection, listing, actor=actor(), tell=lambda done: bars.update(bar, completed=done)
        )
