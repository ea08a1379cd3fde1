"""The settings of a connection as a form: one field each, described by the model itself, with names to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.settings import ConnectionSettings, SettingRow, choices, describe

SECTIONS = {
    "data": "Data and directions",
    "schedule": "When it is sent",
    "pull": "Looking into Intacct",
    "defaults": "New documents",
    "accounts": "Accounts",
    "taxes": "Taxes",
    "dimensions": "Dimensions",
    "location": "Location",
    "matching": "Customers and vendors",
    "memo": "Texts of lines",
    "closed_period": "Closed periods",
    "limits": "Limits",
    "notify": "E-mail",
    "quick_actions": "Quick actions",
    "delivery": "Packing",
}
"""The settings by the first part of their keys, in the order in which people need them."""

WANTED, WAS = "set:", "was:"
"""What the names of fields begin with: as it is to be, and as it was when the form was made."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value to choose, with what people call it."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One setting: with `choices` nothing else is allowed; `names` is the list (of `lists`) that it suggests from."""

    key: str
    label: str
    value: str
    was: str
    default: str
    meaning: str
    example: str
    choices: Sequence[Choice]
    names: str


def changes_of(form: Mapping[str, str]) -> list[tuple[str, str]]:
    """The keys of a form whose value is another one now; what somebody else changed meanwhile is left alone."""
    wanted = []
    for name, value in form.items():
        key = name.removeprefix(WANTED)
        if name.startswith(WANTED) and value.strip() != form.get(WAS + key, "").strip():
            wanted.append((key, value))
    return wanted


def fields(
    settings: ConnectionSettings, sides: Mapping[str, Sequence[Mapping[str, Any]]], typed: Mapping[str, str]
) -> dict[str, list[Field]]:
    """Every setting by section; open maps get a field for each of the other side's names."""
    rows: dict[str, list[Field]] = {section: [] for section in SECTIONS}
    for row in _with_entries(describe(settings), sides):
        section = row.key.split(".")[0]
        if section in rows:
            rows[section].append(_field(row, sides, typed))
    return rows


def _with_entries(rows: Sequence[SettingRow], sides: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[SettingRow]:
    """The rows, with one for each entry that an open map could have, instead of the map itself."""
    set_already = {row.key for row in rows}
    values = {row.key: row.value for row in rows}
    heads = [row.key.partition("{")[0] for row in rows if "{" in row.key]
    found: list[SettingRow] = []
    for row in rows:
        head, brace, _ = row.key.partition("{")
        if not brace:
            if not row.key.startswith(tuple(heads)):
                found.append(row)
            continue
        entries = {f"{head}{part}" for part in _parts(head, sides)}
        entries |= {key for key in set_already if key.startswith(head) and "{" not in key}
        found += [SettingRow(key, values.get(key, ""), "", row.meaning, row.example) for key in sorted(entries)]
    return found


def _parts(head: str, sides: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """What the entries of a map are called: Scoro's VAT codes, its accounts, Intacct's dimensions."""
    if head == "taxes.":
        return [str(row["key"]) for row in sides.get("scoro.vat_code", ())]
    if head == "accounts.map.":
        return [str(row["key"]) for row in sides.get("scoro.account", ())]
    return [topic.removeprefix("intacct.dimension:") for topic in sides if topic.startswith("intacct.dimension:")]


def _field(row: SettingRow, sides: Mapping[str, Sequence[Mapping[str, Any]]], typed: Mapping[str, str]) -> Field:
    return Field(
        key=row.key,
        label=_label(row.key, sides),
        value=typed.get(WANTED + row.key, row.value),
        was=row.value,
        default=row.default,
        meaning=row.meaning,
        example=row.example,
        choices=[Choice(value, value.replace("_", " ")) for value in choices(row.key)],
        names=_names(row.key),
    )


def _label(key: str, sides: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """What people call a key: its own words, or the other side's name."""
    head, _, part = key.rpartition(".")
    topic = {"taxes": "scoro.vat_code", "accounts.map": "scoro.account"}.get(head)
    for row in sides.get(topic or "", ()):
        if str(row["key"]) == part:
            return _named(row["data"], part)
    return ": ".join(word.replace("_", " ") for word in key.split(".")[1:]) or key.replace("_", " ")


def _names(key: str) -> str:
    """Which of Intacct's names a key takes; empty where any text will do."""
    head = key.rpartition(".")[0]
    if head == "taxes":
        return "intacct.tax_detail"
    if head == "accounts.map" or key in {"accounts.tax_line", "accounts.rounding", "accounts.discount"}:
        return "intacct.account"
    return "intacct.dimension:LOCATION" if key == "location" else ""


def lists(sides: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[Choice]]:
    """The names that fields suggest from, each list once however many fields share it."""
    topics = ("intacct.tax_detail", "intacct.account", "intacct.dimension:LOCATION")
    return {
        topic: [Choice(str(row["key"]), _named(row["data"], str(row["key"]))) for row in sides[topic] if row["active"]]
        for topic in topics
        if topic in sides
    }


def _named(data: Mapping[str, Any], key: str) -> str:
    number = data.get("symbol") or data.get("code") or ""
    name = data.get("title") or data.get("name") or data.get("detail_id") or ""
    rate = data.get("percent") or data.get("rate")
    text = " ".join(str(part) for part in (number, name) if part) or key
    return f"{text} ({_percent(rate)} %)" if rate not in (None, "") else text


def _percent(rate: object) -> str:
    """A rate without the zeros that Scoro and Intacct write behind it."""
    text = str(rate)
    return text.rstrip("0").rstrip(".") if "." in text else text
