"""Putting the product together: the one place where settings become objects."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography.fernet import Fernet

from app.services.data_dir import ensure_data_dir
from app.services.postgres import postgres
from app.settings import EnvironmentFault, Settings
from clients.intacct.gateway import Gateway
from db.database import Database
from db.migrate import is_current, migrate
from db.vault import Vault
from workers.runtime import Runtime

KEY_FILE = "secret.key"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger as a process uses it; `label` names the database for people."""

    db: Database
    vault: Vault
    label: str


@contextmanager
def open_ledger(
    settings: Settings, *, actor: str, on_wait: Callable[[str], None] | None = None, pool_size: int = 8
) -> Iterator[Ledger]:
    """Open the ledger: the one at DATABASE_URL as it is, the embedded one brought to this version's schema.

    Raises EnvironmentFault where a ledger at DATABASE_URL is not migrated, and ServiceError.
    """
    with postgres(settings.data_dir, settings.database_url, on_wait=on_wait) as service:
        if settings.database_url is None:
            migrate(service.url)
        elif not is_current(service.url):
            raise EnvironmentFault("The ledger does not have this version's schema yet: run `scoro-intacct migrate`.")
        direct = settings.database_direct_url if settings.database_url else None
        db = Database(service.url, direct, actor=actor, pool_size=pool_size)
        try:
            yield Ledger(db, vault_of(settings), service.label)
        finally:
            db.close()


def vault_of(settings: Settings) -> Vault:
    """The keys of SECRET_KEYS, else a key made once in DATA_DIR for the embedded ledger."""
    if settings.secret_keys:
        return Vault([key.get_secret_value() for key in settings.secret_keys])
    folder = ensure_data_dir(settings.data_dir)
    path = folder / KEY_FILE
    if not path.exists():
        # written aside and linked into place: two starters agree on one, and none is ever seen half-written
        with tempfile.NamedTemporaryFile("w", dir=folder, encoding="ascii") as made:
            made.write(Fernet.generate_key().decode())
            made.flush()
            os.fsync(made.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(made.name, path)
    return Vault([path.read_text(encoding="ascii")])


def gateway_of(settings: Settings) -> Gateway:
    """The Intacct gateway that the environment names."""
    try:
        return Gateway(
            settings.intacct_gateway_url,
            settings.intacct_sender_id,
            settings.intacct_sender_password.get_secret_value(),
            allow_local=settings.allow_local_endpoints,
        )
    except ValueError as error:
        raise EnvironmentFault(f"INTACCT_GATEWAY_URL: {error}") from None


def runtime_of(settings: Settings, ledger: Ledger, stopping: threading.Event | None = None) -> Runtime:
    """What the actors and commands work with."""
    return Runtime(
        db=ledger.db,
        vault=ledger.vault,
        gateway=gateway_of(settings),
        slots=settings.intacct_concurrency,
        scoro_app_id=settings.scoro_app_id,
        allow_local=settings.allow_local_endpoints,
        public_url=settings.public_url,
        stopping=stopping or threading.Event(),
    )


@contextmanager
def using(settings: Settings, ledger: Ledger) -> Iterator[Runtime]:
    """What a command works with; its connections to the far sides end with the block."""
    runtime = runtime_of(settings, ledger)
    try:
        yield runtime
    finally:
        runtime.close()
