"""The Intacct XML gateway: one method that sends functions, and errors that say what to do next."""

import re
import uuid
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NoReturn, Self

from clients.hosts import host_of, is_local_host
from clients.http import Answer, Poster
from clients.intacct.errors import (
    ConnectionBroken,
    GatewayError,
    RequestRejected,
    SessionLost,
    Throttled,
    Unavailable,
    Uncertain,
    from_transport,
)
from clients.intacct.known_errors import KNOWN_ERRORS, strip_support_id
from clients.intacct.login import Login, Sender
from clients.intacct.parse import UnparsableError, parse
from clients.intacct.render import envelope
from clients.transport_errors import TransportError
from schemas.errors import ErrorClass
from schemas.intacct.functions import Function
from schemas.intacct.results import GatewayErrorEntry, Response

__all__ = ["DEFAULT_URL", "Gateway", "Login"]

DEFAULT_URL = "https://api.intacct.com/ia/xml/xmlgw.phtml"
VENDOR_DOMAIN = ".intacct.com"
MAX_ANSWER_BYTES = 64 * 1024 * 1024

_THROTTLED = frozenset({"429", "GW-0010"})
_BROKEN = frozenset({"GW-0011", "PL04000055", "BL03000025"})
_SIGN_IN = "XL03000006"
_UNREADABLE = "XL03000003"
_GATEWAY_CODE = re.compile(rb"GW-00\d\d")


