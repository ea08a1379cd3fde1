"""The mailer: hands in the mails that are due, one after another, until it is stopped.

Any number may run. A mail is taken for some minutes, what it says is committed, it is handed in, and that it was is
committed. A death in between has it handed in again: the same mail, by its Message-ID.
"""

import time
from collections.abc import Callable

import structlog

from clients.mail import MailError, MailServer, Refused
from db import mails
from db.database import Database, Ledger
from db.mails import Mail, Text
from producers import mail_texts
from producers.loop import Loop

log = structlog.get_logger(__name__)

LOOK_S = 1.0
"""Pause between looks for mail that is due."""
DIGEST_LOOK_S = 60.0
"""How often it is looked whether somebody is to get a digest."""
DELAYS_S = (5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds until the next try of a mail, by how many there have been; the last is repeated."""
KEEP_S = 14 * 24 * 3600.0
"""A mail that could not be handed in for so long is given up: what it tells is old, and the digests told it too."""


class Mailer(Loop):
    """Hands in mail at one server in the name of `mail_from`; links lead to `public_url`.

    `reach` passes a named step.
    """

    def __init__(
        self,
        db: Database,
        server: MailServer,
        mail_from: str,
        public_url: str | None,
        reach: Callable[[str], None],
    ) -> None:
        super().__init__("mailer")
        self._db = db
        self._server = server
        self._mail_from = mail_from
        self._public_url = public_url
        self._reach = reach
        self._digested = float("-inf")

    def turn(self) -> float:
        """Hand in everything that is due."""
        if time.monotonic() - self._digested >= DIGEST_LOOK_S:
            self._db.run(mails.digest)
            self._digested = time.monotonic()
        while not self.stop_requested.is_set() and (mail := self._db.run(mails.claim)) is not None:
            self._hand_in(mail)
        return LOOK_S

    def _hand_in(self, mail: Mail) -> None:
        message_id, text = self._db.run(lambda ledger: self._written(ledger, mail))
        self._reach("mail.written")
        try:
            self._server.send(mail_texts.message(mail, text, message_id, self._mail_from))
        except Refused as error:
            self._settle(mail, "given_up", str(error))
        except MailError as error:
            old_s = self._db.run(lambda ledger: mails.age_s(ledger, mail))
            again_s = DELAYS_S[min(mail.attempts, len(DELAYS_S)) - 1]
            self._settle(mail, "given_up" if old_s > KEEP_S else "waiting", str(error), again_s)
        else:
            self._reach("mail.sent")
            self._settle(mail, "sent")

    def _written(self, ledger: Ledger, mail: Mail) -> tuple[str, Text]:
        """What a mail says, and its Message-ID: made and kept at its first try."""
        if mail.message_id is not None:
            return mail.message_id, Text(mail.subject or "", mail.plain or "", mail.html or "")
        text = mail_texts.of_mail(ledger, mail, self._public_url)
        message_id = mail_texts.message_id(mails.installation(ledger), mail, self._mail_from)
        mails.keep_text(ledger, mail.id, message_id, text)
        return message_id, text

    def _settle(self, mail: Mail, state: str, reason: str = "", again_s: float = 0.0) -> None:
        self._db.run(lambda ledger: mails.settle(ledger, mail, state, reason, again_in_s=again_s))
        log.info("mail.settled", mail=mail.id, mail_event=mail.event, state=state, reason=reason)
