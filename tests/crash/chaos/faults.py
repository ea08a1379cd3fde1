"""Every kind of fault: how it is brought about, and how it ends.

A kind strikes once on a stage. It waits until the blow has fallen (`Unstruck` if its moment does not come), and leaves
what ends it, such as the continuation of a stopped process, to a timer that is waited for before anything is judged.
"""

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import dramatiq
import pika
import psycopg
from pika.exceptions import AMQPError

from tests.crash import INBOUND, OUTBOUND, SCHEDULED
from tests.crash.chaos.desk import BusyDesk
from tests.crash.chaos.launcher import CALL_S, POINTS, SCORO_CALL_S, Order, Role
from tests.crash.chaos.processes import LOOK_S, Supervised
from tests.crash.chaos.proxy import Trap, is_commit, is_statement
from tests.crash.chaos.services import Services
from tests.worlds.mailbox import Mailbox
from tests.worlds.waiting import until
from tests.worlds.world import World

STRIKE_S = 15.0
"""A fault whose moment does not come within this is called off."""
TERM_BOUND_S = 35.0
"""After SIGTERM a process is gone within this: its actors' 30 s and what follows."""
PAUSES_S = (0.3, 1.5, 4.0, 8.0)
"""How long a stopped process stands still: within its bounds, and far beyond them."""
PULLS = "<object>ARPYMT</object>"
"""What the requests that look for payments have in them; they may write, too."""
WRITES = "<uniqueid>true"
"""What the requests that write have in them, and no other."""
LATE_MS = 1_200
"""How late the gateway runs what it was cut off from; less than the wait before an absent record is believed absent."""


class UnstruckError(Exception):
    """The moment of a fault did not come."""


class OverdueError(Exception):
    """A process did not end in time after SIGTERM."""


@dataclass
class Stage:
    """Where faults strike: one world, its processes and services."""

    world: World
    services: Services
    processes: Sequence[Supervised]
    desk: BusyDesk
    box: Mailbox
    database_url: str
    timers: list[threading.Timer] = field(default_factory=list)
    shift_s: int = 0
    stops_s: list[float] = field(default_factory=list)
    """How long each process took to end after SIGTERM."""
    fell_at: float = 0.0
    """When the last blow fell, by the monotonic clock."""

    def falls(self) -> None:
        """The blow falls now."""
        self.fell_at = time.monotonic()

    def later(self, wait_s: float, work: Callable[[], object]) -> None:
        """Do something after a while; `calm` waits for it."""
        timer = threading.Timer(wait_s, work)
        timer.start()
        self.timers.append(timer)

    def calm(self) -> None:
        """Wait until everything that was left for later is done, and switch off what has not struck."""
        for timer in self.timers:
            timer.join()
        self.timers.clear()
        self.world.intacct.clear_faults()
        self.world.scoro.clear_faults()
        self.box.mood = "take"
        self.world.scoro.set(webhook_repeated=0.1, webhook_reorder_ms=0, webhook_delay_ms=0)

    def of(self, *roles: Role) -> list[Supervised]:
        """The processes of these roles."""
        return [process for process in self.processes if process.role in roles]


Dice = random.Random
Strike = Callable[[Stage, Dice], None]


@dataclass(frozen=True)
class Kind:
    """A kind of fault, as the report names it.

    `late`: the gateway runs something after it was given up. `jumps`: the ledger's clock does. Never both at once: the
    wait for what is late is counted on that clock.
    """

    name: str
    strike: Strike
    late: bool = False
    jumps: bool = False


def _until_struck(condition: Callable[[], bool], what: str) -> None:
    try:
        until(condition, what, STRIKE_S, LOOK_S)
    except AssertionError as error:
        raise UnstruckError(str(error)) from None


# -------------------------------------------------------------------------------------------------- processes


RARE = ("dead_letter", "look_up", "mail", "poison", "pull", "scoro.looked_up")
"""Steps that few things pass: each process counts for itself."""
ASK_AGAIN_S = 1.0
"""A look that somebody asked for may ride in a request that leaves anyway, past its own steps: asked for again."""


