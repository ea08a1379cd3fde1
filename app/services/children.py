"""Child processes that do not outlive their parent, and waiting for what they do."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def dies_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """Make a `preexec_fn` that has the kernel send `death_signal` to the child when its parent is gone.

    The kernel watches the *thread* that started the child, so only single-threaded processes use this. It
    has to run after a change of user, which clears the setting; `subprocess` does so in that order.
    """
    parent = os.getpid()

    def arm() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return arm


def wait_until(condition: Callable[[], bool], timeout_s: float, step_s: float = 0.02) -> bool:
    """Wait for a condition and say whether it came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(step_s)
    return True


def tail(path: Path, lines: int = 5) -> str:
    """Return the last lines of a log for a message; a missing log is an empty one."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.strip().splitlines()[-lines:])
