"""`doctor`: what is wrong is found, with its fix, and no secret is shown."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from app import checkup
from app.cli.root import root
from app.settings import Settings
from app.wiring import using
from console.actions import doctor
from console.actions.findings import Finding, Level
from sandbox import fixtures
from tests.worlds.world import SECRET_KEY, World


@pytest.fixture
def world(embedded_world: World) -> World:
    return embedded_world


def findings(world: World, *, ask_intacct: bool = False, **environment: Any) -> list[Finding]:
    settings = world.settings.model_copy(update=environment)
    with using(settings, world.ledger) as runtime:
        found = list(doctor.check(runtime, ask_intacct=ask_intacct))
    shown = str(found)
    for secret in (fixtures.USER_PASSWORD, fixtures.SCORO_API_KEY, fixtures.SENDER_PASSWORD, SECRET_KEY):
        assert secret not in shown
    assert all(finding.fix for finding in found if finding.level in {Level.WARNING, Level.BROKEN})
    return found


def said(found: list[Finding], level: Level) -> str:
    return "\n".join(f"{f.about}: {f.says} [{f.fix}]" for f in found if f.level is level)


# ------------------------------------------------------------------------------------------------- what was connected


def test_a_sound_installation_has_nothing_broken_and_costs_no_request(world: World) -> None:
    before = world.requests_received()
    found = findings(world)
    assert said(found, Level.BROKEN) == ""
    assert "Intacct was not asked" in said(found, Level.NOTE)
    assert world.requests_received() == before


def test_asking_intacct_takes_one_request_and_names_the_rights_to_write(world: World) -> None:
    before = world.requests_received()
    found = findings(world, ask_intacct=True)
    assert said(found, Level.BROKEN) == ""
    assert "may read all" in said(found, Level.OK)
    assert "rights to write cannot be tried" in said(found, Level.NOTE)
    assert world.requests_received() == before + 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"accounts.rounding": "1"}, "accounts.rounding names the account 1, which Intacct does not know"),
        ({"taxes.1": "Nothing"}, "taxes.1 names the tax detail Nothing, which Intacct does not know"),
        ({"location": "MARS"}, "location names MARS"),
        ({"dimensions.fields.REGION": "c_region"}, "dimensions.fields.REGION names no dimension of Intacct"),
        ({"dimensions.fields.DEPARTMENT": "c_nothing"}, "the custom field c_nothing, which Scoro does not have"),
        ({"data.invoices.bookmark": "111"}, "data.invoices.bookmark needs a user token"),
    ],
)
def test_a_setting_that_names_nothing_is_broken(world: World, settings: dict[str, str], words: str) -> None:
    world.change_settings(settings)
    assert words in said(findings(world), Level.BROKEN)


def test_what_is_on_and_lacks_something_is_a_warning(world: World) -> None:
    world.change_settings({"accounts.ap_credit_sign": "", "dimensions.invoices.PROJECT": "true"})
    warned = said(findings(world), Level.WARNING)
    assert "accounts.ap_credit_sign" in warned
    assert "no custom field of Scoro holds PROJECT" in warned


def test_a_key_that_scoro_no_longer_takes_and_a_password_that_intacct_does_not(world: World) -> None:
    world.execute("UPDATE connection SET password = %s", [world.ledger.vault.seal("changed")])
    assert "check user, password and company" in said(findings(world, ask_intacct=True), Level.BROKEN)
    world.execute("UPDATE site SET api_key = %s", [world.ledger.vault.seal("ScoroAPI_gone")])
    assert "does not accept the API key" in said(findings(world), Level.BROKEN)


def test_a_missing_right_and_a_clock_that_differs_are_warnings(world: World) -> None:
    world.intacct.set(denied=["APBILL"], clock_offset_s=600)
    warned = said(findings(world, ask_intacct=True), Level.WARNING)
    assert "Accounts Payable: Bills" in warned
    assert "the clock of Intacct is" in warned


def test_a_broken_connection_and_a_used_up_month_are_broken(world: World) -> None:
    world.execute("UPDATE connection SET state = 'broken', reason = 'the password was refused'")
    world.execute("UPDATE site SET request_limit = 1")
    wrong = said(findings(world), Level.BROKEN)
    assert "the password was refused" in wrong
    assert "connection resume" in wrong
    assert "used up; it goes on at" in wrong


def test_webhooks_that_are_missing_are_named(world: World) -> None:
    warned = said(findings(world, public_url="http://127.0.0.1:1"), Level.WARNING)
    assert "Scoro posts no changes of invoices" in warned


def test_a_change_that_nobody_takes_shows_that_no_worker_runs(world: World) -> None:
    world.send(world.scoro.invoice("INV-1", world.scoro.customer()))
    world.execute("UPDATE change SET due_at = due_at - interval '10 minutes'")
    assert "nobody took it" in said(findings(world), Level.BROKEN)


# ------------------------------------------------------------------------------------------------- the environment


def level_of(found: Iterator[Finding], about: str) -> set[Level]:
    return {finding.level for finding in found if finding.about == about}


def test_a_database_that_does_not_answer_or_is_not_migrated(
    empty_database_url: str, closed_port: int, world: World
) -> None:
    assert level_of(checkup.database(world.settings, empty_database_url, "it"), "PostgreSQL") == {Level.BROKEN}
    nobody = f"postgresql://user:very-secret@127.0.0.1:{closed_port}/none"
    found = list(checkup.database(world.settings, nobody, "it"))
    assert level_of(iter(found), "PostgreSQL") == {Level.BROKEN}
    assert "very-secret" not in str(found)
    url = world.settings.database_url or ""
    assert level_of(checkup.database(world.settings, url, "it"), "PostgreSQL") == {Level.OK}


def test_a_broker_that_answers_and_one_that_does_not(broker_url: str, queue_prefix: str, closed_port: int) -> None:
    def of(url: str | None) -> list[Finding]:
        settings = Settings(database_url="postgresql://x/y", secret_keys=SECRET_KEY, amqp_url=url)
        return list(checkup.broker(settings.model_copy(update={"queue_prefix": queue_prefix})))

    assert level_of(iter(of(broker_url)), "RabbitMQ") == {Level.OK}
    assert level_of(iter(of(f"amqp://guest:guest@127.0.0.1:{closed_port}/")), "RabbitMQ") == {Level.BROKEN}
    assert level_of(iter(of(None)), "RabbitMQ") == {Level.NOTE}


def test_an_address_that_scoro_could_not_reach_and_metrics_that_everybody_can(closed_port: int, world: World) -> None:
    settings = world.settings.model_copy(
        update={"public_url": f"http://127.0.0.1:{closed_port}", "metrics_bind": "0.0.0.0:9100"}
    )
    found = list(checkup.addresses(settings))
    assert Level.BROKEN in level_of(iter(found), "PUBLIC_URL")
    assert level_of(iter(found), "METRICS_BIND") == {Level.WARNING}


def test_an_address_that_answers_is_well(world: World) -> None:
    with world.running(queues=(), scheduler=False) as hook:
        base = hook.partition("/hooks/")[0]
        settings = world.settings.model_copy(update={"public_url": base})
        assert Level.OK in level_of(checkup.addresses(settings), "PUBLIC_URL")


def test_mail_that_is_wanted_without_a_server_and_a_server_that_does_not_answer(closed_port: int, world: World) -> None:
    assert level_of(checkup.mail(world.settings, ["uk"]), "SMTP_URL") == {Level.BROKEN}
    given = Settings(
        database_url=world.settings.database_url,
        secret_keys=SECRET_KEY,
        smtp_url=f"smtp://user:mail-secret@127.0.0.1:{closed_port}",
        mail_from="books@example.com",
    )
    found = list(checkup.mail(given, ["uk"]))
    assert level_of(iter(found), "SMTP_URL") == {Level.BROKEN}
    assert "mail-secret" not in str(found)


# ------------------------------------------------------------------------------------------------- the command


def test_the_command_ends_with_1_when_something_is_broken_and_prints_json(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", world.settings.database_url or "")
    monkeypatch.setenv("SECRET_KEYS", SECRET_KEY)
    monkeypatch.setenv("DATA_DIR", str(world.settings.data_dir))
    shown = CliRunner().invoke(root, ["doctor", "--json"])
    assert shown.exit_code == 1, shown.output
    rows = json.loads(shown.stdout)
    assert {"about", "level", "says", "fix"} == set(rows[0])
    assert any(row["about"] == "INTACCT_SENDER_ID" and row["level"] == "broken" for row in rows)
    for secret in (fixtures.USER_PASSWORD, fixtures.SCORO_API_KEY, SECRET_KEY):
        assert secret not in shown.output
