"""The outbox relay: one thread per process publishes committed bells, with the broker's confirmation.

Producers only insert, so a dead or silent broker costs them nothing: bells wait in the outbox, and this thread waits.
"""

import threading
import time
from collections.abc import Callable

import psycopg
import structlog
from dramatiq.errors import BrokerError
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from db import outbox
from db.database import Database

log = structlog.get_logger(__name__)

BROKER_LOST = (AMQPError, AMQPConnectorException, BrokerError, OSError)
"""How a broker fails; a port that accepts and stays silent raises the second, which is no AMQPError."""
IDLE_S = 0.5
"""Longest wait for a notification; also how often the broker's heartbeat is answered and a stop is noticed."""
GATHER_S = 0.01
"""Pause after a batch, so that a burst of changes becomes a few bells."""
RETRY_S = 1.0
STOP_S = 0.2
"""How often a waiting relay looks whether it is to stop."""


class Relay(threading.Thread):
    """Moves bells from the outbox to the broker until it is stopped.

    `ring(queue, key)` publishes one bell and returns once the broker has it; `keep_alive()` answers its heartbeat.
    """

    def __init__(self, db: Database, ring: Callable[[str, int], None], keep_alive: Callable[[], None]) -> None:
        super().__init__(name="relay", daemon=True)
        self._db = db
        self._ring = ring
        self._keep_alive = keep_alive
        self._stop_requested = threading.Event()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop after the batch in hand."""
        self._stop_requested.set()
        self.join(timeout_s)

    def run(self) -> None:
        """Publish until stopped; a lost database or broker is waited for."""
        while not self._stop_requested.is_set():
            try:
                with self._db.listener() as listener:
                    listener.execute("LISTEN bells")
                    self._serve(listener)
            except psycopg.Error as error:
                log.warning("relay.database_lost", error=str(error).strip())
                self._stop_requested.wait(RETRY_S)

    def _serve(self, listener: psycopg.Connection[dict[str, object]]) -> None:
        while not self._stop_requested.is_set():
            try:
                if self.publish():
                    self._stop_requested.wait(GATHER_S)
                    continue
                self._keep_alive()
            except BROKER_LOST as error:
                log.warning("relay.broker_lost", error=repr(error))
                self._stop_requested.wait(RETRY_S)
            self._wait(listener)

    def _wait(self, listener: psycopg.Connection[dict[str, object]]) -> None:
        give_up_at = time.monotonic() + IDLE_S
        while not self._stop_requested.is_set() and time.monotonic() < give_up_at:
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
