"""Quick actions of named people: by command, and by addresses that act in one person's name."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from console.actions import quick
from console.actions.quick import NotAllowedError, NotPossibleError
from db import action_addresses
from schemas.kinds import Kind
from tests.worlds.waiting import until
from tests.worlds.world import World


@dataclass(slots=True)
class Desk:
    """A world whose web server runs, and nothing else."""

    world: World
    base_url: str
    session: requests.Session

    def make(
        self, user: str = "anna", *, action: str = "send", kind: Kind | None = None, days: int | None = None
    ) -> str:
        made = quick.make_address(
            self.world.ledger.db,
            self.world.ledger.vault,
            self.world.connection,
            user=user,
            action=action,
            kind=kind,
            days=days,
            actor="cli:tester",
        )
        return f"{self.base_url}/actions/{made.signed}"

    def post(self, url: str, body: Any = b"", **params: Any) -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.session.post(url, data=data, params=params, timeout=30)

    def changes(self) -> list[dict[str, Any]]:
        return self.world.rows(
            """SELECT d.kind, d.scoro_id, c.actor, c.interactive, c.hints FROM change c
               JOIN document d ON d.id = c.document_id ORDER BY c.id"""
        )


@pytest.fixture
def desk(embedded_world: World) -> Iterator[Desk]:
    with embedded_world.running(queues=(), scheduler=False) as hook, requests.Session() as session:
        yield Desk(embedded_world, hook.split("/hooks/")[0], session)


INVOICE = {"entityType": "invoice", "entityId": 17}


def test_a_post_is_a_quick_action_of_the_person(desk: Desk) -> None:
    answer = desk.post(desk.make(), INVOICE)
    assert (answer.status_code, answer.text) == (200, "Invoice 17 is on its way.\n")
    assert desk.changes() == [
        {"kind": "invoice", "scoro_id": 17, "actor": "action:1 as anna", "interactive": True, "hints": 1}
    ]
    assert desk.world.rows("SELECT actor FROM journal WHERE subject = 'change'") == [{"actor": "action:1 as anna"}]
    (row,) = desk.world.ledger.db.run(action_addresses.every)
    assert (row["user"], row["uses"], row["state"]) == ("anna", 1, "valid")


def test_looking_and_probing_change_nothing(desk: Desk) -> None:
    url = desk.make(kind=Kind.INVOICE)
    looked = desk.session.get(url, timeout=30)
    assert looked.status_code == 200
    assert looked.text.startswith("This address sends one invoice of sandbox in the name of anna")
    assert looked.headers["cache-control"] == "no-store"
    assert desk.session.head(url, timeout=30).status_code == 200
    assert desk.post(url).status_code == 200
    assert desk.changes() == []


def test_the_same_post_again_joins_what_waits_and_later_finds_nothing_to_do(desk: Desk) -> None:
    world, url = desk.world, desk.make()
    invoice = world.scoro.invoice("BUTTON", world.scoro.customer())
    world.scoro.is_idle()
    for _ in range(3):
        assert desk.post(url, {"module": "invoices", "id": invoice}).status_code == 200
    with world.running(web=False):
        until(lambda: world.document_is(invoice, "posted"), "it is posted")
        world.settle()
        used = world.requests_received()
        assert desk.post(url, {"module": "invoices", "id": invoice}).status_code == 200
        world.settle()
    assert world.requests_received() == used
    assert len(world.intacct.invoices("BUTTON")) == 1


def test_a_revoked_or_expired_address_is_gone(desk: Desk) -> None:
    revoked, expired = desk.make(), desk.make(days=1)
    assert quick.revoke_address(desk.world.ledger.db, 1, actor="cli:tester") == "anna"
    desk.world.execute("UPDATE clock SET shift = '25 hours'")
    for url, says in ((revoked, "was revoked"), (expired, "has expired")):
        for answer in (desk.post(url, INVOICE), desk.session.get(url, timeout=30)):
            assert answer.status_code == 410
            assert says in answer.text
    assert desk.changes() == []
    with pytest.raises(NotPossibleError, match="no address 1"):
        quick.revoke_address(desk.world.ledger.db, 1, actor="cli:tester")
    events = desk.world.rows("SELECT actor, to_state FROM journal WHERE to_state LIKE 'quick action%%' ORDER BY id")
    assert [(row["actor"], row["to_state"]) for row in events] == [
        ("cli:tester", "quick action allowed"),
        ("cli:tester", "quick action allowed"),
        ("cli:tester", "quick action revoked"),
    ]


def test_what_nobody_signed_is_unknown(desk: Desk) -> None:
    real = desk.make()
    hook_token = desk.world.ledger.vault.seal(desk.world.connection.site.hook_token).decode()
    for signed in ("1", "action:1", real.rsplit("/", 1)[1][:-2], hook_token, "é", "%00"):
        assert desk.post(f"{desk.base_url}/actions/{signed}", INVOICE).status_code == 404
    assert desk.changes() == []


def test_bodies_are_bounded_and_read_strictly(desk: Desk) -> None:
    url = desk.make()
    assert desk.post(url, b"no json").status_code == 400
    assert desk.post(url, {"id": 17}).status_code == 400
    assert desk.post(url, b" " * 1_000_001).status_code == 413
    other = {**INVOICE, "entity": {"account_id": "elsewhere"}}
    assert desk.post(url, other).status_code == 400
    assert desk.changes() == []
    assert desk.post(url, kind="invoice", id="17").status_code == 200


def test_a_person_who_may_no_longer_is_turned_away(desk: Desk) -> None:
    url = desk.make("Anna")
    desk.world.set(quick_actions__users="ben")
    answer = desk.post(url, INVOICE)
    assert answer.status_code == 403
    assert "ben may (quick_actions.users)" in answer.text
    desk.world.set(quick_actions__users="anna,ben")
    assert desk.post(url, INVOICE).status_code == 200
    with pytest.raises(NotAllowedError, match="carl may not"):
        desk.make("carl")


def test_an_address_that_is_posted_to_without_end_is_turned_away_for_a_minute(desk: Desk) -> None:
    url = desk.make()
    desk.world.execute(
        "UPDATE action_address SET minute = date_trunc('minute', ledger_now() + interval '1 minute'), minute_uses = 60"
    )
    desk.world.execute(
        "UPDATE clock SET shift = date_trunc('minute', clock_timestamp()) + '65 seconds' - clock_timestamp()"
    )
    answer = desk.post(url, INVOICE)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    desk.world.execute("UPDATE clock SET shift = '130 seconds'")
    assert desk.post(url, INVOICE).status_code == 200


def test_what_cannot_be_done_says_why(desk: Desk) -> None:
    assert desk.post(desk.make(), {"kind": "receipt", "id": 3}).status_code == 409
    fetching = desk.make(action="fetch")
    answer = desk.post(fetching, INVOICE)
    assert answer.status_code == 409
    assert "Invoice 17 was never seen" in answer.text


def test_a_key_that_was_rotated_out_ends_its_addresses(desk: Desk) -> None:
    assert quick.address_id(desk.world.ledger.vault, quick.signed(desk.world.ledger.vault, 7)) == 7
    from cryptography.fernet import Fernet

    from db.vault import Vault

    assert quick.address_id(Vault([Fernet.generate_key().decode()]), quick.signed(desk.world.ledger.vault, 7)) is None


def test_only_named_people_send(desk: Desk) -> None:
    world = desk.world
    world.set(quick_actions__users="anna")
    quick.send(world.ledger.db, world.connection, Kind.INVOICE, 17, user=" ANNA ", actor="cli:root as ANNA")
    with pytest.raises(NotAllowedError, match="anna may"):
        quick.send(world.ledger.db, world.connection, Kind.INVOICE, 18, user="ben", actor="cli:root as ben")
    assert [row["scoro_id"] for row in desk.changes()] == [17]
