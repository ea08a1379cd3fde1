"""The poller: lists what was modified of every module, and captures what is new or changed.

It is the only source without `PUBLIC_URL`, and closes the gaps of webhooks that were lost. Scoro filters by whole days
(scoro-api, section 5), so each look covers the days since the last one and one more, and the rows themselves tell what
is new: their version was not seen before (`db.sightings`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Counter

from clients.scoro.client import ID_FIELDS, Record, ScoroClient
from clients.scoro.errors import ConnectionBroken, ScoroError, Throttled
from db import changes, locks, polls, sightings
from db.connections import Connection
from db.database import Database, Ledger
from db.polls import Poll
from producers.late_files import LateFiles
from producers.loop import Loop
from schemas.document_types import DOCUMENT_TYPES
from schemas.kinds import Kind

log = structlog.get_logger(__name__)

FOUND = Counter(
    "scoro_intacct_poll_found_total", "Records that a poll found and no webhook had told of, by module.", ["module"]
)
LOOKS = Counter("scoro_intacct_polls_total", "Looks of the poller, by module and how they ended.", ["module", "result"])

CLOSE_S = 300.0
"""Between two looks at a module where no webhooks come: there are none, or they are silent or leave things out."""
RELAXED_S = 1800.0
"""Between two looks where webhooks come."""
AGAIN_S = 60.0
"""After a look that broke off, unless Scoro says how long to wait."""
BROKEN_S = 300.0
"""After a look that Scoro did not let in."""
CALL_S = 10.0
"""Per call of the last look: long lists are looked at less often, so no module takes over 360 calls an hour."""
OVERLAP = timedelta(days=1)
"""How far a look reaches back beyond the last one (scoro-api, A2 `poll_window`): dates are whole days."""
GRACE = timedelta(minutes=1)
"""A webhook may come this long after the edit before it counts as missing."""
MEMBERS_EVERY = timedelta(hours=1)
"""How often all that a bookmark holds is listed: it may hold something else without a document being edited."""
MOST_ROUNDS = 5
"""A list of several pages shifts while it is read: it is read again until nothing new shows, at most so often."""
TICK_S = 1.0

MODULES = tuple(DOCUMENT_TYPES)
"""What is polled; files, which have no `modified_date`, in a way of their own (`producers.late_files`)."""

MISSED = "Found by a poll: no webhook had told of it."


@dataclass(frozen=True, slots=True)
class Window:
    """The days that a look covers, as Scoro's filter takes them: `to_date` is the first day that is left out."""

    from_date: date
    to_date: date

    @classmethod
    def of(cls, since: datetime, now: datetime, zone: ZoneInfo) -> "Window":
        """From a day before `since` to tomorrow, in the site's calendar."""
        return cls((since - OVERLAP).astimezone(zone).date(), now.astimezone(zone).date() + timedelta(days=1))

    def as_filter(self) -> dict[str, dict[str, str]]:
        """The filter of a list."""
        return {"modified_date": {"from_date": self.from_date.isoformat(), "to_date": self.to_date.isoformat()}}


class Poller(Loop):
    """Looks at what is due until it is stopped; any number may run.

    `connection_of(id)` loads a connection, `client_of(connection)` calls its Scoro. `webhooks`: Scoro has an address of
    ours, so that what only a poll finds is worth a note.
    """

    def __init__(
        self,
        db: Database,
        connection_of: Callable[[int], Connection | None],
        client_of: Callable[[Connection], ScoroClient],
        *,
        webhooks: bool,
        modules: Sequence[str] = MODULES,
    ) -> None:
        super().__init__("poller")
        self._db = db
        self._connection_of = connection_of
        self._client_of = client_of
        self._webhooks = webhooks
        self._modules = modules
        self._late_files = LateFiles()

    def turn(self) -> float:
        """Look at everything that is due."""
        self._db.run(lambda ledger: polls.plan(ledger, self._modules, CLOSE_S))
        for poll in self._db.run(lambda ledger: polls.due(ledger, self._modules)):
            if self.stop_requested.is_set():
                break
            with self._db.session() as session:
                if locks.try_lock(session, locks.POLL, poll.id) and polls.still_due(session, poll.id):
                    self._look(poll)
        return TICK_S

    def _look(self, poll: Poll) -> None:
        connection = self._connection_of(poll.connection_id)
        if connection is None:
            return
        told_of = self._webhooks and DOCUMENT_TYPES[poll.module].entity_type is not None
        look: _Look | _FilesLook
        if poll.module == Kind.FILE.module:
            look = _FilesLook(self._db, connection, self._late_files)
        else:
            look = _Look(self._db, connection, poll, told_of)
        if not connection.settings.data.of(DOCUMENT_TYPES[poll.module].kinds[0]).enabled:
            # not looked at: switched on again, the next look begins where the last one ended
            self._put_off(poll, 0, "", CLOSE_S)
            return
        try:
            look.run(self._client_of(connection), self.stop_requested.is_set)
        except ScoroError as error:
            again_s = error.retry_after_s if isinstance(error, Throttled) else AGAIN_S
            again_s = BROKEN_S if isinstance(error, ConnectionBroken) else again_s
            self._put_off(poll, look.calls, str(error), again_s)
            LOOKS.labels(poll.module, "broken_off").inc()
            log.warning("poll.broken_off", connection=connection.name, module=poll.module, error=str(error))
            return
        if look.stopped:
            return
        self._db.run(
            lambda ledger: polls.end(
                ledger,
                poll,
                calls=look.calls,
                webhooks=told_of,
                relaxed_s=RELAXED_S,
                close_s=CLOSE_S,
                call_s=CALL_S,
            )
        )
        LOOKS.labels(poll.module, "found" if look.found else "nothing_new").inc()
        if look.found:
            log.info(
                "poll.found", connection=connection.name, module=poll.module, found=look.found, unheard=look.unheard
            )

    def _put_off(self, poll: Poll, calls: int, reason: str, again_s: float) -> None:
        self._db.run(lambda ledger: polls.fail(ledger, poll, calls=calls, reason=reason, again_in_s=again_s))


