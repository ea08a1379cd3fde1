"""What the stand-in can be told to do otherwise: limits, wire quirks and every point that is uncertain.

`GET /_sandbox/settings` shows each with its meaning, `POST` changes some of them; they are kept with
the records and outlive a restart.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from sandbox.fixtures import SCORO_ENTITY

Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """All settings with their starting values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entities: list[str] = Field([SCORO_ENTITY], description="the ids that company_account_id may name")
    site_hosts: list[str] = Field([], description="host names of the site; others get HTML; empty: any")
    time_zone: str = Field("Europe/London", description="zone of the site, for stamps and day filters")
    clock_offset_s: float = Field(0, description="how far the stand-in's clock is ahead of the machine's")
    latency_ms: int = Field(0, ge=0, description="how long every API answer takes at least")

    window_limit: int = Field(40, ge=1, description="requests per window, as on the Pro plan")
    window_s: float = Field(2, gt=0, description="length of the window in seconds")
    daily_limit: int = Field(100_000, ge=0, description="requests per day, until midnight UTC")
    retry_after: bool = Field(False, description="send Retry-After with a 429")

    decimal_strings: bool = Field(True, description="numbers with places as strings; off: as numbers")
    float_noise: bool = Field(True, description="paid_sum and receivable_sum carry binary noise")
    null_arrays: bool = Field(True, description="empty id arrays are null; off: []")
    zero_dates: bool = Field(False, description="a missing date is 0000-00-00; off: null")
    html_entities: bool = Field(False, description="text comes with &amp; &lt; &#039; and the like")
    stamps: Literal["iso", "plain"] = Field("iso", description="ISO 8601 with offset, or Y-m-d H:i:s")
    status_code: Literal["mixed", "int", "string"] = Field(
        "mixed", description="type of statusCode; mixed: a string in lists and errors"
    )
    error_messages: Literal["mixed", "list", "string", "map"] = Field(
        "mixed", description="shape of messages in errors; mixed: map for a named field, else a list"
    )
    errors_with_status_200: bool = Field(False, description="errors come with HTTP 200")
    not_found_status: int = Field(404, description="HTTP status and code for a record that is not there")

    default_page_size: int = Field(50, ge=1, description="rows without per_page")
    plain_page_cap: int = Field(100, ge=1, description="most rows of a plain page")
    detailed_page_cap: int = Field(25, ge=1, description="most rows of a detailed page")
    filter_time_of_day: bool = Field(False, description="modified_date filters heed a time of day")
    include_deleted_placement: Literal["top", "request", "both"] = Field(
        "both", description="where include_deleted is heeded"
    )
    deleted_window_days: float = Field(30, ge=0, description="how long deleted records can be listed")
    bookmark_with_api_key: Literal["ignore", "apply", "reject"] = Field(
        "ignore", description="what a bookmark does in a list asked for with an apiKey"
    )
    bookmark_webhooks: bool = Field(True, description="subscriptions may name a bookmark, with a user_token")
    company_account_shape: Literal["list", "object"] = Field("list", description="data of companyAccount/list")
    receipts_view: bool = Field(False, description="receipts/view exists")

    line_based_vat: bool = Field(True, description="VAT by line; off: the document's own rate")
    header_discounts: Literal["compound", "added"] = Field(
        "compound", description="discount, discount2, discount3: one after the other, or their sum"
    )
    amount2_multiplies: bool = Field(False, description="line sum = price x amount x amount2")
    kept_lines: Literal["merge", "replace"] = Field(
        "merge", description="a line sent with its id: fields left out stay, or are reset"
    )
    document_no_settable: bool = Field(True, description="no is taken on create; off: always numbered")
    background_writes: bool = Field(True, description="financeAccounts and vatCodes can be modified")
    receipt_changes_document: bool = Field(False, description="a receipt changes its document's modified_date")
    own_writes_fire_webhooks: bool = Field(True, description="modify through the API is told to webhooks")
    file_download: Literal["binary", "base64"] = Field("binary", description="answer of files/download")
    file_relation_filter: bool = Field(False, description="files/list can be filtered by rel_type and rel_id")

    webhooks_off: bool = Field(False, description="nothing is delivered")
    webhook_lost: Share = Field(0, description="share of deliveries that never leave")
    webhook_repeated: Share = Field(0, description="share of deliveries that leave twice")
    webhook_delay_ms: int = Field(0, ge=0, description="how long a delivery waits before it leaves")
    webhook_reorder_ms: int = Field(0, ge=0, description="random extra wait, by which deliveries overtake")
    webhook_retries: int = Field(0, ge=0, description="further tries of a delivery that was not answered 200")
    webhook_timeout_s: float = Field(10, gt=0, description="how long a receiver may take to answer")
    webhook_seed: int = Field(0, description="seed of what is lost, repeated and reordered")

    def described(self) -> dict[str, dict[str, Any]]:
        """Return each setting's value, starting value, meaning and, where they are few, its choices."""
        return {
            name: {
                "value": getattr(self, name),
                "default": info.get_default(),
                "meaning": info.description,
                "choices": list(get_args(info.annotation)) if get_args(info.annotation) != (str,) else None,
            }
            for name, info in type(self).model_fields.items()
        }
