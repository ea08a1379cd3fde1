"""Connections: one Scoro entity joined to one Intacct entity."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from db.database import Ledger, one
from db.sites import Site, site_from
from db.vault import Vault
from schemas.settings import ConnectionSettings


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection with its site, its opened secrets and its validated settings."""

    id: int
    name: str
    site: Site
    scoro_entity: str
    company: int
    company_id: str
    entity: str
    user_id: str
    password: str = field(repr=False)
    state: str
    reason: str
    settings: ConnectionSettings
    base_currency: str
    multi_entity: bool
    tax_solution: str | None
    connected_on: date
    reference_version: int
    probe: str | None = None
    """How a broken connection finds out that it is mended (`db.breakers`)."""


SELECT = """SELECT c.*, co.company_id AS company_name, s.id AS s_id, s.name AS s_name, s.url,
    s.api_key, s.user_token, s.hook_token, s.request_limit, s.time_zone
    FROM connection c JOIN site s ON s.id = c.site_id JOIN company co ON co.id = c.company"""


def _from(row: dict[str, Any], vault: Vault) -> Connection:
    site = site_from({**row, "id": row["s_id"], "name": row["s_name"]}, vault)
    return Connection(
        row["id"],
        row["name"],
        site,
        row["scoro_entity"],
        row["company"],
        row["company_name"],
        row["entity"],
        row["user_id"],
        vault.open(row["password"]) if row["password"] else "",
        row["state"],
        row["reason"],
        ConnectionSettings.from_json(row["settings"]),
        row["base_currency"],
        row["multi_entity"],
        row["tax_solution"],
        row["connected_on"],
        row["reference_version"],
        row["probe"],
    )


def load(ledger: Ledger, vault: Vault, connection_id: int) -> Connection | None:
    """The connection with that id."""
    row = ledger.execute(f"{SELECT} WHERE c.id = %s".encode(), [connection_id]).fetchone()
    return _from(row, vault) if row else None


def every(ledger: Ledger, vault: Vault) -> list[Connection]:
    """All connections by name, disconnected ones last."""
    order = "ORDER BY c.state = 'disconnected', c.name"
    return [_from(row, vault) for row in ledger.execute(f"{SELECT} {order}".encode()).fetchall()]


def id_by_entity(ledger: Ledger, site_id: int, scoro_entity: str) -> tuple[int, ConnectionSettings] | None:
    """The connection of a site's entity, for a webhook; a disconnected one does not count."""
    row = ledger.execute(
        "SELECT id, settings FROM connection WHERE site_id = %s AND scoro_entity = %s AND state <> 'disconnected'",
        [site_id, scoro_entity],
    ).fetchone()
    return (row["id"], ConnectionSettings.from_json(row["settings"])) if row else None


def looked_at_webhooks(ledger: Ledger, connection_id: int, problem: str = "") -> None:
    """Keep how the webhooks of a connection stand: well, or what is wrong."""
    ledger.execute(
        "UPDATE connection SET webhooks_at = ledger_now(), webhooks_problem = %s WHERE id = %s",
        [problem, connection_id],
    )


def hook_token(ledger: Ledger, connection_id: int) -> bytes | None:
    """The sealed token of the webhooks of a connection's site; None for one that is disconnected or not there."""
    row = ledger.execute(
        """SELECT s.hook_token FROM connection c JOIN site s ON s.id = c.site_id
           WHERE c.id = %s AND c.state <> 'disconnected'""",
        [connection_id],
    ).fetchone()
    return row["hook_token"] if row else None


def company(ledger: Ledger, company_id: str) -> int:
    """The row of an Intacct company, made when it is first named."""
    ledger.execute("INSERT INTO company (company_id) VALUES (%s) ON CONFLICT DO NOTHING", [company_id])
    return int(one(ledger, "SELECT id FROM company WHERE company_id = %s", [company_id])["id"])


