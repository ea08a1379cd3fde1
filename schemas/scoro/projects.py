"""Projects as Scoro tells them."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from schemas.scoro import values
from schemas.scoro.records import Reader, Record
from schemas.scoro.values import CustomFields, Day, Flag, Id, Instant, Text

CANCELLED = "cancelled"


def _entities(value: Any) -> tuple[str, ...]:
    """The ids of `project_accounts`, a list of `{id}` or of ids, which may be null."""
    held = (item.get("id") if isinstance(item, Mapping) else item for item in values.records(value))
    return tuple(written for item in held if (written := values.text(item)))


class Project(Record):
    """A project; `date` is its first day, `deadline` its last. `project_accounts` are the entities that share it."""

    project_id: int = Field(gt=0)
    no: Text = ""
    project_name: Text = ""
    description: Text = ""
    company_id: Id = None
    company_name: Text = ""
    is_personal: Flag = False
    is_private: Flag = False
    status: Text = ""
    date: Day = None
    deadline: Day = None
    account_id: Text = ""
    project_accounts: Annotated[tuple[str, ...], BeforeValidator(_entities)] = ()
    custom_fields: CustomFields = Field(default_factory=dict)
    modified_date: Instant = None
    is_deleted: Flag = False

    @property
    def label(self) -> str:
        """How messages name the project."""
        return (
            f"Project '{self.project_name}' (id {self.project_id} in Scoro)"
            if self.project_name
            else f"The project with id {self.project_id} in Scoro"
        )

    @property
    def is_over(self) -> bool:
        """Whether nothing is to be booked on it any more: cancelled or deleted."""
        return self.is_deleted or self.status.casefold() == CANCELLED

    def belongs_to(self, entity: str) -> bool:
        """Whether a Scoro entity has it, as its own or shared."""
        return not self.account_id or entity in {self.account_id, *self.project_accounts}


read_project = Reader(Project, "project", "project_id", "no")
