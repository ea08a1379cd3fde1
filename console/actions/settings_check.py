"""Whether the settings of a connection name things that exist, and whether something is missing for what is on."""

from collections.abc import Iterator
from typing import Any

from clients.scoro.errors import ScoroError
from console.actions import reference
from console.actions.findings import Finding, broken, note, ok, warning
from console.actions.reference_kinds import Listed
from db import reference as stored
from db.connections import Connection
from schemas.reference import ReferenceData
from workers.reference import build
from workers.runtime import Runtime

NAMED = 5
"""Things without a counterpart that are named."""
BOOKMARKED = ("invoices", "bills", "expenses", "projects", "receipts", "files")


def check(runtime: Runtime, connection: Connection, about: str) -> Iterator[Finding]:
    """Findings about a connection's settings; each fix is a command or a page."""
    data = build(connection, runtime.db.run(lambda session: stored.every(session, connection.id)))
    found = [
        *_accounts(connection, data, about),
        *_taxes(connection, data, about),
        *_dimensions(connection, data, about),
        *_kinds(connection, about),
        *_custom_fields(runtime, connection, about),
        *_counterparts(runtime, connection, about),
    ]
    yield from found
    if not found:
        yield ok(about, "its settings name what exists")


def _set(connection: Connection, key: str, value: str) -> str:
    return f"scoro-intacct connection set {connection.name} {key}={value}"


def _accounts(connection: Connection, data: ReferenceData, about: str) -> Iterator[Finding]:
    chosen = connection.settings.accounts
    named = {f"accounts.map.{key}": number for key, number in chosen.map.items()}
    named |= {
        f"accounts.{name}": number
        for name in ("tax_line", "rounding", "discount")
        if (number := getattr(chosen, name)) is not None
    }
    for key, number in named.items():
        account = data.account(number)
        if account is None or not account.active:
            state = "does not know" if account is None else "has made inactive"
            yield broken(
                about, f"{key} names the account {number}, which Intacct {state}", _set(connection, key, "ACCOUNTNO")
            )
    if connection.tax_solution is None and chosen.tax_line is None:
        yield broken(
            about,
            "Intacct has no tax solution, so documents with VAT are refused until accounts.tax_line is set",
            _set(connection, "accounts.tax_line", "ACCOUNTNO"),
        )
    bills = connection.settings.data.bills
    if bills.enabled and bills.direction == "from_scoro" and chosen.ap_credit_sign is None:
        yield warning(
            about,
            "credit bills are refused until accounts.ap_credit_sign says which sign of an AP adjustment reduces what is"
            " owed",
            f"Look at one in Intacct, then: {_set(connection, 'accounts.ap_credit_sign', 'negative')}",
        )


def _taxes(connection: Connection, data: ReferenceData, about: str) -> Iterator[Finding]:
    for key, named in connection.settings.taxes.items():
        for name in dict.fromkeys((named, *named.split(","))) if data.tax_detail(named) is None else (named,):
            if name == named and "," in named:
                continue
            detail = data.tax_detail(name.strip())
            if detail is None or not detail.active:
                state = "does not know" if detail is None else "has made inactive"
                yield broken(
                    about,
                    f"taxes.{key} names the tax detail {name.strip()}, which Intacct {state}",
                    _set(connection, f"taxes.{key}", "DETAILID"),
                )


def _dimensions(connection: Connection, data: ReferenceData, about: str) -> Iterator[Finding]:
    chosen = connection.settings.dimensions
    known = {name.upper() for name in data.dimensions}
    fields = {name.upper() for name in chosen.fields}
    for name in chosen.fields:
        if known and name.upper() not in known:
            yield broken(
                about,
                f"dimensions.fields.{name} names no dimension of Intacct; it has {', '.join(sorted(known))}",
                f"{_set(connection, f'dimensions.fields.{name}', '')}, and set the right one",
            )
    for part in ("invoices", "bills"):
        for name, sent in getattr(chosen, part).items():
            if sent and name.upper() not in fields:
                yield warning(
                    about,
                    f"dimensions.{part}.{name} is on, but no custom field of Scoro holds {name}",
                    _set(connection, f"dimensions.fields.{name}", "c_..."),
                )
    location = connection.settings.location
    if location and not data.dimension_values("LOCATION", location):
        yield broken(
            about,
            f"location names {location}, which Intacct does not know",
            _set(connection, "location", "LOCATIONID"),
        )


def _kinds(connection: Connection, about: str) -> Iterator[Finding]:
    settings = connection.settings
    for module in BOOKMARKED:
        chosen = getattr(settings.data, module)
        if chosen.enabled and chosen.bookmark and not connection.site.user_token:
            yield broken(
                about,
                f"data.{module}.bookmark needs a user token, which Scoro wants for bookmarks",
                f"scoro-intacct site set {connection.site.name} user-token-file=FILE",
            )
    if not settings.notify.emails:
        yield note(
            about, "nobody is told of failures by e-mail", _set(connection, "notify.emails", "books@example.com")
        )
    if settings.schedule.frequency == "manual":
        yield note(
            about,
            "changes wait until a person sends them (schedule.frequency is manual)",
            _set(connection, "schedule.frequency", "continuous"),
        )


def _custom_fields(runtime: Runtime, connection: Connection, about: str) -> Iterator[Finding]:
    """Custom fields of Scoro that the settings name; they cannot be made by its API."""
    wanted: dict[str, str] = {
        field: f"dimensions.fields.{name}" for name, field in connection.settings.dimensions.fields.items()
    }
    for key in ("customer_key", "vendor_key"):
        field = str(getattr(connection.settings.matching, key))
        if field.startswith("c_"):
            wanted[field] = f"matching.{key}"
    if not wanted:
        return
    try:
        rows: list[dict[str, Any]] = [
            row for page in runtime.scoro(connection, urgent=True).pages("customFields") for row in page
        ]
    except ScoroError as error:
        yield warning(about, f"Scoro's custom fields cannot be listed ({error})", "Give the API key that right.")
        return
    known = {str(row.get("id")) for row in rows}
    for field, key in wanted.items():
        if field not in known:
            yield broken(
                about,
                f"{key} names the custom field {field}, which Scoro does not have",
                f"Create it in Scoro under Settings > Site settings > Custom fields, or choose another of"
                f" {', '.join(sorted(known)) or 'none'}: {_set(connection, key, 'c_...')}",
            )


def _counterparts(runtime: Runtime, connection: Connection, about: str) -> Iterator[Finding]:
    """What Scoro has and Intacct has nothing for: documents that use it will be refused."""
    for what, setting in ((Listed.ACCOUNTS, "accounts.map"), (Listed.TAXES, "taxes")):
        rows = reference.rows(runtime.db, connection, what)
        lost = [row for row in rows if row["source"] == "scoro" and row["active"] and row["counterpart"] is None]
        if lost:
            first = lost[0]["id"]
            names = ", ".join(str(row["name"]) for row in lost[:NAMED])
            more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
            yield warning(
                about,
                f"{len(lost)} of Scoro's {what} have no counterpart in Intacct: {names}{more}",
                f"{_set(connection, f'{setting}.{first}', '...')}; scoro-intacct reference list {what} shows all",
            )
