"""What `reference list` can list; light, as the command line reads it before it does anything."""

from enum import StrEnum


class Listed(StrEnum):
    """What can be listed."""

    ACCOUNTS = "accounts"
    TAXES = "taxes"
    DIMENSIONS = "dimensions"
