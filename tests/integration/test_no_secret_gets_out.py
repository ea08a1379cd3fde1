"""After a run that fails in every known way no secret stands in a log, the ledger, a mail, a page or a command line."""

import base64
import html
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
import structlog

from app import logs
from app.settings import Settings
from app.wiring import open_ledger
from clients.mail import MailServer
from db.people import Role
from producers.loop import Loop
from producers.mailer import Mailer
from sandbox import fixtures
from tests.integration.test_replays import make, send_all
from tests.worlds.browsing import Somebody, person
from tests.worlds.mailbox import PASSWORD, USER, Mailbox, mailbox
from tests.worlds.waiting import until
from tests.worlds.world import SECRET_KEY, World
from workers import poison
from workers.poison import DeadMessage, dead_queues

SEALED = {("site", "api_key"), ("site", "user_token"), ("site", "hook_token"), ("connection", "password")}
ANNA = "anna@acme.example"
BROKER_PASSWORD, DATABASE_PASSWORD = "broker/p@ss <7>", "ledger&p@ss=7%"


def forms(secret: str) -> set[str]:
    """A secret as it may stand somewhere; by other means than the product's own."""
    raw = secret.encode()
    whole = {secret, quote(secret, safe=""), quote_plus(secret), escape(secret), html.escape(secret)}
    whole |= {json.dumps(secret)[1:-1], base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    # inside a longer base64, such as that of user:password, what is the secret's alone
    for before in (1, 2):
        longer = base64.b64encode(b"x" * before + raw + b"yyy").decode()
        whole.add(longer[before + 1 : (before + len(raw)) * 8 // 6])
    return {form for form in whole if len(form) > 5}


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is written to standard error, logged in full."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook
    sys.excepthook, threading.excepthook = sys.__excepthook__, threading.__excepthook__
    logs.configure("json", "DEBUG")
    yield written
    root.handlers, (sys.excepthook, threading.excepthook) = before, hooks
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox(with_login=True) as box:
        yield box


def secrets(world: World) -> dict[str, str]:
    return {
        "sender password": fixtures.SENDER_PASSWORD,
        "user password": fixtures.USER_PASSWORD,
        "API key": fixtures.SCORO_API_KEY,
        "hook token": world.connection.site.hook_token,
        "mail password": PASSWORD,
        "secret key": SECRET_KEY,
        "broker password": BROKER_PASSWORD,
        "database password": DATABASE_PASSWORD,
    }


def echo(world: World) -> str:
    """What a far side might say that quotes everything it was told, in every form."""
    told = [form for secret in secrets(world).values() for form in sorted(forms(secret))]
    told += [base64.b64encode(f"\0user\0{secret}\0".encode()).decode() for secret in secrets(world).values()]
    return f"Error near <password>{fixtures.USER_PASSWORD}</password>: {' | '.join(told)}"


def settle(world: World) -> None:
    """Wait until nothing is on its way, with all patience that the product has cut short."""

    def is_quiet() -> bool:
        world.execute("UPDATE company SET throttled_until = 'epoch'")
        for table in ("operation", "change"):
            waiting = "state IN ('ready', 'uncertain')" if table == "operation" else "state = 'waiting'"
            world.execute(f"UPDATE {table} SET due_at = ledger_now() WHERE due_at > ledger_now() AND {waiting}")
        return world.is_quiet()

    until(is_quiet, "the world is quiet", 60, pause_s=0.2)


def fail_in_every_way(world: World, box: Mailbox) -> None:
    mailer = Mailer(
        world.ledger.db,
        MailServer.at(box.url.replace("://", f"://{USER}:{quote(PASSWORD, safe='')}@")),
        "sync@acme.example",
        "https://sync.example",
        lambda step: None,
    )
    said = echo(world)
    for number, fault in enumerate(
        [
            {"fault": "error", "description2": said, "function": "create_invoice"},
            {
                "fault": "error",
                "description2": "Check the transaction",
                "correction": said,
                "function": "create_invoice",
            },
            {"fault": "error", "description2": f"Invalid account '{said}' specified.", "function": "create_invoice"},
            {"fault": "error", "errorno": "XL03000003", "description2": said, "level": "control"},
            {"fault": "schema"},
            {"fault": "throttled"},
            {"fault": "lost_after_commit"},
            {"fault": "html"},
            {"fault": "status_5xx"},
        ]
    ):
        world.intacct.control("faults", fault)
        send_all(world, make(world, 1, first=number))
        settle(world)
    world.intacct.clear_faults()
    fail_on_the_way_back(world, said)
    for message, code in ((said, 400), (said, 500)):
        world.scoro.fault("error", message=message, code=code, module="invoices")
        send_all(world, make(world, 1, first=100 + code))
        settle(world)
    world.intacct.fault("error", level="authentication", errorno="XL03000006", description2=said, count=None)
    send_all(world, make(world, 1, first=900))
    until(lambda: world.row("SELECT state FROM connection")["state"] == "broken", "the connection is broken off")
    bodies = [said.encode(), b"\xff" + said.encode(), json.dumps({"actor_name": said, "args": [said]}).encode()]
    messages = [DeadMessage("changes", said, body) for body in bodies]
    world.ledger.db.run(lambda ledger: poison.keep(ledger, messages))
    until(lambda: not world.rows("SELECT FROM dead_letter WHERE handled_at IS NULL"), "every dead letter has a failure")

    class Broken(Loop):
        def turn(self) -> float:
            self.stop_requested.set()
            raise RuntimeError(said)

    broken = Broken("broken")
    broken.start()
    broken.join()
    thread = threading.Thread(target=lambda: sys.excepthook(RuntimeError, RuntimeError(said), None))
    thread.start()
    thread.join()
    logging.getLogger("some.package").error("It said %s", said)
    world.execute("UPDATE clock SET shift = shift + interval '10 s'")
    mailer.turn()
    box.mood, box.refusal = "refuse", " ".join(sorted(forms(PASSWORD)))
    world.ledger.db.run(lambda ledger: poison.keep(ledger, [DeadMessage("delivery", said, said.encode())]))
    until(lambda: world.rows("SELECT FROM mail WHERE state = 'waiting'"), "there is one more mail")
    world.execute("UPDATE clock SET shift = shift + interval '10 s'")
    mailer.turn()
    assert world.rows("SELECT FROM mail WHERE state = 'given_up' AND reason LIKE '%%***%%'")


def fail_on_the_way_back(world: World, said: str) -> None:
    """A pull that Intacct refuses, and a receipt that Scoro refuses."""
    record = world.intacct.invoice("INV-5")
    world.intacct.fault("error", function="query", description2=said)
    world.pull()
    settle(world)
    world.intacct.clear_faults()
    world.intacct.pay({"recordno": record["RECORDNO"], "amount": "1.00"})
    world.scoro.fault("error", message=said, code=400, module="receipts")
    world.pull()
    settle(world)
    assert world.rows("SELECT FROM dead_letter l JOIN document d ON d.id = l.document_id WHERE d.kind = 'receipt'")


def lose_services(closed_port: int) -> None:
    """A broker and a ledger that cannot be reached, at addresses with passwords."""
    settings = Settings(
        database_url=f"postgresql://sync:{quote(DATABASE_PASSWORD, safe='')}@127.0.0.1:{closed_port}/ledger",
        amqp_url=f"amqp://sync:{quote(BROKER_PASSWORD, safe='')}@127.0.0.1:{closed_port}/",
        secret_keys=SECRET_KEY,
    )
    logged = logging.getLogger("some.package")
    for lost in (lambda: dead_queues(settings.amqp_url or "", ""), lambda: open_ledger(settings, actor="test")):
        try:
            with lost():
                pass
        except Exception as error:
            logged.exception("lost: %s", settings)
            sys.excepthook(type(error), error, error.__traceback__)
        else:
            pytest.fail("nothing listens there")
    logged.error("%s %s", BROKER_PASSWORD, quote(DATABASE_PASSWORD, safe=""))


def dump(world: World) -> Iterator[tuple[str, str]]:
    """Every value of every table, but for the sealed ones."""
    columns = world.rows(
        "SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = 'public'"
    )
    for table in sorted({row["t"] for row in columns}):
        for row in world.rows(f'SELECT * FROM "{table}"'):
            for column, value in row.items():
                if (table, column) not in SEALED:
                    shown = bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)
                    yield f"{table}.{column}", shown


def pages(world: World) -> Iterator[tuple[str, str]]:
    person(world.ledger.db, "anna", Role.OPERATOR)
    with world.running(queues=(), scheduler=False) as hook:
        anna = Somebody(hook.split("/hooks/")[0])
        anna.sign_in("anna")
        documents = [f"/documents/{row['id']}" for row in world.rows("SELECT id FROM document WHERE kind = 'invoice'")]
        failures = [f"/failures/{row['id']}" for row in world.rows("SELECT id FROM failure")]
        requests = [f"/requests/{row['id']}" for row in world.rows("SELECT id FROM request")]
        for path in ("/", "/documents", "/failures", "/journal", "/requests", *documents, *failures, *requests):
            yield path, anna.get(path).text


def command_lines() -> Iterator[tuple[str, str]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield str(path), path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue  # it has ended


def test_no_secret_gets_out(embedded_world: World, box: Mailbox, lines: io.StringIO, closed_port: int) -> None:
    world = embedded_world
    receipts = {"accounts.payment_bank": "Bank current account", "data.receipts.start_date": "2020-01-01"}
    world.change_settings({"notify.emails": ANNA, "delivery.linger_ms": "50", **receipts})
    lose_services(closed_port)
    with world.running():
        running = list(command_lines())
        fail_in_every_way(world, box)
    assert len(box.taken) >= 5
    told = [*dump(world), *pages(world), *running, ("log", lines.getvalue())]
    for mail in box.taken:
        told += [("mail", str(mail)), *(("mail", str(part.get_content())) for part in mail.iter_parts())]
    assert any("***" in text for place, text in told if place == "failure.cause")
    assert any("***" in text for place, text in told if place == "log")
    known = [(name, form) for name, secret in secrets(world).items() for form in forms(secret)]
    found = [
        (name, place, text[max(0, text.index(form) - 60) : text.index(form) + 60])
        for place, text in told
        for name, form in known
        if form in text
    ]
    places = sorted({(name, place) for name, place, _ in found})
    assert places == [], found[:3]
