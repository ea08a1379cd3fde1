"""The metrics server of a process (`METRICS_BIND`), and who may read metrics anywhere."""

import ipaddress
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.settings import EnvironmentFault, Settings, address


def has_token(settings: Settings, authorization: str) -> bool:
    """Whether a request brings METRICS_TOKEN; never where none is set."""
    if settings.metrics_token is None:
        return False
    given = authorization.removeprefix("Bearer ")
    return secrets.compare_digest(given.encode(), settings.metrics_token.get_secret_value().encode())


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are no news."""


@contextmanager
def metrics_server(settings: Settings) -> Iterator[None]:
    """Serve /metrics at METRICS_BIND; where METRICS_TOKEN is set, only loopback may come without it."""
    host, port = address(settings.metrics_bind or "")

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        known = settings.metrics_token is None or is_loopback(environ.get("REMOTE_ADDR", ""))
        if environ.get("PATH_INFO") not in {"/metrics", "/"} or environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return _refuse(start, HTTPStatus.NOT_FOUND)
        if not known and not has_token(settings, environ.get("HTTP_AUTHORIZATION", "")):
            return _refuse(start, HTTPStatus.UNAUTHORIZED)
        body = generate_latest()
        start("200 OK", [("Content-Type", CONTENT_TYPE_LATEST), ("Content-Length", str(len(body)))])
        return [body]

    try:
        server = make_server(host, port, app, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise EnvironmentFault(f"METRICS_BIND: {settings.metrics_bind} cannot be listened on ({error}).") from None
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _refuse(start: Callable[..., Any], status: HTTPStatus) -> Iterable[bytes]:
    start(f"{status.value} {status.phrase}", [("Content-Type", "text/plain")])
    return [f"{status.phrase.lower()}\n".encode()]
