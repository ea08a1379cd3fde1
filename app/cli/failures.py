"""`failures list|show`: what a person must know of, one cause with the documents and the money it holds up."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.common import AsJson, ConnectionOption, DocumentKind, chosen_id, opened
from app.cli.errors import Refusal
from app.cli.output import KEEPS_LINES, plain, print_json, print_table
from schemas.kinds import Kind
from schemas.money import told
from schemas.words import count

if TYPE_CHECKING:
    from db.database import Ledger as Session

group = typer.Typer(no_args_is_help=True, help="What failed, why, and what to do.")

FailureArgument = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1, help="The failure.")]

FEW = 3
"""Documents named in the list for people."""


class FailureState(StrEnum):
    """Where a failure stands."""

    OPEN = "open"
    WAITING = "waiting"
    RESOLVED = "resolved"
    DISCARDED = "discarded"


UNRESOLVED = (FailureState.OPEN, FailureState.WAITING)


@group.command("list")
def list_failures(
    state: Annotated[FailureState | None, typer.Option(help="Only those in this state.")] = None,
    kind: Annotated[DocumentKind | None, typer.Option(help="Only those that hold up documents of this kind.")] = None,
    connection: ConnectionOption = None,
    as_json: AsJson = False,
) -> None:
    """List failures: with --json all of them, else those that are not resolved."""
    from db import reports

    def read(session: "Session") -> list[dict[str, Any]]:
        states = [state] if state else None if as_json else UNRESOLVED
        return reports.failures(
            session,
            states=states,
            kind=Kind(kind) if kind else None,
            connection_id=chosen_id(session, connection),
        )

    with opened() as use:
        rows = use.ledger.db.run(read)
    if as_json:
        print_json([{name: row[name] for name in reports.FAILURE_FIELDS} for row in rows])
        return
    if not rows:
        typer.echo("No failures.")
        return
    print_table(
        ("Id", "State", "Documents", "Money", "Cause", "Fix", "Who can fix it"),
        [
            (
                *(row["id"], row["state"], _few(row["documents"]), told(row["money"])),
                *(row["cause"], row["fix"], row["who"]),
            )
            for row in rows
        ],
        right=("Id",),
    )


def _few(documents: list[str]) -> str:
    named = ", ".join(documents[:FEW])
    return f"{named} and {len(documents) - FEW} more" if len(documents) > FEW else named


def _print_sent(letter: Mapping[str, Any]) -> None:
    """What one dead letter holds: comments are XML's own, so that what is printed can be edited and sent."""
    what = letter["document"] or "message"
    typer.echo(f"<!-- {plain(what).replace('--', '- -')}, try {letter['attempt']}, {plain(letter['at'])} -->")
    for name in ("sent", "answered"):
        if letter[name]:
            text = letter[name].translate(KEEPS_LINES)
            typer.echo(text if name == "sent" else f"<!-- answered: {text.replace('--', '- -')} -->")


@group.command()
def show(
    id: FailureArgument,
    sent: Annotated[bool, typer.Option("--sent", help="Print what was sent and answered, as XML.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one failure with every document in it."""
    from db import reports

    with opened() as use:
        found = use.ledger.db.run(lambda session: reports.failure(session, id))
    if found is None:
        raise Refusal(f"There is no failure {id}: see `scoro-intacct failures list`.")
    if as_json:
        print_json(found)
        return
    if sent:
        for letter in found["letters"]:
            _print_sent(letter)
        return
    facts = {
        "Failure": f"{found['id']}, {found['state']}",
        "Cause": found["cause"],
        "Fix": found["fix"],
        "Who": found["who"],
        "Then": found["then"],
        "Class": f"{found['class']}, {found['code']}",
        "Connection": found["connection"],
        "Holds up": f"{count(found['count'], 'document')}{': ' if found['money'] else ''}{told(found['money'])}",
        "First seen": found["first_seen_at"],
        "Last seen": found["last_seen_at"],
    }
    for name, value in facts.items():
        if value not in ("", None):
            typer.echo(f"{name:<11} {plain(value)}")
    print_table(
        ("Document", "Number", "State", "Last tried", "Cause"),
        [
            (
                letter["document"],
                letter["number"],
                "cleared" if letter["cleared_at"] else letter["state"],
                letter["at"],
                letter["cause"],
            )
            for letter in found["letters"]
        ],
        title="Documents" if found["letters"] and found["letters"][0]["document"] else "What happened",
    )
    print_table(
        ("At", "Mail", "To", "State", "Reason"),
        [(m["sent_at"] or m["made_at"], m["event"], m["recipient"], m["state"], m["reason"]) for m in found["mails"]],
        title="Mails",
    )
    print_table(
        ("At", "Who", "Became", "Detail"),
        [(j["at"], j["actor"], j["to"], j["detail"]) for j in found["timeline"]],
        title="History",
    )
