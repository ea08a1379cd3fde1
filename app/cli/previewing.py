"""`preview`: a document as it would be sent now, without sending or keeping anything."""

import typer

from app.cli.common import AsJson, ConnectionOption, IdArgument, KindArgument, busy, load_connection, opened, synced
from app.cli.output import plain, print_json


def preview(kind: KindArgument, id: IdArgument, connection: ConnectionOption = None, as_json: AsJson = False) -> None:
    """Translate a document now; print the exact XML and what would differ in Intacct. No request is used."""
    from app.wiring import using
    from console.actions import previewing

    wanted = synced(kind)
    with opened() as use, using(use.settings, use.ledger) as runtime:
        chosen = load_connection(use, connection)
        with busy(f"reading {wanted} {id}"):
            made = previewing.preview(runtime, chosen, wanted, id)
    if as_json:
        print_json(
            {
                "kind": wanted,
                "scoro_id": id,
                "verb": made.verb,
                "functions": made.functions,
                "notes": made.notes,
                "differences": made.differences,
            }
        )
        return
    for function in made.functions:
        typer.echo(function)
    for place in made.differences or ():
        typer.echo(f"differs: {plain(place)}", err=True)
    if made.differences == ():
        typer.echo("Nothing would differ from what Intacct was told last.", err=True)
    for note in made.notes:
        typer.echo(f"note: {plain(note)}", err=True)
