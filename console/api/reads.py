"""The addresses of the JSON API that read."""

from typing import Annotated, Any

from fastapi import FastAPI, Query

from console.actions import differing
from console.api.models import (
    ActionAddress,
    ConnectionRow,
    Differing,
    DifferingPage,
    Document,
    DocumentPage,
    Failure,
    FailurePage,
    JournalEntry,
    JournalPage,
    Overview,
    Quota,
    Replay,
    RequestPage,
    RequestRow,
    Service,
    Setting,
    Stage,
)
from console.api.parameters import Cursor, Id, OfConnection, Size
from console.web import Console, MissingError
from db import (
    action_addresses,
    backlog,
    console_documents,
    console_failures,
    console_requests,
    replays,
    reports,
)
from db.console_documents import Filter
from db.console_requests import RESULTS
from schemas.errors import ErrorClass
from schemas.kinds import DOCUMENT_KINDS, DocumentState, Kind, Purpose
from schemas.settings import describe


def reads(app: FastAPI, console: Console, Looks: Any) -> None:  # noqa: N803
    """Add the addresses that read."""

    @app.get("/overview")
    def overview(_: Looks) -> Overview:
        """Services, backlog, documents by state, what failed, and the month's requests."""
        rows, tally, failures, money, quota = console.db.run(
            lambda ledger: (
                backlog.backlog(ledger),
                backlog.tally(ledger),
                backlog.unresolved(ledger),
                backlog.unresolved_money(ledger),
                reports.quota(ledger),
            )
        )
        states: dict[str, int] = {}
        for row in tally:
            if row["kind"] in DOCUMENT_KINDS:
                states[row["state"]] = states.get(row["state"], 0) + row["count"]
        watch, mail = console.watch, console.watch.mail
        return Overview(
            ledger=Service(ok=watch.ledger.ok, text=watch.ledger.text),
            broker=Service(ok=watch.broker.ok, text=watch.broker.text),
            mail=Service(ok=mail.ok, text=mail.text) if mail else None,
            backlog=[Stage.model_validate(row) for row in rows],
            documents=states,
            failing_documents=sum(row["documents"] for row in failures),
            money_held_up=money,
            quota=[Quota.model_validate(row) for row in quota],
        )

    @app.get("/documents")
    def documents(
        _: Looks,
        *,
        kind: Kind | None = None,
        state: DocumentState | None = None,
        connection: OfConnection = None,
        q: Annotated[str, Query(max_length=100, description="A number as it begins, a Scoro id, a record.")] = "",
        before: Cursor = None,
        size: Size = 50,
    ) -> DocumentPage:
        """Documents, the newest first."""
        wanted = Filter(kind=kind, state=state, connection_id=connection, text=q)
        page = console.db.run(lambda ledger: console_documents.documents(ledger, wanted, before=before, size=size))
        return DocumentPage(rows=[Document.model_validate(row) for row in page.rows], next=page.older)

    @app.get("/documents/{kind}/{scoro_id}")
    def document(_: Looks, kind: Kind, scoro_id: Id, connection: OfConnection = None) -> dict[str, Any]:
        """One document with everything that happened to it."""

        def read(ledger: Any) -> dict[str, Any] | None:
            ids = console_documents.find(ledger, kind, scoro_id, connection)
            return console_documents.story(ledger, ids[0]) if ids else None

        found = console.db.run(read)
        if found is None:
            raise MissingError(f"{kind.value} {scoro_id} was never seen.")
        return found

    @app.get("/failures")
    def failures(
        _: Looks,
        *,
        state: Annotated[str | None, Query(pattern="^(open|waiting|resolved|discarded)$")] = None,
        error_class: Annotated[ErrorClass | None, Query(alias="class")] = None,
        kind: Kind | None = None,
        connection: OfConnection = None,
        before: Cursor = None,
        size: Size = 50,
    ) -> FailurePage:
        """Failures that are not resolved, or those of one state; the newest first."""
        page = console.db.run(
            lambda ledger: console_failures.cards(
                ledger,
                states=[state] if state else console_failures.UNRESOLVED,
                error_class=error_class,
                kind=kind,
                connection_id=connection,
                before=before,
                size=size,
            )
        )
        return FailurePage(rows=[Failure.model_validate(row) for row in page.rows], next=page.older)

    @app.get("/failures/{failure_id}")
    def failure(_: Looks, failure_id: Id) -> dict[str, Any]:
        """One failure with the documents that it holds up."""
        found = console.db.run(lambda ledger: console_failures.failure(ledger, failure_id))
        if found is None:
            raise MissingError(f"There is no failure {failure_id}.")
        return found

    @app.get("/replays")
    def listed_replays(_: Looks) -> list[Replay]:
        """The newest 50 replays, with how far they are."""
        return [Replay.model_validate(row) for row in console.db.run(replays.listed)]

    @app.get("/requests")
    def requests(
        _: Looks,
        *,
        purpose: Purpose | None = None,
        result: Annotated[str | None, Query(pattern=f"^({'|'.join(RESULTS)})$")] = None,
        connection: OfConnection = None,
        before: Cursor = None,
        size: Size = 50,
    ) -> RequestPage:
        """Requests to Intacct, the newest first."""
        page = console.db.run(
            lambda ledger: console_requests.requests(
                ledger, purpose=purpose, result=result, connection_id=connection, before=before, size=size
            )
        )
        return RequestPage(rows=[RequestRow.model_validate(row) for row in page.rows], next=page.older)

    @app.get("/quota")
    def quota(_: Looks) -> list[Quota]:
        """The month of every site."""
        return [Quota.model_validate(row) for row in console.db.run(reports.quota)]

    @app.get("/journal")
    def journal(
        _: Looks,
        *,
        people_only: bool = False,
        subject: Annotated[str | None, Query(max_length=30)] = None,
        subject_id: Annotated[str | None, Query(max_length=60)] = None,
        before: Cursor = None,
        size: Size = 50,
    ) -> JournalPage:
        """Every change of state and what people did, the newest first."""
        page = console.db.run(
            lambda ledger: console_requests.journal(
                ledger, people_only=people_only, subject=subject, subject_id=subject_id, before=before, size=size
            )
        )
        return JournalPage(rows=[JournalEntry.model_validate(row) for row in page.rows], next=page.older)

    @app.get("/connections")
    def listed(_: Looks) -> list[ConnectionRow]:
        """Every connection."""
        return [ConnectionRow.model_validate(row) for row in console.db.run(reports.connections)]

    @app.get("/connections/{connection_id}/settings")
    def settings_of(_: Looks, connection_id: Id) -> list[Setting]:
        """Every setting of a connection."""
        return [Setting.model_validate(row) for row in describe(console.connection(connection_id).settings)]

    @app.get("/connections/{connection_id}/differing")
    def differs(_: Looks, connection_id: Id, before: Cursor = None) -> DifferingPage:
        """Of the next hundred documents those that would come out differently today, unchanged as they are in Scoro."""
        look = next(differing.looks(console.db, console.connection(connection_id), before), None)
        if look is None:
            return DifferingPage(looked_at=0, rows=[], next=None)
        rows = [Differing.model_validate(row) for row in look.found]
        return DifferingPage(looked_at=look.looked_at, rows=rows, next=look.before)

    @app.get("/actions")
    def addresses(_: Looks, connection: OfConnection = None) -> list[ActionAddress]:
        """Addresses of quick actions, without what is secret about them."""
        rows = console.db.run(lambda ledger: action_addresses.every(ledger, connection))
        return [ActionAddress.model_validate(row) for row in rows]
