"""Who signs in to the gateway: the sender (whose integration it is) and the user of one company and entity."""

from dataclasses import dataclass, field

from schemas.redaction import remember


@dataclass(frozen=True, slots=True)
class Sender:
    """The Web Services sender of a request's `<control>`."""

    sender_id: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        """Have the password redacted everywhere."""
        remember(self.password)


@dataclass(frozen=True, slots=True)
class Login:
    """The Web Services user of a company; `entity_id` is the entity's LOCATIONID, None without entities."""

    company_id: str
    user_id: str
    password: str = field(repr=False)
    entity_id: str | None = None

    def __post_init__(self) -> None:
        """Have the password redacted everywhere."""
        remember(self.password)
