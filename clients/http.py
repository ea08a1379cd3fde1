"""One HTTP POST with a total deadline, and the knowledge of whether anything left.

Both clients need the same of HTTP: a `requests` session per thread that ignores the environment, follows no redirect
and retries nothing; an answer of bounded size; a deadline for the whole call that dripping bytes cannot stretch (the
name look-up alone is the resolver's); and, when a call fails, the certainty of whether the body had begun to leave.
Before that moment the far side holds headers at most and has done nothing.
"""

import re
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from socket import SHUT_RDWR, socket
from typing import Any

import requests
import requests.adapters
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from clients.hosts import is_local_host
from clients.transport_errors import REASONS, TransportError, transport_error

USER_AGENT = "scoro-intacct/0.1"
"""Named, as Cloudflare in front of Scoro turns away default agents (scoro-api, section 2)."""

CONNECT_TIMEOUT_S = 10.0
_SECONDS = re.compile(r"\d{1,9}(\.\d+)?")
_CHUNK_BYTES = 64 * 1024


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

    def clock_ahead_s(self, now: datetime) -> float | None:
        """How far the far side's clock is ahead of ours, to a second, None if it does not tell the time."""
        with suppress(ValueError, TypeError):
            told = parsedate_to_datetime(self.headers.get("date", ""))
            return ((told if told.tzinfo else told.replace(tzinfo=UTC)) - now).total_seconds() + 0.5
        return None


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
        if self.is_late:
            # A process that stood still in `on_leaving`: others may have given the call up and sent something newer.
            raise TimeoutError("the deadline passed before the body went")
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
        self.clock_ahead_s: float | None = None
        """How far the service's clock was ahead of ours when it answered last; None where it did not tell."""

    def post(
        self,
        url: str,
        body: bytes,
        *,
        deadline_s: float,
        on_leaving: Callable[[], None] | None = None,
        max_answer_bytes: int | None = None,
    ) -> Answer:
        """Post once and read the whole answer, of `max_answer_bytes` at most (unset: as for all calls).

        `on_leaving` is called when the connection stands, right before the body goes. Raises TransportError; what
        `on_leaving` raises comes through, with nothing sent (an OSError as TransportError).
        """
        call = _Call(body, on_leaving, deadline_s, self._public_only)
        _current.call = call
        try:
            with call.watched():
                return self._dated(self._answer(url, call, max_answer_bytes or self._max_answer_bytes))
        except AddressRefusedError as refused:
            raise TransportError(str(refused), left=False, misaddressed=True) from refused
        except tuple(REASONS) as failure:
            if call.is_late:
                late = f"no whole answer within {deadline_s:g} s"
                raise TransportError(late, left=call.left, timed_out=True) from failure
            raise transport_error(failure, left=call.left) from failure
        finally:
            _current.call = None

    def close(self) -> None:
        """End the connections of all threads; a later call opens new ones."""
        for session in list(self._sessions):
            session.close()

    def _dated(self, answer: Answer) -> Answer:
        self.clock_ahead_s = answer.clock_ahead_s(datetime.now(UTC))
        return answer

    def _answer(self, url: str, call: _Call, max_answer_bytes: int) -> Answer:
        timeout = (min(CONNECT_TIMEOUT_S, call.remaining_s), call.remaining_s)
        with self._session().post(url, data=call, timeout=timeout, stream=True, allow_redirects=False) as response:
            parts: list[bytes] = []
            read = 0
            for part in response.raw.stream(_CHUNK_BYTES, decode_content=True):
                read += len(part)
                if read > max_answer_bytes:
                    raise TransportError(
                        f"the answer is larger than {max_answer_bytes} bytes", left=True, too_large=True
                    )
                parts.append(part)
            if call.expired:
                raise TimeoutError("cut at the deadline")
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
