"""One HTTP POST with a total deadline, and the knowledge of whether anything left.

Both clients need the same of HTTP: a `requests` session per thread that ignores the environment, follows no redirect
and retries nothing; an answer of bounded size; a deadline for the whole call that dripping bytes cannot stretch (the
name look-up alone is the resolver's); and, when a call fails, the certainty of whether the body had begun to leave.
Before that moment the far side holds headers at most and has done nothing.
"""

import ipaddress
import re
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from socket import SHUT_RDWR, socket
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.adapters
import requests.exceptions as above
import urllib3.exceptions as below
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

USER_AGENT = "scoro-intacct/0.1 (+https://pypi.org/project/scoro-intacct/)"
"""Named, as Cloudflare in front of Scoro turns away default agents (scoro-api, section 2)."""

CONNECT_TIMEOUT_S = 10.0
_SECONDS = re.compile(r"\d{1,9}(\.\d+)?")
_CHUNK_BYTES = 64 * 1024

_REACH = "could not be connected to"
_CUT = "the connection was cut"
_ANSWER = "the answer could not be read"
_TLS = "the TLS connection failed (certificate or protocol)"
_ADDRESS = "the address is malformed"
_OURS = "the HTTP library refused the call"

REASONS: Mapping[type[Exception], str] = {
    above.RequestException: _OURS,
    above.InvalidJSONError: _OURS,
    above.JSONDecodeError: _ANSWER,
    above.HTTPError: _ANSWER,
    above.ConnectionError: _CUT,
    above.ProxyError: "the proxy failed",
    above.SSLError: _TLS,
    above.Timeout: "time ran out",
    above.ConnectTimeout: "it did not accept a connection in time",
    above.ReadTimeout: "it did not answer in time",
    above.URLRequired: _ADDRESS,
    above.TooManyRedirects: _OURS,
    above.MissingSchema: _ADDRESS,
    above.InvalidSchema: _ADDRESS,
    above.InvalidURL: _ADDRESS,
    above.InvalidHeader: _OURS,
    above.InvalidProxyURL: _ADDRESS,
    above.ChunkedEncodingError: _ANSWER,
    above.ContentDecodingError: _ANSWER,
    above.StreamConsumedError: _OURS,
    above.RetryError: _CUT,
    above.UnrewindableBodyError: _OURS,
    below.HTTPError: _CUT,
    below.PoolError: _OURS,
    below.RequestError: _CUT,
    below.SSLError: _TLS,
    below.ProxyError: "the proxy failed",
    below.DecodeError: _ANSWER,
    below.ProtocolError: _CUT,
    below.MaxRetryError: _REACH,
    below.HostChangedError: _OURS,
    below.TimeoutStateError: _OURS,
    below.TimeoutError: "time ran out",
    below.ReadTimeoutError: "it did not answer in time",
    below.ConnectTimeoutError: "it did not accept a connection in time",
    below.NewConnectionError: _REACH,
    below.NameResolutionError: "its name could not be resolved",
    below.EmptyPoolError: _OURS,
    below.FullPoolError: _OURS,
    below.ClosedPoolError: _OURS,
    below.LocationValueError: _ADDRESS,
    below.LocationParseError: _ADDRESS,
    below.URLSchemeUnknown: _ADDRESS,
    below.ResponseError: _ANSWER,
    below.ResponseNotChunked: _ANSWER,
    below.BodyNotHttplibCompatible: _OURS,
    below.IncompleteRead: _ANSWER,
    below.InvalidChunkLength: _ANSWER,
    below.InvalidHeader: _ANSWER,
    below.ProxySchemeUnknown: _ADDRESS,
    below.ProxySchemeUnsupported: _ADDRESS,
    below.HeaderParsingError: _ANSWER,
    below.UnrewindableBodyError: _OURS,
    ssl.SSLError: _TLS,
    OSError: _CUT,
}
"""What to say of each error of the two libraries below; a test fails if one of theirs is missing."""


class TransportError(Exception):
    """A call ended without an answer. `left`: the body had begun to leave, so the far side may have acted.

    `timed_out`: the deadline passed. `misaddressed`: the address itself is at fault, so that waiting does not help.
    """

    def __init__(self, message: str, *, left: bool, timed_out: bool = False, misaddressed: bool = False) -> None:
        super().__init__(message)
        self.left = left
        self.timed_out = timed_out
        self.misaddressed = misaddressed


class AddressRefusedError(Exception):
    """A name led to an address that is not public."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with its body read; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def seconds(self, header: str) -> float | None:
        """A header that counts seconds, None if it is absent or something else."""
        text = self.headers.get(header, "").strip()
        return float(text) if _SECONDS.fullmatch(text) else None


def is_local_host(host: str) -> bool:
    """Whether a host is loopback, a private address or a single label, that is no host of the internet."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host.rstrip(".")


