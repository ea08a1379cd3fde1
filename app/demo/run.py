"""The run of the demo: its stages, shown while they happen, and the report."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.demo.books import OBJECTS, Comparison, Counters, Sums, compare
from app.demo.scene import DAYS_BACK, Scene, scene
from app.processes import until_told_to_stop
from app.settings import Settings
from console.actions.people import first_link
from db import waits
from db.database import Ledger
from producers import manual
from schemas.kinds import Kind

KINDS = (Kind.INVOICE, Kind.BILL, Kind.EXPENSE)
"""One kind of each module that the demo writes."""
EDITS = 20
"""Edits that a repeated demo makes once everything stands."""
PATIENCE_S = 900.0
STEP_S = 0.2


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage came to, by the counters of the Intacct stand-in."""

    title: str
    documents: int
    counted: Counters
    seconds: float


@dataclass(slots=True)
class Report:
    """What the demo found."""

    stages: list[Stage] = field(default_factory=list)
    comparison: Comparison = field(default_factory=Comparison)
    failures: Sequence[Mapping[str, Any]] = ()
    requests_used: int = 0
    request_limit: int = 0


def run(settings: Settings, *, documents: int, serve: bool, seed: int, console: Console | None = None) -> int:
    """Run the demo and print its report; 0 when every sound document stands in Intacct to the cent."""
    console = console or Console()
    started = time.monotonic()
    console.print("[bold]scoro-intacct demo[/]: the whole product against stand-ins of Scoro and Sage Intacct\n")
    with scene(settings, serve=serve) as running:
        console.print(f"Database  {running.ledger.label}")
        console.print(f"Broker    {running.broker_label}")
        console.print(f"Scoro     stand-in at {running.books.scoro}")
        console.print(f"Intacct   stand-in at {running.books.intacct}")
        if serve:
            console.print(f"Pages     {running.address}")
            for line in first_link(running.ledger.db, running.address):
                console.print(line, soft_wrap=True)
        console.print()
        report = _run_stages(_Show(console, running), documents, seed)
        _fill(report, running)
        _print(console, report, time.monotonic() - started)
        if serve:
            console.print(f"\nServing at {running.address} until Ctrl-C.")
            until_told_to_stop()
    return 0 if report.comparison.agree else 1


def _run_stages(show: "_Show", documents: int, seed: int) -> Report:
    books, connection = show.scene.books, show.scene.connection
    report = Report()
    day = connection.connected_on
    order = {
        "documents": documents,
        "seed": seed,
        "kinds": [*OBJECTS, "file"],
        "broken": True,
        "date_from": (day - timedelta(days=DAYS_BACK)).isoformat(),
        # of before the connection was made, so that they are looked up together before they are created
        "date_to": (day - timedelta(days=1)).isoformat(),
    }
    before = len(books.ask(books.scoro, "expected")["documents"])

    def write_invoices() -> int:
        books.tell(books.scoro, "generate", order)
        return len(books.ask(books.scoro, "expected")["documents"]) - before

    def read_again() -> int:
        db, scoro = show.scene.ledger.db, show.scene.scoro
        return sum(sum(manual.sync(db, connection, scoro, kind, "demo")) for kind in KINDS)

    def edit() -> int:
        return len(books.tell(books.scoro, "edits", {"count": EDITS, "seed": int(time.time())})["ids"])

    report.stages.append(show.stage("Documents written in Scoro travel to Intacct", write_invoices, documents))
    if not show.scene.first_run:
        report.stages.append(show.stage("Everything is read again; nothing has changed", read_again, before))
        report.stages.append(show.stage("People edit invoices in Scoro", edit, EDITS))
    return report


