"""The `query` function: select, filter, order, page, over one object and one hop beyond it.

Without `orderby` the order changes with every call, as nothing promises one; rows that are equal in the order
asked for come in any order among themselves too.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from lxml import etree

from sandbox.intacct.answers import add
from sandbox.intacct.context import Call, Result
from sandbox.intacct.errors import refuse
from sandbox.intacct.filters import FilterCompiler, Typed, fixed_values, typed
from sandbox.intacct.objects import NOT_QUERYABLE, OBJECTS, ObjectSpec
from sandbox.intacct.seed import USER_DEFINED_DIMENSIONS
from sandbox.intacct.store import Record
from sandbox.intacct.values import text_of

Element = etree._Element

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 2000


class View:
    """One object as one call sees it: which fields there are, and what they hold."""

    def __init__(self, call: Call, spec: ObjectSpec) -> None:
        self._call = call
        self.spec = spec
        self._related: dict[tuple[str, str], Record] = {}

    def check_field(self, name: str) -> None:
        """Raise FunctionError for a field that the object and its relations have not got."""
        if not self._knows(self.spec, name):
            relation, _, field = name.partition(".")
            related = self.spec.relations.get(relation)
            if related is None or not self._knows(OBJECTS[related.object], field):
                raise refuse("unknown_fields", fields=name)

    def read(self, record: Record, name: str) -> str:
        """Read a field of a record, or of the record it points to."""
        if "." not in name or name in self.spec.fields:
            return str(record.get(name, ""))
        relation, _, field = name.partition(".")
        return str(self._follow(record, relation).get(field, ""))

    def records(self, fixed: Mapping[str, list[str]], *, show_private: bool) -> list[Record]:
        """Read the visible records that may match, through an index where the filter allows."""
        call = self._call
        found = self._candidates(fixed)
        if call.entity:
            found = [record for record in found if call.sees(record)]
        elif not show_private:
            found = [record for record in found if not record.get("MEGAENTITYID")]
        if not call.settings.tax_rows_in_lines:
            found = [record for record in found if not record.get("PARENTENTRY")]
        if self.spec.name == "ARADJUSTMENT" and call.settings.credit_totals == "absolute":
            found = [_absolute(record) for record in found]
        return found

    def _knows(self, spec: ObjectSpec, name: str) -> bool:
        if name.startswith("GLDIM"):
            return spec.name.endswith("ITEM") and name in USER_DEFINED_DIMENSIONS.values()
        return name in spec.fields or name in self._call.settings.custom_fields.get(spec.name, [])

    def _follow(self, record: Record, name: str) -> Record:
        relation = self.spec.relations[name]
        key = str(record.get(relation.via, ""))
        if (relation.object, key) not in self._related:
            store = self._call.store
            found = store.get(relation.object, key) if relation.by_recordno else store.find(relation.object, key)
            self._related[relation.object, key] = found or {}
        return self._related[relation.object, key]

    def _candidates(self, fixed: Mapping[str, list[str]]) -> list[Record]:
        store, spec = self._call.store, self.spec
        if "RECORDNO" in fixed:
            return store.numbered(spec.name, _numbers(fixed["RECORDNO"]))
        if spec.key and spec.key in fixed:
            return store.find_all(spec.name, fixed[spec.key])
        if spec.parent and spec.parent in fixed:
            return store.children(spec.name, _numbers(fixed[spec.parent]))
        for name, relation in spec.relations.items():
            key = f"{name}.{OBJECTS[relation.object].key}"
            if relation.via == spec.parent and key in fixed:
                headers = store.find_all(relation.object, fixed[key])
                return store.children(spec.name, [int(header["RECORDNO"]) for header in headers])
        return store.all(spec.name)


def query(call: Call, element: Element) -> Result:
    """Answer one `query`."""
    parts = {child.tag: child for child in element}
    name = text_of(parts["object"])
    if name not in OBJECTS or name in NOT_QUERYABLE:
        raise refuse("unknown_object", object=name)
    call.allow("query", name)
    view = View(call, OBJECTS[name])
    options = {child.tag: text_of(child) for child in parts.get("options", ())}
    if options.get("returnformat", "xml") != "xml":
        raise refuse("bad_query", detail="Only returnformat xml is supported here.")
    ignore_case = options.get("caseinsensitive") == "true"
    show_private = options.get("showprivate") == "true"

    rows = _matching(view, parts.get("filter"), ignore_case=ignore_case, show_private=show_private)
    _order(view, rows, parts.get("orderby"), ignore_case=ignore_case)
    size = _whole(parts.get("pagesize"), DEFAULT_PAGE_SIZE, 1, MAX_PAGE_SIZE)
    offset = _whole(parts.get("offset"), 0, 0, None)
    output = _select(view, rows, parts["select"])
    return Result(data=_page(name, output, size, offset))


def _matching(view: View, filter_: Element | None, *, ignore_case: bool, show_private: bool) -> list[Record]:
    if filter_ is None:
        return view.records({}, show_private=show_private)
    matches = FilterCompiler(view.read, view.check_field, ignore_case).compile(filter_[0])
    fixed = {} if ignore_case else fixed_values(filter_[0])
    return [record for record in view.records(fixed, show_private=show_private) if matches(record)]


def _order(view: View, rows: list[Record], orderby: Element | None, *, ignore_case: bool) -> None:
    random.shuffle(rows)
    for order in reversed(() if orderby is None else list(orderby)):
        field = text_of(order[0])
        view.check_field(field)
        descending = len(order) > 1 and order[1].tag == "descending"

        def key(record: Record, field: str = field) -> tuple[bool, Typed | None]:
            text = view.read(record, field)
            return (not text, typed(field, text, ignore_case=ignore_case) if text else None)

        filled = [row for row in rows if view.read(row, field)]
        empty = [row for row in rows if not view.read(row, field)]
        filled.sort(key=key, reverse=descending)
        rows[:] = filled + empty


def _select(view: View, rows: Sequence[Record], select: Element) -> list[dict[str, str]]:
    fields = [text_of(child) for child in select if child.tag == "field"]
    aggregates = [(child.tag, text_of(child)) for child in select if child.tag != "field"]
    for field in [*fields, *(field for _, field in aggregates)]:
        view.check_field(field)
    if not aggregates:
        return [{field: view.read(row, field) for field in fields} for row in rows]
    groups: dict[tuple[str, ...], list[Record]] = {} if fields else {(): []}
    for row in rows:
        groups.setdefault(tuple(view.read(row, field) for field in fields), []).append(row)
    return [
        {
            **dict(zip(fields, values, strict=True)),
            **{
                f"{function.upper()}.{field}": _aggregate(function, field, [view.read(m, field) for m in members])
                for function, field in aggregates
            },
        }
        for values, members in groups.items()
    ]


def _aggregate(function: str, field: str, texts: Sequence[str]) -> str:
    present = [text for text in texts if text]
    if function == "count":
        return str(len(present))
    if not present:
        return ""
    if function in ("min", "max"):
        choose: Callable[..., Any] = min if function == "min" else max
        return str(choose(present, key=lambda text: typed(field, text)))
    total = Decimal(0)
    for text in present:
        value = typed(field, text)
        if not isinstance(value, Decimal):
            raise refuse("bad_query", detail=f"{function} of {field}")
        total += value
    return str(total if function == "sum" else total / len(present))


def _page(name: str, output: Sequence[Mapping[str, str]], size: int, offset: int) -> Element:
    page = output[offset : offset + size]
    data = etree.Element(
        "data",
        listtype=name,
        totalcount=str(len(output)),
        offset=str(offset),
        count=str(len(page)),
        numremaining=str(max(0, len(output) - offset - len(page))),
    )
    for row in page:
        block = add(data, name)
        for field, text in row.items():
            add(block, field, text)
    return data


def _whole(element: Element | None, default: int, least: int, most: int | None) -> int:
    text = text_of(element)
    if element is None or not text:
        return default
    if not text.isdigit() or int(text) < least or (most is not None and int(text) > most):
        raise refuse("bad_query", detail=f"Invalid {element.tag} {text}.")
    return int(text)


def _numbers(texts: Sequence[str]) -> list[int]:
    return [int(text) for text in texts if text.isdigit()]


def _absolute(record: Record) -> Record:
    totals = {name for name in record if "TOTAL" in name or name == "TRX_ENTITYDUE"}
    return {name: value.lstrip("-") if name in totals else value for name, value in record.items()}
