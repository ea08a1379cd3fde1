"""What about the gateway can be switched, mostly because the vendor's documentation leaves it open.

`GET /_sandbox/settings` shows each with its meaning, `POST` changes some of them; they survive a restart.
"""

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Every switch with its starting value; the descriptions are what `GET` shows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # -- documents
    duplicate_numbers: Literal["reject", "allow"] = Field(
        "reject", description="A second document of a kind with the same number (BL03002185) or not."
    )
    numbering: Literal["required", "sequence"] = Field(
        "required", description="A document without a number is refused, or gets the next of a sequence."
    )
    vat_company: bool = Field(True, description="Lines of documents need tax entries of the tax solution.")
    zero_rate_taxentry_required: bool = Field(
        True, description="A line without any tax entry is refused; off: it counts as exempt."
    )
    multi_currency: bool = Field(True, description="Off: any other currency than the entity's own is refused.")
    location_required: bool = Field(True, description="Each line must carry a location.")
    closed_until: date | None = Field(None, description="Last day of the closed periods; null: none is closed.")
    ap_approvals: bool = Field(False, description="Submitted bills go to Submitted instead of Posted.")
    total_skew: Decimal = Field(
        Decimal(0),
        description="Added to the total of each written document, as by tax rules of the company's own.",
    )
    credit_totals: Literal["signed", "absolute"] = Field(
        "signed", description="Whether reads show totals of AR adjustments with their sign."
    )
    tax_rows_in_lines: bool = Field(
        True, description="Reads of line objects show tax as rows of their own, tied by PARENTENTRY."
    )
    payment_bumps_modified: bool = Field(False, description="A payment moves WHENMODIFIED of the documents it pays.")
    top_level_records_writable: bool = Field(
        False, description="Customers, vendors and projects of the top level can be changed from an entity."
    )
    update_items_required: bool = Field(
        False, description="An update of an invoice or a bill must carry the element with its lines."
    )
    custom_fields: dict[str, list[str]] = Field(
        {
            "ARINVOICE": ["SCORO_URL"],
            "APBILL": ["SCORO_URL"],
            "CUSTOMER": ["SCORO_ID"],
            "VENDOR": ["SCORO_ID"],
        },
        description="Object -> names of its custom fields; any other is refused.",
    )
    error_wrapper: bool = Field(
        True, description="A refused document answers its cause and then the general BL01001973."
    )
    support_ids: bool = Field(True, description="Sentences end in a changing [Support ID: …].")

    # -- requests
    results_after_failure: Literal["missing", "aborted"] = Field(
        "missing", description="What functions after a failed one get in a transaction that was rolled back."
    )
    failing_status: Literal["failure", "aborted"] = Field(
        "failure", description="Status of the failing function itself in a transaction that was rolled back."
    )
    replay_errorno: str = Field("BL01001973", description="Number of the error for a repeated controlid.")
    replay_text: str = Field(
        "The function with control id '{controlid}' has already been executed and completed.",
        description="Its sentence; {controlid} is filled in.",
    )
    replay_consumed_by: Literal["completed", "any"] = Field(
        "completed", description="Whether failed and rolled-back functions use up their controlid too."
    )
    replay_scope: Literal["company", "entity", "sender"] = Field(
        "company", description="Within what a controlid must be unique."
    )
    replay_rejects: Literal["function", "request"] = Field(
        "function", description="Whether a repeated controlid fails its function or the whole request."
    )
    max_functions: int = Field(0, ge=0, description="More functions than this reject the request; 0: no limit.")
    max_bytes: int = Field(0, ge=0, description="A longer body than this rejects the request; 0: no limit.")

    # -- access
    sender_authorised: bool = Field(True, description="The company has authorised the sender id.")
    company_expired: bool = Field(False, description="The company is an expired demo company (PL04000055).")
    session_minutes: int = Field(360, ge=0, description="Sliding life of a session.")
    denied: list[str] = Field(
        [], description="Missing rights: object names, function names, or 'create_invoice ARINVOICE'."
    )

    # -- time and load
    clock_offset_s: int = Field(0, description="Added to the machine's clock, in seconds.")
    latency_ms: int = Field(0, ge=0, description="Every request takes at least this long.")
    concurrency_limit: int = Field(0, ge=0, description="More simultaneous requests are throttled; 0: no limit.")
    throttle_status: Literal[200, 429] = Field(429, description="HTTP status of a throttled request.")
    retry_after_s: int | None = Field(None, description="Retry-After of a throttled request; null: none.")
    request_log_size: int = Field(2000, ge=1, description="How many requests are kept word for word.")
    request_log_megabytes: int = Field(128, ge=1, description="How much room the kept requests may take.")
