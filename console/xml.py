"""Functions as people read them: rendered, indented, without secrets, and compared line by line."""

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from clients.intacct.render import render
from schemas.intacct.functions import Function

SECRET = re.compile(r"<(password|sessionid|senderid|userid)>[^<]*</\1>", re.I)
MOST_BYTES = 2_000_000
MOST_LINES = 4000
CONTEXT = 3


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a comparison: `sign` is "+", "-", " ", or "@" where lines were left out."""

    sign: str
    text: str


def of_function(controlid: str, stored: str | None) -> str:
    """A function of the ledger as indented XML; one that today's table of elements does not know is shown as stored."""
    if not stored:
        return ""
    data = json.loads(stored)
    try:
        return pretty(render(controlid, Function.model_validate(data)).decode())
    except (ValueError, KeyError, TypeError):
        return json.dumps(data, indent=2, ensure_ascii=False)


def pretty(xml: str) -> str:
    """XML indented, secrets blotted out; what is no XML is returned as it is. Takes several functions in a row."""
    xml = SECRET.sub(r"<\1>…</\1>", xml[:MOST_BYTES])
    parser = etree.XMLParser(
        remove_blank_text=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(f"<all>{xml}</all>".encode(), parser)
    except etree.XMLSyntaxError:
        return xml
    return "\n".join(_indented(child) for child in root)


def _indented(element: Any) -> str:
    element.tail = None
    etree.indent(element, "  ")
    return str(etree.tostring(element, encoding="unicode"))


def compare(before: str, after: str) -> list[DiffLine]:
    """The lines in which two texts differ, with a few around them; empty where they are equal."""
    first, second = before.splitlines()[:MOST_LINES], after.splitlines()[:MOST_LINES]
    return [] if first == second else list(_compared(first, second))


def _compared(first: list[str], second: list[str]) -> Iterator[DiffLine]:
    matcher = difflib.SequenceMatcher(a=first, b=second)  # its heuristic keeps thousands of equal tags cheap
    for count, group in enumerate(matcher.get_grouped_opcodes(CONTEXT)):
        if count:
            yield DiffLine("@", "…")
        for tag, a_from, a_to, b_from, b_to in group:
            if tag == "equal":
                yield from (DiffLine(" ", line) for line in first[a_from:a_to])
                continue
            yield from (DiffLine("-", line) for line in first[a_from:a_to])
            yield from (DiffLine("+", line) for line in second[b_from:b_to])


def source_text(stored: str) -> str:
    """A document of Scoro as it was read, indented, its keys in order."""
    return json.dumps(json.loads(stored), indent=2, ensure_ascii=False, sort_keys=True)
