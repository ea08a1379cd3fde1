"""Reads of Intacct outside a delivery run: charged before they leave, refunded if they never did."""

import time
from collections.abc import Sequence

from clients.intacct.errors import GatewayError, Unavailable, Uncertain
from clients.intacct.gateway import Gateway, Login
from db import connections, locks, requests
from db.database import Database, Ledger
from schemas.intacct.functions import Function
from schemas.intacct.results import Response
from schemas.kinds import Purpose
from workers.pull.background import Send

DEADLINE_S = 120.0
PATIENCE_S, POLL_S = 240.0, 0.1
"""How long a read waits for one of the company's simultaneous requests, and how often it looks."""


class QuotaUsedUpError(Exception):
    """The site has no request left this month."""


def charged(
    db: Database,
    gateway: Gateway,
    login: Login,
    *,
    site_id: int,
    connection_id: int | None,
    purpose: Purpose,
    slots: int,
) -> Send:
    """Return how functions are sent in the name of a login; a call raises GatewayError or QuotaUsedUpError."""

    def send(calls: Sequence[tuple[str, Function]]) -> Response:
        with db.session() as session:
            _wait_for_slot(session, login.company_id, slots)
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


def _wait_for_slot(session: Ledger, company_id: str, slots: int) -> None:
    """Take one of the company's simultaneous requests; it falls with the session's block."""
    company = connections.company(session, company_id)
    give_up_at = time.monotonic() + PATIENCE_S
    while locks.take_slot(session, company, slots) is None:
        if time.monotonic() > give_up_at:
            raise Unavailable(f"other requests of {company_id} have been under way for {PATIENCE_S:.0f} s")
        time.sleep(POLL_S)
