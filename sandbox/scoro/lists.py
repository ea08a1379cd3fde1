"""`list`: which records of a module a request asks for.

Filters work at the top level of the body only and by equality: text with `%` as wildcard, numbers by
value, an array as "one of", custom fields and means of contact nested, dates as ranges of days. A
filter on anything that a module does not have is ignored in silence.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from sandbox.scoro.errors import BadRequestError, ForbiddenError
from sandbox.scoro.fields import Field
from sandbox.scoro.modules import Module
from sandbox.scoro.settings import Settings
from sandbox.scoro.site import Site, visible
from sandbox.scoro.store import LARGEST_ID, Narrowed, Record

Test = Callable[[Record], bool]

MOST_IDS = 100
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def listed(site: Site, module: Module, body: Mapping[str, Any], entity: str, *, by_token: bool) -> list[dict[str, Any]]:
    """Return one page of a module as it goes on the wire."""
    detailed = _is_set(body.get("detailed_response"))
    page = _page(body, site.settings, detailed=detailed)
    filters = body.get("filter") or {}
    if not isinstance(filters, dict):
        raise BadRequestError("filter must be an object", "filter")
    narrowed, tests = _conditions(site, module, filters, body, entity)
    tests += _bookmarked(site, module, body, by_token=by_token)
    with site.store.lock:
        records = _chosen(site, module, _Query(narrowed, tests, page, detailed))
        if detailed:
            return [site.wire.full(module, record) for record in records]
        basic = _is_set(body.get("basic_data"))
        return [site.wire.plain(module, record, basic=basic) for record in records]


@dataclass(frozen=True)
class _Page:
    skip: int
    rows: int


@dataclass(frozen=True)
class _Query:
    narrowed: Narrowed
    tests: list[Test]
    page: _Page
    with_lines: bool


def _chosen(site: Site, module: Module, query: _Query) -> list[Record]:
    page = query.page
    if not query.tests:
        return list(
            site.store.select(
                module.storage, query.narrowed, with_lines=query.with_lines, limit=page.rows, offset=page.skip
            )
        )
    heads = (
        record
        for record in site.store.select(module.storage, query.narrowed, with_lines=False)
        if all(test(record) for test in query.tests)
    )
    found = list(islice(heads, page.skip, page.skip + page.rows))
    if not query.with_lines:
        return found
    return [record for head in found if (record := site.store.get(head.module, head.id)) is not None]


def _is_set(value: Any) -> bool:
    return value in (True, 1, "1", "true")


def _page(body: Mapping[str, Any], settings: Settings, *, detailed: bool) -> _Page:
    try:
        page = max(int(body.get("page") or 1), 1)
        per_page = max(int(body.get("per_page") or settings.default_page_size), 1)
    except (TypeError, ValueError) as error:
        raise BadRequestError("page and per_page must be numbers", "page") from error
    rows = min(per_page, settings.detailed_page_cap if detailed else settings.plain_page_cap)
    return _Page((page - 1) * rows, rows)


def _bookmarked(site: Site, module: Module, body: Mapping[str, Any], *, by_token: bool) -> list[Test]:
    """Return the tests that a bookmark stands for."""
    bookmark = body.get("bookmark")
    if not isinstance(bookmark, dict) or not bookmark.get("bookmark_id"):
        return []
    if not by_token and site.settings.bookmark_with_api_key == "ignore":
        return []
    if not by_token and site.settings.bookmark_with_api_key == "reject":
        raise ForbiddenError("bookmarks need a user_token", "bookmark")
    return bookmark_tests(site, module, str(bookmark["bookmark_id"]))


def bookmark_tests(site: Site, module: Module, bookmark_id: str) -> list[Test]:
    """Return the tests of what a bookmark of this module holds; BadRequestError where there is none."""
    with site.store.lock:
        for record in site.store.select("bookmarks"):
            if record.head["bookmark_id"] == bookmark_id and record.head["module"] == module.name:
                found = (_test(module, name, wanted) for name, wanted in record.head["_filter"].items())
                return [test for test in found if test is not None]
    raise BadRequestError(f"bookmark {bookmark_id} does not exist", "bookmark_id")


def _conditions(
    site: Site, module: Module, filters: Mapping[str, Any], body: Mapping[str, Any], entity: str
) -> tuple[Narrowed, list[Test]]:
    """Split the filters into what SQL decides and what is looked at record by record."""
    modified_from, modified_to = _moments(site, filters.get("modified_date"), module)
    ids = None
    tests: list[Test] = []
    for name, wanted in filters.items():
        if name == module.id_field and isinstance(wanted, (list, int, str)) and module.header[name].kind == "int":
            ids = _ids(wanted)
        elif name not in module.unfilterable and name != "modified_date":
            test = _test(module, name, wanted)
            if test is not None:
                tests.append(test)
    if module.fixed:
        tests.append(lambda record: visible(module, record, entity))
    if module.name == "files" and site.settings.file_relation_filter and "rel_type" in filters:
        tests.append(_relation_test(filters))
    return (
        Narrowed(
            entity if module.per_entity else None,
            ids,
            modified_from,
            modified_to,
            site.now() - site.settings.deleted_window_days * 86_400 if _wants_deleted(site, body) else None,
        ),
        tests,
    )


def _wants_deleted(site: Site, body: Mapping[str, Any]) -> bool:
    request = body.get("request")
    inner = _is_set(request.get("include_deleted")) if isinstance(request, dict) else False
    outer = _is_set(body.get("include_deleted"))
    return {"top": outer, "request": inner, "both": inner or outer}[site.settings.include_deleted_placement]


def _ids(wanted: Any) -> tuple[int, ...]:
    many = wanted if isinstance(wanted, list) else [wanted]
    try:
        return tuple(number for item in many[:MOST_IDS] if 0 < (number := int(item)) <= LARGEST_ID)
    except (TypeError, ValueError):
        return ()


def _moments(site: Site, wanted: Any, module: Module) -> tuple[float | None, float | None]:
    """Return the bounds of a modified_date filter; a day means its first second in the site's zone."""
    if not isinstance(wanted, dict) or "modified_date" not in module.header:
        return None, None
    return _moment(site, wanted.get("from_date")), _moment(site, wanted.get("to_date"))


