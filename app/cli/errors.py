"""Errors that a person can act on become one sentence and exit code 1; all others keep their traceback.

Nothing is imported until an error needs it, as most commands end without one.
"""

from typing import Any

import typer
from typer.core import TyperGroup


class Refusal(Exception):
    """A command cannot be done as asked; the message is one sentence with the fix."""


def expected_errors() -> tuple[type[Exception], ...]:
    """The errors whose text is made for people."""
    import psycopg
    from psycopg_pool import PoolTimeout

    from app.services.errors import ServiceError
    from app.settings import EnvironmentFault
    from clients.scoro.errors import ScoroError
    from console.actions.connecting import ConnectError
    from console.actions.documents import NotDoneError
    from console.actions.people import PeopleError
    from console.actions.quick import NotAllowedError, NotPossibleError
    from console.actions.sites import SiteError
    from db.migrate import MigrationError
    from db.vault import VaultError
    from schemas.settings import SettingError

    return (
        Refusal,
        ConnectError,
        EnvironmentFault,
        MigrationError,
        NotAllowedError,
        NotDoneError,
        NotPossibleError,
        PeopleError,
        PoolTimeout,
        ScoroError,
        ServiceError,
        SettingError,
        SiteError,
        VaultError,
        psycopg.OperationalError,
    )


def sentence(error: Exception) -> str:
    """What to say of an expected error."""
    import psycopg
    from psycopg_pool import PoolTimeout

    text = " ".join(str(error).split())
    if isinstance(error, psycopg.OperationalError | PoolTimeout):
        return f"The ledger cannot be reached ({text}): check that the database of DATABASE_URL runs, then try again."
    return text


class Commands(TyperGroup):
    """The root of all commands: expected errors leave as one sentence on standard error."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except expected_errors() as error:
            typer.echo(sentence(error), err=True)
            raise typer.Exit(1) from None
