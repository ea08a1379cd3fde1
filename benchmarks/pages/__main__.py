"""Fill a ledger and measure every page: python -m benchmarks.pages --documents 1000000 --rounds 40.

With `--folder` the filled ledger is kept there, and measured again without being filled the next time.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import psycopg

from app.services.postgres import postgres
from benchmarks.pages.fill import fill
from console.pages.overview import SERIES
from db.migrate import migrate
from tests.browser.scene import Office, furnish, office, pages
from tests.worlds.browsing import Somebody
from tests.worlds.stand_ins import stand_ins

LIMIT_MS = 100.0


def paths(where: Office) -> dict[str, str]:
    """Every page, and the lists as people narrow them: common, rare, deep down, searched."""

    def one(sql: str) -> int:
        row = where.ledger.db.run(lambda ledger: ledger.execute(sql.encode()).fetchone())
        assert row
        return int(row["n"])

    middle = one("SELECT max(id) / 2 AS n FROM document")
    failing = one("SELECT max(id) AS n FROM failure")
    return {
        **{
            name: path
            for name, path in pages(where).items()
            if name not in {"nothing-found", "differing", "preview", "price"}
        },
        "what would differ, before it is looked for": "/documents/differing",
        "overview, live part": "/live/overview",
        "documents, half way down": f"/documents?before={middle}",
        "documents, failed": "/documents?state=failed",
        "documents, posted bills of one connection": "/documents?state=posted&kind=bill&connection=2",
        "documents, rare: uncertain": "/documents?state=uncertain",
        "documents, searched by number": "/documents?q=INV-5000",
        "documents, searched by a beginning that many have": "/documents?q=INV-1",
        "documents, searched in vain": "/documents?q=ZZZ-1",
        "document of the filling": f"/documents/{middle}",
        "failure of the filling": f"/failures/{failing}",
        "log, what is unresolved": "/failures/log?state=unresolved",
        "log, one kind of one connection": "/failures/log?kind=bill&connection=2",
        "log, searched": "/failures/log?q=tax+rate+7",
        "log, searched in vain": "/failures/log?q=ZZZ-1",
        "requests, unanswered": "/requests?result=unanswered",
        "journal, people only": "/journal?who=people",
        "journal, far down": f"/journal?before={one('SELECT max(id) / 2 AS n FROM journal')}",
    }


def measure(somebody: Somebody, path: str, rounds: int) -> list[float]:
    """Milliseconds of each load, from the request to the last byte, after two that warm up."""
    times = []
    for _ in range(rounds + 2):
        started = time.perf_counter()
        answer = somebody.get(path)
        times.append((time.perf_counter() - started) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}")
    return sorted(times[2:])


def main() -> None:
    """Fill, measure, and print a table in Markdown; exit code 1 where a page is too slow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scoro-intacct-pages-", ignore_cleanup_errors=True) as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)
        os.chdir(folder)
        run(folder, chosen.documents, chosen.rounds)


def run(folder: Path, documents: int, rounds: int) -> None:
    """Fill the ledger in a folder, unless that was done before, and print how long its pages take."""
    filled = folder / "filled"
    with stand_ins() as both, postgres(folder, None, durable=False) as service:
        migrate(service.url)
        with office(both, service.url, folder) as where:
            if not filled.exists():
                furnish(where)
                started = time.monotonic()
                rows = where.ledger.db.run(lambda ledger: fill(ledger, documents, SERIES))
                with psycopg.connect(service.url, autocommit=True) as admin:
                    admin.execute("VACUUM (ANALYZE)")
                counts = ", ".join(f"{n:,} {table}" for table, n in rows.items())
                print(f"filled in {time.monotonic() - started:.0f} s: {counts}\n")
                filled.touch()
            ann = Somebody(where.url)
            ann.sign_in("ann")
            print("| page | p50 ms | p95 ms | most ms |\n| --- | ---: | ---: | ---: |")
            slow = []
            for name, path in paths(where).items():
                times = measure(ann, path, rounds)
                p95 = times[int(len(times) * 0.95) - 1]
                print(f"| {name} | {statistics.median(times):.0f} | {p95:.0f} | {times[-1]:.0f} |", flush=True)
                slow += [name] if p95 > LIMIT_MS else []
    if slow:
        raise SystemExit(f"p95 above {LIMIT_MS:.0f} ms: {', '.join(slow)}")


if __name__ == "__main__":
    main()
