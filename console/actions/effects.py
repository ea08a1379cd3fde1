"""What a change of settings will do, counted in this ledger: said before anybody relies on it."""

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from db import creates, forecast
from db.database import Ledger as Session
from db.database import one
from schemas.schedule import next_slot
from schemas.setting_effects import effect_of
from schemas.settings import ConnectionSettings

MINUTES_A_MONTH = 30 * 24 * 60


def effect(session: Session, connection_id: int, key: str, changed: ConnectionSettings) -> str:
    """A sentence about a change of one key; `changed` holds the settings as they are then."""
    found = effect_of(key)
    counted = COUNTS[found.counts](session, connection_id, key, changed) if found.counts else ""
    return ". ".join(part for part in (found.does.replace("`", ""), counted) if part) + "."


def _waiting(session: Session, connection_id: int, key: str, _: ConnectionSettings) -> str:
    module = key.split(".")[1]
    row = one(
        session,
        """SELECT count(*)::int AS n FROM operation o JOIN document d ON d.id = o.document_id
           WHERE o.connection_id = %s AND d.module = %s
             AND o.state IN ('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person')""",
        [connection_id, module],
    )
    return f"{row['n']:,} of the {module} wait now" if row["n"] else ""


def _switched(session: Session, connection_id: int, key: str, changed: ConnectionSettings) -> str:
    module = key.split(".")[1]
    if not getattr(changed.data, module).enabled:
        return _waiting(session, connection_id, key, changed)
    row = one(
        session,
        "SELECT count(*)::int AS n FROM document WHERE connection_id = %s AND module = %s AND state = 'skipped'",
        [connection_id, module],
    )
    return f"{row['n']:,} of the {module} are skipped now" if row["n"] else ""


def _posted(session: Session, connection_id: int, _: str, __: ConnectionSettings) -> str:
    row = one(
        session,
        """SELECT count(*) FILTER (WHERE d.state IN ('posted', 'linked'))::int AS posted,
               count(*) FILTER (WHERE d.state IN ('waiting', 'held'))::int AS waiting
           FROM document d WHERE d.connection_id = %s AND d.kind NOT IN ('customer', 'vendor', 'folder')""",
        [connection_id],
    )
    if not row["posted"] and not row["waiting"]:
        return ""
    price = forecast.price(session, connection_id, row["posted"])
    return (
        f"{row['posted']:,} documents stand in Intacct as they are, {row['waiting']:,} wait as they were translated;"
        f" nothing is sent now. If all were sent again it would take about {price.requests:,} of the {price.left:,}"
        " requests left for documents this month; documents list --differs shows which would change"
    )


def _pulls(_: Session, __: int, ___: str, changed: ConnectionSettings) -> str:
    requests = MINUTES_A_MONTH // changed.pull.interval
    return f"A pull every {changed.pull.interval} minutes takes at most {requests:,} requests a month"


def _packs(_: Session, __: int, ___: str, changed: ConnectionSettings) -> str:
    most = min(changed.delivery.max_documents, changed.delivery.max_functions)
    return f"A thousand documents take at least {-(-1000 // most):,} requests"


def _held(session: Session, connection_id: int, _: str, __: ConnectionSettings) -> str:
    waiting = creates.held(session, connection_id)
    return f"{waiting:,} new documents wait for a person: connection allow lets them go" if waiting else ""


def _runs(session: Session, connection_id: int, _: str, changed: ConnectionSettings) -> str:
    row = one(
        session,
        """SELECT ledger_now() AS now, s.time_zone, (SELECT count(*)::int FROM change c WHERE c.connection_id = n.id
               AND c.state = 'waiting' AND c.scheduled) AS waiting
           FROM connection n JOIN site s ON s.id = n.site_id WHERE n.id = %s""",
        [connection_id],
    )
    waiting = f"; {row['waiting']:,} changes wait for it" if row["waiting"] else ""
    if changed.schedule.frequency == "continuous":
        return f"Everything is sent at once{waiting.replace('wait for it', 'that wait go now')}"
    run = next_slot(changed.schedule, row["time_zone"], row["now"])
    if run is None:
        return f"Only sync now and quick actions send{waiting}"
    at = run.astimezone(ZoneInfo(row["time_zone"]))
    return f"The next run is on {at:%A %Y-%m-%d at %H:%M} ({row['time_zone']}){waiting}"


COUNTS: Mapping[str, Callable[[Session, int, str, ConnectionSettings], str]] = {
    "waiting": _waiting,
    "switched": _switched,
    "posted": _posted,
    "pulls": _pulls,
    "packs": _packs,
    "held": _held,
    "runs": _runs,
}
"""What is counted, by the word in the table of effects."""
