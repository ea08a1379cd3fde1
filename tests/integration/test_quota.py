"""The month's requests: never more leave than were paid for, the rest waits with a date and goes on by itself."""

import threading
from datetime import UTC, datetime

from db import operations, outbox, recovery, requests
from schemas.kinds import Purpose
from tests.worlds.waiting import until
from tests.worlds.world import World

DOCUMENTS = 10


def send_ten_in_pairs(world: World) -> list[int]:
    """Ten invoices of a customer that Intacct knows, two to a request, with three requests left this month."""
    customer = world.scoro.customer()
    first = world.scoro.invoice("INV-0", customer)
    world.send(first)
    until(lambda: world.document_is(first, "posted"), "the customer stands")
    world.settle()
    world.set(delivery__max_documents="2")
    world.execute("UPDATE site SET request_limit = (SELECT used FROM quota) + 3")
    ids = [world.scoro.invoice(f"INV-{number}", customer) for number in range(1, DOCUMENTS + 1)]
    world.execute("UPDATE connection SET state = 'paused'")
    for invoice in ids:
        world.send(invoice)
    until(lambda: count(world, "ready") == DOCUMENTS, "all are ready")
    until(lambda: world.scoro.is_idle() and not {"changes", "bells"} & world.under_way().keys(), "nothing is read")
    world.execute("UPDATE connection SET state = 'active'")
    world.ring()
    until(lambda: count(world, "waiting_quota") == DOCUMENTS - 6, "the rest waits for the month")
    world.settle()
    return ids


def count(world: World, state: str) -> int:
    return int(world.row("SELECT count(*) AS n FROM operation WHERE state = %s::operation_state", [state])["n"])


def test_what_the_limit_does_not_cover_waits_with_the_date_and_goes_on_when_it_is_raised(embedded_world: World) -> None:
    world = embedded_world
    with world.running():
        ids = send_ten_in_pairs(world)
        assert len(world.intacct.invoices()) == 1 + 6
        assert (
            world.requests_used() == world.requests_received() == world.row("SELECT request_limit AS n FROM site")["n"]
        )
        waiting = world.rows("SELECT due_at, reason FROM operation WHERE state = 'waiting_quota'")
        (due_at,) = {row["due_at"] for row in waiting}
        assert due_at == next_month_in_london()
        assert all(f"{due_at:%Y-%m-%d}" in row["reason"] for row in waiting)
        assert all(world.document_is(invoice, "waiting", "posted") for invoice in ids)

        world.execute("UPDATE site SET request_limit = request_limit + 2")
        world.ledger.db.run(lambda ledger: outbox.ring(ledger, "delivery", *operations.release_quota_waits(ledger, 1)))
        until(lambda: all(world.document_is(invoice, "posted") for invoice in ids), "all are posted")
    assert len(world.intacct.invoices()) == 1 + DOCUMENTS
    assert world.requests_used() == world.requests_received() == world.row("SELECT request_limit AS n FROM site")["n"]


def test_with_the_new_month_it_goes_on_by_itself(embedded_world: World) -> None:
    world = embedded_world
    world.set(data__receipts__enabled="false")  # with the month a look at Intacct is due as well
    with world.running():
        ids = send_ten_in_pairs(world)
        shift = next_month_in_london() - datetime.now(UTC)
        world.execute("UPDATE clock SET shift = %s", [shift])
        until(lambda: all(world.document_is(invoice, "posted") for invoice in ids), "all are posted")
        world.settle()
    months = world.rows("SELECT month, used FROM quota ORDER BY month")
    assert len(months) == 2
    assert months[1]["used"] == 2
    assert world.requests_used() == world.requests_received()
    assert len(world.intacct.invoices()) == 1 + DOCUMENTS


