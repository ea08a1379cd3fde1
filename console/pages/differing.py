"""What would come out differently today: gone through while the reader watches, as far as half a minute reaches."""

import time
from collections.abc import Iterator
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Response

from console.actions import differing
from console.actions.differing import Look
from console.lists import given_id
from console.web import Console, Pages, Reading, Visit
from db import reports
from db.connections import Connection
from db.database import LEDGER_LOST

log = structlog.get_logger(__name__)

LONGEST_S = 30.0
"""A page goes through documents for so long; a link goes on from there."""
MOST_SHOWN = 200


class Walk:
    """Goes through a connection's documents for one page; afterwards it knows how many, and where to go on."""

    def __init__(self, console: Console, connection: Connection, before: int | None) -> None:
        self._looks = differing.looks(console.db, connection, before)
        self.connection = connection
        self.looked_at = 0
        self.found = 0
        self.before = before
        self.stopped = False
        """The ledger was lost on the way."""

    def __iter__(self) -> Iterator[Look]:
        """Look after look, until the end, the time or the room on the page."""
        give_up_at = time.monotonic() + LONGEST_S
        try:
            for look in self._looks:
                self.looked_at += look.looked_at
                self.found += len(look.found)
                self.before = look.before
                yield look
                if self.found >= MOST_SHOWN or time.monotonic() > give_up_at:
                    return
            self.before = None
        except LEDGER_LOST as error:  # the answer has begun: only the page itself can still say so
            log.warning("console.ledger_lost", error=str(error).strip())
            self.stopped = True


def router(console: Console, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    Looks = Annotated[Visit, Depends(Reading(console).reading())]  # noqa: N806

    @routes.get("/documents/differing")
    def page(visit: Looks) -> Response:
        asked = visit.request.query_params
        names = [row for row in console.db.run(reports.connection_names) if row["state"] != "disconnected"]
        connection_id = given_id(asked.get("connection"))
        if connection_id is None:
            return pages.page(visit, "differing.html", connections=names, chosen=None, walk=None)
        walk = Walk(console, console.connection(connection_id), given_id(asked.get("before")))
        return pages.slowly(visit, "differing.html", connections=names, chosen=connection_id, walk=walk)

    return routes
