"""Sending one e-mail by SMTP, with errors that say what to do next.

MailError
  Unreachable     no server, no sign-in, no patience: nothing is wrong with the mail; again later
  Unclear         cut off while the server was taking it: it may have been taken; again, as the same mail
  Refused         the server will never take it for this recipient
"""

import smtplib
import ssl
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

from schemas.redaction import redact, remember

CALL_S = 20.0
"""How long the server may take for each word of the conversation."""

NEVER = frozenset({550, 551, 553, 556})
"""Replies to a recipient's name that another try does not change: no such mailbox, moved, malformed, no mail there."""

_PORTS = {"smtp": 25, "smtps": 465}
_SUBMISSION = 587


class MailError(Exception):
    """A mail did not get through."""

    def __init__(self, message: str) -> None:
        super().__init__(redact(message))


class Unreachable(MailError):
    """The server cannot be reached, or takes nothing now."""


class Unclear(MailError):
    """The server may have taken it."""


class Refused(MailError):
    """The server refuses this recipient for good."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. The conversation is encrypted from the start (`tls`) or after it (`starttls`)."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    starttls: bool = False

    @classmethod
    def at(cls, url: str) -> "MailServer":
        """Read `smtp|smtps://user:pass@host:port?starttls=1`; raises ValueError, without the password in its text."""
        parts = urlsplit(url)
        options = parse_qs(parts.query, keep_blank_values=True)
        if parts.scheme not in _PORTS or not parts.hostname or options.keys() - {"starttls"} or parts.path.strip("/"):
            raise ValueError("is no address such as smtp://user:password@host:587?starttls=1")
        starttls = options.get("starttls", ["0"])[-1].lower() in {"1", "true", "yes", ""}
        if starttls and parts.scheme == "smtps":
            raise ValueError("smtps is encrypted from the start: leave starttls out")
        try:
            port = parts.port
        except ValueError:
            raise ValueError("has a port that is no number") from None
        password = unquote(parts.password) if parts.password else None
        remember(password or "")
        return cls(
            parts.hostname,
            port or (_SUBMISSION if starttls else _PORTS[parts.scheme]),
            unquote(parts.username) if parts.username else None,
            password,
            tls=parts.scheme == "smtps",
            starttls=starttls,
        )

    def send(self, message: EmailMessage) -> None:
        """Hand in one mail for its one recipient; raises MailError.

        Once the server has said that it takes the mail, nothing that comes after counts.
        """
        sender, recipient = _bare(message["From"]), _bare(message["To"])
        if not f"{sender}{recipient}".isascii():
            raise Refused(
                f"{sender} or {recipient} holds a letter that mail addresses do not: write the domain as xn--…"
            )
        try:
            smtp = self._open()
        except (smtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise Unreachable(f"the mail server {self.host}:{self.port}: {_words(error)}") from error
        handing_in = False
        try:
            _must(smtp.mail(sender), f"the sender {sender}")
            code, text = smtp.rcpt(recipient)
            if code in NEVER:
                raise Refused(f"the mail server refuses {recipient}: {code} {_text(text)}")
            _must((code, text), f"the recipient {recipient}")
            handing_in = True
            _must(smtp.data(message.as_bytes()), "the mail")
        except smtplib.SMTPDataError as error:
            raise Unreachable(f"the mail server does not take it now: {_words(error)}") from error
        except (smtplib.SMTPException, OSError) as error:
            kind = Unclear if handing_in else Unreachable
            raise kind(f"the mail server {self.host}:{self.port} went away: {_words(error)}") from error
        finally:
            _close(smtp)

    def greet(self) -> None:
        """Connect and sign in without sending anything; raises MailError."""
        try:
            smtp = self._open()
        except (smtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise Unreachable(f"the mail server {self.host}:{self.port}: {_words(error)}") from error
        _close(smtp)

    def _open(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        smtp = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=CALL_S, context=context)
            if self.tls
            else smtplib.SMTP(self.host, self.port, timeout=CALL_S)
        )
        try:
            if self.starttls:
                smtp.starttls(context=context)
            if self.user is not None:
                smtp.login(self.user, self.password or "")
            smtp.ehlo_or_helo_if_needed()
        except BaseException:
            smtp.close()
            raise
        return smtp


def _bare(header: object) -> str:
    """The address of a header that holds one."""
    addresses: tuple[Address, ...] = getattr(header, "addresses", ())
    return addresses[0].addr_spec


def _must(reply: tuple[int, bytes], what: str) -> None:
    code, text = reply
    if not 200 <= code < 300:
        raise Unreachable(f"the mail server does not take {what} now: {code} {_text(text)}")


def _text(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {_text(said) if isinstance(said, bytes) else said}"
    return str(error) or type(error).__name__


def _close(smtp: smtplib.SMTP) -> None:
    """End the conversation; the server may have gone already."""
    try:
        smtp.quit()
    except (smtplib.SMTPException, OSError):
        smtp.close()
