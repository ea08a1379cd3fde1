"""The JSON API: the same reads and actions as the pages, for programs with a token; described by OpenAPI.

Money is decimal strings, instants are ISO 8601 in UTC. Lists come in pages: `next` is the cursor of the next one, null
at the end. What is refused is answered with one sentence: `{"error": "..."}`.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from console.api.acts import acts
from console.api.models import Problem
from console.api.reads import reads
from console.errors import EXPECTED, sentence
from console.web import Console, ForbiddenError, NotSignedInError, PageError
from db import people
from db.database import LEDGER_LOST
from db.people import Role


class Holder(BaseModel):
    """Whose token it is."""

    name: str
    role: Role

    @property
    def actor(self) -> str:
        """How the journal names the program."""
        return f"api:{self.name}"


def api_app(console: Console) -> FastAPI:
    """Make the application; it is mounted below the pages."""
    app = FastAPI(
        title="scoro-intacct",
        version=console.version or "0",
        description=__doc__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses={status: {"model": Problem} for status in (401, 403, 404, 422, 503)},
    )
    bearer = HTTPBearer(auto_error=False, description="A token of the page People.")

    def holder(needed: Role) -> Callable[..., Holder]:
        def depend(request: Request, _: Annotated[Any, Depends(bearer)]) -> Holder:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            found = None
            if scheme.lower() == "bearer" and token:
                found = console.db.run(lambda ledger: people.token_holder(ledger, token.strip()))
            if found is None:
                raise NotSignedInError("Send a token that works: Authorization: Bearer TOKEN. Admins make them.")
            if not found[1].allows(needed):
                raise ForbiddenError(f"This takes the role {needed}, and the token's is {found[1]}: use another one.")
            return Holder(name=found[0], role=found[1])

        return depend

    Looks = Annotated[Holder, Depends(holder(Role.VIEWER))]  # noqa: N806
    Acts = Annotated[Holder, Depends(holder(Role.OPERATOR))]  # noqa: N806
    Sets = Annotated[Holder, Depends(holder(Role.ADMIN))]  # noqa: N806

    @app.get("/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> Response:
        token = request.cookies.get(console.cookie, "")
        if not token or console.db.run(lambda ledger: people.session(ledger, token)) is None:
            holder(Role.VIEWER)(request, None)
        return JSONResponse(app.openapi())

    reads(app, console, Looks)
    acts(app, console, Acts, Sets)
    _answer_errors(app)
    return app


def _answer_errors(app: FastAPI) -> None:
    def problem(status: int, text: str) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return JSONResponse({"error": text}, status, headers=headers)

    @app.exception_handler(PageError)
    async def told(_: Request, error: Exception) -> Response:
        return problem(error.status if isinstance(error, PageError) else 400, str(error))

    async def expected(_: Request, error: Exception) -> Response:
        return problem(422, sentence(error))

    for kind in EXPECTED:
        app.add_exception_handler(kind, expected)

    @app.exception_handler(RequestValidationError)
    async def misshapen(_: Request, error: Exception) -> Response:
        first: dict[str, Any] = error.errors()[0] if isinstance(error, RequestValidationError) else {}
        where = ".".join(str(part) for part in first.get("loc", ())[1:]) or "the body"
        return problem(422, f"{where}: {first.get('msg', 'it cannot be read')}.")

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return problem(status, "There is no such address: see openapi.json." if status == 404 else "Not done.")

    async def ledger_lost(_: Request, __: Exception) -> Response:
        return problem(503, "The ledger does not answer: try again when PostgreSQL is back.")

    for lost in LEDGER_LOST:
        app.add_exception_handler(lost, ledger_lost)
