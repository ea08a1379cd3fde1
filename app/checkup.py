"""Checks of the environment: settings, database, broker, disk, addresses, mail; each finding with its fix."""

import ipaddress
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import pika
import pika.exceptions
import psycopg
import requests

from app.services.amqp import broker_version
from app.settings import Settings, address
from app.wiring import KEY_FILE, Ledger
from clients.hosts import is_local_host
from clients.mail import MailError, MailServer
from console.actions.findings import Finding, broken, note, ok, warning
from console.actions.fitness import CLOCK_TOLERANCE_S
from db import connections
from db.migrate import OLDEST_SERVER, is_current
from db.vault import VaultError
from workers.broker import QUEUES

CALL_S = 10.0
LOW_BYTES, EMPTY_BYTES = 2 * 1024**3, 200 * 1024**2
"""Free room below which the data folder is worth a warning, and below which nothing works for long."""
OLDEST_BROKER = (3, 8)
SCORO_TXT = "scoro.txt"


def environment(settings: Settings) -> Iterator[Finding]:
    """What can be said before the ledger is open: disk, broker, addresses."""
    yield from data_dir(settings)
    yield from broker(settings)
    yield from addresses(settings)


def opened(settings: Settings, ledger: Ledger) -> Iterator[Finding]:
    """What an open ledger adds: its server, unless it was looked at to open it, and the mail that connections want."""
    if not settings.database_url:
        yield from database(settings, ledger.db.url, ledger.label)
    try:
        every = ledger.db.run(lambda session: connections.every(session, ledger.vault))
    except VaultError:
        every = []  # said of the secrets
    wanting = [one.name for one in every if one.state != "disconnected" and one.settings.notify.emails]
    yield from mail(settings, wanting)


def running(settings: Settings, ledger: Ledger) -> Iterator[Finding]:
    """All that can be said of the environment of a process that runs."""
    yield from environment(settings)
    if settings.database_url:
        yield from database(settings, settings.database_url, ledger.label)
    yield from opened(settings, ledger)


def database(settings: Settings, url: str, label: str) -> Iterator[Finding]:
    """Version, schema, clock and direct sessions of the ledger."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as session:
            version = session.info.server_version
            row = session.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
            ahead_s = float(row[0]) - time.time() if row else 0.0
    except psycopg.Error as error:
        fix = "Start it, or correct DATABASE_URL."
        yield broken("PostgreSQL", f"{label} does not answer: {_words(error)}", fix)
        return
    if version < OLDEST_SERVER:
        yield broken("PostgreSQL", f"version {version // 10000} is too old", "Use PostgreSQL 15 or newer.")
    elif not is_current(url):
        yield broken("PostgreSQL", "the ledger does not have this version's schema", "scoro-intacct migrate")
    else:
        yield ok("PostgreSQL", f"{label}, with this version's schema")
    if abs(ahead_s) > CLOCK_TOLERANCE_S:
        yield warning(
            "PostgreSQL",
            f"its clock differs from this machine's by {abs(ahead_s):,.0f} s; due times and months follow it",
            "Let both machines take the time from the network.",
        )
    if settings.database_url and settings.database_direct_url not in (None, settings.database_url):
        yield from _direct(settings.database_direct_url or "")


def _words(error: Exception) -> str:
    return " ".join(str(error).split())


def _direct(url: str) -> Iterator[Finding]:
    """Whether DATABASE_DIRECT_URL gives sessions: locks that a pooler loses would let two do the same."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as session:
            session.execute("SELECT pg_advisory_lock(0, 0)")
            row = session.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            ).fetchone()
    except psycopg.Error as error:
        yield broken("DATABASE_DIRECT_URL", f"it does not answer: {_words(error)}", "Correct the address.")
        return
    if row and row[0]:
        yield ok("DATABASE_DIRECT_URL", "sessions keep their locks")
    else:
        yield broken("DATABASE_DIRECT_URL", "it leads to a pooler of transactions", "Name the server itself.")


def broker(settings: Settings) -> Iterator[Finding]:
    """Whether RabbitMQ answers, its version, and whether our queues are as we declare them."""
    url = settings.amqp_url
    if not url:
        yield note("RabbitMQ", "AMQP_URL is not set: `up` brings a broker of its own; `serve` and `work` need one")
        return
    version = broker_version(url)
    if version is None:
        yield broken(
            "RabbitMQ", "it does not answer; work waits in the ledger meanwhile", "Start it, or correct AMQP_URL."
        )
        return
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST_BROKER:
        yield warning("RabbitMQ", f"version {version} is old", "Use RabbitMQ 3.8 or newer.")
    else:
        yield ok("RabbitMQ", f"version {version} answers")
    yield from _queues(url, [settings.queue_prefix + queue for queue in QUEUES])


