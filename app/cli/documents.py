"""`documents`: where every document stands, everything that happened to one, and what people decide about one."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.common import (
    AsJson,
    ConnectionOption,
    DocumentKind,
    IdArgument,
    KindArgument,
    actor,
    busy,
    chosen_id,
    load_connection,
    opened,
    tell,
)
from app.cli.errors import Refusal
from app.cli.output import plain, print_json, print_json_rows, print_table
from schemas.kinds import DocumentState, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.actions.differing import Differing
    from db.connections import Connection
    from db.database import Ledger as Session
    from workers.runtime import Runtime

group = typer.Typer(no_args_is_help=True, help="Documents and their history.")

NEWEST = 50
"""Rows of the list for people."""


@group.command("list")
def list_documents(
    *,
    state: Annotated[DocumentState | None, typer.Option(help="Only those in this state.")] = None,
    kind: Annotated[DocumentKind | None, typer.Option(help="Only those of this kind.")] = None,
    connection: ConnectionOption = None,
    number: Annotated[str | None, typer.Option(help="Only the one with this number.")] = None,
    differs: Annotated[
        bool, typer.Option("--differs", help="Only those that would come out differently today; the reason says where.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List documents, the newest first: all of them with --json, else 50."""
    from db import reports

    if differs:
        _list_differing(connection, lambda row: _is_chosen(row, state=state, kind=kind, number=number), as_json=as_json)
        return

    def show(session: "Session") -> None:
        chosen: dict[str, Any] = {
            "state": state,
            "kind": Kind(kind) if kind else None,
            "connection_id": chosen_id(session, connection),
            "number": number,
        }
        if as_json:
            print_json_rows(reports.documents(session, **chosen))
            return
        rows = list(reports.documents(session, **chosen, limit=NEWEST))
        _print_list(rows)
        more = reports.count_documents(session, **chosen) - len(rows) if len(rows) == NEWEST else 0
        if more > 0:
            typer.echo(f"... and {more:,} more; --json lists all, --state, --kind and --number narrow.")
        elif not rows:
            typer.echo("No documents.")

    with opened() as use:
        use.ledger.db.run(show)


def _is_chosen(row: "Differing", *, state: DocumentState | None, kind: DocumentKind | None, number: str | None) -> bool:
    return (
        (state is None or row.state == state)
        and (kind is None or row.kind == Kind(kind))
        and (number is None or row.number == number)
    )


def _list_differing(connection: str | None, chosen: "Callable[[Differing], bool]", *, as_json: bool) -> None:
    """What would come out differently today; nothing of it is sent by itself."""
    from console.actions.differing import differing
    from db import connections

    with opened() as use:
        every = use.ledger.db.run(lambda session: connections.every(session, use.ledger.vault))
        wanted = use.ledger.db.run(lambda session: chosen_id(session, connection))
        found = [
            row
            for one in every
            if one.state != "disconnected" and wanted in (None, one.id)
            for row in differing(use.ledger.db, one)
            if chosen(row)
        ]
    if as_json:
        print_json(
            [
                {"kind": row.kind, "scoro_id": row.scoro_id, "number": row.number, "state": row.state, "reason": place}
                for row in found
                for place in ["; ".join(row.places)]
            ]
        )
        return
    print_table(
        ("Document", "Number", "State", "Would change"),
        [(f"{row.kind} {row.scoro_id}", row.number, row.state, row.reason) for row in found[:NEWEST]],
    )
    if len(found) > NEWEST:
        typer.echo(f"... and {len(found) - NEWEST:,} more; --json lists all.")
    typer.echo(
        f"{len(found):,} would come out differently; nothing is sent by itself, an edit or `send` does it."
        if found
        else "Nothing would come out differently."
    )


def _print_list(rows: list[dict[str, Any]]) -> None:
    print_table(
        ("Document", "Number", "State", "Amount", "Intacct", "Reason"),
        [
            (
                f"{row['kind']} {row['scoro_id'] or '-'}",
                row["number"],
                row["state"],
                _money(row["amount"], row["currency"]),
                row["intacct_recordno"],
                row["reason"],
            )
            for row in rows
        ],
        right=("Amount",),
    )


def _money(amount: object, currency: str | None) -> str:
    return "" if amount is None else f"{plain(amount)} {currency or ''}".strip()


@group.command()
def show(kind: KindArgument, id: IdArgument, connection: ConnectionOption = None, as_json: AsJson = False) -> None:
    """Show one document: revisions, operations with their requests, notes, history, failures."""
    from db import reports
    from db.why import why

    def read(session: "Session") -> dict[str, Any]:
        found = reports.find_documents(session, Kind(kind), id, chosen_id(session, connection))
        if not found:
            raise Refusal(f"{kind.replace('_', ' ').capitalize()} {id} was never seen.")
        if len(found) > 1:
            names = ", ".join(row["connection"] for row in found)
            raise typer.BadParameter(f"several connections have it, name one with --connection: {names}")
        row = dict(found[0])
        history = reports.document_history(session, row["id"])
        return {**_with_link(row), "why": why(session, row["id"]), **history}

    with opened() as use:
        document = use.ledger.db.run(read)
    if as_json:
        print_json(document)
        return
    _print_document(document)


