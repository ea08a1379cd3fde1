"""Scoro's answers as data or errors: one place for the quirks of the wire (scoro-api, sections 3, 6 and 7)."""

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from clients.http import Answer
from clients.scoro.errors import ConnectionBroken, NotFound, Refused, ScoroError, Throttled, Unavailable, Uncertain

WINDOW_S = 2.0
"""The window of Scoro's request limit, waited for when a refusal does not say how long."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the headers of an answer say of the request limits; None where they say nothing."""

    limit: int | None
    remaining: int | None
    reset_s: float | None
    daily_limit: int | None
    daily_remaining: int | None
    daily_reset_s: float | None


def limits_of(answer: Answer) -> Limits:
    """The limits that an answer's headers tell."""

    def whole(header: str) -> int | None:
        text = answer.headers.get(header, "").strip()
        return int(text) if text.isdecimal() else None

    return Limits(
        limit=whole("x-ratelimit-limit"),
        remaining=whole("x-ratelimit-remaining"),
        reset_s=answer.seconds("x-ratelimit-reset"),
        daily_limit=whole("x-daily-requests-limit"),
        daily_remaining=whole("x-daily-requests-remaining"),
        daily_reset_s=answer.seconds("x-daily-requests-reset"),
    )


def data_of(answer: Answer, what: str, *, is_write: bool) -> Any:
    """The `data` of an answer: numbers as int or Decimal, HTML entities in texts resolved.

    `what` names the call in errors. Raises a ScoroError for everything but success.
    """
    if 300 <= answer.status < 400:
        raise ConnectionBroken(f"{what}: the address leads elsewhere: {answer.headers.get('location', '?')}")
    envelope = _envelope(answer)
    if envelope is None:
        raise _without_envelope(answer, what, is_write=is_write)
    status = _status(envelope, answer.status)
    if status < 400 and envelope.get("status") != "ERROR" and not envelope.get("errors"):
        return _unescaped(envelope.get("data")) if b"&" in answer.body else envelope.get("data")
    texts = tuple(html.unescape(text) for text in _texts(envelope.get("messages") or envelope.get("errors")))
    raise _refusal(answer, status, texts, what, is_write=is_write)


def _envelope(answer: Answer) -> dict[str, Any] | None:
    try:
        parsed = json.loads(answer.body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) and ("status" in parsed or "statusCode" in parsed) else None


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _status(envelope: dict[str, Any], http_status: int) -> int:
    """The code of the envelope, else of HTTP; an error that calls itself 200 counts as 400."""
    told = str(envelope.get("statusCode", ""))
    status = int(told) if told.isdecimal() else http_status
    if status < 400 and (envelope.get("status") == "ERROR" or envelope.get("errors")):
        return http_status if http_status >= 400 else 400
    return status


def _texts(messages: Any) -> Iterator[str]:
    """The texts of `messages`, which are a text, a list, or a map of either."""
    if isinstance(messages, dict):
        for name, held in messages.items():
            for text in _texts(held):
                yield text if name in {"error", "errors"} or str(name).isdecimal() else f"{name}: {text}"
    elif isinstance(messages, list):
        for held in messages:
            yield from _texts(held)
    elif messages not in (None, ""):
        yield str(messages)


def _unescaped(value: Any) -> Any:
    if isinstance(value, str):
        return html.unescape(value)
    if isinstance(value, list):
        return [_unescaped(held) for held in value]
    if isinstance(value, dict):
        return {name: _unescaped(held) for name, held in value.items()}
    return value


def _without_envelope(answer: Answer, what: str, *, is_write: bool) -> ScoroError:
    if answer.status == 429:
        return _throttled(answer, what)
    start = answer.body[:200].decode("utf-8", "replace").strip()
    if answer.status in (401, 403):
        return ConnectionBroken(f"{what}: Scoro's site does not let us in (HTTP {answer.status}): {start}")
    took_it = is_write and answer.status < 300  # a proxy's page may stand in front of what was done behind it
    if answer.status < 500 and start.startswith("<") and not took_it:
        return ConnectionBroken(
            f"{what}: a web page came back (HTTP {answer.status}); is this the address of the site?"
        )
    message = f"{what}: no answer that can be read (HTTP {answer.status}, {len(answer.body)} bytes)"
    return Uncertain(message) if is_write else Unavailable(message)


def _refusal(answer: Answer, status: int, texts: tuple[str, ...], what: str, *, is_write: bool) -> ScoroError:
    message = f"{what}: {'; '.join(texts) or f'code {status} without a text'}"
    if status == 429:
        return _throttled(answer, what)
    if status in (401, 403):
        return ConnectionBroken(message)
    if status == 404:
        return NotFound(message)
    if status == 503:
        return Unavailable(message)
    if status >= 500 or status == 408:
        return Uncertain(message) if is_write else Unavailable(message)
    return Refused(message, texts, status)


def _throttled(answer: Answer, what: str) -> Throttled:
    limits = limits_of(answer)
    if limits.daily_remaining == 0:
        return Throttled(f"{what}: the requests of this day are used up", limits.daily_reset_s or 3600.0, daily=True)
    wait_s = answer.seconds("retry-after") or limits.reset_s or WINDOW_S
    return Throttled(f"{what}: too many requests", wait_s, daily=False)
