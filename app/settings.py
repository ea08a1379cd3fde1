"""The environment: every variable with its default, read from `.env` too, refused with the fix if it makes no sense."""

from email.message import EmailMessage
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.services.data_dir import default_data_dir
from clients.intacct.gateway import DEFAULT_URL
from clients.mail import MailServer
from schemas.redaction import remember


class EnvironmentFault(Exception):
    """A variable is missing or malformed; the message names it and the fix."""


class Settings(BaseSettings):
    """What a process is told by its environment."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True)

    database_url: str | None = None
    database_direct_url: str | None = None
    amqp_url: str | None = None
    queue_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,60}$")] = ""
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    intacct_gateway_url: str = DEFAULT_URL
    intacct_sender_id: str = ""
    intacct_sender_password: SecretStr = SecretStr("")
    intacct_concurrency: int = Field(1, ge=1, le=100)
    scoro_app_id: str = ""
    public_url: str | None = None
    smtp_url: SecretStr | None = None
    mail_from: str | None = None
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    data_dir: Path = Field(default_factory=default_data_dir)
    http_bind: str = "127.0.0.1:8080"
    metrics_bind: str | None = None
    metrics_token: SecretStr | None = None
    allow_local_endpoints: bool = False

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("http_bind", "metrics_bind")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None:
            address(value)
        return value

    @field_validator("public_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise ValueError("is no address such as https://sync.example.com")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _secrets_are_redacted(self) -> Self:
        told = [self.intacct_sender_password, self.smtp_url, self.metrics_token, *self.secret_keys]
        remember(*(secret.get_secret_value() for secret in told if secret))
        for url in (self.database_url, self.database_direct_url, self.amqp_url, self.smtp_url):
            text = url.get_secret_value() if isinstance(url, SecretStr) else url or ""
            if "://" in text and (password := urlsplit(text).password):
                remember(password, unquote(password))
        return self

    @field_validator("mail_from")
    @classmethod
    def _is_mailbox(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                header = EmailMessage()
                header["From"] = value
                (address,) = header["From"].addresses
            except (ValueError, IndexError):
                address = None
            if address is None or not address.domain or header["From"].defects:
                raise ValueError("is no address such as scoro-intacct@example.com")
        return value

    @model_validator(mode="after")
    def _mail_can_leave(self) -> Self:
        if self.smtp_url is not None:
            try:
                MailServer.at(self.smtp_url.get_secret_value())
            except ValueError as error:
                raise ValueError(f"SMTP_URL {error}") from None
            if self.mail_from is None:
                raise ValueError("MAIL_FROM is not set: with SMTP_URL say which address mail comes from")
        return self

    @model_validator(mode="after")
    def _keys_for_a_shared_ledger(self) -> Self:
        if self.database_url and not self.secret_keys:
            raise ValueError(
                "SECRET_KEYS is not set, and a ledger at DATABASE_URL is shared: every process needs the same keys."
                " Make"
                ' one with: python3 -c "import base64,os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
            )
        return self


def address(bind: str) -> tuple[str, int]:
    """Host and port of `host:port`; raises ValueError."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{bind!r} is no host:port")
    return host.strip("[]"), int(port)


def load_settings() -> Settings:
    """Read the environment; raises EnvironmentFault in words."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "_".join(str(part) for part in first["loc"][:1]).upper()
        reason = str(first["msg"]).removeprefix("Value error, ")
        raise EnvironmentFault(f"{name}: {reason}" if name else reason) from None
