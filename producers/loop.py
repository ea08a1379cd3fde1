"""A background thread that does something again and again until it is stopped, and survives what goes wrong."""

import threading

import structlog

from db.database import LEDGER_LOST

log = structlog.get_logger(__name__)

RETRY_S = 1.0
"""Pause after a turn that failed."""


class Loop(threading.Thread):
    """Runs `turn` until it is stopped; `turn` returns the seconds until the next one.

    A lost ledger is waited for. Any other error is logged and the next turn comes all the same: a thread that died
    unseen would leave work undone while the process looks healthy.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.stop_requested = threading.Event()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop after the turn in hand."""
        self.stop_requested.set()
        self.join(timeout_s)

    def run(self) -> None:
        """Take turns until stopped."""
        while not self.stop_requested.is_set():
            wait_s = RETRY_S
            try:
                wait_s = self.turn()
            except LEDGER_LOST as error:
                log.warning("loop.ledger_lost", thread=self.name, error=str(error).strip())
            except Exception:
                log.exception("loop.failed", thread=self.name)
            self.stop_requested.wait(wait_s)

    def turn(self) -> float:
        """Do one turn; returns the seconds until the next."""
        raise NotImplementedError
