"""Sites: one Scoro installation each, owner of the monthly request limit."""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

from db.database import Ledger, one
from db.vault import Vault


@dataclass(frozen=True, slots=True)
class Site:
    """A Scoro installation with its opened secrets."""

    id: int
    name: str
    url: str
    api_key: str = field(repr=False)
    user_token: str | None = field(repr=False)
    hook_token: str = field(repr=False)
    request_limit: int
    time_zone: str


def token_hash(token: str) -> bytes:
    """What an incoming hook token is looked up by: equal time for every wrong one, and no token in the index."""
    return hashlib.sha256(token.encode()).digest()


def add(
    ledger: Ledger,
    vault: Vault,
    *,
    name: str,
    url: str,
    api_key: str,
    user_token: str | None,
    request_limit: int,
    time_zone: str,
) -> int:
    """Add a site and return its id; its webhook address gets an unguessable token."""
    token = secrets.token_urlsafe(32)
    row = one(
        ledger,
        """INSERT INTO site (name, url, api_key, user_token, hook_token, hook_token_hash, request_limit, time_zone)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id""",
        [
            name,
            url,
            vault.seal(api_key),
            vault.seal(user_token) if user_token else None,
            vault.seal(token),
            token_hash(token),
            request_limit,
            time_zone,
        ],
    )
    return int(row["id"])


def site_from(row: dict[str, Any], vault: Vault) -> Site:
    """A `Site` from a row of the table."""
    return Site(
        row["id"],
        row["name"],
        row["url"],
        vault.open(row["api_key"]),
        vault.open(row["user_token"]) if row["user_token"] else None,
        vault.open(row["hook_token"]),
        row["request_limit"],
        row["time_zone"],
    )


def find(ledger: Ledger, vault: Vault, name: str) -> Site | None:
    """The site of that name."""
    row = ledger.execute("SELECT * FROM site WHERE name = %s", [name]).fetchone()
    return site_from(row, vault) if row else None


def every(ledger: Ledger, vault: Vault) -> list[Site]:
    """All sites by name."""
    return [site_from(row, vault) for row in ledger.execute("SELECT * FROM site ORDER BY name").fetchall()]


def id_by_hook_token(ledger: Ledger, token: str) -> int | None:
    """The site whose webhook address holds this token."""
    row = ledger.execute("SELECT id FROM site WHERE hook_token_hash = %s", [token_hash(token)]).fetchone()
    return int(row["id"]) if row else None


def change(ledger: Ledger, site_id: int, column: str, value: object) -> None:
    """Set one column; the caller has validated it."""
    if column not in {"url", "api_key", "user_token", "request_limit", "time_zone"}:
        raise ValueError(column)
    ledger.execute(f"UPDATE site SET {column} = %s WHERE id = %s".encode(), [value, site_id])


def hold(ledger: Ledger, site_id: int, wait_s: float, *, bulk_only: bool = False) -> None:
    """Ask a site's Scoro nothing for so long; with `bulk_only` nothing but what people wait for.

    What its changes wait for is the same for all of them.
    """
    column = "bulk_held_until" if bulk_only else "held_until"
    ledger.execute(
        f"""UPDATE site SET {column} = greatest({column}, ledger_now() + make_interval(secs => %s))
            WHERE id = %s""".encode(),
        [wait_s, site_id],
    )


def heard(ledger: Ledger, site_id: int) -> None:
    """Keep when a site's webhooks came last: to the minute, and without waiting for anybody who holds its row."""
    ledger.execute(
        """UPDATE site SET last_webhook_at = ledger_now() WHERE id = (SELECT id FROM site
               WHERE id = %s AND (last_webhook_at IS NULL OR last_webhook_at < ledger_now() - interval '1 minute')
               FOR UPDATE SKIP LOCKED)""",
        [site_id],
    )