class _Show:
    """Runs stages and shows the ledger move while they last."""

    def __init__(self, console: Console, running: Scene) -> None:
        self.console = console
        self.scene = running

    def stage(self, title: str, act: Callable[[], int], roughly: int) -> Stage:
        """Act, then wait until nothing is on its way any more; returns what it took."""
        before, started = self.scene.books.counters(), time.monotonic()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as bars:
            bar = bars.add_task(title, total=max(roughly, 1))
            documents = act()
            self._wait(lambda left: bars.update(bar, total=max(documents, 1), completed=max(documents - left, 0)))
        counted = self.scene.books.counters().since(before)
        done = Stage(title, documents, counted, time.monotonic() - started)
        self.console.print(
            f"[green]✓[/] {title}: {documents} documents, {counted.requests} requests, {done.seconds:.1f} s"
        )
        return done

    def _wait(self, tell: Callable[[int], None]) -> None:
        books, db = self.scene.books, self.scene.ledger.db
        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            heard = books.ask(books.scoro, "webhooks/idle")["idle"]
            moving = [wait for wait in db.run(waits.waits) if not wait.waits_for]
            tell(sum(wait.count for wait in moving if wait.what in {"change", "operation"}))
            if heard and not moving:
                return
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"the demo still waits after {PATIENCE_S:.0f} s: {moving}")
            time.sleep(STEP_S)


def _fill(report: Report, running: Scene) -> None:
    books = running.books
    held = {name: books.ask(books.intacct, f"records/{name}") for name in dict.fromkeys(OBJECTS.values())}
    report.comparison = compare(books.ask(books.scoro, "expected")["documents"], held)

    def read(session: Ledger) -> None:
        report.failures = session.execute(
            """SELECT f.cause, f.fix, count(d.document_id) AS documents FROM failure f
               JOIN failure_document d ON d.failure_id = f.id AND d.cleared_at IS NULL
               WHERE f.connection_id = %s AND f.state = 'open' GROUP BY f.id ORDER BY f.id""",
            [running.connection.id],
        ).fetchall()
        row = session.execute(
            "SELECT coalesce(sum(used), 0) AS used FROM quota WHERE site_id = %s", [running.connection.site.id]
        ).fetchone()
        report.requests_used = row["used"] if row else 0
        report.request_limit = running.connection.site.request_limit

    running.ledger.db.run(read)


def _print(console: Console, report: Report, seconds: float) -> None:
    comparison = report.comparison
    console.print()
    table = Table("Stage", "Documents", "Requests", "One per document", "Written", "Seconds", title="What it took")
    for stage in report.stages:
        cells = (stage.documents, stage.counted.requests, stage.documents, stage.counted.written)
        table.add_row(stage.title, *map(str, cells), f"{stage.seconds:.1f}")
    console.print(table)
    totals = Table(
        "Object", "Currency", "", "Net", "VAT", "Gross", title="Totals: Intacct's records against Scoro's numbers"
    )
    for (object_name, currency), (stands, meant) in comparison.totals.items():
        mark = "[green]equal[/]" if stands == meant else "[red]differ[/]"
        totals.add_row(object_name, currency, "Intacct", *_cells(stands))
        totals.add_row("", mark, "Scoro", *_cells(meant), end_section=True)
    console.print(totals)
    if report.failures:
        failures = Table("Documents", "Cause", "Fix", title="Failures (some invoices are broken on purpose)")
        for failure in report.failures:
            failures.add_row(str(failure["documents"]), failure["cause"], failure["fix"], end_section=True)
        console.print(failures)
    for difference in comparison.differences[:20]:
        console.print(f"[red]✗[/] {difference}")
    mark = "[green]✓[/]" if comparison.agree else "[red]✗[/]"
    console.print(
        f"{mark} {comparison.posted} of {comparison.expected} sound documents stand in Intacct,"
        f" {len(comparison.differences)} differences;"
        f" {report.requests_used} of {report.request_limit} requests of the month used; {seconds:.1f} s."
    )


def _cells(sums: Sums) -> tuple[str, str, str]:
    return f"{sums.net:,.2f}", f"{sums.tax:,.2f}", f"{sums.gross:,.2f}"
