"""The table: a key, two values of it, and what each shows on the wire. Every key of the model stands here once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.settings import ConnectionSettings, describe
from tests.settings.bench import Bench


@dataclass(frozen=True, slots=True)
class Case:
    """What two values of a key come to. `key` is as typed (`taxes.1`), `beside` holds what must be set with it."""

    key: str
    values: tuple[str, str]
    shows: Callable[[Bench], Any]
    wanted: tuple[Any, Any]
    beside: Mapping[str, str] = field(default_factory=dict)


def model_key(key: str) -> str:
    """The key of the model that a typed one stands for: `taxes.1` is `taxes.{vat_code_id}`."""
    every = [row.key for row in describe(ConnectionSettings())]
    if key in every:
        return key
    return next(name for name in every if "{" in name and key.startswith(name.partition("{")[0]))
