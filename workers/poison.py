"""What dramatiq gave up: the messages in `*.XQ` of every queue, which RabbitMQ would throw away after a week.

They get there when no actor is called as they say, when nobody can read them, or when the broker itself gives one up (a
delivery limit, a length). They are read by a consumer of its own, past dramatiq, and acknowledged once the ledger has
them: a death in between brings a message a second time, which its fingerprint finds again.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dramatiq.common import xq_name
from pika import BlockingConnection, URLParameters
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from db import failures
from db.database import Ledger
from db.failures import DeadLetter
from schemas.errors import ErrorClass, Problem
from workers.broker import QUEUES, with_limits

BATCH = 100
"""Messages taken at a time: one transaction, one acknowledgement."""

NO_QUEUE = 404
"""RabbitMQ's answer where a queue was not declared yet: no worker has run."""


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A message that was given up: of which queue, why, and its body."""

    queue: str
    reason: str
    body: bytes

    @property
    def fingerprint(self) -> str:
        """Equal for deliveries of one message; those of dramatiq hold an id of their own."""
        return hashlib.sha256(self.queue.encode() + b"\0" + self.body).hexdigest()

    def problem(self) -> Problem:
        """What people are told of it."""
        actor = _actor(self.body)
        if actor is None:
            code, what = "unreadable_message", "nobody can read it"
        elif actor in QUEUES:
            code, what = "given_up_message", f"RabbitMQ gave it up ({self.reason})"
        else:
            code, what = "unknown_actor", f"no actor is called {actor!r}"
        return Problem(
            ErrorClass.POISON,
            code,
            f"A message in the queue {self.queue} could not be handled: {what}.",
            "Nothing of the ledger is lost: messages only say where to look. Find out who else publishes here,"
            " or which other version of scoro-intacct runs along; then resolve this.",
            culprit=(self.queue, actor or ""),
        )


def _actor(body: bytes) -> str | None:
    """The actor that a message names; None where it is no message of dramatiq's."""
    try:
        message: Any = json.loads(body)
        actor, arguments = message["actor_name"], message["args"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return actor[:100] if isinstance(actor, str) and isinstance(arguments, list) else None


class DeadQueues:
    """The queues of what was given up, each on a channel of its own. One thread uses it."""

    def __init__(self, connection: BlockingConnection, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix
        self._channels: dict[str, BlockingChannel] = {}
        self._taken: dict[str, int] = {}

    def take(self) -> list[DeadMessage]:
        """Up to `BATCH` messages; they come again unless they are acknowledged."""
        taken: list[DeadMessage] = []
        for queue in QUEUES:
            while len(taken) < BATCH and (message := self._get(queue)) is not None:
                taken.append(message)
        return taken

    def _get(self, queue: str) -> DeadMessage | None:
        if queue not in self._channels:
            self._channels[queue] = self._connection.channel()
        try:
            method, properties, body = self._channels[queue].basic_get(xq_name(self._prefix + queue))
        except ChannelClosedByBroker as error:
            if error.reply_code != NO_QUEUE:
                raise
            del self._channels[queue]
            return None
        if method is None:
            return None
        self._taken[queue] = method.delivery_tag
        return DeadMessage(queue, _reason(properties.headers), body or b"")

    def acknowledge(self) -> None:
        """Let the broker forget everything that was taken."""
        for queue, tag in self._taken.items():
            self._channels[queue].basic_ack(tag, multiple=True)
        self._taken.clear()

    def rest(self, seconds: float) -> None:
        """Wait, and answer the broker's heartbeat meanwhile."""
        self._connection.process_data_events(seconds)


def _reason(headers: Any) -> str:
    """Why the broker gave a message up, by its own mark."""
    try:
        return str(headers["x-death"][0]["reason"])
    except (TypeError, KeyError, IndexError):
        return "rejected"


@contextmanager
def dead_queues(amqp_url: str, prefix: str) -> Iterator[DeadQueues]:
    """Open the queues of what was given up."""
    connection = BlockingConnection(URLParameters(with_limits(amqp_url)))
    try:
        yield DeadQueues(connection, prefix)
    finally:
        if connection.is_open:
            connection.close()


def keep(ledger: Ledger, messages: Sequence[DeadMessage]) -> None:
    """Commit messages as dead letters, each once however often it is delivered."""
    letters = {
        message.fingerprint: DeadLetter(
            None,
            None,
            message.problem(),
            sent=message.body.decode("utf-8", "backslashreplace"),
            answered=message.reason,
            poison=message.fingerprint,
        )
        for message in messages
    }
    failures.bury(ledger, list(letters.values()))
