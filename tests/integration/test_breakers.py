"""A connection that is itself at fault stops, tells people once, and finds out by cheap probes when it may go on."""

from typing import Any

import pytest

from db import breakers
from sandbox import fixtures
from tests.integration.test_replays import make, refuse, send_all
from tests.worlds.waiting import until
from tests.worlds.world import World

ANNA = "anna@acme.example"


@pytest.fixture
def office(embedded_world: World) -> World:
    embedded_world.change_settings({"notify.emails": ANNA, "delivery.linger_ms": "50"})
    return embedded_world


def shift(world: World, seconds: float) -> None:
    world.execute("UPDATE clock SET shift = shift + make_interval(secs => %s)", [seconds])


def connection(world: World) -> dict[str, Any]:
    return world.row("SELECT state, reason, probe, probes FROM connection")


def broken(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT id, state, cause, incident FROM failure WHERE error_class = 'broken' ORDER BY id")


def events(world: World) -> list[str]:
    return [row["event"] for row in world.rows("SELECT event FROM mail ORDER BY id")]


def test_a_refused_sign_in_stops_the_connection_and_a_probe_resumes_it(office: World) -> None:
    world = office
    world.intacct.fault(
        "error",
        level="authentication",
        errorno="XL03000006",
        description2="Sign-in information is incorrect",
        count=None,
    )
    with world.running(web=False):
        ids = make(world, 2)
        send_all(world, ids)
        until(lambda: connection(world)["state"] == "broken", "it is broken off")
        until(lambda: events(world) == ["opened"], "people are told")
        assert "does not accept the sign-in" in connection(world)["reason"]
        assert connection(world)["probe"] == "read"
        before = world.requests_received()
        send_all(world, make(world, 2, first=10))
        world.ring()
        for probes, delay_s in enumerate(breakers.PROBES_S[:2], start=1):
            shift(world, delay_s + 1)
            until(lambda probes=probes: connection(world)["probes"] == probes, "a probe found it broken")  # type: ignore[misc]
            until(lambda probes=probes: world.requests_received() == before + probes, "by one request")  # type: ignore[misc]
        assert world.requests_used() == world.requests_received()
        world.intacct.clear_faults()
        shift(world, breakers.PROBES_S[2] + 1)
        until(lambda: len(world.intacct.invoices()) == 4, "it goes on by itself")
        world.settle()
        assert connection(world) == {"state": "active", "reason": "", "probe": None, "probes": 0}
    assert [row["state"] for row in broken(world)] == ["resolved"]
    assert events(world) == ["opened", "cleared"]


def test_a_flood_of_one_cause_stops_the_connection_and_one_document_tries(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = office
    monkeypatch.setattr("db.breakers.FLOOD", 6)
    world.set(delivery__max_documents="3")
    refuse(world, "INV-", "The moon is not full.")
    with world.running(web=False):
        send_all(world, make(world, 20))
        until(lambda: connection(world)["state"] == "broken", "it is broken off")
        refused = world.row("SELECT count(*) AS n FROM operation WHERE state = 'refused'")["n"]
        assert refused == 6
        assert connection(world)["probe"] == "document"
        shift(world, breakers.PROBES_S[0] + 1)
        until(
            lambda: world.row("SELECT count(*) AS n FROM operation WHERE state = 'refused'")["n"] == 7,
            "one document tried",
        )
        world.intacct.clear_faults()
        shift(world, breakers.PROBES_S[1] + 1)
        until(lambda: len(world.intacct.invoices()) == 13, "the next one went through, and all others after it")
        world.settle()
    assert connection(world)["state"] == "active"
    assert [row["state"] for row in broken(world)] == ["resolved"]
    assert sorted(events(world)) == ["cleared", "opened", "opened"]  # the cause itself holds seven still


def test_different_causes_or_a_document_that_goes_through_are_no_flood(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = office
    monkeypatch.setattr("db.breakers.FLOOD", 4)
    refuse(world, "<glaccountno>4000<", "The moon is not full.")
    refuse(world, "<glaccountno>4100<", "The sun is not up.")
    with world.running(web=False):
        send_all(world, [*make(world, 3), *make(world, 3, "4100", first=10)])
        world.settle()
    assert connection(world)["state"] == "active"


def test_a_missing_right_is_probed_with_a_document_as_signing_in_would_not_show_it(office: World) -> None:
    world = office
    refuse(world, "INV-", "You do not have permission for API operation CREATE on objects of type ARINVOICE.")
    with world.running(web=False):
        send_all(world, make(world, 2))
        until(lambda: connection(world)["state"] == "broken", "it is broken off")
        assert connection(world)["probe"] == "document"
        shift(world, breakers.PROBES_S[0] + 1)
        until(lambda: connection(world)["probes"] == 1, "one document tried")
        world.intacct.clear_faults()
        shift(world, breakers.PROBES_S[1] + 1)
        until(lambda: len(world.intacct.invoices()) == 2, "it goes on by itself")
        world.settle()
    assert [row["incident"] for row in broken(world)] == [1]


def test_a_refused_key_of_scoro_is_told_once_and_is_over_when_scoro_can_be_read(office: World) -> None:
    world = office
    world.execute("UPDATE site SET api_key = %s", [world.ledger.vault.seal("ScoroAPI_wrong")])
    with world.running(web=False):
        send_all(world, make(world, 1))
        until(lambda: [row["state"] for row in broken(world)] == ["open"], "people know")
        assert "key" in broken(world)[0]["cause"]
        shift(world, 301)
        until(lambda: world.row("SELECT attempts FROM change")["attempts"] >= 2, "it is tried again")
        assert connection(world)["state"] == "active"
        world.execute("UPDATE site SET api_key = %s", [world.ledger.vault.seal(fixtures.SCORO_API_KEY)])

        def was_read() -> bool:
            shift(world, 60)
            return len(world.intacct.invoices()) == 1

        until(was_read, "it was read", pause_s=0.5)
        world.settle()
    assert [(row["state"], row["incident"]) for row in broken(world)] == [("resolved", 1)]
    assert events(world) == ["opened", "cleared"]


# ------------------------------------------------------------------------------------------------- what is in doubt


def lose_an_answer(world: World, number: int = 1) -> int:
    """An invoice that stands in Intacct, of which we do not know; returns its id."""
    (scoro_id,) = make(world, 1, first=number)
    world.intacct.fault("lost_after_commit")
    send_all(world, [scoro_id])
    return scoro_id


def in_doubt(world: World) -> bool:
    return bool(world.rows("SELECT FROM operation WHERE state = 'uncertain' AND object = 'ARINVOICE'"))


def look_up_now(world: World) -> None:
    world.execute("UPDATE operation SET due_at = ledger_now() WHERE state = 'uncertain'")
    world.ring()


def test_a_look_up_that_lacks_a_right_breaks_the_connection_off_and_is_its_own_probe(office: World) -> None:
    world = office
    world.intacct.set(denied=["query ARINVOICE"])
    with world.running(web=False):
        invoice = lose_an_answer(world)
        until(lambda: connection(world)["state"] == "broken", "it is broken off")
        assert "not allowed" in connection(world)["reason"]
        assert connection(world)["probe"] == "read"
        assert in_doubt(world)
        assert world.document_is(invoice, "uncertain")
        until(lambda: events(world) == ["opened"], "people are told")
        (right,) = broken(world)
        before = world.requests_received()
        look_up_now(world)
        shift(world, breakers.PROBES_S[0] + 1)
        until(lambda: connection(world)["probes"] == 1, "the probe found it broken")
        until(lambda: world.requests_received() == before + 1, "by one request")
        assert in_doubt(world)
        world.intacct.set(denied=[])
        shift(world, breakers.PROBES_S[1] + 1)
        until(lambda: world.document_is(invoice, "posted"), "it goes on by itself, and was found")
        world.settle()
        assert world.requests_received() == before + 2
        assert connection(world) == {"state": "active", "reason": "", "probe": None, "probes": 0}
    assert len(world.intacct.invoices()) == 1
    assert [(row["id"], row["state"], row["incident"]) for row in broken(world)] == [(right["id"], "resolved", 1)]
    assert events(world) == ["opened", "cleared"]


def test_a_lost_password_is_probed_by_the_look_up_of_what_is_in_doubt(office: World) -> None:
    world = office
    with world.running(web=False):
        invoice = lose_an_answer(world)
        until(lambda: in_doubt(world), "its answer is lost")
        world.intacct.fault("error", text="sign_in", level="authentication", count=None)
        look_up_now(world)
        until(lambda: connection(world)["state"] == "broken", "it is broken off")
        before = world.requests_received()
        world.intacct.clear_faults()
        shift(world, breakers.PROBES_S[0] + 1)
        until(lambda: world.document_is(invoice, "posted"), "the probe found it")
        world.settle()
    assert connection(world)["state"] == "active"
    assert world.requests_received() == before + 1
    assert len(world.intacct.invoices()) == 1


def test_where_no_document_can_try_what_is_in_doubt_is_looked_up(office: World) -> None:
    world = office
    before = world.requests_received()
    with world.running(web=False):
        world.intacct.fault("lost_after_commit")
        invoice = lose_an_answer(world)
        until(lambda: world.requests_received() == before + 2 and in_doubt(world), "its look-up is not answered either")
        refuse(world, "INV-2", "You do not have permission for API operation CREATE on objects of type ARINVOICE.")
        other = make(world, 1, first=2)
        send_all(world, other)
        until(lambda: connection(world)["state"] == "broken", "it is broken off")
        assert connection(world)["probe"] == "document"
        world.execute(
            """UPDATE operation SET state = 'superseded'
               WHERE document_id IN (SELECT id FROM document WHERE kind = 'invoice' AND scoro_id = %s)""",
            other,
        )
        before = world.requests_received()
        shift(world, breakers.PROBES_S[0] + 1)
        until(lambda: world.document_is(invoice, "posted"), "it was found")
        world.settle()
    assert connection(world)["state"] == "active"
    assert world.requests_received() == before + 1


def test_a_look_at_older_documents_that_lacks_a_right_is_told_and_tried_by_one_of_them(office: World) -> None:
    world = office
    world.intacct.set(denied=["query ARINVOICE"])
    ids = make(world, 2)
    world.execute("UPDATE connection SET live_at = ledger_now() + interval '1 hour'")  # so all of them are older
    with world.running(web=False):
        send_all(world, ids)
        until(lambda: connection(world)["state"] == "broken", "it is broken off")
        until(lambda: events(world) == ["opened"], "people are told")
        assert connection(world)["probe"] == "document"
        assert world.intacct.invoices() == []
        world.intacct.set(denied=[])
        shift(world, breakers.PROBES_S[0] + 1)
        until(lambda: len(world.intacct.invoices()) == 2, "it goes on by itself")
        world.settle()
    assert [(row["state"], row["incident"]) for row in broken(world)] == [("resolved", 1)]