def add(
    ledger: Ledger,
    vault: Vault,
    *,
    name: str,
    site_id: int,
    scoro_entity: str,
    company_id: str,
    entity: str,
    user_id: str,
    password: str,
    base_currency: str,
    multi_entity: bool,
    tax_solution: str | None,
    time_zone: str,
) -> int:
    """Add a connection in rehearsal and return its id; the constraints refuse an entity that is taken."""
    row = one(
        ledger,
        """INSERT INTO connection (name, site_id, scoro_entity, company, entity, user_id, password, base_currency,
               multi_entity, tax_solution, connected_on)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, (ledger_now() AT TIME ZONE %s)::date) RETURNING id""",
        [
            name,
            site_id,
            scoro_entity,
            company(ledger, company_id),
            entity,
            user_id,
            vault.seal(password),
            base_currency,
            multi_entity,
            tax_solution,
            time_zone,
        ],
    )
    return int(row["id"])


def taken(
    ledger: Ledger, site_id: int, scoro_entity: str, *, company_id: str, entity: str, name: str | None
) -> str | None:
    """What of a new connection is taken already: `scoro` or `intacct` (the entity), `name` or None."""
    row = one(
        ledger,
        """SELECT bool_or(n.state <> 'disconnected' AND n.site_id = %s AND n.scoro_entity = %s) AS scoro,
               bool_or(n.state <> 'disconnected' AND co.company_id = %s AND n.entity = %s) AS intacct,
               bool_or(n.name = %s) AS name
           FROM connection n JOIN company co ON co.id = n.company""",
        [site_id, scoro_entity, company_id, entity, name],
    )
    return next((what for what in ("scoro", "intacct", "name") if row[what]), None)


def free_name(ledger: Ledger, wanted: str) -> str:
    """The name that is wanted, or with a number where another connection (also one of the past) is called like that."""
    rows = ledger.execute("SELECT name FROM connection WHERE starts_with(name, %s)", [wanted]).fetchall()
    names = {row["name"] for row in rows}
    numbered = (f"{wanted}-{number}" for number in range(2, len(names) + 3))
    return next(name for name in (wanted, *numbered) if name not in names)


def move(ledger: Ledger, connection_id: int, from_states: Collection[str], to_state: str, reason: str = "") -> bool:
    """Move a connection to another state; False where it is in none of `from_states` any more."""
    row = ledger.execute(
        """UPDATE connection SET state = %s, reason = %s, probe = NULL, probe_at = NULL
           WHERE id = %s AND state = ANY(%s::connection_state[]) RETURNING id""",
        [to_state, reason, connection_id, list(from_states)],
    ).fetchone()
    return row is not None


def disconnect(ledger: Ledger, connection_id: int) -> None:
    """Part the two sides: the password is forgotten, the history stays."""
    ledger.execute(
        "UPDATE connection SET state = 'disconnected', reason = '', password = NULL WHERE id = %s", [connection_id]
    )


def save_settings(ledger: Ledger, connection_id: int, settings: ConnectionSettings) -> None:
    """Store validated settings: what was set, so that better defaults reach everyone else."""
    ledger.execute(
        "UPDATE connection SET settings = %s WHERE id = %s",
        [Jsonb(settings.to_json()), connection_id],
    )


def gather_bulk(ledger: Ledger, connection_id: int, wait_s: float) -> None:
    """Let bulk of a connection gather for so long; a wait that runs already is not prolonged."""
    ledger.execute(
        """UPDATE connection SET bulk_at = ledger_now() + make_interval(secs => %s)
           WHERE id = %s AND bulk_at <= ledger_now()""",
        [wait_s, connection_id],
    )


def throttle(ledger: Ledger, company_ref: int, wait_s: float) -> None:
    """The whole company waits: the gateway said so."""
    ledger.execute(
        """UPDATE company SET throttled_until = greatest(throttled_until, ledger_now() + make_interval(secs => %s))
           WHERE id = %s""",
        [wait_s, company_ref],
    )
