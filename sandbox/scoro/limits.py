"""Scoro's request limits: a window of some seconds and a day that ends at midnight UTC.

Counts live in memory: a restarted stand-in starts a new window and a new day.
"""

import datetime as dt
import math
import threading
from dataclasses import dataclass

from sandbox.scoro.settings import Settings

DAY_S = 86_400


@dataclass(frozen=True)
class Allowance:
    """The answer to one request: whether it may pass, and the headers that go with it."""

    passes: bool
    headers: dict[str, str]


class Limits:
    """Counts requests and says which of them pass."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Begin a new window and a new day."""
        self._window_start = 0.0
        self._in_window = 0
        self._day = 0
        self._in_day = 0

    def take(self, now: float, settings: Settings) -> Allowance:
        """Count a request made at `now` (UTC seconds)."""
        with self._lock:
            if not 0 <= now - self._window_start < settings.window_s:
                self._window_start, self._in_window = now, 0
            if self._day != int(now // DAY_S):
                self._day, self._in_day = int(now // DAY_S), 0
            passes = self._in_window < settings.window_limit and self._in_day < settings.daily_limit
            if passes:
                self._in_window += 1
                self._in_day += 1
            return Allowance(passes, self._headers(now, settings, refused=not passes))

    def _headers(self, now: float, settings: Settings, *, refused: bool) -> dict[str, str]:
        reset_s = max(1, math.ceil(self._window_start + settings.window_s - now))
        day_reset_s = math.ceil(seconds_to_midnight(now))
        headers = {
            "x-ratelimit-limit": str(settings.window_limit),
            "x-ratelimit-remaining": str(max(0, settings.window_limit - self._in_window)),
            "x-ratelimit-reset": str(reset_s),
            "x-daily-requests-limit": str(settings.daily_limit),
            "x-daily-requests-remaining": str(max(0, settings.daily_limit - self._in_day)),
            "x-daily-requests-reset": str(day_reset_s),
        }
        if refused and settings.retry_after:
            headers["retry-after"] = str(day_reset_s if self._in_day >= settings.daily_limit else reset_s)
        return headers


def seconds_to_midnight(now: float) -> float:
    """Return how long it is to the next midnight UTC."""
    midnight = dt.datetime.fromtimestamp(now, dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.timestamp() + DAY_S - now
