"""Which version runs."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed


def version() -> str:
    """The installed version; empty where the sources run without being installed."""
    try:
        return installed("scoro-intacct")
    except PackageNotFoundError:
        return ""
