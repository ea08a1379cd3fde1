"""A failure's whole path under `kill -9`: no dead letter is lost, every event is mailed, none with two Message-IDs."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess

import pytest
from pydantic import SecretStr

from tests.crash.doomed import AtStep, worker
from tests.crash.test_killed_workers import died
from tests.integration.test_poison import publish
from tests.integration.test_replays import make, refuse, send_all
from tests.worlds.mailbox import Mailbox, mailbox
from tests.worlds.waiting import until
from tests.worlds.world import World

PATH = (
    *("intake.taken", "intake.read", "intake.committed"),
    *("delivery.intent", "delivery.leaving", "delivery.answered", "delivery.settled"),
    *("dead_letter.taken", "dead_letter.joined", "poison.taken", "poison.committed", "mail.written"),
)
"""The steps of a failure's path at each of which a process dies: while the mail server is away, and while it hangs
up after it has taken a mail."""
TAKEN = ("mail.sent",)
"""The one that is reached only where the server says that it took it."""
AT_ONCE = 4
"""Processes beside each other."""
ANNA, BEN = "anna@acme.example", "ben@acme.example"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@dataclass
class Trouble:
    """Documents that Intacct refuses, each for a cause of its own, and messages that nobody can read."""

    world: World
    numbers: Iterator[int] = field(default_factory=itertools.count)
    made: int = 0

    def make(self) -> None:
        number = next(self.numbers)
        refuse(self.world, f"INV-{number}<", f"The moon {'o' * number} is not full.")
        send_all(self.world, make(self.world, 1, first=number))
        publish(self.world, "changes", f"poison {number}".encode())
        self.made += 1


def die_at(world: World, steps: Sequence[str], trouble: Trouble) -> None:
    """Processes beside each other, one for each step, until every one of them has died there."""
    if len(steps) > AT_ONCE:
        for first in range(0, len(steps), AT_ONCE):
            die_at(world, steps[first : first + AT_ONCE], trouble)
        return
    with ExitStack() as stack:
        doomed = [stack.enter_context(worker(world, AtStep(step), schedules=True)) for step in steps]
        until(lambda: queues_stand(world), "the queues are declared", 180)
        alive = len(doomed)
        while alive:
            trouble.make()
            # what one of them left is found by the others, or it is time for more trouble
            until(lambda: left(doomed) < alive or world.is_quiet(), f"one more died of {steps}", 120)  # noqa: B023
            alive = left(doomed)


def left(doomed: Sequence[BaseProcess]) -> int:
    return sum(not died(process) for process in doomed)


def test_deaths_along_the_path_of_failures_lose_and_double_nothing(rabbit_world: World, box: Mailbox) -> None:
    mail = {"smtp_url": SecretStr(box.url), "mail_from": "sync@acme.example"}
    world = replace(rabbit_world, settings=rabbit_world.settings.model_copy(update=mail))
    world.change_settings({"notify.emails": f"{ANNA},{BEN}", "delivery.linger_ms": "50"})
    trouble = Trouble(world)
    with world.running(web=False, queues=(), scheduler=False):
        box.go_away()
        die_at(world, PATH, trouble)
        box.mood = "lose_reply"
        box.come_back()
        die_at(world, PATH, trouble)
        box.mood = "take"
        die_at(world, TAKEN, trouble)
        with worker(world, schedules=True):
            world.settle(90)
            until(lambda: not world.rows("SELECT FROM mail WHERE state <> 'sent'"), "every mail is handed in")

    letters = world.rows("SELECT error_class FROM dead_letter WHERE handled_at IS NOT NULL")
    assert Counter(row["error_class"] for row in letters) == {"unknown": trouble.made, "poison": trouble.made}
    assert len(world.rows("SELECT FROM failure WHERE state = 'open'")) == trouble.made + 1  # all poison is one cause
    mails = world.rows("SELECT event, failure_id, recipient, message_id FROM mail")
    assert len(mails) == 2 * (trouble.made + 1)
    assert set(box.ids()) == {row["message_id"] for row in mails}
    told = {(str(made["To"]), str(made["Subject"])): str(made["Message-ID"]) for made in box.taken}
    assert len(told) == len(set(told.values())) == len(mails)
    assert len(box.taken) > len(mails)  # some came twice, as the same mail


def queues_stand(world: World) -> bool:
    """Whether a worker has declared what is published to past it."""
    import pika
    from pika.exceptions import ChannelClosedByBroker

    assert world.amqp_url
    connection = pika.BlockingConnection(pika.URLParameters(world.amqp_url))
    try:
        connection.channel().queue_declare(f"{world.settings.queue_prefix}changes", passive=True)
    except ChannelClosedByBroker:
        return False
    finally:
        if connection.is_open:
            connection.close()
    return True
