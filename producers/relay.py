"""The outbox relay: one thread per process publishes committed bells, with the broker's confirmation.

Producers only insert, so a dead or silent broker costs them nothing: bells wait in the outbox, and this thread waits.
"""

import time
from collections.abc import Callable

import psycopg
import structlog
from dramatiq.errors import BrokerError
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from db import outbox
from db.database import Database
from producers.loop import RETRY_S, Loop

log = structlog.get_logger(__name__)

BROKER_LOST = (AMQPError, AMQPConnectorException, BrokerError, OSError)
"""How a broker fails; a port that accepts and stays silent raises the second, which is no AMQPError."""
IDLE_S = 0.5
"""Longest wait for a notification; also how often the broker's heartbeat is answered and a stop is noticed."""
GATHER_S = 0.01
"""Pause after a batch, so that a burst of changes becomes a few bells."""
STOP_S = 0.2
"""How often a waiting relay looks whether it is to stop."""


class Relay(Loop):
    """Moves bells from the outbox to the broker until it is stopped.

    `ring(queue, key)` publishes one bell and returns once the broker has it; `keep_alive()` answers its heartbeat.
    """

    def __init__(self, db: Database, ring: Callable[[str, int], None], keep_alive: Callable[[], None]) -> None:
        super().__init__("relay")
        self._db = db
        self._ring = ring
        self._keep_alive = keep_alive

    def turn(self) -> float:
        """Publish as long as the session that hears of new bells lasts; a lost broker is waited for."""
        with self._db.listener() as listener:
            listener.execute("LISTEN bells")
            self._serve(listener)
        return RETRY_S

    def _serve(self, listener: psycopg.Connection[dict[str, object]]) -> None:
        while not self.stop_requested.is_set():
            try:
                if self.publish():
                    self.stop_requested.wait(GATHER_S)
                    continue
                self._keep_alive()
            except BROKER_LOST as error:
                log.warning("relay.broker_lost", error=repr(error))
                self.stop_requested.wait(RETRY_S)
            self._wait(listener)

    def _wait(self, listener: psycopg.Connection[dict[str, object]]) -> None:
        give_up_at = time.monotonic() + IDLE_S
        while not self.stop_requested.is_set() and time.monotonic() < give_up_at:
            for _ in listener.notifies(timeout=STOP_S, stop_after=1):
                return

    def publish(self) -> int:
        """Publish one batch and return how many bells rang; on a broker's failure the bells go back to the outbox."""
        ids, bells = self._db.run(outbox.claim)
        if not ids:
            return 0
        try:
            for bell in bells:
                self._ring(bell.queue, bell.key)
        except BROKER_LOST:
            self._db.run(lambda ledger: outbox.give_back(ledger, ids))
            raise
        self._db.run(lambda ledger: outbox.settle(ledger, ids))
        return len(bells)
