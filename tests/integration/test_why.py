"""Every document that was ever seen answers why it is not there: state, reason, and what comes next."""

from collections.abc import Iterator
from typing import Any

import pytest

from db.why import why
from schemas.kinds import Kind
from tests.integration.ledgers import Filled


class Office:
    """One connection, and what is said of its documents."""

    def __init__(self, ledger: Filled) -> None:
        self.ledger = ledger
        self.connection = ledger.connection(ledger.site())
        self.numbers = iter(range(1, 100))

    def document(self, state: str = "waiting", reason: str = "") -> int:
        made = self.ledger.document(self.connection, next(self.numbers))
        self.ledger.execute(
            "UPDATE document SET state = %s::document_state, reason = %s WHERE id = %s", [state, reason, made]
        )
        return made

    def operation(self, state: str | None = None, **known: Any) -> tuple[int, Any]:
        document = self.document()
        made = self.ledger.operation(self.connection, document)
        if state:
            self.ledger.settle(made, state, **known)
        return document, made

    def said(self, document: int) -> str:
        return self.ledger.db.run(lambda session: why(session, document))


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    filled = Filled(database_url)
    yield Office(filled)
    filled.db.close()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("skipped", "It is left out: too old."),
        ("ignored", "A person has it left alone: too old."),
        ("held", "A person decides about it: too old."),
        ("deleted", "It was deleted: too old."),
        ("sending", "It is under way to Intacct right now: too old."),
        ("uncertain", "It may be there, and is looked up: too old."),
        ("failed", "It failed: too old."),
    ],
)
def test_a_state_is_told_with_its_reason(office: Office, state: str, words: str) -> None:
    assert office.said(office.document(state, "too old")) == words


def test_a_failure_is_told_with_its_fix_and_who_can_make_it(office: Office) -> None:
    document = office.document()
    failure = office.ledger.fail(office.connection, document)
    assert office.said(document) == (
        f"It failed: It has no account. Choose an account in Scoro. Failure {failure}, for the finance person."
    )


def test_what_waits_says_for_what_and_until_when(office: Office) -> None:
    ledger = office.ledger
    plain, _ = office.operation()
    assert office.said(plain) == "It goes with the next request."
    later, made = office.operation()
    ledger.execute(
        "UPDATE operation SET due_at = '2099-01-01 UTC', reason = 'Intacct is out of service' WHERE id = %s", [made]
    )
    assert office.said(later) == "It is tried again at 2099-01-01 00:00:00 UTC: Intacct is out of service."
    quota, made = office.operation()
    ledger.execute("UPDATE operation SET state = 'waiting_quota', reason = 'waits for requests' WHERE id = %s", [made])
    assert office.said(quota) == "It waits: waits for requests."

    customer = ledger.document(office.connection, 5, kind=Kind.CUSTOMER)
    ledger.fail(office.connection, customer, "It has no name.")
    needing = office.document()
    made = ledger.operation(office.connection, needing, needs=[customer])
    ledger.move(made, "waiting_prerequisite")
    assert office.said(needing) == "It needs customer:5, which is not in Intacct yet (It has no name.)."

    failing = office.document()
    failure = ledger.fail(office.connection, failing, "No account 4100.", "gone")
    waiting, made = office.operation()
    ledger.execute(
        "UPDATE operation SET state = 'waiting_prerequisite', reason = 'waits for failure 2 to be put right (4100)'"
        " WHERE id = %s",
        [made],
    )
    ledger.execute("INSERT INTO operation_culprit VALUES (%s, %s, '2026-03-01 UTC')", [made, failure])
    assert office.said(waiting) == (
        "It waits for failure 2 to be put right (4100); it tries by 2026-03-02 00:00:00 UTC at the latest."
    )
    for state, words in (
        ("rehearsal", "in rehearsal"),
        ("paused", "uk is paused: holidays"),
        ("broken", "uk is broken"),
    ):
        ledger.execute("UPDATE connection SET state = %s, reason = 'holidays'", [state])
        assert words in office.said(plain)


def test_what_is_still_to_be_read_says_when(office: Office) -> None:
    ledger = office.ledger
    document = ledger.document(office.connection, 50)
    ledger.capture(office.connection, 50)
    assert office.said(document).startswith("It is read from Scoro at ")
    ledger.execute("UPDATE clock SET shift = '2 minutes'")
    assert "no worker has taken it" in office.said(document)
    ledger.execute("UPDATE site SET held_until = '2099-01-01 UTC'")
    ledger.execute("UPDATE change SET reason = 'the key is refused'")
    assert office.said(document) == "Scoro is not asked before 2099-01-01 00:00:00 UTC: the key is refused."
    ledger.execute("UPDATE change SET scheduled = true")
    ledger.execute("UPDATE connection SET next_run_at = '2026-03-01 06:00 UTC'")
    assert office.said(document) == "It waits for its schedule: it is read at 2026-03-01 06:00:00 UTC."
    ledger.execute("UPDATE change SET state = 'reading'")
    assert office.said(document) == "It is being read from Scoro right now."


def test_what_is_there_says_as_what_and_whether_it_differs_by_hand(office: Office) -> None:
    document, made = office.operation()
    office.ledger.move(made, "sending")
    office.ledger.settle(made, "posted", record_no="77")
    assert office.said(document) == "It is there, as ARINVOICE 77."
    office.ledger.execute("UPDATE operation SET edited_from = id")
    assert office.said(document).endswith("differs from Scoro until its next edit.")
    office.ledger.capture(office.connection, 1)
    assert "A newer change of it came." in office.said(document)
