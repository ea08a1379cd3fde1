"""Mail about failures: one when an incident opens, a digest while it lasts, one when it clears, each once."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from clients.mail import MailServer, Refused, Unclear, Unreachable
from db import failures, mails
from producers import mail_texts
from producers.mailer import KEEP_S, Mailer
from schemas.settings import ConnectionSettings, set_key
from tests.integration.ledgers import Filled
from tests.worlds.mailbox import PASSWORD, USER, Mailbox, mailbox

FROM = "scoro-intacct <sync@acme.example>"
ANNA, BEN = "anna@acme.example", "ben@acme.example"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture
def ledger(database_url: str) -> Iterator[Filled]:
    filled = Filled(database_url)
    yield filled
    filled.db.close()


class Office:
    """A connection whose failures are told to people, and the mailer that tells them."""

    def __init__(self, ledger: Filled, box: Mailbox, *recipients: str) -> None:
        self.ledger = ledger
        self.connection = ledger.connection(ledger.site())
        emails = ", ".join(f'"{address}"' for address in recipients)
        ledger.execute("UPDATE connection SET settings = %s", [f'{{"notify": {{"emails": [{emails}]}}}}'])
        self.steps: list[str] = []
        self.mailer = Mailer(ledger.db, MailServer.at(box.url), FROM, "https://sync.example", self.steps.append)
        self.documents = 0

    def fail(self, code: str = "no_account", cause: str = "It has no account.") -> int:
        self.documents += 1
        document = self.ledger.document(self.connection, self.documents)
        return self.ledger.fail(self.connection, document, cause, code)

    def clear(self) -> None:
        ids = [row["id"] for row in self.ledger.rows("SELECT id FROM document")]
        self.ledger.db.run(lambda session: failures.clear(session, ids))

    def post(self, later_s: float = 10.0) -> None:
        """Let so much time pass, and the mailer take a turn."""
        self.ledger.execute("UPDATE clock SET shift = shift + make_interval(secs => %s)", [later_s])
        self.mailer._digested = float("-inf")
        self.mailer.turn()

    def states(self) -> list[str]:
        return [row["state"] for row in self.ledger.rows("SELECT state FROM mail ORDER BY id")]


def body(mail: Any, kind: str) -> str:
    return str(mail.get_body((kind,)).get_content())


def test_an_incident_is_told_once_when_it_opens_and_once_when_it_clears(ledger: Filled, box: Mailbox) -> None:
    office = Office(ledger, box, ANNA, BEN)
    failure = office.fail()
    assert office.fail() == office.fail() == failure
    office.post()
    assert sorted(str(mail["To"]) for mail in box.taken) == [ANNA, BEN]
    (subject,) = set(box.subjects())
    assert subject == "uk (3 documents): It has no account."
    office.fail()
    office.post()
    assert len(box.taken) == 2

    office.clear()
    office.post()
    assert box.subjects()[2:] == ["uk: Solved: It has no account."] * 2
    assert len(set(box.ids())) == 4

    office.fail()  # it comes back: its next incident
    office.post()
    assert len(box.taken) == 6
    assert len(set(box.ids())) == 6
    for kind in ("plain", "html"):
        told = body(box.taken[0], kind)
        assert "Choose an account in Scoro." in told
        assert "3 documents, 360.00 GBP" in told
        assert "finance person" in told
        assert "Try all of them again" in told
        assert "\n\n\n" not in told
        assert f"https://sync.example/failures/{failure}" in told
        assert "INV-1" not in told


def test_nobody_is_told_of_a_failure_that_opened_and_of_none_that_cleared_without_a_mail(
    ledger: Filled, box: Mailbox
) -> None:
    office = Office(ledger, box)
    office.fail()
    ledger.execute("UPDATE connection SET settings = %s", [f'{{"notify": {{"emails": ["{ANNA}"]}}}}'])
    office.clear()
    office.post()
    assert box.taken == []


def test_a_digest_comes_once_a_day_while_anything_is_open(ledger: Filled, box: Mailbox) -> None:
    office = Office(ledger, box, ANNA)
    for code in ("one", "two", "three"):
        office.fail(code, f"Cause <{code}>.")
    office.post()
    del box.taken[:]
    office.post(23 * 3600)
    assert box.taken == []
    office.post(3600)
    office.post()
    assert box.subjects() == ["Still open: 3 failures, 3 documents"]
    for kind, one in (("plain", "Cause <one>."), ("html", "Cause &lt;one&gt;.")):
        assert one in body(box.taken[0], kind)
    office.post(24 * 3600)
    assert len(box.taken) == 2
    assert len(set(box.ids())) == 2
    office.clear()
    office.post()
    office.post(48 * 3600)
    assert len(box.taken) == 2 + 3


def test_sums_are_told_as_people_read_them_and_one_is_no_plural(ledger: Filled, box: Mailbox) -> None:
    office = Office(ledger, box, ANNA)
    office.fail()
    ledger.execute("UPDATE document SET amount = 1234567.5, currency = 'GBP'")
    office.post()
    office.post(25 * 3600)
    assert box.subjects() == ["uk: It has no account.", "Still open: 1 failure, 1 document"]
    for mail in box.taken:
        for kind in ("plain", "html"):
            assert "1 document, 1,234,567.50 GBP" in " ".join(body(mail, kind).split())


@pytest.mark.parametrize(
    ("error_class", "holds", "words"),
    [
        ("data", [], "Try all of them again"),
        ("data", ["glaccountno=4100"], "One document tries by itself each hour"),
        ("broken", [], "It is tried again by itself"),
    ],
)
def test_a_mail_says_what_comes_once_the_cause_is_put_right(
    ledger: Filled, box: Mailbox, error_class: str, holds: list[str], words: str
) -> None:
    office = Office(ledger, box, ANNA)
    office.fail()
    ledger.execute("UPDATE failure SET error_class = %s, holds = %s", [error_class, holds])
    office.post()
    office.clear()
    office.post()
    assert [[words in body(mail, kind) for kind in ("plain", "html")] for mail in box.taken] == [
        [True] * 2,
        [False] * 2,
    ]


def test_a_reply_that_is_lost_makes_the_same_mail_come_again(ledger: Filled, box: Mailbox) -> None:
    office = Office(ledger, box, ANNA)
    office.fail()
    box.mood = "lose_reply"
    office.post()
    office.fail()  # what it says stays, whatever came meanwhile
    office.clear()
    box.mood = "take"
    for _ in range(3):
        office.post(3600)
    assert len(box.taken) == 3
    assert box.ids()[0] == box.ids()[1] != box.ids()[2]
    assert body(box.taken[0], "plain") == body(box.taken[1], "plain")
    assert box.subjects()[2].startswith("uk: Solved")
    assert office.states() == ["sent", "sent"]


def test_mail_is_kept_while_the_server_is_away_and_told_in_its_order(ledger: Filled, box: Mailbox) -> None:
    office = Office(ledger, box, ANNA)
    office.mailer._server = MailServer.at("smtp://127.0.0.1:1")
    office.fail()
    office.post()
    office.clear()
    office.post()
    row = ledger.rows("SELECT state, reason, attempts FROM mail ORDER BY id")[0]
    assert (row["state"], row["attempts"]) == ("waiting", 2)
    assert "127.0.0.1:1" in row["reason"]
    office.mailer._server = MailServer.at(box.url)
    office.post(3600)
    assert [subject.startswith("uk: Solved") for subject in box.subjects()] == [False, True]


def test_a_mail_that_died_with_its_sender_is_taken_over_after_its_time(ledger: Filled, box: Mailbox) -> None:
    office = Office(ledger, box, ANNA)
    office.fail()
    ledger.execute("UPDATE clock SET shift = '10 s'")
    assert ledger.db.run(mails.claim) is not None
    office.post(mails.LEASE_S - 10)
    assert box.taken == []
    office.post(20)
    assert len(box.taken) == 1


def test_a_refused_recipient_is_given_up_and_others_are_not(ledger: Filled, box: Mailbox) -> None:
    office = Office(ledger, box, ANNA)
    office.fail()
    box.mood = "refuse"
    office.post()
    assert office.states() == ["given_up"]
    office.fail("other")
    box.mood = "later"
    office.post()
    assert office.states() == ["given_up", "waiting"]
    office.post(KEEP_S + 60)
    assert "given_up" in office.states()[1]


def test_a_cause_cannot_add_headers_or_markup(ledger: Filled, box: Mailbox) -> None:
    office = Office(ledger, box, ANNA)
    office.fail(cause="Bad\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script> " + "ä" * 300)
    office.post()
    (mail,) = box.taken
    assert mail["Bcc"] is None
    assert str(mail["Subject"]).startswith("uk: Bad Bcc: evil@example.com <script>")
    assert len(str(mail["Subject"])) <= mail_texts.MAX_SUBJECT
    assert "<script>" not in body(mail, "html")
    assert all(len(line) <= 1000 and line.isascii() for line in box.raw[0].splitlines())


def test_signing_in_and_what_can_go_wrong() -> None:
    text = mails.Text("Subject", "plain", "<p>html</p>")
    mail: Any = mails.Mail(1, "opened", 1, 1, None, ANNA, 1, __import__("datetime").datetime.now(), None, *[None] * 3)
    made = mail_texts.message(mail, text, "<1@acme.example>", FROM)
    with mailbox(with_login=True) as box:
        host = box.url.removeprefix("smtp://")
        MailServer.at(f"smtp://{USER}:{quote(PASSWORD, safe='')}@{host}").send(made)
        assert box.ids() == ["<1@acme.example>"]
        with pytest.raises(Unreachable, match="535") as raised:
            MailServer.at(f"smtp://{USER}:wrong-one@{host}").send(made)
        assert "wrong-one" not in str(raised.value)
        with pytest.raises(Unreachable, match=r"encrypt|STARTTLS"):
            MailServer.at(f"{box.url}?starttls=1").send(made)
        box.mood = "lose_reply"
        with pytest.raises(Unclear):
            MailServer.at(f"smtp://{USER}:{quote(PASSWORD, safe='')}@{host}").send(made)
        box.mood = "refuse"
        with pytest.raises(Refused, match="550"):
            MailServer.at(f"smtp://{USER}:{quote(PASSWORD, safe='')}@{host}").send(made)


@pytest.mark.parametrize("address", ["änna@acme.example", "anna@bücher.example"])
def test_an_address_that_no_mail_can_carry_is_given_up_and_holds_nothing_up(
    ledger: Filled, box: Mailbox, address: str
) -> None:
    with pytest.raises(ValueError, match="xn--"):
        set_key(ConnectionSettings(), "notify.emails", address)
    office = Office(ledger, box, address, ANNA)
    office.fail()
    office.post()
    assert sorted(office.states()) == ["given_up", "sent"]
    assert [str(mail["To"]) for mail in box.taken] == [ANNA]


@pytest.mark.parametrize(
    "url", ["http://h", "smtp://", "smtp://h?tls=1", "smtps://h?starttls=1", "smtp://h:x", "smtp://h/x"]
)
def test_malformed_addresses_of_mail_servers_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        MailServer.at(url)


def test_the_port_follows_from_the_kind_of_server() -> None:
    assert [MailServer.at(u).port for u in ("smtp://h", "smtp://h?starttls=1", "smtps://h", "smtps://h:99")] == [
        *(25, 587, 465, 99)
    ]
