"""The log of single failures: filtered, searched, and as CSV for spreadsheets."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import IO, Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse

from console.lists import chosen, given_id, query
from console.spreadsheet import write_csv
from console.web import Console, Pages, Reading, Visit, reader_of
from db import failure_log, reports
from db.database import Ledger
from db.failure_log import Filter
from schemas.errors import ErrorClass
from schemas.kinds import DOCUMENT_KINDS

PAGE = 50
CHUNK = 64 * 1024
IN_MEMORY = 1024 * 1024
"""Bytes of CSV kept in memory; years of it go through a file."""

STATES = {"unresolved": True, "settled": False}


def router(console: Console, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    readers = Reading(console)
    Looks = Annotated[Visit, Depends(readers.reading())]  # noqa: N806

    @routes.get("/failures/log")
    def listed(visit: Looks) -> Response:
        asked, wanted = visit.request.query_params, filter_of(visit)
        rows, names = console.db.run(
            lambda ledger: (
                list(failure_log.lines(ledger, replace(wanted, before=given_id(asked.get("before"))), PAGE + 1)),
                reports.connection_names(ledger),
            )
        )
        keep = {name: asked.get(name) for name in ("state", "kind", "class", "connection", "since", "until", "q")}
        return pages.page(
            visit,
            "failure_log.html",
            rows=rows[:PAGE],
            asked={name: text or "" for name, text in keep.items()},
            filtered=any(keep.values()),
            connections=names,
            kinds=DOCUMENT_KINDS,
            classes=list(ErrorClass),
            states=list(STATES),
            csv=query("/failures/log.csv", keep),
            first=query("/failures/log", keep) if asked.get("before") else None,
            older=query("/failures/log", {**keep, "before": rows[PAGE - 1]["id"]}) if len(rows) > PAGE else None,
        )

    @routes.get("/failures/log.csv")
    def as_csv(visit: Looks) -> Response:
        wanted = filter_of(visit)
        kept = tempfile.SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8", newline="")  # noqa: SIM115 (sent later)

        def write(ledger: Ledger) -> None:
            kept.seek(0)
            kept.truncate()
            write_csv(kept, failure_log.COLUMNS, failure_log.lines(ledger, wanted))

        console.db.run(write)
        kept.seek(0)
        headers = {"Content-Disposition": 'attachment; filename="failures.csv"'}
        return StreamingResponse(_chunks(kept), media_type="text/csv; charset=utf-8", headers=headers)

    return routes


def filter_of(visit: Visit) -> Filter:
    """What somebody wants to see; days are those of the reader."""
    asked, zone = visit.request.query_params, reader_of(visit.request).zone or UTC

    def day(name: str, later: timedelta) -> datetime | None:
        try:
            return datetime.combine(date.fromisoformat(asked.get(name, "")) + later, time(), zone)
        except (ValueError, OverflowError):
            return None

    return Filter(
        connection_id=given_id(asked.get("connection")),
        kind=chosen(asked.get("kind"), DOCUMENT_KINDS),
        error_class=chosen(asked.get("class"), list(ErrorClass)),
        since=day("since", timedelta()),
        until=day("until", timedelta(days=1)),
        unresolved=STATES.get(asked.get("state", "")),
        search=asked.get("q", "").strip()[:100] or None,
    )


def _chunks(file: IO[str]) -> Iterator[str]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
