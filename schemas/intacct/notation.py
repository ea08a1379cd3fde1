"""The notation of element orders: a content model read from text, and what is wrong with given elements by it.

`a, b?, c*, d+` is a sequence with optional, repeated and at-least-once elements, `e{2,}` one of at least two, `e{2}`
of exactly two, `[a | b]` a choice, `( … )` a group, `@x` an optional and `@x!` a required attribute. As bodies are
mappings, an order is less than a grammar: a name stands at one place of its parent.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"\w+|[()\[\],|?*+]|\{2,?\}")
_ATTRIBUTE = re.compile(r"@(\w+)(!?)")
_MANY = 1_000_000_000
_OCCURRENCES = {"?": (0, 1), "*": (0, _MANY), "+": (1, _MANY), "{2,}": (2, _MANY), "{2}": (2, 2)}


@dataclass(frozen=True, slots=True)
class Element:
    """An element of that name, `least` to `most` times."""

    name: str
    least: int = 1
    most: int = 1

    @property
    def repeats(self) -> bool:
        """Whether there may be several."""
        return self.most > 1

    @property
    def names(self) -> tuple[str, ...]:
        """Its name."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Group:
    """Parts one after another, or one of them."""

    parts: tuple["Element | Group", ...]
    choice: bool
    least: int = 1
    most: int = 1

    @property
    def repeats(self) -> bool:
        """Whether there may be several."""
        return self.most > 1

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all elements in it, in their order, each once."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.names))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an element."""

    element: str
    words: str


@dataclass(frozen=True, eq=False)
class Order:
    """What an element holds: its children in their order, and its attributes (name → required)."""

    content: Group
    names: tuple[str, ...]
    repeated: frozenset[str]
    attributes: Mapping[str, bool]

    def faults(self, counts: Mapping[str, int]) -> tuple[Fault, ...]:
        """What is wrong with children of which there are so many of each name."""
        # No order tells more than two from three; so the lines of many documents have few shapes.
        return _faults_of_shape(self, tuple((name, min(count, 3)) for name, count in counts.items()))


@lru_cache(maxsize=10_000)
def _faults_of_shape(order: Order, shape: tuple[tuple[str, int], ...]) -> tuple[Fault, ...]:
    unknown = (Fault(name, "is unknown here") for name, _ in shape if name not in order.names)
    return (*unknown, *_faults(order.content, dict(shape)))


def read_order(text: str) -> Order:
    """Read one order; raises ValueError for text that is not in the notation."""
    attributes = {name: bool(required) for name, required in _ATTRIBUTE.findall(text)}
    tokens = _TOKEN.findall(_ATTRIBUTE.sub("", text))
    content = _read_group([*tokens, ")"], choice=False, end=")")
    return Order(content, content.names, frozenset(_repeated(content)), attributes)


def _read_group(tokens: list[str], *, choice: bool, end: str) -> Group:
    parts: list[Element | Group] = []
    separator = "|" if choice else ","
    while (word := tokens.pop(0)) != end:
        if word == separator:
            continue
        part: Element | Group
        if word == "(":
            part = _read_group(tokens, choice=False, end=")")
        elif word == "[":
            part = _read_group(tokens, choice=True, end="]")
        elif word.isidentifier():
            part = Element(word)
        else:
            raise ValueError(f"unexpected {word!r} in an element order")
        parts.append(_occurring(part, tokens))
    return Group(tuple(parts), choice)


def _occurring(part: Element | Group, tokens: list[str]) -> Element | Group:
    if not tokens or tokens[0] not in _OCCURRENCES:
        return part
    least, most = _OCCURRENCES[tokens.pop(0)]
    if isinstance(part, Element):
        return Element(part.name, least, most)
    return Group(part.parts, part.choice, least, most)


def _repeated(part: Element | Group, within: bool = False) -> Iterator[str]:
    repeats = within or part.repeats
    if isinstance(part, Element):
        if repeats:
            yield part.name
    else:
        for inner in part.parts:
            yield from _repeated(inner, repeats)


def _faults(part: Element | Group, counts: Mapping[str, int]) -> Iterator[Fault]:
    if isinstance(part, Element):
        yield from _element_faults(part, counts.get(part.name, 0))
    elif part.repeats:
        if sum(counts.get(name, 0) for name in part.names) < part.least:
            yield Fault(" or ".join(part.names), f"is missing; {part.least} or more are needed")
    elif part.choice:
        yield from _choice_faults(part, counts)
    elif part.least or any(counts.get(name) for name in part.names):
        for inner in part.parts:
            yield from _faults(inner, counts)


def _element_faults(element: Element, count: int) -> Iterator[Fault]:
    if count < element.least:
        yield Fault(element.name, "is missing")
    if count > element.most:
        yield Fault(
            element.name, "stands more than once" if element.most == 1 else f"stands more than {element.most} times"
        )


def _choice_faults(choice: Group, counts: Mapping[str, int]) -> Iterator[Fault]:
    given = {name for name in choice.names if counts.get(name)}
    if not given:
        if choice.least:
            yield Fault(" or ".join(choice.names), "is missing")
        return
    covering = [list(_faults(part, counts)) for part in choice.parts if given <= set(part.names)]
    if not covering:
        yield Fault(" and ".join(sorted(given)), "exclude each other")
    elif all(covering):
        yield from covering[0]
