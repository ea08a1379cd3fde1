"""A client of one Scoro entity: API v2, always POST and JSON."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from clients.hosts import host_of
from clients.http import Answer, Poster
from clients.scoro.envelope import Limits, data_of, limits_of
from clients.scoro.errors import NotFound, Refused, Unavailable, from_transport
from clients.transport_errors import TransportError
from schemas.redaction import remember

DEADLINE_S = 60.0
"""Scoro ends its own work with a 408 before this."""

DETAILED_PAGE = 25
"""Rows of a detailed page, whatever is asked for (scoro-api, section 4)."""

PLAIN_PAGE = 100
"""Rows of a plain page, whatever is asked for."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024

ID_FIELDS: Mapping[str, str] = {
    "contacts": "contact_id",
    "projects": "project_id",
    "products": "product_id",
    "files": "file_id",
    "vatCodes": "vat_code_id",
    "financeObjects": "object_id",
    "tasks": "event_id",
    "statuses": "status_id",
}
"""The field that holds a record's id, by module; `id` for the others."""

_READS = frozenset({"list", "view", "pdf", "getRelatedObjects", "download", "settings", "filters"})

Record = dict[str, Any]
"""A record as Scoro tells it; numbers are int or Decimal, or text."""


class ScoroClient:
    """Calls Scoro in the name of one entity; safe to share between threads.

    `entity` is the `company_account_id`. With a company key bookmarks are out of reach, so a call that needs the
    user's token takes it where there is one. Raises ValueError for an address that is not https and public, unless
    `allow_local`; the address that a name leads to is looked at too, on each connection. `limiter` is asked before each
    call whether it may leave (with True for an urgent one) and raises Throttled if not; `on_limits` hears the limits of
    each answer.

    Every call raises a ScoroError (`clients.scoro.errors`).
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        user_token: str | None,
        entity: str,
        *,
        allow_local: bool = False,
        lang: str = "eng",
        app_id: str = "",
        deadline_s: float = DEADLINE_S,
        limiter: Callable[[bool], None] | None = None,
        on_limits: Callable[[Limits], None] | None = None,
    ) -> None:
        host_of(base_url, allow_local=allow_local)
        if not api_key and not user_token:
            raise ValueError("Scoro wants an API key or a user token")
        remember(api_key or "", user_token or "")
        self._root = base_url.rstrip("/").removesuffix("/api/v2") + "/api/v2"
        self._api_key = api_key
        self._user_token = user_token
        self._common = {"company_account_id": entity, "lang": lang}
        self._deadline_s = deadline_s
        self._limiter = limiter
        self._on_limits = on_limits
        self._urgent = False
        self._is_user = not api_key
        self._ignores_ids: set[str] = set()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        self._poster = Poster(
            headers | ({"scoro-app-id": app_id} if app_id else {}),
            max_answer_bytes=MAX_ANSWER_BYTES,
            public_only=not allow_local,
        )

    def urgent(self) -> Self:
        """The same client for what a person waits for: it may use what is kept of Scoro's limits."""
        client = copy.copy(self)
        client._urgent = True
        return client

    @property
    def has_user(self) -> bool:
        """Whether a user's token is there, without which bookmarks are out of reach."""
        return bool(self._user_token)

    def by_user(self) -> Self:
        """The same client in the name of the user whose token it has."""
        client = copy.copy(self)
        client._is_user = bool(self._user_token)
        return client

    def call(
        self,
        module: str,
        action: str,
        id: int | None = None,
        *,
        request: Mapping[str, Any] | None = None,
        on_leaving: Callable[[], None] | None = None,
        **top_level: Any,
    ) -> Any:
        """Call an action and return its `data`; `top_level` goes beside `request` (filter, page, …).

        `on_leaving` is called when the connection stands, right before the body leaves; what it raises comes through,
        with nothing done.
        """
        path = f"{module}/{action}" if id is None else f"{module}/{action}/{id}"
        key = self._key(module, top_level)
        body = json.dumps({**key, **self._common, **top_level, "request": request or {}}, default=_plain)
        is_write = action not in _READS
        try:
            answer = self._post(path, body, on_leaving=on_leaving)
        except TransportError as error:
            raise from_transport(error, path, is_write=is_write) from error
        return data_of(answer, path, is_write=is_write)

    def download(self, file_id: int, *, max_answer_bytes: int) -> Answer | None:
        """The answer of `files/download`, whose form is undocumented; None if it is larger than allowed."""
        path = f"files/download/{file_id}"
        body = json.dumps({**self._key("files", {}), **self._common, "request": {}})
        try:
            return self._post(path, body, max_answer_bytes)
        except TransportError as error:
            if error.too_large:
                return None
            raise from_transport(error, path, is_write=False) from error

    def view(self, module: str, id: int) -> Record | None:
        """A record in full, None if there is none; a deleted one says so itself (`is_deleted`)."""
        try:
            data = self.call(module, "view", id)
        except NotFound:
            return None
        except Refused as refused:
            if refused.says_not_found:
                return None
            raise
        return data if isinstance(data, dict) and data else None

    def list_page(
        self,
        module: str,
        *,
        filter: Mapping[str, Any] | None = None,
        page: int = 1,
        per_page: int | None = None,
        detailed: bool = False,
        include_deleted: bool = False,
        bookmark: str | None = None,
    ) -> list[Record]:
        """One page of a list, pages counted from 1. Unknown filters are ignored by Scoro: check the rows.

        Lines and custom fields are told by detailed lists only. `include_deleted` adds what was deleted in the last 30
        days; sent at both places where clients of Scoro have it.
        """
        top_level: dict[str, Any] = {"page": page, "per_page": per_page or (DETAILED_PAGE if detailed else PLAIN_PAGE)}
        if filter:
            top_level["filter"] = filter
        if detailed:
            top_level["detailed_response"] = True
        if include_deleted:
            top_level["include_deleted"] = 1
        if bookmark:
            top_level["bookmark"] = {"bookmark_id": bookmark}
        request = {"include_deleted": 1} if include_deleted else {}
        data = self.call(module, "list", request=request, **top_level)
        if data is None:
            return []
        if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
            raise Unavailable(f"{module}/list: the data is no list of records")
        return data

    def pages(
        self,
        module: str,
        *,
        filter: Mapping[str, Any] | None = None,
        detailed: bool = False,
        include_deleted: bool = False,
        bookmark: str | None = None,
    ) -> Iterator[list[Record]]:
        """All pages of a list, until a short or empty one. Rows may come twice where records change meanwhile."""
        per_page = DETAILED_PAGE if detailed else PLAIN_PAGE
        page, last = 1, None
        while True:
            rows = self.list_page(
                module,
                filter=filter,
                page=page,
                per_page=per_page,
                detailed=detailed,
                include_deleted=include_deleted,
                bookmark=bookmark,
            )
            # A site that ignores `page` would give the same rows for ever.
            if not rows or rows == last:
                return
            yield rows
            if len(rows) < per_page:
                return
            page, last = page + 1, rows

    def read_many(self, module: str, ids: Sequence[int]) -> dict[int, Record]:
        """Records in full by id, with as few calls as Scoro allows; unknown ids are missing, deleted records say so.

        Several are read by detailed lists filtered by id. A site that ignores that filter shows it by rows nobody asked
        for; from then on this client reads them one by one.
        """
        wanted = list(dict.fromkeys(ids))
        found: dict[int, Record] = {}
        if len(wanted) > 1:
            for start in range(0, len(wanted), DETAILED_PAGE):
                if module in self._ignores_ids:
                    break
                found |= self._read_listed(module, wanted[start : start + DETAILED_PAGE])
        for id in wanted:
            if id not in found:
                record = self.view(module, id)
                if record is not None:
                    found[id] = record
        return found

    def inside(self, module: str, ids: Sequence[int], bookmark: str) -> set[int]:
        """Which of these records a bookmark holds; the client must have a user's token.

        A site that ignores the filter by id beside a bookmark shows it by rows nobody asked for: then the whole
        bookmark is read.
        """
        id_field = ID_FIELDS.get(module, "id")
        wanted, held = set(ids), set[int]()
        for start in range(0, len(ids), PLAIN_PAGE):
            chunk = list(ids[start : start + PLAIN_PAGE])
            rows = self.list_page(module, filter={id_field: chunk}, bookmark=bookmark)
            found = _ids(rows, id_field)
            if not found <= set(chunk):
                return {id for page in self.pages(module, bookmark=bookmark) for id in _ids(page, id_field)} & wanted
            held |= found
        return held

    def modify(
        self,
        module: str,
        id: int | None,
        request: Mapping[str, Any],
        *,
        on_leaving: Callable[[], None] | None = None,
    ) -> Record:
        """Create (no id) or change a record; returns it as saved. A `lines` array replaces all lines."""
        data = self.call(module, "modify", id, request=request, return_data=1, on_leaving=on_leaving)
        return data if isinstance(data, dict) else {}

    def delete(self, module: str, id: int, *, on_leaving: Callable[[], None] | None = None) -> None:
        """Delete a record (Scoro keeps it for 30 days)."""
        self.call(module, "delete", id, on_leaving=on_leaving)

    def subscribe_webhook(self, module: str, url: str, bookmark: str | None = None) -> Record:
        """Have Scoro post every creation, change and deletion of a module to a URL; returns the subscription.

        With a bookmark, which takes a user's token, only of what it holds.
        """
        request = {"module": module, "action": "any", "actors": ["any"], "owners": ["any"], "url": url}
        caller = self
        if bookmark:
            request["bookmark_id"] = bookmark
            caller = self.by_user()
        data = caller.call("webhooks", "subscribe", request=request)
        return data if isinstance(data, dict) else {}

    def webhooks(self) -> list[Record]:
        """The subscriptions of the site."""
        return [row for page in self.pages("webhooks") for row in page]

    def unsubscribe(self, id: int) -> None:
        """End a subscription."""
        self.call("webhooks", "unsubscribe", id)

    @property
    def clock_ahead_s(self) -> float | None:
        """How far Scoro's clock was ahead of ours when it answered last; None where it did not tell."""
        return self._poster.clock_ahead_s

    def close(self) -> None:
        """End the kept-alive connections of all threads."""
        self._poster.close()

    def __enter__(self) -> Self:
        """Close with the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _post(
        self,
        path: str,
        body: str,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        on_leaving: Callable[[], None] | None = None,
    ) -> Answer:
        if self._limiter is not None:
            self._limiter(self._urgent)
        answer = self._poster.post(
            f"{self._root}/{path}",
            body.encode(),
            deadline_s=self._deadline_s,
            max_answer_bytes=max_answer_bytes,
            on_leaving=on_leaving,
        )
        if self._on_limits is not None:
            self._on_limits(limits_of(answer))
        return answer

    def _key(self, module: str, top_level: Mapping[str, Any]) -> dict[str, str]:
        """The credential of a call: the company key is turned away where bookmarks are meant (scoro-api, section 2)."""
        if self._user_token and (self._is_user or module == "bookmarks" or "bookmark" in top_level):
            return {"user_token": self._user_token}
        return {"apiKey": self._api_key or ""}

    def _read_listed(self, module: str, ids: Sequence[int]) -> dict[int, Record]:
        id_field = ID_FIELDS.get(module, "id")
        rows = self.list_page(module, filter={id_field: list(ids)}, detailed=True, include_deleted=True)
        by_id = {int(row[id_field]): row for row in rows if str(row.get(id_field, "")).isdecimal()}
        if not by_id.keys() <= set(ids):
            self._ignores_ids.add(module)
        return {id: by_id[id] for id in ids if id in by_id and _is_whole(module, by_id[id])}


def _ids(rows: Sequence[Record], id_field: str) -> set[int]:
    return {int(row[id_field]) for row in rows if str(row.get(id_field, "")).isdecimal()}


def _is_whole(module: str, row: Record) -> bool:
    """Whether a row is a record in full: one without lines is of a plain list, no document without lines."""
    return row.get("relations") is not None if module == "files" else row.get("lines", ()) is not None


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a request to Scoro")
