"""The check of a parsed request against the element orders of `orders.py`."""

from collections.abc import Mapping

from lxml import etree

from sandbox.intacct.grammar import compile_model
from sandbox.intacct.orders import (
    ATTRIBUTES,
    BOOLEAN_ATTRIBUTES,
    FREE,
    MAX_CONTROLID,
    MAX_LIST_VALUES,
    MODELS,
    NO_ATTRIBUTES,
    QUERY_MODELS,
    UNORDERED,
)


class SchemaError(Exception):
    """The request breaks the schema; the text is worded as the vendor's parser words it."""


def check(element: etree._Element, models: Mapping[str, str] = MODELS) -> None:
    """Check an element and all below it; raises SchemaError at the first fault in document order."""
    name = element.tag
    _check_attributes(element, name)
    if name in FREE:
        if len(element) == 0:
            raise SchemaError(f"Error 1871: Element '{name}': Missing child element(s).")
        return
    if name in UNORDERED:
        _check_unordered(element, name)
        models = QUERY_MODELS if name == "query" else {}
    else:
        _check_sequence(element, models.get(name))
    if name in ("in", "notin") and len(element) > MAX_LIST_VALUES + 1:
        raise SchemaError(_unexpected("value"))
    for child in element:
        check(child, models)


def _check_sequence(element: etree._Element, model: str | None) -> None:
    name = element.tag
    if model is None:
        if len(element):
            raise SchemaError(_unexpected(element[0].tag))
        return
    state = compile_model(model)
    if not state.is_empty and _has_text(element):
        raise SchemaError(
            f"Error 1841: Element '{name}': Character content is not allowed, because the content type is element-only."
        )
    for child in element:
        after = state.after(child.tag)
        if after is None:
            raise SchemaError(_unexpected(child.tag, state.expected()))
        state = after
    if not state.may_end:
        raise SchemaError(
            f"Error 1871: Element '{name}': Missing child element(s). Expected is ( {', '.join(state.expected())} )."
        )


def _check_unordered(element: etree._Element, name: str) -> None:
    required, optional = UNORDERED[name]
    seen: set[str] = set()
    for child in element:
        if child.tag in seen or child.tag not in required | optional:
            raise SchemaError(_unexpected(child.tag))
        seen.add(child.tag)
    for missing in sorted(required - seen):
        raise SchemaError(f"Error 1871: Element '{name}': Missing child element(s). Expected is ( {missing} ).")


def _check_attributes(element: etree._Element, name: str) -> None:
    allowed = ATTRIBUTES.get(name, NO_ATTRIBUTES)
    for attribute in map(str, element.attrib):
        if attribute not in allowed.required and attribute not in allowed.optional:
            raise SchemaError(
                f"Error 1866: Element '{name}', attribute '{attribute}': The attribute '{attribute}' is not allowed."
            )
        if attribute in BOOLEAN_ATTRIBUTES and element.get(attribute) not in ("true", "false"):
            raise SchemaError(
                f"Error 1840: Element '{name}', attribute '{attribute}': [facet 'enumeration'] "
                f"The value '{element.get(attribute)}' is not an element of the set {{'true', 'false'}}."
            )
    for attribute in sorted(allowed.required - set(element.attrib)):
        raise SchemaError(f"Error 1868: Element '{name}': The attribute '{attribute}' is required but missing.")
    if name == "function" and not 0 < len(element.get("controlid", "")) <= MAX_CONTROLID:
        raise SchemaError(
            "Error 1830: Element 'function', attribute 'controlid': [facet 'length'] "
            f"The value must have 1 to {MAX_CONTROLID} characters."
        )


def _has_text(element: etree._Element) -> bool:
    texts = (element.text, *(child.tail for child in element))
    return any(text and not text.isspace() for text in texts)


def _unexpected(name: str, instead: tuple[str, ...] = ()) -> str:
    text = f"Error 1871: Element '{name}': This element is not expected."
    if len(instead) == 1:
        return f"{text} Expected is ( {instead[0]} )."
    if instead and len(instead) <= 10:
        return f"{text} Expected is one of ( {', '.join(instead)} )."
    return text
