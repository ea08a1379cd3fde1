"""Files of documents in Scoro: which there are, and their contents.

What the API does not document stands here (scoro-api, A10):

- The files of a document are asked for by a filter on the relation. Filters that Scoro does not know are ignored in
  silence, so the filter is believed only once it has shown that it works: on a file whose relation was read without
  it. Until then, and where it does not work, all files are listed with their relations; what `n` calls have read
  counts for `SCAN_S_PER_CALL` seconds for each call but the first. Where there are so many that this takes more than
  `FEW_CALLS`, only those ask for all who have the time.
- A download answers with the bytes, or with JSON that holds them as base64.
"""

import base64
import binascii
import json
import re
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import structlog

from clients.http import Answer
from clients.scoro.client import DETAILED_PAGE, Record, ScoroClient
from clients.scoro.envelope import data_of
from clients.scoro.errors import ConnectionBroken, Refused, Unavailable
from schemas.errors import DocumentError
from schemas.scoro.files import File, read_file, relation_module

FEW_CALLS = 4
"""Calls that may list all files while a document waits."""
MANY_S = 600.0
"""How long a site that has more files is not asked for all of them while a document waits."""
SCAN_S_PER_CALL = 2.0
"""How long a reading of all files counts, for each call that it took but one."""
FIRST_GAP_S = 60.0
"""Where only views tell relations: a file that was attached to nothing is viewed again after that long."""
GAPS_GROW = 4
"""And then once it has been known so many times as long."""
BASE64_ROOM = 1.4
"""How much larger base64 in JSON is than its bytes, at the most."""
ENVELOPE_BYTES = 16 * 1024

log = structlog.get_logger(__name__)

_CONTENT_KEYS = ("content", "file_content", "file_data", "data", "chunk_data", "base64", "file", "file_contents")
_DATA_URI = re.compile(r"data:[^,]{0,200};base64,")


class FileTooLargeError(Exception):
    """A content is larger than asked for; nothing of it was kept."""


class _Viewed(NamedTuple):
    """A file as a view told it, when it was first viewed and when last."""

    file: File
    first_at: float
    last_at: float

    @property
    def holds(self) -> bool:
        """Whether it need not be viewed again: it is attached to something, or was not the last times, ever rarer."""
        gap = max(FIRST_GAP_S, GAPS_GROW * (self.last_at - self.first_at))
        return bool(self.file.relations) or time.monotonic() < self.first_at + gap


