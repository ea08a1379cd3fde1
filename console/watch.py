"""Watches over the services that pages depend on, from inside the web process: ledger, broker, mail.

Each is asked by a thread of its own, so that one which accepts and stays silent does not hide the others. A page never
asks itself: it reads what was seen last, and an answer that is too old counts as none.
"""

import smtplib
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import psycopg

from db.database import Database
from producers.loop import Loop
from workers.broker_depth import Depth, Measure

LOOK_S = 2.0
"""Between two looks at the ledger and the broker."""
AGAIN_S = 0.5
"""After a look that failed."""
MAIL_S = 4.0
"""Between two looks at the mail server while somebody has an overview open."""
MAIL_UNWATCHED_S = 60.0
"""And while nobody has."""
WATCHED_S = 20.0
"""An overview counts as open so long after it last asked."""
OLD_S = 7.0
"""An answer older than this is no answer: whoever is asked stands still."""
SILENT_S = 10.0
"""A ledger that owes an answer for so long is taken to be gone: pages say so at once, instead of waiting with it."""
TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Health:
    """How one party is: `ok`, or not with the reason; `known` is false until it was asked the first time."""

    ok: bool
    text: str
    known: bool = True


NOT_ASKED = Health(True, "not asked yet", known=False)


@dataclass(slots=True)
class _Look:
    health: Health = NOT_ASKED
    at: float = field(default_factory=time.monotonic)


class _Probe(Loop):
    """Asks one party again and again."""

    def __init__(self, name: str, ask: Callable[[], str], pause_s: Callable[[], float]) -> None:
        super().__init__(f"watch-{name}")
        self._ask = ask
        self._pause_s = pause_s
        self.look = _Look()
        self.failed = 0

    def turn(self) -> float:
        """Ask once."""
        try:
            health = Health(True, self._ask())
            self.failed = 0
        except Exception as error:  # noqa: BLE001 - whatever it is, the party did not answer
            health = Health(False, " ".join(str(error).split())[:300] or type(error).__name__)
            self.failed += 1
        self.look = _Look(health)
        return self._pause_s() if health.ok else min(AGAIN_S, self._pause_s())

    def seen(self, old_s: float) -> Health:
        """What was seen last, if it is not too old."""
        if self.is_silent(old_s):
            return Health(False, f"no answer for {time.monotonic() - self.look.at:.0f} s")
        return self.look.health

    def is_silent(self, old_s: float) -> bool:
        """Whether it takes its time over an answer."""
        return time.monotonic() - self.look.at > old_s


class Watch:
    """The health of the services; `start` it with the web server and `stop` it with it."""

    def __init__(self, db: Database, measure: Measure | None, smtp_url: str | None) -> None:
        self._db = db
        self._measure = measure
        self._smtp_url = smtp_url
        self._depths: Sequence[Depth] = ()
        self._watched_until = 0.0
        self._ledger_link: psycopg.Connection[tuple[object, ...]] | None = None
        self._ledger = _Probe("ledger", self._ask_ledger, lambda: LOOK_S)
        self._broker = _Probe("broker", self._ask_broker, lambda: LOOK_S)
        self._mail = _Probe("mail", self._ask_mail, lambda: 0.5)
        self._mail_asked = float("-inf")
        self._mail_said: str | Exception = ""

    def start(self) -> None:
        """Begin to ask."""
        for probe in self._probes():
            probe.start()

    def stop(self) -> None:
        """Ask no more."""
        for probe in self._probes():
            probe.stop_requested.set()
        for probe in self._probes():
            probe.stop(TIMEOUT_S * 2)
        if self._ledger_link is not None:
            self._ledger_link.close()

    def _probes(self) -> list[_Probe]:
        probes = [self._ledger]
        if self._measure is not None:
            probes.append(self._broker)
        return [*probes, self._mail] if self._smtp_url else probes

    # --------------------------------------------------------------------------------------------- what pages read

    def opened(self) -> None:
        """Somebody has an overview open: look more often at what is dear to ask."""
        self._watched_until = time.monotonic() + WATCHED_S

    @property
    def ledger(self) -> Health:
        """The ledger's health."""
        return self._ledger.seen(OLD_S)

    @property
    def ledger_is_gone(self) -> bool:
        """Whether the ledger failed twice in a row, or is silent: whoever asks it now would only wait."""
        return self._ledger.failed > 1 or self._ledger.is_silent(SILENT_S)

    @property
    def broker(self) -> Health:
        """The broker's health."""
        return self._broker.seen(OLD_S) if self._measure is not None else Health(True, "inside this process")

    @property
    def mail(self) -> Health | None:
        """The mail server's health; None where there is none."""
        return self._mail.seen(OLD_S) if self._smtp_url else None

    @property
    def depths(self) -> Sequence[Depth]:
        """Messages by queue, as counted last; empty while the broker is silent."""
        return self._depths if self.broker.ok else ()

    # --------------------------------------------------------------------------------------------- asking

    def _ask_ledger(self) -> str:
        try:
            if self._ledger_link is None or self._ledger_link.closed:
                self._ledger_link = psycopg.connect(self._db.direct_url, connect_timeout=2, autocommit=True)
            self._ledger_link.execute("SELECT")
        except psycopg.Error:
            if self._ledger_link is not None:
                with suppress(psycopg.Error):
                    self._ledger_link.close()
            self._ledger_link = None
            raise
        return "answers"

    def _ask_broker(self) -> str:
        self._depths = self._measure() if self._measure else ()
        return "answers"

    def _ask_mail(self) -> str:
        now = time.monotonic()
        pause_s = MAIL_S if now < self._watched_until else MAIL_UNWATCHED_S
        if now - self._mail_asked >= pause_s:
            self._mail_asked = now
            try:
                ask_mail(self._smtp_url or "")
                self._mail_said = "answers"
            except (OSError, smtplib.SMTPException) as error:
                self._mail_said = error
        if isinstance(self._mail_said, Exception):
            raise self._mail_said
        return self._mail_said


def ask_mail(smtp_url: str) -> None:
    """Say hello to the mail server and good-bye; raises OSError or SMTPException."""
    parts = urlsplit(smtp_url)
    secure = parts.scheme == "smtps"
    link = smtplib.SMTP_SSL if secure else smtplib.SMTP
    with link(unquote(parts.hostname or ""), parts.port or (465 if secure else 25), timeout=TIMEOUT_S) as server:
        server.noop()
