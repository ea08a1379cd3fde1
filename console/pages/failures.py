"""Failures: cards by cause, one failure with all that it holds up, and what people do about it."""

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from console import xml
from console.actions import failures as actions
from console.actions.documents import NotDoneError
from console.errors import EXPECTED, sentence
from console.lists import chosen, given_id, query
from console.web import Console, MissingError, Pages, Reading, Visit
from db import console_failures, reports
from db.console_failures import STATES, UNRESOLVED
from db.people import Role
from schemas.errors import ErrorClass
from schemas.kinds import DOCUMENT_KINDS

MOST_AT_ONCE = 500
"""Causes that one replay takes up."""


def router(console: Console, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    readers = Reading(console)
    Looks = Annotated[Visit, Depends(readers.reading())]  # noqa: N806
    Acts = Annotated[Visit, Depends(readers.changing(Role.OPERATOR))]  # noqa: N806

    @routes.get("/failures")
    def listed(visit: Looks) -> Response:
        return show_list(visit)

    def filters(visit: Visit) -> dict[str, Any]:
        asked = visit.form or visit.request.query_params
        return {
            "state": chosen(asked.get("state"), STATES),
            "class": chosen(asked.get("class"), list(ErrorClass)),
            "kind": chosen(asked.get("kind"), DOCUMENT_KINDS),
            "connection": given_id(asked.get("connection")),
        }

    def cards(wanted: dict[str, Any], *, before: int | None = None, size: int = console_failures.PAGE) -> Any:
        return console.db.run(
            lambda ledger: console_failures.cards(
                ledger,
                states=[wanted["state"]] if wanted["state"] else UNRESOLVED,
                error_class=wanted["class"],
                kind=wanted["kind"],
                connection_id=wanted["connection"],
                before=before,
                size=size,
            )
        )

    def show_list(visit: Visit, status: int = 200, error: str = "") -> Response:
        wanted = filters(visit)
        before = given_id(visit.request.query_params.get("before"))
        page = cards(wanted, before=before)
        return pages.page(
            visit,
            "failures.html",
            status,
            page=page,
            wanted=wanted,
            error=error,
            connections=console.db.run(reports.connection_names),
            kinds=DOCUMENT_KINDS,
            classes=list(ErrorClass),
            states=STATES,
            first=query("/failures", wanted) if before else None,
            older=query("/failures", {**wanted, "before": page.older}) if page.older else None,
        )

    @routes.get("/failures/{failure_id}")
    def one(visit: Looks, failure_id: int) -> Response:
        return show(visit, failure_id)

    def show(visit: Visit, failure_id: int, status: int = 200, **more: Any) -> Response:
        found = console.db.run(lambda ledger: console_failures.failure(ledger, failure_id))
        if found is None:
            raise MissingError("There is no such failure: see the list.")
        refused = console.db.run(lambda ledger: console_failures.refused_function(ledger, failure_id))
        shown = {"error": "", "typed": {}, **more}
        edited = shown["typed"].get("xml") or (
            xml.of_function(refused["controlid"], refused["function"]) if refused else ""
        )
        return pages.page(visit, "failure.html", status, f=found, edited=edited, **shown)

    # ------------------------------------------------------------------------------------------ trying again

    def ask(visit: Visit, plan: actions.Plan, how: str, failure_ids: Collection[int], **typed: str) -> Response:
        """Show the price before anything is done."""
        return pages.page(visit, "replay.html", plan=plan, how=how, ids=sorted(failure_ids), typed=typed)

    def done(visit: Visit, plan: actions.Plan) -> Response:
        number = actions.replay(console.db, plan, why=visit.form.get("why", ""), actor=visit.actor)
        return pages.done(visit, "/replays", f"Replay {number}: {plan.text}")

    @routes.post("/failures/replay")
    def replay_shown(visit: Acts) -> Response:
        """All that the filters show: the price first, then the replay."""
        try:
            if ids := _ids(visit.form.get("ids", "")):
                return done(visit, actions.plan(console.db, failure_ids=ids, stored=visit.form.get("how") == "stored"))
            found = cards(filters(visit), size=MOST_AT_ONCE)
            chosen_ids = [row["id"] for row in found.rows]
            if not chosen_ids:
                raise NotDoneError("No failure matches: nothing was tried again.")
            return ask(visit, actions.plan(console.db, failure_ids=chosen_ids), "read", chosen_ids)
        except EXPECTED as error:
            return show_list(visit, 422, sentence(error))

    @routes.post("/failures/{failure_id}/{action}")
    def act(visit: Acts, failure_id: int, action: str) -> Response:
        form, db = visit.form, console.db
        why = form.get("why", "")
        try:
            if action in {"read", "stored"}:
                return ask(
                    visit, actions.plan(db, failure_ids=[failure_id], stored=action == "stored"), action, [failure_id]
                )
            if action == "edited":
                plan = actions.plan_edited(db, failure_id, form.get("xml", ""))
                if "agreed" in form:
                    return done(visit, plan)
                return ask(visit, plan, "edited", [failure_id], xml=form.get("xml", ""))
            if action in {"resolve", "discard"}:
                state = {"resolve": "resolved", "discard": "discarded"}[action]
                said = actions.settle(db, failure_id, state, why=why, actor=visit.actor)
            elif action == "comment":
                said = actions.comment(db, failure_id, why, actor=visit.actor)
            else:
                raise MissingError("There is no such action.")
        except EXPECTED as error:
            return show(visit, failure_id, 422, error=sentence(error), typed=form)
        return pages.done(visit, f"/failures/{failure_id}", said)

    return routes


def _ids(text: str) -> list[int]:
    return [number for part in text.split(",")[:MOST_AT_ONCE] if (number := given_id(part.strip()))]