class ScoroFiles:
    """Finds and downloads files through a client; safe to share between threads.

    Every method raises a ScoroError (`clients.scoro.errors`).
    """

    def __init__(self, client: ScoroClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._filter_works: dict[str, bool] = {}
        """By module; absent: not known yet."""
        self._types: dict[str, str] = {}
        """Module -> how this site spells its type in relations."""
        self._viewed: dict[int, _Viewed] = {}
        """Files whose relations only a view of each tells."""
        self._every: tuple[File, ...] = ()
        self._every_until = float("-inf")
        self._many_until = float("-inf")
        self.calls_of_last_reading = 0
        """How many calls it took to list all files."""

    @property
    def client(self) -> ScoroClient:
        """What it asks through."""
        return self._client

    def of(self, module: str, ids: Collection[int]) -> dict[int, list[File]] | None:
        """The files attached to these records of a module, by record, deleted ones left out; None: it takes too long.

        Then only `every` tells.
        """
        if not ids:
            return {}
        wanted = frozenset(ids)
        found = self._filtered(module, wanted) if self._filter_works.get(module) else None
        if found is None:
            every = self.every(FEW_CALLS)
            if every is None:
                return None
            if module not in self._filter_works:
                self._try_filter(module, every)
            found = [file for file in every if file.is_attached_to(module, wanted)]
        attached: dict[int, list[File]] = {}
        for file in sorted(found, key=lambda file: file.file_id):
            for record_id in sorted(wanted.intersection(file.relations.get(module, ()))):
                attached.setdefault(record_id, []).append(file)
        return attached

    def every(self, max_calls: int | None = None) -> tuple[File, ...] | None:
        """All files that are not deleted, with their relations, as of the last reading; None: `max_calls` do not do."""
        with self._lock:
            if time.monotonic() < self._every_until:
                return self._every
            if max_calls is not None and time.monotonic() < self._many_until:
                return None
            calls = 0
            found: dict[int, File] = {}
            for page in self._client.pages("files", detailed=True):
                calls += 1
                for row in page:
                    file, viewed = self._told(row)
                    calls += viewed
                    if file is not None:
                        found[file.file_id] = file
                if max_calls is not None and calls >= max_calls and len(page) >= DETAILED_PAGE:
                    self._many_until = time.monotonic() + MANY_S
                    return None
            self._every = tuple(found.values())
            self.calls_of_last_reading = calls
            self._every_until = time.monotonic() + SCAN_S_PER_CALL * max(0, calls - 1)
            return self._every

    def read(self, ids: Sequence[int]) -> list[File]:
        """Files by their ids, with their relations; those that are deleted, unreadable or unknown are missing."""
        told = (self._told(record)[0] for record in self._client.read_many("files", ids).values())
        return [file for file in told if file is not None]

    def content(self, file: File, max_bytes: int) -> bytes:
        """The bytes of a file; raises FileTooLargeError beyond `max_bytes`, Refused for what is no content."""
        room = int(max_bytes * BASE64_ROOM) + ENVELOPE_BYTES
        answer = self._client.download(file.file_id, max_answer_bytes=room)
        if answer is None:
            raise FileTooLargeError(f"{file.label} is larger than {max_bytes} bytes")
        try:
            content = _content(answer, file)
        except ConnectionBroken as error:
            # the site lets us read everything else: it is this file that is closed to us
            raise Refused(str(error), (str(error),), answer.status) from error
        if len(content) > max_bytes:
            raise FileTooLargeError(f"{file.label} has {len(content)} bytes, more than {max_bytes}")
        return content

    def _filtered(self, module: str, wanted: frozenset[int]) -> list[File] | None:
        """Files by the filter; None where it turns out not to work."""
        filter = {"rel_type": self._types.get(module, module), "rel_id": sorted(wanted)}
        found: dict[int, File] = {}
        for page in self._client.pages("files", filter=filter, detailed=True):
            for row in page:
                file, _ = self._told(row)
                if file is None:
                    continue
                if not file.is_attached_to(module, wanted):
                    self._filter_works[module] = False
                    return None
                found[file.file_id] = file
        return list(found.values())

    def _try_filter(self, module: str, every: Sequence[File]) -> None:
        """Whether the filter finds exactly the files of a record that has some; not known while none has."""
        example = next((file.relations[module][0] for file in every if file.relations.get(module)), None)
        if example is None:
            return
        found = self._filtered(module, frozenset({example}))
        if found is not None:
            expected = {file.file_id for file in every if example in file.relations.get(module, ())}
            self._filter_works[module] = expected <= {file.file_id for file in found}

    def _told(self, row: Record) -> tuple[File | None, int]:
        """A row of a list as a file, and the calls that its relations took; None for what is deleted or unreadable."""
        viewed, known = 0, None
        if row.get("relations") is None:
            file_id = str(row.get("file_id", ""))
            known = self._viewed.get(int(file_id)) if file_id.isdecimal() else None
            if known is not None and known.holds:
                return (None if known.file.is_deleted else known.file), 0
            viewed = 1
            row = (self._client.view("files", int(file_id)) if file_id.isdecimal() else None) or row
        if isinstance(told := row.get("relations"), dict):
            self._types.update({relation_module(name): name for name in told})
        try:
            file = read_file(row)
        except DocumentError as error:
            log.warning("scoro.unreadable_file", error=str(error))
            return None, viewed
        if viewed:
            now = time.monotonic()
            self._viewed[file.file_id] = _Viewed(file, known.first_at if known else now, now)
        return (None if file.is_deleted else file), viewed


def _content(answer: Answer, file: File) -> bytes:
    """The bytes that an answer to `files/download` holds, in either form."""
    what = f"files/download/{file.file_id}"
    if answer.status == 200 and len(answer.body) == file.file_size:
        return answer.body
    if _is_envelope(answer.body):
        data = data_of(answer, what, is_write=False)
        found = list(_decoded(data))
        if not found:
            raise Refused(f"{what}: the answer holds no content", ("the answer holds no content",), answer.status)
        return next((content for content in found if len(content) == file.file_size), found[0])
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if answer.status != 200:
        data_of(answer, what, is_write=False)
    if answer.status != 200 or (kind == "text/html" and not file.file_name.casefold().endswith((".html", ".htm"))):
        raise Unavailable(f"{what}: something else came instead of the file (HTTP {answer.status}, {kind})")
    return answer.body


def _is_envelope(body: bytes) -> bool:
    if body.lstrip()[:1] != b"{":
        return False
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(told, dict) and ("status" in told or "statusCode" in told) and ("data" in told or "messages" in told)
    )


def _decoded(data: Any) -> Iterator[bytes]:
    """What of the data is base64, the likeliest first."""
    if isinstance(data, str):
        texts: list[Any] = [data]
    elif isinstance(data, Mapping):
        names = sorted(
            data, key=lambda name: _CONTENT_KEYS.index(name) if name in _CONTENT_KEYS else len(_CONTENT_KEYS)
        )
        texts = [data[name] for name in names]
    elif isinstance(data, list):
        texts = list(data)
    else:
        return
    for text in texts:
        if isinstance(text, (Mapping, list)):
            yield from _decoded(text)
        elif isinstance(text, str):
            try:
                yield base64.b64decode("".join(_DATA_URI.sub("", text, 1).split()), validate=True)
            except (binascii.Error, ValueError):
                continue
