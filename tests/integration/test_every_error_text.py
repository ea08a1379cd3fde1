"""Every error that the vendor is known to answer with ends where a person sees it, with a cause and a fix."""

from collections.abc import Iterator

import pytest

from sandbox.intacct.vendor_texts import VENDOR_TEXTS
from tests.worlds.hands import Hands, hands_on
from tests.worlds.stand_ins import line
from tests.worlds.world import World

GOES_ON = {
    "rate_limit",
    "rate_limit_429",
    "session",
    "off_line",
    "rolled_back",
    *(f"gateway_{digit}" for digit in range(1, 10)),
}
"""What passes by itself: the document is posted in the end, and a failure only if it never does."""
BREAKS = {
    "tenant",
    "tenant_inactive",
    "sender_bad",
    "partner_id",
    "transport_policy",
    "sign_in",
    "sender_not_authorised",
    "demo_expired",
    "login_unknown",
    "api_session",
    "permission",
    "failure_for_control_id",
    "forbidden",
}
"""What is no document's fault: the connection is broken off, and the failure is its own."""
FOUND = {"replayed", "number_exists", "exists", "party_exists"}
"""What is looked up before anybody is told; here nothing is found."""
HELD = {"period_closed", "date_on_or_after"}
UNREAD = {"schema_unexpected", "schema_mismatch"}
"""The whole request is rejected, and nothing of it has run: a fault of ours."""


@pytest.fixture
def hands(embedded_world: World) -> Iterator[Hands]:
    with hands_on(embedded_world) as made:
        yield made


def test_every_text_of_a_function_ends_as_a_failure_with_cause_and_fix(hands: Hands) -> None:
    world = hands.world
    contact = world.scoro.customer()
    hands.notice(world.scoro.invoice("INV-0", contact, line()))
    for number, (name, text) in enumerate(VENDOR_TEXTS.items(), start=1):
        if name in GOES_ON | BREAKS or text.level != "function":
            continue
        world.intacct.fault("error", text=name, function="create_invoice", count=1 if name in FOUND else None)
        if name in FOUND:
            world.intacct.fault("error", text=name, function="create_invoice", count=1)
        invoice = world.scoro.invoice(f"INV-{number}", contact, line())
        hands.notice(invoice)
        world.intacct.clear_faults()
        state, reason = hands.state(invoice)
        assert state == ("held" if name in HELD else "failed"), (name, state, reason)
        mine = [failure for failure in world.failures() if invoice in failure["ids"]]
        assert len(mine) == 1, name
        assert mine[0]["cause"], name
        assert mine[0]["fix"], name
        assert text.description2 == "" or mine[0]["code"] not in {"", None}, name
        world.execute("UPDATE connection SET state = 'active', reason = ''")
        world.execute("UPDATE failure SET state = 'discarded'")
        world.execute("UPDATE failure_document SET cleared_at = ledger_now()")


@pytest.mark.parametrize("name", sorted(UNREAD))
def test_a_request_that_intacct_cannot_read_ends_as_a_failure_of_what_is_at_fault(hands: Hands, name: str) -> None:
    world = hands.world
    contact = world.scoro.customer()
    hands.notice(world.scoro.invoice("INV-0", contact, line()))
    world.intacct.fault("error", text=name, count=None)
    first, second = (world.scoro.invoice(number, contact, line()) for number in ("INV-1", "INV-2"))
    hands.notice(first, second)
    assert [hands.state(invoice)[0] for invoice in (first, second)] == ["failed", "failed"]
    (failure,) = world.failures()
    assert (failure["error_class"], failure["code"], failure["ids"]) == ("bug", "request_rejected", [first, second])
    assert failure["cause"] and failure["fix"]


def test_every_text_is_tried_here() -> None:
    tried = GOES_ON | BREAKS | UNREAD
    assert {name for name, text in VENDOR_TEXTS.items() if text.level != "function"} <= tried
    assert tried | FOUND | HELD <= VENDOR_TEXTS.keys()


def test_what_is_no_documents_fault_breaks_the_connection_off_with_a_failure(hands: Hands) -> None:
    world = hands.world
    contact = world.scoro.customer()
    for number, name in enumerate(sorted(BREAKS)):
        on = {"function": "create_invoice"} if VENDOR_TEXTS[name].level == "function" else {}
        world.intacct.fault("error", text=name, count=None, **on)
        invoice = world.scoro.invoice(f"INV-{number}", contact, line())
        hands.notice(invoice)
        world.intacct.clear_faults()
        assert world.connection.state == "broken", name
        assert world.connection.reason, name
        assert world.intacct.invoices(f"INV-{number}") == []
        (failure,) = world.rows("SELECT cause, fix FROM failure WHERE state = 'open'")
        assert failure["cause"] and failure["fix"], name
        world.execute("UPDATE failure SET state = 'discarded'")
        world.execute("UPDATE connection SET state = 'active', reason = ''")
        hands.work()
        assert hands.state(invoice)[0] == "posted", name


def test_what_passes_by_itself_posts_the_document_in_the_end(hands: Hands) -> None:
    world = hands.world
    contact = world.scoro.customer()
    for number, name in enumerate(sorted(GOES_ON)):
        on = {"function": "create_invoice"} if VENDOR_TEXTS[name].level == "function" else {}
        world.intacct.fault("error", text=name, **on)
        invoice = world.scoro.invoice(f"INV-{number}", contact, line())
        hands.notice(invoice)
        for _ in range(5):
            if world.document_is(invoice, "posted"):
                break
            world.execute("UPDATE clock SET shift = shift + interval '1 hour'")
            hands.work()
        assert hands.state(invoice)[0] == "posted", (name, hands.state(invoice))
        assert len(world.intacct.invoices(f"INV-{number}")) == 1
        assert world.failures() == []
