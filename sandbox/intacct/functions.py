"""The functions of the gateway: a table of contents, and the right that each one needs."""

from collections.abc import Mapping

from lxml import etree

from sandbox.intacct import attachments, company, generic, legacy, payment_functions
from sandbox.intacct.answers import add
from sandbox.intacct.auth import open_session
from sandbox.intacct.context import Call, Handler, Result
from sandbox.intacct.query import query
from sandbox.intacct.values import text_of


def get_api_session(call: Call, element: etree._Element) -> Result:
    """Open a session at the level asked for: the login's, an entity's, or the top level."""
    location = element.find("locationid")
    entity = call.entity if location is None else text_of(location)
    login = open_session(call.store, call.settings, call.login, entity, call.now_s)
    data = etree.Element("data")
    api = add(data, "api")
    add(api, "sessionid", login.session_id)
    add(api, "endpoint", call.endpoint)
    add(api, "locationid", login.entity)
    return Result(data=data)


HANDLERS: Mapping[str, Handler] = {
    **legacy.HANDLERS,
    **payment_functions.HANDLERS,
    **attachments.HANDLERS,
    **generic.HANDLERS,
    **company.HANDLERS,
    "query": query,
    "getAPISession": get_api_session,
}

OBJECT_OF: Mapping[str, str] = {
    **legacy.OBJECT_OF,
    **payment_functions.OBJECT_OF,
    **attachments.OBJECT_OF,
}
"""Legacy function -> its object; the others check rights themselves, per record."""


def run(call: Call, name: str, element: etree._Element) -> Result:
    """Run one function; raises FunctionError."""
    if name in OBJECT_OF:
        call.allow(name, OBJECT_OF[name])
    return HANDLERS[name](call, element)
