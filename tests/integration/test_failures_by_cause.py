"""Five hundred documents that fail for six causes: six failures, six mails, one digest, and one cause settled alone."""

from collections.abc import Iterator
from typing import Any

import pytest

from clients.mail import MailServer
from console.actions import failures as actions
from db import reports
from producers.mailer import Mailer
from sandbox import fixtures
from tests.integration.test_replays import refuse, send_all
from tests.worlds.mailbox import Mailbox, mailbox
from tests.worlds.stand_ins import line
from tests.worlds.waiting import until
from tests.worlds.world import World

DOCUMENTS = 500
ANNA = "anna@acme.example"

REFUSALS = {
    "<glaccountno>4000<": "Invalid GL account '4000' specified.",
    "<glaccountno>4100<": "Invalid GL account '4100' specified.",
    "CLOSED": "The period of the date is closed. Date must be on or after 01/01/2030.",
    "UNIT": "Missing unit",
    "MOON": "The moon is not full.",
}
"""What Intacct says of what it finds in a function; the first two are one code with different culprits."""


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture
def office(embedded_world: World, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose failures are told to Anna."""
    monkeypatch.setattr("producers.sweep.RECOVER_S", 0.2)
    monkeypatch.setattr("producers.mailer.LOOK_S", 0.05)
    monkeypatch.setattr("producers.mailer.DIGEST_LOOK_S", 0.05)
    monkeypatch.setattr("db.replays.SLICE_S", 0.5)
    world = embedded_world
    world.change_settings({"notify.emails": ANNA})
    mailer = Mailer(world.ledger.db, MailServer.at(box.url), "sync@acme.example", None, lambda step: None)
    mailer.start()
    yield world
    mailer.stop()


def make(world: World) -> dict[str, list[int]]:
    """The documents, by why each of them will fail."""
    customer = world.scoro.customer()
    causes = [*REFUSALS, "no account"]
    made: dict[str, list[int]] = {cause: [] for cause in causes}
    for number in range(DOCUMENTS):
        cause = causes[number % len(causes)]
        account = {"<glaccountno>4000<": "4000", "<glaccountno>4100<": "4100"}.get(cause, "4010")
        account_id = 0 if cause == "no account" else fixtures.SCORO_ACCOUNT_IDS[account]
        row = line("10.00", finance_account_id=account_id)
        made[cause].append(world.scoro.invoice(f"INV-{number}", customer, row, description=cause.strip("<")))
    return made


def listed(world: World, *states: str) -> list[dict[str, Any]]:
    return world.ledger.db.run(lambda ledger: reports.failures(ledger, states=states))


def kinds(box: Mailbox) -> dict[str, int]:
    told = [("digest" if "Still open" in s else "cleared" if "Solved" in s else "opened") for s in box.subjects()]
    return {kind: told.count(kind) for kind in sorted(set(told))}


def test_five_hundred_documents_six_causes(office: World, box: Mailbox) -> None:
    world = office
    for contains, text in REFUSALS.items():
        refuse(world, contains, text)
    made = make(world)
    with world.running(web=False):
        send_all(world, [invoice for ids in made.values() for invoice in ids])
        world.settle(120)
        found = {
            tuple(sorted(int(name.split(":")[1]) for name in row["documents"])): row for row in listed(world, "open")
        }
        assert {tuple(ids) for ids in made.values()} == set(found)
        accounts = [found[tuple(made[cause])] for cause in list(REFUSALS)[:2]]
        assert {row["code"] for row in accounts} == {"invalid_reference"}
        assert all(row["money"] == {"GBP": f"{12 * row['count']}.00"} for row in found.values())
        world.execute("UPDATE clock SET shift = '10 s'")
        until(lambda: kinds(box) == {"opened": 6}, "six mails")

        world.intacct.clear_faults()
        for contains, text in list(REFUSALS.items())[1:]:
            refuse(world, contains, text)
        mended = made["<glaccountno>4000<"]
        agreed = actions.plan(world.ledger.db, failure_ids=[accounts[0]["id"]])
        assert sorted(item.scoro_id for item in agreed.items) == mended
        before = world.requests_received()
        actions.replay(world.ledger.db, agreed)
        world.settle(120)
        until(lambda: len(listed(world, "resolved")) == 1, "it is settled")
        assert world.requests_received() - before == agreed.requests == -(-len(mended) // 50)
        posted = world.rows("SELECT scoro_id FROM document WHERE kind = 'invoice' AND state = 'posted' ORDER BY 1")
        assert [row["scoro_id"] for row in posted] == mended
        assert [row["id"] for row in listed(world, "resolved")] == [accounts[0]["id"]]
        until(lambda: kinds(box) == {"cleared": 1, "opened": 6}, "one mail that it cleared")

        world.execute("UPDATE clock SET shift = '25 hours'")
        until(lambda: kinds(box) == {"cleared": 1, "digest": 1, "opened": 6}, "one digest")
    assert len(set(box.ids())) == len(box.ids()) == 8
    assert {str(mail["To"]) for mail in box.taken} == {ANNA}
