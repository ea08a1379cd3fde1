"""Reads of Intacct outside a delivery run: charged before they leave, refunded if they never did."""

from collections.abc import Sequence

from clients.intacct.errors import GatewayError, Unavailable, Uncertain
from clients.intacct.gateway import Gateway, Login
from db import locks, requests
from db.database import Database
from schemas.intacct.functions import Function
from schemas.intacct.results import Response
from schemas.kinds import Purpose
from workers.pull.background import Send

DEADLINE_S = 120.0


class QuotaUsedUpError(Exception):
    """The site has no request left this month."""


def charged(
    db: Database, gateway: Gateway, login: Login, *, site_id: int, connection_id: int | None, purpose: Purpose
) -> Send:
    """Return how functions are sent in the name of a login; a call raises GatewayError or QuotaUsedUpError."""

    def send(calls: Sequence[tuple[str, Function]]) -> Response:
        with db.session() as session:
            with session.transaction():
                charge = requests.charge(
                    session, site_id, connection_id, purpose, functions=len(calls), deadline_s=DEADLINE_S
                )
                if charge is None:
                    raise QuotaUsedUpError
                locks.try_lock(session, locks.REQUEST, charge.request_id)
            left = False

            def fence() -> None:
                nonlocal left
                left = requests.leave(session, charge.request_id)
                if not left:
                    raise Unavailable("its claim was lost before it left")

            state, reason = "unanswered", "no answer"
            try:
                answer = gateway.send(login, calls, unique=False, deadline_s=DEADLINE_S, on_leaving=fence)
                state, reason = "answered", "ok"
            except GatewayError as error:
                state, reason = "unanswered" if isinstance(error, Uncertain) else "answered", str(error)
                raise
            finally:
                ended = state if left else "withdrawn"
                db.run(lambda ledger: requests.end(ledger, charge.request_id, ended, reason))
            return answer

    return send
