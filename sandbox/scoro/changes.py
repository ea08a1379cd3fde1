"""From the object of a `modify` request to the header and lines that are kept.

What Scoro does not know, and what cannot be written, is ignored in silence: flat `c_x` keys, computed
sums, unknown fields. What it knows but cannot read is refused with the field's name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.scoro.errors import BadRequestError
from sandbox.scoro.fields import Field
from sandbox.scoro.modules import Module

NOT_A_RECORD = (0, -1)
"""Ids that stand for none: a line without product, a sub-heading, a project per line."""


@dataclass(frozen=True)
class Rules:
    """What a change is checked against: known custom fields, whether (module, id) exists, line ids."""

    custom_ids: frozenset[str]
    exists: Callable[[str, int], bool]
    kept_lines: Literal["merge", "replace"]
    new_ids: Callable[[int], int]


def changed_header(
    module: Module,
    held: Mapping[str, Any],
    given: Mapping[str, Any],
    rules: Rules,
) -> dict[str, Any]:
    """Return the header after a change; fields that are not given stay."""
    head = dict(held)
    _take(module.header, head, given, rules)
    head.update(module.fixed)
    return head


def changed_lines(module: Module, held: list[dict[str, Any]], given: Any, rules: Rules) -> list[dict[str, Any]]:
    """Return the whole collection after a change: lines left out are gone, a known `id` keeps its line."""
    if not isinstance(given, list) or not all(isinstance(line, dict) for line in given):
        raise BadRequestError("lines must be a list of objects", "lines")
    fields = module.lines or {}
    by_id = {line["id"]: line for line in held}
    known = [_known_id(line.get("id"), by_id) for line in given]
    next_id = rules.new_ids(known.count(None)) if None in known else 0
    lines = []
    for line_id, line in zip(known, given, strict=True):
        kept = by_id[line_id] if line_id is not None and rules.kept_lines == "merge" else {}
        line_now = dict(kept)
        _take(fields, line_now, line, rules)
        if line_id is None:
            line_id, next_id = next_id, next_id + 1  # noqa: PLW2901
        line_now["id"] = line_id
        lines.append(line_now)
    return lines


def _known_id(value: Any, by_id: Mapping[int, Any]) -> int | None:
    try:
        return int(value) if int(value) in by_id else None
    except (TypeError, ValueError):
        return None


def _take(
    fields: Mapping[str, Field],
    target: dict[str, Any],
    given: Mapping[str, Any],
    rules: Rules,
) -> None:
    for name, value in given.items():
        field = fields.get(name)
        if field is None or field.read_only:
            continue
        if field.kind == "custom":
            target[name] = _custom(target.get(name, []), value, rules.custom_ids)
            continue
        accepted = field.accept(value)
        if accepted == field.default:
            target.pop(name, None)
        else:
            target[name] = accepted
    for field in fields.values():
        if field.join and given.get(field.join.key) not in (None, "") and field.join.key in target:
            key = int(target[field.join.key])
            if key not in NOT_A_RECORD and not rules.exists(field.join.module, key):
                raise BadRequestError(f"{field.join.key} {key} does not exist", field.join.key)


def _custom(held: list[dict[str, Any]], given: Any, custom_ids: frozenset[str]) -> list[dict[str, Any]]:
    """Merge `[{"id": "c_x", "value": …}]` into the values held; unknown ids are ignored."""
    if given is None:
        return held
    if not isinstance(given, list):
        raise BadRequestError("custom_fields must be a list", "custom_fields")
    values = {item["id"]: item["value"] for item in held}
    for item in given:
        if isinstance(item, dict) and item.get("id") in custom_ids:
            values[item["id"]] = item.get("value")
    return [{"id": key, "value": value} for key, value in values.items() if value not in (None, "")]
