"""The gateway's answers as values (intacct-xml-api, section 3)."""

from collections.abc import Iterator, Mapping

from lxml import etree

from schemas.intacct.results import FunctionResult, GatewayErrorEntry, Response
from schemas.redaction import shortened, stored_xml

_GENERIC = ("create", "update")
MAX_ANSWER_CHARACTERS = 4_000
"""Of the answer to one function so much is kept for people."""
_NOT_NATURAL = frozenset({"RECORDNO", "MEGAENTITYID"})


class UnparsableError(Exception):
    """A body that is no answer of the gateway: empty, HTML, cut off, of another shape."""


def parse(body: bytes) -> Response:
    """Read an answer; raises UnparsableError.

    Entities, DTDs, the network and huge trees are off: the answer is data of a far side.
    """
    root = _root(body)
    if _tag(root) != "response":
        raise UnparsableError(f"the answer is a <{_tag(root)}>, no <response>")
    control = root.find("control")
    if control is None:
        raise UnparsableError("the answer has no <control>")
    operation = root.find("operation")
    errors = _errors(root)
    authentication_status = ""
    results: dict[str, FunctionResult] = {}
    if operation is not None:
        authentication_status = _text(operation, "authentication/status")
        errors += _errors(operation) + _errors(operation.find("authentication"))
        for element in operation.iterfind("result"):
            result = _result(element)
            if result.controlid in results:
                raise UnparsableError(f"the answer holds two results for {result.controlid!r}")
            results[result.controlid] = result
    return Response(_text(control, "status"), authentication_status, results, errors)


def _root(body: bytes) -> etree._Element:
    if not body.strip():
        raise UnparsableError("the answer is empty")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise UnparsableError(f"the answer is no XML: {error.msg}") from error
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs take docinfo for optional
        raise UnparsableError("the answer brings a document type of its own")
    return root


def _result(element: etree._Element) -> FunctionResult:
    status = _text(element, "status")
    function = _text(element, "function")
    data = element.find("data")
    key = _text(element, "key") or None
    natural_id = None
    rows: tuple[Mapping[str, str], ...] = ()
    counts: Mapping[str, str] = {}
    if data is not None:
        if function in _GENERIC:
            key, natural_id = _generic_key(data)
        else:
            rows = tuple(dict(_leaves(row)) for row in _records(data))
        counts = {str(name): str(text) for name, text in data.attrib.items()}
    elif (listtype := element.find("listtype")) is not None:
        counts = {str(name): str(text) for name, text in listtype.attrib.items()}
    succeeded = status == "success"
    return FunctionResult(
        controlid=_text(element, "controlid"),
        function=function,
        status=status,
        key=key if succeeded else None,
        natural_id=natural_id if succeeded else None,
        rows=rows,
        totalcount=_number(counts.get("totalcount", counts.get("total"))),
        numremaining=_number(counts.get("numremaining")),
        errors=_errors(element),
        text=_for_people(element),
    )


def _for_people(result: etree._Element) -> str:
    """The answer word for word: redacted, and bounded, as a read may hold thousands of rows."""
    return shortened(stored_xml(etree.tostring(result, encoding="unicode", with_tail=False)), MAX_ANSWER_CHARACTERS)


def _generic_key(data: etree._Element) -> tuple[str | None, str | None]:
    """RECORDNO and natural id of `<data><project><RECORDNO/><PROJECTID/></project></data>`."""
    record = next(_elements(data), None)
    if record is None:
        return None, None
    fields = dict(_leaves(record))
    natural = (text for name, text in fields.items() if name.endswith("ID") and name not in _NOT_NATURAL)
    return fields.get("RECORDNO") or None, next(natural, None) or None


def _records(data: etree._Element) -> Iterator[etree._Element]:
    """The records of a read; `<dimensions>` and the like, which only wrap records, are looked through."""
    records = list(_elements(data))
    if len(records) == 1 and not records[0].attrib:
        inner = list(_elements(records[0]))
        if inner and len({child.tag for child in inner}) == 1 and all(len(child) for child in inner):
            return iter(inner)
    return iter(records)


def _leaves(element: etree._Element, path: str = "") -> Iterator[tuple[str, str]]:
    seen: dict[str, int] = {}
    for child in _elements(element):
        name = _tag(child)
        seen[name] = seen.get(name, 0) + 1
        where = f"{path}{name}" if seen[name] == 1 else f"{path}{name}[{seen[name]}]"
        if len(child):
            yield from _leaves(child, f"{where}.")
        else:
            yield where, child.text or ""


def _errors(parent: etree._Element | None) -> tuple[GatewayErrorEntry, ...]:
    if parent is None:
        return ()
    return tuple(
        GatewayErrorEntry(
            errorno=_text(error, "errorno"),
            description2=_text(error, "description2") or _text(error, "description"),
            correction=_text(error, "correction"),
            errorid=(error.findtext(".//errorid") or "").strip(),
            placeholders=dict(_placeholders(error)),
        )
        for error in parent.iterfind("errormessage/error")
    )


def _placeholders(error: etree._Element) -> Iterator[tuple[str, str]]:
    """`<placeholder><name/><value/></placeholder>` or `<NAME>value</NAME>`: the shape is undocumented."""
    for held in error.iterfind(".//placeholders"):
        for placeholder in _elements(held):
            name = _text(placeholder, "name")
            yield (name, _text(placeholder, "value")) if name else (_tag(placeholder), placeholder.text or "")


def _elements(parent: etree._Element) -> Iterator[etree._Element]:
    return (child for child in parent if isinstance(child.tag, str))


def _tag(element: etree._Element) -> str:
    return str(element.tag)


def _text(parent: etree._Element, path: str) -> str:
    return (parent.findtext(path) or "").strip()


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
