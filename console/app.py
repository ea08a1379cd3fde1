"""The console as one application: pages, their live parts, and what happens when something is wrong."""

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from console.api.app import api_app
from console.middleware import BodyLimit, SecurityHeaders
from console.pages import (
    checks,
    connections,
    differing,
    documents,
    failure_log,
    failures,
    overview,
    people,
    quick_actions,
    records,
    replays,
    signing_in,
)
from console.web import Console, LedgerAwayError, Pages, answer_errors
from db.database import LEDGER_LOST

MODULES = (
    *(signing_in, overview, checks, differing, documents, replays, failure_log, failures, records),
    *(quick_actions, connections, people),
)
"""In the order in which addresses are tried: `/documents/differing` comes before `/documents/{document_id}`."""

log = structlog.get_logger(__name__)

LEDGER_AWAY_LIVE = "PostgreSQL does not answer. What is shown is from before; it goes on by itself."

NO_SUCH_PAGE = "There is no such page: the menu leads to all there are."

LEDGER_AWAY = (
    "PostgreSQL, which holds the ledger, cannot be reached. Nothing is lost: what was captured stands there, and work"
    " goes on by itself once it is back. This page tries again by itself."
)


def console_app(console: Console) -> FastAPI:
    """Make the application; whoever mounts it starts and stops `console.watch`."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[Middleware(SecurityHeaders, secure=console.secure), Middleware(BodyLimit)],
    )
    pages = Pages(console)
    app.include_router(console.assets.router())
    for module in MODULES:
        app.include_router(module.router(console, pages))
    app.mount("/api/v1", api_app(console))
    answer_errors(app, pages)

    async def ledger_lost(request: Request, error: Exception) -> Response:
        log.warning("console.ledger_lost", error=str(error).strip())
        if request.headers.get("x-live"):
            return Response(LEDGER_AWAY_LIVE, 503, media_type="text/plain")
        return pages.html(request, "told.html", 503, title="The ledger does not answer", text=LEDGER_AWAY, again=True)

    for lost in (LedgerAwayError, *LEDGER_LOST):
        app.add_exception_handler(lost, ledger_lost)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        text = NO_SUCH_PAGE if status == 404 else "That was not done: go back and try again."
        return pages.html(
            request, "told.html", status, title="Nothing here" if status == 404 else "Not done", text=text
        )

    @app.exception_handler(RequestValidationError)
    async def no_such_address(request: Request, _: Exception) -> Response:
        return pages.html(request, "told.html", 404, title="Nothing here", text=NO_SUCH_PAGE)

    @app.exception_handler(500)
    async def failed(request: Request, _: Exception) -> Response:
        text = "This is a fault of scoro-intacct: the log of the web process says more. Nothing was changed by halves."
        return pages.html(request, "told.html", 500, title="Something went wrong", text=text)

    return app
