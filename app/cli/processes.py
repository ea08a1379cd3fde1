"""The processes of the product, its schema, its stand-ins and its demo."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.common import tell_wait
from app.cli.errors import Refusal

if TYPE_CHECKING:
    from app.settings import Settings
    from app.wiring import Ledger


@contextmanager
def _process(name: str, *, alone: bool) -> Iterator[tuple["Settings", "Ledger"]]:
    """Settings and ledger of a process that runs until it is told to stop.

    `alone`: all of the product runs in it, so that it may do without a shared database and broker.
    """
    from app import logs
    from app.settings import load_settings
    from app.wiring import open_ledger

    settings = load_settings()
    if not alone:
        unset = [name for name in ("DATABASE_URL", "AMQP_URL") if getattr(settings, name.lower()) is None]
        if unset:
            raise Refusal(
                f"{' and '.join(unset)} must be set: `{name}` shares the ledger and the broker with other processes."
                " Set both, or run everything in one process with `scoro-intacct up`."
            )
    logs.configure(settings.log_format, settings.log_level)
    with open_ledger(settings, actor=name, on_wait=tell_wait) as ledger:
        yield settings, ledger


def _say(text: str) -> None:
    """Print a line at once, also into a pipe."""
    typer.echo(text)


def _say_first_link(settings: "Settings", ledger: "Ledger", address: str | None) -> None:
    """While nobody has an account, print the link with which the first admin makes one; it is shown nowhere else."""
    from console.actions.people import first_link

    for line in first_link(ledger.db, settings.public_url or address or ""):
        _say(line)


def up() -> None:
    """Run web, workers and scheduler in one process."""
    from app.processes import running, until_told_to_stop
    from app.services.broker import BrokerService, broker
    from workers.broker import QUEUES

    with _process("up", alone=True) as (settings, ledger):
        if settings.amqp_url:
            with broker(settings.amqp_url, state_dir=settings.data_dir, embedded=False, install=False) as service:
                label = service.label
        else:
            label = BrokerService(None, "in-process broker").label
        _say(f"Database  {ledger.label}")
        _say(f"Broker    {label}")
        with running(settings, ledger, amqp_url=settings.amqp_url, web=True, queues=QUEUES, scheduler=True) as address:
            _say(f"Serving at {address} until Ctrl-C.")
            _say_first_link(settings, ledger, address)
            until_told_to_stop()


def serve() -> None:
    """Run the web server."""
    from app.processes import running, until_told_to_stop

    with (
        _process("serve", alone=False) as (settings, ledger),
        running(settings, ledger, amqp_url=settings.amqp_url, web=True) as address,
    ):
        _say(f"Serving at {address}")
        _say_first_link(settings, ledger, address)
        until_told_to_stop()


def work(
    queues: Annotated[str, typer.Option(help="Queues to work on, separated by commas; all unless named.")] = "",
) -> None:
    """Run workers."""
    from app.processes import running, until_told_to_stop
    from workers.broker import QUEUES

    chosen = [queue.strip() for queue in queues.split(",") if queue.strip()] or list(QUEUES)
    if unknown := [queue for queue in chosen if queue not in QUEUES]:
        raise typer.BadParameter(f"there is no queue {unknown[0]!r}; there are {', '.join(QUEUES)}")
    with (
        _process("work", alone=False) as (settings, ledger),
        running(settings, ledger, amqp_url=settings.amqp_url, queues=list(dict.fromkeys(chosen))),
    ):
        _say(f"Working on {', '.join(dict.fromkeys(chosen))}")
        until_told_to_stop()


def schedule() -> None:
    """Run the scheduler: it rings for what is due and takes over from the dead."""
    from app.processes import running, until_told_to_stop

    with (
        _process("schedule", alone=False) as (settings, ledger),
        running(settings, ledger, amqp_url=settings.amqp_url, scheduler=True),
    ):
        _say("Scheduling")
        until_told_to_stop()


def migrate() -> None:
    """Bring the ledger to this version's schema; safe when many do it at once."""
    from app.services.postgres import postgres
    from app.settings import load_settings
    from db.migrate import migrate as apply

    settings = load_settings()
    with postgres(settings.data_dir, settings.database_url, on_wait=tell_wait) as service:
        direct = settings.database_direct_url if settings.database_url else None
        applied = apply(direct or service.url)
        for name in applied:
            typer.echo(f"applied {name}")
        typer.echo(f"{service.label} has this version's schema{'' if applied else ' already'}.")


class StandIn(StrEnum):
    """Which far side to stand in for."""

    SCORO = "scoro"
    INTACCT = "intacct"


def sandbox(
    which: Annotated[StandIn, typer.Argument(metavar="scoro|intacct")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of 127.0.0.1 to listen on.")],
) -> None:
    """Run a stand-in for Scoro or Intacct on this machine; its records are kept in DATA_DIR."""
    import socket

    from app.services.data_dir import ensure_data_dir
    from app.settings import load_settings
    from sandbox import fixtures
    from sandbox.serve import serve as serve_stand_in

    settings = load_settings()
    host = "127.0.0.1"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Refusal(f"Port {port} cannot be listened on ({error.strerror}): choose another one.") from None
    if which is StandIn.SCORO:
        _say(f"Scoro stand-in at http://{host}:{port}; control surface under /_sandbox")
        _say(f"  API key {fixtures.SCORO_API_KEY}, entity {fixtures.SCORO_ENTITY}")
    else:
        _say(f"Intacct stand-in at http://{host}:{port}/ia/xml/xmlgw.phtml; control surface under /_sandbox")
        _say(f"  INTACCT_SENDER_ID={fixtures.SENDER_ID} INTACCT_SENDER_PASSWORD={fixtures.SENDER_PASSWORD}")
        _say(f"  company {fixtures.COMPANY_ID}, entities {', '.join(fixtures.ENTITIES)}")
        _say(f"  user {fixtures.USER_ID}, password {fixtures.USER_PASSWORD}")
    serve_stand_in(which.value, host, port, ensure_data_dir(settings.data_dir))


def demo(
    documents: Annotated[int, typer.Option(min=1, max=1_000_000, help="Invoices to write.")] = 500,
    serve: Annotated[bool, typer.Option("--serve", help="Go on serving when the report is printed.")] = False,
    seed: Annotated[int, typer.Option(help="Another seed makes other invoices.")] = 1,
) -> None:
    """Run the whole product against the sandbox, and report what arrived."""
    from app import logs
    from app.demo import run
    from app.settings import load_settings

    settings = load_settings()
    # the report is what a person watches: of the log only what is wrong, unless asked for more
    chosen = "log_level" in settings.model_fields_set
    logs.configure(settings.log_format, settings.log_level if chosen else "WARNING")
    raise typer.Exit(run(settings, documents=documents, serve=serve, seed=seed))
