"""The webhook receiver: a hint comes in, a change is committed, and only then it is answered.

It answers 200 after the commit, 503 when the ledger is down (Scoro may try again, the poller closes gaps), and never
waits for the broker: the bell goes through the outbox.
"""

import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect

from db import changes, connections, sites
from db.database import LEDGER_LOST, Database, Ledger
from schemas.events import MAX_BODY_BYTES, HintError, WebhookHint

log = structlog.get_logger(__name__)

SECONDS = Histogram("scoro_intacct_webhook_seconds", "From a webhook's arrival to its answer.")
HINTS = Counter("scoro_intacct_webhooks_total", "Webhooks by what became of them.", ["result"])

DOMAIN_PROOF = "scoro-intacct receives webhooks here.\n"
"""What `/scoro.txt` says: Scoro asks for the file before it saves a subscription."""


class TooLarge(Exception):
    """The body is larger than any webhook."""


async def read_body(request: Request) -> bytes:
    """Read the body as far as the limit allows; a declared length over it is refused before anything is read.

    Raises TooLarge, and HTTPException where the sender goes away in the middle: nobody hears that answer.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise TooLarge
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise TooLarge
    except ClientDisconnect as error:
        raise HTTPException(400, "broken off") from error
    return bytes(body)


def accept(ledger: Ledger, site_id: int, hint: WebhookHint) -> str:
    """Commit the change that a hint speaks of; returns what became of it."""
    result = _capture(ledger, site_id, hint)
    sites.heard(ledger, site_id)  # last: whoever reads holds changes before it holds the site
    return result


def _capture(ledger: Ledger, site_id: int, hint: WebhookHint) -> str:
    if hint.kind is None:
        return "not_synced"
    found = connections.id_by_entity(ledger, site_id, hint.account_id)
    if found is None:
        return "unknown_entity"
    connection_id, settings = found
    changes.capture(
        ledger,
        connection_id,
        hint.kind,
        [hint.entity_id],
        origin="webhook",
        actor="scoro",
        settle_ms=settings.delivery.settle_ms,
    )
    return "captured"


def router(db: Database) -> APIRouter:
    """Make the public endpoints that Scoro calls."""
    routes = APIRouter()

    @routes.get("/scoro.txt")
    def domain_proof() -> Response:
        return Response(DOMAIN_PROOF, media_type="text/plain")

    @routes.api_route("/hooks/scoro/{token}", methods=["GET", "HEAD", "POST"])
    async def scoro(token: str, request: Request) -> Response:
        with SECONDS.time():
            status, result = await receive(token, request)
        HINTS.labels(result).inc()
        return Response(result.replace("_", " ") + "\n", status, media_type="text/plain")

    async def receive(token: str, request: Request) -> tuple[int, str]:
        try:
            site_id = await run_in_threadpool(db.run, lambda ledger: sites.id_by_hook_token(ledger, token))
            if site_id is None:
                return 404, "unknown_address"
            body = await read_body(request) if request.method == "POST" else b""
            if not body:
                return 200, "probe"
            hint = WebhookHint.parse(body)
            return 200, await run_in_threadpool(db.run, lambda ledger: accept(ledger, site_id, hint))
        except TooLarge:
            return 413, "too_large"
        except HintError as error:
            log.warning("webhook.unreadable", error=str(error))
            return 400, "unreadable"
        except LEDGER_LOST as error:
            log.warning("webhook.ledger_down", error=str(error).strip())
            return 503, "ledger_down"

    return routes
