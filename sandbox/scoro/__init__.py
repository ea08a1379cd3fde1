"""A strict, stateful stand-in for Scoro's API v2.

`create_app` makes the ASGI application. The API stands under `/api/v2/…`; everything else answers HTML,
as a wrong address of Scoro does. The control surface stands under `/_sandbox/…`, for the loopback
interface only:

  GET  settings, POST settings            wire quirks, limits, uncertain points; each with its meaning
  GET  faults, POST faults, DELETE faults lost answers, 5xx, HTML, throttling and the like
  GET  counters, webhooks/idle            what was asked of the stand-in, and what it delivered
  GET  records/{module}                   whole records
  POST create|edit|delete/{module}[/{id}] what a person would do in Scoro
  POST bookmarks                          a bookmark and what it holds
  POST generate, edits; GET expected      believable documents, seeded edits, the generator's own sums
  POST reset                              as new

Key, entity, user and the books it is born with are those of `sandbox.fixtures`. State lives in
`data_dir/sandbox/scoro.sqlite3`, committed before each answer.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from sandbox.scoro import envelope
from sandbox.scoro.api import Api
from sandbox.scoro.control import control
from sandbox.scoro.errors import ApiError
from sandbox.scoro.generation import follow
from sandbox.scoro.site import Event, Site
from sandbox.scoro.webhooks import Webhooks
from sandbox.serve import Dated

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(data_dir: Path | None = None) -> FastAPI:
    """Make the stand-in; without a folder its state is kept in memory."""
    site = Site(data_dir / "sandbox" / "scoro.sqlite3" if data_dir else None)
    webhooks = Webhooks(site)

    def tell(event: Event) -> None:
        follow(site, event)
        webhooks.tell(event)

    site.tell = tell
    api = Api(site, webhooks)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        webhooks.close()
        site.store.close()

    app = FastAPI(title="Scoro stand-in", lifespan=lifespan)
    app.add_middleware(Dated, now_s=site.now)
    app.add_exception_handler(ApiError, _refuse)
    app.add_route("/api/v2/{path:path}", api.answer, methods=METHODS, include_in_schema=False)
    app.include_router(control(api))
    app.add_route("/{path:path}", _lost, methods=METHODS, include_in_schema=False)
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, ApiError) else 500
    return JSONResponse({"error": str(error)}, status)


async def _lost(request: Request) -> Response:
    return envelope.page("Page not found", 404)
