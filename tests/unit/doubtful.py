"""Operations in doubt, for the tests of look-ups."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from db.operations import Sending
from schemas.intacct.functions import Function
from schemas.kinds import Kind

NOW = datetime.now(UTC)
"""The moment that tests speak of; a suite may take many minutes."""


def doubtful(
    verb: str,
    object_name: str,
    function: Function,
    *,
    natural_key: str = "",
    party: str = "",
    total: str | None = None,
    record_no: str | None = None,
    record_state: str = "",
    previous: Function | None = None,
    first_left_at: datetime | None = None,
) -> Sending:
    """Make an operation that left a minute ago and was not answered."""
    link: Mapping[str, Any] | None = None
    if record_no is not None:
        link = {"object": object_name, "record_no": record_no, "record_state": record_state}
    operation_id = uuid.uuid4()
    return Sending(
        id=operation_id,
        document_id=1,
        kind=Kind.INVOICE,
        scoro_id=1,
        verb=verb,
        object=object_name,
        natural_key=natural_key,
        party=party,
        total=None if total is None else Decimal(total),
        function=function.model_dump(mode="json"),
        controlid=str(operation_id),
        attempts=1,
        doubted=True,
        fresh_controlids=0,
        bisect_root=None,
        needs=(),
        first_left_at=first_left_at or NOW - timedelta(minutes=1),
        certain_in_s=0.0,
        problem=None,
        link=link,
        previous=None if previous is None else previous.model_dump(mode="json"),
    )
