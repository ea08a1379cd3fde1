"""A failure's whole path under `kill -9`: no dead letter is lost, every event is mailed, none with two Message-IDs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from tests.crash.doomed import AtStep, worker
from tests.crash.test_killed_workers import died
from tests.integration.test_poison import publish
from tests.integration.test_replays import make, refuse, send_all
from tests.worlds.mailbox import Mailbox, mailbox
from tests.worlds.waiting import until
from tests.worlds.world import World

PATH = ("dead_letter.taken", "dead_letter.joined", "poison.taken", "poison.committed", "mail.written", "mail.sent")
"""The steps of a failure, at each of which a process dies once."""
ANNA, BEN = "anna@acme.example", "ben@acme.example"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


def test_deaths_along_the_path_of_failures_lose_and_double_nothing(rabbit_world: World, box: Mailbox) -> None:
    mail = {"smtp_url": SecretStr(box.url), "mail_from": "sync@acme.example"}
    world = replace(rabbit_world, settings=rabbit_world.settings.model_copy(update=mail))
    world.change_settings({"notify.emails": f"{ANNA},{BEN}", "delivery.linger_ms": "50"})
    for number, step in enumerate(PATH):
        refuse(world, f"INV-{number}<", f"The moon {'o' * number} is not full.")
        # the step behind a mail that was taken is reached by a server that says so; else it hangs up, or puts off
        box.mood = "take" if step == "mail.sent" else ("lose_reply", "later")[number % 2]
        with (
            world.running(web=False, queues=(), scheduler=False),
            worker(world, AtStep(step), schedules=True) as doomed,
        ):
            until(lambda: queues_stand(world), "the queues are declared", 90)
            send_all(world, make(world, 1, first=number))
            publish(world, "changes", f"poison {number}".encode())
            until(lambda: died(doomed), f"a process died at {step}", 60)
    box.mood = "take"
    with world.running(web=False, queues=(), scheduler=False), worker(world, schedules=True):
        world.settle(90)
        until(lambda: not world.rows("SELECT FROM mail WHERE state <> 'sent'"), "every mail is handed in")

    letters = world.rows("SELECT error_class, document_id FROM dead_letter WHERE handled_at IS NOT NULL")
    assert Counter(row["error_class"] for row in letters) == {"unknown": len(PATH), "poison": len(PATH)}
    assert len(world.rows("SELECT FROM failure WHERE state = 'open'")) == len(PATH) + 1  # all poison is one cause
    mails = world.rows("SELECT event, failure_id, recipient, message_id FROM mail")
    assert len(mails) == 2 * (len(PATH) + 1)
    assert set(box.ids()) == {row["message_id"] for row in mails}
    told = {(str(made["To"]), str(made["Subject"])): str(made["Message-ID"]) for made in box.taken}
    assert len(told) == len(set(told.values())) == len(mails)


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
