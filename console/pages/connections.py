"""Connections: making one, its page of settings, mappings and figures, going live, pausing, parting."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from console.actions import connecting, going_live, settings, sites, syncing
from console.actions.sites import SiteError
from console.errors import EXPECTED, sentence
from console.settings_form import SECTIONS, changes_of, fields, lists
from console.web import Console, ForbiddenError, MissingError, Pages, Reading, Visit
from db import backlog, console_connections, reports
from db.connections import Connection
from db.database import acting_as
from db.people import Role
from db.sites import Site
from producers.subscriptions import hook_url
from schemas.kinds import DOCUMENT_KINDS
from schemas.settings import SettingError

Row = dict[str, Any]

OUTCOMES = {
    "create": "would be created",
    "link": "stand in Intacct already and would be linked",
    "hold": "would be held for you",
    "update": "would be updated",
    "unknown": "were not looked up in Intacct yet",
    "skip": "are skipped by the settings",
    "fail": "cannot be translated",
    "read": "are still to be read from Scoro",
}

SECRET_FIELDS = ("api_key", "user_token", "password", "csrf")


def router(console: Console, pages: Pages) -> APIRouter:  # noqa: PLR0915 - a list of routes, each short
    """The routes."""
    routes = APIRouter()
    readers = Reading(console)
    Looks = Annotated[Visit, Depends(readers.reading())]  # noqa: N806
    Admins = Annotated[Visit, Depends(readers.reading(Role.ADMIN))]  # noqa: N806
    Acts = Annotated[Visit, Depends(readers.changing(Role.OPERATOR))]  # noqa: N806
    Sets = Annotated[Visit, Depends(readers.changing(Role.ADMIN))]  # noqa: N806

    def show_list(visit: Visit, status: int = 200, error: str = "") -> Response:
        rows, known, quota = console.db.run(
            lambda ledger: (reports.connections(ledger), reports.sites(ledger), reports.quota(ledger))
        )
        used = {row["site"]: row for row in quota}
        return pages.page(visit, "connections.html", status, rows=rows, sites=known, used=used, error=error)

    @routes.get("/connections")
    def listed(visit: Looks) -> Response:
        return show_list(visit)

    # ------------------------------------------------------------------------------------------ making one

    def form_page(visit: Visit, status: int = 200, error: str = "", typed: Mapping[str, str] | None = None) -> Response:
        known = console.db.run(reports.sites)
        kept = {name: value for name, value in (typed or {}).items() if name not in SECRET_FIELDS}
        return pages.page(visit, "connect.html", status, sites=known, error=error, typed=kept)

    @routes.get("/connections/new")
    def new(visit: Admins) -> Response:
        return form_page(visit)

    @routes.post("/connections")
    def connect(visit: Sets) -> Response:
        form = visit.form
        try:
            with acting_as(visit.actor):
                made = connecting.connect(
                    console.runtime,
                    site_name=_site_of(visit),
                    scoro_entity=form.get("scoro_entity", "").strip(),
                    company_id=form.get("company", "").strip(),
                    entity=form.get("entity", "").strip(),
                    user_id=form.get("user", "").strip(),
                    password=form.get("password", ""),
                    name=form.get("name", "").strip() or None,
                )
        except EXPECTED as error:
            return form_page(visit, 422, sentence(error), form)
        lines = [*made.lines, "It rehearses now: documents are read and translated, nothing is sent."]
        return pages.done(visit, f"/connections/{made.connection_id}", "\n".join(lines))

    def _site_of(visit: Visit) -> str:
        """A new site where one was named, else the chosen one."""
        form = visit.form
        name = form.get("site_name", "").strip()
        if (chosen := form.get("site", "")) and not name:
            return chosen
        known = {row["name"]: row for row in console.db.run(reports.sites)}
        if name in known and not known[name]["connections"]:
            return name  # a first try added it, and what failed came after
        sites.add(
            console.runtime,
            name=name,
            url=form.get("url", ""),
            api_key=form.get("api_key", ""),
            user_token=form.get("user_token") or None,
            request_limit=sites.limit_from(form.get("request_limit", "4000").strip()),
            time_zone=form.get("time_zone", "UTC").strip(),
            actor=visit.actor,
        )
        return name

    # ------------------------------------------------------------------------------------------ its page

    def show(visit: Visit, connection_id: int, status: int = 200, **more: Any) -> Response:
        connection = console.connection(connection_id)
        facts = console.db.run(lambda ledger: _facts(ledger, connection_id))
        shown = {"error": "", "typed": {}, "rehearsal": None, **more}
        return pages.page(
            visit,
            "connection.html",
            status,
            c=connection,
            fields=fields(connection.settings, facts["sides"], shown["typed"]),
            sections=SECTIONS,
            lists=lists(facts["sides"]),
            hook=_hook(connection.site, visit),
            outcomes=OUTCOMES,
            **facts,
            **shown,
        )

    def _hook(site: Site, visit: Visit) -> str:
        """Where Scoro posts; only for those who set things, as whoever knows it may post."""
        if not visit.may(Role.ADMIN):
            return ""
        return hook_url(console.address(visit.request), site.hook_token)

    @routes.get("/connections/{connection_id}")
    def page(visit: Looks, connection_id: int) -> Response:
        return show(visit, connection_id)

    @routes.post("/connections/{connection_id}/settings")
    def change(visit: Sets, connection_id: int) -> Response:
        connection = console.connection(connection_id)
        wanted = changes_of(visit.form)
        if not wanted:
            return pages.done(visit, f"/connections/{connection_id}#settings", "Nothing was changed.")
        try:
            lines = settings.change_as(console.db, connection.id, wanted, actor=visit.actor)
        except SettingError as error:
            return show(visit, connection_id, 422, error=sentence(error), typed=visit.form)
        return pages.done(visit, f"/connections/{connection_id}#settings", "\n".join(lines))

    @routes.post("/connections/{connection_id}/limit")
    def limit(visit: Sets, connection_id: int) -> Response:
        connection = console.connection(connection_id)
        try:
            number = sites.limit_from(visit.form.get("request_limit", "").strip())
        except SiteError as error:
            return show(visit, connection_id, 422, error=sentence(error))
        console.db.run(lambda ledger: sites.set_limit(ledger, connection.site.id, number), actor=visit.actor)
        said = f"{connection.site.name} has {number} requests a month."
        return pages.done(visit, f"/connections/{connection_id}", said)

    @routes.post("/connections/{connection_id}/rehearse")
    def rehearse(visit: Acts, connection_id: int) -> Response:
        try:
            return show(
                visit, connection_id, rehearsal=going_live.rehearse(console.runtime, console.connection(connection_id))
            )
        except EXPECTED as error:
            return show(visit, connection_id, 422, error=sentence(error))

    @routes.post("/connections/{connection_id}/{action}")
    def act(visit: Acts, connection_id: int, action: str) -> Response:
        connection = console.connection(connection_id)
        if action in {"go-live", "disconnect"} and not visit.may(Role.ADMIN):
            raise ForbiddenError(f"This takes the role {Role.ADMIN}, and yours is {visit.session.role}: ask an admin.")
        try:
            with acting_as(visit.actor):
                lines = _done(visit, connection, action)
        except EXPECTED as error:
            return show(visit, connection_id, 422, error=sentence(error))
        return pages.done(visit, f"/connections/{connection_id}", "\n".join(lines))

    def _done(visit: Visit, connection: Connection, action: str) -> list[str]:
        if action == "go-live":
            return going_live.go_live(console.db, connection)
        if action == "pause":
            return connecting.pause(console.db, connection, f"paused by {visit.session.name}")
        if action == "resume":
            return connecting.resume(console.db, connection)
        if action == "disconnect":
            return connecting.disconnect(console.runtime, connection)
        if action == "read":
            return connecting.read_background(console.runtime, connection)
        if action == "sync":
            return [syncing.sync_now(console.runtime, connection, actor=visit.actor)]
        raise MissingError("There is no such action.")

    return routes


def _facts(ledger: Any, connection_id: int) -> Row:
    listed = next((row for row in reports.connections(ledger) if row["id"] == connection_id), None)
    tally = [row for row in backlog.tally(ledger) if row["connection_id"] == connection_id]
    counts: dict[str, dict[str, int]] = {}
    for row in tally:
        if row["kind"] in DOCUMENT_KINDS:
            counts.setdefault(row["kind"], {})[row["state"]] = row["count"]
    return {
        "listed": listed,
        "counts": counts,
        "sides": console_connections.both_sides(ledger, connection_id),
        "read": console_connections.read_at(ledger, connection_id),
        "log": console_connections.log(ledger, connection_id),
        "used": console_connections.requests_this_month(ledger, connection_id),
        "quota": {row["site"]: row for row in reports.quota(ledger)},
    }
