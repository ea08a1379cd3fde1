"""What came of the faults: a table of kinds, and one line that says it all."""

import statistics
from collections import Counter
from dataclasses import dataclass, field

VERDICTS = ("lost", "doubled", "different", "other")


@dataclass
class Row:
    """What came of one kind of fault. `unstruck`: how often its moment did not come."""

    runs: int = 0
    unstruck: int = 0
    found: Counter[str] = field(default_factory=Counter)
    recovered_s: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be. `verdict` is one of VERDICTS."""

    verdict: str
    what: str
    faults: tuple[str, ...]
    chapter: int


@dataclass
class Report:
    """The whole run."""

    seed: int
    rows: dict[str, Row]
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """Sums over the chapters: invoices, actions, requests, in doubt, ..."""
    stops_s: list[float] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def row(self, name: str) -> Row:
        """The row of a kind."""
        return self.rows[name]

    @property
    def struck(self) -> int:
        """How many faults struck."""
        return sum(row.runs for row in self.rows.values())

    def table(self) -> str:
        """All kinds, as a table in Markdown."""
        head = ("step", "runs", "lost", "doubled", "different", "recovered p50 s", "max s")
        lines = [head, tuple("---" for _ in head)]
        for name, row in self.rows.items():
            if not row.runs + row.unstruck:
                continue
            times = sorted(row.recovered_s)
            spread = (f"{statistics.median(times):.1f}", f"{times[-1]:.1f}") if times else ("", "")
            counts = (row.runs, row.found["lost"], row.found["doubled"], row.found["different"])
            lines.append((name, *(str(n) for n in counts), *spread))
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        return "\n".join(
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
            for line in lines
        )

    def summary(self) -> str:
        """The run in a few lines."""
        found = Counter(finding.verdict for finding in self.findings)
        times = sorted(seconds for row in self.rows.values() for seconds in row.recovered_s)
        struck_kinds = sum(row.runs > 0 for row in self.rows.values())
        unstruck = sum(row.unstruck for row in self.rows.values())
        count = self.counts
        ends = ", ".join(f"{end} {count}" for end, count in sorted(self.ends.items()))
        lines = [
            f"{self.struck} faults of {struck_kinds} kinds, seed {self.seed}, in {self.seconds / 60:.1f} min: "
            + ", ".join(f"{found[verdict]} {verdict}" for verdict in VERDICTS),
            f"{count['invoices']} invoices, {count['actions']} creates and edits, {count['requests']} requests",
            f"{count['unanswered']} requests without an answer, {count['doubted']} operations in doubt, "
            f"{count['resolved']} of them resolved (moves out of doubt: {count['found']} found by look-up, "
            f"{count['absent']} absent and sent again, {count['late answer']} by a late answer)",
        ]
        lines += [
            f"{count['receipts']} receipts and {count['bills']} bills in Scoro, by {count['writes']} writes, "
            f"{count['writes_doubted']} of them in doubt, {count['writes_resolved']} of these resolved; "
            f"{count['mails']} mails"
        ]
        if times:
            lines.append(f"recovered in {statistics.median(times):.1f} s (median), {times[-1]:.1f} s (longest)")
        if self.stops_s:
            lines.append(f"{len(self.stops_s)} processes ended after SIGTERM, the slowest in {max(self.stops_s):.1f} s")
        lines.append(f"{unstruck} faults whose moment did not come; processes by exit code: {ends or 'none ended'}")
        return "\n".join(lines)
