"""The web application: the public endpoints, health and metrics, and behind them the console."""

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.metrics_server import has_token, is_loopback
from app.settings import Settings
from console import action_addresses
from console.app import console_app
from console.web import Console
from db.database import LEDGER_LOST
from producers import intacct_events, webhooks


def web_app(settings: Settings, console: Console) -> FastAPI:
    """Make the application that `serve` and `up` run."""
    db = console.db
    app = FastAPI(title="scoro-intacct", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(webhooks.router(db))
    app.include_router(intacct_events.router(db, console.vault))
    app.include_router(action_addresses.router(console.runtime))

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", media_type="text/plain")

    @app.get("/readyz")
    def readyz() -> Response:
        try:
            db.run(lambda ledger: ledger.execute("SELECT"))
        except LEDGER_LOST:
            return Response("not ready\n", 503, media_type="text/plain")
        return Response("ready\n", media_type="text/plain")

    @app.get("/metrics")
    def metrics(request: Request) -> Response:
        if not _may_read_metrics(request, settings):
            return Response("not found\n", 404, media_type="text/plain")
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    app.mount("/", console_app(console))
    return app


def _may_read_metrics(request: Request, settings: Settings) -> bool:
    if has_token(settings, request.headers.get("authorization", "")):
        return True
    # a proxy in front makes everybody look like loopback, so whoever was forwarded needs the token
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers or request.client is None:
        return False
    return is_loopback(request.client.host)
