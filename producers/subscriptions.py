"""Scoro's webhooks to us: subscribed where they are missing, made anew where they are not as they should be."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from clients.scoro.client import Record, ScoroClient
from clients.scoro.errors import Refused
from db import locks
from db.database import Database
from schemas.document_types import DOCUMENT_TYPES
from schemas.settings import ConnectionSettings

log = structlog.get_logger(__name__)

MODULES = tuple(type_.module for type_ in DOCUMENT_TYPES.values() if type_.entity_type)
"""Scoro's modules whose changes are heard by webhook."""


def hook_url(public_url: str, token: str) -> str:
    """The address that Scoro posts a site's changes to."""
    return f"{public_url.rstrip('/')}/hooks/scoro/{token}"


def bookmarks_of(settings: ConnectionSettings) -> dict[str, str]:
    """The bookmark of each module that has one."""
    chosen = {module: settings.data.of(DOCUMENT_TYPES[module].kinds[0]).bookmark for module in MODULES}
    return {module: bookmark for module, bookmark in chosen.items() if bookmark}


def subscribe_missing(
    db: Database, site_id: int, scoro: ScoroClient, url: str, bookmarks: Mapping[str, str] | None = None
) -> list[str]:
    """Subscribe every module that does not post to our address as it should; returns the modules subscribed.

    Ours are those that post to exactly this address, and no other is touched. One that is inactive, hears not
    everything, or is of another bookmark is replaced, and one too many is ended. One process at a time looks after a
    site, so that nothing is subscribed twice; whoever comes second leaves it to the first. Raises ScoroError: Scoro
    asks our address for an answer and for /scoro.txt before it saves a subscription.
    """
    wanted = bookmarks or {} if scoro.has_user else {}
    with db.session() as session:
        if not locks.try_lock(session, locks.SUBSCRIPTIONS, site_id):
            return []
        ours = _ours(scoro, url, by_user_too=bool(wanted))
        subscribed = []
        for module in MODULES:
            held = [row for row in ours if row.get("module") == module]
            good = [
                row for row in held if _hears_all(row) and str(row.get("bookmark_id") or "") == wanted.get(module, "")
            ]
            if not good and not _subscribe(scoro, module, url, wanted.get(module), held):
                continue
            if not good:
                subscribed.append(module)
                log.info("webhook.subscribed", module=module, bookmark=wanted.get(module))
            _end(scoro, [row for row in held if row not in good[:1]])
        return subscribed


def unsubscribe_all(scoro: ScoroClient, url: str) -> int:
    """End every subscription that posts to our address; returns how many."""
    return _end(scoro, _ours(scoro, url, by_user_too=scoro.has_user))


def _ours(scoro: ScoroClient, url: str, *, by_user_too: bool) -> list[Record]:
    """Subscriptions that post to our address; those of the user may be listed for the user alone."""
    rows = scoro.webhooks()
    if by_user_too:
        rows += scoro.by_user().webhooks()
    return list({str(row.get("id")): row for row in rows if row.get("url") == url and row.get("id")}.values())


def _hears_all(row: Mapping[str, Any]) -> bool:
    """Whether a subscription is active and narrowed by nothing."""
    active = str(row.get("status", 1)).strip().lower() not in {"0", "false", "none", "", "inactive"}
    narrowed = [row.get("fields") or [], row.get("relation_type") or ""]
    everybody = all("any" in (row.get(who) or ["any"]) for who in ("actors", "owners"))
    return active and everybody and not any(narrowed) and (row.get("action") or "any") == "any"


def _subscribe(scoro: ScoroClient, module: str, url: str, bookmark: str | None, held: Sequence[Record]) -> bool:
    """Subscribe a module; whether it was done. Where Scoro takes no bookmark here, all of the module is heard."""
    try:
        scoro.subscribe_webhook(module, url, bookmark)
    except Refused as refused:
        if not bookmark:
            raise
        log.warning("webhook.without_bookmark", module=module, bookmark=bookmark, error=str(refused))
        if any(_hears_all(row) and not row.get("bookmark_id") for row in held):
            return False
        scoro.subscribe_webhook(module, url)
    return True


def _end(scoro: ScoroClient, rows: Sequence[Record]) -> int:
    """End subscriptions; one that is gone already counts as ended."""
    for row in rows:
        caller = scoro.by_user() if row.get("bookmark_id") else scoro
        try:
            caller.unsubscribe(int(row["id"]))
        except Refused as refused:
            log.warning("webhook.not_ended", id=row["id"], error=str(refused))
    return len(rows)
