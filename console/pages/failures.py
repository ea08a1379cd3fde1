"""Failures: cards by cause, one failure with all that it holds up, and what people do about it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from console.lists import chosen, given_id, query
from console.web import Console, MissingError, Pages, Reading, Visit
from db import console_failures, reports
from db.console_failures import STATES, UNRESOLVED
from schemas.errors import ErrorClass
from schemas.kinds import DOCUMENT_KINDS


def router(console: Console, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    Looks = Annotated[Visit, Depends(Reading(console).reading())]  # noqa: N806

    @routes.get("/failures")
    def listed(visit: Looks) -> Response:
        asked = visit.request.query_params
        state = chosen(asked.get("state"), STATES)
        error_class = chosen(asked.get("class"), list(ErrorClass))
        kind = chosen(asked.get("kind"), DOCUMENT_KINDS)
        connection_id = given_id(asked.get("connection"))
        wanted = {"state": state, "class": error_class, "kind": kind, "connection": connection_id}
        page, names = console.db.run(
            lambda ledger: (
                console_failures.cards(
                    ledger,
                    states=[state] if state else UNRESOLVED,
                    error_class=error_class,
                    kind=kind,
                    connection_id=connection_id,
                    before=given_id(asked.get("before")),
                ),
                reports.connection_names(ledger),
            )
        )
        return pages.page(
            visit,
            "failures.html",
            page=page,
            wanted=wanted,
            connections=names,
            kinds=DOCUMENT_KINDS,
            classes=list(ErrorClass),
            states=STATES,
            first=query("/failures", wanted) if asked.get("before") else None,
            older=query("/failures", {**wanted, "before": page.older}) if page.older else None,
        )

    @routes.get("/failures/{failure_id}")
    def one(visit: Looks, failure_id: int) -> Response:
        return show(visit, failure_id)

    def show(visit: Visit, failure_id: int, status: int = 200, error: str = "") -> Response:
        found = console.db.run(lambda ledger: console_failures.failure(ledger, failure_id))
        if found is None:
            raise MissingError("There is no such failure: see the list.")
        return pages.page(visit, "failure.html", status, f=found, error=error)

    return routes
