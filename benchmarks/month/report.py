"""The figures of a run as Markdown."""

from pathlib import Path

from benchmarks.month.arrivals import Plan
from benchmarks.month.figures import Figures, Waits
from schemas.kinds import Purpose

SHOWN = (Purpose.BULK, Purpose.INTERACTIVE, Purpose.PULL, Purpose.LOOK_UP)


def markdown(plan: Plan, result: Figures) -> str:
    """What came out, and a row per day."""
    requests = ", ".join(f"{purpose} {result.by_purpose[purpose]:,}" for purpose in SHOWN)
    lines = [
        f"{plan.connections} connection{'s' * (plan.connections > 1)}, {plan.changes:,} documents,"
        f" {result.limit:,} requests, {plan.first_day:%B %Y} in {plan.time_zone}, seed {plan.seed}:",
        "",
        f"- posted {result.posted:,}, refused {result.refused:,}; answers lost {result.answers_lost},"
        " each resolved by a look-up; nothing lost, nothing twice"
        if not result.faults
        else f"- posted {result.posted:,}, refused {result.refused:,}; NOT HELD: {'; '.join(result.faults)}",
        f"- requests used {result.used:,} ({requests}), left at the end {result.limit - result.used:,}",
        f"- waits of what people wait for: {_waits(result.interactive)}",
        f"- waits of bulk: {_waits(result.bulk)}",
        f"- longest time between two looks at what is new in Intacct: {_span(result.looks_apart_s)}",
        f"- not yet delivered when the month was over: {result.open_at_end:,}",
        "",
        "| day | " + " | ".join(SHOWN) + " | used so far | documents in bulk | wait p50 | wait p99 |",
        "| --- |" + " ---: |" * (len(SHOWN) + 4),
    ]
    for day in result.days:
        counts = " | ".join(str(day.requests.get(purpose, 0)) for purpose in SHOWN)
        bulk = f"{day.bulk.count:,} | {_span(day.bulk.p50_s)} | {_span(day.bulk.p99_s)}" if day.bulk.count else "| | "
        lines.append(f"| {day.day:%a %d} | {counts} | {day.used:,} | {bulk} |")
    return "\n".join(lines) + "\n"


def keep(page: Path, connections: int, text: str) -> None:
    """Put a run's figures between its two marks on a page."""
    begin, end = f"<!-- begin {connections} -->\n", f"<!-- end {connections} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{page} has no place for {connections} connections")
    page.write_text(before + begin + text + end + after, encoding="utf-8")


def _waits(waits: Waits) -> str:
    return f"p50 {_span(waits.p50_s)}, p99 {_span(waits.p99_s)}, longest {_span(waits.max_s)}"


def _span(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
