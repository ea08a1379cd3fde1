"""Why a side does not let us in, as one sentence with the fix: for connecting, for background data, for `doctor`."""

import re

from clients.intacct.catalogue import classify
from clients.intacct.errors import ConnectionBroken, GatewayError, Throttled, Unavailable
from clients.intacct.known_errors import strip_support_id
from clients.intacct.login import Login
from clients.scoro import errors as scoro_errors
from clients.scoro.errors import ScoroError
from clients.scoro.known_errors import explain
from db.sites import Site

API_PAGE = "Settings > Site settings > Integrations > Scoro API"
AUTHORISATIONS_PAGE = "Company > Setup > Company > Security > Web Services authorizations"
USERS_PAGE = "Company > Admin > Web Services users"
ROLES_PAGE = "Company > Admin > Roles"

_ABOUT_ENTITY = re.compile(r"company_account_id|entity|company account", re.IGNORECASE)


def of_scoro(site: Site, entity: str, error: Exception) -> str:
    """What Scoro's refusal means."""
    if not isinstance(error, ScoroError):
        return f"Scoro's answer for the entity {entity} cannot be read ({error}): report it."
    set_ = f"`scoro-intacct site set {site.name}"
    if _ABOUT_ENTITY.search(str(error)) and isinstance(error, scoro_errors.ConnectionBroken | scoro_errors.Refused):
        return (
            f"Scoro's site {site.name} has no entity {entity} for this key ({error}): take the company_account_id that"
            f" {API_PAGE} shows."
        )
    match explain(error).code:
        case "wrong_address":
            return f"At {site.url} there is no Scoro ({error}): correct the address with {set_} url=https://...`."
        case "turned_away":
            return f"The network in front of {site.url} turns this machine away ({error}): check its proxy and address."
        case "key_refused":
            return (
                f"Scoro does not accept the API key of {site.name} ({error}): make one under {API_PAGE} and give it to"
                f" the site with {set_} api-key-file=FILE`; check the entity's id {entity} there too."
            )
        case "day_used_up" | "throttled":
            return f"Scoro takes no more requests of {site.name} for now ({error}): try again later."
        case "out_of_service":
            return (
                f"Scoro at {site.url} cannot be reached ({error}): check the address and the network, correct it with"
                f" {set_} url=https://...`, or try again later."
            )
    return f"Scoro does not let us read the entity {entity} ({error}): check the entity's id and the key's rights."


def of_intacct(login: Login, sender_id: str, error: GatewayError) -> str:
    """What the gateway's refusal means."""
    if isinstance(error, Throttled):
        return f"Intacct takes no more requests of {login.company_id} for now ({error}): try again in a minute."
    if isinstance(error, Unavailable):
        return f"Intacct cannot be reached ({error}): check INTACCT_GATEWAY_URL and the network, or try again later."
    if not isinstance(error, ConnectionBroken):
        return f"Intacct did not answer in a way that can be read ({error}): try again."
    said = classify(error.errors).code if error.errors else "company_or_sender"
    words = f"({_own_words(error)})"
    match said:
        case "sender":
            return (
                f"Intacct does not accept the sender {sender_id} or its password {words}: correct INTACCT_SENDER_ID and"
                " INTACCT_SENDER_PASSWORD as your Web Services licence has them."
            )
        case "sender_not_authorised":
            return (
                f"The Intacct company {login.company_id} has not authorised the sender {sender_id} {words}: add it in"
                f" Intacct under {AUTHORISATIONS_PAGE}."
            )
        case "company_or_sender":
            return (
                f"Intacct does not know the company {login.company_id} or the sender {sender_id} {words}: check the"
                " company id, and INTACCT_SENDER_ID."
            )
        case "company_expired":
            return f"The Intacct company {login.company_id} has expired {words}: have Sage renew it."
        case "login_unknown":
            return (
                f"Intacct's company {login.company_id} has no user {login.user_id} {words}: take the user id that"
                f" {USERS_PAGE} shows."
            )
        case "entity_closed":
            return (
                f"The user {login.user_id} may not enter the entity {login.entity_id} {words}: check the entity's id,"
                f" and the entities of the user under {USERS_PAGE}."
            )
        case "no_permission":
            return f"The user {login.user_id} may not use Web Services {words}: give its role the right, {ROLES_PAGE}."
    return (
        f"Intacct does not accept the sign-in of {login.user_id} at {login.company_id} {words}: check user, password"
        f" and company; the user must be one of {USERS_PAGE}."
    )


def of_entity(login: Login, entities: list[str]) -> str:
    """What it means that the sign-in works without the entity only."""
    if not entities:
        return (
            f"The Intacct company {login.company_id} has no entities, or none that {login.user_id} may enter: connect"
            " with --entity '' where there are none."
        )
    return (
        f"The user {login.user_id} may not enter the Intacct entity {login.entity_id}: choose one of"
        f" {', '.join(entities)}, or open it to the user under {USERS_PAGE}."
    )


def _own_words(error: GatewayError) -> str:
    texts = [strip_support_id(entry.description2) for entry in error.errors if entry.description2]
    return "; ".join(texts) or str(error)
