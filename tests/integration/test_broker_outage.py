"""A broker that is gone or silent costs a webhook nothing, and nothing is lost by it."""

import socket
import statistics
import time
from collections.abc import Iterator

import pytest
import requests

from sandbox import fixtures
from tests.worlds.judge import differences
from tests.worlds.waiting import until
from tests.worlds.world import World

pytestmark = pytest.mark.alone

DOCUMENTS = 60
WEBHOOKS = 300
P99_S = 0.050
ROUNDS = 3
"""The best of so many counts: whatever else runs on the machine can only make a round slower."""


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        yield listener.getsockname()[1]


@pytest.mark.parametrize("port_fixture", ["closed_port", "black_hole"])
def test_webhooks_are_answered_at_once_and_everything_arrives_when_the_broker_is_back(
    rabbit_world: World, request: pytest.FixtureRequest, port_fixture: str
) -> None:
    world = rabbit_world
    port = request.getfixturevalue(port_fixture)
    nowhere = f"amqp://guest:guest@127.0.0.1:{port}/?socket_timeout=1&stack_timeout=1"
    ids = world.scoro.generate(DOCUMENTS)["ids"]
    with world.running(queues=(), scheduler=False, amqp_url=nowhere) as hook:
        p99_s = min(post_webhooks(hook, ids) for _ in range(ROUNDS))
    assert world.row("SELECT count(*) AS n FROM change WHERE state = 'waiting'")["n"] == DOCUMENTS
    assert world.intacct.invoices() == []

    with world.running(web=False):
        until(lambda: len(world.intacct.invoices()) == DOCUMENTS, "all stand in Intacct")
        world.settle()
    assert differences(world.scoro.expected(), world.intacct.invoices()) == []
    assert p99_s < P99_S


def post_webhooks(hook: str, ids: list[int]) -> float:
    """Post webhooks one after the other; returns the 99th percentile of the seconds that each one took."""
    took = []
    with requests.Session() as scoro:
        for place in range(WEBHOOKS):
            entity = {"account_id": fixtures.SCORO_ENTITY}
            body = {"entityId": ids[place % len(ids)], "entityType": "invoice", "entity": entity}
            started = time.perf_counter()
            answer = scoro.post(hook, json=body, timeout=10)
            took.append(time.perf_counter() - started)
            assert answer.status_code == 200
    p99_s = statistics.quantiles(took, n=100)[98]
    print(f"median {statistics.median(took) * 1000:.1f} ms, p99 {p99_s * 1000:.1f} ms")
    return p99_s


def test_a_bell_that_was_lost_is_rung_again_by_the_sweeper(
    embedded_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = embedded_world
    monkeypatch.setattr("producers.sweep.AGAIN_S", 0.5)
    invoice = world.scoro.invoice("INV-1", world.scoro.customer())
    world.send(invoice)
    world.execute("DELETE FROM outbox")
    with world.running(web=False):
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")


def test_a_bell_that_rings_a_hundred_times_is_one_request(embedded_world: World) -> None:
    world = embedded_world
    invoice = world.scoro.invoice("INV-1", world.scoro.customer())
    with world.running(web=False):
        world.send(invoice)
        for _ in range(100):
            world.ring("changes")
            world.ring("delivery")
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        world.settle()
    assert world.intacct.functions().count("create_invoice") == 1
    assert len(world.intacct.invoices("INV-1")) == 1
