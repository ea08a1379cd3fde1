"""Faults to switch on, each for a number of requests or until cleared.

Around the request: `lost_before` (connection cut, nothing ran), `lost_after_commit` (cut, everything ran),
`late_commit` (cut, everything runs `ms` later), `slow` (runs after `ms`), `throttled` (GW-0010), `status_5xx`, `html`,
`empty` (the answer; nothing ran, or all with `"when": "after"`), `schema` (XL03000003, nothing ran).
Inside it: `error` (a function, the sign-in or the whole request answers `errorno`/`description2`, or what the vendor is
known to say: `"text": "period_closed"`, see `vendor_texts.py`) and
`missing_result` (a function runs but has no result; with `"when": "before"` it does not run either).
"""

import random
import threading
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.intacct.vendor_texts import VENDOR_TEXTS

FaultName = Literal[
    "lost_before",
    "lost_after_commit",
    "late_commit",
    "slow",
    "throttled",
    "status_5xx",
    "html",
    "empty",
    "schema",
    "error",
    "missing_result",
]
TRANSPORT_FAULTS = frozenset(
    {
        "lost_before",
        "lost_after_commit",
        "late_commit",
        "slow",
        "throttled",
        "status_5xx",
        "html",
        "empty",
        "schema",
    }
)


class Fault(BaseModel):
    """One fault as `POST /_sandbox/faults` takes it. `count` null: until cleared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: FaultName
    count: int | None = Field(1, ge=1)
    ms: int = Field(0, ge=0)
    function: str | None = None
    contains: str | None = None
    probability: float = Field(1.0, gt=0, le=1)
    seed: int | None = None
    status: int | None = Field(None, ge=200, le=599)
    when: Literal["before", "after"] | None = None
    level: Literal["function", "authentication", "control"] = "function"
    errorno: str = "BL01001973"
    description2: str = "There was an error processing the request."
    correction: str = ""
    text: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_the_vendor_says(cls, given: Any) -> Any:
        """Fill in number, sentence, remedy and level of an error that is named (`vendor_texts.py`)."""
        name = given.get("text") if isinstance(given, dict) else None
        if name is None:
            return given
        if name not in VENDOR_TEXTS:
            raise ValueError(f"no error is called {name!r}; known are {', '.join(VENDOR_TEXTS)}")
        return {**asdict(VENDOR_TEXTS[name]), **given}

    @property
    def runs_first(self) -> bool:
        """Whether what the fault hides has been done."""
        return self.when == "after"


@dataclass
class _Armed:
    fault: Fault
    left: int | None
    dice: random.Random


class Faults:
    """The faults that are switched on, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        """Switch a fault on."""
        with self._lock:
            self._armed.append(_Armed(fault, fault.count, random.Random(fault.seed)))

    def clear(self) -> None:
        """Switch all off."""
        with self._lock:
            self._armed.clear()

    def pending(self) -> list[dict[str, object]]:
        """Show what is switched on, with how often each will still strike."""
        with self._lock:
            return [{**armed.fault.model_dump(), "left": armed.left} for armed in self._armed]

    def armed(self, name: FaultName) -> bool:
        """Whether any fault of this name is switched on."""
        with self._lock:
            return any(armed.fault.fault == name for armed in self._armed)

    def take(
        self, names: Collection[str], functions: Sequence[str], xml: str, level: str | None = None
    ) -> Fault | None:
        """Use up one strike of the first fault that fits, and return it."""
        with self._lock:
            for armed in self._armed:
                fault = armed.fault
                fits = (
                    fault.fault in names
                    and (fault.function is None or fault.function in functions)
                    and (fault.contains is None or fault.contains in xml)
                    and (level is None or fault.level == level)
                )
                if fits and armed.dice.random() < fault.probability:
                    if armed.left is not None:
                        armed.left -= 1
                        if armed.left == 0:
                            self._armed.remove(armed)
                    return fault
        return None
