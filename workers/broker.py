"""The message broker: dramatiq on RabbitMQ, or in process where `AMQP_URL` is unset.

What dramatiq brings by default and this product does without, because the ledger holds the work: Retries (a retry whose
enqueue fails is acked and lost), AgeLimit and TimeLimit (which throws into a thread in the middle of a settlement),
ShutdownNotifications, Callbacks and Pipelines. A message is a bell: it says where to look, nothing else.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import dq_name, xq_name
from dramatiq.middleware import Middleware
from dramatiq.worker import Worker
from pika import BlockingConnection, URLParameters
from pika.exceptions import AMQPError

QUEUES = ("changes", "delivery", "pull", "dead-letters")

THREADS = {"changes": 4, "delivery": 8, "pull": 2, "dead-letters": 1}
"""Threads of each queue in one worker process: slow companies cannot stop intake."""

LIMITS = {"socket_timeout": "5", "stack_timeout": "10", "blocked_connection_timeout": "5", "heartbeat": "30"}
"""Connection limits in seconds, unless `AMQP_URL` names others: a broker that accepts and stays silent is given up."""


def make_broker(amqp_url: str | None, middleware: Sequence[Middleware] = ()) -> dramatiq.Broker:
    """Make the broker that every process of one installation shares."""
    if amqp_url is None:
        return StubBroker(middleware=list(middleware))
    return RabbitmqBroker(url=with_limits(amqp_url), confirm_delivery=True, middleware=list(middleware))


def with_limits(amqp_url: str) -> str:
    """The URL with every limit that it does not name itself."""
    parts = urlsplit(amqp_url)
    query = {**LIMITS, **dict(parse_qsl(parts.query))}
    return urlunsplit(parts._replace(query=urlencode(query)))


def ring(broker: dramatiq.Broker, prefix: str, queue: str, key: int) -> None:
    """Publish one bell, confirmed by the broker; the actor has the queue's name."""
    broker.enqueue(dramatiq.Message(prefix + queue, queue, (key,), {}, {}))


def keep_alive(broker: dramatiq.Broker) -> None:
    """Answer RabbitMQ's heartbeat on the calling thread's connection; one that is lost is given up, for a new one."""
    if not isinstance(broker, RabbitmqBroker):
        return
    try:
        broker.connection.process_data_events(0)
    except AMQPError:
        del broker.connection
        raise


def start_workers(broker: dramatiq.Broker, prefix: str, queues: Iterable[str]) -> list[Worker]:
    """Start one dramatiq worker per queue, each with threads of its own."""
    workers = [Worker(broker, queues={prefix + queue}, worker_threads=THREADS[queue]) for queue in queues]
    for worker in workers:
        worker.start()
    return workers


def delete_queues(amqp_url: str, prefix: str) -> None:
    """Remove the queues of an installation that is over; only those under a prefix of its own."""
    if not prefix:
        raise ValueError("queues without a prefix may be somebody else's")
    connection = BlockingConnection(URLParameters(with_limits(amqp_url)))
    try:
        channel = connection.channel()
        for queue in QUEUES:
            for name in (prefix + queue, dq_name(prefix + queue), xq_name(prefix + queue)):
                channel.queue_delete(name)
    finally:
        connection.close()
