"""Changing the settings of a connection: all of what is asked for or none, each with what was and what is."""

from collections.abc import Sequence

from console.actions.effects import effect
from db import connections, journal, scoro_intents
from db.database import Database, one
from db.database import Ledger as Session
from schemas.settings import ConnectionSettings, SettingError, describe, set_key

NOT_SET = "(not set)"


def change(session: Session, connection_id: int, wanted: Sequence[tuple[str, str]]) -> list[str]:
    """Set keys to texts as they are typed; an empty one unsets. Raises SettingError.

    Returns a line for each, and one for what it does. The row is held, so that two people do not overwrite each other.
    """
    row = one(session, "SELECT settings FROM connection WHERE id = %s FOR UPDATE", [connection_id])
    settings = ConnectionSettings.from_json(row["settings"])
    changes = []
    for key, value in wanted:
        changed = set_key(settings, key, value)
        if changed.data.bills.direction != settings.data.bills.direction:
            _check_may_turn(session, connection_id, key)
        if key.endswith(".bookmark") and value.strip():
            _check_has_user(session, connection_id, key)
        changes.append((key, f"{key}: {_value_of(settings, key)} -> {_value_of(changed, key)}"))
        settings = changed
    connections.save_settings(session, connection_id, settings)
    for _, change in changes:
        journal.write(session, "connection", connection_id, "settings", change)
    return [line for key, change in changes for line in (change, f"  {effect(session, connection_id, key, settings)}")]


def _check_may_turn(session: Session, connection_id: int, key: str) -> None:
    """The direction of bills turns only while none of them is under way; those that came stay where they are."""
    if count := scoro_intents.open_bills(session, connection_id):
        some = "a bill is" if count == 1 else f"{count:,} bills are"
        raise SettingError(
            f"{key}: {some} on the way or held up; wait with `scoro-intacct wait`, and settle or ignore those that"
            " `scoro-intacct documents list --kind bill` shows as held or failed"
        )


def _check_has_user(session: Session, connection_id: int, key: str) -> None:
    """Bookmarks of Scoro are out of reach without a user's token."""
    row = one(
        session,
        """SELECT s.name, s.user_token IS NOT NULL AS has_user FROM connection c JOIN site s ON s.id = c.site_id
           WHERE c.id = %s""",
        [connection_id],
    )
    if not row["has_user"]:
        raise SettingError(
            f"{key}: Scoro shows bookmarks to users alone: give the site a user's token first, with"
            f" `scoro-intacct site set {row['name']} user-token-file=F`"
        )


def change_as(db: Database, connection_id: int, wanted: Sequence[tuple[str, str]], *, actor: str) -> list[str]:
    """`change`, in a transaction of its own and in somebody's name."""
    return db.run(lambda session: change(session, connection_id, wanted), actor=actor)


def _value_of(settings: ConnectionSettings, key: str) -> str:
    return next((row.value for row in describe(settings) if row.key == key), "") or NOT_SET
