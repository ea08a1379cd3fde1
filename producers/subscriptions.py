"""Scoro's webhooks to us: subscribed where they are missing."""

import structlog

from clients.scoro.client import ScoroClient
from db import locks
from db.database import Database
from schemas.document_types import DOCUMENT_TYPES

log = structlog.get_logger(__name__)

MODULES = tuple(type_.module for type_ in DOCUMENT_TYPES.values() if type_.entity_type)
"""Scoro's modules whose changes are heard by webhook."""


def hook_url(public_url: str, token: str) -> str:
    """The address that Scoro posts a site's changes to."""
    return f"{public_url.rstrip('/')}/hooks/scoro/{token}"


def subscribe_missing(db: Database, site_id: int, scoro: ScoroClient, url: str) -> list[str]:
    """Subscribe every module that does not post to our address yet; returns the modules subscribed.

    One process at a time looks after a site, so that nothing is subscribed twice; whoever comes second leaves it to the
    first. Raises ScoroError: Scoro asks our address for an answer and for /scoro.txt before it saves a subscription.
    """
    with db.session() as session:
        if not locks.try_lock(session, locks.SUBSCRIPTIONS, site_id):
            return []
        known = {row.get("module") for row in scoro.webhooks() if row.get("url") == url and row.get("status", True)}
        missing = [module for module in MODULES if module not in known]
        for module in missing:
            scoro.subscribe_webhook(module, url)
            log.info("webhook.subscribed", module=module)
        return missing


def unsubscribe_all(scoro: ScoroClient, url: str) -> int:
    """End every subscription that posts to our address; returns how many."""
    ours = [int(row["id"]) for row in scoro.webhooks() if row.get("url") == url and row.get("id")]
    for subscription in ours:
        scoro.unsubscribe(subscription)
    return len(ours)
