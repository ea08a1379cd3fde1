"""The API itself: `POST /api/v2/{module}/{action}[/{id}]`, from the request to its answer."""

import asyncio
import base64
import json
import secrets
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sandbox import fixtures
from sandbox.scoro import envelope, files
from sandbox.scoro.errors import ApiError, BadRequestError, ForbiddenError, NoKeyError
from sandbox.scoro.faults import Fault, Faults
from sandbox.scoro.limits import Limits
from sandbox.scoro.lists import listed
from sandbox.scoro.modules import MODULES, Module
from sandbox.scoro.site import THE_API, Site
from sandbox.scoro.webhooks import Webhooks, check_subscription, check_url
from sandbox.serve import drop_connection

BACKGROUND = frozenset({"financeAccounts", "vatCodes"})
SECRETS = frozenset({"apiKey", "user_token"})
KEPT_REQUESTS = 2000
"""How many requests are kept word for word."""


@dataclass(frozen=True)
class Call:
    """A request that has passed the checks of key and entity."""

    module: Module
    action: str
    record_id: int | None
    body: Mapping[str, Any]
    entity: str
    by_token: bool

    @property
    def given(self) -> dict[str, Any]:
        """The object in `request`."""
        request = self.body.get("request")
        if request in (None, []):
            return {}
        if not isinstance(request, dict):
            raise BadRequestError("request must be an object", "request")
        return request

    @property
    def needed_id(self) -> int:
        """The id in the path; BadRequestError without one."""
        if self.record_id is None:
            raise BadRequestError(f"{self.module.id_field} is required")
        return self.record_id


