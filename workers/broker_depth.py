"""How many messages lie in the broker, asked without its management plugin: each queue is declared passively.

What is counted is what waits (`ready`): messages that a worker has taken but not acknowledged are not told. Delayed
(`.DQ`) and dead (`.XQ`) queues should be empty, as nothing waits in the broker and dead letters stand in the ledger.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import dramatiq
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import dq_name, xq_name
from pika import BlockingConnection, URLParameters
from pika.exceptions import AMQPError, ChannelClosedByBroker

from workers.broker import QUEUES, with_limits

STATES: dict[str, Callable[[str], str]] = {"ready": str, "delayed": dq_name, "dead": xq_name}
"""The queue that holds messages of each state, by the name of the ordinary one."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages of one queue; `queue` is without the installation's prefix, `consumers` those that take from it."""

    queue: str
    state: str
    messages: int
    consumers: int


Measure = Callable[[], list[Depth]]
"""Counts all queues; raises BrokerSilentError."""


ABSENT_S = 60.0
"""A queue that is not there is asked for again after this long."""


class BrokerSilentError(Exception):
    """The broker does not answer; the message says how."""


class RabbitDepth:
    """Counts over a connection of its own, which is kept and made anew when it is lost."""

    def __init__(self, amqp_url: str, prefix: str) -> None:
        self._parameters = URLParameters(with_limits(amqp_url))
        self._parameters.socket_timeout = self._parameters.blocked_connection_timeout = 2
        self._parameters.stack_timeout = 3
        self._prefix = prefix
        self._connection: BlockingConnection | None = None
        self._lock = threading.Lock()
        self._absent: dict[str, float] = {}

    def __call__(self) -> list[Depth]:
        """Count all queues; one that nobody has declared yet is empty."""
        with self._lock:
            try:
                if self._connection is None or self._connection.is_closed:
                    self._connection = BlockingConnection(self._parameters)
                return list(self._measure(self._connection))
            except (AMQPError, OSError) as error:
                self._drop()
                raise BrokerSilentError(_words(error)) from error

    def _measure(self, connection: BlockingConnection) -> Iterator[Depth]:
        channel = connection.channel()
        for queue in QUEUES:
            for state, named in STATES.items():
                name = named(queue)
                if self._absent.get(name, 0.0) > time.monotonic():
                    yield Depth(name, state, 0, 0)
                    continue
                try:
                    answer = channel.queue_declare(self._prefix + name, passive=True).method
                except ChannelClosedByBroker:
                    channel = connection.channel()
                    self._absent[name] = time.monotonic() + ABSENT_S
                    yield Depth(name, state, 0, 0)
                else:
                    yield Depth(name, state, answer.message_count, answer.consumer_count)
        channel.close()

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(AMQPError, OSError):
                self._connection.close()
        self._connection = None

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._drop()


def stub_depth(broker: StubBroker, prefix: str) -> list[Depth]:
    """Count the queues of the broker inside this process; its workers are this process's own."""
    depths = []
    for queue in QUEUES:
        for state, named in STATES.items():
            waiting = broker.queues.get(prefix + named(queue))
            depths.append(Depth(named(queue), state, waiting.qsize() if waiting is not None else 0, 1))
    return depths


def measure_of(broker: dramatiq.Broker, amqp_url: str | None, prefix: str) -> Measure:
    """How the messages of a process's broker are counted."""
    if isinstance(broker, StubBroker):
        return lambda: stub_depth(broker, prefix)
    if amqp_url is None:
        raise ValueError("a broker outside the process has an address")
    return RabbitDepth(amqp_url, prefix)


def _words(error: Exception) -> str:
    return str(error).strip() or type(error).__name__
