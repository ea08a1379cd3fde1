"""Workers killed with `kill -9` while files and projects are on their way: each stands once, and is named."""

import base64
from collections.abc import Iterator

import pytest

from tests.crash.doomed import AtStep, worker
from tests.crash.test_killed_workers import assert_quota_covers_the_gateway, died
from tests.worlds.stand_ins import line, lines_of
from tests.worlds.waiting import until
from tests.worlds.world import World

STEPS = ("intake.read", "delivery.leaving", "delivery.answered", "look_up.answered")
WAIT_S = 60.0
"""A worker's start is the longest part of it."""
FIRST, LATE = b"%PDF first", b"%PDF late"


@pytest.fixture(autouse=True)
def _sweeper_looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead are found in fractions of a second instead of seconds."""
    monkeypatch.setattr("producers.sweep.RECOVER_S", 0.2)
    monkeypatch.setattr("producers.sweep.AGAIN_S", 1.0)


def judged(world: World, invoice: int, project: int, *contents: bytes) -> Iterator[str]:
    """Tell what is wrong with the records of an invoice with a project and files."""
    records = world.intacct.records("SUPDOC")
    if [record["SUPDOCID"] for record in records] != [f"SCORO-I-{invoice}"]:
        yield f"attachment records are {records}"
    held = sorted(base64.b64decode(file["DATA"]) for record in records for file in record["FILES"])
    if held != sorted(contents):
        yield f"the files are {held}"
    projects = [record["PROJECTID"] for record in world.intacct.records("PROJECT")]
    if projects.count(f"SCORO-P-{project}") != 1 or len(set(projects)) != len(projects):
        yield f"projects are {projects}"
    invoices = world.intacct.invoices()
    if len(invoices) != 1:
        yield f"there are {len(invoices)} invoices"
    for record in invoices:
        if record["SUPDOCID"] != f"SCORO-I-{invoice}":
            yield f"the invoice names {record['SUPDOCID']!r}"
        if {row["PROJECTID"] for row in lines_of(record)} != {f"SCORO-P-{project}"}:
            yield "a line names another project"
    if world.rows("SELECT FROM file_content"):
        yield "contents are still kept"
    if world.failures():
        yield f"failures: {world.failures()}"


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_a_step_loses_and_doubles_no_file(rabbit_world: World, step: str) -> None:
    world = rabbit_world
    world.set(delivery__linger_ms="50", delivery__settle_ms="50")
    world.intacct.set(duplicate_numbers="allow")
    with world.running(queues=()):
        world.scoro.set(webhooks_off=True)
        customer = world.scoro.customer("Customer Ltd")
        project = int(world.scoro.create("projects", project_name="Website", company_id=customer)["project_id"])
        invoice = world.scoro.invoice("INV-1", customer, line(), project_id=project)
        world.scoro.upload("first.pdf", FIRST, ("invoices", invoice))
        world.scoro.set(webhooks_off=False)
        with worker(world, AtStep(step)) as first:
            world.intacct.fault("lost_after_commit", function="create_supdoc")
            world.scoro.edit(invoice, is_sent=1)
            until(lambda: died(first), f"a worker died at {step} while it carried the first file", WAIT_S)
        with worker(world):
            until(lambda: world.document_is(invoice, "posted"), "the invoice is posted", WAIT_S)
            world.settle(WAIT_S)
        assert list(judged(world, invoice, project, FIRST)) == []

        world.intacct.fault("lost_after_commit", function="update_supdoc")
        with worker(world, AtStep(step)) as second:
            world.scoro.upload("late.pdf", LATE, ("invoices", invoice))
            world.send(invoice)
            until(lambda: died(second), f"a worker died at {step} while it carried a late file", WAIT_S)
        with worker(world):
            until(
                lambda: len(world.intacct.records("SUPDOC")[0]["FILES"]) == 2, "the late file stands in Intacct", WAIT_S
            )
            world.settle(WAIT_S)
    assert list(judged(world, invoice, project, FIRST, LATE)) == []
    assert_quota_covers_the_gateway(world, deaths=2)