def host_of(url: str, *, allow_local: bool) -> str:
    """The host of a base URL, which must be https and public; with `allow_local` also http on local hosts.

    Raises ValueError that says what is wrong.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no plain URL with a host")
    if is_local_host(host) and not allow_local:
        raise ValueError(f"{url!r} is local; allow local endpoints if that is meant")
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_local and is_local_host(host)):
        raise ValueError(f"{url!r} does not use https")
    return host


class _Call:
    """One call under way: which socket it uses, whether its body left, whether its time ran out."""

    def __init__(
        self, body: bytes, on_leaving: Callable[[], None] | None, deadline_s: float, public_only: bool
    ) -> None:
        self.public_only = public_only
        self.left = False
        self.expired = False
        self._body = body
        self._on_leaving = on_leaving
        self._ends = time.monotonic() + deadline_s
        self._lock = threading.Lock()
        self._socket: socket | None = None
        self._over = False

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline, never 0, which sockets would read as 'do not wait'."""
        return max(0.001, self._ends - time.monotonic())

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed; a socket's own time-out may come a moment before the cut."""
        return self.expired or time.monotonic() >= self._ends

    def __len__(self) -> int:
        return len(self._body)

    def __iter__(self) -> Iterator[bytes]:
        """The body, asked for once the connection stands and the headers are written."""
        if self.is_late:
            # Several addresses, each tried for a while, can outlast the deadline.
            raise TimeoutError("connected after the deadline")
        if self._on_leaving is not None:
            self._on_leaving()
        self.left = True
        yield self._body

    def uses(self, used: socket | None) -> None:
        """Take note of the socket, so that the deadline can cut it."""
        with self._lock:
            self._socket = used
            if used is not None:
                used.settimeout(self.remaining_s)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Cut the socket at the deadline."""
        timer = threading.Timer(self.remaining_s, self._expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                self._over = True
                self._socket = None

    def _expire(self) -> None:
        with self._lock:
            if self._over:
                return
            self.expired = True
            if self._socket is not None:
                with suppress(OSError):
                    # Not `self._socket.shutdown`: that of a TLS socket takes its state from under the reading thread.
                    socket.shutdown(self._socket, SHUT_RDWR)


class _Current(threading.local):
    call: _Call | None = None


_current = _Current()


class _Watched(HTTPConnection):
    """A connection that tells the call under way which socket it uses, and refuses addresses that are not public."""

    def _new_conn(self) -> socket:
        made = super()._new_conn()
        call = _current.call
        if call is not None and call.public_only:
            peer = made.getpeername()[0]
            if is_local_host(peer.partition("%")[0]):
                made.close()
                raise AddressRefusedError(f"{self.host} leads to {peer}, which is not public")
        return made

    def connect(self) -> None:
        super().connect()
        self._report()

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._report()
        super().request(*args, **kwargs)

    def _report(self) -> None:
        if _current.call is not None:
            _current.call.uses(self.sock)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class _Adapter(requests.adapters.HTTPAdapter):
    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class Poster:
    """Posts bodies to one service, with a kept-alive connection per thread.

    `public_only` refuses addresses that are not public, looked at on the connection itself, so that a name cannot
    change its mind in between. `close` ends all connections.
    """

    def __init__(self, headers: Mapping[str, str], *, max_answer_bytes: int, public_only: bool) -> None:
        self._headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", **headers}
        self._max_answer_bytes = max_answer_bytes
        self._public_only = public_only
        self._local = threading.local()
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()

    def post(self, url: str, body: bytes, *, deadline_s: float, on_leaving: Callable[[], None] | None = None) -> Answer:
        """Post once and read the whole answer.

        `on_leaving` is called when the connection stands, right before the body goes. Raises TransportError; what
        `on_leaving` raises comes through, with nothing sent.
        """
        call = _Call(body, on_leaving, deadline_s, self._public_only)
        _current.call = call
        try:
            with call.watched():
                return self._answer(url, call)
        except AddressRefusedError as refused:
            raise TransportError(str(refused), left=False, misaddressed=True) from refused
        except tuple(REASONS) as failure:
            raise _transport_error(failure, call, deadline_s) from failure
        finally:
            _current.call = None

    def close(self) -> None:
        """End the connections of all threads; a later call opens new ones."""
        for session in list(self._sessions):
            session.close()

    def _answer(self, url: str, call: _Call) -> Answer:
        timeout = (min(CONNECT_TIMEOUT_S, call.remaining_s), call.remaining_s)
        with self._session().post(url, data=call, timeout=timeout, stream=True, allow_redirects=False) as response:
            parts: list[bytes] = []
            read = 0
            for part in response.raw.stream(_CHUNK_BYTES, decode_content=True):
                read += len(part)
                if read > self._max_answer_bytes:
                    raise TransportError(f"the answer is larger than {self._max_answer_bytes} bytes", left=True)
                parts.append(part)
            if call.expired:
                raise above.ReadTimeout("cut at the deadline")
            headers = {name.lower(): text for name, text in response.headers.items()}
            return Answer(response.status_code, headers, b"".join(parts))

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            session.headers.clear()
            session.headers.update(self._headers)
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.mount("https://", _Adapter())
            session.mount("http://", _Adapter())
            self._local.session = session
            self._sessions.add(session)
        return session


def _transport_error(failure: Exception, call: _Call, deadline_s: float) -> TransportError:
    cause = _innermost(failure)
    reason = next(REASONS[kind] for kind in type(cause).__mro__ if kind in REASONS)
    if call.is_late:
        return TransportError(f"no whole answer within {deadline_s:g} s", left=call.left, timed_out=True)
    timed_out = isinstance(cause, TimeoutError | above.Timeout | below.TimeoutError)
    misaddressed = reason is _ADDRESS
    return TransportError(f"{reason} ({cause})", left=call.left, timed_out=timed_out, misaddressed=misaddressed)


def _innermost(failure: Exception) -> Exception:
    """The error that the wrappers of `requests` and `urllib3` carry, as it says most."""
    for held in (*failure.args, getattr(failure, "reason", None)):
        if isinstance(held, Exception) and isinstance(held, tuple(REASONS)):
            return _innermost(held)
    return failure
