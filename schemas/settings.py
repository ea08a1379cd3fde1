"""The settings of a connection: one validated model, changed by dotted keys.

Each field describes itself, with an example; `describe` lists them for people, `set_key` changes one from text as
it is typed on the command line (`taxes.1`, `accounts.map.17`, `delivery.linger_ms`). What is not set is the default.

SettingError         the key is unknown or the value is not allowed; says what would be
"""

import difflib
import json
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from schemas.kinds import Kind

MEMO_PLACEHOLDERS = ("number", "project", "product", "comment")
ID_PLACEHOLDERS = ("contact_id", "id_code", "vatno", "reference_no")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SCHEDULE_AT = re.compile(rf"(?:(?:{'|'.join(WEEKDAYS)}|[1-9]|[12][0-9]|3[01]) )?(?:[01][0-9]|2[0-3]):[0-5][0-9]")
FILE_TYPE = re.compile(r"[a-z0-9]{1,10}")
EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+")


class SettingError(ValueError):
    """A setting cannot be changed like this; the message names the key and what is allowed."""


def _placeholders(template: str, known: tuple[str, ...]) -> set[str]:
    try:
        parts = [part for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise ValueError(f"a bracket is not closed; placeholders look like {{{known[0]}}}") from error
    if any(form or conversion for _, _, form, conversion in parts):
        raise ValueError(f"placeholders look like {{{known[0]}}}, without ':' or '!'")
    names = {name or "" for _, name, _, _ in parts}
    if unknown := sorted(names - set(known)):
        allowed = " ".join(f"{{{name}}}" for name in known)
        raise ValueError(f"unknown placeholder {{{unknown[0]}}}; known are {allowed}")
    return names


def _memo_template(template: str) -> str:
    _placeholders(template, MEMO_PLACEHOLDERS)
    return template


def _id_template(template: str) -> str:
    if not _placeholders(template, ID_PLACEHOLDERS):
        raise ValueError("without a placeholder such as {contact_id} all customers would get one id")
    return template


def _emails(addresses: tuple[str, ...]) -> tuple[str, ...]:
    for address in addresses:
        if not EMAIL.fullmatch(address):
            raise ValueError(f"{address!r} is not an e-mail address")
        if not address.isascii():
            raise ValueError(f"{address!r} holds letters beyond ASCII: write its domain as xn--…")
    return addresses


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class SyncedSettings(_Section):
    """What is synced of one kind of document."""

    enabled: bool = Field(True, description="Whether they are synced at all.", examples=["true"])
    start_date: date | None = Field(
        None,
        description="Documents dated before this day are left alone; unset: the day of connecting.",
        examples=["2026-01-01"],
    )
    updates: Literal["auto", "on_demand"] = Field(
        "auto", description="Whether edits follow by themselves or only when a person sends them.", examples=["auto"]
    )
    bookmark: str | None = Field(
        None, description="Id of the bookmark in Scoro outside which documents are left alone.", examples=["111"]
    )
    on_delete: Literal["hold", "delete_draft", "reverse"] = Field(
        "hold", description="What happens in Intacct when one is deleted in Scoro.", examples=["hold"]
    )

    def starts_on(self, connected_on: date) -> date:
        """Return the first document date that is synced, given the day of connecting."""
        return self.start_date or connected_on


class BillSettings(SyncedSettings):
    """What is synced of bills, and which way."""

    direction: Literal["from_scoro", "to_scoro"] = Field(
        "from_scoro", description="Whether bills go from Scoro to Intacct or the other way.", examples=["to_scoro"]
    )
    status_filter: Literal["draft", "submitted", "posted"] = Field(
        "posted",
        description="Which bills of Intacct come to Scoro: draft: all; submitted: all but drafts; posted: those that "
        "are posted, selected for payment or paid.",
        examples=["submitted"],
    )


def _file_types(types: tuple[str, ...]) -> tuple[str, ...]:
    for kind in types:
        if not FILE_TYPE.fullmatch(kind):
            raise ValueError(f"{kind!r} is not the ending of a file; endings look like pdf, without a dot")
    return tuple(dict.fromkeys(types))


class ReceiptSettings(SyncedSettings):
    """What is synced of payments in Intacct, which become receipts in Scoro."""

    updates: Literal["auto", "on_demand"] = Field(
        "auto",
        description="Whether payments come by themselves or only when a person asks (`fetch`, `sync now`).",
        examples=["auto"],
    )
    bookmark: str | None = Field(
        None,
        description="Id of the bookmark of invoices in Scoro outside which invoices get no receipts.",
        examples=["111"],
    )
    on_delete: Literal["hold", "delete_draft", "reverse"] = Field(
        "reverse",
        description="What happens in Scoro when a payment is taken back in Intacct: hold: the receipt stays, for a "
        "person to decide; else it is deleted.",
        examples=["hold"],
    )


class ProjectSettings(SyncedSettings):
    """What is synced of projects."""

    on_delete: Literal["hold", "delete_draft", "reverse"] = Field(
        "hold",
        description="What happens in Intacct when one is deleted in Scoro: hold: it stays as it is, for a person to "
        "decide; else it is made inactive.",
        examples=["reverse"],
    )


class FileSettings(SyncedSettings):
    """What is synced of files, and which are left out."""

    on_delete: Literal["hold", "delete_draft", "reverse"] = Field(
        "hold",
        description="What happens in Intacct when one is deleted in Scoro: whatever is set it stays, for a person to "
        "decide, as Intacct's API cannot take a single file away.",
        examples=["hold"],
    )
    max_bytes: int = Field(
        10_000_000,
        ge=1,
        le=100_000_000,
        description="Larger files are left out, with a failure of the file alone; one larger than delivery.max_bytes "
        "goes in a request of its own.",
        examples=["5000000"],
    )
    types: Annotated[tuple[str, ...], AfterValidator(_file_types)] = Field(
        (),
        description="Endings of the files that are sent, separated by commas; unset: all.",
        examples=["pdf,png,jpg"],
    )


class DataSettings(_Section):
    """What is synced, by kind of document; credit documents follow their kind."""

    invoices: SyncedSettings = SyncedSettings()
    bills: BillSettings = BillSettings()
    expenses: SyncedSettings = SyncedSettings()
    receipts: ReceiptSettings = ReceiptSettings()
    files: FileSettings = FileSettings()
    projects: ProjectSettings = ProjectSettings()

    def of(self, kind: Kind) -> SyncedSettings:
        """Return what is set for a kind of document."""
        chosen: SyncedSettings = getattr(self, kind.module)
        return chosen


class DefaultSettings(_Section):
    """What new documents get in Intacct."""

    invoice_status: Literal["draft", "submitted"] = Field(
        "submitted", description="State in which new invoices are made in Intacct.", examples=["draft"]
    )
    bill_status: Literal["draft", "submitted"] = Field(
        "submitted", description="State in which new bills are made in Intacct.", examples=["draft"]
    )


class MemoSettings(_Section):
    """The text of lines in Intacct."""

    template: Annotated[str, AfterValidator(_memo_template)] = Field(
        "{product} {comment}",
        description="What a line's memo says; placeholders {number} {project} {product} {comment}.",
        examples=["{number}: {product} {comment}"],
    )


NumberKeys = dict[Annotated[str, Field(pattern=r"^[0-9]{1,18}$")], Annotated[str, Field(min_length=1)]]


class AccountSettings(_Section):
    """Which accounts of Intacct lines go to."""

    map: NumberKeys = Field(
        default_factory=dict,
        description="ACCOUNTNO for Scoro's finance account with this id; unset: the account of equal symbol or name.",
        examples=["accounts.map.17=4000"],
    )
    tax_line: str | None = Field(
        None, description="Account of the VAT lines where Intacct has no tax solution.", examples=["2200"]
    )
    rounding: str | None = Field(
        None, description="Account of rounding lines; unset: the account of the largest line.", examples=["4910"]
    )
    discount: str | None = Field(
        None,
        description="Account of discount lines; unset: the account of the largest discounted line.",
        examples=["4920"],
    )
    payment_bank: str | None = Field(
        None,
        description="Receipt account of Scoro, by id or name, on which payments of Intacct are booked; unset: the one "
        "with the name or id of the payment's bank, else the only one.",
        examples=["3"],
    )
    ap_credit_sign: Literal["negative", "positive"] | None = Field(
        None,
        description="Sign of the lines of an AP adjustment that reduces what is owed; unset: credit bills are refused "
        "until it is confirmed.",
        examples=["negative"],
    )


DimensionName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


class DimensionSettings(_Section):
    """Where dimensions of Intacct are held in Scoro, and on which documents they are sent."""

    fields: dict[DimensionName, Annotated[str, Field(pattern=r"^c_\w+$")]] = Field(
        default_factory=dict,
        description="Custom field of Scoro that holds the dimension with this objectName.",
        examples=["dimensions.fields.DEPARTMENT=c_department"],
    )
    invoices: dict[DimensionName, bool] = Field(
        default_factory=dict,
        description="Whether the dimension is sent with invoices.",
        examples=["dimensions.invoices.DEPARTMENT=true"],
    )
    bills: dict[DimensionName, bool] = Field(
        default_factory=dict,
        description="Whether the dimension is sent with bills and expenses.",
        examples=["dimensions.bills.DEPARTMENT=true"],
    )

    def sent_with(self, documents: Literal["invoices", "bills"]) -> dict[str, str]:
        """Return dimension -> custom field of those that are sent with invoices, or with bills and expenses."""
        chosen: dict[str, bool] = getattr(self, documents)
        return {name: field for name, field in self.fields.items() if chosen.get(name)}


class MatchingSettings(_Section):
    """How Scoro's contacts find their counterparts in Intacct."""

    customer_key: Annotated[str, Field(pattern=r"^(id_code|vatno|reference_no|name|c_\w+)$")] = Field(
        "id_code",
        description="Field of the contact by which a customer is found: id_code and vatno are compared with TAXID, "
        "reference_no and custom fields (c_...) with CUSTOMERID, name with NAME.",
        examples=["vatno"],
    )
    create_customers: bool = Field(
        True, description="Whether a customer that Intacct does not know is made there.", examples=["false"]
    )
    vendor_key: Annotated[str, Field(pattern=r"^(id_code|vatno|reference_no|name|c_\w+)$")] = Field(
        "id_code",
        description="Field of the contact by which a vendor is found, compared as for customers.",
        examples=["vatno"],
    )
    create_vendors: bool = Field(
        True, description="Whether a vendor that Intacct does not know is made there.", examples=["false"]
    )
    id_template: Annotated[str, Field(max_length=60), AfterValidator(_id_template)] = Field(
        "SCORO-{contact_id}",
        description="CUSTOMERID or VENDORID of new ones, at most 20 characters when filled in; placeholders "
        "{contact_id} {id_code} {vatno} {reference_no}.",
        examples=["C{contact_id}"],
    )


def _schedule_at(at: str) -> str:
    if not SCHEDULE_AT.fullmatch(at):
        raise ValueError(
            "is a time such as 06:30, with a weekday (mon 06:30) or a day of the month (1 06:30) before it"
        )
    return at


class ScheduleSettings(_Section):
    """When what was captured is sent."""

    frequency: Literal["continuous", "manual", "daily", "weekly", "monthly"] = Field(
        "continuous",
        description="continuous: at once; manual: when a person says so; else at the next run. Quick actions always go "
        "at once.",
        examples=["daily"],
    )
    at: Annotated[str, AfterValidator(_schedule_at)] = Field(
        "06:00",
        description="Time of a run in the site's time zone; weekly with a weekday (mon 06:30), monthly with a day of "
        "the month (1 06:30; the last one where the month is shorter).",
        examples=["06:30"],
    )


class PullSettings(_Section):
    """How payments, bills and the like come from Intacct."""

    interval: int = Field(
        60, ge=1, le=44_640, description="Minutes between two looks at what is new in Intacct.", examples=["60"]
    )


class QuickActionSettings(_Section):
    """Who may send or fetch single documents."""

    users: Annotated[tuple[str, ...], Field(max_length=1000)] = Field(
        (),
        description="Users who may send and fetch single documents, separated by commas; unset: everybody who can.",
        examples=["anna,ben"],
    )


class NotifySettings(_Section):
    """Who is told of failures."""

    emails: Annotated[tuple[str, ...], AfterValidator(_emails)] = Field(
        (), description="Addresses that get failures by e-mail, separated by commas.", examples=["books@example.com"]
    )


class LimitSettings(_Section):
    """Where a person is asked first."""

    creates_per_hour: int = Field(
        200, ge=1, description="More new documents than this in an hour wait for a person.", examples=["500"]
    )


class DeliverySettings(_Section):
    """How operations are packed into requests."""

    max_documents: int = Field(50, ge=1, le=1000, description="Documents per request.", examples=["50"])
    max_functions: int = Field(
        100, ge=1, le=1000, description="Functions per request, customers included.", examples=["100"]
    )
    max_bytes: int = Field(
        400_000, ge=10_000, le=10_000_000, description="Size of a request in bytes.", examples=["400000"]
    )
    max_attachments: int = Field(1, ge=1, le=1000, description="Functions with files per request.", examples=["1"])
    linger_ms: int = Field(
        2000, ge=0, le=60_000, description="How long a bulk request waits to fill up.", examples=["2000"]
    )
    settle_ms: int = Field(
        2000, ge=0, le=600_000, description="Edits of a document within this time go as one.", examples=["2000"]
    )
    uncertain_wait_s: int = Field(
        900,
        ge=0,
        le=86_400,
        description="Seconds before an unanswered write that cannot be found is believed not to have happened.",
        examples=["900"],
    )


class ConnectionSettings(_Section):
    """All settings of a connection."""

    data: DataSettings = DataSettings()
    defaults: DefaultSettings = DefaultSettings()
    memo: MemoSettings = MemoSettings()
    taxes: NumberKeys = Field(
        default_factory=dict,
        description="DETAILID of Intacct's tax detail for Scoro's VAT code with this id; unset: that of equal code or "
        "name, else the only active one for sales at that rate.",
        examples=["taxes.1=UK Sale Goods Standard Rate"],
    )
    accounts: AccountSettings = AccountSettings()
    dimensions: DimensionSettings = DimensionSettings()
    location: str | None = Field(
        None, description="LOCATIONID of every line; unset: the entity's, where there are several.", examples=["UK"]
    )
    matching: MatchingSettings = MatchingSettings()
    closed_period: Literal["hold", "next_open", "ask"] = Field(
        "hold",
        description="What happens to a document dated in a closed period: hold: it waits until the period is open or "
        "its date moves; next_open: it is posted on the first open day, with a note; ask: a person decides each time.",
        examples=["next_open"],
    )
    schedule: ScheduleSettings = ScheduleSettings()
    pull: PullSettings = PullSettings()
    quick_actions: QuickActionSettings = QuickActionSettings()
    notify: NotifySettings = NotifySettings()
    limits: LimitSettings = LimitSettings()
    delivery: DeliverySettings = DeliverySettings()

    def to_json(self) -> dict[str, Any]:
        """Return what was set, as it is stored; defaults are left out, so that they can change with a release."""
        return self.model_dump(mode="json", exclude_unset=True)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read what `to_json` gave."""
        return cls.model_validate(stored)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting for people; values as they would be typed, keys of open maps end in `{…}`."""

    key: str
    value: str
    default: str
    meaning: str
    example: str


_PLACES = {"taxes": "{vat_code_id}", "accounts.map": "{finance_account_id}"}


def describe(settings: ConnectionSettings) -> list[SettingRow]:
    """List every key with its value, its default, what it means and an example; entries of maps follow their map."""
    return list(_rows(settings, ConnectionSettings(), ""))


def _rows(section: BaseModel, defaults: BaseModel, prefix: str) -> Iterator[SettingRow]:
    for name, info in type(section).model_fields.items():
        key, value, default = f"{prefix}{name}", getattr(section, name), getattr(defaults, name)
        if isinstance(value, BaseModel):
            yield from _rows(value, default, f"{key}.")
            continue
        meaning, example = info.description or "", str((info.examples or [""])[0])
        if isinstance(value, dict):
            yield SettingRow(f"{key}.{_PLACES.get(key, '{DIMENSION}')}", "", "", meaning, example)
            for part, entry in sorted(value.items()):
                yield SettingRow(f"{key}.{part}", _typed(entry), "", meaning, example)
        else:
            yield SettingRow(key, _typed(value), _typed(default), meaning, example)


def _typed(value: Any) -> str:
    """Write a value as a person would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return json.dumps(value)
    return ",".join(value) if isinstance(value, tuple) else str(value)


def set_key(settings: ConnectionSettings, key: str, text: str) -> ConnectionSettings:
    """Return the settings with one key changed; an empty text unsets it.

    Raises SettingError that names the key, what is allowed and, for an unknown key, the closest known one.
    """
    path = _path(key)
    stored = settings.to_json()
    section = stored
    for part in path[:-1]:
        section = section.setdefault(part, {})
    if text.strip() == "":
        section.pop(path[-1], None)
    else:
        section[path[-1]] = _value(path, text.strip())
    try:
        return ConnectionSettings.from_json(stored)
    except ValidationError as error:
        raise SettingError(f"{key}: {_reason(error, path)}") from error


def choices(key: str) -> list[str]:
    """The values that a key allows, where they are a few words; else nothing."""
    return _allowed(_path(key))


def _path(key: str) -> list[str]:
    """Split a key at its dots; raises SettingError for one that leads nowhere."""
    path: list[str] = []
    model: type[BaseModel] | None = ConnectionSettings
    rest = key.strip()
    while model is not None:
        name, _, rest = rest.partition(".")
        info = model.model_fields.get(name)
        if info is None:
            raise _unknown(key)
        path.append(name)
        annotation = info.annotation
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
        if model is None and get_origin(annotation) is dict:
            if not rest:
                raise _unknown(key)
            return [*path, rest]
    if rest:
        raise _unknown(key)
    return path


def _unknown(key: str) -> SettingError:
    known = [row.key for row in describe(ConnectionSettings())]
    if entry := next((name for name in known if name.startswith(f"{key.strip()}.{{")), None):
        return SettingError(f"{key}: name the entry, as in {entry}")
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
    return SettingError(f"{key}: there is no such setting; {hint}")


def _value(path: list[str], text: str) -> Any:
    is_list = get_origin(_annotation(path)) is tuple
    return [part.strip() for part in text.split(",") if part.strip()] if is_list else text


def _reason(error: ValidationError, path: list[str]) -> str:
    first = error.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    if allowed := _allowed(path):
        message = f"{first['input']!r} is not allowed; allowed are {', '.join(allowed)}"
        if isinstance(first["input"], str) and (close := difflib.get_close_matches(first["input"], allowed, n=1)):
            message += f"; did you mean {close[0]}?"
    elif first["type"] == "string_pattern_mismatch":
        wrong = path[-1] if first["loc"][-1] == "[key]" else first["input"]
        message = f"{wrong!r} is not allowed; an example is {_example(path)}"
    return message


def _allowed(path: list[str]) -> list[str]:
    annotation = _annotation(path)
    if annotation is bool:
        return ["true", "false"]
    return list(get_args(annotation)) if get_origin(annotation) is Literal else []


def _annotation(path: list[str]) -> Any:
    annotation: Any = ConnectionSettings
    for part in path:
        if get_origin(annotation) is dict:
            return get_args(annotation)[1]
        annotation = annotation.model_fields[part].annotation
    return annotation


def _example(path: list[str]) -> str:
    rows = {row.key.split(".{")[0]: row.example for row in describe(ConnectionSettings())}
    return next((rows[name] for name in (".".join(path), ".".join(path[:-1])) if name in rows), "")
