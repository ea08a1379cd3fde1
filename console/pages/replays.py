"""Replays: documents that somebody tries again together, how far they are, and stopping one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from console.actions import failures as actions
from console.errors import EXPECTED, sentence
from console.web import Console, Pages, Reading, Visit
from db import replays
from db.people import Role


def router(console: Console, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    readers = Reading(console)
    Looks = Annotated[Visit, Depends(readers.reading())]  # noqa: N806
    Acts = Annotated[Visit, Depends(readers.changing(Role.OPERATOR))]  # noqa: N806

    def show(visit: Visit, status: int = 200, error: str = "") -> Response:
        return pages.page(visit, "replays.html", status, rows=console.db.run(replays.listed), error=error)

    @routes.get("/replays")
    def listed(visit: Looks) -> Response:
        return show(visit)

    @routes.get("/live/replays")
    def live(visit: Looks) -> Response:
        return pages.part(visit, "_replays.html", rows=console.db.run(replays.listed))

    @routes.post("/replays/{replay_id}/cancel")
    def cancel(visit: Acts, replay_id: int) -> Response:
        try:
            said = actions.cancel(console.db, replay_id, actor=visit.actor)
        except EXPECTED as error:
            return show(visit, 422, sentence(error))
        return pages.done(visit, "/replays", said)

    return routes
