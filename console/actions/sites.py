"""Scoro installations: adding one, and its monthly limit of requests to Intacct.

SiteError            one sentence with the fix
"""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from psycopg.errors import UniqueViolation

from clients.hosts import host_of
from db import journal, operations, outbox, pacing, pulls, sites
from db.database import Ledger as Session
from workers.runtime import Runtime

MAX_LIMIT = 1_000_000_000


class SiteError(Exception):
    """A site cannot be kept like this; the message is one sentence with the fix."""


def add(
    runtime: Runtime,
    *,
    name: str,
    url: str,
    api_key: str,
    user_token: str | None,
    request_limit: int,
    time_zone: str,
    actor: str | None = None,
) -> str:
    """Keep a site, its keys encrypted; returns its address as it is kept. Raises SiteError."""
    name = name.strip()
    if not name:
        raise SiteError("A site needs a name: choose one such as acme.")
    if not api_key.strip():
        raise SiteError("A site needs the company's API key: it stands in Scoro under Settings > Integrations.")
    address = checked_address(url, allow_local=runtime.allow_local)
    zone = checked_zone(time_zone)

    def keep(session: Session) -> None:
        site_id = sites.add(
            session,
            runtime.vault,
            name=name,
            url=address,
            api_key=api_key.strip(),
            user_token=user_token.strip() if user_token and user_token.strip() else None,
            request_limit=request_limit,
            time_zone=known_zone(session, zone),
        )
        journal.write(session, "site", site_id, "added", f"{address}, {request_limit} requests per month, {zone}")

    try:
        runtime.db.run(keep, actor=actor)
    except UniqueViolation as error:
        taken = "address" if "url" in (error.diag.constraint_name or "") else "name"
        raise SiteError(f"There is a site with this {taken} already: see `scoro-intacct site list`.") from None
    return address


def set_limit(session: Session, site_id: int, limit: int) -> list[int]:
    """Set a site's requests per month and let go what waited for them; returns the connections that go on."""
    sites.change(session, site_id, "request_limit", limit)
    journal.write(session, "site", site_id, "changed", f"request-limit: {limit}")
    pacing.refill(session, site_id)
    released = operations.release_quota_waits(session, site_id)
    outbox.ring(session, "delivery", *released)
    outbox.ring(session, "pull", *pulls.release_quota_waits(session, site_id))
    return released


def limit_from(text: str) -> int:
    """A number of requests as it is typed; raises SiteError."""
    if not text.isascii() or not text.isdigit() or int(text) > MAX_LIMIT:
        raise SiteError(f"request-limit: {text!r} is no number of requests.")
    return int(text)


def checked_address(url: str, *, allow_local: bool) -> str:
    """Scoro's address without what people paste along; raises SiteError for one that must not be called."""
    address = url.strip().rstrip("/").removesuffix("/api/v2")
    try:
        host_of(address, allow_local=allow_local)
    except ValueError as error:
        raise SiteError(f"url: {error}; an example is https://acme.scoro.com.") from None
    return address


def checked_zone(name: str) -> str:
    """The time zone's name; raises SiteError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SiteError(f"time-zone: {name!r} is no time zone; an example is Europe/London.") from None
    return name


def known_zone(session: Session, zone: str) -> str:
    """The zone, if the database knows it too: it is what counts the months."""
    row = session.execute("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = %s) AS known", [zone]).fetchone()
    if not row or not row["known"]:
        raise SiteError(f"time-zone: the database does not know {zone!r}; an example is Europe/London.")
    return zone
