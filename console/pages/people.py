"""People: accounts, roles, invitations; and the tokens of programs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from console.actions import people as actions
from console.actions.people import PeopleError
from console.web import Console, MissingError, Pages, Reading, Visit
from db import people
from db.people import Role


def router(console: Console, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    readers = Reading(console)
    Looks = Annotated[Visit, Depends(readers.reading())]  # noqa: N806
    Sets = Annotated[Visit, Depends(readers.changing(Role.ADMIN))]  # noqa: N806

    def show(visit: Visit, status: int = 200, **values: object) -> Response:
        rows, tokens = console.db.run(lambda ledger: (people.every(ledger), people.tokens(ledger)))
        shown = {"error": "", "typed": {}, "link": "", "link_for": "", "token": "", **values}
        return pages.page(visit, "people.html", status, people=rows, tokens=tokens, **shown)

    def link(visit: Visit, token: str) -> str:
        return f"{console.address(visit.request)}/welcome/{token}"

    @routes.get("/people")
    def listed(visit: Looks) -> Response:
        return show(visit)

    @routes.post("/people")
    def invite(visit: Sets) -> Response:
        form = visit.form
        try:
            role = _role(form.get("role", ""))
            token = actions.invite(console.db, form.get("name", ""), role, actor=visit.actor)
        except PeopleError as error:
            return show(visit, 422, error=str(error), typed=form)
        return show(visit, link=link(visit, token), link_for=form.get("name", "").strip())

    @routes.post("/people/{name}/{decision}")
    def decide(visit: Sets, name: str, decision: str) -> Response:
        try:
            if decision == "reset":
                token = actions.reset(console.db, name, actor=visit.actor)
                return show(visit, link=link(visit, token), link_for=name)
            if decision == "role":
                role = _role(visit.form.get("role", ""))
                actions.change_role(console.db, name, role, actor=visit.actor)
                said = f"{name} is {role} now."
            elif decision in {"lock", "unlock"}:
                actions.disable(console.db, name, decision == "lock", actor=visit.actor)
                said = f"{name} is {'locked out' if decision == 'lock' else 'let in again'}."
            else:
                raise MissingError("There is no such decision.")
        except PeopleError as error:
            return show(visit, 422, error=str(error))
        return pages.done(visit, "/people", said)

    @routes.post("/tokens")
    def add_token(visit: Sets) -> Response:
        form = visit.form
        try:
            days = form.get("days", "").strip()
            if not days.isascii() or not days.isdigit() or len(days) > 5:
                raise PeopleError("Days are a number such as 365: type how long the token lasts.")
            role = _role(form.get("role", ""))
            token = actions.add_token(console.db, form.get("name", ""), role, int(days), actor=visit.actor)
        except PeopleError as error:
            return show(visit, 422, error=str(error), typed={f"token_{name}": value for name, value in form.items()})
        return show(visit, token=token)

    @routes.post("/tokens/{token_id}/revoke")
    def revoke(visit: Sets, token_id: int) -> Response:
        try:
            name = actions.revoke_token(console.db, token_id, actor=visit.actor)
        except PeopleError as error:
            return show(visit, 422, error=str(error))
        return pages.done(visit, "/people", f"The token {name} works no more.")

    return routes


def _role(text: str) -> Role:
    if text not in list(Role):
        raise PeopleError("A role is viewer, operator or admin: choose one.")
    return Role(text)
