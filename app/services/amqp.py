"""Asking whether a broker answers: a whole AMQP handshake, because an open port says little."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pika
import pika.exceptions
from pika.adapters.utils.connection_workflow import AMQPConnectorException

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = b"\x01"


def speaks_amqp(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Send the protocol's header and see whether a first frame comes back; a broker's port opens long before that."""
    try:
        with socket.create_connection((host, port), timeout_s) as link:
            link.settimeout(timeout_s)
            link.sendall(PROTOCOL_HEADER)
            return link.recv(1) == METHOD_FRAME
    except OSError:
        return False


def broker_version(url: str, timeout_s: float = 2.0) -> str | None:
    """Sign in at an AMQP address and return the broker's version, or None where that fails or takes too long."""
    parameters = pika.URLParameters(url)
    # asked first, because pika leaks its sockets where nothing answers
    if parameters.ssl_options is None and not speaks_amqp(parameters.host, parameters.port, timeout_s / 2):
        return None
    parameters.socket_timeout = timeout_s / 2
    parameters.stack_timeout = timeout_s
    parameters.connection_attempts = 1
    with _quiet_pika():
        try:
            connection = pika.BlockingConnection(parameters)
        except (pika.exceptions.AMQPError, AMQPConnectorException, OSError):
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
