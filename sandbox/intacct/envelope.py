"""From the bytes of a request to control, operations and functions."""

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from sandbox.intacct.errors import ControlError, line
from sandbox.intacct.schema import SchemaError, check
from sandbox.intacct.values import text_of

_BOOLEANS = ("true", "false")
VERSION = "3.0"
"""The only DTD version that is spoken here."""


@dataclass(frozen=True)
class Control:
    """The `<control>` block. `unique` and `whitespace` are true where their element is missing."""

    sender_id: str
    password: str
    controlid: str
    unique: bool
    version: str
    policy_id: str
    additional_info: bool
    whitespace: bool


@dataclass(frozen=True)
class FunctionCall:
    """One `<function>` with its only child."""

    controlid: str
    body: etree._Element

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.body.tag


@dataclass(frozen=True)
class Operation:
    """One `<operation>`."""

    transaction: bool
    authentication: etree._Element
    functions: tuple[FunctionCall, ...]


@dataclass(frozen=True)
class Envelope:
    """One whole request."""

    control: Control
    operations: tuple[Operation, ...]

    @property
    def functions(self) -> tuple[FunctionCall, ...]:
        """All functions in document order."""
        return tuple(call for operation in self.operations for call in operation.functions)


def parse(body: bytes) -> Envelope:
    """Parse and check a request; raises ControlError (XL03000003) if it breaks the schema anywhere."""
    try:
        root = _parse_xml(body)
        if root.tag != "request":
            raise SchemaError(f"Error 1845: Element '{root.tag}': No matching global declaration available.")
        check(root)
        control = _control(root[0])
    except SchemaError as violation:
        raise ControlError(line("schema", detail=violation)) from violation
    operations = tuple(
        Operation(
            transaction=element.get("transaction") == "true",
            authentication=element[0][0],
            functions=tuple(
                FunctionCall(function.get("controlid", ""), function[0])
                for function in element.iterfind("content/function")
            ),
        )
        for element in root.iterfind("operation")
    )
    return Envelope(control, operations)


def _parse_xml(body: bytes) -> etree._Element:
    """Parse without entities, DTD or network."""
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        fault = parser.error_log.last_error
        code = 0 if fault is None else fault.type
        row, column = error.position
        raise SchemaError(f"Fatal Error {code}: {error.msg} Line: {row}, column: {column}.") from error
    if b"<!DOCTYPE" in body:
        raise SchemaError("Fatal Error 1: a document type declaration is not allowed.")
    return root


def peek_control(body: bytes) -> Control | None:
    """Read the `<control>` of a broken request as far as it can be read, for the answer to repeat it."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return None
    element = None if root is None else root.find("control")
    return None if element is None else _read_control({str(child.tag): text_of(child) for child in element})


def _control(element: etree._Element) -> Control:
    texts = {child.tag: text_of(child) for child in element}
    for name in ("uniqueid", "includewhitespace", "showadditionalerrorinfo"):
        if texts.get(name, "true") not in _BOOLEANS:
            raise SchemaError(f"Error 1824: Element '{name}': '{texts[name]}' is not a valid value of 'xs:boolean'.")
    if len(texts["controlid"]) > 256:
        raise SchemaError("Error 1830: Element 'controlid': [facet 'maxLength'] The value is too long.")
    version = texts.get("dtdversion", VERSION)
    if version != VERSION:
        raise SchemaError(f"Error 1840: Element 'dtdversion': the version '{version}' is not spoken here, 3.0 is.")
    return _read_control(texts)


def _read_control(texts: Mapping[str, str]) -> Control:
    return Control(
        sender_id=texts.get("senderid", ""),
        password=texts.get("password", ""),
        controlid=texts.get("controlid", ""),
        unique=texts.get("uniqueid", "true") == "true",
        version=texts.get("dtdversion", VERSION),
        policy_id=texts.get("policyid", ""),
        additional_info=texts.get("showadditionalerrorinfo") == "true",
        whitespace=texts.get("includewhitespace", "true") == "true",
    )
