"""The actors: thin, one per queue, each a bell that says where to look. They raise nothing for business reasons.

A bell that fails for the database's or a far side's sake is acked all the same: the sweeper rings again.
"""

import functools
from collections.abc import Callable

import dramatiq
import structlog

from db import failures
from db.database import LEDGER_LOST
from workers.delivery.run import deliver
from workers.intake import intake
from workers.pull.run import pull
from workers.reference import References
from workers.runtime import Runtime
from workers.steps import reach

log = structlog.get_logger(__name__)


def register(broker: dramatiq.Broker, prefix: str, runtime: Runtime) -> None:
    """Declare the actors on a broker; an actor's name is that of its queue."""
    references = References(runtime.db)

    def changes(connection_id: int) -> None:
        """Read what may have changed in a connection."""
        intake(runtime, references, connection_id)

    def delivery(connection_id: int) -> None:
        """Send what is due of a connection."""
        deliver(runtime, connection_id)

    def pull_(connection_id: int) -> None:
        """Look at what is new in Intacct, and write to Scoro what follows."""
        pull(runtime, references, connection_id)

    def dead_letters(dead_letter_id: int) -> None:
        """Open or join the failure of a dead letter; idempotent by its id."""
        reach("dead_letter.taken")
        runtime.db.run(lambda ledger: failures.join_failure(ledger, dead_letter_id))
        reach("dead_letter.joined")

    for name, work in {"changes": changes, "delivery": delivery, "pull": pull_, "dead-letters": dead_letters}.items():
        dramatiq.actor(broker=broker, actor_name=name, queue_name=prefix + name)(_logged(name, work))


def _logged(name: str, work: Callable[[int], None]) -> Callable[[int], None]:
    """Wrap an actor's function: its log context, and a lost ledger as a line instead of a traceback."""

    @functools.wraps(work)
    def logged(key: int) -> None:
        with structlog.contextvars.bound_contextvars(queue=name, key=key):
            try:
                work(key)
            except LEDGER_LOST as error:
                log.warning("actor.ledger_lost", error=str(error).strip())

    return logged
