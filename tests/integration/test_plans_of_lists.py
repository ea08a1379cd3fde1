"""The lists of the pages are found by indexes that were made for them, whatever values they are narrowed by."""

import pytest

from db import console_documents, console_requests
from db.console_documents import Filter
from db.database import Ledger
from db.failures import HELD
from tests.worlds.world import World


def plan(world: World, sql: str) -> str:
    """How a statement would be run if tables were large."""

    def explain(ledger: Ledger) -> str:
        ledger.execute("SET LOCAL enable_seqscan = off")
        return "\n".join(row["QUERY PLAN"] for row in ledger.execute(f"EXPLAIN {sql}".encode()).fetchall())

    return world.ledger.db.run(explain)


def test_what_a_broken_connection_holds_up_is_found_without_looking_at_what_is_posted(embedded_world: World) -> None:
    found = plan(embedded_world, f"SELECT h.document_id FROM failure f CROSS JOIN LATERAL ({HELD}) h WHERE f.id = 1")
    assert "operation_due" in found
    assert "operation_waiting" in found


@pytest.mark.parametrize("result", [each for each in console_requests.RESULTS if each != "ok"])
def test_rare_requests_are_found_without_walking_through_all(embedded_world: World, result: str) -> None:
    narrowed = f"{console_requests.RESULT} = '{result}' AND {console_requests.ODD}"
    found = plan(embedded_world, f"SELECT q.id FROM request q WHERE {narrowed} ORDER BY q.id DESC LIMIT 50")
    assert "request_odd" in found


def test_a_search_is_planned_for_what_is_searched(embedded_world: World) -> None:
    def prepared(ledger: Ledger) -> int:
        for number in range(10):
            console_documents.documents(ledger, Filter(text=f"INV-{number}"))
            console_requests.requests(ledger, purpose="bulk", before=number + 1)
        return len(ledger.execute("SELECT FROM pg_prepared_statements WHERE statement LIKE '%LIMIT%'").fetchall())

    assert embedded_world.ledger.db.run(prepared) == 0
