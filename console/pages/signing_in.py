"""Signing in and out, the invitation with which somebody chooses a password, and one's own account."""

import hmac
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from console.actions import people as actions
from console.actions.people import NotLetInError, PeopleError, SignedIn
from console.web import (
    Console,
    ForbiddenError,
    Pages,
    Reading,
    Visit,
    address_of,
    agent_of,
    check_origin,
    read_form,
    safe_path,
)
from db import people
from db.people import LONGEST_DAYS, Role

FORM_COOKIE = "scoro_intacct_form"
"""Holds what the form before signing in must repeat: a page elsewhere cannot sign somebody in under another name."""

Form = Annotated[dict[str, str], Depends(read_form)]


def router(console: Console, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    readers = Reading(console)

    def form_page(request: Request, template: str, status: int = 200, **values: object) -> Response:
        mark = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
        answer = pages.html(request, template, status, mark=mark, **values)
        answer.set_cookie(FORM_COOKIE, mark, httponly=True, samesite="strict", secure=console.secure)
        return answer

    def check(request: Request, form: dict[str, str]) -> None:
        check_origin(console, request)
        mark = request.cookies.get(FORM_COOKIE, "")
        if not mark or not hmac.compare_digest(mark.encode(), form.get("mark", "").encode()):
            raise ForbiddenError("This form is too old, or cookies are off: reload the page and try again.")

    def signed_in(answer: Response, given: SignedIn) -> Response:
        answer.set_cookie(
            console.cookie,
            given.token,
            max_age=LONGEST_DAYS * 86_400,
            httponly=True,
            samesite="lax",
            secure=console.secure,
        )
        return answer

    @routes.get("/login")
    def login(request: Request, next: str = "/") -> Response:
        token = request.cookies.get(console.cookie, "")
        if token and console.db.run(lambda ledger: people.session(ledger, token)):
            return RedirectResponse(safe_path(next), 303)
        nobody = not console.db.run(people.anybody)
        return form_page(request, "login.html", next=safe_path(next), name="", error="", nobody=nobody)

    @routes.post("/login")
    def sign_in(request: Request, form: Form) -> Response:
        check(request, form)
        name, to = form.get("name", ""), safe_path(form.get("next", "/"))
        try:
            given = actions.sign_in(
                console.db, name, form.get("password", ""), address=address_of(request), agent=agent_of(request)
            )
        except NotLetInError as error:
            return form_page(request, "login.html", 401, next=to, name=name, error=str(error), nobody=False)
        return signed_in(RedirectResponse(to, 303), given)

    @routes.post("/logout")
    def sign_out(visit: Annotated[Visit, Depends(readers.changing(Role.VIEWER))]) -> Response:
        console.db.run(lambda ledger: people.end_session(ledger, visit.token))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(console.cookie, httponly=True, samesite="lax", secure=console.secure)
        return answer

    @routes.get("/welcome/{token}")
    def welcome(request: Request, token: str) -> Response:
        found = console.db.run(lambda ledger: people.invitation(ledger, token))
        if found is None:
            return pages.html(request, "told.html", 404, title="This link is void", text=actions.VOID)
        return form_page(request, "welcome.html", token=token, known=found["name"], name="", error="")

    @routes.post("/welcome/{token}")
    def accept(request: Request, token: str, form: Form) -> Response:
        check(request, form)
        found = console.db.run(lambda ledger: people.invitation(ledger, token))
        name = form.get("name", "")
        try:
            if form.get("password") != form.get("again"):
                raise PeopleError("The two passwords differ: type the same one twice.")
            given = actions.accept(
                console.db,
                token,
                name,
                form.get("password", ""),
                address=address_of(request),
                agent=agent_of(request),
            )
        except PeopleError as error:
            known = found["name"] if found else None
            return form_page(request, "welcome.html", 422, token=token, known=known, name=name, error=str(error))
        return signed_in(RedirectResponse("/", 303), given)

    @routes.get("/account")
    def account(visit: Annotated[Visit, Depends(readers.reading())]) -> Response:
        return pages.page(visit, "account.html", error="")

    @routes.post("/account/password")
    def change_password(visit: Annotated[Visit, Depends(readers.changing(Role.VIEWER))]) -> Response:
        form = visit.form
        try:
            if form.get("password") != form.get("again"):
                raise PeopleError("The two new passwords differ: type the same one twice.")
            given = actions.change_password(
                console.db,
                visit.session.name,
                form.get("old", ""),
                form.get("password", ""),
                address=address_of(visit.request),
                agent=agent_of(visit.request),
            )
        except PeopleError as error:
            return pages.page(visit, "account.html", 422, error=str(error))
        console.db.run(
            lambda ledger: people.say(ledger, given.token, "Your password is changed; you are signed out elsewhere.")
        )
        return signed_in(RedirectResponse("/account", 303), given)

    return routes
