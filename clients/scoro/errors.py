"""Errors of Scoro's API, by what the caller does next.

ScoroError
  NotFound          Scoro has no such record
  Throttled         wait `retry_after_s`; `daily`: the day's requests are used up, nothing goes before midnight UTC;
                    `bulk_only`: what people wait for still goes
  Unavailable       nothing changed (not reached, time ran out on a read, out of service); again by the policy table
  Uncertain         a write that may have run; look before writing again
  ConnectionBroken  key, token, rights or address; pause the connection and tell a person
  Refused           Scoro said no to this very request; its texts say why
"""

from clients.transport_errors import TransportError
from schemas.errors import ErrorClass
from schemas.redaction import redact

_NOT_FOUND_TEXTS = ("not found", "does not exist", "doesn't exist")


class ScoroError(Exception):
    """A call to Scoro failed; the message says which and why."""

    error_class = ErrorClass.UNKNOWN

    def __init__(self, message: str) -> None:
        super().__init__(redact(message))


class NotFound(ScoroError):
    """Scoro has no such record."""

    error_class = ErrorClass.NOT_FOUND


class Throttled(ScoroError):
    """Too many requests; nothing was done. `daily`: the day's quota is used up, `bulk_only`: but for people."""

    error_class = ErrorClass.THROTTLED

    def __init__(self, message: str, retry_after_s: float, *, daily: bool, bulk_only: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.daily = daily
        self.bulk_only = bulk_only


class Unavailable(ScoroError):
    """Nothing changed in Scoro."""

    error_class = ErrorClass.UNAVAILABLE


class Uncertain(ScoroError):
    """A write left and no answer that can be read came back."""

    error_class = ErrorClass.UNCERTAIN


class ConnectionBroken(ScoroError):
    """Scoro does not let us in, or the address leads elsewhere; nothing was done."""

    error_class = ErrorClass.BROKEN


class Refused(ScoroError):
    """Scoro refused the request; `texts` are its reasons, `status` its code."""

    error_class = ErrorClass.REFUSED

    def __init__(self, message: str, texts: tuple[str, ...], status: int) -> None:
        super().__init__(message)
        self.texts = tuple(redact(text) for text in texts)
        self.status = status

    @property
    def says_not_found(self) -> bool:
        """Whether the reasons are that the record is not there, as some sites say with code 400."""
        return any(words in text.lower() for text in self.texts for words in _NOT_FOUND_TEXTS)


def from_transport(error: TransportError, what: str, *, is_write: bool) -> ScoroError:
    """The error of a call that ended without an answer; a read may simply be read again."""
    if error.misaddressed:
        return ConnectionBroken(f"{what}: the address cannot be used: {error}")
    if error.left and is_write:
        return Uncertain(f"{what}: no answer that can be relied on: {error}")
    return Unavailable(f"{what}: {error}")
