"""The control surface under `/_sandbox`: what a person at the keyboard of Scoro would do or see.

Everything here is JSON and answers the loopback interface only. `create`, `edit`, `delete` and `restore` do what
the API does, fire webhooks and compute totals, but pass by its checks; `_pinned` in an edit sets header
totals by hand (`{"sum": "99.00"}`), null frees them.
"""

import datetime as dt
import ipaddress
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from sandbox.scoro.api import Api
from sandbox.scoro.errors import BadRequestError
from sandbox.scoro.faults import Fault
from sandbox.scoro.generation import Order, edit_some, expected, generate
from sandbox.scoro.modules import MODULES, Module
from sandbox.scoro.site import A_PERSON
from sandbox.scoro.store import Narrowed, Record

JsonObject = Annotated[dict[str, Any], Body()]


class GenerateRequest(BaseModel):
    """What documents to make; days as ISO dates, by default the thirty days up to today."""

    model_config = ConfigDict(extra="forbid")

    documents: int = Field(ge=1, le=200_000)
    seed: int = 0
    kinds: list[str] = ["invoice"]
    broken: bool = False
    date_from: dt.date | None = None
    date_to: dt.date | None = None
    entity: str | None = None


class EditsRequest(BaseModel):
    """How many healthy generated invoices to edit."""

    model_config = ConfigDict(extra="forbid")

    count: int = Field(20, ge=1)
    seed: int = 0


class BookmarkRequest(BaseModel):
    """A bookmark: what of a module it holds, as a filter of `list` (`{"id": [1, 2]}`, `{"is_sent": 1}`)."""

    model_config = ConfigDict(extra="forbid")

    id: str
    module: str
    filter: dict[str, Any]
    name: str = "Bookmark"


def from_loopback(request: Request) -> None:
    """Refuse a caller from another machine."""
    host = request.client.host if request.client else ""
    try:
        allowed = ipaddress.ip_address(host).is_loopback
    except ValueError:
        allowed = False
    if not allowed:
        raise HTTPException(403, "the control surface answers the loopback interface only")


def _module(name: str) -> Module:
    if name not in MODULES:
        raise BadRequestError(f"module {name} does not exist")
    return MODULES[name]


def control(api: Api) -> APIRouter:
    """Make the routes."""
    router = APIRouter(prefix="/_sandbox", dependencies=[Depends(from_loopback)])
    for add in (_add_records, _add_bookmarks, _add_generator, _add_switches):
        add(router, api)
    return router


def _add_records(router: APIRouter, api: Api) -> None:
    site = api.site

    @router.get("/records/{name}")
    async def records(name: str, include_deleted: bool = False) -> list[dict[str, Any]]:
        """All records of a module, whole, of all entities."""
        module = _module(name)

        def read() -> list[dict[str, Any]]:
            with site.store.lock:
                found = site.store.select(module.storage, Narrowed(deleted_since=0.0 if include_deleted else None))
                return [site.wire.full(module, record) for record in found]

        return await run_in_threadpool(read)

    @router.post("/create/{name}")
    async def create(name: str, body: JsonObject, entity: Annotated[str | None, Query()] = None) -> dict[str, Any]:
        """Create a record as a person would."""
        module = _module(name)
        entity = entity or site.settings.entities[0]
        record = await run_in_threadpool(lambda: site.save(module, None, body, entity=entity, actor=A_PERSON))
        return site.wire.full(module, record)

    @router.post("/edit/{name}/{record_id}")
    async def edit(name: str, record_id: int, body: JsonObject) -> dict[str, Any]:
        """Change a record as a person would; fields left out stay."""
        module = _module(name)

        def change() -> dict[str, Any]:
            record = site.save(module, record_id, body, entity=_entity_of(api, module, record_id), actor=A_PERSON)
            return site.wire.full(module, record)

        return await run_in_threadpool(change)

    @router.post("/delete/{name}/{record_id}")
    async def delete(name: str, record_id: int) -> dict[str, Any]:
        """Delete a record as a person would."""
        module = _module(name)

        def remove() -> dict[str, Any]:
            record = site.delete(module, record_id, entity=_entity_of(api, module, record_id), actor=A_PERSON)
            return site.wire.full(module, record)

        return await run_in_threadpool(remove)

    @router.post("/restore/{name}/{record_id}")
    async def restore(name: str, record_id: int) -> dict[str, Any]:
        """Take a record out of the bin as a person would."""
        module = _module(name)

        def put_back() -> dict[str, Any]:
            record = site.restore(module, record_id, entity=_entity_of(api, module, record_id), actor=A_PERSON)
            return site.wire.full(module, record)

        return await run_in_threadpool(put_back)