def _provoke(stage: Stage, step: str) -> None:
    """Bring about what passes a step."""
    area = step.partition(".")[0]
    if area == "look_up":
        stage.world.intacct.fault("lost_after_commit", count=4, contains=WRITES)
    if area in {"dead_letter", "mail"}:
        stage.desk.break_one()
    if area == "poison":
        _poison(stage)
    if area in {"pull", "scoro"}:
        if step == "scoro.looked_up":
            stage.world.scoro.fault("lost_after_commit", count=4, module="receipts", action="modify")
        stage.desk.pay_and_ask()


def _poison(stage: Stage) -> None:
    """Put a message that nobody can handle into a queue."""
    with _channel(stage) as channel:
        persistent = pika.BasicProperties(delivery_mode=2)
        channel.basic_publish("", f"{stage.world.settings.queue_prefix}changes", b"poison", persistent)


def _at_step(step: str, roles: Sequence[Role], how: signal.Signals, stage: Stage, dice: Dice) -> None:
    doomed = stage.of(*roles)
    order = Order(step, 1 if step.startswith(RARE) else dice.randint(1, 3), how)
    for process in doomed:
        process.order(order)
    struck: list[Supervised] = []

    asked_at = time.monotonic()

    def one_obeyed() -> bool:
        nonlocal asked_at
        struck[:] = [process for process in doomed if process.obeyed()]
        if not struck and step.startswith("pull") and time.monotonic() - asked_at > ASK_AGAIN_S:
            stage.desk.till.ask()
            asked_at = time.monotonic()
        return bool(struck)

    _provoke(stage, step)
    try:
        _until_struck(one_obeyed, f"{step} is reached")
    finally:
        for process in doomed:
            if process not in struck:
                process.order(None)
    if how is signal.SIGSTOP:
        # every process that has its order is continued: another may have obeyed before it was called off
        stage.later(dice.choice(PAUSES_S), lambda: [p.signal(signal.SIGCONT) for p in doomed])


def _at_random(roles: Sequence[Role], how: signal.Signals, stage: Stage, dice: Dice) -> None:
    time.sleep(dice.uniform(0, 0.8))
    process = dice.choice(stage.of(*roles))
    process.signal(how)
    if how is signal.SIGSTOP:
        stage.later(dice.choice(PAUSES_S), lambda: process.signal(signal.SIGCONT))


def _terminated(roles: Sequence[Role], stopped: bool, stage: Stage, dice: Dice) -> None:
    time.sleep(dice.uniform(0, 0.8))
    process = dice.choice(stage.of(*roles))
    if stopped:
        process.signal(signal.SIGSTOP)
    pid = process.signal(signal.SIGTERM)
    process.signal(signal.SIGCONT)
    stage.falls()
    try:
        until(lambda: process.has_left(pid), f"{process.name} has ended after SIGTERM", TERM_BOUND_S, LOOK_S)
    except AssertionError as error:
        process.signal(signal.SIGKILL)
        raise OverdueError(str(error)) from None
    stage.stops_s.append(time.monotonic() - stage.fell_at)


# -------------------------------------------------------------------------------------------------- far sides


def _answer_lost(fault: Mapping[str, Any], of: str, stage: Stage, dice: Dice) -> None:
    intacct = stage.world.intacct
    if of == "look-up":
        intacct.fault("lost_after_commit", contains=WRITES)
        intacct.fault(**fault, function="query")
    elif of == "pull":
        intacct.fault(**fault, contains=PULLS)
        stage.desk.pay_and_ask()
    else:
        intacct.fault(**fault, count=dice.randint(1, 2), contains=WRITES)
    name = fault["name"]
    _until_struck(lambda: all(f["fault"] != name for f in intacct.control("faults")), f"Intacct's {name} has struck")


def _scoro_answer_lost(fault: Mapping[str, Any], module: str | None, stage: Stage, dice: Dice) -> None:
    """Lose an answer to any call, or with `module` to a write of such a record."""
    scoro = stage.world.scoro
    if module is None:
        scoro.fault(**fault)
    else:
        scoro.fault(**fault, count=dice.randint(1, 2), module=module, action="modify")
        stage.desk.pay_and_ask()
    _until_struck(lambda: not scoro.control("faults"), f"Scoro's {fault['name']} has struck")


def _mail_astray(mood: str, stage: Stage, _: Dice) -> None:
    """The mail server hangs up, puts off or takes without a word while a failure is to be told of."""
    stage.box.mood = mood
    stage.desk.break_one()
    time.sleep(1.0)


