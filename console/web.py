"""What every page goes through: who is asking, what they may do, where a change comes from, how an answer leaves.

NotSignedInError     the reader is led to the sign-in page and back
ForbiddenError       the reader's role does not allow it, or a form comes from elsewhere
MissingError         there is nothing at this address
"""

import hmac
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from console.actions import doctor
from console.actions.findings import Finding
from console.assets import OWN, Assets
from console.reader import Reader, locale_of, zone_of
from console.watch import Watch
from db import connections, people
from db.connections import Connection
from db.database import Database
from db.people import Role, Session
from db.vault import Vault
from workers.runtime import Runtime

COOKIE = "scoro_intacct"
ZONE_COOKIE = "zone"
MAX_FORM_FIELDS = 1000


class PageError(Exception):
    """Something that a page tells instead of what was asked for; `status` is that of HTTP."""

    status = 400


class NotSignedInError(PageError):
    """Nobody is signed in."""

    status = 401


class ForbiddenError(PageError):
    """The reader may not do that."""

    status = 403


class MissingError(PageError):
    """There is nothing at this address."""

    status = 404


class LedgerAwayError(PageError):
    """The ledger did not answer a moment ago: nobody waits for it again."""

    status = 503


class TooLargeError(PageError):
    """A form that is larger than any of ours."""

    status = 413


class Memory:
    """Keeps what was read for a few seconds, for all readers; two who come at once may both read."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Any]] = {}

    def get(self, name: str, fresh_s: float, read: Callable[[], Any]) -> Any:
        """What was read last, else read anew."""
        kept = self._kept.get(name)
        if kept is None or time.monotonic() - kept[0] > fresh_s:
            kept = (time.monotonic(), read())
            self._kept[name] = kept
        return kept[1]


@dataclass(slots=True)
class Console:
    """What the pages work with; `secure` where readers come by https."""

    runtime: Runtime
    watch: Watch
    public_url: str | None
    broker_label: str = "RabbitMQ"
    assets: Assets = field(default_factory=Assets)
    version: str = ""
    memory: Memory = field(default_factory=Memory)
    environment: Callable[[], Iterable[Finding]] = tuple
    """Findings about what this process was started with: its settings, disk, broker, database, mail."""

    @property
    def db(self) -> Database:
        """The ledger."""
        return self.runtime.db

    @property
    def vault(self) -> Vault:
        """What opens secrets."""
        return self.runtime.vault

    def connection(self, connection_id: int) -> Connection:
        """A connection by its id; raises MissingError."""
        found = self.db.run(lambda ledger: connections.load(ledger, self.vault, connection_id))
        if found is None:
            raise MissingError(f"There is no connection {connection_id}: see the list.")
        return found

    def address(self, request: Request) -> str:
        """Where readers find this installation, without a slash at the end."""
        return self.public_url or str(request.base_url).rstrip("/")

    def findings(self, *, ask_intacct: bool) -> Iterator[Finding]:
        """Everything that can be looked at, each as soon as it is found; the far sides are asked."""
        yield from self.environment()
        yield from doctor.check(self.runtime, ask_intacct=ask_intacct)

    @property
    def secure(self) -> bool:
        """Whether cookies go by https only."""
        return bool(self.public_url and self.public_url.startswith("https://"))

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; the prefix keeps neighbouring hosts from setting it."""
        return f"__Host-{COOKIE}" if self.secure else COOKIE


# ------------------------------------------------------------------------------------------------- who is asking


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a reader who is signed in."""

    request: Request
    session: Session
    token: str
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def actor(self) -> str:
        """How the journal names the reader."""
        return f"console:{self.session.name}"

    def may(self, role: str) -> bool:
        """Whether the reader may do what that role may."""
        return self.session.role.allows(Role(role))


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "unknown"


def agent_of(request: Request) -> str:
    """What kind of browser asks."""
    return request.headers.get("user-agent", "")


def visit_of(console: Console, request: Request, role: Role, form: Mapping[str, str] | None = None) -> Visit:
    """Who asks; raises NotSignedInError or ForbiddenError."""
    token = request.cookies.get(console.cookie, "")
    if console.watch.ledger_is_gone:
        raise LedgerAwayError(console.watch.ledger.text)
    session = console.db.run(lambda ledger: people.session(ledger, token)) if token else None
    if session is None:
        raise NotSignedInError("Sign in first.")
    if form is not None:
        check_origin(console, request)
        if not hmac.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
            raise ForbiddenError("This form is from an earlier sign-in: go back, reload the page and try again.")
    if not session.role.allows(role):
        raise ForbiddenError(f"This takes the role {role}, and yours is {session.role}: ask an admin.")
    return Visit(request, session, token, form or {})


def check_origin(console: Console, request: Request) -> None:
    """A change must come from a page of ours; raises ForbiddenError."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForbiddenError("This form comes from another site: open the page here and try again.")
    origin = request.headers.get("origin")
    if origin is None:
        return  # no browser that leaves it out sends cookies of SameSite with a foreign form
    ours = {request.headers.get("host", "")}
    if console.public_url:
        ours.add(urlsplit(console.public_url).netloc)
    if urlsplit(origin).netloc not in ours:
        raise ForbiddenError("This form comes from another site: open the page here and try again.")


