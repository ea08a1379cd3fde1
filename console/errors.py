"""The errors whose text is made for people: pages show it, the JSON API answers it, nothing else of an error leaves."""

from clients.intacct.errors import GatewayError
from clients.scoro.errors import ScoroError
from console.actions.connecting import ConnectError
from console.actions.documents import NotDoneError
from console.actions.people import PeopleError
from console.actions.quick import NotAllowedError, NotPossibleError
from console.actions.sites import SiteError
from schemas.settings import SettingError
from workers.carrier import QuotaUsedUpError

EXPECTED: tuple[type[Exception], ...] = (
    ConnectError,
    GatewayError,
    NotAllowedError,
    NotDoneError,
    NotPossibleError,
    PeopleError,
    QuotaUsedUpError,
    ScoroError,
    SettingError,
    SiteError,
)


def sentence(error: Exception) -> str:
    """What to say of an expected error."""
    if isinstance(error, QuotaUsedUpError):
        return "This month's requests are used up: raise the limit of the site, or wait for the next month."
    return " ".join(str(error).split())
