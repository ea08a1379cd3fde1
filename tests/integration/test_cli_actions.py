"""Quick actions on the command line: who may send, and addresses that act in somebody's name."""

from tests.integration.ledgers import Filled
from tests.integration.test_cli import cli, ledger, refused, said, told

__all__ = ["ledger"]


def test_only_named_people_send(ledger: Filled) -> None:
    ledger.connection(ledger.site())
    said("connection", "set", "quick_actions.users=Anna,ben")
    assert "is on its way" in said("send", "invoice", 7, "--as", "anna", "--no-wait")
    assert "carl may not" in refused("send", "invoice", 8, "--as", "carl", "--no-wait")
    assert "Anna, ben may" in refused("send", "invoice", 8, "--no-wait")  # olga, who types
    assert "carl may not" in refused("fetch", "invoice", 7, "--as", "carl")
    said("connection", "set", "quick_actions.users=")
    said("send", "invoice", 8, "--no-wait")
    assert [row["actor"] for row in ledger.rows("SELECT actor FROM change ORDER BY id")] == [
        "cli:olga as anna",
        "cli:olga",
    ]


def test_an_address_is_made_shown_once_and_revoked(ledger: Filled) -> None:
    ledger.connection(ledger.site())
    shown = cli("action", "make", "--user", "anna", "--kind", "invoice", "--days", 30)
    assert shown.exit_code == 0
    assert shown.stdout.startswith("http://127.0.0.1:8080/actions/")
    assert "Address 1 of anna ends after 30 days" in shown.stderr
    assert "PUBLIC_URL is not set" in shown.stderr
    (row,) = told("action", "list", "--json")
    assert (row["id"], row["user"], row["action"], row["kind"], row["state"]) == (1, "anna", "send", "invoice", "valid")
    assert "/actions/" not in said("action", "list")
    assert said("action", "revoke", 1) == "Address 1 of anna is revoked.\n"
    assert told("action", "list", "--json")[0]["state"] == "revoked"
    assert "no address 1 that still acts" in refused("action", "revoke", 1)


def test_an_address_that_makes_no_sense_is_refused(ledger: Filled) -> None:
    ledger.connection(ledger.site())
    assert "not sent from Scoro" in refused("action", "make", "--user", "anna", "--kind", "receipt")
    assert "1 to 100 characters" in refused("action", "make", "--user", "  ")
