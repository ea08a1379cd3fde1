"""Addresses of quick actions: a connection's, each acting in one person's name until it is ended."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from console.actions import quick
from console.errors import EXPECTED, sentence
from console.lists import chosen, given_id
from console.web import Console, Pages, Reading, Visit
from db import action_addresses
from db.people import Role
from schemas.kinds import DOCUMENT_KINDS, Kind

ACTIONS = ("send", "fetch")
LONGEST_DAYS = 36_500


def router(console: Console, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    readers = Reading(console)
    Looks = Annotated[Visit, Depends(readers.reading())]  # noqa: N806
    Sets = Annotated[Visit, Depends(readers.changing(Role.ADMIN))]  # noqa: N806

    def show(visit: Visit, connection_id: int, status: int = 200, **more: Any) -> Response:
        connection = console.connection(connection_id)
        rows = console.db.run(lambda ledger: action_addresses.every(ledger, connection_id))
        shown = {"error": "", "typed": {}, "address": "", "address_of": "", **more}
        return pages.page(
            visit,
            "quick_actions.html",
            status,
            c=connection,
            rows=rows,
            kinds=DOCUMENT_KINDS,
            actions=ACTIONS,
            reachable=console.public_url is not None,
            **shown,
        )

    @routes.get("/connections/{connection_id}/quick-actions")
    def listed(visit: Looks, connection_id: int) -> Response:
        return show(visit, connection_id)

    @routes.post("/connections/{connection_id}/quick-actions")
    def make(visit: Sets, connection_id: int) -> Response:
        form = visit.form
        try:
            kind = chosen(form.get("kind"), DOCUMENT_KINDS)
            made = quick.make_address(
                console.db,
                console.vault,
                console.connection(connection_id),
                user=form.get("user", ""),
                action=chosen(form.get("action"), ACTIONS) or "send",
                kind=Kind(kind) if kind else None,
                days=_days(form.get("days", "").strip()),
                actor=visit.actor,
            )
        except EXPECTED as error:
            return show(visit, connection_id, 422, error=sentence(error), typed=form)
        address = f"{console.address(visit.request)}/actions/{made.signed}"
        return show(visit, connection_id, address=address, address_of=form.get("user", "").strip())

    @routes.post("/connections/{connection_id}/quick-actions/{address_id}/revoke")
    def revoke(visit: Sets, connection_id: int, address_id: int) -> Response:
        try:
            user = quick.revoke_address(console.db, address_id, actor=visit.actor)
        except EXPECTED as error:
            return show(visit, connection_id, 422, error=sentence(error))
        said = f"Address {address_id} of {user} acts no more."
        return pages.done(visit, f"/connections/{connection_id}/quick-actions", said)

    return routes


def _days(text: str) -> int | None:
    """After how many days it ends; None for never."""
    if not text:
        return None
    days = given_id(text)
    if days is None or not 1 <= days <= LONGEST_DAYS:
        raise quick.NotPossibleError(f"Days are a number from 1 to {LONGEST_DAYS:,}: type one, or nothing for no end.")
    return days
