"""How long documents take from their capture to Intacct, as a metric of the process that brought them there."""

import uuid
from collections.abc import Sequence

import structlog
from prometheus_client import Histogram

from db import backlog
from db.database import LEDGER_LOST, Database

log = structlog.get_logger(__name__)

SECONDS = Histogram(
    "scoro_intacct_delivery_lag_seconds",
    "From the capture of a change to its posting in Intacct; waits for quota, schedule and people included.",
    buckets=(0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400),
)


def observe(db: Database, operations: Sequence[uuid.UUID]) -> None:
    """Take note of those operations that are posted now; a ledger that is away costs the figures, nothing else."""
    try:
        found = db.run(lambda ledger: backlog.lags_of(ledger, operations))
    except LEDGER_LOST as error:
        log.warning("lag.not_measured", error=str(error).strip())
        return
    for seconds in found:
        SECONDS.observe(seconds)
