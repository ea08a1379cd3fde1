"""The overview: one screen that tells whether the books agree, what waits, what failed and what it costs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Response
from markupsafe import Markup

from console.chart import Line, chart
from console.reader import Reader
from console.web import Console, Pages, Reading, Visit, reader_of
from db import backlog, pulse, reports
from db.database import Ledger, one
from db.forecast import Forecast, forecast
from schemas.kinds import DOCUMENT_KINDS

Row = dict[str, Any]

HOURS = 24
STEP_MINUTES = 10
RECENT_S = 300.0
SLOW_S = 10.0
"""Charts and forecasts move by the minute: so long those that were read are shown again."""

GOOD = ("posted", "linked", "skipped", "ignored", "deleted")
"""States in which nothing is to be done; of the others some wait and some need somebody."""

STAGE_GROUPS = {
    "Waiting to be read": ("captured", "reading"),
    "Ready to send": ("ready",),
    "Under way": ("sending",),
    "In doubt, looked up": ("uncertain",),
    "Waiting for requests": ("waiting_quota",),
    "Waiting for another record": ("waiting_prerequisite",),
    "Waiting for a person": ("waiting_person",),
    "Failures to sort": ("dead_letter",),
    "Bells to ring": ("bell",),
}


def router(console: Console, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    readers = Reading(console)
    Reader_ = Annotated[Visit, Depends(readers.reading())]  # noqa: N806

    @routes.get("/")
    def overview(visit: Reader_) -> Response:
        return pages.page(visit, "overview.html", **facts(console, reader_of(visit.request)))

    @routes.get("/live/overview")
    def live(visit: Reader_) -> Response:
        return pages.part(visit, "_overview.html", **facts(console, reader_of(visit.request)))

    return routes


def facts(console: Console, reader: Reader) -> Row:
    """All that the overview shows, in one snapshot."""
    console.watch.opened()
    found = console.db.run(_read)
    found |= console.memory.get("slow", SLOW_S, lambda: console.db.run(_read_slow))
    return {
        **found,
        "stages": _stages(found["backlog"]),
        "totals": _totals(found["tally"]),
        "services": services(console, found),
        "depths": [depth for depth in console.watch.depths if depth.messages or depth.state == "ready"],
        "charts": _charts(reader, found),
    }


def _read(ledger: Ledger) -> Row:
    return {
        "now": one(ledger, "SELECT ledger_now() AS at")["at"],
        "backlog": backlog.backlog(ledger),
        "tally": backlog.tally(ledger),
        "parties": backlog.parties(ledger),
        "processes": backlog.processes(ledger),
        "failures": backlog.unresolved(ledger),
        "money": backlog.unresolved_money(ledger),
        "posted": backlog.posted_since(ledger, RECENT_S),
        "lag": backlog.lag(ledger, RECENT_S),
        "quota": reports.quota(ledger),
    }


def _read_slow(ledger: Ledger) -> Row:
    sites = reports.sites(ledger)
    return {
        "sites": sites,
        "forecasts": {site["name"]: forecast(ledger, site["id"]) for site in sites},
        "by_day": backlog.quota_by_day(ledger),
        "pulse": pulse.read(ledger, SERIES, HOURS, STEP_MINUTES),
    }


SERIES = [
    *("posted", "lag.p50", "lag.p95", "broker.ready", "broker.delayed", "broker.dead"),
    *("backlog.moving", "backlog.held"),
]


def _stages(rows: Sequence[Row]) -> list[Row]:
    """The backlog by groups of stages that people tell apart; those where nothing lies too."""
    found = []
    for label, stages in STAGE_GROUPS.items():
        mine = [row for row in rows if row["stage"] in stages]
        found.append(
            {
                "label": label,
                "count": sum(row["count"] for row in mine),
                "oldest_s": max((row["oldest_s"] for row in mine), default=None),
                "stages": stages,
            }
        )
    return found


def _totals(rows: Sequence[Row]) -> dict[str, int]:
    """Documents by state."""
    totals: dict[str, int] = defaultdict(int)
    for row in rows:
        if row["kind"] in DOCUMENT_KINDS:
            totals[row["state"]] += row["count"]
    return dict(totals)


def services(console: Console, found: Mapping[str, Any]) -> list[Row]:
    """The health of every party, as people name them: `ok` is True, False, or None for what is only told."""
    watch = console.watch
    rows: list[Row] = [
        {"name": "PostgreSQL", "ok": watch.ledger.ok, "text": watch.ledger.text},
        {"name": console.broker_label, "ok": watch.broker.ok, "text": watch.broker.text},
    ]
    mail = watch.mail
    rows.append(
        {"name": "Mail", "ok": mail.ok, "text": mail.text}
        if mail is not None
        else {"name": "Mail", "ok": None, "text": "SMTP_URL is not set"}
    )
    rows += _processes(found["processes"])
    for party in found["parties"]:
        rows += _far_sides(party)
    return rows


def _processes(running: Mapping[str, int]) -> list[Row]:
    whole = running.get("up", 0) + running.get("demo", 0)
    rows = []
    for kind, name in (("work", "Workers"), ("schedule", "Scheduler")):
        n = running.get(kind, 0) + whole
        text = "running" if n == 1 else f"{n} running" if n else f"none is running: start `scoro-intacct {kind}`"
        rows.append({"name": name, "ok": n > 0, "text": text})
    return rows


def _far_sides(party: Row) -> list[Row]:
    scoro = {"name": f"Scoro, {party['site']}", "ok": True, "text": "", "last": party["last_webhook_at"]}
    scoro["text"] = "last webhook" if party["last_webhook_at"] else "no webhook yet"
    if party["scoro_held_until"]:
        scoro |= {"ok": False, "text": "asked to wait until", "last": party["scoro_held_until"]}
    where = f"{party['company']}/{party['entity']}" if party["entity"] else party["company"]
    intacct = {"name": f"Intacct, {where}", "ok": True, "text": "last request", "last": party["last_request_at"]}
    if party["last_request_at"] is None:
        intacct |= {"text": "no request yet"}
    if party["last_request_state"] == "unanswered":
        intacct |= {"ok": False, "text": "did not answer the last request"}
    if party["intacct_throttled_until"]:
        intacct |= {"ok": False, "text": "asked to wait until", "last": party["intacct_throttled_until"]}
    if party["state"] == "broken":
        intacct |= {"ok": False, "text": f"does not let us in: {party['reason']}", "last": None}
    if party["state"] in {"paused", "rehearsal"}:
        doing = "paused" if party["state"] == "paused" else "in rehearsal"
        intacct |= {"ok": None, "text": f"nothing is sent, the connection is {doing}"}
    return [scoro, intacct]


# ------------------------------------------------------------------------------------------------- charts


def _charts(reader: Reader, found: Mapping[str, Any]) -> dict[str, Any]:
    end: datetime = found["now"]
    start = end - timedelta(hours=HOURS)
    series = found["pulse"]

    def draw(title: str, *lines: Line, unit: str = "") -> Markup:
        return chart(reader, f"{title}, last {HOURS} hours", lines, start, end, unit=unit)

    return {
        "backlog": draw(
            "Backlog",
            Line("on its way", "blue", series["backlog.moving"]),
            Line("held up", "orange", series["backlog.held"]),
        ),
        "posted": draw("Posted per minute", Line("posted per minute", "green", series["posted"])),
        "lag": draw(
            "From Scoro to Intacct",
            Line("half within", "blue", series["lag.p50"]),
            Line("95 % within", "purple", series["lag.p95"]),
            unit=" s",
        ),
        "broker": draw(
            "Messages in the broker",
            Line("ready", "blue", series["broker.ready"]),
            Line("delayed", "orange", series["broker.delayed"]),
            Line("dead", "red", series["broker.dead"]),
        ),
        "quota": {
            site["name"]: _burn_down(reader, site, found["forecasts"][site["name"]], found["by_day"], end)
            for site in found["sites"]
        },
    }


def _burn_down(reader: Reader, site: Row, month: Forecast, by_day: Sequence[Row], now: datetime) -> Markup:
    """What is left of a site's month, day by day, and where it is going."""
    ends_at = month.resumes_at.astimezone(ZoneInfo(site["time_zone"]))
    begins_at = (ends_at - timedelta(days=1)).replace(day=1)
    left = float(month.limit)
    points = [(begins_at, left)]
    for row in by_day:
        if row["site_id"] == site["id"]:
            left -= row["used"]
            points.append((begins_at + timedelta(days=row["day"].day), max(left, 0.0)))
    points = [point for point in points if point[0] < now] + [(now, float(month.left))]
    burn = sum(month.burn.values())
    if month.runs_out_at is not None:
        then = (month.runs_out_at, 0.0)
    else:
        then = (ends_at, max(0.0, month.left - burn * (ends_at - now).total_seconds() / 86_400))
    lines = [Line("left", "blue", points), Line("forecast", "orange", [(now, float(month.left)), then], dashed=True)]
    return chart(reader, f"Requests left this month, {site['name']}", lines, begins_at, ends_at, days=True)