def _moment(site: Site, text: Any) -> float | None:
    if text in (None, ""):
        return None
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError as error:
        raise BadRequestError(f"modified_date is malformed: {text!r}", "modified_date") from error
    if not site.settings.filter_time_of_day:
        moment = dt.datetime.combine(moment.date(), dt.time())
    return (moment if moment.tzinfo else moment.replace(tzinfo=site.wire.zone)).timestamp()


def _test(module: Module, name: str, wanted: Any) -> Test | None:
    """Return the test of one filter, or None if the module does not know it."""
    field = module.header.get(name)
    if field is None or field.join is not None:
        return None
    if field.kind in {"list", "object", "stamp"} and name != "means_of_contact":
        return None
    if field.kind == "custom":
        return _custom_test(wanted) if isinstance(wanted, dict) else None
    if name == "means_of_contact":
        return _contact_test(wanted) if isinstance(wanted, dict) else None
    if isinstance(wanted, dict):
        return _range_test(field, wanted) if field.kind == "date" else None

    def value_of(record: Record) -> Any:
        if name == module.id_field:
            return record.head.get(name, record.id)
        if name == "account_id":
            return record.entity
        if name == "is_deleted":
            return int(record.deleted is not None)
        return record.head.get(name, field.default)

    return lambda record: matches(value_of(record), wanted)


def _range_test(field: Field, wanted: Mapping[str, Any]) -> Test | None:
    first, last = str(wanted.get("from_date") or ""), str(wanted.get("to_date") or "")
    if not first and not last:
        return None
    for bound in filter(None, (first, last)):
        if not _DAY.match(bound):
            raise BadRequestError(f"{field.name} is malformed: {bound!r}", field.name)

    def test(record: Record) -> bool:
        day = str(record.head.get(field.name) or "")
        return bool(day) and (not first or day >= first[:10]) and (not last or day <= last[:10])

    return test


def _custom_test(wanted: Mapping[str, Any]) -> Test:
    def test(record: Record) -> bool:
        held = {item["id"]: item["value"] for item in record.head.get("custom_fields", [])}
        return all(matches(held.get(key, ""), value) for key, value in wanted.items())

    return test


def _contact_test(wanted: Mapping[str, Any]) -> Test:
    def test(record: Record) -> bool:
        means = record.head.get("means_of_contact", {})
        return all(any(matches(item, value) for item in means.get(key, [])) for key, value in wanted.items())

    return test


def _relation_test(filters: Mapping[str, Any]) -> Test:
    def test(record: Record) -> bool:
        related = record.head.get("relations", {}).get(str(filters["rel_type"]), [])
        return "rel_id" not in filters or any(matches(item, filters["rel_id"]) for item in related)

    return test


def matches(held: Any, wanted: Any) -> bool:
    """Compare as the API does: lists mean one of, numbers by value, text without case and with `%`."""
    if isinstance(wanted, list):
        return any(matches(held, item) for item in wanted)
    if isinstance(held, list):
        return any(matches(item, wanted) for item in held)
    left, right = "" if held is None else str(held), "" if wanted is None else str(wanted)
    if isinstance(wanted, bool):
        right = str(int(wanted))
    if "%" in right:
        pattern = ".*".join(re.escape(part) for part in right.split("%"))
        return re.fullmatch(pattern, left, re.IGNORECASE | re.DOTALL) is not None
    return left.casefold() == right.casefold() or _same_number(left, right)


def _same_number(left: str, right: str) -> bool:
    try:
        return Decimal(left) == Decimal(right)
    except InvalidOperation:
        return False
