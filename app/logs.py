"""Logging: structured lines on standard error, ours and those of libraries alike."""

import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Literal

import structlog
from structlog.typing import Processor

from schemas.redaction import redact

NOISY = (
    "pika",
    "urllib3",
    "uvicorn.access",
    "uvicorn.error",
    "dramatiq.worker.WorkerThread",
    "dramatiq.worker.ConsumerThread",
)


def _is_news(record: logging.LogRecord) -> bool:
    """Drop dramatiq's remark on several workers in one process: one for each queue is what is wanted."""
    return "middleware of the same type twice" not in record.msg


def _redacting(_: object, __: str, line: object) -> str:
    """The last of all processors: no line leaves with a secret in it."""
    return redact(str(line))


def _tell_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what nobody caught, as Python does, without secrets."""
    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))


def _tell_uncaught_of_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_type is not SystemExit and failed.exc_value is not None:
        sys.stderr.write(f"In thread {failed.thread.name if failed.thread else '?'}:\n")
        _tell_uncaught(failed.exc_type, failed.exc_value, failed.exc_traceback)


def configure(log_format: Literal["console", "json"], level: str) -> None:
    """Send every line through one chain of processors."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer, _redacting],
        )
    )
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _tell_uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _tell_uncaught_of_thread
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for broker in ("RabbitmqBroker", "StubBroker"):
        logging.getLogger(f"dramatiq.broker.{broker}").addFilter(_is_news)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # asking for a queue that is not there yet is answered by closing the channel: no news
    logging.getLogger("pika.channel").setLevel(logging.ERROR)