def _queues(url: str, names: Sequence[str]) -> Iterator[Finding]:
    """Declared passively, a queue tells its consumers; one of another type refuses our declaration."""
    parameters = pika.URLParameters(url)
    parameters.socket_timeout, parameters.stack_timeout = 5.0, 10.0
    unheard: list[str] = []
    connection = pika.BlockingConnection(parameters)
    try:
        for name in names:
            try:
                told = connection.channel().queue_declare(name, passive=True)
            except pika.exceptions.ChannelClosedByBroker:
                continue  # not declared yet: the first worker does it
            if not told.method.consumer_count:
                unheard.append(name)
            try:
                connection.channel().queue_declare(name, durable=True, arguments=_arguments(name))
            except pika.exceptions.ChannelClosedByBroker as error:
                yield broken(
                    "RabbitMQ",
                    f"the queue {name} is of another type than we declare ({error.reply_text})",
                    "Delete it, as the ledger holds the work; the virtual host's default queue type must be classic.",
                )
    finally:
        connection.close()
    if unheard:
        yield warning("RabbitMQ", f"nobody listens on {', '.join(unheard)}", "Start `scoro-intacct work`.")


def _arguments(name: str) -> dict[str, str]:
    """As dramatiq declares a queue."""
    return {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.XQ"}


def data_dir(settings: Settings) -> Iterator[Finding]:
    """Room and closedness of the data folder."""
    folder = settings.data_dir
    if not folder.exists():
        yield note("DATA_DIR", f"{folder} is made at the first start")
        return
    free = shutil.disk_usage(folder).free
    if free < EMPTY_BYTES:
        yield broken("DATA_DIR", f"{free // 1024**2:,} MB are free at {folder}", "Make room, or choose another folder.")
    elif free < LOW_BYTES:
        yield warning("DATA_DIR", f"{free // 1024**2:,} MB are free at {folder}", "Make room.")
    else:
        yield ok("DATA_DIR", f"{folder}, {free // 1024**3:,} GB free")
    key = folder / KEY_FILE
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield broken("DATA_DIR", f"others can read {key}, which opens every secret", f"chmod 600 {key}")


def addresses(settings: Settings) -> Iterator[Finding]:
    """Whether Scoro can reach us, and whether somebody reaches more than they should."""
    if settings.public_url is None:
        yield note(
            "PUBLIC_URL",
            "it is not set: Scoro cannot call us, changes are polled for",
            "Set it to the https address under which Scoro reaches this installation.",
        )
    else:
        yield from _public(settings.public_url)
    if settings.metrics_bind and not _is_loopback(address(settings.metrics_bind)[0]):
        yield warning(
            "METRICS_BIND",
            f"{settings.metrics_bind} shows metrics without a token to everybody who reaches it",
            "Bind it to 127.0.0.1, or keep it on a closed network.",
        )
    if settings.allow_local_endpoints:
        yield warning(
            "ALLOW_LOCAL_ENDPOINTS",
            "it is on: sites and the gateway may be plain http and local addresses",
            "Switch it off outside of trials.",
        )
    if not settings.intacct_sender_id or not settings.intacct_sender_password.get_secret_value():
        yield broken(
            "INTACCT_SENDER_ID",
            "INTACCT_SENDER_ID or INTACCT_SENDER_PASSWORD is not set",
            "Take both from your Web Services licence.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _public(url: str) -> Iterator[Finding]:
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_local_host(parts.hostname or ""):
        yield warning("PUBLIC_URL", f"{url} is not https", "Put a proxy with a certificate in front.")
    if is_local_host(parts.hostname or ""):
        yield note("PUBLIC_URL", f"{url} is on this machine: only a Scoro that runs here reaches it")
    wanted = f"{url}/{SCORO_TXT}"
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(wanted, timeout=CALL_S, allow_redirects=False)
    except requests.RequestException as error:
        yield broken(
            "PUBLIC_URL",
            f"{wanted} cannot be reached from here ({type(error).__name__}), so Scoro refuses to subscribe webhooks",
            "Start `scoro-intacct up` or `serve`, and see that name, proxy and firewall lead to HTTP_BIND.",
        )
        return
    if answer.status_code != requests.codes.ok:
        yield broken(
            "PUBLIC_URL",
            f"{wanted} answers {answer.status_code}, so Scoro refuses to subscribe webhooks",
            "Let the proxy pass /scoro.txt and /hooks/ on to HTTP_BIND, without a login and without a redirection.",
        )
        return
    yield ok("PUBLIC_URL", f"{wanted} answers, as Scoro wants it")


def mail(settings: Settings, told: Sequence[str]) -> Iterator[Finding]:
    """Whether mail can be handed in; `told` are the connections that want some."""
    if settings.smtp_url is None:
        if told:
            yield broken(
                "SMTP_URL",
                f"{', '.join(told)} should tell failures by e-mail, but SMTP_URL is not set",
                "Set SMTP_URL, such as smtp://user:password@host:587?starttls=1, and MAIL_FROM.",
            )
        return
    try:
        server = MailServer.at(settings.smtp_url.get_secret_value())
        server.greet()
    except ValueError as error:
        yield broken("SMTP_URL", f"it {error}", "Correct it.")
        return
    except MailError as error:
        yield broken("SMTP_URL", str(error), "Correct host, port, user or password, or start the server.")
        return
    yield ok("SMTP_URL", f"{server.host}:{server.port} takes the sign-in; no mail was sent")
