"""Calls that ended without an answer, and what to say of each error of the two HTTP libraries below."""

import re
import ssl
from collections.abc import Mapping

import requests.exceptions as above
import urllib3.exceptions as below

from schemas.redaction import redact

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


_CONNECTION = re.compile(r"^\w+\(host=[^)]*\): ")
"""What urllib3 says first: the class of its connection, which means nothing to people."""


class TransportError(Exception):
    """A call ended without an answer. `left`: the body had begun to leave, so the far side may have acted.

    `timed_out`: the deadline passed. `misaddressed`: the address itself is at fault, so that waiting does not help.
    `too_large`: an answer came, larger than allowed.
    """

    def __init__(
        self,
        message: str,
        *,
        left: bool,
        timed_out: bool = False,
        misaddressed: bool = False,
        too_large: bool = False,
    ) -> None:
        super().__init__(redact(message))
        self.left = left
        self.timed_out = timed_out
        self.misaddressed = misaddressed
        self.too_large = too_large


def transport_error(failure: Exception, *, left: bool) -> TransportError:
    """The error for one of a library: its words, by the innermost error, which says most."""
    cause = _innermost(failure)
    reason = next(REASONS[kind] for kind in type(cause).__mro__ if kind in REASONS)
    timed_out = isinstance(cause, TimeoutError | above.Timeout | below.TimeoutError)
    said = _CONNECTION.sub("", str(cause))
    return TransportError(f"{reason} ({said})", left=left, timed_out=timed_out, misaddressed=reason is _ADDRESS)


def _innermost(failure: Exception) -> Exception:
    """The error that the wrappers of `requests` and `urllib3` carry, as it says most."""
    for held in (*failure.args, getattr(failure, "reason", None)):
        if isinstance(held, Exception) and isinstance(held, tuple(REASONS)):
            return _innermost(held)
    return failure