@dataclass
class Api:
    """The stand-in's parts, and the counters that show what was asked of it."""

    site: Site
    webhooks: Webhooks
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT_REQUESTS))
    """What was asked, the newest last: `n`, `path`, and the JSON without keys and tokens."""

    async def answer(self, request: Request) -> Response:
        """Answer one request, faults and limits included."""
        site = self.site
        settings = site.settings
        if settings.site_hosts and (request.url.hostname or "") not in settings.site_hosts:
            return envelope.page("This site does not exist", 404)
        if request.headers.get("user-agent", "").startswith("Python-urllib"):
            return PlainTextResponse("error code: 1010", 403)
        name, action, record_id = _parts(request.path_params["path"])
        self.requests[f"{name}/{action}"] += 1
        if settings.latency_ms:
            await asyncio.sleep(settings.latency_ms / 1000)
        allowance = self.limits.take(site.now(), settings)
        if not allowance.passes:
            response = _throttled()
        else:
            response = await self._meet_fault(request, name, action, record_id)
        for header, value in allowance.headers.items():
            response.headers.setdefault(header, value)
        self.statuses[response.status_code] += 1
        return response

    async def _meet_fault(self, request: Request, name: str, action: str, record_id: str) -> Response:
        fault = self.faults.take(name, action)
        if fault is None:
            return await self._run(request, name, action, record_id)
        response = await self._run(request, name, action, record_id) if fault.runs_first else None
        if fault.fault != "slow" or response is None:
            return await self._faulty(request, fault)
        await asyncio.sleep(fault.ms / 1000)
        return response

    async def _faulty(self, request: Request, fault: Fault) -> Response:
        if fault.fault in {"lost_before", "lost_after_commit"}:
            return await drop_connection(request)
        if fault.fault == "throttled":
            return _throttled(fault.reset_s)
        if fault.fault == "html":
            return envelope.page("Bad gateway", fault.status or 502)
        if fault.fault == "empty":
            return Response(status_code=200)
        if fault.fault == "error":
            return envelope.failed(fault.code, fault.message, self.site.settings, http_status=200)
        return envelope.failed(fault.status or 500, fault.message, self.site.settings, http_status=fault.status or 500)

    async def _run(self, request: Request, name: str, action: str, record_id: str) -> Response:
        settings = self.site.settings
        try:
            if request.method != "POST":
                raise BadRequestError("only POST is supported")
            body = _json(await request.body())
            self._note(f"{name}/{action}" + (f"/{record_id}" if record_id else ""), body)
            module = MODULES.get(name)
            if module is None or action not in self._actions(module):
                raise BadRequestError(f"{name}/{action} does not exist")
            call = self._checked(module, action, record_id, body)
            if action == "subscribe":
                check_subscription(self.site, call.given, by_token=call.by_token)
                await asyncio.to_thread(check_url, str(call.given.get("url", "")))
            return self._dispatch(call)
        except ApiError as error:
            return envelope.refused(error, settings)

    def _note(self, path: str, body: Mapping[str, Any]) -> None:
        number = self.log[-1]["n"] + 1 if self.log else 1
        self.log.append({"n": number, "path": path, "json": {k: v for k, v in body.items() if k not in SECRETS}})

    def _actions(self, module: Module) -> frozenset[str]:
        return (
            module.actions | {"view"}
            if module.name == "receipts" and self.site.settings.receipts_view
            else (module.actions)
        )

    def _checked(self, module: Module, action: str, record_id: str, body: Mapping[str, Any]) -> Call:
        """Check key or token and the entity."""
        entity = str(body.get("company_account_id") or "")
        if not entity:
            raise BadRequestError("company_account_id is required", "company_account_id")
        by_token = False
        if module.name != "userAuth":
            by_token = self._check_key(body)
            if module.token_only and not by_token:
                raise ForbiddenError(f"{module.name} need a user_token")
        if entity not in self.site.settings.entities:
            raise ForbiddenError(f"company_account_id {entity} is not yours", "company_account_id")
        if record_id and not (record_id.isascii() and record_id.isdecimal()):
            raise BadRequestError(f"{module.id_field} is malformed", module.id_field)
        number = int(record_id) if record_id else 0
        return Call(module, action, number or None, body, entity, by_token)

    def _check_key(self, body: Mapping[str, Any]) -> bool:
        """Return whether the caller is a user by token."""
        token, key = body.get("user_token"), body.get("apiKey")
        if token:
            if token not in (self.site.store.note("tokens") or []):
                raise ForbiddenError("user_token is not valid")
            return True
        if not key:
            raise NoKeyError("apiKey is required")
        if key != fixtures.SCORO_API_KEY:
            raise ForbiddenError("apiKey is not valid")
        return False

    def _dispatch(self, call: Call) -> Response:
        site, module, settings = self.site, call.module, self.site.settings
        if module.name == "userAuth":
            return envelope.ok({"token": self._sign_in(call.given)}, settings)
        if call.action == "list":
            found = listed(site, module, call.body, call.entity, by_token=call.by_token)
            if module.name == "companyAccount" and settings.company_account_shape == "object":
                return envelope.ok(found[0], settings)
            return envelope.ok(found, settings)
        if call.action == "view":
            return envelope.ok(site.wire.full(module, site.find(module, call.needed_id, call.entity)), settings)
        if call.action == "delete":
            site.delete(module, call.needed_id, entity=call.entity, actor=THE_API)
            return envelope.ok([], settings)
        if call.action == "modify":
            return self._modify(call)
        if call.action == "download":
            return self._download(call)
        if call.action in {"addRelation", "removeRelation"}:
            add = call.action == "addRelation"
            record = files.relate(site, call.needed_id, call.given, entity=call.entity, add=add)
            return envelope.ok({"file_id": record.id}, settings)
        return self._subscribe(call) if call.action == "subscribe" else self._unsubscribe(call)

    def _sign_in(self, given: Mapping[str, Any]) -> str:
        for name in ("username", "password", "device_type", "device_name", "device_id"):
            if not given.get(name):
                raise BadRequestError(f"{name} is required", name)
        if (given["username"], given["password"]) != fixtures.SCORO_USER:
            raise ForbiddenError("username or password is wrong")
        token = secrets.token_hex(16)
        self.site.store.put_note("tokens", [*(self.site.store.note("tokens") or []), token])
        return token

    def _modify(self, call: Call) -> Response:
        site, module = self.site, call.module
        if module.name in BACKGROUND and not site.settings.background_writes:
            raise ForbiddenError(f"{module.name} cannot be modified")
        if module.name == "files":
            record = files.modify(site, call.record_id, call.given, entity=call.entity, actor=THE_API)
        else:
            record = site.save(module, call.record_id, call.given, entity=call.entity, actor=THE_API)
        if call.body.get("return_data") in (True, 1, "1"):
            return envelope.ok(site.wire.full(module, record), site.settings)
        return envelope.ok({module.id_field: record.id}, site.settings)

    def _download(self, call: Call) -> Response:
        record, content = files.content(self.site, call.needed_id, call.entity)
        if self.site.settings.file_download == "binary":
            return Response(content, media_type="application/octet-stream")
        encoded = base64.b64encode(content).decode()
        return envelope.ok({"file_name": record.head["file_name"], "content": encoded}, self.site.settings)

    def _subscribe(self, call: Call) -> Response:
        record = self.site.save(call.module, None, call.given, entity=call.entity, actor=THE_API)
        self.webhooks.forget_subscriptions()
        return envelope.ok(self.site.wire.full(call.module, record), self.site.settings)

    def _unsubscribe(self, call: Call) -> Response:
        self.site.find(call.module, call.needed_id, call.entity)
        self.site.store.remove("webhooks", call.needed_id)
        self.webhooks.forget_subscriptions()
        return envelope.ok([], self.site.settings)


def _parts(path: str) -> tuple[str, str, str]:
    """Split a path; no action means list."""
    name, action, record_id, *_ = [*path.strip("/").split("/"), "", ""]
    return name, action or "list", record_id


def _json(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise BadRequestError("the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadRequestError("the body must be an object")
    return body


def _throttled(reset_s: int | None = None) -> Response:
    body = {"status": "ERROR", "statusCode": "429", "messages": {"error": ["Too many requests"]}}
    response = envelope.answer(body, 429)
    if reset_s is not None:
        response.headers["x-ratelimit-reset"] = str(reset_s)
        response.headers["x-ratelimit-remaining"] = "0"
    return response
