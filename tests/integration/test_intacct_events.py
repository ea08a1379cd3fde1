"""Events of Intacct: the next look is due at once, crowds are one look, and nobody else gets in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from db import pulls
from producers.intacct_events import token_of
from tests.worlds.world import World


@dataclass(slots=True)
class Door:
    """A world whose web server runs, and nothing else."""

    world: World
    url: str
    session: requests.Session

    def post(self, body: bytes = b'{"object": "ARPYMT"}', url: str = "", **headers: str) -> requests.Response:
        return self.session.post(url or self.url, data=body, headers=headers, timeout=30)

    def due_in_s(self) -> float:
        pull = self.world.ledger.db.run(lambda ledger: pulls.peek(ledger, self.world.connection_id))
        assert pull is not None
        return pull.due_in_s


@pytest.fixture
def door(embedded_world: World) -> Iterator[Door]:
    world = embedded_world
    if not world.rows("SELECT FROM pull"):
        world.execute("INSERT INTO pull (connection_id) VALUES (%s)", [world.connection_id])
    world.execute("UPDATE pull SET last_at = ledger_now() - interval '10 minutes'")
    with world.running(queues=(), scheduler=False) as hook, requests.Session() as session:
        token = token_of(world.connection.site.hook_token, world.connection_id)
        yield Door(world, f"{hook.split('/hooks/')[0]}/hooks/intacct/{token}", session)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"object": "ARPYMT", "recordno": "17"}', {}),
        (b"", {}),
        (b"object=ARPYMT&recordno=17", {"Content-Type": "application/x-www-form-urlencoded"}),
    ],
)
def test_an_event_makes_the_next_look_due_at_once(door: Door, body: bytes, headers: dict[str, str]) -> None:
    assert door.due_in_s() > 60
    assert door.post(body, **headers).status_code == 200
    assert door.due_in_s() <= 0


def test_a_crowd_of_events_after_a_look_is_one_look_a_minute_later(door: Door) -> None:
    door.world.execute("UPDATE pull SET last_at = ledger_now()")
    assert {door.post().status_code for _ in range(20)} == {200}
    assert 50 < door.due_in_s() <= 60


def test_on_a_day_of_many_looks_events_are_gathered_for_longer(door: Door) -> None:
    world = door.world
    world.execute(
        """INSERT INTO request (site_id, connection_id, month, purpose, functions, deadline_s, state)
           SELECT c.site_id, c.id, site_month('Europe/London'), 'pull', 1, 60, 'answered'
           FROM connection c, generate_series(1, 64)"""
    )
    world.execute("UPDATE pull SET last_at = ledger_now()")
    door.post()
    assert 800 < door.due_in_s() <= 900
    world.set(pull__interval="5")
    world.execute("UPDATE pull SET not_before = 'epoch', asked_at = NULL")
    door.post()
    assert 200 < door.due_in_s() <= 300


def test_an_event_does_not_cut_a_backoff_short(door: Door) -> None:
    door.world.execute("UPDATE pull SET not_before = ledger_now() + interval '1 hour'")
    door.post()
    assert door.due_in_s() > 3000


def test_who_knows_no_token_finds_nothing(door: Door) -> None:
    base = door.url.rsplit("/", 1)[0]
    right = door.url.rsplit("/", 1)[1]
    other = token_of("another token", door.world.connection_id)
    for token in (other, right[:-1], right.split("-")[0], f"999{right}", "x", "-", "%00", "1" * 40 + "-x", "²-x"):
        assert door.post(url=f"{base}/{token}").status_code == 404
    assert door.due_in_s() > 60


def test_other_shapes_are_refused_and_large_ones_not_read(door: Door) -> None:
    for body in (b"no json", b"[1]", b"17", b"\xff", b"[" * 100_000):
        assert door.post(body).status_code == 400
    assert door.post(b" " * 1_000_001).status_code == 413
    assert door.session.get(door.url, timeout=30).status_code == 200
    assert door.due_in_s() > 60


def test_a_disconnected_connection_has_no_address(door: Door) -> None:
    door.world.execute("UPDATE connection SET state = 'disconnected'")
    assert door.post().status_code == 404


def test_before_going_live_an_event_is_nothing(door: Door) -> None:
    door.world.execute("DELETE FROM pull")
    answer = door.post()
    assert (answer.status_code, answer.text) == (200, "not live\n")


def test_each_connection_has_its_own_address(door: Door) -> None:
    tokens: set[Any] = {token_of("same", number) for number in range(50)}
    assert len(tokens) == 50
