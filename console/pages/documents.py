"""The list of documents, the story of one, and what people decide about it."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from console import xml
from console.actions import documents as actions
from console.actions import held, previewing, quick
from console.actions.documents import NotDoneError
from console.errors import EXPECTED, sentence
from console.lists import chosen, given_id, query
from console.web import Console, MissingError, Pages, Reading, Visit
from db import backlog, connections, console_documents, reports
from db.connections import Connection
from db.console_documents import Filter
from db.people import Role
from schemas.kinds import DOCUMENT_KINDS, DocumentState, Kind

Row = dict[str, Any]

GOOD = frozenset({"posted", "linked", "answered", "done", "resolved"})
BAD = frozenset({"failed", "refused", "unanswered", "dead letter"})


def router(console: Console, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    readers = Reading(console)
    Looks = Annotated[Visit, Depends(readers.reading())]  # noqa: N806
    Acts = Annotated[Visit, Depends(readers.changing(Role.OPERATOR))]  # noqa: N806

    @routes.get("/documents")
    def listed(visit: Looks) -> Response:
        asked = visit.request.query_params
        wanted = Filter(
            kind=chosen(asked.get("kind"), DOCUMENT_KINDS),
            state=chosen(asked.get("state"), list(DocumentState)),
            connection_id=given_id(asked.get("connection")),
            text=asked.get("q", "").strip()[:100],
        )
        page, names, tally = console.db.run(
            lambda ledger: (
                console_documents.documents(
                    ledger, wanted, before=given_id(asked.get("before")), after=given_id(asked.get("after"))
                ),
                reports.connection_names(ledger),
                backlog.tally(ledger),
            )
        )
        if len(page.rows) == 1 and wanted.text and not asked.get("before") and not asked.get("after"):
            return RedirectResponse(f"/documents/{page.rows[0]['id']}", 303)
        keep = {"kind": wanted.kind, "state": wanted.state, "connection": wanted.connection_id, "q": wanted.text}
        return pages.page(
            visit,
            "documents.html",
            page=page,
            wanted=wanted,
            connections=names,
            kinds=DOCUMENT_KINDS,
            states=list(DocumentState),
            count=None if wanted.text else _count(tally, wanted),
            any_at_all=bool(tally),
            newer=query("/documents", {**keep, "after": page.newer}) if page.newer else None,
            older=query("/documents", {**keep, "before": page.older}) if page.older else None,
        )

    @routes.get("/documents/{kind}/{scoro_id}")
    def by_name(visit: Looks, kind: str, scoro_id: int) -> Response:
        known = chosen(kind, DOCUMENT_KINDS)
        ids = console.db.run(lambda ledger: console_documents.find(ledger, known, scoro_id)) if known else []
        if not ids:
            raise MissingError("This document was never seen: send it, or wait until it changes in Scoro.")
        return RedirectResponse(f"/documents/{ids[0]}", 303)

    @routes.get("/documents/{document_id}")
    def story(visit: Looks, document_id: int) -> Response:
        return show(visit, document_id)

    def show(visit: Visit, document_id: int, status: int = 200, **more: Any) -> Response:
        found = console.db.run(lambda ledger: console_documents.story(ledger, document_id))
        if found is None:
            raise MissingError("There is no such document: search for it by its number.")
        return pages.page(
            visit,
            "document.html",
            status,
            d=found,
            events=events(found),
            versions=versions(found),
            sources=sources(found),
            pretty=xml.pretty,
            is_document=found["kind"] in DOCUMENT_KINDS,
            **{"error": "", "typed": "", "preview": None, **more},
        )

    def connection_of(document_id: int) -> tuple[Connection, Kind, int]:
        found = console.db.run(lambda ledger: console_documents.story(ledger, document_id))
        if found is None:
            raise MissingError("There is no such document: search for it by its number.")
        connection = console.db.run(lambda ledger: connections.load(ledger, console.vault, found["connection_id"]))
        if connection is None:
            raise MissingError("Its connection was removed meanwhile.")
        return connection, Kind(found["kind"]), found["scoro_id"]

    @routes.post("/documents/{document_id}/{decision}")
    def decide(visit: Acts, document_id: int, decision: str) -> Response:
        connection, kind, scoro_id = connection_of(document_id)
        try:
            if decision == "preview":
                made = previewing.preview(console.runtime, connection, kind, scoro_id)
                return show(visit, document_id, preview=made)
            lines = decided(console, visit, connection, kind, scoro_id, decision)
        except EXPECTED as error:
            typed = visit.form.get("recordno", "")
            return show(visit, document_id, 422, error=sentence(error), typed=typed)
        return pages.done(visit, f"/documents/{document_id}", "\n".join(lines))

    return routes


def decided(  # noqa: PLR0917 - what is decided about which document, as it was found
    console: Console, visit: Visit, connection: Connection, kind: Kind, scoro_id: int, decision: str
) -> list[str]:
    """Do what somebody chose for a document; returns what to say."""
    runtime, form, actor, user = console.runtime, visit.form, visit.actor, visit.session.name
    match decision:
        case "send":
            quick.send(console.db, connection, kind, scoro_id, user=user, actor=actor)
            return [f"{kind.noun.capitalize()} {scoro_id} is read again from Scoro now, and sent if it differs."]
        case "fetch":
            quick.fetch(console.db, connection, kind, scoro_id, user=user, actor=actor)
            return [f"What Intacct has of {kind.noun} {scoro_id} is read now."]
        case "link":
            record_no, reason = form.get("recordno", "").strip(), form.get("anyway", "").strip()
            if not record_no.isdecimal():
                raise NotDoneError("RECORDNO is a number, the key of the record in Intacct: type that.")
            return actions.link(runtime, connection, kind, scoro_id, record_no, actor=actor, anyway=reason or None)
        case "unlink":
            return actions.unlink(runtime, connection, kind, scoro_id, actor=actor)
        case "ignore":
            return actions.ignore(runtime, connection, kind, scoro_id, actor=actor)
        case "keep-theirs":
            return held.keep(runtime, connection, kind, scoro_id, "theirs", actor=actor)
        case "keep-ours":
            return held.keep(runtime, connection, kind, scoro_id, "ours", actor=actor)
        case "next-open":
            return held.next_open(runtime, connection, kind, scoro_id, actor=actor)
        case _:
            raise MissingError("There is no such decision.")


def _count(tally: list[Row], wanted: Filter) -> int:
    return sum(
        row["count"]
        for row in tally
        if row["kind"] in DOCUMENT_KINDS
        and wanted.kind in (None, row["kind"])
        and wanted.state in (None, row["state"])
        and wanted.connection_id in (None, row["connection_id"])
    )


# ------------------------------------------------------------------------------------------------- the story of one


def events(found: Mapping[str, Any]) -> list[Row]:
    """Everything that happened, newest first: journal, requests, answers, notes, failures, people."""
    told = [
        {
            "at": row["at"],
            "what": f"{row['subject'].capitalize()} {row['to'].replace('_', ' ')}",
            "detail": row["detail"],
            "actor": row["actor"],
            "tone": "person" if ":" in row["actor"] else _tone(row["to"]),
        }
        for row in found["written"]
    ]
    for change in found["changes"]:
        hints = f", {change['hints']} times" if change["hints"] > 1 else ""
        what = f"Captured by {change['origin']}{hints}"
        told.append(_event(change["captured_at"], what, "", change["actor"], "person" if change["interactive"] else ""))
    for operation in found["operations"]:
        for request in operation["requests"]:
            detail = " ".join(part for part in (request["outcome"], request["detail"], request["reason"]) if part)
            what = f"Request {request['id']} ({request['purpose'].replace('_', ' ')}) {request['state']}"
            at = request["ended_at"] or request["left_at"] or request["charged_at"]
            told.append({**_event(at, what, detail, "", _tone(request["state"])), "request": request["id"]})
    told += [_event(row["at"], "Note", row["text"], "", "") for row in found["notes"]]
    told += [
        {**_event(row["at"], "Failure", f"{row['cause']} {row['fix']}", "", "bad"), "failure": row["id"]}
        for row in found["failures"]
    ]
    return sorted(told, key=lambda event: event["at"], reverse=True)


def _event(at: object, what: str, detail: str, actor: str, tone: str) -> Row:
    return {"at": at, "what": what, "detail": detail, "actor": actor, "tone": tone}


def _tone(state: str) -> str:
    return "good" if state in GOOD else "bad" if state in BAD else ""


def versions(found: Mapping[str, Any]) -> list[Row]:
    """Every operation's XML, the newest first, with what it changes.

    It is compared with what Intacct holds where it has not been posted, else with the operation before it.
    """
    texts = [xml.of_function(row["controlid"], row["function"]) for row in found["operations"]]
    held = xml.of_function("", found["held"])
    rows = []
    for place, (operation, text) in enumerate(zip(found["operations"], texts, strict=True)):
        before = texts[place + 1] if place + 1 < len(texts) else ""
        against, base = "the version before it", before
        if operation["state"] != "posted" and held:
            against, base = "what Intacct holds", held
        difference = xml.compare(_comparable(base), _comparable(text)) if base else []
        rows.append({**operation, "xml": text, "against": against if base else "", "difference": difference})
    return rows


def _comparable(text: str) -> str:
    """XML without the control id, which is another one for every operation."""
    head, _, rest = text.partition("\n")
    return f"<function>\n{rest}" if head.startswith("<function ") else text


def sources(found: Mapping[str, Any]) -> list[Row]:
    """Every revision as Scoro gave it, the newest first, with what changed in it."""
    texts = [xml.source_text(row["source"]) for row in found["revisions"]]
    return [
        {
            "number": row["number"],
            "read_at": row["read_at"],
            "text": text,
            "difference": xml.compare(texts[place + 1], text) if place + 1 < len(texts) else [],
        }
        for place, (row, text) in enumerate(zip(found["revisions"], texts, strict=True))
    ]
