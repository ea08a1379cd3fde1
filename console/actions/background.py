"""Scoro's finance accounts and VAT codes, brought in step with Intacct's accounts and tax rates.

What has no counterpart in Intacct becomes inactive (a person agrees to the list first), what Scoro lacks is made. Each
change is kept in the ledger before it is made, so that one without an answer is looked for instead of made again, and
so that `disconnect --restore` can undo them. Where Scoro's API does not allow it, the steps by hand are told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clients.scoro.client import ScoroClient
from clients.scoro.errors import ConnectionBroken, NotFound, Refused, ScoroError, Uncertain
from db import connections, reference, scoro_background
from db.connections import Connection
from db.reference import Item
from db.scoro_background import Change
from schemas.scoro import values
from workers.pull.background import read_scoro
from workers.runtime import Runtime

ACCOUNTS, VAT_CODES = "financeAccounts", "vatCodes"
WORDS = {ACCOUNTS: "finance account", VAT_CODES: "VAT code"}
PAGES = {
    ACCOUNTS: "Settings > Site settings > Finance accounts",
    VAT_CODES: "Settings > Site settings > VAT codes",
}
"""Where people change them in Scoro."""
ID_FIELDS = {ACCOUNTS: "id", VAT_CODES: "vat_code_id"}
TOPICS = {ACCOUNTS: "account", VAT_CODES: "vat_code"}


@dataclass(frozen=True, slots=True)
class Step:
    """One change of Scoro; `body` is what the record is given."""

    module: str
    change: Change
    symbol: str
    name: str
    scoro_id: int | None = None
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """How people are told of it: `finance account 9999 Old suspense account`."""
        return f"{WORDS[self.module]} {self.symbol} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be changed in Scoro."""

    inactive: Sequence[Step] = ()
    new: Sequence[Step] = ()

    @property
    def lines(self) -> list[str]:
        """The list that a person agrees to."""
        return [
            f"would become inactive in Scoro, as Intacct has no counterpart: {step.title}" for step in self.inactive
        ]


def plan(runtime: Runtime, connection: Connection) -> Plan:
    """Compare both sides as the ledger knows them.

    What another connection of the site has a counterpart for stays: Scoro's entities share accounts and VAT codes.
    """
    others = [
        other
        for other in runtime.db.run(lambda session: connections.every(session, runtime.vault))
        if other.site.id == connection.site.id and other.state != "disconnected" and other.id != connection.id
    ]
    known = {one.id: runtime.db.run(lambda s, id=one.id: reference.every(s, id)) for one in (connection, *others)}  # type: ignore[misc]

    def items(source: str, topic: str, connection_id: int = connection.id) -> list[Item]:
        return known[connection_id].get((source, topic), [])

    def shared(topic: str) -> list[Item]:
        return [item for one in (connection, *others) for item in items("intacct", topic, one.id)]

    mapped = {key for one in (connection, *others) for key in one.settings.accounts.map}
    taxes = {key for one in (connection, *others) for key in one.settings.taxes}
    accounts, codes = items("scoro", "account"), items("scoro", "vat_code")
    steps = [
        *_accounts_without(shared("account"), accounts, mapped),
        *_accounts_missing(items("intacct", "account"), accounts),
        *_codes_without(shared("tax_detail"), codes, taxes),
        *_codes_missing(items("intacct", "tax_detail"), codes),
    ]
    return Plan(
        [step for step in steps if step.change == "deactivated"],
        [step for step in steps if step.change != "deactivated"],
    )


