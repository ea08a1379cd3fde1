"""Projects as Scoro tells them."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from schemas.kinds import Kind
from schemas.scoro import values
from schemas.scoro.records import Reader, Synced
from schemas.scoro.values import Day, Flag, Id, Text

CANCELLED = "cancelled"


def _entities(value: Any) -> tuple[str, ...]:
    """The ids of `project_accounts`, a list of `{id}` or of ids, which may be null."""
    held = (item.get("id") if isinstance(item, Mapping) else item for item in values.records(value))
    return tuple(written for item in held if (written := values.text(item)))


def _is_cancelled(value: Any) -> bool:
    return values.text(value).casefold() == CANCELLED


class Project(Synced):
    """A project; `date` is its first day, `deadline` its last. `project_accounts` are the entities that share it.

    Of its `status` only matters whether it is cancelled.
    """

    project_id: int = Field(gt=0)
    no: Text = ""
    project_name: Text = ""
    description: Text = ""
    company_id: Id = None
    is_personal: Flag = False
    is_private: Flag = False
    is_cancelled: Annotated[bool, BeforeValidator(_is_cancelled)] = Field(False, validation_alias="status")
    date: Day = None
    deadline: Day = None
    project_accounts: Annotated[tuple[str, ...], BeforeValidator(_entities)] = ()

    @property
    def kind(self) -> Kind:
        """A project."""
        return Kind.PROJECT

    @property
    def scoro_id(self) -> int:
        """Its id in Scoro's module."""
        return self.project_id

    @property
    def number(self) -> str:
        """Its number, else its name."""
        return self.no or self.project_name

    @property
    def label(self) -> str:
        """How messages name it: by its name, as numbers of projects say little."""
        if self.project_name:
            return f"Project '{self.project_name}' (id {self.project_id} in Scoro)"
        return f"The project with id {self.project_id} in Scoro"

    @property
    def day(self) -> dt.date | None:
        """Its first day."""
        return self.date

    @property
    def party_id(self) -> int | None:
        """Its client."""
        return self.company_id

    @property
    def left_out(self) -> str:
        """Personal and private projects stay in Scoro."""
        if self.is_personal:
            return "it is a personal project of its manager (is_personal)"
        return "it is a private project (is_private)" if self.is_private else ""

    @property
    def is_over(self) -> bool:
        """Whether nothing is to be booked on it any more: cancelled or deleted."""
        return self.is_deleted or self.is_cancelled

    def belongs_to(self, entity: str) -> bool:
        """Whether a Scoro entity has it, as its own or shared."""
        return super().belongs_to(entity) or entity in self.project_accounts


read_project = Reader(Project, "project", "project_id", "no")
