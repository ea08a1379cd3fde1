"""Which files of documents go to Intacct, and with what function: what intake reads of them beside the documents.

Contents are read one at a time, only of files that Intacct does not hold and that will be sent next; they are kept
beside the ledger's operations until they stand in Intacct. What is kept for a connection is bounded: beyond that, and
while a connection is not live, files are only noted, and follow once their document stands in Intacct.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import structlog

from clients.scoro.errors import ConnectionBroken, NotFound, Refused, ScoroError, Unavailable
from clients.scoro.files import FileTooLargeError, ScoroFiles
from db import attachments
from db.attachments import HeldFile, Holder
from db.changes import Taken
from db.connections import Connection
from db.database import Database
from schemas.errors import DocumentError, ErrorClass, Problem
from schemas.intacct.functions import Function
from schemas.kinds import Kind
from schemas.scoro import Document, File
from workers.bookmarks import Bookmarked, bookmarked
from workers.translation.attachments import (
    PlannedFile,
    attachment_function,
    base64_bytes,
    check_file,
    empty,
    planned,
    supdoc_id,
    takes_files,
    too_large,
    with_unique_names,
)

log = structlog.get_logger(__name__)

MAX_KEPT_BYTES = 200_000_000
"""Contents that are kept for a connection at the most, until they stand in Intacct."""
DOWNLOAD_TRIES = 3
"""Readings of a document after which a file that cannot be read now fails, so that it does not hold its document."""
FUNCTION_BYTES = 4_000
"""What a request needs beside the files of one function."""
UNREAD = "not read"
"""In place of the digest of a content that was not read."""
START_BYTES = 16
"""As many of a content tell its type."""


@dataclass(frozen=True, slots=True)
class FilesPlan:
    """What becomes of the files of a document.

    `function` sends `files` next, those that an operation carries already and that has not left included; None: there
    is nothing to send now. `later` are to be planned once this has settled. `named`: the document names the record.
    """

    record_id: str
    holder: Holder
    function: Function | None = None
    files: tuple[PlannedFile, ...] = ()
    later: tuple[File, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    """Names in Scoro of the files, by their ids."""
    failed: tuple[tuple[File, Problem], ...] = ()
    left_out: tuple[tuple[File, str], ...] = ()
    gone: tuple[int, ...] = ()
    """Files that were noted and are no longer attached, by their ids."""
    named: bool = False
    withdrawn: bool = False
    """Whether what waits is no longer to be sent: none of its files is attached any more."""
    notes: tuple[str, ...] = ()

    @property
    def verb(self) -> str:
        """What its function does to the record."""
        return "update" if self.holder.record_no else "create"

    @property
    def bytes(self) -> int:
        """What the contents take in a request."""
        return sum(base64_bytes(file.bytes) for file in self.files)


class Read(NamedTuple):
    """A document that may be sent, with its change."""

    taken: Taken
    document: Document
    linked: bool
    """Whether it stands in Intacct."""
    foreign: bool
    """Whether it stands there as a record that we did not write."""


def plan_files(
    db: Database, scoro: ScoroFiles, connection: Connection, documents: Sequence[Read], *, reads_contents: bool = True
) -> dict[int, FilesPlan]:
    """Plan the files of documents of one module, by the ledger's ids of the documents; raises ScoroError.

    Without `reads_contents` nothing is read or kept of the files themselves: what would be sent, but for the bytes.
    """
    settings = connection.settings.data.files
    documents = [
        read
        for read in documents
        if settings.enabled
        and (settings.start_date is None or read.document.date is None or read.document.date >= settings.start_date)
    ]
    if not documents:
        return {}
    module = documents[0].taken.module
    try:
        found = scoro.of(module, [read.document.id for read in documents]) or {}
        ids = [read.taken.document_id for read in documents]
        holders = db.run(lambda ledger: attachments.holders(ledger, connection.id, ids))
        noted = _noted(scoro, holders, found)
    except (ConnectionBroken, Refused, NotFound) as error:
        # the site told us the documents a moment ago: it is the files that are closed to us
        log.warning("files.unreadable", connection=connection.name, error=str(error))
        note = f"Its files could not be read in Scoro and were not sent: {error}"
        return {
            owner_id: FilesPlan("", Holder(owner_id), notes=(note,))
            for owner_id in (read.taken.document_id for read in documents)
        }
    file_ids = sorted({file.file_id for files in found.values() for file in files} | noted.keys())
    marked = bookmarked(scoro.client, connection, Kind.FILE.module, file_ids, of=Kind.FILE)
    plans: dict[int, FilesPlan] = {}
    for read in documents:
        holder, files = holders[read.taken.document_id], list(found.get(read.document.id, ()))
        wanted = holder.files.keys() - {file.file_id for file in files}
        files += [noted[i] for i in sorted(wanted) if i in noted and _is_attached(noted[i], module, read.document.id)]
        if files or holder.stands or holder.files:
            planner = _Planner(db, scoro, connection, read, holder, marked, reads_contents)
            plans[read.taken.document_id] = planner.plan(files)
    return plans


def _noted(scoro: ScoroFiles, holders: Mapping[int, Holder], found: Mapping[int, Sequence[File]]) -> dict[int, File]:
    """The files that the ledger has noted and that are still to go, as far as the documents' own did not show them."""
    shown = {file.file_id for files in found.values() for file in files}
    wanted = {
        file.file_id
        for holder in holders.values()
        for file in holder.files.values()
        if file.state in {"new", "waiting", "refused"}
    }
    missing = sorted(wanted - shown)
    return {file.file_id: file for file in scoro.read(missing)} if missing else {}