def apply(runtime: Runtime, connection: Connection, steps: Sequence[Step]) -> list[str]:
    """Make changes in Scoro; returns what was done, and for what Scoro refuses the steps by hand."""
    client = runtime.scoro(connection, urgent=True)
    done: list[Step] = []
    by_hand: list[Step] = []
    lines: list[str] = []
    refused: set[str] = set()
    for step in steps:
        if step.module in refused:
            by_hand.append(step)
            continue
        try:
            _make(runtime, connection, client, step)
            done.append(step)
        except (ConnectionBroken, Refused) as error:
            refused |= {step.module} if isinstance(error, ConnectionBroken) else set()
            by_hand.append(step)
            lines.append(f"Scoro does not let the API change this {WORDS[step.module]}: {error}")
        except ScoroError as error:
            lines.append(f"{step.title} is not changed yet ({error}): run `scoro-intacct sync background` again")
            break
    lines += _done(done)
    lines += _by_hand(by_hand)
    if done:
        _read_again(runtime, connection, client)
    return lines


def settle_doubts(runtime: Runtime, connection: Connection) -> None:
    """Look what became of changes without an answer, by what Scoro listed just now."""
    for kept in runtime.db.run(lambda session: scoro_background.kept(session, connection.id, ["intended"])):
        known = runtime.db.run(
            lambda session, kept=kept: reference.topic(session, connection.id, "scoro", TOPICS[kept.module])  # type: ignore[misc]
        )
        if kept.change == "created":
            found = next((item for item in known if _symbol(item) == kept.symbol), None)
        else:
            wanted = kept.change == "activated"
            found = next((i for i in known if int(i.key) == kept.scoro_id and i.active == wanted), None)
        state, scoro_id = ("done", int(found.key)) if found else ("not_done", None)
        runtime.db.run(
            lambda session, kept=kept, state=state, scoro_id=scoro_id: scoro_background.settle(  # type: ignore[misc]
                session, kept.id, state, scoro_id=scoro_id
            )
        )


def restore(runtime: Runtime, connection: Connection) -> list[str]:
    """Undo what was changed: what became inactive is active again, what was made is inactive."""
    client = runtime.scoro(connection, urgent=True)
    undone, by_hand = 0, []
    for kept in reversed(runtime.db.run(lambda session: scoro_background.kept(session, connection.id, ["done"]))):
        active = kept.change == "deactivated"
        try:
            client.modify(kept.module, kept.scoro_id, {"is_active": int(active)})
        except NotFound:
            pass  # somebody has deleted it
        except ScoroError as error:
            what = "active" if active else "inactive"
            by_hand.append(f"make {WORDS[kept.module]} {kept.symbol} {kept.name} {what} in Scoro by hand ({error})")
            continue
        runtime.db.run(lambda session, id=kept.id: scoro_background.settle(session, id, "undone"))  # type: ignore[misc]
        undone += 1
    return [f"{undone} finance accounts and VAT codes of Scoro are as they were before", *by_hand]


# ------------------------------------------------------------------------------------------------- what differs


def _symbol(item: Item) -> str:
    return str(item.data.get("symbol", item.data.get("code", "")))


def _key(text: str) -> str:
    return text.strip().casefold()


def _accounts_without(intacct: Sequence[Item], scoro: Sequence[Item], mapped: set[str]) -> Iterator[Step]:
    numbers = {_key(item.key) for item in intacct if item.active}
    titles = {_key(str(item.data["title"])) for item in intacct if item.active} - {""}
    for item in scoro:
        symbol, name = str(item.data["symbol"]), str(item.data["name"])
        has_counterpart = _key(symbol) in numbers or (not symbol and _key(name) in titles) or item.key in mapped
        if item.active and not has_counterpart:
            yield Step(ACCOUNTS, "deactivated", symbol, name, int(item.key), {"is_active": 0})


def _accounts_missing(intacct: Sequence[Item], scoro: Sequence[Item]) -> Iterator[Step]:
    by_symbol = {_key(str(item.data["symbol"])): item for item in scoro if item.data["symbol"]}
    active_names = {_key(str(item.data["name"])) for item in scoro if item.active}
    for item in intacct:
        title = str(item.data["title"])
        held = by_symbol.get(_key(item.key))
        if not item.active or (held and held.active) or (not held and _key(title) in active_names):
            continue
        if held is not None:
            yield Step(ACCOUNTS, "activated", item.key, title, int(held.key), {"is_active": 1})
        else:
            flags = {"is_active": 1, "is_sales_account": 1, "is_purchases_account": 1}
            yield Step(ACCOUNTS, "created", item.key, title, None, {"account_symbol": item.key, "name": title, **flags})


