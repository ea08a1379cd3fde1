"""A mail server on loopback whose moods a test chooses, with everything that it took."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

USER, PASSWORD = "books", "mail p@ss/w0rd"


@dataclass
class Mailbox:
    """What was handed in, in its order; `mood` is what the server does with the next mails.

    `take`; `lose_reply`: takes it and hangs up without a word; `later` (451); `refuse` (550 for the recipient).
    """

    url: str = ""
    mood: str = "take"
    refusal: str = "no such mailbox"
    taken: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    serve: Callable[[], Controller] | None = None
    running: Controller | None = None

    def ids(self) -> list[str]:
        """The Message-IDs of what was taken."""
        return [str(mail["Message-ID"]) for mail in self.taken]

    def subjects(self) -> list[str]:
        """The subjects of what was taken."""
        return [str(mail["Subject"]) for mail in self.taken]

    def go_away(self) -> None:
        """Listen no more."""
        if self.running is not None:
            self.running.stop()
            self.running = None

    def come_back(self) -> None:
        """Listen, at the address of before."""
        if self.running is None and self.serve is not None:
            self.running = self.serve()
            self.running.start()

    # what aiosmtpd calls

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.mood == "refuse":
            return f"550 {self.refusal}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.mood == "later":
            return "451 come back later"
        content = envelope.content or b""
        self.raw.append(content if isinstance(content, bytes) else content.encode())
        made: Any = message_from_bytes(self.raw[-1], policy=default)
        self.taken.append(made)
        if self.mood == "lose_reply" and server.transport is not None:
            server.transport.close()
        return "250 OK"


@contextmanager
def mailbox(*, with_login: bool = False) -> Iterator[Mailbox]:
    """Run a mail server."""
    box = Mailbox()

    def known(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)  # the server says so itself

    options: dict[str, Any] = {"authenticator": known, "auth_require_tls": False} if with_login else {}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    box.url = f"smtp://127.0.0.1:{port}"
    box.serve = lambda: Controller(box, hostname="127.0.0.1", port=port, **options)
    box.come_back()
    try:
        yield box
    finally:
        box.go_away()
