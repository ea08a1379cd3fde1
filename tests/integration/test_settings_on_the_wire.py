"""Every setting, two values of it, and what the gateway or Scoro got: `tests/settings` holds the table.

And that changing any of them sends nothing of what stands there already.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.services.postgres import PostgresService
from schemas.kinds import Kind
from schemas.settings import ConnectionSettings, describe
from tests.conftest import at_database, temporary_database
from tests.settings.bench import PURCHASES, Bench, Wire
from tests.settings.cases import Case, model_key
from tests.settings.of_contents import CONTENT_CASES
from tests.settings.of_documents import DATA_CASES
from tests.settings.of_sending import SENDING_CASES
from tests.worlds.fixtures import joined
from tests.worlds.stand_ins import line, stand_ins

CASES = (*DATA_CASES, *CONTENT_CASES, *SENDING_CASES)

DEFAULTS = {row.key: row.default for row in describe(ConnectionSettings())}

WITHOUT_EFFECT = frozenset({"data.files.on_delete"})
"""Keys whose values come to the same; docs/settings.md says why."""


@contextmanager
def a_bench(server: PostgresService, template: str, folder: Path) -> Iterator[Bench]:
    with (
        temporary_database(server.url, template=template) as name,
        stand_ins() as both,
        joined(both, at_database(server.url, name), folder, None, "") as world,
    ):
        both.scoro.reset()
        made = Bench(world)
        yield made
        made.runtime.close()


@pytest.fixture(scope="module")
def bench(
    postgres_server: PostgresService, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """One world for all cases, as each is told apart by its own documents."""
    with a_bench(postgres_server, template_database, tmp_path_factory.mktemp("bench")) as made:
        yield made


class Settled:
    """Documents of every kind that stand on both sides, with nothing left to do."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        project = bench.project()
        fields = [{"id": "c_department", "value": "Strategy"}]
        invoice = bench.invoice(line(project_id=project), project_id=project, custom_fields=fields)
        self.ids = {
            Kind.INVOICE: invoice,
            Kind.CREDIT_INVOICE: bench.invoice(line("-40.00"), custom_fields=fields),
            Kind.BILL: bench.bill(),
            Kind.CREDIT_BILL: bench.bill(line("-30.00", finance_account_id=PURCHASES)),
            Kind.EXPENSE: bench.expense(),
            Kind.PROJECT: project,
        }
        self.told_again()
        held = bench.world.row(
            "SELECT record_no FROM link JOIN document d ON d.id = document_id WHERE scoro_id = %s AND kind = 'invoice'",
            [invoice],
        )
        bench.world.intacct.pay({"recordno": held["record_no"], "amount": "50.00"})
        with bench.hearing_scoro() as heard:
            self.told_again()
        assert len(heard) == 1, "the payment came back"
        assert {bench.state(scoro_id, kind)[0] for kind, scoro_id in self.ids.items()} <= {"posted", "linked"}

    def told_again(self) -> list[str]:
        """A poll and a pull find what they found before; the writes that follow."""
        before = self.bench.world.intacct.last_request()
        for kind, scoro_id in self.ids.items():
            self.bench.capture(scoro_id, kind=kind)
        self.bench.work()
        self.bench.pull()
        return Wire(self.bench.world.intacct.requests(before)).writes


@pytest.fixture(scope="module")
def settled(
    postgres_server: PostgresService, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settled]:
    with a_bench(postgres_server, template_database, tmp_path_factory.mktemp("settled")) as made:
        yield Settled(made)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_two_values_of_a_setting_show_on_the_wire(bench: Bench, case: Case) -> None:
    shown = []
    for value in case.values:
        bench.use({**case.beside, case.key: value})
        shown.append(case.shows(bench))
        bench.clear()
    assert tuple(shown) == case.wanted
    assert (shown[0] != shown[1]) == (case.key not in WITHOUT_EFFECT)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_changing_a_setting_sends_nothing_by_itself(settled: Settled, case: Case) -> None:
    """From what the case before had set to a value of this key that is not its default."""
    bench = settled.bench
    value = next(value for value in reversed(case.values) if value != DEFAULTS.get(case.key))
    bench.use({**case.beside, case.key: value})
    with bench.hearing_scoro() as heard:
        writes = settled.told_again()
    assert (writes, heard) == ([], [])


def test_every_setting_has_a_case() -> None:
    known = {row.key for row in describe(ConnectionSettings())}
    tried = [model_key(case.key) for case in CASES]
    assert set(tried) == known
    assert len(tried) == len(set(tried)), "a key stands there twice"
