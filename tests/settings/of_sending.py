"""Cases of when and how documents leave: schedules, limits, people, packing, closed periods."""

from typing import Any

from clients.mail import MailServer
from console.actions import quick
from console.actions.quick import NotAllowedError
from db import schedules
from producers import webhooks
from producers.mailer import Mailer
from sandbox import fixtures
from schemas.events import WebhookHint
from schemas.kinds import Kind
from tests.settings.bench import Bench, Wire
from tests.settings.cases import Case
from tests.worlds.mailbox import mailbox
from tests.worlds.stand_ins import line, today

PDF = b"%PDF-1.7 a contract"


def closed(bench: Bench) -> Any:
    """A document of a closed period: on which day it is tried again, if at all."""
    first = f"{today()[:8]}01"
    bench.world.intacct.set(closed_until=first)
    try:
        invoice = bench.invoice(date=first, deadline=first)
        wire = bench.went(invoice)
        return wire.writes.count("create_invoice"), bool(wire.texts("dateposted"))
    finally:
        bench.world.intacct.set(closed_until=None)


def frequency(bench: Bench) -> Any:
    return bench.went(bench.invoice()).writes


def at(bench: Bench) -> Any:
    """Captured at noon, looked at in the evening: whether a run of that day took it."""
    world = bench.world
    world.execute(
        """UPDATE clock SET shift = ((ledger_now() AT TIME ZONE 'Europe/London')::date + 1 + time '12:00')
               AT TIME ZONE 'Europe/London' - clock_timestamp()"""
    )
    invoice = bench.invoice()
    world.ledger.db.run(schedules.turn)
    assert bench.went(invoice).writes == []
    bench.later("6 hours 30 minutes")
    world.ledger.db.run(schedules.turn)
    return bench.worked().writes


def interval(bench: Bench) -> Any:
    """Half an hour after a pull: whether another one leaves."""
    bench.pull()
    bench.world.execute("UPDATE clock SET shift = shift + interval '30 minutes'")
    return len(bench.pull(asked=False).received) > 0


def named_users(bench: Bench) -> Any:
    try:
        quick.send(
            bench.world.ledger.db, bench.connection, Kind.INVOICE, bench.invoice(), user="anna", actor="cli:anna"
        )
    except NotAllowedError:
        return []
    return bench.worked().writes


def told(bench: Bench) -> Any:
    """Who hears of a failure, by the mail server."""
    world = bench.world
    bench.went(bench.invoice(line(finance_account_id=None)))
    with mailbox() as box:
        mailer = Mailer(world.ledger.db, MailServer.at(box.url), "sync@acme.example", None, lambda _: None)
        world.execute("UPDATE clock SET shift = shift + interval '1 hour'")
        mailer.turn()
        recipients = {str(mail["To"]) for mail in box.taken}
    world.execute("DELETE FROM failure_document")
    world.execute("UPDATE failure SET state = 'resolved'")
    return sorted(recipients)


def in_an_hour(bench: Bench) -> Any:
    bench.later("2 hours")
    bench.world.execute("UPDATE connection SET creates_allowed = 0")
    return bench.went(*(bench.invoice() for _ in range(3))).writes.count("create_invoice")


def packs_of_two(bench: Bench) -> Any:
    return bench.went(bench.invoice(), bench.invoice()).packs


def packs_of_a_new_customer(bench: Bench) -> Any:
    contact = bench.world.scoro.customer(f"New {bench.number()}")
    return bench.went(bench.invoice(company_id=contact)).packs


def packs_of_long_ones(bench: Bench) -> Any:
    long = [line(comment="x" * 900) for _ in range(8)]
    return bench.went(bench.invoice(*long), bench.invoice(*long)).packs


def packs_of_files(bench: Bench) -> Any:
    ids = [bench.invoice(), bench.invoice()]
    for invoice in ids:
        bench.world.scoro.upload("contract.pdf", PDF, ("invoices", invoice))
    wire = bench.went(*ids)
    return sum("create_supdoc" in request["functions"] for request in wire.received)


def lingers(bench: Bench) -> Any:
    """One is ready while another is about to be read: whether it leaves alone."""
    from db import changes
    from workers.delivery.run import deliver
    from workers.intake import intake

    world = bench.world
    ready, coming = bench.invoice(), bench.invoice()

    def capture(scoro_id: int) -> None:
        world.ledger.db.run(
            lambda ledger: changes.capture(
                ledger, world.connection_id, Kind.INVOICE, [scoro_id], origin="webhook", actor="scoro", settle_ms=0
            )
        )

    capture(ready)
    intake(bench.runtime, bench.references, world.connection_id)
    capture(coming)
    before = world.intacct.last_request()
    deliver(bench.runtime, world.connection_id)
    wire = Wire(world.intacct.requests(before))
    world.execute("UPDATE connection SET bulk_at = 'epoch'")
    bench.use({})
    bench.worked()
    return wire.packs


def settles(bench: Bench) -> Any:
    """Two edits shortly after one another: whether the second is taken at once."""
    world = bench.world
    invoice = bench.invoice()

    def hear() -> list[str]:
        hint = WebhookHint("invoice", invoice, fixtures.SCORO_ENTITY)
        world.ledger.db.run(lambda ledger: webhooks.accept(ledger, bench.connection.site.id, hint))
        return bench.worked().writes

    hear()
    bench.edit("invoices", invoice, description="Edited")
    return hear()


def uncertain(bench: Bench) -> Any:
    """A create that was cut off before it ran: how often it was sent by the time that it was looked up."""
    world = bench.world
    world.intacct.fault("lost_before", count=1, function="create_invoice")
    invoice = bench.invoice()
    wire = bench.went(invoice)
    bench.use({})
    world.execute("UPDATE operation SET certain_at = ledger_now(), due_at = ledger_now() WHERE state = 'uncertain'")
    bench.worked()
    return wire.writes.count("create_invoice")


SENDING_CASES = (
    Case("closed_period", ("hold", "next_open"), closed, ((1, False), (2, True))),
    Case("schedule.frequency", ("continuous", "manual"), frequency, (["create_invoice"], [])),
    Case("schedule.at", ("18:00", "06:00"), at, (["create_invoice"], []), {"schedule.frequency": "daily"}),
    Case("pull.interval", ("10", "600"), interval, (True, False)),
    Case("quick_actions.users", ("anna", "ben"), named_users, (["create_invoice"], [])),
    Case(
        "notify.emails",
        ("anna@acme.example", "ben@acme.example"),
        told,
        (["anna@acme.example"], ["ben@acme.example"]),
    ),
    Case("limits.creates_per_hour", ("1", "2"), in_an_hour, (1, 2)),
    Case("delivery.max_documents", ("1", "2"), packs_of_two, (2, 1)),
    Case("delivery.max_functions", ("1", "2"), packs_of_a_new_customer, (2, 1)),
    Case("delivery.max_bytes", ("10000", "400000"), packs_of_long_ones, (2, 1)),
    Case("delivery.max_attachments", ("1", "2"), packs_of_files, (2, 1)),
    Case("delivery.linger_ms", ("0", "60000"), lingers, (1, 0)),
    Case("delivery.settle_ms", ("0", "600000"), settles, (["update_invoice"], [])),
    Case("delivery.uncertain_wait_s", ("0", "86400"), uncertain, (2, 1)),
)