def next_month_in_london() -> datetime:
    """The first of the next month; Europe/London's midnight is not UTC's in summer."""
    from zoneinfo import ZoneInfo

    here = datetime.now(ZoneInfo("Europe/London"))
    year, month = (here.year + 1, 1) if here.month == 12 else (here.year, here.month + 1)
    return datetime(year, month, 1, tzinfo=ZoneInfo("Europe/London"))


def test_eight_at_once_never_pass_the_limit(embedded_world: World) -> None:
    world = embedded_world
    limit, already = 40, world.requests_used()
    world.execute("UPDATE site SET request_limit = %s", [limit])
    start = threading.Barrier(8)
    paid: list[requests.Charge] = []

    def charge_many() -> None:
        start.wait()
        for _ in range(10):
            charge = world.ledger.db.run(
                lambda ledger: requests.charge(ledger, 1, None, Purpose.INTERACTIVE, functions=1, deadline_s=1)
            )
            if charge is not None:
                paid.append(charge)

    threads = [threading.Thread(target=charge_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paid) == limit - already
    assert len({charge.request_id for charge in paid}) == len(paid)
    assert world.requests_used() == limit


def test_the_last_requests_of_a_month_are_kept_for_look_ups(embedded_world: World) -> None:
    world = embedded_world
    world.execute("UPDATE site SET request_limit = 200")
    world.execute("UPDATE quota SET used = 198")

    def charged(purpose: Purpose) -> bool:
        return (
            world.ledger.db.run(lambda ledger: requests.charge(ledger, 1, None, purpose, functions=1, deadline_s=1))
            is not None
        )

    assert not charged(Purpose.INTERACTIVE)
    assert not charged(Purpose.BULK)
    assert [charged(Purpose.LOOK_UP) for _ in range(3)] == [True, True, False]


def test_a_request_that_never_left_is_refunded_to_the_month_it_was_paid_in(embedded_world: World) -> None:
    world = embedded_world
    before = world.requests_used()
    charge = world.ledger.db.run(
        lambda ledger: requests.charge(ledger, 1, None, Purpose.BULK, functions=1, deadline_s=1)
    )
    assert charge is not None
    world.execute("UPDATE clock SET shift = '40 days'")
    world.ledger.db.run(lambda ledger: requests.end(ledger, charge.request_id, "withdrawn", "never left"))
    assert world.requests_used() == before


def test_six_that_look_for_the_dead_at_once_refund_and_take_over_each_request_once(embedded_world: World) -> None:
    world = embedded_world
    before = world.requests_used()
    for place in range(10):
        charge = world.ledger.db.run(
            lambda ledger: requests.charge(ledger, 1, None, Purpose.BULK, functions=1, deadline_s=1)
        )
        assert charge is not None
        if place % 2:
            assert world.ledger.db.run(lambda ledger, id=charge.request_id: requests.leave(ledger, id))  # type: ignore[misc]
    start = threading.Barrier(6)

    def look() -> None:
        start.wait()
        world.ledger.db.run(lambda ledger: recovery.recover(ledger, 900))

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = world.rows("SELECT state::text, count(*) AS n FROM request WHERE purpose = 'bulk' GROUP BY 1 ORDER BY 1")
    assert states == [{"state": "unanswered", "n": 5}, {"state": "withdrawn", "n": 5}]
    assert world.requests_used() == before + 5


def test_the_fence_lets_nobody_pass_after_the_send_window_or_twice(embedded_world: World) -> None:
    world = embedded_world

    def charge() -> int:
        paid = world.ledger.db.run(
            lambda ledger: requests.charge(ledger, 1, None, Purpose.BULK, functions=1, deadline_s=1)
        )
        assert paid is not None
        return paid.request_id

    def leaves(request_id: int) -> bool:
        return world.ledger.db.run(lambda ledger: requests.leave(ledger, request_id))

    in_time, late = charge(), charge()
    assert leaves(in_time)
    assert not leaves(in_time)
    world.execute("UPDATE clock SET shift = make_interval(secs => %s)", [requests.SEND_WINDOW_S + 1])
    assert not leaves(late)
