"""Checks: every outside party, setting and clock, looked at when somebody asks; each finding with its fix."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from console.actions.findings import Finding, Level
from console.web import Console, Pages, Reading, Visit
from db import reports
from db.database import acting_as
from db.people import Role

WORST_FIRST = (Level.BROKEN, Level.WARNING, Level.NOTE, Level.OK)


def router(console: Console, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    readers = Reading(console)
    Looks = Annotated[Visit, Depends(readers.reading())]  # noqa: N806
    Acts = Annotated[Visit, Depends(readers.changing(Role.OPERATOR))]  # noqa: N806

    def show(visit: Visit, found: Sequence[Finding] = ()) -> Response:
        live = [row for row in console.db.run(reports.connection_names) if row["state"] != "disconnected"]
        groups = {level: [one for one in found if one.level == level] for level in WORST_FIRST}
        return pages.page(visit, "checks.html", groups=groups, looked=bool(found), connections=len(live))

    @routes.get("/checks")
    def page(visit: Looks) -> Response:
        return show(visit)

    @routes.post("/checks")
    def check(visit: Acts) -> Response:
        with acting_as(visit.actor):
            return show(visit, list(console.findings(ask_intacct="ask_intacct" in visit.form)))

    return routes
