"""`/hooks/intacct/{token}`: Intacct says that something happened, so that payments come back in seconds.

A Smart Event or a trigger of the platform posts here. What it posts is a hint and not read for its data: the next look
at Intacct (`db.pulls`) is due at once and finds whatever is new, once, as any look does.
"""

import hashlib
import hmac
import json
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import Counter

from db import connections, pulls
from db.database import LEDGER_LOST, Database, Ledger
from db.vault import Vault
from producers.webhooks import TooLarge, read_body

log = structlog.get_logger(__name__)

EVENTS = Counter("scoro_intacct_intacct_events_total", "Events of Intacct by what became of them.", ["result"])


def token_of(hook_token: str, connection_id: int) -> str:
    """The token of a connection's address; it changes with the token of the site's webhooks."""
    proof = hmac.new(hook_token.encode(), f"intacct:{connection_id}".encode(), hashlib.sha256).hexdigest()
    return f"{connection_id}-{proof}"


def connection_of(ledger: Ledger, vault: Vault, token: str) -> int | None:
    """The connection whose address holds this token."""
    number, _, _ = token.partition("-")
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    sealed = connections.hook_token(ledger, int(number))
    if sealed is None:
        return None
    expected = token_of(vault.open(sealed), int(number))
    return int(number) if hmac.compare_digest(expected.encode(), token.encode()) else None


def readable(content_type: str, body: bytes) -> bool:
    """Whether a body is one that an event may have: empty, a JSON object or a form."""
    if not body.strip():
        return True
    if "form-urlencoded" in content_type:
        try:
            return bool(parse_qsl(body.decode(), max_num_fields=1000))
        except ValueError:
            return False
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def router(db: Database, vault: Vault) -> APIRouter:
    """Make the public endpoint that Intacct calls."""
    routes = APIRouter()

    @routes.api_route("/hooks/intacct/{token}", methods=["GET", "HEAD", "POST"])
    async def intacct(token: str, request: Request) -> Response:
        status, result = await receive(token, request)
        EVENTS.labels(result).inc()
        return Response(result.replace("_", " ") + "\n", status, media_type="text/plain")

    async def receive(token: str, request: Request) -> tuple[int, str]:
        try:
            connection_id = await run_in_threadpool(db.run, lambda ledger: connection_of(ledger, vault, token))
            if connection_id is None:
                return 404, "unknown_address"
            if request.method != "POST":
                return 200, "probe"
            if not readable(request.headers.get("content-type", ""), await read_body(request)):
                return 400, "unreadable"
            asked = await run_in_threadpool(db.run, lambda ledger: pulls.hint(ledger, connection_id))
        except TooLarge:
            return 413, "too_large"
        except LEDGER_LOST as error:
            log.warning("intacct_event.ledger_down", error=str(error).strip())
            return 503, "ledger_down"
        return 200, "asked" if asked else "not_live"

    return routes
