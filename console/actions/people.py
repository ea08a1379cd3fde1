"""Accounts: inviting, signing in, passwords, roles, tokens of programs.

PeopleError          one sentence with the fix
  NotLetInError      name or password is wrong, or there were too many tries: always the same sentence
"""

import re
import secrets
import threading
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from psycopg.errors import UniqueViolation

from db import journal, people
from db.database import Database
from db.database import Ledger as Session
from db.people import Role

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1000

INVITED_HOURS = 72
TOKEN_DAYS = 365
LONGEST_TOKEN_DAYS = 3650

TRIES = 5
"""For one account from one address."""
TRIES_FROM_EVERYWHERE = 50
"""For one account from all addresses, and from one address for all accounts: whole offices come from one address, and
nobody can keep somebody else out by typing their name."""
LONGEST_WAIT_S = 900

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")

_hasher = PasswordHasher()
_nobody = _hasher.hash(secrets.token_hex(16))
"""What the password of an unknown name is compared with, so that it takes as long as a known one's."""
_hashing = threading.Semaphore(2)
"""A hash takes 64 MB: not all threads at once."""


class PeopleError(Exception):
    """An account cannot be changed like this; the message is one sentence with the fix."""


class NotLetInError(PeopleError):
    """Nobody is signed in; says the same whatever was wrong."""

    def __init__(self) -> None:
        super().__init__("Name or password is wrong, or there were too many tries: wait a few minutes, then try again.")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a browser is given: `token` goes in its cookie and is nowhere kept."""

    token: str
    name: str


# ------------------------------------------------------------------------------------------------- signing in


def sign_in(db: Database, name: str, password: str, *, address: str, agent: str = "") -> SignedIn:
    """Check name and password and start a session; raises NotLetInError."""
    row = _let_in(db, name, password, address)

    def start(session: Session) -> SignedIn:
        if _hasher.check_needs_rehash(row["password_hash"]):
            session.execute("UPDATE person SET password_hash = %s WHERE id = %s", [_hash(password), row["id"]])
        return _start(session, row["id"], row["name"], address, agent)

    return db.run(start, actor=f"console:{row['name']}")


def _let_in(db: Database, name: str, password: str, address: str) -> people.Row:
    """The account of a name whose password is right; the try is counted before anything is compared."""
    name = name.strip()[:100]
    account = name.lower()
    limits = {f"{account} from {address}": TRIES, f"account {account}": TRIES_FROM_EVERYWHERE}
    limits[f"address {address}"] = TRIES_FROM_EVERYWHERE

    def count(session: Session) -> bool:
        tries = [
            people.count_try(session, subject, free=free, longest_s=LONGEST_WAIT_S) for subject, free in limits.items()
        ]
        return all(tries)

    if not db.run(count):
        raise NotLetInError
    row = db.run(lambda session: people.find(session, name))
    known = row["password_hash"] if row and not row["disabled"] else None
    if not _matches(known or _nobody, password) or row is None or known is None:
        raise NotLetInError
    db.run(lambda session: people.forget_tries(session, *limits))
    return row


def _start(session: Session, person_id: int, name: str, address: str, agent: str) -> SignedIn:
    token = secrets.token_urlsafe(32)
    csrf = secrets.token_urlsafe(24)
    people.start_session(session, person_id, token=token, csrf=csrf, address=address, agent=agent)
    journal.write(session, "person", person_id, "signed in", address)
    return SignedIn(token, name)


def _matches(password_hash: str, password: str) -> bool:
    with _hashing:
        try:
            return _hasher.verify(password_hash, password[:LONGEST_PASSWORD])
        except (Argon2Error, InvalidHashError):
            return False


def _hash(password: str) -> str:
    with _hashing:
        return _hasher.hash(password)


def _checked_password(password: str, name: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise PeopleError(f"A password has at least {SHORTEST_PASSWORD} characters: choose a longer one.")
    if (name.lower() in password.lower() and len(password) < 2 * SHORTEST_PASSWORD) or len(set(password)) < 5:
        raise PeopleError("This password is easy to guess: choose one without your name and with more variety.")
    return password


# ------------------------------------------------------------------------------------------------- invitations


def first_invitation(db: Database) -> str | None:
    """A token with which the first admin makes an account; None once somebody has one."""
    token = secrets.token_urlsafe(32)

    def make(session: Session) -> bool:
        if people.anybody(session):
            return False
        people.invite(session, token, None, INVITED_HOURS)
        return True

    return token if db.run(make) else None


def first_link(db: Database, address: str) -> list[str]:
    """What to print while nobody has an account: where the first admin makes one. It is shown nowhere else."""
    token = first_invitation(db)
    if token is None:
        return []
    return [
        "Nobody has an account for the pages yet. Make the first one here, within 3 days:",
        f"  {address}/welcome/{token}",
    ]


def invite(db: Database, name: str, role: Role, *, actor: str) -> str:
    """Add an account and return the token with which its owner chooses a password; raises PeopleError."""
    name = _checked_name(name)
    token = secrets.token_urlsafe(32)

    def make(session: Session) -> None:
        person_id = people.add(session, name, role)
        people.invite(session, token, person_id, INVITED_HOURS)
        journal.write(session, "person", person_id, "invited", f"{name}, {role}")

    try:
        db.run(make, actor=actor)
    except UniqueViolation:
        raise PeopleError(f"There is an account {name} already: reset its password, or choose another name.") from None
    return token


def reset(db: Database, name: str, *, actor: str) -> str:
    """End an account's sessions and return a token with which its owner chooses another password."""
    token = secrets.token_urlsafe(32)

    def make(session: Session) -> None:
        person = _person(session, name)
        people.end_sessions(session, person["id"])
        people.invite(session, token, person["id"], INVITED_HOURS)
        people.forget_tries(session, f"account {person['name'].lower()}")
        journal.write(session, "person", person["id"], "reset", person["name"])

    db.run(make, actor=actor)
    return token