def _codes_without(intacct: Sequence[Item], scoro: Sequence[Item], mapped: set[str]) -> Iterator[Step]:
    details = [item for item in intacct if item.active]
    rates = {values.quantity(item.data["rate"]) for item in details}
    names = {_key(item.key) for item in details}
    for item in scoro if details else ():
        code, name = str(item.data["code"]), str(item.data["name"])
        fits = values.quantity(item.data["percent"]) in rates or {_key(code), _key(name)} & names or item.key in mapped
        if item.active and not fits:
            yield Step(VAT_CODES, "deactivated", code, name, int(item.key), {"is_active": 0})


def _codes_missing(intacct: Sequence[Item], scoro: Sequence[Item]) -> Iterator[Step]:
    held = {values.quantity(item.data["percent"]) for item in scoro if item.active}
    for item in (item for item in intacct if item.active):
        rate = values.quantity(item.data["rate"])
        if rate in held:
            continue
        body = {
            "vat_code": item.key,
            "vat_name": item.data.get("description") or item.key,
            "percent": str(rate.normalize() + 0),
            "is_sales": int(item.data["type"] == "Sale"),
            "is_purchases": int(item.data["type"] == "Purchase"),
            "is_active": 1,
        }
        yield Step(VAT_CODES, "created", item.key, str(body["vat_name"]), None, body)


# ------------------------------------------------------------------------------------------------- making changes


def _make(runtime: Runtime, connection: Connection, client: ScoroClient, step: Step) -> None:
    """One change, kept before the call; raises ScoroError, with what is certain kept too."""
    change_id = runtime.db.run(
        lambda session: scoro_background.intend(
            session,
            connection.id,
            step.module,
            step.change,
            scoro_id=step.scoro_id,
            symbol=step.symbol,
            name=step.name,
        )
    )
    try:
        record = client.modify(step.module, step.scoro_id, step.body)
    except Uncertain:
        raise
    except ScoroError as error:
        reason = str(error)
        runtime.db.run(lambda session: scoro_background.settle(session, change_id, "not_done", reason=reason))
        raise
    made = step.scoro_id or values.identity(record.get(ID_FIELDS[step.module]))
    if made is not None:  # else it is looked for by the next reading
        runtime.db.run(lambda session: scoro_background.settle(session, change_id, "done", scoro_id=made))


def _read_again(runtime: Runtime, connection: Connection, client: ScoroClient) -> None:
    try:
        topics = read_scoro(client).topics
    except ScoroError:
        return  # the next reading finds it
    for topic in TOPICS.values():
        runtime.db.run(
            lambda session, topic=topic: reference.replace(session, connection.id, "scoro", topic, topics[topic])  # type: ignore[misc]
        )


def _done(steps: Iterable[Step]) -> list[str]:
    counts: dict[tuple[str, Change], int] = {}
    for step in steps:
        counts[step.module, step.change] = counts.get((step.module, step.change), 0) + 1
    words = {"deactivated": "made inactive", "activated": "made active", "created": "made"}
    return [
        f"{count} {WORDS[module]}{'' if count == 1 else 's'} {words[change]} in Scoro"
        for (module, change), count in counts.items()
    ]


def _by_hand(steps: Sequence[Step]) -> list[str]:
    lines = []
    words = {"deactivated": "make inactive", "activated": "make active", "created": "add"}
    for module in (ACCOUNTS, VAT_CODES):
        for change, verb in words.items():
            meant = [step for step in steps if step.module == module and step.change == change]
            if meant:
                names = ", ".join(f"{step.symbol} {step.name}".strip() for step in meant)
                lines.append(f"by hand in Scoro, {PAGES[module]}: {verb} {names}")
    return lines
