"""Content models: which children an XML element may have, in which order.

A model is written as in a DTD, e.g. `(customerid, datedue?, [termname | datedue]?, lineitem+)` with square
brackets for a choice. It is compiled into a small expression whose *derivative* by an element name is the
expression of what may still follow. Derivatives become `State`s as they are met: a state machine built in use.
"""

import re
from dataclasses import dataclass
from functools import cache

_TOKEN = re.compile(r"[A-Za-z_][A-Za-z_0-9]*|[()\[\],|?*+]")


@dataclass(frozen=True)
class Empty:
    """Nothing may follow, and nothing need to."""


@dataclass(frozen=True)
class Nothing:
    """No continuation is right: the element just read was not expected."""


@dataclass(frozen=True)
class Name:
    """Exactly one element of this name."""

    name: str


@dataclass(frozen=True)
class Sequence:
    """`first`, then `rest`."""

    first: "Node"
    rest: "Node"


@dataclass(frozen=True)
class Choice:
    """Either `left` or `right`."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Repeat:
    """`body` any number of times."""

    body: "Node"


Node = Empty | Nothing | Name | Sequence | Choice | Repeat

EMPTY = Empty()
NOTHING = Nothing()


def sequence(first: Node, rest: Node) -> Node:
    """Join two expressions, simplified."""
    if NOTHING in (first, rest):
        return NOTHING
    if first == EMPTY:
        return rest
    if rest == EMPTY:
        return first
    return Sequence(first, rest)


def choice(left: Node, right: Node) -> Node:
    """Offer two expressions, simplified."""
    if left in (NOTHING, right):
        return right
    if right == NOTHING:
        return left
    return Choice(left, right)


@cache
def nullable(node: Node) -> bool:
    """Whether the element may end here."""
    match node:
        case Empty() | Repeat():
            return True
        case Sequence(first, rest):
            return nullable(first) and nullable(rest)
        case Choice(left, right):
            return nullable(left) or nullable(right)
        case _:
            return False


@cache
def derivative(node: Node, name: str) -> Node:
    """Return what may follow after a child `name`; `NOTHING` when the child is not expected."""
    match node:
        case Name(expected):
            return EMPTY if expected == name else NOTHING
        case Sequence(first, rest):
            after = sequence(derivative(first, name), rest)
            return choice(after, derivative(rest, name)) if nullable(first) else after
        case Choice(left, right):
            return choice(derivative(left, name), derivative(right, name))
        case Repeat(body):
            return sequence(derivative(body, name), node)
        case _:
            return NOTHING


@cache
def expected(node: Node) -> tuple[str, ...]:
    """Name the children that may come next, in the order of the model."""
    match node:
        case Name(name):
            return (name,)
        case Sequence(first, rest):
            more = expected(rest) if nullable(first) else ()
            return tuple(dict.fromkeys(expected(first) + more))
        case Choice(left, right):
            return tuple(dict.fromkeys(expected(left) + expected(right)))
        case Repeat(body):
            return expected(body)
        case _:
            return ()


class State:
    """A place within a model: what may follow. Each place exists once, so that walking needs no comparing."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._after: dict[str, State | None] = {}
        self.may_end = nullable(node)
        self.is_empty = node == EMPTY

    def after(self, name: str) -> "State | None":
        """Return the place after a child `name`, None where that child is not expected."""
        if name not in self._after:
            rest = derivative(self._node, name)
            self._after[name] = None if rest == NOTHING else _state(rest)
        return self._after[name]

    def expected(self) -> tuple[str, ...]:
        """Name the children that may come next."""
        return expected(self._node)


@cache
def _state(node: Node) -> State:
    return State(node)


@cache
def compile_model(text: str) -> State:
    """Compile a content model into its first place; raises ValueError for a malformed one."""
    tokens = _TOKEN.findall(text)
    node, rest = _alternatives(tokens, 0)
    if rest != len(tokens):
        raise ValueError(f"unexpected {tokens[rest]!r} in content model {text!r}")
    return _state(node)


def _alternatives(tokens: list[str], at: int) -> tuple[Node, int]:
    node, at = _items(tokens, at)
    while at < len(tokens) and tokens[at] == "|":
        right, at = _items(tokens, at + 1)
        node = choice(node, right)
    return node, at


def _items(tokens: list[str], at: int) -> tuple[Node, int]:
    parts: list[Node] = []
    while at < len(tokens) and tokens[at] not in ")]|":
        part, at = _item(tokens, at)
        parts.append(part)
        if at < len(tokens) and tokens[at] == ",":
            at += 1
    node: Node = EMPTY
    for part in reversed(parts):
        node = sequence(part, node)
    return node, at


def _item(tokens: list[str], at: int) -> tuple[Node, int]:
    node: Node
    if tokens[at] in "([":
        node, at = _alternatives(tokens, at + 1)
        if at >= len(tokens) or tokens[at] not in ")]":
            raise ValueError("a bracket of a content model is not closed")
    else:
        node = Name(tokens[at])
    at += 1
    if at < len(tokens) and tokens[at] in "?*+":
        marked = {"?": choice(node, EMPTY), "*": Repeat(node), "+": sequence(node, Repeat(node))}
        node, at = marked[tokens[at]], at + 1
    return node, at