def _webhooks_astray(stage: Stage, dice: Dice) -> None:
    stage.world.scoro.set(webhook_repeated=0.9, webhook_reorder_ms=1_500, webhook_delay_ms=dice.choice((0, 500)))
    time.sleep(1.0)


# -------------------------------------------------------------------------------------------------- RabbitMQ


def _rabbit_down(stop: bool, stage: Stage, dice: Dice) -> None:
    rabbit = stage.services.rabbit
    stage.falls()
    if stop:
        rabbit.stop()
    else:
        rabbit.kill()
    time.sleep(dice.choice((0.0, 1.0, 4.0)))
    rabbit.start()


def _queues_deleted(stage: Stage, _: Dice) -> None:
    with _channel(stage) as channel:
        for queue in ("changes", "delivery", "pull", "dead-letters"):
            channel.queue_delete(stage.world.settings.queue_prefix + queue)


BUSY = ("changes", "delivery", "pull")
"""Queues whose bells name a connection."""


def _bells_repeated(stage: Stage, dice: Dice) -> None:
    """Many bells, repeated and in any order, also for what does not exist; those that wait are put behind them."""
    prefix = stage.world.settings.queue_prefix
    bells = [(queue, stage.world.connection_id) for queue in BUSY] * 10
    bells += [*((queue, 10**6) for queue in BUSY), *(("dead-letters", dice.randint(1, 40)) for _ in range(10))]
    dice.shuffle(bells)
    with _channel(stage) as channel:
        waiting = [(queue, channel.basic_get(prefix + queue, auto_ack=True)[2]) for queue in BUSY]
        for queue, key in bells:
            body = dramatiq.Message(prefix + queue, queue, (key,), {}, {}).encode()
            channel.basic_publish("", prefix + queue, body)
        for queue, message in waiting:
            if message is not None:
                channel.basic_publish("", prefix + queue, message)
                channel.basic_publish("", prefix + queue, message)


@contextmanager
def _channel(stage: Stage) -> Iterator[Any]:
    """A channel to the broker for the length of a block; without it, or without the queues, nothing can be struck."""
    try:
        connection = pika.BlockingConnection(pika.URLParameters(stage.services.rabbit.url))
        yield connection.channel()
        connection.close()
    except AMQPError as error:
        raise UnstruckError(f"the queues do not stand: {error!r}") from error


# -------------------------------------------------------------------------------------------------- PostgreSQL


def _postgres_restarted(how: signal.Signals, stage: Stage, _: Dice) -> None:
    stage.falls()
    stage.services.restart_postgres(how)


def _connections_cut(stage: Stage, dice: Dice) -> None:
    time.sleep(dice.uniform(0, 0.5))
    stage.services.proxy.cut_all()


def _cut_at(fits: Callable[[bytes], bool], after: bool, stage: Stage, dice: Dice) -> None:
    trap = Trap(fits, after, skip=dice.randint(0, 25))
    stage.services.proxy.set_trap(trap)
    try:
        _until_struck(trap.sprung.is_set, "a connection is cut")
    finally:
        stage.services.proxy.set_trap(None)


def _silence(stage: Stage, dice: Dice) -> None:
    stage.services.proxy.hold()
    stage.later(dice.choice((0.5, 2.0, 6.0)), stage.services.proxy.release)


def _clock_steps(seconds: int, stage: Stage, _: Dice) -> None:
    """Step the ledger's clock; the gateway's follows one step behind, as far apart as two machines may be."""
    stage.world.intacct.set(clock_offset_s=stage.shift_s)
    stage.shift_s += seconds
    with psycopg.connect(stage.database_url, autocommit=True) as ledger:
        ledger.execute("UPDATE clock SET shift = make_interval(secs => %s)", [stage.shift_s])


# -------------------------------------------------------------------------------------------------- all of them


