"""`make month`: run a simulated month, print what it came to, and with `--docs` keep it in docs/quota.md."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import structlog

from app.services.postgres import postgres
from benchmarks.month import chart, report
from benchmarks.month.arrivals import Plan
from benchmarks.month.far_side import FarSide
from benchmarks.month.figures import Figures, figures
from benchmarks.month.simulation import Simulation
from benchmarks.month.world import World
from db.database import Database
from db.migrate import migrate

REFUSED_SHARE, LOST_SHARE = 0.02, 0.01


def main() -> int:
    """Run by the arguments; 1 where something did not hold."""
    parser = argparse.ArgumentParser(prog="make month", description=__doc__)
    parser.add_argument("--connections", type=int, default=20, help="how many share the site's requests (20)")
    parser.add_argument("--changes", type=int, default=20_000, help="documents in the month (20,000)")
    parser.add_argument("--limit", type=int, default=4_000, help="requests per month (4,000)")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn (1)")
    parser.add_argument("--docs", action="store_true", help="write the chart and the figures to docs/")
    given = parser.parse_args()
    plan = Plan(date(2026, 3, 1), "Europe/London", given.connections, given.changes, given.seed)
    started = time.monotonic()
    result = run(
        plan, given.limit, on_day=lambda day: print(f"  {day:%a %d %b}", end="\r", file=sys.stderr, flush=True)
    )
    text = report.markdown(plan, result)
    print(text)
    print(f"Took {time.monotonic() - started:.0f} s.")
    faults = [*result.faults, *["people waited too long"] * result.people_waited]
    for fault in faults:
        print(f"NOT HELD: {fault}", file=sys.stderr)
    if given.docs:
        docs = Path(__file__).parents[2] / "docs"
        (docs / f"quota-{given.connections}.svg").write_text(chart.svg(result), encoding="utf-8")
        report.keep(docs / "quota.md", given.connections, text)
    return 1 if faults else 0


def run(plan: Plan, limit: int, on_day: Callable[[datetime], None]) -> Figures:
    """Run a plan against a database server that is thrown away afterwards."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory(prefix="scoro-intacct-month-") as folder:
        Path(folder).chmod(0o711)
        with postgres(Path(folder), None, durable=False) as service:
            migrate(service.url)
            return run_at(service.url, plan, limit, on_day)


def run_at(url: str, plan: Plan, limit: int, on_day: Callable[[datetime], None] = lambda _: None) -> Figures:
    """Run a plan in a database of its own that has this version's schema."""
    far_side = FarSide(plan.seed, refused_share=REFUSED_SHARE, lost_share=LOST_SHARE)
    with closing(Database(url, actor="month")) as db:
        world = World(db, far_side, time_zone=plan.time_zone, request_limit=limit, places=plan.connections)
        with closing(world):
            return figures(world, Simulation(world, plan, on_day).run(), limit)


if __name__ == "__main__":
    sys.exit(main())