def accept(db: Database, token: str, name: str, password: str, *, address: str, agent: str = "") -> SignedIn:
    """Choose a password with an invitation, and sign in; the first person also chooses a name. Raises PeopleError."""

    def peek(session: Session) -> str:
        found = people.invitation(session, token)
        if found is None:
            raise PeopleError(VOID)
        return str(found["name"] or _checked_name(name))

    chosen = db.run(peek)
    password_hash = _hash(_checked_password(password, chosen))

    def take(session: Session) -> SignedIn:
        session.execute("LOCK TABLE invitation IN SHARE ROW EXCLUSIVE MODE")  # two first persons would both be admin
        found = people.invitation(session, token, take=True)
        if found is None:
            raise PeopleError(VOID)
        person_id = found["person_id"]
        if person_id is None:
            existing = people.find(session, chosen)
            person_id = existing["id"] if existing else people.add(session, chosen, Role.ADMIN)
            people.set_role(session, person_id, Role.ADMIN)
            people.disable(session, person_id, disabled=False)
            people.end_first_invitations(session)
        people.set_password(session, person_id, password_hash)
        journal.write(session, "person", person_id, "chose a password", "")
        return _start(session, person_id, chosen, address, agent)

    return db.run(take, actor=f"console:{chosen}")


VOID = "This link was used already or is too old: ask an admin for another one."


def change_password(db: Database, name: str, old: str, new: str, *, address: str, agent: str = "") -> SignedIn:
    """Change one's own password; every other session of the account ends. Raises PeopleError."""
    try:
        _let_in(db, name, old, address)
    except NotLetInError:
        raise PeopleError("The present password is wrong, or there were too many tries: try again later.") from None
    password_hash = _hash(_checked_password(new, name))

    def change(session: Session) -> SignedIn:
        person = _person(session, name)
        people.set_password(session, person["id"], password_hash)
        journal.write(session, "person", person["id"], "changed the password", "")
        return _start(session, person["id"], person["name"], address, agent)

    return db.run(change, actor=f"console:{name}")


# ------------------------------------------------------------------------------------------------- accounts


def change_role(db: Database, name: str, role: Role, *, actor: str) -> None:
    """Give somebody another role; somebody must stay who can give it back."""

    def change(session: Session) -> None:
        person = _person(session, name)
        if role is not Role.ADMIN:
            _keep_an_admin(session, person)
        people.set_role(session, person["id"], role)
        journal.write(session, "person", person["id"], "role", f"{person['name']}: {person['role']} -> {role}")

    db.run(change, actor=actor)


def disable(db: Database, name: str, disabled: bool, *, actor: str) -> None:
    """Lock somebody out at once, or let them in again."""

    def change(session: Session) -> None:
        person = _person(session, name)
        if disabled:
            _keep_an_admin(session, person)
        people.disable(session, person["id"], disabled)
        journal.write(session, "person", person["id"], "locked out" if disabled else "let in again", person["name"])

    db.run(change, actor=actor)


def _keep_an_admin(session: Session, person: people.Row) -> None:
    if person["role"] == Role.ADMIN and not people.other_admins(session, person["id"]):
        raise PeopleError(f"{person['name']} is the only admin: make somebody else admin first.")


def _person(session: Session, name: str) -> people.Row:
    found = people.find(session, name)
    if found is None:
        raise PeopleError(f"There is no account {name}: see the list of people.")
    return found


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name.strip()):
        raise PeopleError("A name has letters, digits and . _ @ + -, such as anna or ben@example.com: choose another.")
    return name.strip()


# ------------------------------------------------------------------------------------------------- tokens of programs


def add_token(db: Database, name: str, role: Role, days: int, *, actor: str) -> str:
    """Make a token for a program; what is returned is shown once and kept nowhere."""
    name = _checked_name(name)
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        raise PeopleError(f"A token lasts 1 to {LONGEST_TOKEN_DAYS} days: choose a number between.")
    token = f"si_{secrets.token_urlsafe(32)}"

    def make(session: Session) -> None:
        token_id = people.add_token(session, name, role, token=token, made_by=actor, days=days)
        journal.write(session, "api_token", token_id, "made", f"{name}, {role}, {days} days")

    db.run(make, actor=actor)
    return token


def revoke_token(db: Database, token_id: int, *, actor: str) -> str:
    """End a program's token; returns its name."""

    def end(session: Session) -> str:
        name = people.revoke_token(session, token_id)
        if name is None:
            raise PeopleError(f"There is no token {token_id} that still works: see the list of tokens.")
        journal.write(session, "api_token", token_id, "revoked", name)
        return name

    return db.run(end, actor=actor)