class _FilesLook:
    """One look at all files: documents that lack one."""

    unheard = 0
    stopped = False

    def __init__(self, db: Database, connection: Connection, late_files: LateFiles) -> None:
        self._db = db
        self._connection = connection
        self._late_files = late_files
        self.calls = 0
        self.found = 0

    def run(self, scoro: ScoroClient, _: Callable[[], bool]) -> None:
        """List them and capture the documents."""
        self.found, self.calls = self._late_files.look(self._db, self._connection, scoro)


class _Look:
    """One look at a module: its calls, and what it found."""

    def __init__(self, db: Database, connection: Connection, poll: Poll, webhooks: bool) -> None:
        self._db = db
        self._connection = connection
        self._poll = poll
        self._webhooks = webhooks
        self._kind = DOCUMENT_TYPES[poll.module].kinds[0]
        self._zone = ZoneInfo(connection.site.time_zone)
        self.calls = 0
        self.found = 0
        self.unheard = 0
        self.stopped = False

    def run(self, scoro: ScoroClient, is_stopping: Callable[[], bool]) -> None:
        """List the days until nothing new shows; each page is committed for itself."""
        for _ in range(MOST_ROUNDS):
            pages = found = 0
            for rows in self._pages(scoro):
                pages += 1
                found += self._db.run(lambda ledger, rows=rows: self._commit(ledger, rows), actor="poll")  # type: ignore[misc]
                if is_stopping():
                    self.stopped = True
                    return
            self.found += found
            if pages <= 1 or not found:
                break
        self._look_into_bookmark(scoro)

    def _look_into_bookmark(self, scoro: ScoroClient) -> None:
        """List what the bookmark of the module holds, and capture what came in or went out without being edited."""
        poll, bookmark = self._poll, self._connection.settings.data.of(self._kind).bookmark or ""
        if not bookmark:
            if poll.bookmark:
                self._db.run(lambda ledger: polls.forget_members(ledger, poll))
            return
        is_due = poll.members_at is None or poll.now - poll.members_at >= MEMBERS_EVERY
        if not scoro.has_user or (bookmark == poll.bookmark and not is_due):
            return
        id_field, held = ID_FIELDS.get(poll.module, "id"), set[int]()
        for page in scoro.pages(poll.module, bookmark=bookmark):
            self.calls += 1
            held |= {int(row[id_field]) for row in page if str(row.get(id_field, "")).isdecimal()}

        def commit(ledger: Ledger) -> int:
            moved = polls.members(ledger, poll, bookmark, held)
            self._capture(ledger, moved)
            return len(moved)

        self.found += self._db.run(commit, actor="poll")

    def _pages(self, scoro: ScoroClient) -> Iterator[list[Record]]:
        window = Window.of(self._poll.since, self._poll.now, self._zone).as_filter()
        self.calls += 1
        for number, rows in enumerate(
            scoro.pages(self._poll.module, filter=window, detailed=True, include_deleted=True)
        ):
            self.calls += number > 0
            yield rows

    def _commit(self, ledger: Ledger, rows: Sequence[Record]) -> int:
        """Capture what is new or changed among the rows; returns how many."""
        id_field = ID_FIELDS.get(self._poll.module, "id")
        records = {int(row[id_field]): row for row in rows if str(row.get(id_field, "")).isdecimal()}
        news = sightings.compare(ledger, self._connection.id, self._poll.module, records)
        ids = [item.scoro_id for item in news]
        self._capture(ledger, ids)
        missed = [item.scoro_id for item in news if item.unheard and self._counts_as_missed(item.modified)]
        if missed and self._webhooks:
            self.unheard += len(missed)
            polls.caught(ledger, self._poll, missed, MISSED)
            FOUND.labels(self._poll.module).inc(len(missed))
        return len(ids)

    def _capture(self, ledger: Ledger, ids: Sequence[int]) -> None:
        changes.capture(
            ledger,
            self._connection.id,
            self._kind,
            ids,
            origin="poll",
            actor="poll",
            settle_ms=self._connection.settings.delivery.settle_ms,
        )

    def _counts_as_missed(self, modified: str) -> bool:
        """Whether a webhook should have told of it by now; what was modified before we connected never was told."""
        at = modified_at(modified, self._zone)
        return at is not None and self._poll.connected_at < at < self._poll.now - GRACE


def modified_at(modified: str, zone: ZoneInfo) -> datetime | None:
    """Scoro's `modified_date` as an instant, in the site's zone if it names none; None if it is no date."""
    try:
        at = datetime.fromisoformat(modified)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=zone)
