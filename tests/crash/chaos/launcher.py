"""What runs in each process of the product under chaos: the real command, with orders from outside.

An order says at which named step, and at which time that it is reached, the process kills or stops itself. Beside the
steps of `workers.steps` there are some of the processes that have none, reached through their own functions.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, wraps
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import dramatiq

import app.processes
import clients.scoro.client
import db.mails
import db.outbox
import db.recovery
import db.requests
import producers.drain
import producers.mailer
import producers.sweep
import producers.webhooks
import workers.broker
import workers.carrier
import workers.delivery.run
import workers.inbound.write
from app.cli import processes
from workers import steps

Role = Literal["serve", "work", "schedule"]

CALL_S = 2.0
"""Total deadline of a call to the gateway."""
SCORO_CALL_S = 4.0
"""Total deadline of a call to Scoro."""
SEND_WINDOW_S = 3.0
STALLED_S = 3.0
READING_S = 4.0
WRITING_S = SCORO_CALL_S + 1.0
"""Whoever looks at Intacct or writes to Scoro and has been idle for this long stands still."""

POINTS: Mapping[str, tuple[Role, ...]] = {
    "webhook.captured": ("serve",),  # the change is written, not committed
    "relay.claimed": ("serve", "work", "schedule"),  # bells are claimed, none of them rang
    "relay.rung": ("serve", "work", "schedule"),  # all rang, the outbox still holds them
    "sweep.rung": ("schedule",),  # bells are written, not committed
    "sweep.recovered": ("schedule",),  # what the dead left is taken over, not committed
}
"""Points beside `workers.steps.STEPS`, and the processes that reach them."""


@dataclass(frozen=True, slots=True)
class Order:
    """Send yourself `signal` when `step` is reached for the `nth` time."""

    step: str
    nth: int
    signal: signal.Signals


class _Orders:
    """The order in force; told through `line`, which also hears when it is carried out."""

    def __init__(self, line: "Connection[Any, Any]") -> None:
        self._line = line
        self._order: Order | None = None
        self._left = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def _listen(self) -> None:
        try:
            while True:
                order = self._line.recv()
                with self._lock:
                    self._order, self._left = order, order.nth if order else 0
        except (EOFError, OSError):
            os._exit(1)  # who gave the orders is gone: nobody would end us

    def reached(self, step: str) -> None:
        with self._lock:
            order = self._order
            if order is None or order.step != step:
                return
            self._left -= 1
            if self._left > 0:
                return
            self._order = None
            self._line.send(step)
            # to this thread, so that it does not take another line
            signal.pthread_kill(threading.get_ident(), order.signal)


def live(role: Role, environment: Mapping[str, str], folder: str, name: str, line: "Connection[Any, Any]") -> None:
    """Run one process of the product until SIGTERM or death; what it says goes to `folder`/`name`.log."""
    log = os.open(Path(folder) / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(log, stream.fileno())
    os.environ.update(environment)
    os.chdir(folder)
    _shorten_waits()
    orders = _Orders(line)
    steps.on_step = orders.reached
    _add_points(orders.reached)
    commands: dict[Role, Callable[[], None]] = {
        "serve": processes.serve,
        "work": partial(processes.work, ""),
        "schedule": processes.schedule,
    }
    with contextlib.suppress(KeyboardInterrupt):
        commands[role]()


def _shorten_waits() -> None:
    workers.carrier.CALL_S, workers.carrier.FUNCTION_S = CALL_S, 0.0
    workers.delivery.run.LOOK_UP_AGAIN_S = 1.0
    workers.inbound.write.LOOK_UP_AGAIN_S = 1.0
    assert clients.scoro.client.ScoroClient.__init__.__kwdefaults__
    clients.scoro.client.ScoroClient.__init__.__kwdefaults__["deadline_s"] = SCORO_CALL_S
    db.recovery.SCORO_CALL_S, db.recovery.WRITING_S = SCORO_CALL_S, WRITING_S
    db.requests.SEND_WINDOW_S = SEND_WINDOW_S  # type: ignore[assignment]
    db.recovery.STALLED_S = STALLED_S
    db.recovery.READING_S = READING_S
    db.outbox.CLAIM_S = 1
    db.mails.LEASE_S, db.mails.GATHER_S = 1.0, 0.0
    producers.mailer.DELAYS_S = (0.2,) * 6
    producers.mailer.LOOK_S = producers.drain.LOOK_S = 0.1
    producers.sweep.RECOVER_S = 0.5
    producers.sweep.AGAIN_S = 1.0
    vars(workers.broker)["Worker"] = partial(dramatiq.Worker, worker_timeout=50)


def _add_points(reached: Callable[[str], None]) -> None:
    _point(reached, "webhook.captured", producers.webhooks, "accept")
    _point(reached, "relay.claimed", app.processes, "ring", before=True)
    _point(reached, "relay.rung", db.outbox, "settle", before=True)
    _point(reached, "sweep.rung", db.outbox, "ring_all")
    _point(reached, "sweep.recovered", db.recovery, "recover")


def _point(reached: Callable[[str], None], step: str, module: ModuleType, name: str, *, before: bool = False) -> None:
    """Have a function of a module reach a step when it begins or when it has ended."""
    work = vars(module)[name]

    @wraps(work)
    def passing(*args: Any, **kwargs: Any) -> Any:
        if before:
            reached(step)
            return work(*args, **kwargs)
        result = work(*args, **kwargs)
        reached(step)
        return result

    vars(module)[name] = passing