def _with_link(row: dict[str, Any]) -> dict[str, Any]:
    """The document with its link as an object; the names of the list stay."""
    hidden = {"id", "connection_id", "natural_key", "record_state", "linked_at"}
    link = None
    if row["intacct_object"] is not None:
        link = {
            "object": row["intacct_object"],
            "recordno": row["intacct_recordno"],
            "natural_key": row["natural_key"],
            "state": row["record_state"],
            "linked_at": row["linked_at"],
        }
    return {**{name: value for name, value in row.items() if name not in hidden}, "link": link}


def _print_document(document: dict[str, Any]) -> None:
    link = document["link"]
    facts = {
        "Document": f"{document['kind']} {document['scoro_id']}",
        "Number": document["number"],
        "State": document["state"],
        "Why": document["why"],
        "Amount": _money(document["amount"], document["currency"]),
        "Date": document["document_date"],
        "Connection": document["connection"],
        "Intacct": f"{link['object']} {link['recordno']} ({link['natural_key']})" if link else "not linked",
        "First seen": document["first_seen_at"],
    }
    for name, value in facts.items():
        if value not in ("", None):
            typer.echo(f"{name:<11} {plain(value)}")
    print_table(("No", "Read"), [(r["number"], r["read_at"]) for r in document["revisions"]], title="Revisions")
    print_table(
        ("Revision", "Function", "State", "Total", "Tries", "Made", "Reason"),
        [
            (
                *(o["revision"], f"{o['verb']} {o['object']}", o["state"], o["total"], o["attempts"], o["created_at"]),
                o["reason"],
            )
            for o in document["operations"]
        ],
        title="Operations",
    )
    print_table(
        ("Request", "Purpose", "State", "Left", "Outcome", "Detail"),
        [
            (r["id"], r["purpose"], r["state"], r["left_at"], r["outcome"], r["detail"])
            for o in document["operations"]
            for r in o["requests"]
        ],
        title="Requests",
    )
    print_table(
        ("Verb", "State", "Tries", "Made", "Left", "Settled", "Reason"),
        [
            (w["verb"], w["state"], w["attempts"], w["created_at"], w["first_left_at"], w["settled_at"], w["reason"])
            for w in document["writes"]
        ],
        title="Writes to Scoro",
    )
    print_table(
        ("At", "Revision", "Note"), [(n["at"], n["revision"], n["text"]) for n in document["notes"]], title="Notes"
    )
    print_table(
        ("Id", "State", "Cause", "Fix"),
        [(f["id"], "cleared" if f["cleared_at"] else f["state"], f["cause"], f["fix"]) for f in document["failures"]],
        title="Failures",
    )
    print_table(
        ("At", "Who", "What", "Became", "Detail"),
        [(j["at"], j["actor"], j["subject"], j["to"], j["detail"]) for j in document["timeline"]],
        title="History",
    )


# ------------------------------------------------------------------------------------------------- decisions


@group.command()
def link(
    kind: KindArgument,
    id: IdArgument,
    recordno: Annotated[str, typer.Argument(metavar="RECORDNO", help="Key of the record in Intacct.")],
    anyway: Annotated[
        str | None, typer.Option("--anyway", metavar="REASON", help="Link them although they differ, and note why.")
    ] = None,
    connection: ConnectionOption = None,
) -> None:
    """Say which record of Intacct a document is, after comparing amount, currency and party: one request."""
    from console.actions import documents

    if not recordno.isdecimal():
        raise typer.BadParameter("RECORDNO is a number, the key of the record in Intacct", param_hint="RECORDNO")
    _decide(
        lambda runtime, chosen: documents.link(runtime, chosen, Kind(kind), id, recordno, actor=actor(), anyway=anyway),
        connection,
    )


@group.command()
def unlink(kind: KindArgument, id: IdArgument, connection: ConnectionOption = None) -> None:
    """Part a document from its record: nothing is sent until somebody sends or links it; Intacct is left as it is."""
    from console.actions import documents

    _decide(lambda runtime, chosen: documents.unlink(runtime, chosen, Kind(kind), id, actor=actor()), connection)


@group.command()
def ignore(kind: KindArgument, id: IdArgument, connection: ConnectionOption = None) -> None:
    """Leave a document alone, whatever happens to it in Scoro, until somebody sends or unlinks it."""
    from console.actions import documents

    _decide(lambda runtime, chosen: documents.ignore(runtime, chosen, Kind(kind), id, actor=actor()), connection)


class Choice(StrEnum):
    """Whose content a held document gets."""

    THEIRS = "theirs"
    OURS = "ours"


@group.command()
def keep(
    kind: KindArgument,
    id: IdArgument,
    choice: Annotated[Choice, typer.Argument(help="theirs: as Intacct holds it; ours: as Scoro has it.")],
    connection: ConnectionOption = None,
) -> None:
    """Choose what a document holds that Intacct holds otherwise: what stands there, or what Scoro says: one request."""
    from console.actions import held

    _decide(lambda runtime, chosen: held.keep(runtime, chosen, Kind(kind), id, choice.value, actor=actor()), connection)


@group.command("next-open")
def next_open(kind: KindArgument, id: IdArgument, connection: ConnectionOption = None) -> None:
    """Post a document whose period is closed on the first open day, whatever `closed_period` says."""
    from console.actions import held

    _decide(lambda runtime, chosen: held.next_open(runtime, chosen, Kind(kind), id, actor=actor()), connection)


def _decide(work: "Callable[[Runtime, Connection], list[str]]", named: str | None) -> None:
    from app.wiring import using

    with opened() as use, using(use.settings, use.ledger) as runtime:
        chosen = load_connection(use, named)
        with busy("asking"):
            lines = work(runtime, chosen)
    tell(lines)
