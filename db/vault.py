"""Secrets at rest: Fernet, the first key encrypts, all decrypt, so that keys can be rotated."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from schemas.redaction import remember


class VaultError(Exception):
    """A key is malformed, or none of them opens a stored secret; the message says what to do."""


class Vault:
    """Encrypts and decrypts the ledger's secrets with `SECRET_KEYS`; what it has seen is redacted everywhere."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise VaultError("SECRET_KEYS is empty: give at least one Fernet key.")
        try:
            remember(*(key.strip() for key in keys))
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys])
        except ValueError as error:
            raise VaultError(
                "SECRET_KEYS holds something that is no Fernet key (32 bytes, URL-safe base64)."
            ) from error

    def seal(self, secret: str) -> bytes:
        """Encrypt for the ledger."""
        remember(secret)
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Decrypt what the ledger holds."""
        try:
            secret = self._fernet.decrypt(bytes(sealed)).decode()
        except InvalidToken as error:
            raise VaultError(
                "None of SECRET_KEYS opens a stored secret: add the key it was stored with to the end of SECRET_KEYS."
            ) from error
        remember(secret)
        return secret
