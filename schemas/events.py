"""What Scoro's webhook says: which document of which business entity may have changed.

The body is a hint, never the truth: it holds the whole object, but only three values are read (scoro-api, section
10), and the document is read again from Scoro before anything is done.

HintError            the body is not what Scoro sends; answered with 400
"""

import json
import unicodedata
from dataclasses import dataclass
from typing import Any

from schemas.document_types import webhook_kind
from schemas.kinds import Kind

MAX_BODY_BYTES = 1_000_000
MAX_ID = 2**63 - 1
MAX_WORD_CHARACTERS = 200


class HintError(ValueError):
    """The webhook's body has another shape; the message names the key at fault."""


@dataclass(frozen=True, slots=True)
class WebhookHint:
    """A document of Scoro that may have changed.

    `entity_type` is Scoro's singular word (`invoice`), `account_id` the business entity.
    """

    entity_type: str
    entity_id: int
    account_id: str

    @property
    def kind(self) -> Kind | None:
        """The kind of document; None for what is not synced."""
        return webhook_kind(self.entity_type)

    @classmethod
    def parse(cls, body: bytes) -> "WebhookHint":
        """Read a webhook's body; raises HintError. All but the three values is ignored."""
        if len(body) > MAX_BODY_BYTES:
            raise HintError(f"the body is longer than {MAX_BODY_BYTES} bytes")
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise HintError("the body is not JSON") from error
        if not isinstance(payload, dict):
            raise HintError("the body is not an object")
        entity = payload.get("entity")
        if not isinstance(entity, dict):
            raise HintError("entity is not an object")
        return cls(
            entity_type=_word(payload.get("entityType"), "entityType"),
            entity_id=_identity(payload.get("entityId")),
            account_id=_word(entity.get("account_id"), "entity.account_id"),
        )


def _word(value: Any, key: str) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= MAX_WORD_CHARACTERS:
        raise HintError(f"{key} is not a text of 1 to {MAX_WORD_CHARACTERS} characters")
    # Cc holds NUL, which the database refuses, Cs half surrogates, which cannot be encoded.
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        raise HintError(f"{key} holds characters that no name has")
    return value.strip()


def _identity(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(MAX_ID)):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_ID:
        raise HintError("entityId is not a positive number")
    return value