def _add_bookmarks(router: APIRouter, api: Api) -> None:
    site = api.site

    @router.post("/bookmarks")
    async def keep(body: BookmarkRequest) -> dict[str, Any]:
        """Make a bookmark, or give one that there is another filter, as a person would in Scoro."""

        def put() -> dict[str, Any]:
            _module(body.module)
            with site.store.transaction():
                held = next((r for r in site.store.select("bookmarks") if r.head["bookmark_id"] == body.id), None)
                number = held.id if held else site.store.next_id("bookmarks")
                head = {"bookmark_id": body.id, "name": body.name, "module": body.module, "_filter": body.filter}
                site.store.put(Record("bookmarks", number, "", head, None, site.now()))
            return {"bookmark_id": body.id}

        return await run_in_threadpool(put)


def _entity_of(api: Api, module: Module, record_id: int) -> str:
    record = api.site.store.get(module.storage, record_id)
    return record.entity if record else ""


def _add_generator(router: APIRouter, api: Api) -> None:
    site = api.site

    @router.post("/generate")
    async def make(body: GenerateRequest) -> dict[str, Any]:
        """Make believable documents; the same request a second time adds nothing and answers the same ids."""
        last = body.date_to or site.today()
        order = Order(
            documents=body.documents,
            seed=body.seed,
            kinds=tuple(body.kinds),
            broken=body.broken,
            first_day=body.date_from or last - dt.timedelta(days=30),
            last_day=last,
            entity=body.entity or site.settings.entities[0],
            key=body.model_dump_json(exclude={"date_from", "date_to"}),
        )
        return await run_in_threadpool(generate, site, order)

    @router.post("/edits")
    async def edits(body: EditsRequest) -> dict[str, Any]:
        """Edit some healthy generated invoices as a person would; answers their ids and what was done."""
        return await run_in_threadpool(edit_some, site, body.count, body.seed)

    @router.get("/expected")
    async def numbers() -> dict[str, Any]:
        """What each generated document comes to by the generator's own arithmetic, and the totals by currency."""
        return await run_in_threadpool(expected, site)


def _add_switches(router: APIRouter, api: Api) -> None:
    site = api.site

    @router.get("/settings")
    async def settings() -> dict[str, Any]:
        """All settings with their meaning."""
        return site.settings.described()

    @router.post("/settings")
    async def set_settings(body: JsonObject) -> dict[str, Any]:
        """Change some settings; unknown ones are refused."""
        try:
            site.set(body)
        except ValidationError as error:
            raise BadRequestError(str(error)) from error
        return site.settings.model_dump()

    @router.get("/faults")
    async def faults() -> list[Fault]:
        """The faults still to come."""
        return api.faults.listed()

    @router.post("/faults")
    async def add_fault(body: Fault) -> list[Fault]:
        """Switch a fault on."""
        api.faults.add(body)
        return api.faults.listed()

    @router.delete("/faults")
    async def clear_faults() -> list[Fault]:
        """Switch all faults off."""
        api.faults.clear()
        return api.faults.listed()

    @router.get("/counters")
    async def counters() -> dict[str, Any]:
        """Requests by module and action, answers by HTTP status, deliveries by how they ended."""
        return {
            "requests": dict(api.requests),
            "requests_total": sum(api.requests.values()),
            "statuses": dict(api.statuses),
            "webhooks": api.webhooks.counted(),
        }

    @router.get("/requests")
    async def requests(since: int = 0) -> list[dict[str, Any]]:
        """What the API was asked after request number `since`: `n`, `path` and `json`."""
        return [entry for entry in api.log if entry["n"] > since]

    @router.get("/webhooks/idle")
    async def idle() -> dict[str, Any]:
        """Whether all deliveries are done."""
        return api.webhooks.idle()

    @router.post("/reset")
    async def reset() -> dict[str, bool]:
        """Forget everything: records, settings, subscriptions, faults and counters."""
        await run_in_threadpool(site.bear)
        api.webhooks.reset()
        api.limits.reset()
        api.faults.clear()
        api.requests.clear()
        api.statuses.clear()
        api.log.clear()
        return {"reset": True}
