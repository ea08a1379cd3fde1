"""Worker processes that kill themselves at a chosen moment, as `kill -9` would: nothing is flushed, closed or told.

They are real processes over real RabbitMQ and Postgres, forked from a server that has imported the product already.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

import db.mails
import db.outbox
import db.recovery
import producers.drain
import producers.mailer
import workers.carrier
import workers.delivery.run
import workers.inbound.write
from app.processes import running, until_told_to_stop
from app.settings import Settings
from app.wiring import open_ledger
from tests.crash.forks import forked
from tests.worlds.world import QUEUES, World
from workers import steps

CALL_S = 2.0
"""Total deadline of a call to the gateway in these tests."""
LOOK_UP_AGAIN_S = 0.5
CLAIM_S = 1
"""After this long bells that a dead relay had claimed are free again."""


@dataclass(frozen=True, slots=True)
class AtStep:
    """Die at the `nth` time that a step of `workers.steps.STEPS` is reached."""

    step: str
    nth: int = 1


@dataclass(frozen=True, slots=True)
class AfterFirstStep:
    """Die this long after the first step of any name."""

    delay_ms: float


Moment = AtStep | AfterFirstStep | None


def work(settings: Settings, moment: Moment, *, schedules: bool = False) -> None:
    """Run a worker until SIGTERM, or until its moment has come; with `schedules` a scheduler that hurries, too."""
    steps.on_step = _death(moment)
    workers.carrier.CALL_S, workers.carrier.FUNCTION_S = CALL_S, 0.0
    workers.delivery.run.LOOK_UP_AGAIN_S = LOOK_UP_AGAIN_S
    workers.inbound.write.LOOK_UP_AGAIN_S = LOOK_UP_AGAIN_S
    db.recovery.SCORO_CALL_S = CALL_S
    db.outbox.CLAIM_S = CLAIM_S
    db.mails.LEASE_S, db.mails.GATHER_S = CLAIM_S, 0.0
    producers.mailer.DELAYS_S = (0.2,) * 6
    producers.mailer.LOOK_S = producers.drain.LOOK_S = 0.05
    with (
        open_ledger(settings, actor="worker", pool_size=12) as ledger,
        running(settings, ledger, amqp_url=settings.amqp_url, queues=QUEUES, scheduler=schedules),
    ):
        until_told_to_stop()


def _death(moment: Moment) -> Callable[[str], None] | None:
    match moment:
        case AtStep(step, nth):
            return _at_step(step, nth)
        case AfterFirstStep(delay_ms):
            return _after_first_step(delay_ms)
    return None


def _at_step(fatal: str, nth: int) -> Callable[[str], None]:
    left, lock = [nth], threading.Lock()

    def reached(step: str) -> None:
        with lock:
            left[0] -= step == fatal
            if not left[0]:
                _die()

    return reached


def _after_first_step(delay_ms: float) -> Callable[[str], None]:
    first = threading.Lock()

    def reached(_: str) -> None:
        if first.acquire(blocking=False):
            threading.Timer(delay_ms / 1000, _die).start()

    return reached


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def worker(world: World, moment: Moment = None, *, schedules: bool = False) -> Iterator[BaseProcess]:
    """A worker process of the world; it is gone when the block ends."""
    process = forked(work, world.settings, moment, schedules=schedules)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        process.close()
