"""Who calls: the sender of the request, the user, the entity; sign-in by login or by session."""

import secrets
from dataclasses import dataclass

from lxml import etree

from sandbox import fixtures
from sandbox.intacct.envelope import Control
from sandbox.intacct.errors import AuthenticationError, ControlError, line, refuse
from sandbox.intacct.settings import Settings
from sandbox.intacct.store import Store
from sandbox.intacct.values import text_of


@dataclass(frozen=True)
class Login:
    """Somebody signed in; `entity` is empty at the top level, `expires_s` counts from the epoch."""

    user: str
    company: str
    entity: str
    expires_s: float
    session_id: str = ""


def check_sender(control: Control) -> None:
    """Check sender id, its password and the policy; raises ControlError."""
    if (control.sender_id, control.password) != (fixtures.SENDER_ID, fixtures.SENDER_PASSWORD):
        raise ControlError(line("partner_id"))
    if control.policy_id:
        raise ControlError(line("transport_policy", policy=control.policy_id))


def sign_in(store: Store, settings: Settings, control: Control, method: etree._Element, now_s: float) -> Login:
    """Sign in by `<login>` or `<sessionid>`; raises AuthenticationError."""
    if method.tag == "login":
        login = _by_password(settings, control, method, now_s)
    elif method.tag == "sessionid":
        login = _by_session(store, settings, text_of(method), now_s)
    else:
        raise AuthenticationError(line("sign_in"))
    _check_company(settings, control, login.company)
    return login


def open_session(store: Store, settings: Settings, login: Login, entity: str, now_s: float) -> Login:
    """Open a session for `entity` ('' for the top level); raises FunctionError for an unknown one."""
    if entity and entity not in fixtures.ENTITIES:
        raise refuse("unknown_entity", entity=entity)
    session_id = f"{secrets.token_urlsafe(32)}.."
    expires_s = now_s + settings.session_minutes * 60
    store.save_session(session_id, login.user, login.company, entity, expires_s)
    return Login(login.user, login.company, entity, expires_s, session_id)


def attempted(method: etree._Element) -> tuple[str, str]:
    """Name user and company of a sign-in that failed, as far as the request names them."""
    return text_of(method.find("userid")), text_of(method.find("companyid"))


def _by_password(settings: Settings, control: Control, method: etree._Element, now_s: float) -> Login:
    user, company = attempted(method)
    entity = text_of(method.find("locationid"))
    _check_company(settings, control, company)
    given = (company, user, text_of(method.find("password")))
    known = (fixtures.COMPANY_ID, fixtures.USER_ID, fixtures.USER_PASSWORD)
    if given != known or (entity and entity not in fixtures.ENTITIES):
        raise AuthenticationError(line("sign_in"))
    return Login(user, company, entity, now_s + settings.session_minutes * 60)


def _by_session(store: Store, settings: Settings, session_id: str, now_s: float) -> Login:
    found = store.session(session_id)
    if found is None:
        raise AuthenticationError(line("session", detail="format"))
    user, company, entity, expires_s = found
    if expires_s <= now_s:
        raise AuthenticationError(line("session", detail="timeout"))
    renewed_s = now_s + settings.session_minutes * 60
    store.save_session(session_id, user, company, entity, renewed_s)
    return Login(user, company, entity, renewed_s, session_id)


def _check_company(settings: Settings, control: Control, company: str) -> None:
    if company != fixtures.COMPANY_ID:
        return
    if not settings.sender_authorised:
        raise AuthenticationError(line("sender_not_authorized", sender=control.sender_id, company=company))
    if settings.company_expired:
        raise AuthenticationError(line("company_expired"))
