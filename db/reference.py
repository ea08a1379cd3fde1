"""What was read from both sides to translate with, by topic: accounts, taxes, dimension values, customers, products."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from db.database import Ledger


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a side knows: `key` is its id there."""

    key: str
    data: Mapping[str, Any]
    active: bool = True


UPSERT = """INSERT INTO reference (connection_id, source, topic, key, data, active)
    SELECT %(connection)s, %(source)s, %(topic)s, g.key, g.data, g.active
    FROM unnest(%(keys)s::text[], %(data)s::jsonb[], %(active)s::boolean[]) AS g (key, data, active)
    ON CONFLICT (connection_id, source, topic, key) DO UPDATE SET
        data = excluded.data, active = excluded.active, read_at = excluded.read_at"""


def add(ledger: Ledger, connection_id: int, source: str, topic: str, items: Iterable[Item]) -> None:
    """Keep what was read; what was known stays."""
    by_key = {item.key: item for item in items}
    ledger.execute(
        UPSERT,
        {
            "connection": connection_id,
            "source": source,
            "topic": topic,
            "keys": list(by_key),
            "data": [Jsonb(dict(item.data)) for item in by_key.values()],
            "active": [item.active for item in by_key.values()],
        },
    )
    ledger.execute("UPDATE connection SET reference_version = reference_version + 1 WHERE id = %s", [connection_id])


def replace(ledger: Ledger, connection_id: int, source: str, topic: str, items: Iterable[Item]) -> None:
    """Keep what was read as all there is of the topic; what is no longer there becomes inactive."""
    kept = list(items)
    add(ledger, connection_id, source, topic, kept)
    ledger.execute(
        """UPDATE reference SET active = false
           WHERE connection_id = %s AND source = %s AND topic = %s AND NOT key = ANY(%s)""",
        [connection_id, source, topic, [item.key for item in kept]],
    )


def every(ledger: Ledger, connection_id: int) -> dict[tuple[str, str], list[Item]]:
    """All reference data of a connection by (source, topic)."""
    rows = ledger.execute(
        "SELECT source, topic, key, data, active FROM reference WHERE connection_id = %s ORDER BY source, topic, key",
        [connection_id],
    ).fetchall()
    found: dict[tuple[str, str], list[Item]] = {}
    for row in rows:
        found.setdefault((row["source"], row["topic"]), []).append(Item(row["key"], row["data"], row["active"]))
    return found


def topic(ledger: Ledger, connection_id: int, source: str, topic: str) -> list[Item]:
    """The items of one topic."""
    rows = ledger.execute(
        """SELECT key, data, active FROM reference WHERE connection_id = %s AND source = %s AND topic = %s
           ORDER BY key""",
        [connection_id, source, topic],
    ).fetchall()
    return [Item(row["key"], row["data"], row["active"]) for row in rows]


def known_keys(ledger: Ledger, connection_id: int, source: str, topic: str, keys: Iterable[str]) -> set[str]:
    """Which of these keys are known."""
    rows = ledger.execute(
        "SELECT key FROM reference WHERE connection_id = %s AND source = %s AND topic = %s AND key = ANY(%s)",
        [connection_id, source, topic, list(keys)],
    ).fetchall()
    return {row["key"] for row in rows}
