"""Every setting, two values of it, and what the gateway or Scoro got: `tests/settings` holds the table."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services.postgres import PostgresService
from schemas.settings import ConnectionSettings, describe
from tests.conftest import _temporary_database, at_database
from tests.settings.bench import Bench
from tests.settings.cases import Case, model_key
from tests.settings.of_contents import CONTENT_CASES
from tests.settings.of_documents import DATA_CASES
from tests.settings.of_sending import SENDING_CASES
from tests.worlds.fixtures import joined
from tests.worlds.stand_ins import stand_ins

CASES = (*DATA_CASES, *CONTENT_CASES, *SENDING_CASES)

WITHOUT_EFFECT = frozenset({"data.files.on_delete"})
"""Keys whose values come to the same; docs/settings.md says why."""


@pytest.fixture(scope="module")
def bench(
    postgres_server: PostgresService, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """One world for all cases, as each is told apart by its own documents."""
    with (
        _temporary_database(postgres_server.url, template=template_database) as name,
        stand_ins() as both,
        joined(both, at_database(postgres_server.url, name), Path(tmp_path_factory.mktemp("bench")), None, "") as world,
    ):
        both.scoro.reset()
        made = Bench(world)
        yield made
        made.runtime.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_two_values_of_a_setting_show_on_the_wire(bench: Bench, case: Case) -> None:
    shown = []
    for value in case.values:
        bench.use({**case.beside, case.key: value})
        shown.append(case.shows(bench))
        bench.clear()
    assert tuple(shown) == case.wanted
    assert (shown[0] != shown[1]) == (case.key not in WITHOUT_EFFECT)


def test_every_setting_has_a_case() -> None:
    known = {row.key for row in describe(ConnectionSettings())}
    tried = [model_key(case.key) for case in CASES]
    assert set(tried) == known
    assert len(tried) == len(set(tried)), "a key stands there twice"
