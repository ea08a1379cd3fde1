"""Faults that can be switched on, for requests of one module and action or for all.

  lost_before        the connection is closed without an answer; nothing ran
  lost_after_commit  the request runs, then the connection is closed without an answer
  status_5xx         HTTP 500 (or `status`) with an error envelope
  html               HTTP `status` (default 502) with an HTML page
  empty              HTTP 200 with no body
  slow               the answer comes `ms` later
  throttled          HTTP 429 with Scoro's body, `reset_s` in x-ratelimit-reset
  error              HTTP 200 with `status: "ERROR"`, `code` and `message`

status_5xx, html, empty and error run the request first if `after` is true.
"""

import threading
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FaultName = Literal["lost_before", "lost_after_commit", "status_5xx", "html", "empty", "slow", "throttled", "error"]


class Fault(BaseModel):
    """One fault; `count` requests meet it, or all until cleared if that is None."""

    model_config = ConfigDict(extra="forbid")

    fault: FaultName
    count: int | None = Field(1, ge=1)
    module: str | None = None
    action: str | None = None
    ms: int = Field(1_000, ge=0)
    status: int | None = None
    reset_s: int = Field(2, ge=0)
    code: int = 400
    message: str = "Something went wrong"
    after: bool = False

    @property
    def runs_first(self) -> bool:
        """Whether the request takes effect in spite of the fault."""
        return self.after or self.fault in {"lost_after_commit", "slow"}


class Faults:
    """The faults that are switched on, in the order in which they were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Switch a fault on."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[Fault]:
        """Return what is still to come."""
        with self._lock:
            return [fault.model_copy() for fault in self._faults]

    def take(self, module: str, action: str) -> Fault | None:
        """Return the fault that a request meets, and count it."""
        with self._lock:
            for fault in self._faults:
                if fault.module in (None, module) and fault.action in (None, action):
                    if fault.count is not None:
                        fault.count -= 1
                        if not fault.count:
                            self._faults.remove(fault)
                    return fault
        return None
