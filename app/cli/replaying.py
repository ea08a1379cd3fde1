"""`failures replay|replays|cancel|discard|resolve|comment|mail`: what people do about failures."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import failures as listing
from app.cli.common import AsJson, ConnectionOption, DocumentKind, Yes, actor, agree, chosen_id, opened
from app.cli.failures import FailureArgument
from app.cli.output import plain, print_json, print_table
from schemas.kinds import Kind

if TYPE_CHECKING:
    from app.cli.common import Opened
    from console.actions.failures import Plan

group = listing.group
"""The commands of failures, those here and those that look."""

MAX_EDITED_BYTES = 2_000_000

Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept with it.")]


def since_option(text: str | None) -> datetime | None:
    """A moment as people type it: an instant or day in ISO form, in UTC without a zone, or `90m`, `36h`, `7d` ago."""
    if text is None:
        return None
    units = {"m": "minutes", "h": "hours", "d": "days"}
    if text[:-1].isdigit() and text[-1:] in units and len(text) < 8:
        return datetime.now(UTC) - timedelta(**{units[text[-1]]: int(text[:-1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no moment such as 2026-03-01T09:00, 2026-03-01 or 36h") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@group.command()
def replay(  # noqa: PLR0917  (options, each named by people)
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", min=1, help="Failures.")] = None,
    cause: Annotated[str | None, typer.Option(help="Those with this code, or with this in their cause.")] = None,
    kind: Annotated[DocumentKind | None, typer.Option(help="Only documents of this kind.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="T", help="Only what failed since: 2026-03-01T09:00, 36h.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is unresolved.")] = False,
    stored: Annotated[bool, typer.Option("--stored", help="Send what was refused once more, unread.")] = False,
    edited: Annotated[str | None, typer.Option(metavar="F", help="Send this function instead, a file of XML.")] = None,
    connection: ConnectionOption = None,
    why: Why = "",
    yes: Yes = False,
) -> None:
    """Try again what failed: by default every document is read again in Scoro and translated anew."""
    if not (ids or cause or kind or since or everything):
        raise typer.BadParameter("say what: failures by id, --cause, --kind, --since or --all")
    if edited is not None and (stored or len(ids or []) != 1 or cause or kind or since or everything):
        raise typer.BadParameter("--edited takes the id of one failure and nothing else")
    from console.actions import failures

    moment = since_option(since)
    with opened() as use:
        db = use.ledger.db
        if edited is not None:
            agreed = failures.plan_edited(db, (ids or [0])[0], _read_text(edited))
        else:
            agreed = failures.plan(
                db,
                failure_ids=ids or None,
                cause=cause,
                kind=Kind(kind) if kind else None,
                since=moment,
                connection_id=db.run(lambda session: chosen_id(session, connection)),
                stored=stored,
            )
        for line in agreed.skipped:
            typer.echo(plain(line), err=True)
        agree(f"Replay: {agreed.text}", yes=yes)
        _start(use, agreed, why)


def _start(use: "Opened", agreed: "Plan", why: str) -> None:
    from console.actions import failures

    replay_id = failures.replay(use.ledger.db, agreed, why=why, actor=actor())
    typer.echo(f"Replay {replay_id}: {agreed.text} `scoro-intacct failures replays` shows how far it is.")


def _read_text(file: str) -> str:
    try:
        if file == "-":
            content = typer.get_binary_stream("stdin").read(MAX_EDITED_BYTES + 1)
        else:
            with Path(file).open("rb") as source:
                content = source.read(MAX_EDITED_BYTES + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}", param_hint="--edited") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is no text in UTF-8", param_hint="--edited") from None
    if len(content) > MAX_EDITED_BYTES:
        raise typer.BadParameter(f"{file} is larger than {MAX_EDITED_BYTES:,} bytes", param_hint="--edited")
    return text


@group.command("replays")
def list_replays(as_json: AsJson = False) -> None:
    """List the newest 50 replays, with how far they are."""
    from db import replays

    with opened() as use:
        rows = use.ledger.db.run(replays.listed)
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo("No replays.")
    print_table(
        ("Id", "State", "Who", "How", "How far", "Why"),
        [(r["id"], r["state"], r["actor"], r["how"], _how_far(r), r["why"]) for r in rows],
        right=("Id",),
    )


def _how_far(row: Mapping[str, Any]) -> str:
    counts = ("settled", "failed_again", "held", "cancelled", "under_way")
    told = [f"{row[name]:,} {name.replace('_', ' ')}" for name in counts if row[name]]
    return f"{', '.join(told)} of {row['documents']:,}"


@group.command()
def cancel(id: Annotated[int, typer.Argument(metavar="REPLAY", min=1)]) -> None:
    """Stop a replay: what is not on its way yet stays as it was."""
    from console.actions import failures

    with opened() as use:
        typer.echo(failures.cancel(use.ledger.db, id, actor=actor()))


@group.command()
def discard(id: FailureArgument, why: Why = "") -> None:
    """Let the documents of a failure be; the next one with the same cause opens it again."""
    _settle(id, "discarded", why)


@group.command()
def resolve(id: FailureArgument, why: Why = "") -> None:
    """Call a failure over, as somebody has put it right by hand."""
    _settle(id, "resolved", why)


def _settle(failure_id: int, state: str, why: str) -> None:
    from console.actions import failures

    with opened() as use:
        typer.echo(failures.settle(use.ledger.db, failure_id, state, why=why, actor=actor()))


@group.command()
def comment(id: FailureArgument, text: Annotated[str, typer.Argument(metavar="TEXT")]) -> None:
    """Say something about a failure, for whoever looks next."""
    from console.actions import failures

    with opened() as use:
        typer.echo(failures.comment(use.ledger.db, id, text, actor=actor()))


@group.command()
def mail(
    id: FailureArgument,
    event: Annotated[str, typer.Option(help="opened, digest or cleared.")] = "opened",
    html: Annotated[bool, typer.Option("--html", help="Show the HTML instead of the text.")] = False,
) -> None:
    """Show the mail that would be sent of a failure; nothing is sent."""
    if event not in {"opened", "digest", "cleared"}:
        raise typer.BadParameter("one of opened, digest, cleared", param_hint="--event")
    from console.actions import failures

    with opened() as use:
        recipients = _recipients(use, id)
        made = failures.preview_mail(use.ledger.db, id, event, use.settings.public_url)
    typer.echo(f"To: {', '.join(recipients) or 'nobody: set notify.emails of the connection'}")
    typer.echo(f"Subject: {made.subject}\n\n{made.html if html else made.plain}")


def _recipients(use: "Opened", failure_id: int) -> list[str]:
    from db import mails

    return use.ledger.db.run(lambda session: mails.recipients(session, failure_id))
