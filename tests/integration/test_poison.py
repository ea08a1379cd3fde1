"""What RabbitMQ gives up is kept in the ledger: once, whatever it is, and before the broker forgets it."""

import json
from typing import Any

import pika
import pytest

from db import reports
from tests.worlds.waiting import until
from tests.worlds.world import World
from workers.broker import QUEUES


def publish(world: World, queue: str, body: bytes, headers: dict[str, Any] | None = None) -> None:
    """Put a message into a queue of the product, past the product."""
    assert world.amqp_url
    connection = pika.BlockingConnection(pika.URLParameters(world.amqp_url))
    channel = connection.channel()
    channel.confirm_delivery()
    name = world.settings.queue_prefix + queue
    channel.basic_publish("", name, body, pika.BasicProperties(headers=headers), mandatory=True)
    connection.close()


def message(actor: str, *args: Any, number: int = 1) -> bytes:
    made = {
        "queue_name": "q",
        "actor_name": actor,
        "args": args,
        "kwargs": {},
        "options": {},
        "message_id": str(number),
    }
    return json.dumps({**made, "message_timestamp": 1}).encode()


def kept(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT * FROM dead_letter WHERE error_class = 'poison' ORDER BY id")


def depth(world: World) -> int:
    """How much the broker still holds of what was given up."""
    assert world.amqp_url
    connection = pika.BlockingConnection(pika.URLParameters(world.amqp_url))
    channel = connection.channel()
    counts = [
        channel.queue_declare(f"{world.settings.queue_prefix}{queue}.XQ", passive=True).method.message_count
        for queue in QUEUES
    ]
    connection.close()
    return sum(counts)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.drain.LOOK_S", 0.05)


def test_poison_of_every_kind_is_kept_once_and_gathered_by_cause(rabbit_world: World) -> None:
    world = rabbit_world
    with world.running(web=False):
        publish(world, "changes", message("who_knows", 1))
        publish(world, "changes", message("who_knows", 1, number=2))
        publish(world, "delivery", b"\xff\x00 no message")
        publish(world, "dead-letters", b'{"actor_name": 7}')
        publish(world, "pull", message("who_knows", 2))
        publish(world, "dead-letters.XQ", message("dead-letters", 1), {"x-death": [{"reason": "delivery_limit"}]})
        until(lambda: len(kept(world)) == 6, "all are kept")
        until(lambda: depth(world) == 0, "and forgotten by the broker")
        world.settle()
    rows = sorted(world.ledger.db.run(reports.failures), key=lambda row: str(row["code"]))
    assert [row["code"] for row in rows] == [
        *("given_up_message", "unknown_actor", "unknown_actor", "unreadable_message", "unreadable_message")
    ]
    assert all(row["connection"] is None and row["count"] == 0 and row["who"] == "operator" for row in rows)
    assert "delivery_limit" in rows[0]["cause"]
    bodies = {row["sent"] for row in kept(world)}
    assert any("who_knows" in body for body in bodies)
    assert any("no message" in body for body in bodies)


def test_a_message_that_comes_twice_is_one_dead_letter_and_one_after_its_failure_was_settled_opens_it(
    rabbit_world: World,
) -> None:
    world = rabbit_world
    with world.running(web=False):
        publish(world, "changes", b"nobody reads this")
        until(lambda: len(kept(world)) == 1, "it is kept")
        world.settle()
        world.execute("UPDATE failure SET state = 'discarded'")
        publish(world, "changes", b"nobody reads this")
        until(lambda: kept(world)[0]["attempt"] == 2, "it is met again")
        world.settle()
    assert len(kept(world)) == 1
    assert [(f["state"], f["incident"]) for f in world.rows("SELECT * FROM failure")] == [("open", 2)]


def test_a_broker_that_goes_away_is_waited_for(rabbit_world: World, closed_port: int) -> None:
    world = rabbit_world
    with world.running(web=False, queues=QUEUES[:1]):
        publish(world, "changes", b"left lying")
    nowhere = f"amqp://guest:guest@127.0.0.1:{closed_port}/"
    with world.running(web=False, queues=(), amqp_url=nowhere):
        pass
    with world.running(web=False):
        until(lambda: len(kept(world)) == 1, "it is kept")
