"""The envelope of every answer, in the shapes that Scoro has been seen to use."""

import json
from typing import Any

from starlette.responses import HTMLResponse, Response

from sandbox.scoro.errors import ApiError
from sandbox.scoro.settings import Settings

HTML_PAGE = "<!DOCTYPE html><html><head><title>Scoro</title></head><body><h1>{}</h1></body></html>"


def answer(body: Any, status: int = 200) -> Response:
    """Return JSON as Scoro writes it."""
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"),
        status,
        media_type="application/json; charset=utf-8",
    )


def ok(data: Any, settings: Settings) -> Response:
    """Answer with data."""
    as_string = settings.status_code == "string" or (settings.status_code == "mixed" and isinstance(data, list))
    code: int | str = "200" if as_string else 200
    return answer({"status": "OK", "statusCode": code, "messages": None, "data": data})


def refused(error: ApiError, settings: Settings) -> Response:
    """Answer with an error in the shapes that the settings ask for."""
    status = settings.not_found_status if error.status == 404 else error.status
    return failed(status, error.message, settings, field=error.field)


def failed(
    code: int, message: str, settings: Settings, *, field: str = "error", http_status: int | None = None
) -> Response:
    """Answer with an error code and message; the HTTP status is the code unless told otherwise."""
    body = {
        "status": "ERROR",
        "statusCode": code if settings.status_code == "int" else str(code),
        "messages": {"error": _messages(message, settings, field)},
    }
    return answer(body, http_status or (200 if settings.errors_with_status_200 else code))


def _messages(message: str, settings: Settings, field: str) -> str | list[str] | dict[str, str]:
    if settings.error_messages == "string":
        return message
    if settings.error_messages == "map" or (settings.error_messages == "mixed" and field != "error"):
        return {field: message}
    return [message]


def page(title: str, status: int) -> Response:
    """Answer with HTML, as a wrong host or a proxy does."""
    return HTMLResponse(HTML_PAGE.format(title), status)
