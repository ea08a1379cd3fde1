"""Requests to Intacct, one request, and the journal."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from console import xml
from console.lists import chosen, given_id, query
from console.web import Console, MissingError, Pages, Reading, Visit
from db import console_requests, reports
from db.console_requests import RESULTS, SUBJECTS
from schemas.kinds import Purpose


def router(console: Console, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    Looks = Annotated[Visit, Depends(Reading(console).reading())]  # noqa: N806

    @routes.get("/requests")
    def requests(visit: Looks) -> Response:
        asked = visit.request.query_params
        purpose = chosen(asked.get("purpose"), list(Purpose))
        result = chosen(asked.get("result"), RESULTS)
        connection_id = given_id(asked.get("connection"))
        wanted = {"purpose": purpose, "result": result, "connection": connection_id}
        page, names, quota = console.db.run(
            lambda ledger: (
                console_requests.requests(
                    ledger,
                    purpose=purpose,
                    result=result,
                    connection_id=connection_id,
                    before=given_id(asked.get("before")),
                ),
                reports.connection_names(ledger),
                reports.quota(ledger),
            )
        )
        return pages.page(
            visit,
            "requests.html",
            page=page,
            wanted=wanted,
            connections=names,
            quota=quota,
            purposes=list(Purpose),
            results=RESULTS,
            first=query("/requests", wanted) if asked.get("before") else None,
            older=query("/requests", {**wanted, "before": page.older}) if page.older else None,
        )

    @routes.get("/requests/{request_id}")
    def request(visit: Looks, request_id: int) -> Response:
        found = console.db.run(lambda ledger: console_requests.request(ledger, request_id))
        if found is None:
            raise MissingError("There is no such request: see the list.")
        return pages.page(visit, "request.html", r=found, xml=xml.pretty(found["sent"] or ""))

    @routes.get("/journal")
    def journal(visit: Looks) -> Response:
        asked = visit.request.query_params
        wanted = {
            "who": "people" if asked.get("who") == "people" else None,
            "subject": chosen(asked.get("subject"), SUBJECTS),
            "id": (asked.get("id") or "").strip()[:60] or None,
        }
        page = console.db.run(
            lambda ledger: console_requests.journal(
                ledger,
                people_only=wanted["who"] is not None,
                subject=wanted["subject"],
                subject_id=wanted["id"],
                before=given_id(asked.get("before")),
            )
        )
        return pages.page(
            visit,
            "journal.html",
            page=page,
            wanted=wanted,
            subjects=SUBJECTS,
            first=query("/journal", wanted) if asked.get("before") else None,
            older=query("/journal", {**wanted, "before": page.older}) if page.older else None,
        )

    return routes
