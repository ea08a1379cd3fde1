"""What the Intacct gateway answers, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_ROLLED_BACK = "XL03000009"


@dataclass(frozen=True, slots=True)
class GatewayErrorEntry:
    """One `<error>`: `description2` is the sentence, `correction` the remedy, `errorid` a finer number."""

    errorno: str
    description2: str
    correction: str = ""
    errorid: str = ""
    placeholders: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_rollback(self) -> bool:
        """Whether it only marks a function as undone because another one of the transaction failed."""
        return self.errorno == _ROLLED_BACK and "rolled back" in self.description2.lower()


@dataclass(frozen=True, slots=True)
class FunctionResult:
    """The answer to one function, found by its controlid.

    `key` is the RECORDNO of what was created or changed, `natural_id` its id where the gateway tells it. `rows` are
    the records of a read: a nested element is named by its path (`DISPLAYCONTACT.PRINTAS`), the second of equal
    siblings by its place (`attachments.attachment[2].attachmentname`). `totalcount` and `numremaining` are those of
    the list, if it has them.
    """

    controlid: str
    function: str
    status: str
    key: str | None = None
    natural_id: str | None = None
    rows: tuple[Mapping[str, str], ...] = ()
    totalcount: int | None = None
    numremaining: int | None = None
    errors: tuple[GatewayErrorEntry, ...] = ()
    text: str = ""
    """The answer's own words, for people: redacted and shortened."""

    @property
    def succeeded(self) -> bool:
        """Whether it ran and stands; `failure`, `aborted` and whatever else is a rejection."""
        return self.status == "success"

    @property
    def rolled_back(self) -> bool:
        """Whether nothing is wrong with this function itself: another one took it along."""
        return not self.succeeded and bool(self.errors) and all(entry.is_rollback for entry in self.errors)


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to one request, with its three levels of status (section 3).

    `control_status` other than `success`: nothing ran. `authentication_status` other than `success`: no function ran.
    `errors` are those of these levels and of the operation. `results` holds the functions answered, by controlid; one
    that was sent and is missing here may have run.
    """

    control_status: str
    authentication_status: str
    results: Mapping[str, FunctionResult]
    errors: tuple[GatewayErrorEntry, ...] = ()