def kinds() -> list[Kind]:
    """Every kind of fault, once."""
    points: dict[str, Sequence[Role]] = {
        **dict.fromkeys((*OUTBOUND, *INBOUND), ("work",)),
        **dict.fromkeys(SCHEDULED, ("schedule",)),
        **POINTS,
    }
    moments = {"killed": signal.SIGKILL, "stopped": signal.SIGSTOP}
    roles: Sequence[Role] = ("serve", "work", "schedule")
    gateway: dict[str, dict[str, Any]] = {
        "answer lost, nothing ran": {"name": "lost_before"},
        "answer lost, all ran": {"name": "lost_after_commit"},
        "answer lost, runs later": {"name": "late_commit", "ms": LATE_MS},
        "slow": {"name": "slow", "ms": 700},
        "slower than the deadline": {"name": "slow", "ms": int(CALL_S * 1000) + 800},
        "5xx, nothing ran": {"name": "status_5xx"},
        "5xx, all ran": {"name": "status_5xx", "when": "after"},
        "empty answer, all ran": {"name": "empty", "when": "after"},
        "throttled": {"name": "throttled"},
    }
    late = {"late_commit", "slow"}
    scoro: dict[str, dict[str, Any]] = {
        "answer lost": {"name": "lost_before"},
        "answer lost, all ran": {"name": "lost_after_commit"},
        "5xx": {"name": "status_5xx"},
        "empty answer": {"name": "empty"},
        "slow": {"name": "slow", "ms": 1_500},
    }
    writes: dict[str, dict[str, Any]] = {
        "5xx, all ran": {"name": "status_5xx", "after": True},
        "empty answer, all ran": {"name": "empty", "after": True},
        "slower than the deadline": {"name": "slow", "ms": int(SCORO_CALL_S * 1000) + 800},
        "throttled": {"name": "throttled", "reset_s": 1},
    }
    moods = {"answer lost": "lose_reply", "later": "later"}
    return [
        *(
            Kind(f"{point}: {word}", partial(_at_step, point, who, how), late=how is signal.SIGSTOP)
            for point, who in points.items()
            for word, how in moments.items()
        ),
        *(
            Kind(f"{role} {word} at any moment", partial(_at_random, (role,), how), late=how is signal.SIGSTOP)
            for role in roles
            for word, how in moments.items()
        ),
        *(Kind(f"{role} told to stop (SIGTERM)", partial(_terminated, (role,), False)) for role in roles),
        *(Kind(f"{role} told to stop while it stood still", partial(_terminated, (role,), True)) for role in roles),
        *(
            Kind(f"Intacct write: {word}", partial(_answer_lost, fault, "write"), late=fault["name"] in late)
            for word, fault in gateway.items()
        ),
        *(
            Kind(f"Intacct {of}: {word}", partial(_answer_lost, gateway[word], of))
            for of in ("look-up", "pull")
            for word in ("answer lost, nothing ran", "answer lost, all ran", "5xx, nothing ran")
        ),
        *(Kind(f"Scoro: {word}", partial(_scoro_answer_lost, fault, None)) for word, fault in scoro.items()),
        *(
            Kind(f"Scoro write of {noun}: {word}", partial(_scoro_answer_lost, fault, module))
            for noun, module in {"a receipt": "receipts", "a bill": "bills"}.items()
            for word, fault in (scoro | writes).items()
        ),
        *(Kind(f"mail server: {word}", partial(_mail_astray, mood)) for word, mood in moods.items()),
        Kind("Scoro: webhooks repeated, reordered, delayed", _webhooks_astray),
        Kind("RabbitMQ stopped and started", partial(_rabbit_down, True)),
        Kind("RabbitMQ killed and started", partial(_rabbit_down, False)),
        Kind("RabbitMQ: queues deleted", _queues_deleted),
        Kind("RabbitMQ: bells repeated and reordered", _bells_repeated),
        Kind("PostgreSQL restarted (fast)", partial(_postgres_restarted, signal.SIGINT)),
        Kind("PostgreSQL restarted (immediate)", partial(_postgres_restarted, signal.SIGQUIT)),
        Kind("PostgreSQL: all connections cut", _connections_cut),
        Kind("PostgreSQL: cut after a statement left", partial(_cut_at, is_statement, True)),
        Kind("PostgreSQL: cut before a statement", partial(_cut_at, is_statement, False)),
        Kind("PostgreSQL: cut before COMMIT arrived", partial(_cut_at, is_commit, False)),
        Kind("PostgreSQL: cut before COMMIT was confirmed", partial(_cut_at, is_commit, True)),
        Kind("PostgreSQL: silent for seconds", _silence),
        Kind("clock steps 40 s forward", partial(_clock_steps, 40), jumps=True),
        Kind("clock steps 2 s back", partial(_clock_steps, -2), jumps=True),
    ]
