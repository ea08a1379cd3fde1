"""`/actions/{signed}`: an address that acts in one person's name when it is posted to, as Scoro's trigger button does.

GET shows what the address does and changes nothing; an empty post without a document does nothing either, as Scoro may
ask an address in both ways before it keeps it. A post that names a document is a quick action of that person. The same
post again finds nothing left to do.
"""

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import Counter

from console.actions import quick
from db import action_addresses, connections
from db.action_addresses import ActionAddress
from db.connections import Connection
from db.database import LEDGER_LOST
from producers.webhooks import TooLarge, read_body
from schemas.kinds import Kind
from schemas.quick_action import Meant, QuickActionError, read
from workers.runtime import Runtime

log = structlog.get_logger(__name__)

USES = Counter(
    "scoro_intacct_quick_actions_total", "Posts to addresses of quick actions by what became of them.", ["result"]
)

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}


class Turned(Exception):
    """A post that does nothing; `status` is that of HTTP, the message is for people."""

    def __init__(self, status: int, result: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.result = result


def _unknown() -> Turned:
    return Turned(404, "unknown_address", "There is nothing at this address.")


def router(runtime: Runtime) -> APIRouter:
    """Make the public endpoint."""
    routes = APIRouter()

    @routes.api_route("/actions/{signed}", methods=["GET", "HEAD", "POST"])
    async def action(signed: str, request: Request) -> Response:
        try:
            address_id = quick.address_id(runtime.vault, signed)
            if address_id is None:
                raise _unknown()
            body = await read_body(request) if request.method == "POST" else b""
            status, result, text = await run_in_threadpool(_act, runtime, address_id, request, body)
        except TooLarge:
            status, result, text = 413, "too_large", "The body is larger than 1 MB."
        except Turned as turned:
            status, result, text = turned.status, turned.result, str(turned)
        except LEDGER_LOST as error:
            log.warning("action.ledger_down", error=str(error).strip())
            status, result, text = 503, "ledger_down", "The ledger does not answer: nothing was done, try again."
        if request.method == "POST":
            USES.labels(result).inc()
        retry = {"Retry-After": "60"} if status == 429 else {}
        return Response(text + "\n", status, media_type="text/plain", headers={**HEADERS, **retry})

    return routes


def _act(runtime: Runtime, address_id: int, request: Request, body: bytes) -> tuple[int, str, str]:
    is_post = request.method == "POST"
    address = runtime.db.run(
        lambda ledger: (action_addresses.use if is_post else action_addresses.look)(ledger, address_id)
    )
    connection = _connection(runtime, address)
    if address is None or connection is None:
        raise _unknown()
    if address.revoked or address.expired:
        why = "was revoked" if address.revoked else "has expired"
        raise Turned(410, "ended", f"This address {why}: ask for another one.")
    kind = Kind(address.kind) if address.kind else None
    does = f"{address.action}s {f'one {kind.noun}' if kind else 'one document'} of {connection.name}"
    idle = f"This address {does} in the name of {address.username} when it is posted to. Nothing was done."
    if not is_post:
        return 200, "looked_at", idle
    if address.busy:
        raise Turned(429, "too_many", f"More than {action_addresses.USES_A_MINUTE} posts in a minute: try again later.")
    try:
        meant = read(kind, dict(request.query_params), request.headers.get("content-type", ""), body)
    except QuickActionError as error:
        raise Turned(400, "unreadable", f"Nothing was done: {error}.") from None
    if meant is None:
        return 200, "probe", idle
    _perform(runtime, address, connection, meant)
    return 200, "done", f"{meant.kind.noun.capitalize()} {meant.scoro_id} is on its way."


def _connection(runtime: Runtime, address: ActionAddress | None) -> Connection | None:
    if address is None:
        return None
    return runtime.db.run(lambda ledger: connections.load(ledger, runtime.vault, address.connection_id))


def _perform(runtime: Runtime, address: ActionAddress, connection: Connection, meant: Meant) -> None:
    if meant.entity is not None and meant.entity != connection.scoro_entity:
        text = f"Nothing was done: the document belongs to {meant.entity}, this address to {connection.scoro_entity}."
        raise Turned(400, "other_entity", text)
    work = quick.send if address.action == "send" else quick.fetch
    actor = f"action:{address.id} as {address.username}"
    try:
        work(runtime.db, connection, meant.kind, meant.scoro_id, user=address.username, actor=actor)
    except quick.NotAllowedError as error:
        raise Turned(403, "not_allowed", f"Nothing was done: {error}") from None
    except quick.NotPossibleError as error:
        raise Turned(409, "not_possible", f"Nothing was done: {error}") from None
    runtime.db.run(lambda ledger: action_addresses.acted(ledger, address.id))