class Reading:
    """Dependencies of pages: a reader of at least a role; `changing` also reads and checks the form."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def reading(self, role: Role = Role.VIEWER) -> Callable[[Request], Visit]:
        """A page that shows something."""

        def depend(request: Request) -> Visit:
            return visit_of(self._console, request, role)

        return depend

    def changing(self, role: Role) -> Callable[..., Any]:
        """A page that changes something."""

        def depend(request: Request, form: Annotated[dict[str, str], Depends(read_form)]) -> Visit:
            return visit_of(self._console, request, role, form)

        return depend


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; of equal names the last one. How long it may be is the middleware's to say."""
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        raise PageError("This is no form of ours: go back, reload the page and try again.") from None
    return {name: value.replace("\x00", "") for name, value in pairs}


# ------------------------------------------------------------------------------------------------- answers


def reader_of(request: Request) -> Reader:
    """How the reader wants values written."""
    return Reader(
        locale_of(request.headers.get("accept-language", "")[:300]),
        zone_of(unquote(request.cookies.get(ZONE_COOKIE, ""))),
    )


def environment(console: Console) -> Environment:
    """The templates; everything in them is escaped, and a name that does not exist is an error."""
    made = Environment(
        loader=FileSystemLoader(OWN.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(asset=console.assets.path, version=console.version, roles=list(Role))
    return made


class Pages:
    """Renders templates and sends people on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._environment = environment(console)

    def html(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page that anybody may see."""
        text = self._environment.get_template(template).render(
            reader=reader_of(request), visit=None, here=request.url.path, said="", **values
        )
        return HTMLResponse(text, status, headers={"Cache-Control": "no-store"})

    def page(self, visit: Visit, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page for somebody who is signed in; tells what the last action came to, once."""
        said = visit.session.said
        text = self._environment.get_template(template).render(
            reader=reader_of(visit.request), visit=visit, here=visit.request.url.path, said=said, **values
        )
        if said:
            self._console.db.run(lambda ledger: people.say(ledger, visit.token, ""))
        return HTMLResponse(text, status, headers={"Cache-Control": "no-store"})

    def part(self, visit: Visit, template: str, **values: Any) -> HTMLResponse:
        """A piece of a page, for its live parts."""
        text = self._environment.get_template(template).render(
            reader=reader_of(visit.request), visit=visit, here=visit.request.url.path, said="", **values
        )
        return HTMLResponse(text, headers={"Cache-Control": "no-store"})

    def slowly(self, visit: Visit, template: str, **values: Any) -> StreamingResponse:
        """A page whose values take a while: what is there already is shown while the rest is worked out."""
        pieces = self._environment.get_template(template).generate(
            reader=reader_of(visit.request), visit=visit, here=visit.request.url.path, said="", **values
        )
        return StreamingResponse(pieces, media_type="text/html", headers={"Cache-Control": "no-store"})

    def done(self, visit: Visit, to: str, said: str) -> RedirectResponse:
        """Go on to a page after a change, which tells how it went."""
        self._console.db.run(lambda ledger: people.say(ledger, visit.token, said))
        return RedirectResponse(to, 303)


def safe_path(path: str) -> str:
    """A path of ours to go on to; anything else is the overview."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"


def to_sign_in(request: Request) -> RedirectResponse:
    """To the sign-in page, and back afterwards where something was only to be seen."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(wanted)}" if request.method == "GET" and wanted != "/" else ""
    return RedirectResponse(f"/login{back}", 303)


def answer_errors(app: FastAPI, pages: Pages) -> None:
    """Turn the errors above, and everything that a person may meet, into pages."""

    @app.exception_handler(NotSignedInError)
    async def not_signed_in(request: Request, _: Exception) -> Response:
        if request.headers.get("x-live"):
            return Response("signed out", 401, media_type="text/plain")
        return to_sign_in(request)

    @app.exception_handler(PageError)
    async def told(request: Request, error: Exception) -> Response:
        status = error.status if isinstance(error, PageError) else 400
        return pages.html(request, "told.html", status, title=TITLES.get(status, "Not done"), text=str(error))


TITLES = {
    403: "Not allowed",
    404: "Nothing here",
    413: "Too large",
    500: "Something went wrong",
    503: "The ledger does not answer",
}
