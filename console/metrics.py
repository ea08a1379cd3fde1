"""What every process tells Prometheus of the ledger and the broker, read when it asks, at most every few seconds.

Each process tells the same, as all share one ledger: dashboards take the largest, not the sum. What a process alone
knows, how long webhooks took and documents were on their way, it counts itself (`producers.webhooks`,
`workers.delivery.lag`).
"""

import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from db import backlog, reports
from db.console_requests import RESULTS
from db.database import LEDGER_LOST, Database, Ledger
from schemas.errors import ErrorClass
from schemas.kinds import DOCUMENT_KINDS, DocumentState, Purpose
from workers.broker_depth import BrokerSilentError, Measure

log = structlog.get_logger(__name__)

FRESH_S = 5.0
"""Figures younger than this are told again."""

PREFIX = "scoro_intacct_"
Labels = tuple[str, ...]
CONNECTION_STATES = ("rehearsal", "active", "paused", "broken")


class LedgerCollector(Collector):
    """Reads all figures in one snapshot; while the ledger or the broker is silent it says so and leaves theirs out."""

    def __init__(self, db: Database, measure: Measure, data_dir: Path) -> None:
        self._db = db
        self._measure = measure
        self._data_dir = data_dir
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._metrics: list[Metric] = []

    def describe(self) -> Iterable[Metric]:
        """Nothing: the names are known when the figures are read, and a registry asks for none before."""
        return []

    def collect(self) -> Iterable[Metric]:
        """All figures."""
        with self._lock:
            if time.monotonic() - self._read_at > FRESH_S:
                self._metrics = [*self._of_ledger(), *self._of_broker(), *self._of_disk()]
                self._read_at = time.monotonic()
            return list(self._metrics)

    def _of_ledger(self) -> Iterator[Metric]:
        try:
            found = self._db.run(_read)
        except LEDGER_LOST as error:
            log.warning("metrics.ledger_lost", error=str(error).strip())
            yield _gauge("ledger_up", "Whether the ledger answers.", [], {(): 0})
            return
        yield _gauge("ledger_up", "Whether the ledger answers.", [], {(): 1})
        yield from _work(found)
        yield from _requests(found)
        yield from _far_sides(found)

    def _of_broker(self) -> Iterator[Metric]:
        try:
            depths = self._measure()
        except BrokerSilentError:
            yield _gauge("broker_up", "Whether the broker answers.", [], {(): 0})
            return
        yield _gauge("broker_up", "Whether the broker answers.", [], {(): 1})
        yield _gauge(
            "broker_messages",
            "Messages by queue: ready in it, delayed in its .DQ, dead in its .XQ.",
            ["queue", "state"],
            {(depth.queue, depth.state): depth.messages for depth in depths},
        )
        yield _gauge(
            "broker_consumers",
            "Consumers by queue.",
            ["queue"],
            {(depth.queue,): depth.consumers for depth in depths if depth.state == "ready"},
        )

    def _of_disk(self) -> Iterator[Metric]:
        try:
            usage = shutil.disk_usage(self._data_dir)
        except OSError:
            return
        yield _gauge("disk_free_bytes", "Free where this process keeps its files.", [], {(): usage.free})
        yield _gauge("disk_size_bytes", "All of that disk.", [], {(): usage.total})


def _read(ledger: Ledger) -> dict[str, Any]:
    return {
        "backlog": backlog.backlog(ledger),
        "tally": backlog.tally(ledger),
        "failures": backlog.unresolved(ledger),
        "requests": backlog.requests_by_result(ledger),
        "quota": reports.quota(ledger),
        "parties": backlog.parties(ledger),
        "processes": backlog.processes(ledger),
    }


def _work(found: Mapping[str, Any]) -> Iterator[Metric]:
    names = [party["name"] for party in found["parties"]]
    depth: dict[Labels, float] = {(stage, name): 0.0 for stage in backlog.STAGES if stage != "bell" for name in names}
    oldest: dict[Labels, float] = {(stage,): 0.0 for stage in backlog.STAGES}
    for row in found["backlog"]:
        depth[row["stage"], row["connection"]] = row["count"]
        oldest[row["stage"],] = max(oldest[row["stage"],], row["oldest_s"])
    depth.setdefault(("bell", ""), 0.0)
    yield _gauge("backlog", "Work that is not done, by stage.", ["stage", "connection"], depth)
    yield _gauge("oldest_seconds", "Age of the oldest work of a stage.", ["stage"], oldest)
    states: dict[Labels, float] = {(state.value,): 0.0 for state in DocumentState}
    for row in found["tally"]:
        if row["kind"] in DOCUMENT_KINDS:
            states[row["state"],] = states.get((row["state"],), 0) + row["count"]
    yield _gauge("documents", "Documents by state.", ["state"], states)
    causes: dict[Labels, float] = {(name.value,): 0.0 for name in ErrorClass}
    held = causes.copy()
    for row in found["failures"]:
        causes[row["class"],], held[row["class"],] = row["count"], row["documents"]
    yield _gauge("failures", "Causes that are not resolved, by class.", ["class"], causes)
    yield _gauge("failing_documents", "Documents that they hold up.", ["class"], held)


def _requests(found: Mapping[str, Any]) -> Iterator[Metric]:
    counts = {(purpose.value, result): 0.0 for purpose in Purpose for result in RESULTS}
    for row in found["requests"]:
        counts[row["purpose"], row["result"]] = row["count"]
    counter = CounterMetricFamily(
        f"{PREFIX}requests", "Requests to Intacct by purpose and result.", labels=["purpose", "result"]
    )
    for labels, count in counts.items():
        counter.add_metric(list(labels), count)
    yield counter
    for name, meaning, key in (
        ("quota_used", "Requests of the site's month that are used.", "used"),
        ("quota_limit", "Requests of the site's month.", "limit"),
        ("quota_unconfirmed", "Used requests that nobody answered.", "unconfirmed"),
    ):
        yield _gauge(name, meaning, ["site"], {(row["site"],): row[key] for row in found["quota"]})


def _far_sides(found: Mapping[str, Any]) -> Iterator[Metric]:
    yield _gauge(
        "connection_state",
        "1 for the state that a connection is in.",
        ["connection", "state"],
        {(p["name"], state): float(p["state"] == state) for p in found["parties"] for state in CONNECTION_STATES},
    )
    ages: dict[Labels, float] = {}
    for party in found["parties"]:
        ages[party["site"],] = min(ages.get((party["site"],), float("inf")), party["webhook_age_s"])
    yield _gauge(
        "webhook_age_seconds", "Since the last webhook of a site, else since it was connected.", ["site"], ages
    )
    yield _gauge(
        "processes",
        "Processes that are connected to the ledger, by kind.",
        ["kind"],
        {(kind,): n for kind, n in found["processes"].items()},
    )


def _gauge(name: str, meaning: str, labels: list[str], values: Mapping[Labels, float]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"{PREFIX}{name}", meaning, labels=labels)
    for given, value in values.items():
        gauge.add_metric(list(given), value)
    return gauge
