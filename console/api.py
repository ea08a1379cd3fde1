"""The JSON API: the same reads and actions as the pages, for programs with a token; described by OpenAPI.

Money is decimal strings, instants are ISO 8601 in UTC. Lists come in pages: `next` is the cursor of the next one, null
at the end. What is refused is answered with one sentence: `{"error": "..."}`.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from console.actions import connecting, going_live, quick, settings, syncing
from console.actions import failures as failing
from console.api_models import (
    ConnectionRow,
    Document,
    DocumentPage,
    Done,
    Failure,
    FailurePage,
    JournalEntry,
    JournalPage,
    Overview,
    Problem,
    Quota,
    ReplayAnswer,
    ReplayWanted,
    RequestPage,
    RequestRow,
    Service,
    Setting,
    Stage,
    Words,
)
from console.errors import EXPECTED, sentence
from console.web import Console, ForbiddenError, MissingError, NotSignedInError, PageError
from db import backlog, connections, console_documents, console_failures, console_requests, people, reports
from db.connections import Connection
from db.console_documents import Filter
from db.console_requests import RESULTS
from db.database import LEDGER_LOST, acting_as
from db.people import Role
from schemas.errors import ErrorClass
from schemas.kinds import DOCUMENT_KINDS, DocumentState, Kind, Purpose
from schemas.settings import describe

Id = Annotated[int, Path(ge=1, le=2**62)]
Cursor = Annotated[int | None, Query(ge=1, le=2**62, description="`next` of the page before.")]
Size = Annotated[int, Query(ge=1, le=200, description="Rows of a page.")]
OfConnection = Annotated[int | None, Query(ge=1, le=2**62, description="Only of the connection with this id.")]


class Holder(BaseModel):
    """Whose token it is."""

    name: str
    role: Role

    @property
    def actor(self) -> str:
        """How the journal names the program."""
        return f"api:{self.name}"


def api_app(console: Console) -> FastAPI:
    """Make the application; it is mounted below the pages."""
    app = FastAPI(
        title="scoro-intacct",
        version=console.version or "0",
        description=__doc__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses={status: {"model": Problem} for status in (401, 403, 404, 422, 503)},
    )
    bearer = HTTPBearer(auto_error=False, description="A token of the page People.")

    def holder(needed: Role) -> Callable[..., Holder]:
        def depend(request: Request, _: Annotated[Any, Depends(bearer)]) -> Holder:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            found = None
            if scheme.lower() == "bearer" and token:
                found = console.db.run(lambda ledger: people.token_holder(ledger, token.strip()))
            if found is None:
                raise NotSignedInError("Send a token that works: Authorization: Bearer TOKEN. Admins make them.")
            if not found[1].allows(needed):
                raise ForbiddenError(f"This takes the role {needed}, and the token's is {found[1]}: use another one.")
            return Holder(name=found[0], role=found[1])

        return depend

    Looks = Annotated[Holder, Depends(holder(Role.VIEWER))]  # noqa: N806
    Acts = Annotated[Holder, Depends(holder(Role.OPERATOR))]  # noqa: N806
    Sets = Annotated[Holder, Depends(holder(Role.ADMIN))]  # noqa: N806

    @app.get("/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> Response:
        token = request.cookies.get(console.cookie, "")
        if not token or console.db.run(lambda ledger: people.session(ledger, token)) is None:
            holder(Role.VIEWER)(request, None)
        return JSONResponse(app.openapi())

    _reads(app, console, Looks)
    _acts(app, console, Acts, Sets)
    _answer_errors(app)
    return app


def _reads(app: FastAPI, console: Console, Looks: Any) -> None:  # noqa: N803
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
        return [Setting.model_validate(row) for row in describe(_loaded(console, connection_id).settings)]


def _loaded(console: Console, connection_id: int) -> Connection:
    found = console.db.run(lambda ledger: connections.load(ledger, console.vault, connection_id))
    if found is None:
        raise MissingError(f"There is no connection {connection_id}.")
    return found


def _acts(app: FastAPI, console: Console, Acts: Any, Sets: Any) -> None:  # noqa: N803
    @app.post("/documents/{kind}/{scoro_id}/send")
    def send(token: Acts, kind: Kind, scoro_id: Id, connection: OfConnection = None) -> Done:
        """Read one document again now, ahead of everything else, and send it if it differs."""
        rows = [row["id"] for row in console.db.run(reports.connections) if row["state"] != "disconnected"]
        if connection is None and len(rows) != 1:
            raise PageError("There are several connections, or none: name one with ?connection=ID.")
        chosen = _loaded(console, connection or rows[0])
        quick.send(console.db, chosen, kind, scoro_id, user=token.name, actor=token.actor)
        return Done(done=[f"{kind.value} {scoro_id} is read again now, and sent if it differs."])

    @app.post("/failures/replay")
    def replay(token: Acts, wanted: ReplayWanted) -> ReplayAnswer:
        """Try failures again, once the price is agreed to."""
        plan = failing.plan(console.db, failure_ids=wanted.failures, stored=wanted.stored)
        number = failing.replay(console.db, plan, why=wanted.why, actor=token.actor) if wanted.agreed else None
        return ReplayAnswer(price=plan.text, documents=len(plan.items), requests=plan.requests, replay=number)

    @app.post("/failures/{failure_id}/{action}")
    def settle(token: Acts, failure_id: Id, action: Literal["resolve", "discard", "comment"], words: Words) -> Done:
        """Call a failure over, let its documents be, or say something about it."""
        if action == "comment":
            return Done(done=[failing.comment(console.db, failure_id, words.why, actor=token.actor)])
        state = {"resolve": "resolved", "discard": "discarded"}[action]
        return Done(done=[failing.settle(console.db, failure_id, state, why=words.why, actor=token.actor)])

    @app.post("/connections/{connection_id}/sync")
    def sync(token: Acts, connection_id: Id) -> Done:
        """Read everything that Scoro lists again."""
        return Done(done=[syncing.sync_now(console.runtime, _loaded(console, connection_id), actor=token.actor)])

    @app.post("/connections/{connection_id}/pause")
    def pause(token: Acts, connection_id: Id) -> Done:
        """Send nothing until it is resumed."""
        with acting_as(token.actor):
            return Done(done=connecting.pause(console.db, _loaded(console, connection_id), f"paused by {token.name}"))

    @app.post("/connections/{connection_id}/resume")
    def resume(token: Acts, connection_id: Id) -> Done:
        """Go on after a pause or a break."""
        with acting_as(token.actor):
            return Done(done=connecting.resume(console.db, _loaded(console, connection_id)))

    @app.post("/connections/{connection_id}/go-live")
    def go_live(token: Sets, connection_id: Id) -> Done:
        """Start sending what was rehearsed."""
        with acting_as(token.actor):
            return Done(done=going_live.go_live(console.db, _loaded(console, connection_id)))

    @app.patch("/connections/{connection_id}/settings")
    def change(
        token: Sets,
        connection_id: Id,
        wanted: dict[
            Annotated[str, Field(max_length=200)],
            Annotated[str, Field(max_length=2000, description="As it is typed; empty unsets.")],
        ],
    ) -> Done:
        """Change settings by their dotted keys: all of them or none."""
        chosen = _loaded(console, connection_id)
        return Done(done=settings.change_as(console.db, chosen.id, list(wanted.items()), actor=token.actor))


def _answer_errors(app: FastAPI) -> None:
    def problem(status: int, text: str) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return JSONResponse({"error": text}, status, headers=headers)

    @app.exception_handler(PageError)
    async def told(_: Request, error: Exception) -> Response:
        return problem(error.status if isinstance(error, PageError) else 400, str(error))

    async def expected(_: Request, error: Exception) -> Response:
        return problem(422, sentence(error))

    for kind in EXPECTED:
        app.add_exception_handler(kind, expected)

    @app.exception_handler(RequestValidationError)
    async def misshapen(_: Request, error: Exception) -> Response:
        first: dict[str, Any] = error.errors()[0] if isinstance(error, RequestValidationError) else {}
        where = ".".join(str(part) for part in first.get("loc", ())[1:]) or "the body"
        return problem(422, f"{where}: {first.get('msg', 'it cannot be read')}.")

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return problem(status, "There is no such address: see openapi.json." if status == 404 else "Not done.")

    async def ledger_lost(_: Request, __: Exception) -> Response:
        return problem(503, "The ledger does not answer: try again when PostgreSQL is back.")

    for lost in LEDGER_LOST:
        app.add_exception_handler(lost, ledger_lost)
