"""Asking whether a broker answers: a whole AMQP handshake, because an open port says little."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pika
import pika.exceptions


def broker_version(url: str, timeout_s: float = 2.0) -> str | None:
    """Sign in at an AMQP address and return the broker's version, or None where that fails or takes too long."""
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = timeout_s / 2
    parameters.stack_timeout = timeout_s
    parameters.connection_attempts = 1
    with _quiet_pika():
        try:
            connection = pika.BlockingConnection(parameters)
        except (pika.exceptions.AMQPError, OSError):
            return None
        # pika's blocking connection does not pass on what the broker says of itself
        version = str(connection._impl.server_properties.get("version", "of unknown version"))
        connection.close()
    return version


@contextmanager
def _quiet_pika() -> Iterator[None]:
    """Keep pika from logging a stack of errors where no answer is an answer."""
    logger = logging.getLogger("pika")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
