"""Run a stand-in: for a person until interrupted (`serve`), for tests and the demo in a thread (`running`).

Both use one uvicorn worker over real TCP. A stand-in may cut a connection without an answer, as a broken
network would, through `drop_connection`; ASGI knows no such thing, so the protocol class hands the
transport to the application in the scope.
"""

import socket
import threading
import time
from asyncio import Transport
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any, Literal, cast

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

TRANSPORT_KEY = "sandbox.transport"
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 20.0


class TransportProtocol(H11Protocol):
    """HTTP/1.1 whose scope carries the transport under `TRANSPORT_KEY`."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Wrap the application of this connection."""
        super().connection_made(transport)
        app = cast("ASGIApp", self.app)

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT_KEY] = transport
            await app(scope, receive, send)

        self.app = cast("Any", with_transport)


class Dated:
    """Has every answer tell the time by the stand-in's own clock."""

    def __init__(self, app: ASGIApp, now_s: Callable[[], float]) -> None:
        self._app = app
        self._now_s = now_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with a Date header."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                stamp = formatdate(self._now_s(), usegmt=True).encode()
                message = {**message, "headers": [*message["headers"], (b"date", stamp)]}
            await send(message)

        await self._app(scope, receive, dated)


def connection_is_open(request: Request) -> bool:
    """Whether the caller of this request still listens."""
    transport: Transport | None = request.scope.get(TRANSPORT_KEY)
    return transport is None or not transport.is_closing()


async def drop_connection(request: Request) -> Response:
    """Close the caller's connection without a byte of answer; return what the route may then return."""
    transport: Transport = request.scope[TRANSPORT_KEY]
    transport.abort()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()


def _config(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=TransportProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="critical",
        date_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
        backlog=2048,
    )


def _listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; asyncio switches Nagle off only where the protocol is named as TCP."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(2048)
    return listener


@contextmanager
def running(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve `app` from a daemon thread; yields its base URL (port 0: a free one) and stops it afterwards."""
    listener = _listen(host, port)
    base_url = f"http://{host}:{listener.getsockname()[1]}"
    server = uvicorn.Server(_config(app, host, port))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="sandbox")
    thread.start()
    deadline = time.monotonic() + START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            listener.close()
            raise RuntimeError(f"the stand-in did not start on {base_url}")
        time.sleep(0.005)
    try:
        yield base_url
    finally:
        server.should_exit = True
        thread.join(STOP_TIMEOUT_S)
        listener.close()


def serve(which: Literal["scoro", "intacct"], host: str, port: int, data_dir: Path | None) -> None:
    """Serve one stand-in until SIGINT or SIGTERM, its state under `data_dir` (None: in memory)."""
    if which == "scoro":
        from sandbox.scoro import create_app
    else:
        from sandbox.intacct import create_app
    uvicorn.Server(_config(create_app(data_dir), host, port)).run()
