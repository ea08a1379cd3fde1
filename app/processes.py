"""The processes of the product: `serve`, `work`, `schedule`, and all of them in one, `up`."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FrameType

import dramatiq
import structlog
import uvicorn
from prometheus_client import REGISTRY

from app import checkup
from app.metrics_server import metrics_server
from app.settings import EnvironmentFault, Settings, address
from app.version import version
from app.web import web_app
from app.wiring import Ledger, runtime_of
from clients.mail import MailServer
from console.metrics import LedgerCollector
from console.pulse import Pulse
from console.watch import Watch
from console.web import Console
from db import connections
from producers.drain import Drain
from producers.heal import Healer
from producers.loop import Loop
from producers.mailer import Mailer
from producers.poll import Poller
from producers.relay import Relay
from producers.schedule import Clock
from producers.sweep import Sweeper
from workers.actors import register
from workers.broker import keep_alive, make_broker, ring, start_workers
from workers.broker_depth import Measure, RabbitDepth, measure_of
from workers.poison import dead_queues, keep
from workers.runtime import Runtime
from workers.steps import reach

log = structlog.get_logger(__name__)

STOP_WORKERS_S = 30.0
"""How long running actors may finish after SIGTERM; what is left then is found by its lock and taken over."""

POLLERS = 2
"""So that a site that does not answer does not hold up the polls of the others."""

LISTEN_S = 0.5
"""A signal that another thread than the main one took is heard within this."""


@contextmanager
def running(
    settings: Settings,
    ledger: Ledger,
    *,
    amqp_url: str | None,
    web: bool = False,
    queues: Sequence[str] = (),
    scheduler: bool = False,
) -> Iterator[str | None]:
    """Run the parts asked for until the block ends; yields the web server's base address."""
    stopping = threading.Event()
    broker = make_broker(amqp_url)
    with ExitStack() as stack:
        stack.callback(broker.close)
        runtime = runtime_of(settings, ledger, stopping)
        stack.callback(runtime.close)
        register(broker, settings.queue_prefix, runtime)
        if queues:
            workers = start_workers(broker, settings.queue_prefix, queues)
            stack.callback(_stop_workers, workers, stopping)
        _start(stack, _relay(ledger, broker, settings.queue_prefix))
        if queues or scheduler:  # any number of sweepers may run; without one, gathered bulk would wait for ever
            _start(stack, Sweeper(ledger.db))
        if scheduler:
            for loop in _scheduled(settings, ledger, runtime, amqp_url):
                _start(stack, loop)
        measure = measure_of(broker, amqp_url, settings.queue_prefix)
        if isinstance(measure, RabbitDepth):
            stack.callback(measure.close)
        collector = LedgerCollector(ledger.db, measure, settings.data_dir)
        REGISTRY.register(collector)
        stack.callback(REGISTRY.unregister, collector)
        if settings.metrics_bind:
            stack.enter_context(metrics_server(settings))
        if web or scheduler:
            _start(stack, Pulse(ledger.db, measure))
        if not web:
            yield None
            return
        label = "RabbitMQ" if amqp_url else "Broker in this process"
        yield stack.enter_context(_web_server(settings, _console(stack, settings, ledger, runtime, measure, label)))


def _start(stack: ExitStack, loop: Loop) -> None:
    """Run a background thread until the stack ends."""
    loop.start()
    stack.callback(loop.stop)


def _scheduled(settings: Settings, ledger: Ledger, runtime: Runtime, amqp_url: str | None) -> Iterator[Loop]:
    """The background threads of a scheduler; any number of schedulers may run."""
    yield Clock(ledger.db)
    for _ in range(POLLERS):
        yield _poller(settings, ledger, runtime)
    if settings.smtp_url:
        server = MailServer.at(settings.smtp_url.get_secret_value())
        yield Mailer(ledger.db, server, settings.mail_from or "", settings.public_url, reach)
    if amqp_url:  # the broker inside a process gives nothing up
        yield Drain(ledger.db, lambda: dead_queues(amqp_url, settings.queue_prefix), keep, reach)
    if settings.public_url:
        every = partial(connections.every, vault=ledger.vault)
        yield Healer(ledger.db, settings.public_url, lambda: ledger.db.run(every), runtime.scoro)


def _console(  # noqa: PLR0917 - what a process is made of
    stack: ExitStack, settings: Settings, ledger: Ledger, runtime: Runtime, measure: Measure, broker_label: str
) -> Console:
    """What the pages work with; their watch over the services ends with the stack."""
    smtp_url = settings.smtp_url.get_secret_value() if settings.smtp_url else None
    watch = Watch(runtime.db, measure, smtp_url)
    watch.start()
    stack.callback(watch.stop)
    environment = partial(checkup.running, settings, ledger)
    return Console(runtime, watch, settings.public_url, broker_label, version=version(), environment=environment)


def _poller(settings: Settings, ledger: Ledger, runtime: Runtime) -> Poller:
    def connection_of(connection_id: int) -> connections.Connection | None:
        return ledger.db.run(lambda session: connections.load(session, ledger.vault, connection_id))

    return Poller(ledger.db, connection_of, runtime.scoro, webhooks=settings.public_url is not None)


def _relay(ledger: Ledger, broker: dramatiq.Broker, prefix: str) -> Relay:
    return Relay(ledger.db, lambda queue, key: ring(broker, prefix, queue, key), lambda: keep_alive(broker))


def _stop_workers(workers: Sequence[dramatiq.Worker], stopping: threading.Event) -> None:
    stopping.set()
    threads = [threading.Thread(target=w.stop, args=(int(STOP_WORKERS_S * 1000),)) for w in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def _web_server(settings: Settings, console: Console) -> Iterator[str]:
    host, port = address(settings.http_bind)
    config = uvicorn.Config(
        web_app(settings, console),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise EnvironmentFault(f"HTTP_BIND: {settings.http_bind} cannot be listened on; is it taken?")
        time.sleep(0.01)
    bound = server.servers[0].sockets[0].getsockname()
    try:
        yield f"http://{bound[0]}:{bound[1]}"
    finally:
        server.should_exit = True
        thread.join()


def until_told_to_stop() -> None:
    """Wait for SIGTERM or SIGINT."""
    told = threading.Event()

    def tell(signum: int, _: FrameType | None) -> None:
        log.info("process.stopping", signal=signal.Signals(signum).name)
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    with contextlib.suppress(KeyboardInterrupt):
        # Python's handler runs in this thread, which sleeps on where the kernel gave the signal to another one.
        while not told.wait(LISTEN_S):
            pass
