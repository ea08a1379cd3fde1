"""The addresses of the JSON API that do something: each calls what the pages and commands call."""

from typing import Annotated, Any, Literal

from fastapi import FastAPI
from pydantic import Field

from console.actions import connecting, going_live, quick, settings, syncing
from console.actions import failures as failing
from console.api.models import AddressWanted, Done, Finding, MadeAddress, ReplayAnswer, ReplayWanted, Words
from console.api.parameters import Id, OfConnection
from console.web import Console, PageError
from db import reports
from db.database import acting_as
from schemas.kinds import Kind


def acts(app: FastAPI, console: Console, Acts: Any, Sets: Any) -> None:  # noqa: N803
    """Add the addresses that do something."""

    @app.post("/documents/{kind}/{scoro_id}/send")
    def send(token: Acts, kind: Kind, scoro_id: Id, connection: OfConnection = None) -> Done:
        """Read one document again now, ahead of everything else, and send it if it differs."""
        rows = [row["id"] for row in console.db.run(reports.connections) if row["state"] != "disconnected"]
        if connection is None and len(rows) != 1:
            raise PageError("There are several connections, or none: name one with ?connection=ID.")
        chosen = console.connection(connection or rows[0])
        quick.send(console.db, chosen, kind, scoro_id, user=token.name, actor=token.actor)
        return Done(done=[f"{kind.value} {scoro_id} is read again now, and sent if it differs."])

    @app.post("/failures/replay")
    def replay(token: Acts, wanted: ReplayWanted) -> ReplayAnswer:
        """Try failures again, once the price is agreed to."""
        plan = failing.plan(console.db, failure_ids=wanted.failures, stored=wanted.stored)
        number = failing.replay(console.db, plan, why=wanted.why, actor=token.actor) if wanted.agreed else None
        return ReplayAnswer(price=plan.text, documents=len(plan.items), requests=plan.requests, replay=number)

    @app.post("/replays/{replay_id}/cancel")
    def cancel(token: Acts, replay_id: Id) -> Done:
        """Stop a replay; what is on its way already goes on."""
        return Done(done=[failing.cancel(console.db, replay_id, actor=token.actor)])

    @app.post("/failures/{failure_id}/{action}")
    def settle(token: Acts, failure_id: Id, action: Literal["resolve", "discard", "comment"], words: Words) -> Done:
        """Call a failure over, let its documents be, or say something about it."""
        if action == "comment":
            return Done(done=[failing.comment(console.db, failure_id, words.why, actor=token.actor)])
        state = {"resolve": "resolved", "discard": "discarded"}[action]
        return Done(done=[failing.settle(console.db, failure_id, state, why=words.why, actor=token.actor)])

    @app.post("/connections/{connection_id}/sync")
    def sync(token: Acts, connection_id: Id) -> Done:
        """Read everything that Scoro lists again."""
        return Done(done=[syncing.sync_now(console.runtime, console.connection(connection_id), actor=token.actor)])

    @app.post("/connections/{connection_id}/pause")
    def pause(token: Acts, connection_id: Id) -> Done:
        """Send nothing until it is resumed."""
        with acting_as(token.actor):
            return Done(done=connecting.pause(console.db, console.connection(connection_id), f"paused by {token.name}"))

    @app.post("/connections/{connection_id}/resume")
    def resume(token: Acts, connection_id: Id) -> Done:
        """Go on after a pause or a break."""
        with acting_as(token.actor):
            return Done(done=connecting.resume(console.db, console.connection(connection_id)))

    @app.post("/connections/{connection_id}/go-live")
    def go_live(token: Sets, connection_id: Id) -> Done:
        """Start sending what was rehearsed."""
        with acting_as(token.actor):
            return Done(done=going_live.go_live(console.db, console.connection(connection_id)))

    @app.patch("/connections/{connection_id}/settings")
    def change(
        token: Sets,
        connection_id: Id,
        wanted: dict[
            Annotated[str, Field(max_length=200)],
            Annotated[str, Field(max_length=2000, description="As it is typed; empty unsets.")],
        ],
    ) -> Done:
        """Change settings by their dotted keys: all of them or none."""
        chosen = console.connection(connection_id)
        return Done(done=settings.change_as(console.db, chosen.id, list(wanted.items()), actor=token.actor))

    @app.post("/connections/{connection_id}/actions")
    def make_address(token: Sets, connection_id: Id, wanted: AddressWanted) -> MadeAddress:
        """Make an address that acts in somebody's name; it is answered this once."""
        made = quick.make_address(
            console.db,
            console.vault,
            console.connection(connection_id),
            user=wanted.user,
            action=wanted.action,
            kind=wanted.kind,
            days=wanted.days,
            actor=token.actor,
        )
        return MadeAddress(id=made.id, path=f"/actions/{made.signed}")

    @app.post("/actions/{address_id}/revoke")
    def revoke_address(token: Sets, address_id: Id) -> Done:
        """End an address."""
        user = quick.revoke_address(console.db, address_id, actor=token.actor)
        return Done(done=[f"Address {address_id} of {user} acts no more."])

    @app.post("/checks")
    def checks(token: Acts, *, ask_intacct: bool = False) -> list[Finding]:
        """Look at every outside party, setting and clock; asking Intacct takes one request of each connection."""
        with acting_as(token.actor):
            return [Finding.model_validate(found) for found in console.findings(ask_intacct=ask_intacct)]
