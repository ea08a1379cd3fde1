"""What the JSON API answers and takes, by name."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.kinds import Kind


class _Row(BaseModel):
    """A row as it is answered."""

    model_config = ConfigDict(from_attributes=True)


class Document(_Row):
    """A document and where it stands."""

    id: int
    connection_id: int
    connection: str
    kind: str
    scoro_id: int | None
    """None while Scoro does not have it: it comes from Intacct."""
    number: str
    state: str
    reason: str
    intacct_object: str | None
    intacct_recordno: str | None
    amount: Decimal | None
    currency: str | None
    document_date: date | None


class Failure(_Row):
    """A cause, with what it holds up."""

    id: int
    connection_id: int
    connection: str
    error_class: str = Field(alias="class", serialization_alias="class")
    code: str
    cause: str
    fix: str
    state: str
    reason: str
    count: int
    money: dict[str, str]
    first_seen_at: datetime
    last_seen_at: datetime


class RequestRow(_Row):
    """A request to Intacct."""

    id: int
    site: str
    connection: str | None
    purpose: str
    state: str
    result: str
    functions: int
    charged_at: datetime
    left_at: datetime | None
    ended_at: datetime | None
    reason: str


class JournalEntry(_Row):
    """A change of state, or what a person did."""

    id: int
    at: datetime
    actor: str
    subject: str
    subject_id: str
    from_state: str = Field(alias="from", serialization_alias="from")
    to_state: str = Field(alias="to", serialization_alias="to")
    detail: str


class Quota(_Row):
    """A site's month."""

    site: str
    month: str
    limit: int
    used: int
    left: int
    unconfirmed: int
    by_purpose: dict[str, int]
    resumes_at: datetime | None


class ConnectionRow(_Row):
    """A connection."""

    id: int
    name: str
    site: str
    scoro_entity: str
    company: str
    entity: str
    state: str
    reason: str
    next_run: datetime | None
    resumes_at: datetime | None
    tax_solution: str | None
    requests_used: int
    unresolved: int


class Setting(_Row):
    """A setting: its value as it is typed, its default and what it means."""

    key: str
    value: str
    default: str
    meaning: str
    example: str


class Stage(_Row):
    """What lies at a stage."""

    stage: str
    connection: str
    count: int
    oldest_s: float


class Service(BaseModel):
    """How a service is."""

    ok: bool
    text: str


class Overview(BaseModel):
    """Everything at one glance."""

    ledger: Service
    broker: Service
    mail: Service | None
    backlog: list[Stage]
    documents: dict[str, int]
    failing_documents: int
    money_held_up: dict[str, str]
    quota: list[Quota]


class DocumentPage(BaseModel):
    """A page of documents, the newest first."""

    rows: list[Document]
    next: int | None


class FailurePage(BaseModel):
    """A page of failures, the newest first."""

    rows: list[Failure]
    next: int | None


class RequestPage(BaseModel):
    """A page of requests, the newest first."""

    rows: list[RequestRow]
    next: int | None


class JournalPage(BaseModel):
    """A page of the journal, the newest first."""

    rows: list[JournalEntry]
    next: int | None


class Replay(_Row):
    """Documents that somebody tries again, and how far they are."""

    id: int
    state: str
    how: str
    why: str
    actor: str
    requests: int
    made_at: datetime
    ended_at: datetime | None
    documents: int
    settled: int
    failed_again: int
    held: int
    cancelled: int
    under_way: int


class Differing(_Row):
    """A document that would come out differently today, and where."""

    id: int
    kind: str
    scoro_id: int
    number: str
    state: str
    places: list[str]


class DifferingPage(BaseModel):
    """What one look came to."""

    looked_at: int
    rows: list[Differing]
    next: int | None


class ActionAddress(_Row):
    """An address that acts in somebody's name."""

    id: int
    connection: str
    user: str
    action: str
    kind: str | None
    state: str
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    uses: int
    last_used_at: datetime | None


class AddressWanted(BaseModel):
    """An address to make; without `kind` what is posted must say which kind it is, without `days` it does not end."""

    user: Annotated[str, Field(min_length=1, max_length=100)]
    action: Literal["send", "fetch"] = "send"
    kind: Kind | None = None
    days: Annotated[int | None, Field(ge=1, le=36_500)] = None


class MadeAddress(BaseModel):
    """An address that was made: its path below this installation's own address."""

    id: int
    path: str


class Finding(_Row):
    """What a check found: how bad (ok, note, warning, broken), about what, and the fix."""

    about: str
    level: str
    says: str
    fix: str


class Done(BaseModel):
    """What an action came to, in sentences."""

    done: list[str]


class ReplayWanted(BaseModel):
    """Failures to try again; without `agreed` only the price is answered."""

    failures: Annotated[list[int], Field(min_length=1, max_length=500)]
    stored: bool = Field(False, description="Send what was refused once more, instead of reading it again.")
    agreed: bool = False
    why: Annotated[str, Field(max_length=2000)] = ""


class ReplayAnswer(BaseModel):
    """What a replay costs, and its number once it has begun."""

    price: str
    documents: int
    requests: int
    replay: int | None


class Words(BaseModel):
    """A comment, or why."""

    why: Annotated[str, Field(max_length=2000)] = ""


class Problem(BaseModel):
    """Why something was not done, with the fix."""

    error: str
