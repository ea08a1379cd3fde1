"""The HTTP side: the gateway's one route with its load, latency and faults, and the control surface beside it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from sandbox.intacct.control import control_routes
from sandbox.intacct.faults import TRANSPORT_FAULTS, Fault
from sandbox.intacct.service import Arrival, Service
from sandbox.serve import Dated, connection_is_open, drop_connection

GATEWAY_PATH = "/ia/xml/xmlgw.phtml"
DATABASE_NAME = "intacct.sqlite3"

_HTML = (
    "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>"
    '<body><div id="cf-error-details"><h1>Please wait</h1></div></body></html>'
)


class Front:
    """The gateway's route: who is in it now, and what befalls them before and after they are run."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._in_flight: list[Request] = []
        self._late: set[asyncio.Task[None]] = set()

    async def post(self, request: Request) -> Response:
        """Take one request."""
        self._in_flight.append(request)
        try:
            return await self._take(request)
        finally:
            self._in_flight.remove(request)

    async def finish_late(self) -> None:
        """Wait for requests that run though their callers are gone."""
        await asyncio.gather(*self._late)

    def late_commits(self) -> int:
        """How many requests still wait to run though their callers are gone."""
        return len(self._late)

    async def _take(self, request: Request) -> Response:
        service = self._service
        body = await request.body()
        open_requests = sum(connection_is_open(each) for each in self._in_flight)
        in_flight = len(self._in_flight)
        arrival = await run_in_threadpool(service.arrive, body, open_requests, in_flight)
        limit = service.settings.concurrency_limit
        fault = service.faults.take(TRANSPORT_FAULTS, arrival.functions, arrival.xml)
        if (limit and in_flight > limit) or (fault is not None and fault.fault == "throttled"):
            return await self._throttle(arrival)
        await asyncio.sleep(service.settings.latency_ms / 1000)
        if fault is None:
            return _xml(await self._execute(arrival, request))
        return await self._strike(arrival, request, fault)

    async def _strike(self, arrival: Arrival, request: Request, fault: Fault) -> Response:
        service = self._service
        match fault.fault:
            case "slow":
                await asyncio.sleep(fault.ms / 1000)
                return _xml(await self._execute(arrival, request))
            case "schema":
                detail = "Error 1871: Element 'function': This element is not expected."
                return _xml(await run_in_threadpool(service.reject, arrival, "schema", detail=detail))
            case "late_commit":
                task = asyncio.create_task(self._run_late(arrival, request, fault.ms / 1000))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
                return await drop_connection(request)
            case "lost_after_commit":
                await self._execute(arrival, request)
                await run_in_threadpool(service.note, arrival, fault.fault)
                return await drop_connection(request)
            case "lost_before":
                await run_in_threadpool(service.note, arrival, fault.fault)
                return await drop_connection(request)
        if fault.runs_first:
            await self._execute(arrival, request)
        await run_in_threadpool(service.note, arrival, fault.fault)
        if fault.fault == "status_5xx":
            content = await run_in_threadpool(service.reject, arrival, "gateway")
            return _xml(content, fault.status or 503)
        content = _HTML.encode() if fault.fault == "html" else b""
        return Response(content, fault.status or 200, media_type="text/html; charset=UTF-8")

    async def _execute(self, arrival: Arrival, request: Request) -> bytes:
        return await run_in_threadpool(self._service.execute, arrival, str(request.url))

    async def _run_late(self, arrival: Arrival, request: Request, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        await self._execute(arrival, request)
        await run_in_threadpool(self._service.note, arrival, "late_commit")

    async def _throttle(self, arrival: Arrival) -> Response:
        settings = self._service.settings
        content = await run_in_threadpool(self._service.reject, arrival, "rate_limit")
        response = _xml(content, settings.throttle_status)
        if settings.retry_after_s is not None:
            response.headers["Retry-After"] = str(settings.retry_after_s)
        return response


def create_app(data_dir: Path | None = None) -> FastAPI:
    """Make the stand-in; its books stand in `data_dir`/sandbox/intacct.sqlite3, or in memory without one."""
    service = Service(None if data_dir is None else data_dir / "sandbox" / DATABASE_NAME)
    front = Front(service)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await front.finish_late()
        service.store.close()

    app = FastAPI(title="Sage Intacct gateway stand-in", lifespan=lifespan, openapi_url=None)
    app.add_middleware(Dated, now_s=service.now_s)
    app.add_api_route(GATEWAY_PATH, front.post, methods=["POST"], response_model=None)
    app.include_router(control_routes(service, front.late_commits))
    return app


def _xml(content: bytes, status: int = 200) -> Response:
    return Response(content, status, media_type="text/xml; charset=UTF-8")
