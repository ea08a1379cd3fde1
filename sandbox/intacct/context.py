"""What a function gets to work with, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from sandbox import fixtures
from sandbox.intacct.auth import Login
from sandbox.intacct.envelope import Control
from sandbox.intacct.errors import ErrorLine, refuse
from sandbox.intacct.objects import OBJECTS
from sandbox.intacct.settings import Settings
from sandbox.intacct.store import Record, Store
from sandbox.intacct.values import timestamp


@dataclass(frozen=True)
class Call:
    """The surroundings of one function: records, settings, caller, time (seconds since the epoch)."""

    store: Store
    settings: Settings
    login: Login
    control: Control
    now_s: float
    endpoint: str

    @property
    def entity(self) -> str:
        """Entity of the session; empty at the top level."""
        return self.login.entity

    @property
    def base_currency(self) -> str:
        """Base currency of the session's entity."""
        return fixtures.ENTITIES.get(self.entity, fixtures.BASE_CURRENCY)

    def sees(self, record: Record) -> bool:
        """Whether the session's entity sees a record: its own and those of the top level; the top level all."""
        return not self.entity or record.get("MEGAENTITYID", "") in ("", self.entity)

    def allow(self, operation: str, object_name: str) -> None:
        """Raise FunctionError unless the user may do this."""
        denied = self.settings.denied
        if operation in denied or object_name in denied or f"{operation} {object_name}" in denied:
            raise refuse("permission", operation=operation.upper(), object=object_name)

    def find(self, object_name: str, key: str) -> Record | None:
        """Find a visible record by its natural key."""
        record = self.store.find(object_name, key)
        return record if record is not None and self.sees(record) else None

    def get(self, object_name: str, recordno: str) -> Record | None:
        """Find a visible record by RECORDNO."""
        record = self.store.get(object_name, recordno)
        return record if record is not None and self.sees(record) else None

    def reference(self, object_name: str, key: str, label: str = "") -> Record:
        """Find a visible, active record that a document names; raises FunctionError."""
        label = label or OBJECTS[object_name].label
        record = self.find(object_name, key)
        if record is None:
            raise refuse("unknown_reference", label=label, value=key)
        if record.get("STATUS", "active") == "inactive":
            raise refuse("inactive_reference", label=label, value=key)
        return record

    def add(self, object_name: str, record: Record) -> Record:
        """Store a new record, with the next RECORDNO unless it has one, and the marks of who and when."""
        full = {
            **record,
            "RECORDNO": record.get("RECORDNO") or str(self.store.next_recordno()),
            "MEGAENTITYID": self.entity,
            "AUWHENCREATED": timestamp(self.now_s),
            "CREATEDBY": self.login.user,
        }
        self._mark(full)
        self.store.insert(object_name, full)
        return full

    def change(self, object_name: str, record: Record) -> None:
        """Store a changed record with the marks of who and when."""
        self._mark(record)
        self.store.replace(object_name, record)

    def _mark(self, record: Record) -> None:
        record["WHENMODIFIED"] = timestamp(self.now_s)
        record["MODIFIEDBY"] = self.login.user


@dataclass(frozen=True)
class Result:
    """Outcome of one function: the key of a legacy function, or data, or the attributes of a list read.

    `failed` makes it a failure that keeps what was done before it, as a generic create of several records does.
    """

    key: str = ""
    data: etree._Element | None = None
    list_type: etree._Element | None = None
    failed: tuple[ErrorLine, ...] = ()


Handler = Callable[[Call, etree._Element], Result]
