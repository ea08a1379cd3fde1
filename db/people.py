"""Who may look and act: accounts, invitations, sessions, tries to sign in, tokens of programs.

Times of access are the server's own clock, not the ledger's, which tests move. Only hashes of secrets are kept.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from db.database import Ledger, one

Row = dict[str, Any]

IDLE_H = 12
"""A session that nobody used for so long is over."""
LONGEST_DAYS = 7
"""And every session after so long."""

SEEN_STEP_S = 60
"""How exactly the last use of a session is known."""

TRY_WINDOW_S = 900
"""Tries to sign in are forgotten after so long without one."""


class Role(StrEnum):
    """What somebody may do; each role may do what the ones before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def allows(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in."""

    person_id: int
    name: str
    role: Role
    csrf: str
    said: str = ""
    """What the next page tells, once: how the last action went."""


def digest(token: str) -> bytes:
    """What is kept of a token: 32 random bytes need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()


# ------------------------------------------------------------------------------------------------- accounts


def anybody(ledger: Ledger) -> bool:
    """Whether there is an account with a password."""
    return bool(one(ledger, "SELECT EXISTS (SELECT FROM person WHERE password_hash IS NOT NULL) AS found")["found"])


def add(ledger: Ledger, name: str, role: Role) -> int:
    """Add an account without a password; a name that is taken is a UniqueViolation."""
    return int(one(ledger, "INSERT INTO person (name, role) VALUES (%s, %s) RETURNING id", [name, role])["id"])


def find(ledger: Ledger, name: str) -> Row | None:
    """The account of that name, whatever the case of its letters."""
    return ledger.execute("SELECT * FROM person WHERE lower(name) = lower(%s)", [name]).fetchone()


def every(ledger: Ledger) -> list[Row]:
    """All accounts by name, with how many sessions are open."""
    return ledger.execute(
        f"""SELECT p.id, p.name, p.role::text AS role, p.disabled, p.created_at, p.seen_at,
               p.password_hash IS NOT NULL AS has_password,
               (SELECT count(*)::int FROM login_session s WHERE s.person_id = p.id AND {LIVE}) AS sessions
           FROM person p ORDER BY lower(p.name)""".encode()
    ).fetchall()


def set_password(ledger: Ledger, person_id: int, password_hash: str) -> None:
    """Give an account another password; its sessions and open invitations end."""
    ledger.execute("UPDATE person SET password_hash = %s WHERE id = %s", [password_hash, person_id])
    end_sessions(ledger, person_id)
    ledger.execute("DELETE FROM invitation WHERE person_id = %s", [person_id])


def set_role(ledger: Ledger, person_id: int, role: Role) -> None:
    """Give an account another role, at once also for its sessions."""
    ledger.execute("UPDATE person SET role = %s WHERE id = %s", [role, person_id])


def disable(ledger: Ledger, person_id: int, disabled: bool) -> None:
    """Lock an account out, or let it in again."""
    ledger.execute("UPDATE person SET disabled = %s WHERE id = %s", [disabled, person_id])
    if disabled:
        end_sessions(ledger, person_id)


def other_admins(ledger: Ledger, person_id: int) -> int:
    """How many others could undo what is done to this account; the rows are held, so that two do not lock all out."""
    rows = ledger.execute(
        """SELECT id FROM person WHERE role = 'admin' AND NOT disabled AND password_hash IS NOT NULL
           ORDER BY id FOR UPDATE"""
    ).fetchall()
    return sum(row["id"] != person_id for row in rows)


# ------------------------------------------------------------------------------------------------- invitations


def invite(ledger: Ledger, token: str, person_id: int | None, hours: int) -> None:
    """Let whoever has the token choose a password, once; an earlier invitation of the account ends."""
    ledger.execute("DELETE FROM invitation WHERE expires_at < clock_timestamp() OR person_id = %s", [person_id])
    ledger.execute(
        """INSERT INTO invitation (token_hash, person_id, expires_at)
           VALUES (%s, %s, clock_timestamp() + make_interval(hours => %s))""",
        [digest(token), person_id, hours],
    )


def invitation(ledger: Ledger, token: str, *, take: bool = False) -> Row | None:
    """Whom an open invitation is for: `person_id` and `name`, both None for the first person; `take` uses it up."""
    row = ledger.execute(
        """SELECT i.person_id, p.name FROM invitation i LEFT JOIN person p ON p.id = i.person_id
           WHERE i.token_hash = %s AND i.expires_at > clock_timestamp() AND p.disabled IS NOT true
             AND (i.person_id IS NOT NULL OR NOT EXISTS (SELECT FROM person WHERE password_hash IS NOT NULL))""",
        [digest(token)],
    ).fetchone()
    if row and take:
        gone = ledger.execute("DELETE FROM invitation WHERE token_hash = %s RETURNING 1", [digest(token)]).fetchone()
        return row if gone else None
    return row


def end_first_invitations(ledger: Ledger) -> None:
    """The first account stands: links that would make it are void."""
    ledger.execute("DELETE FROM invitation WHERE person_id IS NULL")


# ------------------------------------------------------------------------------------------------- sessions

LIVE = f"""s.seen_at > clock_timestamp() - interval '{IDLE_H} hours'
    AND s.started_at > clock_timestamp() - interval '{LONGEST_DAYS} days'"""


def start_session(ledger: Ledger, person_id: int, *, token: str, csrf: str, address: str, agent: str) -> None:
    """Keep a session; those of anybody that are over are removed."""
    ledger.execute(f"DELETE FROM login_session s WHERE NOT ({LIVE})".encode())
    ledger.execute(
        """INSERT INTO login_session (token_hash, person_id, csrf, address, agent) VALUES (%s, %s, %s, %s, %s)""",
        [digest(token), person_id, csrf, address[:100], agent[:300]],
    )
    ledger.execute("UPDATE person SET seen_at = clock_timestamp() WHERE id = %s", [person_id])


def session(ledger: Ledger, token: str) -> Session | None:
    """Who is signed in with a token."""
    row = ledger.execute(
        f"""SELECT p.id, p.name, p.role::text AS role, s.csrf, s.said,
               s.seen_at < clock_timestamp() - interval '{SEEN_STEP_S} seconds' AS stale
           FROM login_session s JOIN person p ON p.id = s.person_id
           WHERE s.token_hash = %s AND NOT p.disabled AND {LIVE}""".encode(),
        [digest(token)],
    ).fetchone()
    if row is None:
        return None
    if row["stale"]:
        ledger.execute("UPDATE login_session SET seen_at = clock_timestamp() WHERE token_hash = %s", [digest(token)])
        ledger.execute("UPDATE person SET seen_at = clock_timestamp() WHERE id = %s", [row["id"]])
    return Session(row["id"], row["name"], Role(row["role"]), row["csrf"], row["said"])


def say(ledger: Ledger, token: str, text: str) -> None:
    """Keep for the next page what an action came to; an empty text once it was shown."""
    ledger.execute("UPDATE login_session SET said = %s WHERE token_hash = %s", [text[:2000], digest(token)])


def end_session(ledger: Ledger, token: str) -> None:
    """Sign out."""
    ledger.execute("DELETE FROM login_session WHERE token_hash = %s", [digest(token)])


def end_sessions(ledger: Ledger, person_id: int) -> None:
    """Sign an account out everywhere."""
    ledger.execute("DELETE FROM login_session WHERE person_id = %s", [person_id])


# ------------------------------------------------------------------------------------------------- tries to sign in

COUNT_TRY = """INSERT INTO login_tries AS t (subject, tries) VALUES (%(subject)s, 1)
    ON CONFLICT (subject) DO UPDATE SET
        tries = CASE WHEN t.since < clock_timestamp() - make_interval(secs => %(window)s) THEN 1 ELSE t.tries + 1 END,
        since = CASE WHEN t.blocked_until > clock_timestamp() THEN t.since ELSE clock_timestamp() END,
        blocked_until = CASE
            WHEN t.blocked_until > clock_timestamp() THEN t.blocked_until
            WHEN t.since >= clock_timestamp() - make_interval(secs => %(window)s) AND t.tries >= %(free)s
            THEN clock_timestamp() + make_interval(
                secs => least(%(longest)s, 5 * 2 ^ least(t.tries - %(free)s, 20)))
            ELSE '-infinity' END
    RETURNING blocked_until"""


def count_try(ledger: Ledger, subject: str, *, free: int, longest_s: int) -> bool:
    """Count a try before the password is looked at; False when this try is not let through.

    The first `free` pass, each further one sets a wait that doubles up to `longest_s`; a try during a wait does not
    prolong it.
    """
    ledger.execute(
        "DELETE FROM login_tries WHERE since < clock_timestamp() - make_interval(secs => %s)"
        " AND blocked_until < clock_timestamp()",
        [TRY_WINDOW_S],
    )
    blocked = ledger.execute(
        "SELECT FROM login_tries WHERE subject = %s AND blocked_until > clock_timestamp() FOR UPDATE", [subject]
    ).fetchone()
    if blocked is not None:
        return False
    ledger.execute(COUNT_TRY, {"subject": subject, "window": TRY_WINDOW_S, "free": free, "longest": longest_s})
    return True


def forget_tries(ledger: Ledger, *subjects: str) -> None:
    """Somebody signed in."""
    ledger.execute("DELETE FROM login_tries WHERE subject = ANY(%s)", [list(subjects)])


# ------------------------------------------------------------------------------------------------- tokens of programs


def add_token(ledger: Ledger, name: str, role: Role, *, token: str, made_by: str, days: int) -> int:
    """Keep a program's token."""
    row = one(
        ledger,
        """INSERT INTO api_token (name, role, token_hash, made_by, expires_at)
           VALUES (%s, %s, %s, %s, clock_timestamp() + make_interval(days => %s)) RETURNING id""",
        [name, role, digest(token), made_by, days],
    )
    return int(row["id"])


def tokens(ledger: Ledger) -> list[Row]:
    """All tokens, those that work first; never the token itself."""
    return ledger.execute(
        """SELECT id, name, role::text AS role, made_by, made_at, expires_at, used_at, revoked_at,
               revoked_at IS NULL AND expires_at > clock_timestamp() AS works
           FROM api_token ORDER BY works DESC, id DESC LIMIT 500"""
    ).fetchall()


def revoke_token(ledger: Ledger, token_id: int) -> str | None:
    """End a token; returns its name, None where there is none that works."""
    row = ledger.execute(
        "UPDATE api_token SET revoked_at = clock_timestamp() WHERE id = %s AND revoked_at IS NULL RETURNING name",
        [token_id],
    ).fetchone()
    return row["name"] if row else None


def token_holder(ledger: Ledger, token: str) -> tuple[str, Role] | None:
    """Name and role of a token that works."""
    row = ledger.execute(
        """SELECT id, name, role::text AS role, used_at IS NULL
               OR used_at < clock_timestamp() - make_interval(secs => %s) AS stale
           FROM api_token WHERE token_hash = %s AND revoked_at IS NULL AND expires_at > clock_timestamp()""",
        [SEEN_STEP_S, digest(token)],
    ).fetchone()
    if row is None:
        return None
    if row["stale"]:
        ledger.execute("UPDATE api_token SET used_at = clock_timestamp() WHERE id = %s", [row["id"]])
    return row["name"], Role(row["role"])
