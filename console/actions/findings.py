"""What a check found: how bad, about what, in a sentence, and the fix."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing is wrong."""
    WARNING = "warning"
    """It works, but not everything that was asked for."""
    BROKEN = "broken"
    """Something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `about` names it (`PostgreSQL`, `site acme`, `connection uk`)."""

    about: str
    level: Level
    says: str
    fix: str = ""


def ok(about: str, says: str) -> Finding:
    """It is as it should be."""
    return Finding(about, Level.OK, says)


def note(about: str, says: str, fix: str = "") -> Finding:
    """Worth knowing."""
    return Finding(about, Level.NOTE, says, fix)


def warning(about: str, says: str, fix: str) -> Finding:
    """Not everything works."""
    return Finding(about, Level.WARNING, says, fix)


def broken(about: str, says: str, fix: str) -> Finding:
    """Something does not work."""
    return Finding(about, Level.BROKEN, says, fix)
