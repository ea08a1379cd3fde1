"""Reading the body of what comes in from outside."""

import asyncio
from typing import Any

from fastapi import FastAPI, Request, Response

from producers.webhooks import read_body


def test_a_sender_that_goes_away_in_the_middle_is_no_error_of_ours() -> None:
    app = FastAPI()

    @app.post("/")
    async def take(request: Request) -> Response:
        return Response(await read_body(request))

    told: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = [
        {"type": "http.request", "body": b'{"entityId":', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(message: Any) -> None:
        told.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [], "http_version": "1.1"}
    asyncio.run(app(scope, receive, send))
    assert told[0]["status"] == 400
