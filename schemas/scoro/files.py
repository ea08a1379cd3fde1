"""Files as Scoro tells them: what they are attached to is told by type and id, in several spellings."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from schemas.kinds import Kind
from schemas.scoro import values
from schemas.scoro.records import Reader, Synced
from schemas.scoro.values import Flag, Text

RELATION_MODULES: Mapping[str, str] = {
    "invoice": "invoices",
    "creditinvoice": "invoices",
    "bill": "bills",
    "creditbill": "bills",
    "purchaseinvoice": "bills",
    "expense": "expenses",
    "project": "projects",
}
"""Type of a relation, as letters in the singular -> Scoro's module. The types' names are undocumented (A10)."""

_NOT_LETTERS = re.compile(r"[^a-z]")


def relation_module(told: str) -> str:
    """The module that the type of a relation means (`invoices` for `invoice`, `Invoices`, …); else the type itself."""
    letters = _NOT_LETTERS.sub("", told.casefold())
    return RELATION_MODULES.get(letters.removesuffix("s"), told)


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """(type, ids) of `{type: [ids]}`, or of a list of `{rel_type, rel_id}`; an empty object may come as a list."""
    if isinstance(value, Mapping):
        yield from ((str(name), held) for name, held in value.items())
        return
    for item in values.records(value):
        if isinstance(item, Mapping):
            yield str(item.get("rel_type", "")), item.get("rel_id")


def _relations(value: Any) -> dict[str, tuple[int, ...]]:
    """Read relations as module -> ids."""
    found: dict[str, list[int]] = {}
    for name, held in _pairs(value):
        items = held if isinstance(held, list) else [held]
        plain = [(item.get("id", item.get("rel_id")) if isinstance(item, Mapping) else item) for item in items]
        found.setdefault(relation_module(name), []).extend(values.identities(plain))
    return {module: tuple(dict.fromkeys(ids)) for module, ids in found.items() if ids}


def _bytes(value: Any) -> int | None:
    """Read `file_size`, a text; what is no plain number (`12 KB`) says nothing exact and is absent."""
    written = values.text(value)
    return int(written) if re.fullmatch(r"[0-9]{1,15}", written) else None


class File(Synced):
    """A file; `file_size` in bytes, None where Scoro does not tell it exactly. `relations`: module -> ids."""

    file_id: int = Field(gt=0)
    file_name: Text = ""
    file_size: Annotated[int | None, BeforeValidator(_bytes)] = None
    is_private: Flag = False
    relations: Annotated[dict[str, tuple[int, ...]], BeforeValidator(_relations)] = Field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """A file."""
        return Kind.FILE

    @property
    def scoro_id(self) -> int:
        """Its id in Scoro's module."""
        return self.file_id

    @property
    def number(self) -> str:
        """Its name."""
        return self.file_name

    @property
    def label(self) -> str:
        """How messages name it."""
        if self.file_name:
            return f"File '{self.file_name}' (id {self.file_id} in Scoro)"
        return f"The file with id {self.file_id} in Scoro"

    @property
    def left_out(self) -> str:
        """Private files stay in Scoro."""
        return "it is a private file (is_private)" if self.is_private else ""

    def is_attached_to(self, module: str, ids: frozenset[int]) -> bool:
        """Whether it is attached to one of these records."""
        return not ids.isdisjoint(self.relations.get(module, ()))


read_file = Reader(File, "file", "file_id", "file_name")
