"""Errors of a whole request to the Intacct gateway, by what the caller does next.

GatewayError
  Throttled         nothing ran; wait `retry_after_s` for the whole company, not only for this request
  Unavailable       nothing ran (refused, no such name, TLS, never sent, out of service); due again by the policy table
  Uncertain         it may have run (time-out after sending, reset, 5xx, empty, HTML, unparsable); look before sending
  ConnectionBroken  credentials, rights, sender or company; pause the connection and tell a person
  SessionLost       the session is no more; sign in once more, then the same request again
  RequestRejected   the gateway could not read the request; nothing ran, ours to repair, find the function by halves

What goes wrong with one function only is no exception but a result with errors (`clients.intacct.catalogue`).
"""

from clients.transport_errors import TransportError
from schemas.errors import ErrorClass
from schemas.intacct.results import GatewayErrorEntry
from schemas.redaction import redact


class GatewayError(Exception):
    """A request failed as a whole. `errors` are the gateway's own words, where it answered."""

    error_class = ErrorClass.UNKNOWN

    def __init__(self, message: str, errors: tuple[GatewayErrorEntry, ...] = ()) -> None:
        super().__init__(redact(message))
        self.errors = errors


class Throttled(GatewayError):
    """Too many requests; nothing ran. `retry_after_s` is what the gateway asks for, None if it does not say."""

    error_class = ErrorClass.THROTTLED

    def __init__(
        self, message: str, retry_after_s: float | None = None, errors: tuple[GatewayErrorEntry, ...] = ()
    ) -> None:
        super().__init__(message, errors)
        self.retry_after_s = retry_after_s


class Unavailable(GatewayError):
    """Nothing ran, nothing was charged by the gateway."""

    error_class = ErrorClass.UNAVAILABLE


class Uncertain(GatewayError):
    """It may have run: the request left, and no answer that can be read came back."""

    error_class = ErrorClass.UNCERTAIN


class ConnectionBroken(GatewayError):
    """The gateway does not let us in; nothing ran."""

    error_class = ErrorClass.BROKEN


class SessionLost(GatewayError):
    """The session has ended; nothing ran."""

    error_class = ErrorClass.UNAVAILABLE


class RequestRejected(GatewayError):
    """The gateway could not read the request (XL03000003); nothing ran."""

    error_class = ErrorClass.BUG


def from_transport(error: TransportError) -> GatewayError:
    """The gateway error of a call that ended without an answer."""
    if error.left:
        return Uncertain(f"No answer from Sage Intacct that can be relied on: {error}")
    if error.misaddressed:
        return ConnectionBroken(f"The gateway address cannot be used: {error}")
    return Unavailable(f"Sage Intacct could not be reached: {error}")
