"""Everything that may come in at the webhook's address, and what it is answered."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from sandbox import fixtures
from schemas.events import MAX_BODY_BYTES
from tests.worlds.waiting import until
from tests.worlds.world import World


@dataclass(frozen=True, slots=True)
class Door:
    """The webhook's address of a world in which nothing but the web server runs."""

    world: World
    url: str
    session: requests.Session

    def post(self, body: bytes | Any, url: str | None = None) -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.session.post(url or self.url, data=data, timeout=30)

    def captured(self) -> int:
        return int(self.world.row("SELECT count(*) AS n FROM change")["n"])


@pytest.fixture
def door(embedded_world: World) -> Iterator[Door]:
    with embedded_world.running(queues=(), scheduler=False) as url, requests.Session() as session:
        yield Door(embedded_world, url, session)


def hint(**changes: Any) -> dict[str, Any]:
    return {"entityId": 17, "entityType": "invoice", "entity": {"account_id": fixtures.SCORO_ENTITY}} | changes


OTHER_SHAPES = [
    b"no json",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"17",
    b'"invoice"',
    b"{}",
    b"[" * 100_000,
    json.dumps(hint(entityId=None)).encode(),
    json.dumps(hint(entityId=0)).encode(),
    json.dumps(hint(entityId=-1)).encode(),
    json.dumps(hint(entityId=1.5)).encode(),
    json.dumps(hint(entityId=True)).encode(),
    json.dumps(hint(entityId=2**63)).encode(),
    json.dumps(hint(entityId="9" * 400)).encode(),
    json.dumps(hint(entityId="17; DROP TABLE change")).encode(),
    json.dumps(hint(entityType=None)).encode(),
    json.dumps(hint(entityType=["invoice"])).encode(),
    json.dumps(hint(entityType="")).encode(),
    json.dumps(hint(entity=None)).encode(),
    json.dumps(hint(entity={})).encode(),
    json.dumps(hint(entity={"account_id": 5})).encode(),
    json.dumps(hint(entity={"account_id": "a\0b"})).encode(),
    json.dumps(hint(entity={"account_id": "\ud800"})).encode(),
]


def test_a_hint_is_captured_and_the_same_again_joins_it(door: Door) -> None:
    assert [door.post(hint()).status_code for _ in range(3)] == [200] * 3
    assert door.world.rows("SELECT hints, origin, state FROM change") == [
        {"hints": 3, "origin": "webhook", "state": "waiting"}
    ]


@pytest.mark.parametrize("entity_id", [17, "17"])
def test_an_id_may_be_a_number_or_a_text(door: Door, entity_id: object) -> None:
    assert door.post(hint(entityId=entity_id)).status_code == 200
    assert door.world.rows("SELECT scoro_id FROM document") == [{"scoro_id": 17}]


def test_the_checks_that_scoro_makes_before_it_saves_a_subscription(door: Door) -> None:
    assert door.session.get(door.url, timeout=10).status_code == 200
    assert door.session.head(door.url, timeout=10).status_code == 200
    assert door.post(b"").status_code == 200
    proof = door.session.get(door.url.split("/hooks/")[0] + "/scoro.txt", timeout=10)
    assert proof.status_code == 200
    assert proof.headers["content-type"].startswith("text/plain")
    assert door.captured() == 0


def test_an_unknown_address_is_not_found_whatever_it_brings(door: Door) -> None:
    unknown = door.url[:-4] + "aaaa"
    assert door.session.get(unknown, timeout=10).status_code == 404
    assert door.post(b"", unknown).status_code == 404
    assert door.post(hint(), unknown).status_code == 404
    assert door.post(b"no json", unknown).status_code == 404
    assert door.captured() == 0


def test_another_shape_is_refused_and_captures_nothing(door: Door) -> None:
    answered = {body[:80]: door.post(body).status_code for body in OTHER_SHAPES}
    assert {body: status for body, status in answered.items() if status != 400} == {}
    assert len(answered) == len(OTHER_SHAPES)
    assert door.captured() == 0


def test_more_than_a_megabyte_is_refused_before_it_is_read(door: Door) -> None:
    large = json.dumps(hint(padding="x" * MAX_BODY_BYTES)).encode()
    assert door.post(large).status_code == 413
    chunks = (large[start : start + 65536] for start in range(0, len(large), 65536))
    assert door.session.post(door.url, data=chunks, timeout=30).status_code == 413
    assert door.captured() == 0


def test_a_body_just_below_the_limit_is_taken(door: Door) -> None:
    body = json.dumps(hint(padding="")).encode()
    body = json.dumps(hint(padding="x" * (MAX_BODY_BYTES - len(body)))).encode()
    assert len(body) == MAX_BODY_BYTES
    assert door.post(body).status_code == 200


@pytest.mark.parametrize("body", [hint(entity={"account_id": "another"}), hint(entityType="task")])
def test_what_is_not_ours_is_thanked_for_and_leaves_no_row(door: Door, body: dict[str, Any]) -> None:
    assert door.post(body).status_code == 200
    assert door.captured() == 0
    assert door.world.rows("SELECT FROM document") == []


def test_whatever_comes_in_is_never_an_error_of_ours(door: Door) -> None:
    words = st.text(max_size=20) | st.sampled_from(["invoice", "bill", fixtures.SCORO_ENTITY])
    json_value = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | words,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
        max_leaves=6,
    )
    entity = json_value | st.fixed_dictionaries({"account_id": words | json_value})
    hints = st.fixed_dictionaries({"entityId": st.integers() | json_value, "entityType": words, "entity": entity})

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given((hints | json_value).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")) | st.binary())
    def never_fails(body: bytes) -> None:
        assert door.post(body).status_code in {200, 400}

    never_fails()


def test_a_ledger_that_is_away_is_said_and_comes_back(door: Door) -> None:
    world = door.world
    name = world.row("SELECT current_database() AS name")["name"]
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(world.settings.database_url or "", dbname="postgres", autocommit=True) as server:
        server.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        try:
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            assert door.post(hint()).status_code == 503
        finally:
            server.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
    until(lambda: door.post(hint()).status_code == 200, "the ledger is back")
    assert door.captured() == 1