class Gateway:
    """Sends requests to one gateway in the name of one sender; safe to share between threads.

    Raises ValueError for a URL outside `https://*.intacct.com`, but for local hosts (also over http) with
    `allow_local`.
    """

    def __init__(self, url: str, sender_id: str, sender_password: str, *, allow_local: bool = False) -> None:
        host = host_of(url, allow_local=allow_local)
        if not host.endswith(VENDOR_DOMAIN) and not (allow_local and is_local_host(host)):
            raise ValueError(f"{url!r} is no address of Sage Intacct (https://*{VENDOR_DOMAIN})")
        self._url = url
        self.sender = Sender(sender_id, sender_password)
        self._poster = Poster(
            {"Content-Type": "application/xml", "Accept": "application/xml"},
            max_answer_bytes=MAX_ANSWER_BYTES,
            public_only=False,
        )

    def send(
        self,
        login: Login,
        calls: Sequence[tuple[str, Function]],
        *,
        unique: bool,
        deadline_s: float,
        on_leaving: Callable[[], None] | None = None,
        atomic: bool = False,
    ) -> Response:
        """Send (controlid, function) pairs as one HTTP POST, once, and return what became of each.

        `atomic` has the gateway run all of the functions or none. `unique` has it refuse a controlid that it has run
        before: true for writes. `on_leaving` is called when the connection stands, right before the request's body
        leaves; what it raises comes through, with nothing run. Functions that the answer does not mention are missing
        from `results`: they may have run.

        Raises a GatewayError for what concerns the request as a whole; ValueError for no calls or a controlid given
        twice.
        """
        if not calls or len({controlid for controlid, _ in calls}) != len(calls):
            raise ValueError("a request needs functions, each with a controlid of its own")
        body = envelope(self.sender, login, calls, unique=unique, atomic=atomic, controlid=str(uuid.uuid4()))
        try:
            answer = self._poster.post(self._url, body, deadline_s=deadline_s, on_leaving=on_leaving)
        except TransportError as error:
            raise from_transport(error) from error
        return _response(answer)

    @property
    def clock_ahead_s(self) -> float | None:
        """How far the gateway's clock was ahead of ours when it answered last; None where it did not tell."""
        return self._poster.clock_ahead_s

    def close(self) -> None:
        """End the kept-alive connections of all threads."""
        self._poster.close()

    def __enter__(self) -> Self:
        """Close with the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def _response(answer: Answer) -> Response:
    """The answer as a response in which functions ran; raises a GatewayError for any other."""
    if answer.status == 429:
        raise Throttled("Sage Intacct takes no more requests for a while", answer.seconds("retry-after"))
    try:
        response = parse(answer.body)
    except UnparsableError as error:
        _raise_for_unparsable(answer, error)
    if response.control_status != "success":
        _raise_for_control(response, answer)
    if response.authentication_status != "success":
        _raise_for_authentication(response, answer)
    if response.errors and not response.results:
        _raise_for_operation(response, answer)
    return response


def _raise_for_unparsable(answer: Answer, error: UnparsableError) -> NoReturn:
    codes = {code.decode() for code in _GATEWAY_CODE.findall(answer.body[:4096])}
    if codes & _THROTTLED:
        raise Throttled("Sage Intacct takes no more requests for a while", answer.seconds("retry-after")) from error
    if answer.status == 400 and codes & _BROKEN:
        raise ConnectionBroken("Sage Intacct does not know the company or the sender (GW-0011)") from error
    raise Uncertain(f"Sage Intacct answered HTTP {answer.status} with a body that says nothing: {error}") from error


def _raise_for_control(response: Response, answer: Answer) -> NoReturn:
    """Nothing ran, unless the gateway itself failed: the question is only who can help."""
    _raise_for_known(response, answer)
    if any(entry.errorno == _SIGN_IN for entry in response.errors):
        raise ConnectionBroken(_said("The sender is not accepted", response), response.errors)
    if answer.status >= 500:
        raise Uncertain(_said("Sage Intacct failed and does not say whether this ran", response), response.errors)
    raise Unavailable(_said("Sage Intacct did not take the request", response), response.errors)


def _raise_for_authentication(response: Response, answer: Answer) -> NoReturn:
    """No function ran."""
    _raise_for_known(response, answer)
    for entry in response.errors:
        if entry.errorno == _SIGN_IN and "invalid session" in entry.description2.lower():
            raise SessionLost(_said("The session has ended", response), response.errors)
    if not response.authentication_status:
        raise Uncertain(_said("Sage Intacct answered without signing in or refusing", response), response.errors)
    raise ConnectionBroken(_said("Sage Intacct does not accept the sign-in", response), response.errors)


def _raise_for_operation(response: Response, answer: Answer) -> NoReturn:
    _raise_for_known(response, answer)
    raise Uncertain(_said("Sage Intacct did not say what became of the functions", response), response.errors)


def _raise_for_known(response: Response, answer: Answer) -> None:
    """Errors that mean the same at each level."""
    for entry in response.errors:
        error = _known(entry, response, answer)
        if error is not None:
            raise error


def _known(entry: GatewayErrorEntry, response: Response, answer: Answer) -> GatewayError | None:
    if entry.errorno == _UNREADABLE:
        return RequestRejected(_said("Sage Intacct could not read the request", response), response.errors)
    if entry.errorno in _BROKEN:
        return ConnectionBroken(_said("Sage Intacct does not let us in", response), response.errors)
    if entry.errorno == _SIGN_IN:
        return None
    known = next((row for row in KNOWN_ERRORS if row.match(entry) is not None), None)
    if known is None:
        return None
    if known.error_class is ErrorClass.THROTTLED:
        return Throttled(_said(known.cause, response), answer.seconds("retry-after"), response.errors)
    if known.error_class is ErrorClass.BROKEN:
        return ConnectionBroken(_said(known.cause, response), response.errors)
    if known.error_class is ErrorClass.UNCERTAIN:
        return Uncertain(_said(known.cause, response), response.errors)
    if known.code == "out_of_service":
        return Unavailable(_said(known.cause, response), response.errors)
    return None


def _said(words: str, response: Response) -> str:
    texts = [strip_support_id(entry.description2) for entry in response.errors if entry.description2]
    return f"{words.rstrip('.')}: {'; '.join(texts)}" if texts else words