def _is_attached(file: File, module: str, record_id: int) -> bool:
    return file.is_attached_to(module, frozenset({record_id}))


@dataclass(slots=True)
class _Planner:
    """Plans the files of one document."""

    db: Database
    scoro: ScoroFiles
    connection: Connection
    read: Read
    holder: Holder
    marked: Bookmarked
    reads_contents: bool
    failed: list[tuple[File, Problem]] = field(default_factory=list)

    @property
    def taken(self) -> Taken:
        return self.read.taken

    @property
    def document(self) -> Document:
        return self.read.document

    def plan(self, files: Sequence[File]) -> FilesPlan:
        if not takes_files(self.taken.module, is_credit=self.document.kind in {Kind.CREDIT_INVOICE, Kind.CREDIT_BILL}):
            return self._without(files, "adjustments in Intacct have no place for files")
        if self.read.foreign and not self.holder.stands:
            return self._without(files, "its document was linked to a record that stood in Intacct: attach it there")
        record_id = self.holder.record_no or supdoc_id(self.taken.module, self.document.id)
        left_out = [(file, reason) for file in files if (reason := self._left_out(file))]
        wanted = [file for file in files if not self._left_out(file) and self._is_wanted(file)]
        if self.marked.problem is not None:
            self.failed = [(file, self.marked.problem) for file in wanted if self._is_to_be_decided(file)]
            wanted = [file for file in wanted if not self._is_to_be_decided(file)]
        plan = FilesPlan(
            record_id,
            self.holder,
            names={file.file_id: file.file_name for file in files},
            failed=tuple(self.failed),
            left_out=tuple(left_out),
            gone=tuple(self._gone(files)),
            named=self.holder.stands,
        )
        if self.holder.in_doubt or self.connection.state == "rehearsal" or (wanted and self._is_full()):
            return replace(plan, later=tuple(wanted))
        chosen, later = self._choose(wanted)
        plan = replace(plan, later=tuple(later), failed=tuple(self.failed))
        waiting = {i for i, held in self.holder.files.items() if held.state == "waiting"}
        if {file.file_id for file in chosen} == waiting:
            return plan  # what waits already is all there is
        if not chosen:
            return replace(plan, withdrawn=True, named=bool(self.holder.record_no))
        taken_names = [held.name for held in self.holder.files.values() if held.state in {"posted", "refused"}]
        named = tuple(with_unique_names(chosen, taken_names))
        function = attachment_function(
            record_id,
            f"{self.document.noun.capitalize()} {self.document.number}",
            named,
            exists=bool(self.holder.record_no),
        )
        return replace(plan, function=function, files=named, named=True)

    def _without(self, files: Sequence[File], reason: str) -> FilesPlan:
        notes = tuple(f"Its file {file.file_name} was left out: {reason}." for file in files)
        return FilesPlan("", self.holder, left_out=tuple((file, reason) for file in files), notes=notes)

    def _gone(self, files: Sequence[File]) -> list[int]:
        here = {file.file_id for file in files}
        open_states = {"new", "waiting", "refused"}
        return [i for i, held in self.holder.files.items() if held.state in open_states and i not in here]

    def _left_out(self, file: File) -> str:
        """Why a file is left alone."""
        return file.left_out or (self.marked.outside.get(file.file_id, "") if self._is_to_be_decided(file) else "")

    def _is_to_be_decided(self, file: File) -> bool:
        """Whether the bookmark has a say: not of what Intacct holds, or what is on its way."""
        return self._state(file.file_id) in {"new", "refused"}

    def _state(self, file_id: int) -> str:
        held = self.holder.files.get(file_id)
        return held.state if held else "new"

    def _is_wanted(self, file: File) -> bool:
        """Whether it is to be sent: one that Intacct refused only when a person asks."""
        state = self._state(file.file_id)
        if state in {"posted", "in_doubt"}:
            return False
        if self.taken.interactive or state == "waiting":
            return True
        on_demand = self.connection.settings.data.files.updates == "on_demand" and self.read.linked
        return state != "refused" and not on_demand

    def _choose(self, wanted: Sequence[File]) -> tuple[list[PlannedFile], list[File]]:
        """The files that go next, as far as one function holds them, and those that follow."""
        alone = [file for file in wanted if (held := self.holder.files.get(file.file_id)) and held.alone]
        limit = max(0, self.connection.settings.delivery.max_bytes - FUNCTION_BYTES)
        chosen: list[PlannedFile] = []
        later = [file for file in wanted if file not in alone] if alone else []
        room = limit
        for file in alone or wanted:
            too_many = alone and chosen
            told = base64_bytes(file.file_size or 0)
            if too_many or (chosen and told > room):
                later.append(file)
                continue
            found = self._with_content(file)
            if found is None:
                continue
            size = base64_bytes(found.bytes)
            if chosen and size > room:
                later.append(file)
                continue
            chosen.append(found)
            room -= size
        return chosen, later

    def _with_content(self, file: File) -> PlannedFile | None:
        """A file with its content kept; None where it fails, which is noted."""
        held = self.holder.files.get(file.file_id)
        if held is not None and held.digest and self._is_kept(held):
            return PlannedFile(file.file_id, held.name, held.type, held.bytes, held.digest)
        settings, name = self.connection.settings.data.files, self.document.label
        try:
            check_file(file, settings, name)
            if not self.reads_contents:
                return planned(file, b"", file.file_size or 0, UNREAD, name)
            content = self.scoro.content(file, settings.max_bytes)
            if not content:
                raise empty(file, name)
            digest = hashlib.sha256(content).hexdigest()
            found = planned(file, content[:START_BYTES], len(content), digest, name)
            self.db.run(lambda ledger: attachments.keep_content(ledger, self.connection.id, digest, content))
        except FileTooLargeError:
            self.failed.append((file, too_large(file, settings, name).problem))
        except DocumentError as error:
            self.failed.append((file, error.problem))
        except (NotFound, Refused) as error:
            self.failed.append((file, self._unread(file, error)))
        except Unavailable as error:
            if self.taken.attempts < DOWNLOAD_TRIES:
                raise
            self.failed.append((file, self._unread(file, error)))
        else:
            return found
        return None

    def _is_full(self) -> bool:
        return self.db.run(lambda ledger: attachments.kept_bytes(ledger, self.connection.id)) >= MAX_KEPT_BYTES

    def _is_kept(self, held: HeldFile) -> bool:
        return bool(self.db.run(lambda ledger: attachments.kept_digests(ledger, self.connection.id, [held.digest])))

    def _unread(self, file: File, error: ScoroError) -> Problem:
        return Problem(
            ErrorClass.UNAVAILABLE if isinstance(error, Unavailable) else ErrorClass.DATA,
            "file_unreadable",
            f"{file.label}, attached to {self.document.label}, cannot be read in Scoro: {error}",
            "Open the file in Scoro; if it opens, check what the API key may read, then send the file again.",
            field="file_id",
        )
